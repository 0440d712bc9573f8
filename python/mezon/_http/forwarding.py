"""HTTP transports over another transport: the base class, and one that records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mezon.ports import HttpAnswer, HttpExchange, HttpLane, HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from mezon.ports import HttpStream, HttpTransport

__all__ = ["ForwardingTransport", "RecordedTransport"]


class ForwardingTransport:
    """Passes everything but ``send`` on to another transport.

    Args:
        inner: The other transport.
    """

    def __init__(self, inner: HttpTransport) -> None:
        self._inner = inner

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[HttpStream]:
        """Implement `HttpTransport.stream`. Streams are passed on unchanged: they have no end."""
        return self._inner.stream(request)

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Implement `HttpTransport.hold`."""
        self._inner.hold(lane, seconds)

    async def close(self) -> None:
        """Implement `HttpTransport.close`."""
        await self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class RecordedTransport(ForwardingTransport):
    """Implements `mezon.ports.HttpTransport` and records each exchange. Without a recorder there is no such transport.

    Args:
        inner: The transport.
        record: Called with each exchange when it has ended.
    """

    def __init__(self, inner: HttpTransport, record: Callable[[HttpExchange], None]) -> None:
        super().__init__(inner)
        self._record = record

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Implement `HttpTransport.send`."""
        began = time.monotonic()
        status, body, error = 0, b"", ""
        try:
            answer = await self._inner.send(request)
            status, body = answer.status, answer.body
            return answer
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            sent = request.body.encode() if isinstance(request.body, str) else request.body
            self._record(
                HttpExchange(
                    request.name,
                    request.method,
                    urlsplit(request.url).path,
                    status,
                    time.monotonic() - began,
                    bytes(sent) if isinstance(sent, bytes | bytearray) else b"",
                    body,
                    error,
                )
            )
