"""The core as a connection on an event loop (`mezon.ports.Connection`): events, states, and calls with their answers.

The loop watches the descriptor of the core and drains events in batches. A call is one step into the core and one
future.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from typing import TYPE_CHECKING, Any, Final

from mezon._core import Gateway, GatewayError, ItemKind
from mezon._gateway.calls import PendingCalls, send
from mezon._gateway.codec import NAMES, TAGS, event_plan, protobuf_event
from mezon._gateway.failures import Secrets, no_answer, not_taken, other_loop
from mezon._gateway.filtering import EventFilters
from mezon.errors import MezonConnectionError
from mezon.models._envelopes import ENVELOPE_TO_PYDANTIC_MAP
from mezon.ports import SessionRefusedError
from mezon.utils.logger import get_logger
from mezon.utils.process import ProcessGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mezon._core import Plan, Recorder
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin
    from mezon.ports import ConnectionListener

logger = get_logger("mezon.gateway")

#: The log of the core's own steps: states, attempts, losses.
core_logger = get_logger("mezon.core")

#: A level above those of all records: the core logs nothing.
_LOG_OFF: Final = 255

#: The number of events in one batch. Other callbacks run between two batches, and the objects of a batch this small
#: stay below the threshold of the garbage collector, which rarely runs with fast handlers (docs/performance.md).
BATCH: Final = 32

#: The item kinds of `drain` as globals, because one is read for each event.
EVENT: Final = ItemKind.EVENT
EVENTS: Final = ItemKind.EVENTS
REPLY: Final = ItemKind.REPLY
RAW: Final = ItemKind.RAW
STATE: Final = ItemKind.STATE
SESSION_WANTED: Final = ItemKind.SESSION_WANTED
RECONNECTED: Final = ItemKind.RECONNECTED
MALFORMED: Final = ItemKind.MALFORMED
BROKEN: Final = ItemKind.BROKEN
LOG: Final = ItemKind.LOG

#: Envelope fields that answer calls. They need a plan even if no handler listens to them as events.
_ANSWERS: Final = frozenset({"channel_message_ack", "channel_message", "error"})

#: The delay in seconds before the next drain if a drain has failed.
_DRAIN_RETRY: Final = 0.05

#: The timeout of a close in seconds, and the interval of polling for its end.
_CLOSE_TIMEOUT: Final = 5.0
_POLL_INTERVAL: Final = 0.01

#: Exceptions that end the process. They are raised after the rest of the batch was dispatched.
_EXITS: Final = (KeyboardInterrupt, SystemExit)


def core_log_level() -> int:
    """Return the level from which the core logs its steps. It is read when a connection is opened."""
    wanted = core_logger.getEffectiveLevel()
    return min(wanted, _LOG_OFF) if core_logger.isEnabledFor(wanted) else _LOG_OFF


class CoreConnection:
    """A connection of the core on an event loop. Implements `mezon.ports.Connection`.

    Args:
        options: Settings of the core, by the names of ``mezon.GatewayOptions``.
        store: The core's message store, which saves received messages.
        plans: Decode plans by envelope field, instead of those of the models.
        origin: The client of the events that can be answered.
        encoded: Deliver events and answers as the received bytes. Errors are decoded nevertheless.
        own_id: The id of the bot, whose sent messages are saved before the call returns; 0 for none.
        secrets: Secrets to hide in errors, in addition to the tokens of the URLs.
        recorder: Records every frame.
    """

    around = None

    def __init__(
        self,
        options: Mapping[str, Any] | None = None,
        store: Any = None,
        plans: Mapping[str, Plan] | None = None,
        origin: Origin | None = None,
        *,
        encoded: bool = False,
        own_id: int = 0,
        secrets: Iterable[str] = (),
        recorder: Recorder | None = None,
    ) -> None:
        self.listener: ConnectionListener | None = None
        self._options = dict(options or {})
        self._store = store
        self._recorder = recorder
        self._plans = {TAGS[name]: plan for name, plan in (plans or {}).items()}
        self._encoded = encoded
        self._own_id = own_id
        self._origin = origin
        self._planned: set[int] = set()
        self._filters = EventFilters()
        self._wanted: set[int] = set()
        #: By tag, what takes consecutive events as a list.
        self._lists: dict[int, Callable[[str, list[Any]], None]] = {}
        self._core: Gateway | None = None
        self._process = ProcessGuard()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeup = LoopWakeup()
        self._secrets = Secrets(secrets)
        self._calls = PendingCalls(self._secrets)
        self._opening: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[str] | None = None
        self._renewing: asyncio.Task[None] | None = None

    # ---- state

    @property
    def feeds_store(self) -> bool:
        """Whether received messages are saved to a store before they are dispatched."""
        return self._store is not None

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
        if self._core is None:
            return "idle"
        # Events of the core cannot be delivered once the loop is closed.
        return "closed" if self._loop is not None and self._loop.is_closed() else self._core.state

    @property
    def latency(self) -> float | None:
        """The last round trip time of a ping in seconds; None before the first."""
        return None if self._core is None else self._core.latency

    def stats(self) -> dict[str, Any]:
        """Return the counters of the core."""
        return {} if self._core is None else self._core.stats()

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Remove and return the messages of a channel received since the last call, oldest first."""
        return [] if self._core is None else self._core.take_recent(channel_id)

    def want(self, name: str, wanted: bool = True) -> None:
        """Deliver the events of an envelope field, or count and drop them."""
        tag = TAGS.get(name)
        if tag is None:
            return
        (self._wanted.add if wanted else self._wanted.discard)(tag)
        if self._core is not None:
            self._prepare(self._core, tag)
            self._core.want(tag, wanted)

    def narrow(self, name: str, spec: Mapping[str, Any] | None) -> None:
        """Deliver only the events of a name that match a filter; None for all."""
        self._filters.set(name, spec, self._core)

    def deliver_lists(self, name: str, receive: Callable[[str, list[Any]], None] | None) -> None:
        """Pass consecutive events of a name to ``receive`` as a list; None for one by one. Optional for connections."""
        tag = TAGS.get(name)
        if tag is None or (receive is None and tag not in self._lists):
            return
        if receive is None:
            del self._lists[tag]
        elif self._encoded or name not in ENVELOPE_TO_PYDANTIC_MAP:
            # Events without a model are decoded one by one.
            return
        else:
            self._lists[tag] = receive
        if self._core is not None:
            self._core.deliver_lists(tag, receive is not None)

    def renew_lease(self, left: float) -> None:
        """Allow calls for ``left`` seconds. Later calls fail until the lease is renewed again."""
        if self._core is not None:
            self._core.renew_lease(left)

    # ---- opening and closing

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Open the connection. Return when calls can be made."""
        self._process.check()
        if self._core is not None and self._loop is not None and self._loop.is_closed():
            # The loop of the previous connection ended without a close.
            await _close_by_polling(self._core)
        loop = asyncio.get_running_loop()
        try:
            core = self._attach()
            core.set_log_level(core_log_level())
            core.connect(list(urls), auto_reconnect)
            self._secrets.learn(urls)
        except GatewayError as error:
            raise not_taken(error, "connect") from None
        opening = self._opening = loop.create_future()
        self._closed = loop.create_future()
        try:
            await opening
        except asyncio.CancelledError:
            core.close()
            raise
        finally:
            self._opening = None

    async def close(self) -> None:
        """Close the connection and release the resources of the loop. Idempotent."""
        self._process.check()
        core = self._core
        if core is None:
            return
        renewing, self._renewing = self._renewing, None
        if renewing is not None and not renewing.get_loop().is_closed():
            renewing.cancel()
        closed = self._closed
        if closed is not None and not closed.done() and self._loop is asyncio.get_running_loop():
            core.close()
            # Also if a close is in progress already: do not leave the loop before its event was delivered.
            await asyncio.wait([closed], timeout=_CLOSE_TIMEOUT)
        else:
            await _close_by_polling(core)
        self._detach()

    def reconnect(self) -> bool:
        """Replace the connection, or skip the delay before the next attempt. Return False if there is no connection.

        An attempt in progress continues. Without ``auto_reconnect``, or before the first ``ready``, the connection is
        closed for good.
        """
        self._process.check()
        return self._core is not None and self._core.reconnect()

    def _attach(self) -> Gateway:
        loop = asyncio.get_running_loop()
        if self._core is not None and self._loop is loop and self._wakeup.is_set:
            return self._core
        self._detach()
        self._loop = loop
        if self._core is None:
            # Windows has no descriptor that a loop could watch.
            self._core = self._make_core(notify=sys.platform == "win32")
        core = self._core
        if core.fileno() >= 0 and not self._wakeup.set(loop, core.fileno(), self._on_readable):
            core = self._core = self._make_core(notify=True)
        if not self._wakeup.is_set:
            self._wakeup.keep_alive(self)
        self._process.begin()
        for tag in self._wanted:
            core.want(tag, True)
        for tag in self._lists:
            core.deliver_lists(tag, True)
        self._filters.apply(core)
        for tag in NAMES:
            self._prepare(core, tag)
        # Drop the items of an earlier loop. Draining until empty also arms the wake-up.
        while core.drain(BATCH)[1]:
            pass
        return core

    def _make_core(self, *, notify: bool) -> Gateway:
        self._planned.clear()
        core = Gateway(self._options, _weak_notifier(self) if notify else None, self._store, self._recorder)
        if self._own_id:
            core.set_own_id(self._own_id)
        return core

    def _prepare(self, core: Gateway, tag: int) -> None:
        """Set the decode plan of a tag in the core, once."""
        if tag in self._planned or (tag not in self._wanted and NAMES[tag] not in _ANSWERS):
            return
        if self._encoded and NAMES[tag] != "error":
            return
        self._planned.add(tag)
        plan = self._plans.get(tag) or event_plan(NAMES[tag], self._origin)
        if plan is not None:
            core.set_plan(tag, plan)

    def _detach(self) -> None:
        self._wakeup.remove(self)
        self._loop = None
        self._calls.fail_all("the client was closed")

    # ---- calls

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send ``value`` in the envelope field ``name``. Return the field and the model of the answer."""
        kind, answer = await self._calls.ask(self._core, name, value, timeout, self._loop_of_calls(name))
        return kind, answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Send like ``call``, for calls whose answer is the body of an API response."""
        answer = await self._calls.ask(self._core, name, value, timeout, self._loop_of_calls(name))
        if isinstance(answer, bytes):
            return answer
        _, content = answer
        # The server answered with an envelope instead of raw chunks.
        return content if isinstance(content, bytes) else b""

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Send without waiting for an answer."""
        self._process.check()
        send(self._core, name, value, timeout)

    def in_flight(self) -> dict[int, asyncio.Future[Any]]:
        """Return the futures of the pending calls, by the number that the core assigned."""
        return self._calls.futures()

    def _loop_of_calls(self, name: str) -> asyncio.AbstractEventLoop:
        """Return the loop on which answers are received. Raise if it is not the running loop."""
        self._process.check()
        loop = self._loop
        if loop is None:
            raise no_answer(name, "not_connected")
        if loop is not asyncio.get_running_loop():
            raise other_loop(name)
        return loop

    # ---- draining, on the loop

    def notify(self) -> None:
        """Schedule a drain. Called by a thread of the core if the loop watches no descriptor."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.drain)

    def _on_readable(self) -> None:
        if self._core is not None:
            self._core.clear_wake()
            self.drain()

    def hold(self) -> None:
        """Do nothing: ``drain`` reads the capacity of the listener."""

    def resume(self) -> None:
        """Continue after the capacity of the listener was 0."""
        self.drain()

    def drain(self) -> None:
        """Dispatch one batch of the core's items, and schedule the next drain if there are more."""
        core, loop, listener = self._core, self._loop, self.listener
        if core is None or loop is None or loop.is_closed():
            return
        self._calls.begin_batch()
        try:
            items, more = core.drain(BATCH if listener is None else min(BATCH, listener.capacity()))
        except BaseException as error:
            loop.call_later(_DRAIN_RETRY, self.drain)
            if isinstance(error, _EXITS):
                raise
            logger.exception("Draining events of the core failed; it is tried again")
            return
        try:
            self._dispatch(items, listener)
        finally:
            if more:
                # After the tasks of these events: most are done before the next batch is dispatched.
                loop.call_soon(self.drain)

    def _dispatch(self, items: list[tuple[int, int, Any]], listener: ConnectionListener | None) -> None:
        """Dispatch the items of a batch. An exception of one item does not affect the others."""
        on_event = None if listener is None else listener.on_event
        decode = not self._encoded
        rest, exit_error = iter(items), None
        while True:
            try:
                for kind, key, value in rest:
                    if kind == EVENT:
                        if on_event is None:
                            continue
                        name, event = NAMES[key], value
                        if type(value) is bytes and decode:
                            event = protobuf_event(name, value, self._origin)
                        if event is not None:
                            on_event(name, event)
                    elif kind == EVENTS:
                        receive = self._lists.get(key)
                        if on_event is None:
                            continue
                        if receive is not None:
                            receive(NAMES[key], value)
                        else:
                            # The handlers have changed since the list was drained.
                            self._dispatch([(EVENT, key, event) for event in value], listener)
                    else:
                        self._dispatch_other(kind, key, value, listener)
                break
            except _EXITS as error:
                exit_error = error
            except BaseException:
                logger.exception("An event could not be dispatched; the next ones are not affected")
        if exit_error is not None:
            raise exit_error

    def _dispatch_other(self, kind: int, key: int, value: Any, listener: ConnectionListener | None) -> None:
        if kind == STATE:
            self._on_state(listener, key, *value)
        elif kind == SESSION_WANTED:
            self._request_session(key, value)
        elif kind == RECONNECTED:
            if listener is not None:
                listener.on_reconnected(*value)
        elif kind == MALFORMED:
            logger.warning("A frame from the server cannot be read, %d so far: %s", key, value)
        elif kind == LOG:
            core_logger.log(key, "%s", value)
        elif kind == BROKEN:
            # The core could not build the object of an event; `_dispatch` logs the exception.
            raise value
        elif kind == REPLY:
            self._calls.answered(key, (NAMES.get(value[0], ""), value[1]))
        elif kind == RAW:
            self._calls.answered(key, value)
        else:
            self._calls.failed(key, *value)

    def _on_state(
        self, listener: ConnectionListener | None, generation: int, state: str, reason: str
    ) -> None:
        opening = self._opening
        if state == "ready" and opening is not None and not opening.done():
            opening.set_result(None)
        if state == "closed":
            # A client that is dropped now must leave nothing in the loop. `resume` delivers the remaining events.
            self._wakeup.remove(self)
            self._calls.fail_all(reason)
            if opening is not None and not opening.done():
                opening.set_exception(MezonConnectionError(f"the gateway cannot be reached: {reason}"))
            if self._closed is not None and not self._closed.done():
                self._closed.set_result(reason)
        if listener is not None:
            listener.on_state(state, generation, reason)

    # ---- a new session for a reconnect

    def _request_session(self, generation: int, attempt: int) -> None:
        if self._loop is not None and self._core is not None:
            self._renewing = self._loop.create_task(
                self._provide_session(self._core, generation, attempt), name="mezon-new-session"
            )

    async def _provide_session(self, core: Gateway, generation: int, attempt: int) -> None:
        """Pass the URLs of a new session to the core, or the reason why there are none."""
        if self.listener is None:
            core.refuse_session(generation, True, "no listener can create a new session")
            return
        try:
            urls = list(await self.listener.new_urls(attempt))
        except asyncio.CancelledError:
            core.refuse_session(generation, False, "cancelled")
            raise
        except SessionRefusedError as error:
            core.refuse_session(generation, True, str(error))
        except Exception as error:
            core.refuse_session(generation, False, f"no new session: {error or type(error).__name__}")
        else:
            self._secrets.learn(urls)
            core.provide_session(generation, urls)


async def _close_by_polling(core: Gateway) -> None:
    """Close a core whose loop is closed or is not the running one, so that no event reports the end."""
    core.close()
    for _ in range(int(_CLOSE_TIMEOUT / _POLL_INTERVAL)):
        if core.state in ("idle", "closed"):
            return
        await asyncio.sleep(_POLL_INTERVAL)


#: Open connections whose loop watches no descriptor: the thread of the core has only a weak reference to them.
_kept_alive: set[CoreConnection] = set()


class LoopWakeup:
    """The registration of one connection's descriptor in its event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether a loop watches the descriptor."""
        return self._descriptor is not None

    def set(self, loop: asyncio.AbstractEventLoop, descriptor: int, ready: Callable[[], None]) -> bool:
        """Watch a descriptor. Return False if the loop supports none, such as Windows' proactor loop."""
        try:
            loop.add_reader(descriptor, ready)
        except NotImplementedError:
            return False
        self._loop, self._descriptor = loop, descriptor
        return True

    def keep_alive(self, connection: CoreConnection) -> None:
        """Keep a connection alive that the thread of the core notifies."""
        _kept_alive.add(connection)

    def remove(self, connection: CoreConnection) -> None:
        """Remove the registration. Idempotent."""
        _kept_alive.discard(connection)
        loop, self._loop = self._loop, None
        descriptor, self._descriptor = self._descriptor, None
        if loop is not None and descriptor is not None and not loop.is_closed():
            loop.remove_reader(descriptor)


def _weak_notifier(connection: CoreConnection) -> Callable[[], None]:
    """Return the callback of the core's thread, which must not keep the connection alive."""
    reference = weakref.ref(connection)

    def notify() -> None:
        if (alive := reference()) is not None:
            alive.notify()

    return notify
