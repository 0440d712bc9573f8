"""The way of a call: limit, request, renewal of the session, retries, and the error in words."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mezon._http.limiter import Limiter, Priority, current_priority
from mezon._http.log import logger
from mezon._http.retry import Refusal, RetryPolicy, read_refusal, retry_after_seconds
from mezon.errors import InvalidArgumentError, MezonConnectionError, MezonTimeoutError
from mezon.utils.single_flight import SingleFlight

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from mezon._http.errors import ApiError
    from mezon._http.reply import Reply
    from mezon._http.transport import Transport

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

    @property
    def token(self) -> str | None:
        """The bearer token the call carries."""
        value = str(self.headers.get("Authorization", ""))
        return value[len(_BEARER) :] if value.startswith(_BEARER) else None


@dataclass(slots=True)
class _Tries:
    """What a call has used up: seconds, retries, its one renewal; and when its client was last opened."""

    left: float | None
    opening: int
    rate: int = 0
    trouble: int = 0
    renewed: bool = False


class Caller:
    """Carries calls out. Shared state: one limiter, one transport, the last renewed token.

    Time: the requests of a call, retries included, together take at most its timeout. Waiting for the
    limiter and between retries comes on top; one such wait is at most the line before it plus
    ``retry.max_wait`` seconds, and the number of retries is bounded by ``retry``.
    """

    def __init__(
        self,
        limiter: Limiter,
        retry: RetryPolicy,
        ca_file: str | PathLike[str] | None,
        ssl_context: ssl.SSLContext | None,
        insecure: bool = False,
    ) -> None:
        self.limiter = limiter
        self.retry = retry
        self.reauthenticate: Callable[[str], Awaitable[str]] | None = None
        self._ca_file = ca_file
        self._ssl_context = ssl_context
        self._insecure = insecure
        self._transport: Transport | None = None
        self._closed = 0
        self._renewals: SingleFlight[str, str] = SingleFlight()
        self._renewed: dict[str, str] = {}
        self._pausing: set[asyncio.Future[None]] = set()

    @property
    def transport(self) -> Transport:
        """Made on first use: it needs aiohttp."""
        if self._transport is None:
            from mezon._http.transport import Transport

            self._transport = Transport(
                ca_file=self._ca_file, ssl_context=self._ssl_context, insecure=self._insecure
            )
        return self._transport

    async def close(self) -> None:
        """End what waits, close the connections. Calling again is harmless, and a later call opens anew."""
        self._closed += 1
        self.limiter.fail(
            self, lambda: MezonConnectionError("the HTTP client was closed while the call waited")
        )
        for pause in list(self._pausing):
            with contextlib.suppress(RuntimeError):  # a loop that is closed, where nobody waits any more
                pause.get_loop().call_soon_threadsafe(_end, pause)
        if self._transport is not None:
            await self._transport.close()

    async def perform(self, call: Call) -> Reply:
        """Carry a call out; the answer has a 2xx status.

        Raises:
            ApiError: The server refused (ApiAuthenticationError where ``once`` and 401 or 403).
            MezonTimeoutError, MezonConnectionError, DeliveryUnknownError: See the package's errors.
        """
        for name, value in call.headers.items():
            if any(c in "\r\n\0" for c in str(value)):
                raise InvalidArgumentError(f"{call.name}: the {name} header has a line break in it")
        tries = _Tries(call.timeout, self._closed)
        ticket = self.limiter.ticket(current_priority() if call.priority is None else call.priority)
        while True:
            # Looked at twice: the client may have been closed during a pause or during the wait for the limit.
            self._check_open(call, tries)
            await self.limiter.acquire(ticket, self)
            self._check_open(call, tries)
            if (fresh := self._renewed.get(call.token or "")) is not None:
                call.headers["Authorization"] = _BEARER + fresh
            try:
                reply = await self._send(call, tries)
            except MezonConnectionError as error:
                await self._after_loss(call, tries, error)
                continue
            logger.debug("%s: %d, %d bytes", call.name, reply.status, len(reply.body))
            if 200 <= reply.status < 300:
                return reply
            await self._after_refusal(call, tries, reply)

    async def _send(self, call: Call, tries: _Tries) -> Reply:
        """Make one request within the time that is left."""
        if tries.left is not None and tries.left <= 0:
            raise MezonTimeoutError(
                f"{call.name}: no answer within {call.timeout:g} s, retries included; try again later"
            )
        began = self.limiter.clock.now()
        try:
            return await self.transport.send(
                call.name,
                call.method,
                call.url,
                timeout=tries.left,
                limit=call.timeout,
                params=call.params,
                body=call.body,
                headers=call.headers,
            )
        finally:
            if tries.left is not None:
                tries.left -= self.limiter.clock.now() - began

    async def _after_loss(self, call: Call, tries: _Tries, error: MezonConnectionError) -> None:
        """Wait before another try, or raise."""
        from mezon._http.transport import NotSentError

        not_sent = isinstance(error, NotSentError)
        if not (call.harmless or call.once or not_sent):
            raise _delivery_unknown(call) from error
        self._check_open(call, tries)
        lasting = isinstance(error, NotSentError) and error.lasting
        if call.once or lasting or tries.trouble >= self.retry.trouble:
            raise error
        wait = self.retry.wait(tries.trouble, None) or 0.0
        tries.trouble += 1
        logger.info("%s: %s; trying again in %.1f s", call.name, type(error).__name__, wait)
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
            self.limiter.hold(pause)
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
            raise MezonConnectionError(f"{call.name}: the HTTP client was closed; log in again")

    async def _pause(self, seconds: float) -> None:
        """Sleep, at most until the client is closed."""
        pause: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.limiter.clock.call_later(seconds, lambda: _end(pause))
        self._pausing.add(pause)
        try:
            await pause
        finally:
            self._pausing.discard(pause)
            timer.cancel()

    async def _renew(self, call: Call) -> bool:
        stale = call.token
        if self.reauthenticate is None or stale is None or call.once:
            return False
        hook = self.reauthenticate
        fresh = await self._renewals.run(stale, lambda: hook(stale))
        if not fresh or fresh == stale:
            return False
        # Clans and bots keep tokens for long: every older one now stands for the fresh one.
        older = list(self._renewed)[-_REMEMBERED_TOKENS:]
        self._renewed = {token: fresh for token in (*older, stale) if token != fresh}
        call.headers["Authorization"] = _BEARER + fresh
        return True


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def _delivery_unknown(call: Call) -> MezonConnectionError:
    from mezon._http.errors import ApiDeliveryUnknownError

    return ApiDeliveryUnknownError(
        f"{call.name}: the connection was lost before the answer came, and the server may have"
        " carried the call out; look before you repeat it"
    )


_HINTS = {
    400: "The server did not understand the arguments; check the ids",
    401: "The session is not valid any more; log in again",
    403: "The bot lacks the right for this, or calls follow too fast; check its role, or raise rate_period",
    404: "There is no such thing, or host and port belong to another service; check the id and the address",
    429: "Calls follow too fast; make fewer, or raise rate_period",
}
_LOGIN_HINTS = {
    401: "Check client_id and api_key: the server does not know this pair",
    403: "Check client_id and api_key: the server does not let this pair in",
}


def _error(call: Call, reply: Reply, retry_after: float | None) -> ApiError:
    from mezon._http.errors import ApiAuthenticationError, ApiError

    kind: type[ApiError] = ApiError
    hint = _HINTS.get(reply.status, "")
    if call.once and reply.status in _LOGIN_HINTS:
        rate = read_refusal(reply.status, reply.headers, reply.text()) is Refusal.RATE
        if not rate:
            kind, hint = ApiAuthenticationError, _LOGIN_HINTS[reply.status]
    elif 300 <= reply.status < 400:
        target = urlsplit(reply.headers.get("Location", "")).hostname or "another address"
        hint = f"It redirects to {target}, and calls carry secrets, so none follows; set host and port"
    elif reply.status >= 500:
        hint = "The trouble is at the server; try again later"
    return kind(
        reply.request_info,
        status=reply.status,
        message=reply.reason,
        headers=reply.headers,
        call=call.name,
        body=reply.text((*call.secrets, call.token or "")),
        hint=hint,
        retry_after=retry_after,
    )


def is_harmless(method: str) -> bool:
    """Whether HTTP itself says that repeating a request with this method does no harm."""
    return method.upper() in _HARMLESS_METHODS
