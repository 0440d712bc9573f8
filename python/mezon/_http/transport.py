"""The HTTP transport of a client: one aiohttp session for each loop, TLS settings, and the limiters of the lanes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import re
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from mezon._http.address import check_address
from mezon._http.limiter import Limiter, Priority, current_priority
from mezon._http.reply import read_whole
from mezon.errors import InvalidArgumentError, MezonConnectionError
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpLane, HttpRequest, HttpStream
from mezon.utils.own_thread import in_a_thread

if TYPE_CHECKING:
    import aiohttp

    from mezon._http.session import LoopSession

__all__ = ["AiohttpTransport"]

logger = logging.getLogger("mezon.http")

_READ_BYTES = 1 << 16
_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class AiohttpTransport:
    """Implements `mezon.ports.HttpTransport` with aiohttp, which is imported with the first request.

    A session belongs to an event loop, so each loop that sends has its own. Redirects are not followed, because they
    could forward the token to another host.

    Args:
        limiter: The rate limit of calls; None for no limit.
        login_limiter: The rate limit of logins, by default ``limiter``.
        ca_file: A PEM file of additional CA certificates to trust.
        ssl_context: Custom TLS settings.
        insecure: Accept any certificate.
        session: A session to use, which stays open at `close`.
    """

    def __init__(
        self,
        *,
        limiter: Limiter | None = None,
        login_limiter: Limiter | None = None,
        ca_file: str | PathLike[str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        insecure: bool = False,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._limits = {HttpLane.API: limiter, HttpLane.LOGIN: login_limiter or limiter}
        self._ca_file = ca_file
        self._insecure = insecure
        self._context = ssl_context
        self._given = session
        self._sessions: dict[asyncio.AbstractEventLoop, LoopSession] = {}
        #: The number of requests in progress.
        self._active: Counter[aiohttp.ClientSession] = Counter()
        #: Whether the transport was closed and no login followed: requests then leave no session open.
        self._closed = False
        self._lock = threading.Lock()

    @property
    def sessions(self) -> int:
        """The number of open sessions: none before the first request, then one for each loop."""
        return sum(not current.session.closed for current in self._sessions.values())

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a rate limit. Safe to read on any thread."""
        return sum(limiter.waiting for limiter in {*self._limits.values()} if limiter is not None)

    async def session(self) -> aiohttp.ClientSession:
        """Return the session of the running loop. It is opened on first use."""
        if self._given is not None:
            return self._given
        from mezon._http.session import LoopSession

        loop = asyncio.get_running_loop()
        with self._lock:
            current = self._sessions.get(loop)
            if current is not None and not current.session.closed:
                return current.session
            if self._context is None:
                self._context = context_for(self._ca_file, self._insecure)
            dead = [self._sessions.pop(old) for old in list(self._sessions) if old.is_closed()]
            current = self._sessions[loop] = LoopSession(loop, self._context)
        for stale in dead:
            stale.drop()
        await current.open()
        return current.session

    async def close(self) -> None:
        """Fail the waiting calls, and close the sessions of all loops.

        A later request opens a session that is closed after the last concurrent request. A login reopens the transport.
        """
        self._closed = True
        for limiter in self._limits.values():
            if limiter is not None:
                limiter.fail(
                    self,
                    lambda: MezonConnectionError(
                        "the HTTP client was closed while the call was waiting for the rate limit"
                    ),
                )
        loop = asyncio.get_running_loop()
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), {}
        for current in sessions:
            if current.loop is loop:
                await current.close()
            elif current.loop.is_closed():
                current.drop()
            else:
                closing = current.close()
                try:
                    asyncio.run_coroutine_threadsafe(closing, current.loop)
                except RuntimeError:  # closed in the meantime
                    closing.close()
                    current.drop()

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Pause this lane for ``seconds``."""
        limiter = self._limits.get(lane)
        if limiter is not None:
            limiter.hold(seconds)

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """Implement `mezon.ports.HttpTransport.send`."""
        await _load()
        from mezon._http.session import failure_of

        _check(request)
        async with self._turn(request) as session:
            try:
                async with self._request(session, request, total=request.timeout) as response:
                    return await read_whole(response, request)
            except (AnswerTooLongError, InvalidArgumentError):
                raise
            except Exception as error:
                failure = failure_of(error, request, closed=session.closed)
            # Raised outside of the block: the error of aiohttp contains the headers, and must not be its context.
            raise failure

    @contextlib.asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpStream]:
        """Implement `mezon.ports.HttpTransport.stream`."""
        await _load()
        from mezon._http.session import failure_of

        _check(request)
        async with self._turn(request) as session:
            try:
                async with asyncio.timeout(request.timeout):
                    response = await self._request(session, request, sock_read=request.read_timeout)
            except InvalidArgumentError:
                raise
            except Exception as error:
                failure = failure_of(error, request, closed=session.closed)
            else:
                async with response:
                    _keep_alive(response)
                    yield _Stream(response, request)
                return
            raise failure

    @contextlib.asynccontextmanager
    async def _turn(self, request: HttpRequest) -> AsyncIterator[aiohttp.ClientSession]:
        """Wait for the rate limit, and yield the session to use."""
        limiter = self._limits.get(request.lane)
        if limiter is not None:
            if request.ticket is None:
                priority = current_priority() if request.priority is None else Priority(request.priority)
                request.ticket = limiter.ticket(priority)
            await limiter.acquire(request.ticket, self)
        if request.on_turn is not None:
            request.on_turn()
        if request.lane is HttpLane.LOGIN:
            self._closed = False
        session = await self.session()
        self._active[session] += 1
        try:
            yield session
        finally:
            self._active[session] -= 1
            if not self._active[session]:
                del self._active[session]
                if self._closed:
                    await self._close_idle(session)

    async def _close_idle(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            current = self._sessions.get(loop)
            if current is None or current.session is not session:
                return
            del self._sessions[loop]
        await current.close()

    def _request(
        self,
        session: aiohttp.ClientSession,
        request: HttpRequest,
        *,
        total: float | None = None,
        sock_read: float | None = None,
    ) -> Any:
        import aiohttp
        from yarl import URL

        return session.request(
            request.method,
            URL(request.url, encoded=request.exact),
            params=request.params or None,
            data=request.body,
            headers=request.headers,
            timeout=aiohttp.ClientTimeout(total=total, sock_read=sock_read),
            allow_redirects=False,
        )


class _Stream:
    """Implements `mezon.ports.HttpStream` over a response of aiohttp."""

    def __init__(self, response: aiohttp.ClientResponse, request: HttpRequest) -> None:
        self._response = response
        self._request = request

    @property
    def status(self) -> int:
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        from mezon._http.session import failure_of

        pieces = self._response.content.iter_chunked(_READ_BYTES)
        while True:
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except Exception as error:
                failure = failure_of(error, self._request, reading=True)
            else:
                yield piece
                continue
            raise failure


async def _load() -> None:
    """Import aiohttp in a thread, once: it takes 0.1 s, and up to 1 s on a busy machine."""
    if "mezon._http.session" not in sys.modules:
        await in_a_thread(partial(importlib.import_module, "mezon._http.session"))


def _check(request: HttpRequest) -> None:
    """Validate a request before it is sent."""
    from mezon._http.session import wrong_address

    try:
        check_address(request.url, ("https", "http"))
    except ValueError as error:
        raise wrong_address(request, str(error)) from None
    for name, value in request.headers.items():
        if _ENDS_A_LINE.search(name) or _ENDS_A_LINE.search(str(value)):
            raise InvalidArgumentError(f"{request.name}: the {name!r} header contains a line break")


def _keep_alive(response: aiohttp.ClientResponse) -> None:
    """Enable TCP keepalive, to detect a dead peer of a stream without traffic."""
    connection = response.connection
    transport = connection.transport if connection is not None else None
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    except OSError:
        logger.debug("TCP keepalive is not available on this connection")


def context_for(ca_file: str | PathLike[str] | None, insecure: bool) -> ssl.SSLContext | None:
    """Return the TLS settings for an additional CA file, or for any certificate; None for the defaults.

    Raises:
        InvalidArgumentError: If the file cannot be read.
    """
    if not insecure and ca_file is None:
        return None
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise InvalidArgumentError(
            f"ca_file: {ca_file} cannot be read as PEM certificates: {error}"
        ) from error
    return context
