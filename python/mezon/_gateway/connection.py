"""The core's connection as an event loop sees it: calls are awaited, events come to a callback.

Two doors a batch and none a message: the loop watches the core's descriptor, drains what is there, and a call is
one step into the core and one future out of it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from mezon import _core
from mezon._gateway.codec import MESSAGES, NAMES, TAGS, dict_plan, event_plan
from mezon.errors import (
    DeliveryUnknownError,
    ForkError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    ServerError,
)
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mezon.models._origin import Origin

logger = get_logger(__name__)

#: Events taken from the core at once. Other callbacks get their turn in between, and the objects of a batch this
#: small stay below the garbage collector's threshold: with quick handlers it hardly runs (docs/performance.md).
BATCH: Final = 32

#: The kinds of what `drain` gives; must match src/py/gateway.rs.
EVENT, REPLY, RAW, FAILED, STATE, SESSION_WANTED, RECONNECTED, MALFORMED = range(8)


class Link:
    """One connection to the gateway, and its way into the running event loop.

    It may be opened, closed and opened again, also on another loop. The callbacks are attributes, set by the
    owner before `connect`; each runs on the loop.
    """

    def __init__(self, options: dict[str, Any] | None = None, store: Any = None) -> None:
        self._options = options
        self._store = store
        self._planned: set[int] = set()
        self._core: _core.Gateway | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: int | None = None
        self._calls: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self._wanted: set[int] = set()
        self._plans: dict[int, _core.Plan] = {}
        self._opening: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[str] | None = None
        #: How many events may be dispatched now; replaced by a dispatcher with a bound.
        self.capacity: Callable[[], int] = lambda: BATCH
        self.on_event: Callable[[int, Any], None] = lambda tag, event: None
        self.on_state: Callable[[str, int, str], None] = lambda state, generation, reason: None
        #: Brings the URL for a reconnect, or raises; `fatal_errors` end the attempts.
        self.new_url: Callable[[int], Awaitable[str]] | None = None
        self.fatal_errors: tuple[type[BaseException], ...] = ()
        self.on_reconnected: Callable[[float, float], None] = lambda lost_at, back_at: None
        self._renewing: asyncio.Task[None] | None = None
        #: What events that can be answered carry; set by the owner before `connect`.
        self.origin: Origin | None = None

    # ---- state

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
        return "idle" if self._core is None else self._core.state

    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first."""
        return None if self._core is None else self._core.latency

    def stats(self) -> dict[str, Any]:
        """The core's counters."""
        return {} if self._core is None else self._core.stats()

    def take_recent(self, channel_id: int) -> list[Any]:
        """The messages of a channel that came since it was last asked, oldest first."""
        return [] if self._core is None else self._core.take_recent(channel_id)

    def want(self, name: str, wanted: bool = True) -> None:
        """Have events of an envelope field handed out, or counted and dropped."""
        tag = TAGS.get(name)
        if tag is None:
            return
        if wanted:
            self._wanted.add(tag)
        else:
            self._wanted.discard(tag)
        if self._core is not None:
            self._prepare(self._core, tag)
            self._core.want(tag, wanted)

    def use_plan(self, name: str, plan: _core.Plan) -> None:
        """Decode events of an envelope field by this plan, not by the model's own. Before `connect`."""
        self._plans[TAGS[name]] = plan

    # ---- opening and closing

    async def connect(self, url: str, auto_reconnect: bool) -> None:
        """Open the connection; returns when calls can be made.

        Raises:
            MezonConnectionError: If it cannot be opened, or is open already.
            ForkError: In a process that was forked after its parent had connected.
        """
        core = self._attach()
        loop = asyncio.get_running_loop()
        try:
            core.connect(url, auto_reconnect)
        except _core.GatewayError as error:
            raise _as_error(error, "connect") from None
        opening = self._opening = loop.create_future()
        self._closed = loop.create_future()
        try:
            await opening
        except asyncio.CancelledError:
            core.close()
            raise
        finally:
            self._opening = None

    async def close(self, timeout: float = 5.0) -> None:
        """Close the connection and leave the loop. Safe at any time, and twice."""
        core = self._core
        if core is None:
            return
        if self._renewing is not None:
            self._renewing.cancel()
        core.close()
        closed = self._closed
        # Also when somebody else has ordered the close: this must not leave the loop before the end is told.
        if closed is not None and not closed.done() and self._loop is asyncio.get_running_loop():
            await asyncio.wait([closed], timeout=timeout)
        self._detach()

    async def wait_closed(self) -> str:
        """Wait for the connection's end for good; gives the reason."""
        if self._closed is None:
            return "never connected"
        return await asyncio.shield(self._closed)

    def reconnect(self) -> bool:
        """Make a new connection at once: give up the one there is, or cut the wait for the next attempt short.

        An attempt under way goes on. Without ``auto_reconnect``, and before the first time it was ready, giving up
        is the end. False when there is no connection and none is being made.
        """
        return self._core is not None and self._core.reconnect()

    def _attach(self) -> _core.Gateway:
        loop = asyncio.get_running_loop()
        if (
            self._core is not None
            and self._loop is loop
            and (self._watched is not None or self._core.fileno() < 0)
        ):
            return self._core
        self._detach()
        self._loop = loop
        if self._core is None:
            # Windows has no descriptor a loop could watch.
            self._core = self._make_core(self._notify if sys.platform == "win32" else None)
        core = self._core
        if core.fileno() >= 0:
            try:
                loop.add_reader(core.fileno(), self._on_readable)
                self._watched = core.fileno()
            except NotImplementedError:
                # Windows' proactor loop watches no descriptors: a thread of the core calls instead.
                core = self._core = self._make_core(self._notify)
        for tag in self._wanted:
            core.want(tag, True)
        for tag in NAMES:
            self._prepare(core, tag)
        # What an earlier loop left is nobody's; this arms the wake-up.
        while core.drain(BATCH)[1]:
            pass
        return core

    def _make_core(self, notify: Callable[[], None] | None) -> _core.Gateway:
        self._planned.clear()
        return _core.Gateway(self._options, notify, self._store)

    def _prepare(self, core: _core.Gateway, tag: int) -> None:
        """Give the core the plan of a tag, once."""
        if tag in self._planned or (tag not in self._wanted and NAMES[tag] not in _ANSWERS):
            return
        self._planned.add(tag)
        plan = self._plans.get(tag) or event_plan(NAMES[tag], self.origin)
        if plan is not None:
            core.set_plan(tag, plan)

    def _detach(self) -> None:
        loop, self._loop = self._loop, None
        fd, self._watched = self._watched, None
        if loop is not None and fd is not None and not loop.is_closed():
            loop.remove_reader(fd)
        self._fail_calls("the client was closed")

    def _fail_calls(self, reason: str) -> None:
        calls, self._calls = self._calls, {}
        for name, future in calls.values():
            if not future.done() and not future.get_loop().is_closed():
                future.set_exception(_failure(name, "closed", reason, 0))

    # ---- calls

    async def call(
        self, name: str, value: Any, timeout: float, plan: _core.Plan | None = None
    ) -> tuple[str, Any]:
        """Send `value` in the envelope field `name` and wait for the answer: its field and its model.

        The value is a mapping by protobuf field names, or the encoded message. An answer without a model is bytes.

        Raises:
            ServerError: If the server refuses the call.
            MezonTimeoutError: If no answer comes within `timeout` seconds.
            DeliveryUnknownError: If the connection is lost before the answer.
            MezonConnectionError: If there is no connection.
            InvalidArgumentError: If a value does not fit its field.
        """
        kind, answer = await self._await(name, self._send(name, value, timeout, plan))
        if kind == "error":
            raise _server_error(name, answer)
        return kind, answer

    async def call_raw(self, name: str, value: Any, timeout: float) -> bytes:
        """Like `call`, for calls whose answer is a raw API body."""
        answer = await self._await(name, self._send(name, value, timeout, None))
        if isinstance(answer, bytes):
            return answer
        kind, value = answer
        if kind == "error":
            raise _server_error(name, value)
        # The answer came as an envelope; its body is what counts.
        return value if isinstance(value, bytes) else b""

    def post(self, name: str, value: Any, timeout: float) -> None:
        """Send without waiting for an answer."""
        self._send(name, value, timeout, None)

    def _send(self, name: str, value: Any, timeout: float, plan: _core.Plan | None) -> int:
        core = self._core
        if core is None:
            raise _failure(name, "not_connected", "", 0)
        try:
            if isinstance(value, bytes):
                return core.call(TAGS[name], value, timeout)
            return core.call_with(TAGS[name], plan or dict_plan(MESSAGES[name]), value, timeout)
        except _core.GatewayError as error:
            raise _as_error(error, name) from None
        except (TypeError, ValueError, OverflowError) as error:
            raise _invalid(name, error) from error

    async def _await(self, name: str, call: int) -> Any:
        loop = self._loop
        if loop is None or loop is not asyncio.get_running_loop():
            raise MezonConnectionError(
                f"{name} was called on another event loop than the one that logged in: "
                "a client belongs to the loop of its login"
            )
        future: asyncio.Future[Any] = loop.create_future()
        self._calls[call] = (name, future)
        try:
            return await future
        except asyncio.CancelledError:
            if self._calls.pop(call, None) is not None and self._core is not None:
                self._core.cancel(call)
            raise

    # ---- draining, on the loop

    def _notify(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.drain)

    def _on_readable(self) -> None:
        if self._core is not None:
            self._core.clear_wake()
            self.drain()

    def drain(self) -> None:
        """Take what the core has, one batch; come back by the loop when there is more."""
        core, loop = self._core, self._loop
        if core is None or loop is None:
            return
        items, more = core.drain(min(BATCH, self.capacity()))
        rest = iter(items)
        on_event = self.on_event
        while True:
            try:
                for kind, key, value in rest:
                    if kind == EVENT:
                        on_event(key, value)
                    else:
                        self._other(kind, key, value)
                break
            except Exception:
                # One item's trouble must not cost the others of its batch.
                logger.exception("An event could not be dispatched; the next ones go on")
        if more:
            # After the tasks these events have started: most of them are done before the next batch comes.
            loop.call_soon(self.drain)

    def _other(self, kind: int, key: int, value: Any) -> None:
        if kind == STATE:
            self._on_state(key, *value)
        elif kind == SESSION_WANTED:
            self._renew(key, value)
        elif kind == RECONNECTED:
            self.on_reconnected(*value)
        elif kind == MALFORMED:
            logger.warning(
                "A frame from the server cannot be read and is left out, %d so far: %s", key, value
            )
        else:
            self._answer(kind, key, value)

    def _answer(self, kind: int, call: int, value: Any) -> None:
        waiting = self._calls.pop(call, None)
        if waiting is None:
            return
        name, future = waiting
        if future.done():
            return
        if kind == REPLY:
            future.set_result((NAMES.get(value[0], ""), value[1]))
        elif kind == RAW:
            future.set_result(value)
        else:
            future.set_exception(_failure(name, *value))

    def _on_state(self, generation: int, state: str, reason: str) -> None:
        opening = self._opening
        if state == "ready" and opening is not None and not opening.done():
            opening.set_result(None)
        if state == "closed":
            self._fail_calls(reason)
            if opening is not None and not opening.done():
                opening.set_exception(MezonConnectionError(f"the gateway cannot be reached: {reason}"))
            if self._closed is not None and not self._closed.done():
                self._closed.set_result(reason)
        self.on_state(state, generation, reason)

    def _renew(self, generation: int, attempt: int) -> None:
        if self._loop is not None:
            self._renewing = self._loop.create_task(
                self._bring_url(generation, attempt), name="mezon-new-session"
            )

    async def _bring_url(self, generation: int, attempt: int) -> None:
        core, new_url = self._core, self.new_url
        if core is None:
            return
        if new_url is None:
            core.refuse_session(generation, True, "there is nobody to bring a new session")
            return
        try:
            url = await new_url(attempt)
        except asyncio.CancelledError:
            core.refuse_session(generation, False, "cancelled")
            raise
        except self.fatal_errors as error:
            core.refuse_session(generation, True, str(error))
        except Exception as error:
            core.refuse_session(generation, False, f"no new session: {error or type(error).__name__}")
        else:
            core.provide_session(generation, url)


#: Envelope fields that answer calls, whether or not anybody listens to them as events.
_ANSWERS: Final = frozenset({"channel_message_ack", "channel_message", "error"})


def _as_error(error: _core.GatewayError, name: str) -> MezonError:
    kind, text = error.args
    return _failure(name, kind, text, 0)


def _failure(name: str, kind: str, detail: str, code: int) -> MezonError:
    """The exception for a call that gets no answer, in words for a bot's author."""
    match kind:
        case "timeout":
            return MezonTimeoutError(
                f"no answer to {name} within its deadline; it was sent, so the server may have carried it out"
            )
        case "not_sent":
            return MezonTimeoutError(
                f"{name} was not sent within its deadline: the connection was not ready or too many frames were waiting"
            )
        case "delivery_unknown":
            return DeliveryUnknownError(
                f"the connection was lost after {name} was sent and before its answer: it may or may not have been "
                f"carried out ({detail})"
            )
        case "refused":
            return ServerError(code, detail, call=name)
        case "too_long":
            return MezonError(f"the answer to {name} is larger than the client takes")
        case "malformed":
            return MezonError(f"the answer to {name} cannot be read: {detail}")
        case "too_many":
            return MezonConnectionError(f"{name} was not sent: {detail}; wait for some of them first")
        case "forked":
            return ForkError(f"{detail}: create and log in the client in the child process")
        case "connected":
            return MezonConnectionError(
                "the client is connected already: disconnect() before you log in again"
            )
        case "closed":
            return MezonConnectionError(f"{name} was not sent: the connection is closed ({detail})")
        case _:
            return MezonConnectionError(
                f"{name} was not sent: the client is not connected; await client.login() first"
            )


def _server_error(name: str, error: Any) -> ServerError:
    hint = ""
    if must_join(error):
        hint = "Join the channel first (socket.join_chat), or check that the bot is a member of it"
    return ServerError(error.code, error.message, error.context, call=name, hint=hint)


def must_join(error: Any) -> bool:
    """Does this answer say that the channel must be joined first? (Protocol README, "Error codes".)"""
    return bool(error.code == 3 or "must join channel" in error.message.lower())


def _invalid(name: str, error: Exception) -> MezonError:
    from mezon.errors import InvalidArgumentError

    return InvalidArgumentError(f"{name} was not sent: {error}")
