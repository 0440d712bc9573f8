"""POST of JSON, with every failure as an error of token transfers."""

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

#: The longest answer of a node or a proof service that is read, in bytes. A real one has a few hundred.
MAX_ANSWER = 1 << 20
_SHOWN = 200


class JsonEndpoint:
    """One URL that takes JSON and answers JSON.

    Args:
        url: Where to post.
        timeout_ms: Milliseconds one request may take, connecting included.
        headers: Further headers, which win over the two defaults.
        http: The transport to use; it stays open at ``close``.
        session: An aiohttp session to use instead; it stays open too. Without both, a transport is made and closed
            here.
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
            secrets: What must not show in an error, even if the other side sends it back.

        Raises:
            TokenTransferConnectionError: No connection, or it broke; ``sent`` tells which.
            TokenTransferTimeoutError: No answer in time.
            TokenTransferError: A status other than 2xx, or an answer that is no JSON or is too long; ``status``
                tells which.
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
                # Path and query of a node's URL may be a key.
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
                f"HTTP {status}: the answer is no JSON ({hide(kind, secrets)})", status=status
            )
        # Out of the block: a JSON error holds the whole text.
        raise failure

    async def close(self) -> None:
        """Close the transport this object made. May be called at any time and twice."""
        if self._owned:
            await self._http.close()
