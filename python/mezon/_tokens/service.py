"""Token transfers of one client: keys, proof, nonce, transfer."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mezon._core import EphemeralKeyPair
from mezon._tokens.client import MmnClient
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
from mezon._tokens.zk import ZkClient
from mezon.errors import InvalidArgumentError, TokenTransferError

if TYPE_CHECKING:
    from mezon.models import ApiSentTokenRequest
    from mezon.ports import HttpTransport

logger = logging.getLogger("mezon.tokens")


class TokenClient(Protocol):
    """What a client has so that it can pay. The service reads and sets these; a bot may replace any."""

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
    """The token transfers of ``client``, over its HTTP transport.

    ``open`` when the client has its configuration, ``prepare`` at login, ``close`` at disconnect; the other
    methods are what the client's methods of the same purpose do.
    """

    def __init__(self, client: TokenClient, http: HttpTransport | None = None) -> None:
        self._client = client
        self._http = http
        self._fetching: asyncio.Task[ZkProof] | None = None

    def open(self) -> None:
        """Make the clients of the node and the proof service, where a URL is set and none is there yet."""
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
        """Make the key pair and the address, and fetch the proof.

        A proof service that is down is logged and fails nothing: ``send_token`` asks it again.
        """
        client = self._client
        self.open()
        if client.mmn_client is None:
            return
        self._forget_fetch()
        client.zk_proof = None
        client.ephemeral_key_pair = self.new_key_pair()
        client.address = self.address_of(client.client_id)
        try:
            await self.proof()
        except Exception as error:
            # Without a proof service nobody expects a proof.
            level = logging.WARNING if client.zk_client is not None else logging.DEBUG
            logger.log(
                level, "no proof for token transfers yet (%s); the first send_token asks for it again", error
            )

    async def close(self) -> None:
        """Close the connections. May be called at any time and twice."""
        self._forget_fetch()
        for part in (self._client.mmn_client, self._client.zk_client):
            if part is not None:
                await part.close()

    def new_key_pair(self) -> EphemeralKeyPair:
        """Make a new key pair.

        Raises:
            InvalidArgumentError: The client has no MMN node.
        """
        return self._mmn().generate_ephemeral_key_pair()

    def address_of(self, user_id: int | str) -> str:
        """Give the address of a user.

        Raises:
            InvalidArgumentError: The client has no MMN node.
        """
        return self._mmn().get_address_from_user_id(user_id)

    async def current_nonce(
        self, user_id: int | str, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        """Fetch the nonce of a user's account.

        Raises:
            InvalidArgumentError: The client has no MMN node.
            TokenTransferError: The node could not be asked, or answered with an error.
        """
        return await self._mmn().get_current_nonce(user_id=user_id, tag=tag)

    async def fetch_proof(self) -> ZkProof:
        """Ask the proof service for a proof for the client's key pair; what ``client.get_zk_proof`` does.

        Raises:
            InvalidArgumentError: The client has no proof service, or is not logged in.
            TokenTransferError: The service could not be asked, or gave no proof.
        """
        client = self._client
        self.open()
        if client.zk_client is None:
            raise InvalidArgumentError("ZK client not initialized: pass zk_api_url to MezonClient")
        session = client.session_manager.get_session() if client.session_manager is not None else None
        if session is None:
            raise InvalidArgumentError("the proof service wants a session: await client.login() first")
        return await client.zk_client.get_zk_proofs(
            user_id=client.client_id,
            ephemeral_public_key=self._key_pair().public_key,
            jwt=session.id_token,
            address=self._address(),
            client_type=ZkClientType.MEZON,
        )

    async def proof(self) -> ZkProof:
        """Give the proof of the client, fetched through ``client.get_zk_proof()`` if it is not there yet.

        Callers at the same time share one fetch, and cancelling one of them cancels that one only.
        """
        if self._client.zk_proof is not None:
            return self._client.zk_proof
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch_and_keep(), name="mezon-zk-proof")
            self._fetching.add_done_callback(_look_at_result)
        fetching = self._fetching
        try:
            return await asyncio.shield(fetching)
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if fetching.cancelled() and waiting is not None and not waiting.cancelling():
                raise TokenTransferError(
                    "the client was closed or logged in again before its proof came: nothing was paid"
                ) from None
            raise

    async def send_token(self, token_event: ApiSentTokenRequest) -> AddTxResponse:
        """Pay ``token_event.amount`` tokens from the bot to ``token_event.receiver_id``.

        ``note`` is the text of the transfer. ``sender_name``, ``extra_attribute`` and the keys of
        ``mmn_extra_info`` are written beside it. ``timestamp`` (milliseconds) is now if not given. The payer
        is always the bot, whose key signs.

        Returns:
            What the node made of it. A refusal is an answer with ``ok`` False, not an error.

        Raises:
            InvalidArgumentError: Nothing was sent; the text says what is wrong.
            TokenDeliveryUnknownError: It was sent and no answer came: it may or may not have been taken.
            TokenTransferError: Nonce or proof could not be had, or the node refused; nothing was paid.
        """
        client, mmn = self._client, self._mmn()
        if token_event.sender_id is not None and str(token_event.sender_id) != str(client.client_id):
            logger.warning("send_token pays from the bot: sender_id %s is not used", token_event.sender_id)
        amount = mmn.scale_amount_to_decimals(token_event.amount)
        check_amount(amount)
        check_addresses(self._address(), mmn.get_address_from_user_id(token_event.receiver_id))
        extra_info = _extra_info(token_event, client.client_id)
        # The proof first: a nonce lasts a minute only.
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
        """Get a key pair and the proof for that very pair, also when a login changes both meanwhile."""
        while True:
            pair = self._key_pair()
            proof = await self.proof()
            if self._client.ephemeral_key_pair is pair:
                return pair, proof

    async def _fetch_and_keep(self) -> ZkProof:
        pair = self._key_pair()
        answer: Any = self._client.get_zk_proof()
        proof: ZkProof = await answer if inspect.isawaitable(answer) else answer
        if proof is None:
            raise TokenTransferError(
                "get_zk_proof gave no proof: it returns an object with proof and public_input"
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

    def _forget_fetch(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            self._fetching = None


def _extra_info(event: ApiSentTokenRequest, sender_id: int) -> ExtraInfo:
    """Give what the documented fields of a request say, in the order the node's clients write it."""
    said: dict[str, Any] = {
        "type": TransferType.TRANSFER_TOKEN.value,
        "UserSenderUsername": event.sender_name,
        "ExtraAttribute": event.extra_attribute,
        **(event.mmn_extra_info or {}),
        # Who pays whom is not the caller's to tell.
        "UserSenderId": sender_id,
        "UserReceiverId": event.receiver_id,
    }
    if not isinstance(said["type"], str):
        raise InvalidArgumentError(f"mmn_extra_info['type'] is a str, not {said['type']!r}")
    if said["UserSenderUsername"] is not None:
        said["UserSenderUsername"] = str(said["UserSenderUsername"])
    return ExtraInfo(**said)


def _look_at_result(task: asyncio.Task[ZkProof]) -> None:
    # Everyone who waited may have been cancelled; the failure is theirs to see, not the log's.
    if not task.cancelled():
        task.exception()
