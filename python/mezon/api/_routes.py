"""The route of an RPC: HTTP, the socket, or the socket after HTTP has refused the call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon import errors
from mezon._http.call import Call
from mezon._http.reply import Reply
from mezon._http.retry import Refusal, read_refusal
from mezon.errors import (
    DeliveryUnknownError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    ServerError,
)
from mezon.ports import HttpAnswer, HttpRequest
from mezon.utils.logger import get_logger
from mezon.utils.secrets import hide

if TYPE_CHECKING:
    from mezon._http.limiter import Clock
    from mezon.options import ApiRoute
    from mezon.protobuf.utils import Rpc

__all__ = ["Routes", "SocketCalls"]

logger: Final = get_logger("mezon.http")

#: Statuses with which HTTP refuses a call for everybody or for this bot. The call was not processed.
_REFUSED: Final = frozenset({403, 404, 410, 501})

#: Seconds for which a call that only the socket answered uses the socket first, and for which all calls do while HTTP
#: is unreachable.
_REMEMBER: Final = 600.0
_REMEMBER_UNREACHABLE: Final = 30.0

#: The minimum number of seconds between two renewals of the session because of a 403.
_RENEWAL_INTERVAL: Final = 300.0

#: The default timeout of a call over the socket in seconds, and the poll interval of waiting for a connection.
_DEFAULT_TIMEOUT: Final = 30.0
_POLL_INTERVAL: Final = 0.02

_HINT: Final = "If the arguments are correct, the bot lacks the permission, or bots may not do this"

#: Seconds after which a call with ``soon`` that waits for the rate limit of HTTP is also made over the socket.
_HEAD_START: Final = 0.002

#: States before ``ready``.
_OPENING: Final = ("connecting", "authenticating", "joining")


class SocketCalls(Protocol):
    """The part of `mezon.ports.Connection` that `Routes` uses."""

    @property
    def state(self) -> str:
        """See `mezon.ports.Connection.state`."""

    async def call_raw(self, name: str, value: Any, timeout: float) -> bytes:
        """See `mezon.ports.Connection.call_raw`."""


class Routes:
    """The selection of the route, for one `MezonApi`.

    A call uses the second route only if the first did not process it: HTTP refused it or was not reached. A call that
    may have been processed uses the second route only if it is idempotent.

    Args:
        mode: ``http`` or ``socket`` to use that route only; ``auto`` for HTTP first.
        connection: Returns the connection of the client, or None; None for a caller without a client.
        clock: The clock, replaced in tests.
    """

    def __init__(
        self, mode: ApiRoute, connection: Callable[[], SocketCalls | None] | None, clock: Clock
    ) -> None:
        self.mode = mode
        self._connection = connection
        self._clock = clock
        self._by_socket: dict[str, float] = {}
        self._unreachable_until = float("-inf")
        self._renewed_at = float("-inf")

    async def carry(
        self,
        call: Call,
        rpc: Rpc,
        http: Callable[[Call], Awaitable[Reply]],
        renew: Callable[[Call], Awaitable[bool]],
    ) -> Reply:
        """Make an RPC.

        Args:
            call: The call over HTTP.
            rpc: The RPC for the socket.
            http: Makes a call over HTTP.
            renew: Sets the token of a new session in a call. Returns False if there is no new session.

        Raises:
            ApiError: If HTTP refused the call, and the socket did not answer it either.
            ServerError: If the socket refused the call, and HTTP was not used or not reached.
            MezonTimeoutError, MezonConnectionError, DeliveryUnknownError: See `mezon.errors`.
        """
        if self.mode == "socket":
            await self._until_ready(call.timeout or _DEFAULT_TIMEOUT, always=True)
            return await self._over_socket(call, rpc)
        if self.mode == "http" or self._connection is None:
            return await http(call)
        now = self._clock.now()
        until = max(self._by_socket.get(call.name, 0.0), self._unreachable_until)
        if until > now and self._state() == "ready":
            try:
                return await self._over_socket(call, rpc)
            except DeliveryUnknownError:
                raise
            except MezonConnectionError as error:
                # The connection was just lost, and nothing was sent.
                logger.info("%s: not over the socket (%s); trying HTTP", call.name, type(error).__name__)
        try:
            if call.soon and call.idempotent:
                return await self._over_both(call, rpc, http, renew)
            return await self._over_http(call, http, renew)
        except MezonError as error:
            if not _may_use_socket(call, error):
                raise
            refusal = error
        if not await self._until_ready(min(call.timeout or _DEFAULT_TIMEOUT, _DEFAULT_TIMEOUT), always=False):
            raise refusal
        return await self._after(refusal, call, rpc)

    async def _over_both(
        self,
        call: Call,
        rpc: Rpc,
        http: Callable[[Call], Awaitable[Reply]],
        renew: Callable[[Call], Awaitable[bool]],
    ) -> Reply:
        """Make a call over HTTP, and also over the socket while it waits for the rate limit of HTTP.

        The socket has no such limit. If the server does not answer over the socket, the call over HTTP follows.
        """
        by_http = asyncio.ensure_future(self._over_http(call, http, renew))
        routes = {by_http}
        try:
            await asyncio.wait(routes, timeout=_HEAD_START)
            if not (by_http.done() or call.began) and self._state() == "ready":
                routes.add(asyncio.ensure_future(self._over_socket(call, rpc)))
            waiting = set(routes)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for route in done:
                    if route.exception() is None:
                        return route.result()
            return by_http.result()
        finally:
            for route in routes:
                route.cancel()
            await asyncio.wait(routes)

    async def _over_http(
        self, call: Call, http: Callable[[Call], Awaitable[Reply]], renew: Callable[[Call], Awaitable[bool]]
    ) -> Reply:
        try:
            return await http(call)
        except errors.ApiError as error:
            if error.status != 403 or not _may_use_socket(call, error):
                raise
            now = self._clock.now()
            if now - self._renewed_at < _RENEWAL_INTERVAL:
                raise
            self._renewed_at = now
            refusal = error
        # The session may be expired. Not renewed at each refusal, because most concern permissions.
        try:
            renewed = await renew(call)
        except MezonError as error:
            logger.info("%s: no new session after the 403: %s", call.name, error)
            renewed = False
        if not renewed:
            raise refusal
        return await http(call)

    async def _after(self, refusal: MezonError, call: Call, rpc: Rpc) -> Reply:
        """Make a call over the socket after HTTP has failed."""
        logger.info("%s: %s over HTTP; trying the socket", call.name, type(refusal).__name__)
        refused = isinstance(refusal, errors.ApiError)
        try:
            reply = await self._over_socket(call, rpc)
        except ServerError as error:
            if not refused:
                raise
            refusal.add_note(f"The socket refused it too: {error}")
        except (DeliveryUnknownError, MezonTimeoutError):
            # It was sent, so the caller must learn that the outcome is unknown.
            if not call.idempotent:
                raise
        except MezonConnectionError:
            pass
        else:
            until = self._clock.now() + (_REMEMBER if refused else _REMEMBER_UNREACHABLE)
            if refused:
                self._by_socket[call.name] = until
            else:
                self._unreachable_until = until
            return reply
        raise refusal

    async def _over_socket(self, call: Call, rpc: Rpc) -> Reply:
        connection = self._current()
        if connection is None:
            raise MezonConnectionError(f"{call.name}: there is no connection; log in first")
        value = {"api_index": rpc.index, "api_name": rpc.name, "body": call.body or b""}
        try:
            body = await connection.call_raw("api_request_event", value, call.timeout or _DEFAULT_TIMEOUT)
        except ServerError as error:
            secrets = (*call.secrets, call.token or "")
            context = {hide(name, secrets): hide(value, secrets) for name, value in error.context.items()}
            text = hide(error.message, secrets)
            refusal = ServerError(error.code, text, context, call=call.name, hint=_HINT)
        else:
            return self._reply(call, body)
        raise refusal

    def _reply(self, call: Call, body: bytes) -> Reply:
        logger.debug("%s: %d bytes over the socket", call.name, len(body))
        answer = HttpAnswer(200, headers={"Content-Type": "application/proto"}, body=body)
        return Reply(answer, HttpRequest(call.name, "POST", call.url), call.secrets)

    def _current(self) -> SocketCalls | None:
        return None if self._connection is None else self._connection()

    def _state(self) -> str:
        connection = self._current()
        return "idle" if connection is None else connection.state

    async def _until_ready(self, seconds: float, *, always: bool) -> bool:
        """Wait until the connection is ready. Unless ``always``, only while it is being opened."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (state := self._state()) != "ready":
            if not (always or state in _OPENING) or loop.time() >= end:
                return False
            await asyncio.sleep(_POLL_INTERVAL)
        return True


def _may_use_socket(call: Call, error: MezonError) -> bool:
    """Return whether a call that failed over HTTP may be made over the socket."""
    if isinstance(error, errors.ApiError):
        rate = read_refusal(error.status, error.headers or {}, error.body) is Refusal.RATE
        return error.status in _REFUSED and not rate
    if isinstance(error, DeliveryUnknownError):
        return False
    if isinstance(error, errors.ApiConnectionError):
        return call.idempotent or not error.sent
    # The server may have processed a call without an answer.
    return isinstance(error, MezonTimeoutError) and call.idempotent
