"""The client of an MMN node."""

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
)
from mezon._tokens.transaction import DECIMALS, SignedTransaction, TxType, scale_amount, sign_transaction
from mezon._tokens.transport import JsonEndpoint
from mezon.errors import InvalidArgumentError, TokenTransferConnectionError, TokenTransferError
from mezon.utils.secrets import hide

if TYPE_CHECKING:
    import aiohttp

    from mezon.ports import HttpTransport

#: How much of the node's own words an error repeats.
_SHOWN = 1000

logger = logging.getLogger("mezon.tokens")

_Answer = TypeVar("_Answer", bound=BaseModel)


class MmnClient:
    """Asks an MMN node for nonces and balances, and sends signed transfers to it.

    Args:
        config: Where the node is.
        http: The transport to use. It stays open.
        session: An aiohttp session to use instead. Without both the client makes its own at the first request,
            keeps its connection and closes it with ``close``.
        delivery: How often a signed transfer is sent again when its answer got lost.
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
        """Close the connection to the node. The client may be used again afterwards."""
        await self._endpoint.close()

    def generate_ephemeral_key_pair(self) -> EphemeralKeyPair:
        """Make a new key pair from the randomness of the operating system."""
        return EphemeralKeyPair.generate()

    def get_address_from_user_id(self, user_id: int | str) -> str:
        """Give the address of a user."""
        return address_of(str(user_id))

    async def get_current_nonce(
        self, user_id: int | str, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        """Fetch the nonce of a user's account; a transfer uses ``nonce + 1``.

        Raises:
            TokenTransferError: The node could not be asked, or answered with an error.
        """
        params = {"address": self.get_address_from_user_id(user_id), "tag": tag}
        result = await self._read("account.getcurrentnonce", params)
        if isinstance(result, dict) and result.get("error"):
            raise TokenTransferError(f"the node gave no nonce for user {user_id}: {result['error']}")
        return _validated(result, GetCurrentNonceResponse)

    async def get_account_by_user_id(self, user_id: int | str) -> GetAccountByAddressResponse:
        """Fetch the account of a user, with its balance.

        Raises:
            TokenTransferError: The node could not be asked, or answered with an error.
        """
        params = {"address": self.get_address_from_user_id(user_id)}
        return _validated(await self._read("account.getaccount", params), GetAccountByAddressResponse)

    async def send_transaction(self, params: SendTransactionRequest) -> AddTxResponse:
        """Sign a transfer between two users and send it. It is signed once and never again.

        Returns:
            What the node made of it. A refusal is an answer with ``ok`` False, not an error.

        Raises:
            InvalidArgumentError: The transfer cannot be sent as it is; nothing was sent.
            TokenDeliveryUnknownError: It was sent and no answer came: it may or may not have been taken.
            TokenTransferError: The node could not be reached or refused the request; nothing was paid.
        """
        return await self._send(
            params,
            sender=self.get_address_from_user_id(params.sender),
            recipient=self.get_address_from_user_id(params.recipient),
        )

    async def send_transaction_by_address(self, params: SendTransactionRequest) -> AddTxResponse:
        """As ``send_transaction``, with addresses for ``sender`` and ``recipient``."""
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
        """Send a transfer between addresses that the key of the sender's address signs, without a proof.

        Raises:
            As ``send_transaction``.
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
        """Give the decimal string of an amount of tokens as the node counts it.

        Raises:
            InvalidArgumentError: The amount is no whole number.
        """
        return scale_amount(original_amount, decimals)

    def validate_address(self, address: str) -> bool:
        """Say whether a text is an address."""
        return isinstance(address, str) and is_address(address)

    def validate_amount(self, balance: str, amount: str) -> bool:
        """Say whether a scaled amount is covered by a balance."""
        try:
            return int(amount) <= int(balance)
        except (TypeError, ValueError):
            return False

    async def _send(self, params: SendTransactionRequest, *, sender: str, recipient: str) -> AddTxResponse:
        pair = params.private_key
        if params.public_key and params.public_key != pair.public_key:
            raise InvalidArgumentError(
                "the public key does not belong to the private key: the node would refuse it"
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
            # The node had closed an idle connection just then. Asking again changes nothing.
            answer = await self._endpoint.post(body)
        return _result(answer)

    def _body(self, method: str, params: dict[str, Any]) -> bytes:
        self._request_id += 1
        return json.dumps(
            {"jsonrpc": "2.0", "method": method, "params": params, "id": self._request_id}
        ).encode()


def _result(answer: Any, secrets: Iterable[str] = ()) -> Any:
    """Give the result of a JSON-RPC answer."""
    if not isinstance(answer, dict):
        raise TokenTransferError("HTTP 200: the answer is no JSON-RPC object", status=200)
    error = answer.get("error")
    if error:
        if not isinstance(error, dict):
            error = {"message": error}
        code, message = error.get("code", "unknown"), error.get("message", "no message")
        text = hide(f"JSON-RPC Error {code}: {message}", secrets)
        raise TokenTransferError(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
    return answer.get("result")


def _validated(result: Any, kind: type[_Answer]) -> _Answer:
    try:
        return kind.model_validate(result)
    except ValidationError as failure:
        fields = ", ".join(sorted({".".join(map(str, item["loc"])) or "result" for item in failure.errors()}))
        raise TokenTransferError(
            f"HTTP 200: the answer of the node is incomplete ({fields})", status=200
        ) from None
