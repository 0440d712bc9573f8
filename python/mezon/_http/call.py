"""HTTP calls: one or more requests with the rate limit, renewal of the session, retries, and the final error."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mezon import errors
from mezon._http.address import host_of
from mezon._http.limiter import Clock, Priority
from mezon._http.reply import Reply, too_long
from mezon._http.retry import Refusal, RetryPolicy, read_refusal, retry_after_seconds
from mezon.errors import MezonConnectionError, MezonTimeoutError
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpFailure, HttpLane, HttpRequest, HttpTransport
from mezon.utils.secrets import hide, masked
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon.errors._api import ApiError

__all__ = ["Call", "Caller"]

logger = logging.getLogger("mezon.http")

_BEARER = "Bearer "
_REMEMBERED_TOKENS = 15
_IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@dataclass(slots=True)
class Call:
    """One call, which may take several requests.

    Attributes:
        name: The name of the RPC in errors and logs.
        idempotent: Whether the call may be repeated after a lost connection.
        once: Whether an error response is raised without a retry, as for ``authenticate``.
        secrets: Texts to redact in errors, because the server may echo them.
        soon: Whether the call is also made over the socket while it waits for the rate limit of HTTP.
        began: Whether the rate limit has granted the request over HTTP.
        hints: Hints by status for the errors, instead of the hints for calls of a bot.
    """

    name: str
    method: str
    url: str
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    body: Any = field(default=None, repr=False)
    headers: dict[str, Any] = field(default_factory=dict, repr=False)
    idempotent: bool = False
    once: bool = False
    priority: Priority | None = None
    timeout: float | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    soon: bool = False
    began: bool = False
    hints: Mapping[int, str] | None = field(default=None, repr=False)

    @property
    def token(self) -> str | None:
        """The bearer token of the call."""
        value = masked(str(self.headers.get("Authorization", "")))
        return value[len(_BEARER) :] if value.startswith(_BEARER) else None


@dataclass(slots=True)
class _Attempts:
    """The state of a call across its requests: remaining seconds, retries, and whether a request is in flight."""

    left: float | None
    generation: int
    rate: int = 0
    trouble: int = 0
    renewed: bool = False
    began: float | None = None
    in_flight: bool = False


class Caller:
    """Makes calls over a shared transport, with a shared renewal of the session.

    The requests of a call, including retries, take at most the timeout of the call in total. Waits for the rate limit
    and between retries are not included. ``retry`` limits the number of retries and the delays.

    Args:
        http: The transport.
        retry: The limits of retries.
        clock: The clock, replaced in tests.
        owned: Whether `close` closes the transport.
    """

    def __init__(self, http: HttpTransport, retry: RetryPolicy, *, clock: Clock, owned: bool) -> None:
        self.http = http
        self.retry = retry
        self.reauthenticate: Callable[[str], Awaitable[str]] | None = None
        self._clock = clock
        self._owned = owned
        self._closes = 0
        self._renewals: SingleFlight[str, str] = SingleFlight()
        self._renewed: dict[str, str] = {}
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Timeout]] = set()

    def _secrets(self) -> tuple[str, ...]:
        """Return the secrets to redact in the errors of all calls."""
        return ()

    async def close(self) -> None:
        """Fail the calls in progress, and close an owned transport. Idempotent; a later call opens it again."""
        self._closes += 1
        here = asyncio.get_running_loop()
        for loop, scope in list(self._running):
            if loop is here:
                _end(loop, scope)
            else:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(_end, loop, scope)
        if self._owned:
            await self.http.close()

    async def perform(self, call: Call) -> Reply:
        """Make a call. Return the response, which has a 2xx status.

        Raises:
            ApiError: If the server refuses the call (`ApiAuthenticationError` for ``once`` with 401 or 403).
            MezonTimeoutError: If there is no response in time.
            MezonConnectionError: If the server cannot be reached.
            DeliveryUnknownError: If the connection was lost before the response of a call that is not idempotent.
        """
        tries = _Attempts(call.timeout, self._closes)
        # Has no deadline until `close` sets one.
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
        if tries.in_flight and not (call.idempotent or call.once):
            raise _delivery_unknown(call)
        raise _closed(call)

    async def _try(self, call: Call, tries: _Attempts) -> Reply:
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
            # Checked here and in `_begin`: the client may be closed during a delay or the wait for the rate limit.
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

    def _begin(self, call: Call, tries: _Attempts) -> None:
        """Update a request that the rate limit has granted, before it is sent."""
        self._check_open(call, tries)
        if (fresh := self._renewed.get(call.token or "")) is not None:
            call.headers["Authorization"] = masked(_BEARER + fresh)
        tries.began = self._clock.now()
        tries.in_flight = call.began = True

    async def _send(self, call: Call, request: HttpRequest, tries: _Attempts) -> HttpAnswer:
        """Send one request within the remaining time."""
        if tries.left is not None and tries.left <= 0:
            raise MezonTimeoutError(
                f"{call.name}: no answer within {call.timeout:g} s, retries included; try again later"
            )
        request.timeout = tries.left
        tries.began = None
        try:
            answer = await self.http.send(request)
        except AnswerTooLongError as error:
            # The answer of this error has no body.
            failure = too_long(error.answer, request, (*call.secrets, *self._secrets()))
        else:
            tries.in_flight = False
            return answer
        finally:
            if tries.left is not None and tries.began is not None:
                tries.left -= self._clock.now() - tries.began
        raise failure

    async def _after_loss(self, call: Call, tries: _Attempts, failure: HttpFailure) -> None:
        """Wait before the next attempt, or raise."""
        if failure.sent and not (call.idempotent or call.once):
            raise _delivery_unknown(call)
        tries.in_flight = False
        self._check_open(call, tries)
        if call.once or failure.lasting or tries.trouble >= self.retry.trouble:
            raise errors.ApiConnectionError(str(failure), sent=failure.sent)
        wait = self.retry.wait(tries.trouble, None) or 0.0
        tries.trouble += 1
        logger.info("%s: %s; retrying in %.1f s", call.name, failure.reason, wait)
        await self._pause(wait)

    async def _after_refusal(self, call: Call, tries: _Attempts, reply: Reply) -> None:
        """Renew the session or wait before the next attempt, or raise."""
        if reply.status == 401 and not tries.renewed and await self._renew(call):
            tries.renewed = True
            return
        refusal = read_refusal(reply.status, reply.headers, reply.text())
        asked = retry_after_seconds(reply.headers)
        done = tries.trouble if refusal is Refusal.TROUBLE else tries.rate
        pause = self.retry.wait(done, asked)
        if refusal is Refusal.RATE and pause is not None:
            # The server limits the bot, so all calls pause.
            self.http.hold(HttpLane.LOGIN if call.once else HttpLane.API, pause)
        if call.once or pause is None or not self.retry.allowed(refusal, done, idempotent=call.idempotent):
            raise _error(call, reply, asked)
        logger.info("%s: %d; retrying in %.1f s", call.name, reply.status, pause)
        if refusal is Refusal.TROUBLE:
            tries.trouble += 1
        else:
            tries.rate += 1
        if refusal is not Refusal.RATE:
            await self._pause(pause)

    def _check_open(self, call: Call, tries: _Attempts) -> None:
        if tries.generation != self._closes:
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
        # Clans and bots keep tokens for long: map all older tokens to the new one.
        older = list(self._renewed)[-_REMEMBERED_TOKENS:]
        self._renewed = {token: fresh for token in (*older, stale) if token != fresh}
        call.headers["Authorization"] = masked(_BEARER + fresh)
        return True


def _end(loop: asyncio.AbstractEventLoop, scope: asyncio.Timeout) -> None:
    with contextlib.suppress(RuntimeError):  # already exited
        scope.reschedule(loop.time())


def _wake(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def _closed(call: Call) -> MezonConnectionError:
    return MezonConnectionError(f"{call.name}: the HTTP client was closed; log in again")


def _delivery_unknown(call: Call) -> MezonConnectionError:
    return errors.ApiDeliveryUnknownError(
        f"{call.name}: the connection was lost before the answer came, and the server may have"
        " processed the call; check before you repeat it"
    )


_HINTS = {
    400: "The server did not accept the arguments; check the ids",
    401: "The session is not valid any more; log in again",
    403: "The bot lacks the permission, or bots may not do this, or calls are too frequent; check its role, or raise"
    " rate_period",
    404: "The object does not exist, or host and port belong to another service; check the id and the address",
    501: "The server does not offer this call",
    429: "Calls are too frequent; make fewer, or raise rate_period",
}
_LOGIN_HINTS = {
    401: "Check client_id and api_key: the server does not accept this pair",
    403: "Check client_id and api_key: the server rejects this pair",
}


def _error(call: Call, reply: Reply, retry_after: float | None) -> ApiError:
    kind: type[errors.ApiError] = errors.ApiError
    hint = (_HINTS if call.hints is None else call.hints).get(reply.status, "")
    if call.once and reply.status in _LOGIN_HINTS:
        rate = read_refusal(reply.status, reply.headers, reply.text()) is Refusal.RATE
        if not rate:
            kind, hint = errors.ApiAuthenticationError, _LOGIN_HINTS[reply.status]
    elif 300 <= reply.status < 400:
        target = host_of(reply.headers.get("Location", "")) or "another address"
        hint = f"It redirects to {target}; redirects are not followed, because calls contain secrets; set host and port"
    elif reply.status >= 500:
        hint = "The server has a problem; try again later"
    return reply.error(kind, body=reply.text(), hint=hide(hint, reply.secrets), retry_after=retry_after)


def is_idempotent(method: str) -> bool:
    """Return whether an HTTP method is idempotent."""
    return method.upper() in _IDEMPOTENT_METHODS
