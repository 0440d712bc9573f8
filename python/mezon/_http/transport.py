"""The HTTP transport of a client: one pooled aiohttp session, its TLS settings, and the limits of its lanes."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import io
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from mezon._http.address import check_address
from mezon._http.limiter import Limiter, Priority, current_priority
from mezon._http.log import logger
from mezon._http.tls import context_for
from mezon.errors import InvalidArgumentError, MezonConnectionError
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpLane, HttpRequest, HttpStream
from mezon.utils.own_thread import in_a_thread

if TYPE_CHECKING:
    import ssl

    import aiohttp

    from mezon._http.pool import Pool

__all__ = ["AiohttpTransport", "read_whole"]

_READ_BYTES = 1 << 16
_ENDS_A_LINE = re.compile(r"[\r\n\0]")
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class AiohttpTransport:
    """`mezon.ports.HttpTransport` by aiohttp, which is imported with the first request.

    A session belongs to an event loop, so there is one for each loop that sends. It follows no redirect, since
    that could carry the token to another host.

    Args:
        limiter: The limit of the bot's calls; None for none.
        login_limiter: That of logins, by default the same.
        ca_file: A file of CA certificates to trust beside the system's.
        ssl_context: The TLS settings to use instead.
        insecure: Take any certificate.
        session: A session of the caller's to use; it stays open at `close`.
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
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}
        #: Requests under way.
        self._busy: Counter[aiohttp.ClientSession] = Counter()
        #: Closed, and no login since: what is sent now leaves nothing open.
        self._over = False
        self._lock = threading.Lock()

    @property
    def sessions(self) -> int:
        """How many sessions of its own are open: none before the first request, then one a loop."""
        return sum(not pool.session.closed for pool in self._pools.values())

    async def session(self) -> aiohttp.ClientSession:
        """Give the session of the running loop, opened on first use."""
        if self._given is not None:
            return self._given
        from mezon._http.pool import Pool

        loop = asyncio.get_running_loop()
        with self._lock:
            pool = self._pools.get(loop)
            if pool is not None and not pool.session.closed:
                return pool.session
            if self._context is None:
                self._context = context_for(self._ca_file, self._insecure)
            dead = [self._pools.pop(old) for old in list(self._pools) if old.is_closed()]
            pool = self._pools[loop] = Pool(loop, self._context)
        for old_pool in dead:
            old_pool.drop()
        await pool.open()
        return pool.session

    async def close(self) -> None:
        """End what waits, and close the sessions of every loop.

        A later request opens one, which is closed when the last such request has ended; a login's stays open.
        """
        self._over = True
        for limiter in self._limits.values():
            if limiter is not None:
                limiter.fail(
                    self, lambda: MezonConnectionError("the HTTP client was closed while the call waited")
                )
        loop = asyncio.get_running_loop()
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            if pool.loop is loop:
                await pool.close()
            elif pool.loop.is_closed():
                pool.drop()
            else:
                closing = pool.close()
                try:
                    asyncio.run_coroutine_threadsafe(closing, pool.loop)
                except RuntimeError:  # closed this very moment
                    closing.close()
                    pool.drop()

    def hold(self, lane: HttpLane, seconds: float) -> None:
        """Start nothing in this lane for so long."""
        limiter = self._limits.get(lane)
        if limiter is not None:
            limiter.hold(seconds)

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """See `mezon.ports.HttpTransport.send`."""
        await _load()
        from mezon._http.failures import failure_of

        _check(request)
        async with self._turn(request) as session:
            try:
                async with self._request(session, request, total=request.timeout) as response:
                    return await read_whole(response, request)
            except (AnswerTooLongError, InvalidArgumentError):
                raise
            except Exception as error:
                failure = failure_of(error, request, closed=session.closed)
            # Not in the block above: the error of aiohttp holds the headers, and must not be the context of ours.
            raise failure

    @contextlib.asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[HttpStream]:
        """See `mezon.ports.HttpTransport.stream`."""
        await _load()
        from mezon._http.failures import failure_of

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
        """Wait for the limit, and give the session to use."""
        limiter = self._limits.get(request.lane)
        if limiter is not None:
            if request.ticket is None:
                priority = current_priority() if request.priority is None else Priority(request.priority)
                request.ticket = limiter.ticket(priority)
            await limiter.acquire(request.ticket, self)
        if request.on_turn is not None:
            request.on_turn()
        if request.lane is HttpLane.LOGIN:
            self._over = False
        session = await self.session()
        self._busy[session] += 1
        try:
            yield session
        finally:
            self._busy[session] -= 1
            if not self._busy[session]:
                del self._busy[session]
                if self._over:
                    await self._close_behind(session)

    async def _close_behind(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            pool = self._pools.get(loop)
            if pool is None or pool.session is not session:
                return
            del self._pools[loop]
        await pool.close()

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
    """`mezon.ports.HttpStream` over an answer of aiohttp."""

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
        from mezon._http.failures import failure_of

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


async def read_whole(response: aiohttp.ClientResponse, request: HttpRequest) -> HttpAnswer:
    """Read an answer whole."""
    # Neither its repr nor any local of this function shows what a login answers.
    body = io.BytesIO()
    async for part in response.content.iter_any():
        body.write(part)
        del part
        if body.tell() > request.max_answer:
            response.close()
            raise AnswerTooLongError(
                f"{request.name}: the answer is longer than {request.max_answer} bytes; ask for less at once",
                HttpAnswer(response.status, response.reason or "", response.headers),
            )
    return HttpAnswer(response.status, response.reason or "", response.headers, body.getvalue())


async def _load() -> None:
    """Import aiohttp in a thread, once: it takes a tenth of a second, and a whole one on a busy machine."""
    for name in ("mezon._http.failures", "mezon._http.pool"):
        if name not in sys.modules:
            await in_a_thread(partial(importlib.import_module, name))


def _check(request: HttpRequest) -> None:
    """Refuse what cannot be sent before anything is."""
    from mezon._http.failures import wrong_address

    try:
        check_address(request.url, ("https", "http"))
    except ValueError as error:
        raise wrong_address(request, str(error)) from None
    for name, value in request.headers.items():
        if _ENDS_A_LINE.search(name) or _ENDS_A_LINE.search(str(value)):
            raise InvalidArgumentError(f"{request.name}: the {name!r} header has a line break in it")


def _keep_alive(response: aiohttp.ClientResponse) -> None:
    """Let TCP notice a peer that is gone without a word: a quiet stream and a dead one look the same."""
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
        logger.debug("no TCP keepalive on this connection")
