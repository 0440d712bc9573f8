"""Token transfers of one client: keys, proof, nonce, transfer."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mezon._core import EphemeralKeyPair
from mezon._tokens.clients import MmnClient, ZkClient
from mezon._tokens.models import (
    AddTxResponse,
    ExtraInfo,
    GetCurrentNonceResponse,
    MmnClientConfig,
    SendTransactionRequest,
    TransferType,
    ZkClientConfig,
    ZkClientType,
    ZkProof,
)
from mezon._tokens.transaction import check_addresses, check_amount
from mezon.errors import InvalidArgumentError, TokenTransferError

if TYPE_CHECKING:
    from mezon.models import ApiSentTokenRequest
    from mezon.ports import HttpTransport

logger = logging.getLogger("mezon.tokens")


class TokenClient(Protocol):
    """The attributes of a client that the service reads and sets. A bot may replace any of them."""

    client_id: int
    mmn_api_url: str | None
    zk_api_url: str | None
    timeout_ms: int
    mmn_client: MmnClient | None
    zk_client: ZkClient | None
    ephemeral_key_pair: EphemeralKeyPair | None
    address: str | None
    zk_proof: ZkProof | None
    session_manager: Any

    async def get_zk_proof(self) -> ZkProof: ...

    async def get_current_nonce(
        self, user_id: int | str, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse: ...


class TokenService:
    """Token transfers of ``client`` over its HTTP transport.

    Call ``open`` when the client is configured, ``prepare`` at login and ``close`` at disconnect. The other methods
    implement the client's methods.
    """

    def __init__(self, client: TokenClient, http: HttpTransport | None = None) -> None:
        self._client = client
        self._http = http
        self._fetching: asyncio.Task[ZkProof] | None = None

    def open(self) -> None:
        """Create the clients of the node and the proof service if their URLs are set and they do not exist yet."""
        client = self._client
        if client.mmn_client is None and client.mmn_api_url:
            client.mmn_client = MmnClient(
                MmnClientConfig(base_url=client.mmn_api_url, timeout=client.timeout_ms), http=self._http
            )
        if client.zk_client is None and client.zk_api_url:
            client.zk_client = ZkClient(
                ZkClientConfig(endpoint=client.zk_api_url, timeout=client.timeout_ms), http=self._http
            )

    async def prepare(self) -> None:
        """Create the key pair and the address, and fetch the proof.

        A failure of the proof service is logged, not raised: ``send_token`` fetches the proof again.
        """
        client = self._client
        self.open()
        if client.mmn_client is None:
            return
        self._cancel_fetch()
        client.zk_proof = None
        client.ephemeral_key_pair = self.new_key_pair()
        client.address = self.address_of(client.client_id)
        try:
            await self.proof()
        except Exception as error:
            # Without a proof service no proof is expected.
            level = logging.WARNING if client.zk_client is not None else logging.DEBUG
            logger.log(
                level, "no proof for token transfers yet (%s); the first send_token fetches it again", error
            )

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        self._cancel_fetch()
        for part in (self._client.mmn_client, self._client.zk_client):
            if part is not None:
                await part.close()

    def new_key_pair(self) -> EphemeralKeyPair:
        """Generate a key pair.

        Raises:
            InvalidArgumentError: If the client has no MMN node.
        """
        return self._mmn().generate_ephemeral_key_pair()

    def address_of(self, user_id: int | str) -> str:
        """Return the address of a user.

        Raises:
            InvalidArgumentError: If the client has no MMN node.
        """
        return self._mmn().get_address_from_user_id(user_id)

    async def current_nonce(
        self, user_id: int | str, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        """Fetch the nonce of a user's account.

        Raises:
            InvalidArgumentError: If the client has no MMN node.
            TokenTransferError: If the node is not reachable or answers with an error.
        """
        return await self._mmn().get_current_nonce(user_id=user_id, tag=tag)

    async def fetch_proof(self) -> ZkProof:
        """Fetch a proof for the client's key pair. Implements ``client.get_zk_proof``.

        Raises:
            InvalidArgumentError: If the client has no proof service or is not logged in.
            TokenTransferError: If the service is not reachable or returns no proof.
        """
        client = self._client
        self.open()
        if client.zk_client is None:
            raise InvalidArgumentError("ZK client not initialized: pass zk_api_url to MezonClient")
        session = client.session_manager.get_session() if client.session_manager is not None else None
        if session is None:
            raise InvalidArgumentError("a proof requires a session: await client.login() first")
        return await client.zk_client.get_zk_proofs(
            user_id=client.client_id,
            ephemeral_public_key=self._key_pair().public_key,
            jwt=session.id_token,
            address=self._address(),
            client_type=ZkClientType.MEZON,
        )

    async def proof(self) -> ZkProof:
        """Return the client's proof, and fetch it with ``client.get_zk_proof()`` if there is none.

        Concurrent callers share one fetch; cancelling a caller does not cancel the fetch.
        """
        if self._client.zk_proof is not None:
            return self._client.zk_proof
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch_and_store(), name="mezon-zk-proof")
            self._fetching.add_done_callback(_retrieve_exception)
        fetching = self._fetching
        try:
            return await asyncio.shield(fetching)
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if fetching.cancelled() and waiting is not None and not waiting.cancelling():
                raise TokenTransferError(
                    "the client was closed or logged in again before the proof arrived: nothing was paid"
                ) from None
            raise

    async def send_token(self, token_event: ApiSentTokenRequest) -> AddTxResponse:
        """Pay ``token_event.amount`` tokens from the bot to ``token_event.receiver_id``.

        ``note`` is the text of the transfer. ``sender_name``, ``extra_attribute`` and the keys of
        ``mmn_extra_info`` become its additional data. ``timestamp`` (milliseconds) defaults to now. The sender is
        always the bot, whose key signs.

        Returns:
            The answer of the node. A refusal is an answer with ``ok`` False, not an error.

        Raises:
            InvalidArgumentError: If an argument is invalid; nothing was sent.
            TokenDeliveryUnknownError: If no answer arrived: the node may or may not have executed the transfer.
            TokenTransferError: If the nonce or the proof is not available or the node refuses; nothing was paid.
        """
        client, mmn = self._client, self._mmn()
        if token_event.sender_id is not None and str(token_event.sender_id) != str(client.client_id):
            logger.warning(
                "send_token always pays from the bot: sender_id %s is ignored", token_event.sender_id
            )
        amount = mmn.scale_amount_to_decimals(token_event.amount)
        check_amount(amount)
        check_addresses(self._address(), mmn.get_address_from_user_id(token_event.receiver_id))
        extra_info = _extra_info(token_event, client.client_id)
        # Fetch the proof first: a nonce is valid for a minute only.
        pair, proof = await self._credentials()
        nonce = await client.get_current_nonce(client.client_id, "pending")
        return await mmn.send_transaction(
            SendTransactionRequest(
                sender=client.client_id,
                recipient=token_event.receiver_id,
                amount=amount,
                nonce=nonce.nonce + 1,
                private_key=pair,
                zk_proof=proof.proof,
                zk_pub=proof.public_input,
                timestamp=token_event.timestamp,
                text_data=token_event.note,
                extra_info=extra_info,
            )
        )

    async def _credentials(self) -> tuple[EphemeralKeyPair, ZkProof]:
        """Return a key pair and its proof, also if a login replaces both meanwhile."""
        while True:
            pair = self._key_pair()
            proof = await self.proof()
            if self._client.ephemeral_key_pair is pair:
                return pair, proof

    async def _fetch_and_store(self) -> ZkProof:
        pair = self._key_pair()
        answer: Any = self._client.get_zk_proof()
        proof: ZkProof = await answer if inspect.isawaitable(answer) else answer
        if proof is None:
            raise TokenTransferError(
                "get_zk_proof returned no proof: return an object with proof and public_input"
            )
        if self._client.ephemeral_key_pair is pair:
            self._client.zk_proof = proof
        return proof

    def _mmn(self) -> MmnClient:
        self.open()
        client = self._client.mmn_client
        if client is None:
            raise InvalidArgumentError(
                "MMN client not initialized: token transfers need mmn_api_url, and this client has none"
            )
        return client

    def _key_pair(self) -> EphemeralKeyPair:
        if self._client.ephemeral_key_pair is None:
            self._client.ephemeral_key_pair = self.new_key_pair()
        return self._client.ephemeral_key_pair

    def _address(self) -> str:
        if self._client.address is None:
            self._client.address = self.address_of(self._client.client_id)
        return self._client.address

    def _cancel_fetch(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            self._fetching = None


def _extra_info(event: ApiSentTokenRequest, sender_id: int) -> ExtraInfo:
    """Return the additional data of a request, in the order the node's clients write it."""
    values: dict[str, Any] = {
        "type": TransferType.TRANSFER_TOKEN.value,
        "UserSenderUsername": event.sender_name,
        "ExtraAttribute": event.extra_attribute,
        **(event.mmn_extra_info or {}),
        # The caller cannot override sender and recipient.
        "UserSenderId": sender_id,
        "UserReceiverId": event.receiver_id,
    }
    if not isinstance(values["type"], str):
        raise InvalidArgumentError(f"mmn_extra_info['type'] must be a str, not {values['type']!r}")
    if values["UserSenderUsername"] is not None:
        values["UserSenderUsername"] = str(values["UserSenderUsername"])
    return ExtraInfo(**values)


def _retrieve_exception(task: asyncio.Task[ZkProof]) -> None:
    # All callers may have been cancelled; asyncio must not log the exception as never retrieved.
    if not task.cancelled():
        task.exception()
