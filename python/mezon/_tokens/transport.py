"""POST of JSON over one pooled connection, with every failure as an error of this package."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from mezon.errors import TokenTransferConnectionError, TokenTransferError, TokenTransferTimeoutError

if TYPE_CHECKING:
    import aiohttp


class JsonEndpoint:
    """One URL that takes JSON and answers JSON.

    Args:
        url: Where to post.
        timeout_ms: Milliseconds one request may take, connecting included.
        headers: Further headers, which win over the two defaults.
        session: A session to use; it stays open at :meth:`close`. Without one, a session is made at the first
            request and closed by :meth:`close`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_ms: int,
        headers: dict[str, str] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.url = url
        self.timeout_seconds = timeout_ms / 1000
        self.headers = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        self._given = session
        self._own: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def post(self, body: bytes) -> Any:
        """Sends ``body`` once and returns the parsed answer. Redirects are not followed.

        Raises:
            TokenTransferConnectionError: No connection, or it broke; ``sent`` tells which.
            TokenTransferTimeoutError: No answer in time.
            TokenTransferError: A status other than 2xx, or an answer that is no JSON; ``status`` tells which.
        """
        import aiohttp

        try:
            async with self._session().post(
                self.url,
                data=body,
                headers=self.headers,
                timeout=aiohttp.ClientTimeout(total=self.timeout_seconds),
                allow_redirects=False,
            ) as response:
                status, reason, kind = response.status, response.reason, response.content_type
                answer = await response.read()
        except TimeoutError:
            raise TokenTransferTimeoutError(
                f"Request timeout after {self.timeout_seconds:g}s: no answer from {self.url}"
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise TokenTransferConnectionError(f"Request failed: {error}", sent=False) from error
        except aiohttp.InvalidURL as error:
            raise TokenTransferConnectionError(f"Request failed: not a URL: {error}", sent=False) from error
        except (aiohttp.ClientError, OSError) as error:
            raise TokenTransferConnectionError(f"Request failed: {error or type(error).__name__}") from error
        if not 200 <= status < 300:
            raise TokenTransferError(f"HTTP {status}: {reason or 'no reason given'}", status=status)
        try:
            return json.loads(answer)
        except ValueError:
            raise TokenTransferError(
                f"HTTP {status}: the answer is no JSON ({kind})", status=status
            ) from None

    def _session(self) -> aiohttp.ClientSession:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        # A session belongs to the loop it was made on; that of an earlier asyncio.run is beyond closing.
        if self._own is None or self._own.closed or self._loop is not loop:
            import aiohttp

            self._own, self._loop = aiohttp.ClientSession(), loop
        return self._own

    async def close(self) -> None:
        """Closes the session this object made. May be called at any time and twice."""
        session, self._own = self._own, None
        if session is not None:
            await session.close()
