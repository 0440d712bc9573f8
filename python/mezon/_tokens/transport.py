"""JSON over HTTP POST, with failures as errors of token transfers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mezon._http.address import host_of
from mezon._http.transport import AiohttpTransport
from mezon.errors import (
    MezonTimeoutError,
    TokenTransferConnectionError,
    TokenTransferError,
    TokenTransferTimeoutError,
)
from mezon.ports import AnswerTooLongError, HttpFailure, HttpRequest
from mezon.utils.secrets import hide

if TYPE_CHECKING:
    import aiohttp

    from mezon.ports import HttpTransport

#: Maximum length of an answer in bytes. Real answers have a few hundred.
MAX_ANSWER = 1 << 20
_SHOWN = 200


class JsonEndpoint:
    """A URL that accepts and returns JSON.

    Args:
        url: The URL.
        timeout_ms: Timeout of one request in milliseconds, including the connection.
        headers: Additional headers; they override the defaults.
        http: The transport to use; ``close`` does not close it.
        session: An aiohttp session to use instead; ``close`` does not close it either. Without both, the endpoint
            creates and closes its own transport.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_ms: int,
        headers: dict[str, str] | None = None,
        http: HttpTransport | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.url = url
        self.timeout_seconds = timeout_ms / 1000
        self.headers = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        self._http = http or AiohttpTransport(session=session)
        self._owned = http is None

    async def post(self, body: bytes, secrets: Iterable[str] = ()) -> Any:
        """Send ``body`` once and return the parsed answer. Redirects are not followed.

        Args:
            secrets: Strings to mask in errors, in case the server sends them back.

        Raises:
            TokenTransferConnectionError: If there is no connection or it breaks; ``sent`` tells which.
            TokenTransferTimeoutError: If no answer arrives in time.
            TokenTransferError: If the status is not 2xx, or the answer is not JSON or too long; ``status`` tells
                which.
        """
        request = HttpRequest(
            "tokens",
            "POST",
            self.url,
            dict(self.headers),
            body=body,
            timeout=self.timeout_seconds,
            max_answer=MAX_ANSWER,
        )
        try:
            answer = await self._http.send(request)
        except MezonTimeoutError:
            raise TokenTransferTimeoutError(
                # Path and query of a node's URL may contain a key.
                f"Request timeout after {self.timeout_seconds:g}s: no answer from {host_of(self.url) or 'the server'}"
            ) from None
        except HttpFailure as error:
            raise TokenTransferConnectionError(f"Request failed: {error.reason}", sent=error.sent) from None
        except AnswerTooLongError as error:
            status = error.answer.status
            raise TokenTransferError(
                f"HTTP {status}: the answer is longer than {MAX_ANSWER} bytes", status=status
            ) from None
        status = answer.status
        if not 200 <= status < 300:
            reason = hide(answer.reason, secrets)[:_SHOWN] or "no reason given"
            raise TokenTransferError(f"HTTP {status}: {reason}", status=status)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            kind = answer.headers.get("Content-Type", "").partition(";")[0][:_SHOWN] or "no type"
            failure = TokenTransferError(
                f"HTTP {status}: the answer is not JSON ({hide(kind, secrets)})", status=status
            )
        # Raised outside the block: a JSON error holds the whole text.
        raise failure

    async def close(self) -> None:
        """Close the transport that this endpoint created. Idempotent."""
        if self._owned:
            await self._http.close()
