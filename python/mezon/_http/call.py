"""The way of a call: limit, request, renewal of the session, retries, and the error in words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mezon._http.address import host_of
from mezon._http.limiter import Clock, Priority
from mezon._http.log import logger
from mezon._http.reply import Reply, too_long
from mezon._http.retry import Refusal, RetryPolicy, read_refusal, retry_after_seconds
from mezon.errors import MezonConnectionError, MezonTimeoutError
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpFailure, HttpLane, HttpRequest, HttpTransport
from mezon.utils.masked import masked
from mezon.utils.secrets import hide
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon.errors._api import ApiError

__all__ = ["Call", "Caller"]

_BEARER = "Bearer "
_REMEMBERED_TOKENS = 15
_HARMLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@dataclass(slots=True)
class Call:
    """One call, however many requests it takes.

    Attributes:
        name: As the RPC is named; stands in errors and logs.
        harmless: Repeating it after a lost connection does no harm.
        once: A refusal is raised at once (authenticate: the reconnect logic decides).
        secrets: Texts that must not show in an error even if the server sends them back.
        soon: While it waits for its turn over HTTP, the socket is asked too: whoever answers first.
        began: Its turn over HTTP has come.
        hints: Advice by status for the errors, in place of that for calls of a bot.
    """

    name: str
    method: str
    url: str
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    body: Any = field(default=None, repr=False)
    headers: dict[str, Any] = field(default_factory=dict, repr=False)
    harmless: bool = False
    once: bool = False
    priority: Priority | None = None
    timeout: float | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    soon: bool = False
    began: bool = False
    hints: Mapping[int, str] | None = field(default=None, repr=False)

    @property
    def token(self) -> str | None:
        """The bearer token the call carries."""
        value = masked(str(self.headers.get("Authorization", "")))
        return value[len(_BEARER) :] if value.startswith(_BEARER) else None


@dataclass(slots=True)
class _Tries:
    """What a call has used up: seconds, retries, its one renewal; when its client was last opened; where it is now."""

    left: float | None
    opening: int
    rate: int = 0
    trouble: int = 0
    renewed: bool = False
    began: float | None = None
    flying: bool = False


class Caller:
    """Carries calls out. Shared state: one transport, the last renewed token.

    Time: the requests of a call, retries included, together take at most its timeout. Waiting for the
    limiter and between retries comes on top; one such wait is at most the line before it plus
    ``retry.max_wait`` seconds, and the number of retries is bounded by ``retry``.

    Args:
        http: The transport; ``owned`` ones are closed by `close`.
        clock: Time, for tests.
    """

    def __init__(self, http: HttpTransport, retry: RetryPolicy, *, clock: Clock, owned: bool) -> None:
        self.http = http
        self.retry = retry
        self.reauthenticate: Callable[[str], Awaitable[str]] | None = None
        self._clock = clock
        self._owned = owned
        self._closed = 0
        self._renewals: SingleFlight[str, str] = SingleFlight()
        self._renewed: dict[str, str] = {}
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Timeout]] = set()

    def _secrets(self) -> tuple[str, ...]:
        """Give what must show in no error of any call."""
        return ()

    async def close(self) -> None:
        """End the calls under way. Calling again is harmless, and a later call opens again."""
        self._closed += 1
        here = asyncio.get_running_loop()
        for loop, scope in list(self._running):
            if loop is here:
                _end(loop, scope)
            else:
                with contextlib.suppress(RuntimeError):  # a loop that is closed, where nobody waits any more
                    loop.call_soon_threadsafe(_end, loop, scope)
        if self._owned:
            await self.http.close()

    async def perform(self, call: Call) -> Reply:
        """Carry a call out; the answer has a 2xx status.

        Raises:
            ApiError: The server refused (ApiAuthenticationError where ``once`` and 401 or 403).
            MezonTimeoutError, MezonConnectionError, DeliveryUnknownError: See the package's errors.
        """
        tries = _Tries(call.timeout, self._closed)
        # Not a limit of time: what `close` ends the call by.
        scope = asyncio.timeout(None)
        running = (asyncio.get_running_loop(), scope)
        self._running.add(running)
        try:
            async with scope:
                return await self._try(call, tries)
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self._running.discard(running)
        if tries.flying and not (call.harmless or call.once):
            raise _delivery_unknown(call)
        raise _closed(call)

    async def _try(self, call: Call, tries: _Tries) -> Reply:
        request = HttpRequest(
            call.name,
            call.method,
            call.url,
            call.headers,
            call.params,
            call.body,
            named_timeout=call.timeout,
            lane=HttpLane.LOGIN if call.once else HttpLane.API,
            priority=call.priority,
            on_turn=lambda: self._begin(call, tries),
        )
        while True:
            # Looked at twice: the client may have been closed during a pause or during the wait for the limit.
            self._check_open(call, tries)
            try:
                answer = await self._send(call, request, tries)
            except HttpFailure as error:
                failure = error
            else:
                reply = Reply(answer, request, (*call.secrets, *self._secrets(), call.token or ""))
                logger.debug("%s: %d, %d bytes", call.name, reply.status, len(reply.body))
                if 200 <= reply.status < 300:
                    return reply
                await self._after_refusal(call, tries, reply)
                continue
            await self._after_loss(call, tries, failure)

    def _begin(self, call: Call, tries: _Tries) -> None:
        """Take a last look at a request whose turn it is, before it goes out."""
        self._check_open(call, tries)
        if (fresh := self._renewed.get(call.token or "")) is not None:
            call.headers["Authorization"] = masked(_BEARER + fresh)
        tries.began = self._clock.now()
        tries.flying = call.began = True

    async def _send(self, call: Call, request: HttpRequest, tries: _Tries) -> HttpAnswer:
        """Make one request within the time that is left."""
        if tries.left is not None and tries.left <= 0:
            raise MezonTimeoutError(
                f"{call.name}: no answer within {call.timeout:g} s, retries included; try again later"
            )
        request.timeout = tries.left
        tries.began = None
        try:
            answer = await self.http.send(request)
        except AnswerTooLongError as error:
            # The answer of the error holds no body.
            failure = too_long(error.answer, request, (*call.secrets, *self._secrets()))
        else:
            tries.flying = False
            return answer
        finally:
            if tries.left is not None and tries.began is not None:
                tries.left -= self._clock.now() - tries.began
        raise failure

    async def _after_loss(self, call: Call, tries: _Tries, failure: HttpFailure) -> None:
        """Wait before another try, or raise."""
        if failure.sent and not (call.harmless or call.once):
            raise _delivery_unknown(call)
        tries.flying = False
        self._check_open(call, tries)
        if call.once or failure.lasting or tries.trouble >= self.retry.trouble:
            from mezon.errors._api import ApiConnectionError

            raise ApiConnectionError(str(failure), sent=failure.sent)
        wait = self.retry.wait(tries.trouble, None) or 0.0
        tries.trouble += 1
        logger.info("%s: %s; trying again in %.1f s", call.name, failure.reason, wait)
        await self._pause(wait)

    async def _after_refusal(self, call: Call, tries: _Tries, reply: Reply) -> None:
        """Renew the session or wait before another try, or raise."""
        if reply.status == 401 and not tries.renewed and await self._renew(call):
            tries.renewed = True
            return
        refusal = read_refusal(reply.status, reply.headers, reply.text())
        asked = retry_after_seconds(reply.headers)
        done = tries.trouble if refusal is Refusal.TROUBLE else tries.rate
        pause = self.retry.wait(done, asked)
        if refusal is Refusal.RATE and pause is not None:
            # The server counts the bot's calls, so all of them pause, not only this one.
            self.http.hold(HttpLane.LOGIN if call.once else HttpLane.API, pause)
        if call.once or pause is None or not self.retry.allowed(refusal, done, harmless=call.harmless):
            raise _error(call, reply, asked)
        logger.info("%s: %d; trying again in %.1f s", call.name, reply.status, pause)
        if refusal is Refusal.TROUBLE:
            tries.trouble += 1
        else:
            tries.rate += 1
        if refusal is not Refusal.RATE:
            await self._pause(pause)

    def _check_open(self, call: Call, tries: _Tries) -> None:
        if tries.opening != self._closed:
            raise _closed(call)

    async def _pause(self, seconds: float) -> None:
        pause: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self._clock.call_later(seconds, lambda: _wake(pause))
        try:
            await pause
        finally:
            timer.cancel()

    async def _renew(self, call: Call) -> bool:
        stale = call.token
        if self.reauthenticate is None or stale is None or call.once:
            return False
        hook = self.reauthenticate
        fresh = masked(await self._renewals.run(stale, lambda: hook(stale)))
        if not fresh or fresh == stale:
            return False
        # Clans and bots keep tokens for long: every older one now stands for the fresh one.
        older = list(self._renewed)[-_REMEMBERED_TOKENS:]
        self._renewed = {token: fresh for token in (*older, stale) if token != fresh}
        call.headers["Authorization"] = masked(_BEARER + fresh)
        return True


def _end(loop: asyncio.AbstractEventLoop, scope: asyncio.Timeout) -> None:
    with contextlib.suppress(RuntimeError):  # over already
        scope.reschedule(loop.time())


def _wake(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def _closed(call: Call) -> MezonConnectionError:
    return MezonConnectionError(f"{call.name}: the HTTP client was closed; log in again")


def _delivery_unknown(call: Call) -> MezonConnectionError:
    from mezon.errors._api import ApiDeliveryUnknownError

    return ApiDeliveryUnknownError(
        f"{call.name}: the connection was lost before the answer came, and the server may have"
        " carried the call out; look before you repeat it"
    )


_HINTS = {
    400: "The server did not understand the arguments; check the ids",
    401: "The session is not valid any more; log in again",
    403: "The bot lacks the right for this, or no bot may do it, or calls follow too fast; check its role, or raise"
    " rate_period",
    404: "There is no such thing, or host and port belong to another service; check the id and the address",
    501: "The server does not offer this call",
    429: "Calls follow too fast; make fewer, or raise rate_period",
}
_LOGIN_HINTS = {
    401: "Check client_id and api_key: the server does not know this pair",
    403: "Check client_id and api_key: the server does not let this pair in",
}


def _error(call: Call, reply: Reply, retry_after: float | None) -> ApiError:
    from mezon.errors._api import ApiAuthenticationError, ApiError

    kind: type[ApiError] = ApiError
    hint = (_HINTS if call.hints is None else call.hints).get(reply.status, "")
    if call.once and reply.status in _LOGIN_HINTS:
        rate = read_refusal(reply.status, reply.headers, reply.text()) is Refusal.RATE
        if not rate:
            kind, hint = ApiAuthenticationError, _LOGIN_HINTS[reply.status]
    elif 300 <= reply.status < 400:
        target = host_of(reply.headers.get("Location", "")) or "another address"
        hint = f"It redirects to {target}, and calls carry secrets, so none follows; set host and port"
    elif reply.status >= 500:
        hint = "The trouble is at the server; try again later"
    return reply.error(kind, body=reply.text(), hint=hide(hint, reply.secrets), retry_after=retry_after)


def is_harmless(method: str) -> bool:
    """Say whether HTTP itself says that repeating a request with this method does no harm."""
    return method.upper() in _HARMLESS_METHODS
