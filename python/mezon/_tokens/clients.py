"""The clients of an MMN node and of the proof service."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from mezon._core import EphemeralKeyPair, address_of, is_address
from mezon._tokens.delivery import Delivery
from mezon._tokens.models import (
    AddTxResponse,
    ExtraInfo,
    GetAccountByAddressResponse,
    GetCurrentNonceResponse,
    MmnClientConfig,
    SendTransactionRequest,
    ZkClientConfig,
    ZkClientType,
    ZkProof,
)
from mezon._tokens.transaction import DECIMALS, SignedTransaction, TxType, scale_amount, sign_transaction
from mezon._tokens.transport import JsonEndpoint
from mezon.errors import InvalidArgumentError, TokenTransferConnectionError, TokenTransferError
from mezon.utils.secrets import hide, masked

if TYPE_CHECKING:
    import aiohttp

    from mezon.ports import HttpTransport

#: Maximum length of a node's message in an error.
_MAX_ERROR_TEXT = 1000

logger = logging.getLogger("mezon.tokens")

_Answer = TypeVar("_Answer", bound=BaseModel)


class MmnClient:
    """Client of an MMN node: nonces, balances and signed transfers.

    Args:
        config: The address of the node.
        http: The transport to use; it is not closed.
        session: An aiohttp session to use instead; it is not closed either. Without both, the client creates its own
            transport at the first request, keeps the connection and closes it in ``close``.
        delivery: The policy for resending a signed transfer whose answer was lost.
    """

    def __init__(
        self,
        config: MmnClientConfig,
        *,
        http: HttpTransport | None = None,
        session: aiohttp.ClientSession | None = None,
        delivery: Delivery | None = None,
    ) -> None:
        self.config = config
        self.base_url: str = config.base_url.rstrip("/")
        self._endpoint = JsonEndpoint(
            self.base_url, timeout_ms=config.timeout, headers=config.headers, http=http, session=session
        )
        self._delivery = delivery or Delivery()
        self._request_id = 0

    async def close(self) -> None:
        """Close the connection to the node. The client can be used again afterwards."""
        await self._endpoint.close()

    def generate_ephemeral_key_pair(self) -> EphemeralKeyPair:
        """Generate a key pair with the random source of the operating system."""
        return EphemeralKeyPair.generate()

    def get_address_from_user_id(self, user_id: int | str) -> str:
        """Return the address of a user."""
        return address_of(str(user_id))

    async def get_current_nonce(
        self, user_id: int | str, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        """Fetch the nonce of a user's account. A transfer uses ``nonce + 1``.

        Raises:
            TokenTransferError: If the node is not reachable or answers with an error.
        """
        params = {"address": self.get_address_from_user_id(user_id), "tag": tag}
        result = await self._read("account.getcurrentnonce", params)
        if isinstance(result, dict) and result.get("error"):
            raise TokenTransferError(f"the node returned no nonce for user {user_id}: {result['error']}")
        return _validated(result, GetCurrentNonceResponse)

    async def get_account_by_user_id(self, user_id: int | str) -> GetAccountByAddressResponse:
        """Fetch a user's account with its balance.

        Raises:
            TokenTransferError: If the node is not reachable or answers with an error.
        """
        params = {"address": self.get_address_from_user_id(user_id)}
        return _validated(await self._read("account.getaccount", params), GetAccountByAddressResponse)

    async def send_transaction(self, params: SendTransactionRequest) -> AddTxResponse:
        """Sign a transfer between two users once, and send it.

        Returns:
            The answer of the node. A refusal is an answer with ``ok`` False, not an error.

        Raises:
            InvalidArgumentError: If the transfer is invalid; nothing was sent.
            TokenDeliveryUnknownError: If no answer arrived: the node may or may not have executed the transfer.
            TokenTransferError: If the node is not reachable or refuses the request; nothing was paid.
        """
        return await self._send(
            params,
            sender=self.get_address_from_user_id(params.sender),
            recipient=self.get_address_from_user_id(params.recipient),
        )

    async def send_transaction_by_address(self, params: SendTransactionRequest) -> AddTxResponse:
        """Send a transfer like ``send_transaction``, with addresses as ``sender`` and ``recipient``."""
        return await self._send(params, sender=str(params.sender), recipient=str(params.recipient))

    async def send_transaction_by_private_key(
        self,
        sender: str,
        recipient: str,
        amount: str,
        nonce: int,
        private_key: str | EphemeralKeyPair,
        timestamp: int | None = None,
        text_data: str | None = None,
        extra_info: ExtraInfo | None = None,
    ) -> AddTxResponse:
        """Send a transfer between addresses, signed with the key of the sender's address and without a proof.

        Raises:
            The errors of ``send_transaction``.
        """
        pair = private_key if isinstance(private_key, EphemeralKeyPair) else EphemeralKeyPair(private_key)
        return await self._add_tx(
            sign_transaction(
                pair,
                tx_type=TxType.PRIVATE_KEY,
                sender=sender,
                recipient=recipient,
                amount=amount,
                nonce=nonce,
                text_data=text_data,
                extra_info=extra_info,
                timestamp=timestamp,
            )
        )

    def scale_amount_to_decimals(self, original_amount: int | str, decimals: int = DECIMALS) -> str:
        """Return an amount of tokens in the node's unit, as a decimal string.

        Raises:
            InvalidArgumentError: If the amount is not a whole number.
        """
        return scale_amount(original_amount, decimals)

    def validate_address(self, address: str) -> bool:
        """Return whether a string is an address."""
        return isinstance(address, str) and is_address(address)

    def validate_amount(self, balance: str, amount: str) -> bool:
        """Return whether a balance covers a scaled amount."""
        try:
            return int(amount) <= int(balance)
        except (TypeError, ValueError):
            return False

    async def _send(self, params: SendTransactionRequest, *, sender: str, recipient: str) -> AddTxResponse:
        pair = params.private_key
        if params.public_key and params.public_key != pair.public_key:
            raise InvalidArgumentError(
                "public_key does not match private_key: the node would refuse the transfer"
            )
        return await self._add_tx(
            sign_transaction(
                pair,
                tx_type=TxType.TRANSFER,
                sender=sender,
                recipient=recipient,
                amount=params.amount,
                nonce=params.nonce,
                text_data=params.text_data,
                extra_info=params.extra_info,
                zk_proof=params.zk_proof,
                zk_pub=params.zk_pub,
                timestamp=params.timestamp,
            )
        )

    async def _add_tx(self, transaction: SignedTransaction) -> AddTxResponse:
        body = self._body("tx.addtx", transaction.params())
        message = transaction.tx_msg
        logger.debug("transfer %s to %s, nonce %s", message["sender"], message["recipient"], message["nonce"])

        secrets = (message["zk_proof"], message["zk_pub"])

        async def send() -> AddTxResponse:
            return _validated(_result(await self._endpoint.post(body, secrets), secrets), AddTxResponse)

        return await self._delivery.deliver(transaction, send)

    async def _read(self, method: str, params: dict[str, Any]) -> Any:
        body = self._body(method, params)
        try:
            answer = await self._endpoint.post(body)
        except TokenTransferConnectionError as error:
            if not error.sent:
                raise
            # The node closed an idle connection. Reading is idempotent, so ask again once.
            answer = await self._endpoint.post(body)
        return _result(answer)

    def _body(self, method: str, params: dict[str, Any]) -> bytes:
        self._request_id += 1
        return json.dumps(
            {"jsonrpc": "2.0", "method": method, "params": params, "id": self._request_id}
        ).encode()


class ZkClient:
    """Client of the proof service. A proof lets an ephemeral key sign transfers of a user.

    Args:
        config: The address of the service.
        http: The transport to use; it is not closed.
        session: An aiohttp session to use instead; it is not closed either. Without both, the client creates its own
            transport at the first request and closes it in ``close``.
    """

    def __init__(
        self,
        config: ZkClientConfig,
        *,
        http: HttpTransport | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.config = config
        self.endpoint: str = config.endpoint.rstrip("/")
        self._prove = JsonEndpoint(
            f"{self.endpoint}/prove",
            timeout_ms=config.timeout,
            headers=config.headers,
            http=http,
            session=session,
        )

    async def close(self) -> None:
        """Close the connection to the service. The client can be used again afterwards."""
        await self._prove.close()

    async def get_zk_proofs(
        self,
        user_id: int | str,
        ephemeral_public_key: str,
        jwt: str | None,
        address: str,
        client_type: ZkClientType = ZkClientType.MEZON,
    ) -> ZkProof:
        """Fetch the proof for a key pair and a session.

        Args:
            user_id: The sender of the transfers.
            ephemeral_public_key: The public key of the pair, in base58.
            jwt: The ``id_token`` of the session.
            address: The address of the user.
            client_type: The kind of client that asks.

        Raises:
            TokenTransferError: If the service is not reachable or returns no proof.
        """
        request = {
            "user_id": user_id,
            "ephemeral_pk": ephemeral_public_key,
            "jwt": jwt,
            "address": address,
            "client_type": ZkClientType(client_type).value,
        }
        answer = await self._prove.post(masked(json.dumps(request).encode()), (jwt or "",))
        try:
            return ZkProof.model_validate(answer.get("data") if isinstance(answer, dict) else None)
        except ValidationError:
            raise TokenTransferError("HTTP 200: the proof service returned no proof", status=200) from None


def _result(answer: Any, secrets: Iterable[str] = ()) -> Any:
    """Return the result of a JSON-RPC answer."""
    if not isinstance(answer, dict):
        raise TokenTransferError("HTTP 200: the answer is not a JSON-RPC object", status=200)
    error = answer.get("error")
    if error:
        if not isinstance(error, dict):
            error = {"message": error}
        code, message = error.get("code", "unknown"), error.get("message", "no message")
        text = hide(f"JSON-RPC Error {code}: {message}", secrets)
        raise TokenTransferError(text if len(text) <= _MAX_ERROR_TEXT else text[:_MAX_ERROR_TEXT] + "...")
    return answer.get("result")


def _validated(result: Any, kind: type[_Answer]) -> _Answer:
    try:
        return kind.model_validate(result)
    except ValidationError as failure:
        fields = ", ".join(sorted({".".join(map(str, item["loc"])) or "result" for item in failure.errors()}))
        raise TokenTransferError(
            f"HTTP 200: the answer of the node is incomplete ({fields})", status=200
        ) from None
