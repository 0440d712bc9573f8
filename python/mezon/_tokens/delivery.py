"""Bringing one signed transfer to the node exactly once.

The node knows a transfer by the bytes its signature covers and takes it once. So the same bytes may be sent
again when an answer got lost, and nothing here ever signs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mezon._http.backoff import Backoff
from mezon._tokens.models import AddTxResponse
from mezon._tokens.transaction import SignedTransaction
from mezon.errors import (
    InvalidArgumentError,
    TokenDeliveryUnknownError,
    TokenTransferConnectionError,
    TokenTransferError,
    TokenTransferTimeoutError,
)

logger = logging.getLogger("mezon.tokens")

WINDOW_SECONDS = 45.0
"""How long after its nonce was fetched a transfer is sent again: the node takes it for about 60 s."""

_MEMORY_SECONDS = 180.0
"""How long the bytes of a transfer are remembered: longer than the node could take them."""

_DUPLICATE = "duplicate_transaction"
# Refusals that depend on the transfer alone, or that the node gives only after it has looked for a duplicate.
# Any other refusal of a copy leaves open what became of the first one.
_FINAL = frozenset(
    {
        "account_not_found",
        "insufficient_funds",
        "invalid_address",
        "invalid_amount",
        "invalid_request",
        "invalid_signature",
        "invalid_transaction",
    }
)


@dataclass(slots=True)
class _Recent:
    """Payments under way or just made whose covered bytes are the same."""

    forget_at: float
    payments: int = 0


class Delivery:
    """Sends signed transfers, and the same bytes again when the answer got lost.

    Args:
        resends: How many times the bytes are sent again at most.
        delay: Seconds before the first resend; doubled each time.
        window: Seconds after the first try in which resending makes sense.
    """

    def __init__(self, *, resends: int = 2, delay: float = 1.0, window: float = WINDOW_SECONDS) -> None:
        self.resends = resends
        self.delay = delay
        self.window = window
        self._recent: dict[bytes, _Recent] = {}

    async def deliver(
        self, transaction: SignedTransaction, send: Callable[[], Awaitable[AddTxResponse]]
    ) -> AddTxResponse:
        """Call ``send``, which posts the same bytes each time, until the node has answered.

        Raises:
            TokenDeliveryUnknownError: The node may or may not have taken the transfer.
            TokenTransferConnectionError: The node was never reached: nothing was paid.
            TokenTransferError: The node refused the request.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.window
        recent = self._remember(transaction)
        may_have_arrived = False
        for attempt in range(self.resends + 1):
            try:
                response = await send()
            except (TokenTransferConnectionError, TokenTransferTimeoutError) as error:
                may_have_arrived |= error.sent
                pause = Backoff(self.delay, WINDOW_SECONDS).wait(attempt)
                if attempt < self.resends and loop.time() + pause <= deadline:
                    logger.info("sending the same signed transfer again in %.1f s: %s", pause, error)
                    await asyncio.sleep(pause)
                    continue
                if not may_have_arrived:
                    raise
                raise _unknown(transaction, error) from error
            except TokenTransferError as error:
                # A fault of the server or a broken answer says nothing about the transfer; a 4xx does, once.
                faulty = error.status is not None and not 300 <= error.status < 500
                if may_have_arrived or faulty:
                    raise _unknown(transaction, error) from error
                raise
            except InvalidArgumentError as error:
                # The request could not be made; that holds for every copy, so none has gone out before it.
                if not may_have_arrived:
                    raise
                raise _unknown(transaction, error) from error
            except Exception as error:
                # Whatever it is, a request may have gone out before it. Its text may hold what it failed on.
                failure = _unknown(transaction, f"reading the answer failed ({type(error).__name__})")
            else:
                if response.ok or not may_have_arrived:
                    return response
                return self._judge_copy(transaction, response, recent)
            raise failure
        raise AssertionError("the last attempt returns or raises")

    def _judge_copy(
        self, transaction: SignedTransaction, response: AddTxResponse, recent: _Recent
    ) -> AddTxResponse:
        code = refusal_code(response.error)
        # Two payments with the same bytes are one to the node: which of them it took cannot be told.
        if code == _DUPLICATE and recent.payments == 1:
            logger.info("the first copy of the transfer had arrived; its hash is not known")
            return AddTxResponse(ok=True, tx_hash=response.tx_hash)
        if code in _FINAL:
            return response
        raise _unknown(transaction, response.error or "refused without a reason")

    def _remember(self, transaction: SignedTransaction) -> _Recent:
        now = asyncio.get_running_loop().time()
        for key in [key for key, recent in self._recent.items() if recent.forget_at <= now]:
            del self._recent[key]
        recent = self._recent.setdefault(transaction.signed, _Recent(forget_at=0))
        recent.forget_at = now + _MEMORY_SECONDS
        recent.payments += 1
        return recent


def refusal_code(error: str) -> str:
    """Give the code of a refusal such as ``{"code": "insufficient_funds", ...}``, or an empty string."""
    try:
        parsed = json.loads(error)
    except (ValueError, RecursionError):
        return _DUPLICATE if _DUPLICATE in error else ""
    code = parsed.get("code") if isinstance(parsed, dict) else None
    return code if isinstance(code, str) else ""


def _unknown(transaction: SignedTransaction, reason: object) -> TokenDeliveryUnknownError:
    return TokenDeliveryUnknownError(
        f"{reason}. The node may or may not have taken the transfer (nonce {transaction.tx_msg['nonce']}): "
        "look at the balance before you pay again, because another send_token is another payment"
    )
