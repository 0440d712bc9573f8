"""The aiohttp session of an event loop, and the failures of its requests. Imported with the first request."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import weakref
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp

from mezon._http.address import host_of, server_of
from mezon.errors import InvalidArgumentError, MezonError, MezonTimeoutError
from mezon.ports import HttpFailure, HttpRequest
from mezon.utils.process import ProcessGuard

__all__ = ["LoopSession", "failure_of", "wrong_address"]

#: Sessions inherited by a forked child, which must not use their descriptors or loop, not even to close them.
_inherited: list[Any] = []


async def _keep(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    # asyncio.run closes open async generators at its end, so this generator closes the session of a program that
    # never calls close().
    try:
        yield
    finally:
        await session.close()


class LoopSession:
    """The session of one event loop, closed with the loop at the latest."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ssl_context: ssl.SSLContext | None) -> None:
        self.loop = loop
        connector = aiohttp.TCPConnector(ssl=True if ssl_context is None else ssl_context)
        self.session = aiohttp.ClientSession(connector=connector)
        self._keeper = _keep(self.session)
        process = ProcessGuard()
        process.begin()
        # Keeps the session alive after a client that was dropped without a close.
        self._finalizer = weakref.finalize(self, _abandon, loop, self.session, self._keeper, process)
        self._finalizer.atexit = False

    async def open(self) -> None:
        """Register the session with the loop, which closes it at its end."""
        await anext(self._keeper)

    async def close(self) -> None:
        """Close the session. Called on its loop."""
        self._finalizer.detach()
        await self.session.close()
        with contextlib.suppress(RuntimeError):  # the loop is closing it
            await self._keeper.aclose()

    def drop(self) -> None:
        """Close the session of a closed loop."""
        self._finalizer.detach()
        _drop(self.session)


def _drop(session: aiohttp.ClientSession) -> None:
    if session.closed:
        return
    closing = session.close()
    with contextlib.suppress(StopIteration, RuntimeError):
        for _ in range(10):  # it does not suspend once the loop is closed
            closing.send(None)
    closing.close()


def _abandon(
    loop: asyncio.AbstractEventLoop,
    session: aiohttp.ClientSession,
    keeper: AsyncGenerator[None, None],
    process: ProcessGuard,
) -> None:
    """Close a session without references. Called by the garbage collector in any thread.

    A running loop finalizes the generator after this call, which closes the session.
    """
    if process.elsewhere:
        _inherited.append((session, keeper))
    elif loop.is_closed():
        _drop(session)


# ---- failures


def failure_of(
    error: Exception, request: HttpRequest, *, closed: bool = False, reading: bool = False
) -> MezonError:
    """Return the failure for an exception of aiohttp or of the system. Its text has no header, query or body.

    Args:
        error: The exception.
        request: The request.
        closed: Whether the session was closed in the meantime.
        reading: Whether the response had begun.
    """
    name, host = request.name, host_of(request.url) or "the server"
    if isinstance(error, TimeoutError):
        return _timeout(request, host, reading)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        detail = str(error.certificate_error)
        return HttpFailure(
            f"{name}: the certificate of {host} is not trusted ({detail}); for a server"
            # Must match the advice of src/gateway/transport/tls.rs.
            " with a certificate of its own name its CA: GatewayOptions(ca_file=...), or take any"
            " certificate: GatewayOptions(insecure=True)",
            reason=f"the certificate of {host} is not trusted ({detail})",
            sent=False,
            lasting=True,
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        # The text of this error contains only host and port.
        return HttpFailure(
            f"{name}: cannot connect to {server_of(request.url) or host} ({error.strerror or error});"
            " check host, port, use_ssl and the network",
            reason=str(error),
            sent=False,
        )
    if isinstance(error, aiohttp.InvalidURL):
        return wrong_address(request, "it is not a URL")
    if isinstance(error, aiohttp.ClientResponseError):
        return HttpFailure(
            f"{name}: the response of {host} is not valid HTTP; check host, port and use_ssl",
            reason=f"no valid HTTP response from {host}",
            sent=True,
            lasting=True,
        )
    if closed and type(error) is RuntimeError:
        return HttpFailure(
            f"{name}: the HTTP client was closed; log in again",
            reason="the HTTP client was closed",
            sent=False,
            lasting=True,
        )
    if isinstance(error, TypeError):
        return InvalidArgumentError(
            f"{name}: a header, a parameter or the body has a type that HTTP does not support"
        )
    # The texts of these errors may contain headers or the URL.
    kind = type(error).__name__
    what = f"{kind}: {error.strerror}" if isinstance(error, OSError) and error.strerror else kind
    return HttpFailure(
        f"{name}: the connection to {host} was lost ({what}); try again",
        reason=f"connection lost ({what})",
        sent=True,
    )


def _timeout(request: HttpRequest, host: str, reading: bool) -> MezonTimeoutError:
    if reading:
        return MezonTimeoutError(f"{request.name}: no data from {host} for {request.read_timeout or 0:g} s")
    # Without a timeout of the request, the operating system timed out.
    seconds = request.named_timeout or request.timeout
    within = "" if request.timeout is None else f" within {seconds:g} s"
    return MezonTimeoutError(
        f"{request.name}: no answer from {host}{within}; try again, or raise the client's timeout"
        " (milliseconds) if the network is slow"
    )


def wrong_address(request: HttpRequest, why: str) -> HttpFailure:
    """Return the failure of a request with an invalid URL."""
    return HttpFailure(
        f"{request.name}: the server's address cannot be used ({why}); check host and port",
        reason=f"invalid URL: {why}",
        sent=False,
        lasting=True,
    )
