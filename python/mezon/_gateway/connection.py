"""The core as a connection: calls are awaited, and a listener is told of events.

Two doors a batch and none a message: the event loop watches the core's descriptor, takes what is there, and a call
is one step into the core and one future out of it.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Final

from mezon import _core
from mezon._gateway import core_log
from mezon._gateway.closing import CLOSING, close_unheard
from mezon._gateway.codec import NAMES, TAGS, event_plan
from mezon._gateway.failures import no_answer, not_taken, other_loop
from mezon._gateway.filtering import Narrowing
from mezon._gateway.inflight import InFlight
from mezon._gateway.new_session import bring_urls
from mezon._gateway.protobuf_events import protobuf_event
from mezon._gateway.secrets import Secrets
from mezon._gateway.sending import send
from mezon._gateway.watch import Watch, weakly
from mezon.errors import MezonConnectionError
from mezon.utils.logger import get_logger
from mezon.utils.process import ProcessGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin
    from mezon.ports import ConnectionListener

logger = get_logger("mezon.gateway")

#: Events taken from the core at once. Other callbacks get their turn in between, and the objects of a batch this
#: small stay below the garbage collector's threshold: with quick handlers it hardly runs (docs/performance.md).
BATCH: Final = 32

#: The kinds of what `drain` gives, as names of this module: one is looked up for each event.
EVENT: Final = _core.ItemKind.EVENT
REPLY: Final = _core.ItemKind.REPLY
RAW: Final = _core.ItemKind.RAW
STATE: Final = _core.ItemKind.STATE
SESSION_WANTED: Final = _core.ItemKind.SESSION_WANTED
RECONNECTED: Final = _core.ItemKind.RECONNECTED
MALFORMED: Final = _core.ItemKind.MALFORMED
BROKEN: Final = _core.ItemKind.BROKEN
LOG: Final = _core.ItemKind.LOG

#: Envelope fields that answer calls, whether or not anybody listens to them as events.
_ANSWERS: Final = frozenset({"channel_message_ack", "channel_message", "error"})

#: Seconds before the core is asked again when it could not even be asked.
_PAUSE: Final = 0.05

#: These end a process. They go on, but not before the rest of a batch is seen to.
_ENDS: Final = (KeyboardInterrupt, SystemExit)


class CoreConnection:
    """A connection of the core, on an event loop; see ``mezon.ports.Connection``.

    Args:
        options: Settings of the core, by the names of ``mezon.GatewayOptions``.
        store: The core's message store, which received messages go to.
        plans: By envelope field, how its events are decoded when the model's own way is not wanted.
        origin: What events carry that can be answered: whose they are.
        encoded: Give events and answers as bytes, as they came; errors are read all the same.
        own_id: Whose sends are in the store, and among the recent messages, before their answer is told; 0: nobody's.
        secrets: What no error may say, beside the tokens of the addresses.
    """

    around = None

    def __init__(
        self,
        options: Mapping[str, Any] | None = None,
        store: Any = None,
        plans: Mapping[str, _core.Plan] | None = None,
        origin: Origin | None = None,
        *,
        encoded: bool = False,
        own_id: int = 0,
        secrets: Iterable[str] = (),
    ) -> None:
        self.listener: ConnectionListener | None = None
        self._options = dict(options or {})
        self._store = store
        self._plans = {TAGS[name]: plan for name, plan in (plans or {}).items()}
        self._encoded = encoded
        self._own_id = own_id
        self._origin = origin
        self._planned: set[int] = set()
        self._narrow = Narrowing()
        self._wanted: set[int] = set()
        self._core: _core.Gateway | None = None
        self._process = ProcessGuard()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch = Watch()
        self._secrets = Secrets(secrets)
        self._calls = InFlight(self._secrets)
        self._opening: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[str] | None = None
        self._renewing: asyncio.Task[None] | None = None

    # ---- state

    @property
    def feeds_store(self) -> bool:
        """Whether what comes is put into a message store before it is told."""
        return self._store is not None

    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
        if self._core is None:
            return "idle"
        # Whatever the core does, nobody hears of it when the loop is closed.
        return "closed" if self._loop is not None and self._loop.is_closed() else self._core.state

    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first."""
        return None if self._core is None else self._core.latency

    def stats(self) -> dict[str, Any]:
        """Give the core's counters."""
        return {} if self._core is None else self._core.stats()

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Take the messages of a channel that came since it was last asked, oldest first."""
        return [] if self._core is None else self._core.take_recent(channel_id)

    def want(self, name: str, wanted: bool = True) -> None:
        """Have the events of an envelope field told, or counted and dropped."""
        tag = TAGS.get(name)
        if tag is None:
            return
        (self._wanted.add if wanted else self._wanted.discard)(tag)
        if self._core is not None:
            self._prepare(self._core, tag)
            self._core.want(tag, wanted)

    def narrow(self, name: str, spec: Mapping[str, Any] | None) -> None:
        """Tell those alone of the wanted events of a name that handlers want; None for all."""
        self._narrow.set(name, spec, self._core)

    def renew_lease(self, left: float) -> None:
        """Let calls go out for so many seconds from now on, and no longer until this is said again."""
        if self._core is not None:
            self._core.renew_lease(left)

    # ---- opening and closing

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Open the connection; returns when calls can be made."""
        self._process.check()
        if self._core is not None and self._loop is not None and self._loop.is_closed():
            # The loop it was opened on ended without a word.
            await close_unheard(self._core)
        loop = asyncio.get_running_loop()
        try:
            core = self._attach()
            core.set_log_level(core_log.level())
            core.connect(list(urls), auto_reconnect)
            self._secrets.learn(urls)
        except _core.GatewayError as error:
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
        """Close the connection and leave the loop. Safe at any time, and twice."""
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
            # Also when somebody else has ordered the close: this must not leave the loop before the end is told.
            await asyncio.wait([closed], timeout=CLOSING)
        else:
            await close_unheard(core)
        self._detach()

    def reconnect(self) -> bool:
        """Make a new connection at once: give up the one there is, or cut the wait for the next attempt short.

        An attempt under way goes on. Without ``auto_reconnect``, or before it was ready, it is the end. False for none.
        """
        self._process.check()
        return self._core is not None and self._core.reconnect()

    def _attach(self) -> _core.Gateway:
        loop = asyncio.get_running_loop()
        if self._core is not None and self._loop is loop and self._watch.is_set:
            return self._core
        self._detach()
        self._loop = loop
        if self._core is None:
            # Windows has no descriptor a loop could watch.
            self._core = self._make_core(notify=sys.platform == "win32")
        core = self._core
        if core.fileno() >= 0 and not self._watch.set(loop, core.fileno(), self._on_readable):
            core = self._core = self._make_core(notify=True)
        if not self._watch.is_set:
            self._watch.keep(self)
        self._process.begin()
        for tag in self._wanted:
            core.want(tag, True)
        self._narrow.give(core)
        for tag in NAMES:
            self._prepare(core, tag)
        # What an earlier loop left, nobody waits for; this arms the wake-up.
        while core.drain(BATCH)[1]:
            pass
        return core

    def _make_core(self, *, notify: bool) -> _core.Gateway:
        self._planned.clear()
        core = _core.Gateway(self._options, weakly(self) if notify else None, self._store)
        if self._own_id:
            core.set_own_id(self._own_id)
        return core

    def _prepare(self, core: _core.Gateway, tag: int) -> None:
        """Give the core the plan of a tag, once."""
        if tag in self._planned or (tag not in self._wanted and NAMES[tag] not in _ANSWERS):
            return
        if self._encoded and NAMES[tag] != "error":
            return
        self._planned.add(tag)
        plan = self._plans.get(tag) or event_plan(NAMES[tag], self._origin)
        if plan is not None:
            core.set_plan(tag, plan)

    def _detach(self) -> None:
        self._watch.end(self)
        self._loop = None
        self._calls.fail_all("the client was closed")

    # ---- calls

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send ``value`` in the envelope field ``name`` and wait for the answer: its field and its model."""
        kind, answer = await self._calls.ask(self._core, name, value, timeout, self._loop_of_calls(name))
        return kind, answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Call like ``call``, for calls whose answer is the body of an API call."""
        answer = await self._calls.ask(self._core, name, value, timeout, self._loop_of_calls(name))
        if isinstance(answer, bytes):
            return answer
        _, content = answer
        # The answer came as an envelope; its body is what counts.
        return content if isinstance(content, bytes) else b""

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Send without waiting for an answer."""
        self._process.check()
        send(self._core, name, value, timeout)

    def in_flight(self) -> dict[int, asyncio.Future[Any]]:
        """Give the calls that wait for their answers, by the core's number."""
        return self._calls.futures()

    def _loop_of_calls(self, name: str) -> asyncio.AbstractEventLoop:
        """Give the loop answers come to, which has to be the caller's: asked before anything is sent."""
        self._process.check()
        loop = self._loop
        if loop is None:
            raise no_answer(name, "not_connected")
        if loop is not asyncio.get_running_loop():
            raise other_loop(name)
        return loop

    # ---- draining, on the loop

    def notify(self) -> None:
        """Drain soon: called by a thread of the core where the loop watches no descriptor."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self.drain)

    def _on_readable(self) -> None:
        if self._core is not None:
            self._core.clear_wake()
            self.drain()

    def hold(self) -> None:
        """Do nothing: the listener's capacity says it, and what waits here is for nobody else."""

    def resume(self) -> None:
        """Ask ``capacity`` again: it was 0 and there is room now."""
        self.drain()

    def drain(self) -> None:
        """Take what the core has, one batch; come back by the loop when there is more."""
        core, loop, listener = self._core, self._loop, self.listener
        if core is None or loop is None or loop.is_closed():
            return
        self._calls.turn.begin()
        try:
            items, more = core.drain(BATCH if listener is None else min(BATCH, listener.capacity()))
        except BaseException as error:
            loop.call_later(_PAUSE, self.drain)
            if isinstance(error, _ENDS):
                raise
            logger.exception("Events could not be taken from the core; the next ones go on")
            return
        try:
            self._hand_out(items, listener)
        finally:
            if more:
                # After the tasks these events have started: most are done before the next batch comes.
                loop.call_soon(self.drain)

    def _hand_out(self, items: list[tuple[int, int, Any]], listener: ConnectionListener | None) -> None:
        """Tell the items of a batch. One item's trouble must not cost the others."""
        on_event = None if listener is None else listener.on_event
        decode = not self._encoded
        rest, end = iter(items), None
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
                    else:
                        self._other(kind, key, value, listener)
                break
            except _ENDS as error:
                end = error
            except BaseException:
                logger.exception("An event could not be dispatched; the next ones go on")
        if end is not None:
            raise end

    def _other(self, kind: int, key: int, value: Any, listener: ConnectionListener | None) -> None:
        if kind == STATE:
            self._on_state(listener, key, *value)
        elif kind == SESSION_WANTED:
            self._renew(key, value)
        elif kind == RECONNECTED:
            if listener is not None:
                listener.on_reconnected(*value)
        elif kind == MALFORMED:
            logger.warning("A frame from the server cannot be read, %d so far: %s", key, value)
        elif kind == LOG:
            core_log.logger.log(key, "%s", value)
        elif kind == BROKEN:
            # The core could not make an object of an event: who hands out tells it as any trouble with one.
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
            # A client that is thrown away now leaves nothing in the loop; what is left comes by `resume`.
            self._watch.end(self)
            self._calls.fail_all(reason)
            if opening is not None and not opening.done():
                opening.set_exception(MezonConnectionError(f"the gateway cannot be reached: {reason}"))
            if self._closed is not None and not self._closed.done():
                self._closed.set_result(reason)
        if listener is not None:
            listener.on_state(state, generation, reason)

    # ---- a new session for a reconnect

    def _renew(self, generation: int, attempt: int) -> None:
        if self._loop is not None and self._core is not None:
            self._renewing = self._loop.create_task(
                bring_urls(self._core, self.listener, self._secrets, generation, attempt),
                name="mezon-new-session",
            )
