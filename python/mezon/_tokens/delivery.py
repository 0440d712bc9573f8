"""Delivery of a signed transfer to the node exactly once.

The node identifies a transfer by the signed bytes and executes it once. The same bytes can therefore be sent again if
an answer is lost. This module never signs.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mezon._tokens.models import AddTxResponse
from mezon._tokens.transaction import SignedTransaction
from mezon.errors import (
    InvalidArgumentError,
    TokenDeliveryUnknownError,
    TokenTransferConnectionError,
    TokenTransferError,
    TokenTransferTimeoutError,
)
from mezon.utils.backoff import Backoff

logger = logging.getLogger("mezon.tokens")

WINDOW_SECONDS = 45.0
"""Seconds after the first attempt in which a transfer is resent; the node accepts its nonce for about 60 s."""

_MEMORY_SECONDS = 180.0
"""Seconds for which a transfer is remembered: longer than the node accepts it."""

_DUPLICATE = "duplicate_transaction"
# Refusals that depend on the transfer only, or that the node returns only after its check for duplicates.
# Any other refusal of a resent copy does not tell what happened to the first copy.
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
    """Recent payments with the same signed bytes."""

    expires_at: float
    payments: int = 0


class Delivery:
    """Send signed transfers, and resend the same bytes if the answer is lost.

    Args:
        resends: Maximum number of resends.
        delay: Seconds before the first resend; doubled for each further one.
        window: Seconds after the first attempt in which a transfer is resent.
    """

    def __init__(self, *, resends: int = 2, delay: float = 1.0, window: float = WINDOW_SECONDS) -> None:
        self.resends = resends
        self.delay = delay
        self.window = window
        self._recent: dict[bytes, _Recent] = {}

    async def deliver(
        self, transaction: SignedTransaction, send: Callable[[], Awaitable[AddTxResponse]]
    ) -> AddTxResponse:
        """Call ``send``, which posts the same bytes each time, until the node answers.

        Raises:
            TokenDeliveryUnknownError: If the node may or may not have executed the transfer.
            TokenTransferConnectionError: If the node was never reached; nothing was paid.
            TokenTransferError: If the node refused the request.
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
                    logger.info("resending the signed transfer in %.1f s: %s", pause, error)
                    await asyncio.sleep(pause)
                    continue
                if not may_have_arrived:
                    raise
                raise _unknown(transaction, error) from error
            except TokenTransferError as error:
                # A server error or an invalid answer leaves the outcome open; a 4xx of the first copy does not.
                inconclusive = error.status is not None and not 300 <= error.status < 500
                if may_have_arrived or inconclusive:
                    raise _unknown(transaction, error) from error
                raise
            except InvalidArgumentError as error:
                # The request cannot be built, which is true for each copy: no earlier copy was sent.
                if not may_have_arrived:
                    raise
                raise _unknown(transaction, error) from error
            except Exception as error:
                # A request may have been sent before the error. Its message may contain secrets, so it is left out.
                failure = _unknown(transaction, f"reading the answer failed ({type(error).__name__})")
            else:
                if response.ok or not may_have_arrived:
                    return response
                return self._outcome_of_resend(transaction, response, recent)
            raise failure
        raise AssertionError("the last attempt returns or raises")

    def _outcome_of_resend(
        self, transaction: SignedTransaction, response: AddTxResponse, recent: _Recent
    ) -> AddTxResponse:
        code = refusal_code(response.error)
        # The node treats two payments with the same bytes as one, so the executed one is unknown.
        if code == _DUPLICATE and recent.payments == 1:
            logger.info("the first copy of the transfer had arrived; its hash is unknown")
            return AddTxResponse(ok=True, tx_hash=response.tx_hash)
        if code in _FINAL:
            return response
        raise _unknown(transaction, response.error or "refused without a reason")

    def _remember(self, transaction: SignedTransaction) -> _Recent:
        now = asyncio.get_running_loop().time()
        for key in [key for key, recent in self._recent.items() if recent.expires_at <= now]:
            del self._recent[key]
        recent = self._recent.setdefault(transaction.signed, _Recent(expires_at=0))
        recent.expires_at = now + _MEMORY_SECONDS
        recent.payments += 1
        return recent


def refusal_code(error: str) -> str:
    """Return the code of a refusal such as ``{"code": "insufficient_funds", ...}``, or an empty string."""
    try:
        parsed = json.loads(error)
    except (ValueError, RecursionError):
        return _DUPLICATE if _DUPLICATE in error else ""
    code = parsed.get("code") if isinstance(parsed, dict) else None
    return code if isinstance(code, str) else ""


def _unknown(transaction: SignedTransaction, reason: object) -> TokenDeliveryUnknownError:
    return TokenDeliveryUnknownError(
        f"{reason}. The node may or may not have executed the transfer (nonce {transaction.tx_msg['nonce']}): "
        "check the balance before you pay again, because another send_token is another payment"
    )
