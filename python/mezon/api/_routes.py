"""Which way an RPC goes: over HTTP, over the socket, or over the socket once HTTP will not have it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

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
    from mezon.protobuf._rpcs import Rpc

__all__ = ["Routes", "SocketCalls"]

logger: Final = get_logger("mezon.http")

#: Statuses by which HTTP says that it does not do this call, or not for this bot. Nothing was carried out.
_NOT_HERE: Final = frozenset({403, 404, 410, 501})

#: Seconds for which a call that only the socket answered goes there at once, and all do while HTTP is out of reach.
_REMEMBER: Final = 600.0
_REMEMBER_UNREACHABLE: Final = 30.0

#: Seconds in which at most one new session is tried because of a 403.
_RENEWAL_REST: Final = 300.0

#: Seconds a call over the socket may take when it has no timeout, and the step of waiting for a connection.
_LONGEST: Final = 30.0
_STEP: Final = 0.02

_HINT: Final = "If the arguments are right, the bot lacks the right for this, or no bot may do it"

#: Seconds after which a call that is wanted soon and has not had its turn over HTTP is made over the socket too.
_HEAD_START: Final = 0.02

#: States out of which a connection becomes ready soon.
_OPENING: Final = ("connecting", "authenticating", "joining")


class SocketCalls(Protocol):
    """What is needed of a `mezon.ports.Connection`."""

    @property
    def state(self) -> str:
        """As the connection's."""

    async def call_raw(self, name: str, value: Any, timeout: float) -> bytes:
        """As the connection's."""


class Routes:
    """The choice, for one `MezonApi`.

    A call goes to the second way only when the first has not carried it out: HTTP refused it, or was never reached. One
    that may have been carried out goes there only if repeating it does no harm.

    Args:
        mode: ``http`` and ``socket`` are that way alone; ``auto`` is HTTP first.
        connection: Gives the connection of the client, None while it has none; None for a caller without a client.
        clock: Time, for tests.
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
        """Carry an RPC out.

        Args:
            call: As it goes over HTTP.
            rpc: As it goes over the socket.
            http: Carries a call out over HTTP.
            renew: Puts a new session's token into a call; False when there is none.

        Raises:
            ApiError: HTTP refused it, and the socket did not do it either.
            ServerError: The socket refused it, and HTTP was not asked or could not be.
            MezonTimeoutError, MezonConnectionError, DeliveryUnknownError: See the package's errors.
        """
        if self.mode == "socket":
            await self._until_ready(call.timeout or _LONGEST, patient=True)
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
                # Lost just now, and nothing was sent.
                logger.info("%s: not over the socket (%s); trying HTTP", call.name, type(error).__name__)
        try:
            if call.soon and call.idempotent:
                return await self._by_whoever_is_first(call, rpc, http, renew)
            return await self._over_http(call, http, renew)
        except MezonError as error:
            if not _may_go_on(call, error):
                raise
            refusal = error
        if not await self._until_ready(min(call.timeout or _LONGEST, _LONGEST), patient=False):
            raise refusal
        return await self._after(refusal, call, rpc)

    async def _by_whoever_is_first(
        self,
        call: Call,
        rpc: Rpc,
        http: Callable[[Call], Awaitable[Reply]],
        renew: Callable[[Call], Awaitable[bool]],
    ) -> Reply:
        """Ask HTTP, and the socket as well while the call waits for its turn there.

        Over the socket no calls are spaced. A server that does not answer there costs nothing: HTTP's turn comes.
        """
        by_http = asyncio.ensure_future(self._over_http(call, http, renew))
        ways = {by_http}
        try:
            await asyncio.wait(ways, timeout=_HEAD_START)
            if not (by_http.done() or call.began) and self._state() == "ready":
                ways.add(asyncio.ensure_future(self._over_socket(call, rpc)))
            waiting = set(ways)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for way in done:
                    if way.exception() is None:
                        return way.result()
            return by_http.result()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)

    async def _over_http(
        self, call: Call, http: Callable[[Call], Awaitable[Reply]], renew: Callable[[Call], Awaitable[bool]]
    ) -> Reply:
        from mezon.errors._api import ApiError

        try:
            return await http(call)
        except ApiError as error:
            if error.status != 403 or not _may_go_on(call, error):
                raise
            now = self._clock.now()
            if now - self._renewed_at < _RENEWAL_REST:
                raise
            self._renewed_at = now
            refusal = error
        # An old session may be what is refused. Not at each refusal: most are about what a bot may do.
        try:
            renewed = await renew(call)
        except MezonError as error:
            logger.info("%s: no new session after the 403: %s", call.name, error)
            renewed = False
        if not renewed:
            raise refusal
        return await http(call)

    async def _after(self, refusal: MezonError, call: Call, rpc: Rpc) -> Reply:
        """Try the socket after HTTP has failed."""
        from mezon.errors._api import ApiError

        logger.info("%s: %s over HTTP; trying the socket", call.name, type(refusal).__name__)
        refused = isinstance(refusal, ApiError)
        try:
            reply = await self._over_socket(call, rpc)
        except ServerError as error:
            if not refused:
                raise
            refusal.add_note(f"The socket refused it too: {error}")
        except (DeliveryUnknownError, MezonTimeoutError):
            # It was written, so its fate is what the caller has to hear of.
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
        connection = self._now()
        if connection is None:
            raise MezonConnectionError(f"{call.name}: there is no connection; log in first")
        value = {"api_index": rpc.index, "api_name": rpc.name, "body": call.body or b""}
        try:
            body = await connection.call_raw("api_request_event", value, call.timeout or _LONGEST)
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

    def _now(self) -> SocketCalls | None:
        return None if self._connection is None else self._connection()

    def _state(self) -> str:
        connection = self._now()
        return "idle" if connection is None else connection.state

    async def _until_ready(self, seconds: float, *, patient: bool) -> bool:
        """Wait for a connection that is being opened; a patient caller waits for any."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (state := self._state()) != "ready":
            if not (patient or state in _OPENING) or loop.time() >= end:
                return False
            await asyncio.sleep(_STEP)
        return True


def _may_go_on(call: Call, error: MezonError) -> bool:
    """Say whether a call that failed over HTTP may be made over the socket."""
    from mezon.errors._api import ApiConnectionError, ApiError

    if isinstance(error, ApiError):
        rate = read_refusal(error.status, error.headers or {}, error.body) is Refusal.RATE
        return error.status in _NOT_HERE and not rate
    if isinstance(error, DeliveryUnknownError):
        return False
    if isinstance(error, ApiConnectionError):
        return call.idempotent or not error.sent
    # Nobody knows how far a call without an answer came.
    return isinstance(error, MezonTimeoutError) and call.idempotent
