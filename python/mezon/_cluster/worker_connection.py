"""A worker's connection: events come out of the stream, calls go to the relay."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.acknowledger import Acknowledger
from mezon._cluster.background import beside
from mezon._cluster.broker import connect, gone
from mezon._cluster.dead_letters import bury
from mezon._cluster.delivery import DELIVERED, Delivery, around
from mezon._cluster.event_reader import EventReader
from mezon._cluster.layout import partitions_of
from mezon._cluster.membership import Member, Members
from mezon._cluster.names import check_worker_name
from mezon._cluster.ownership import Ownership
from mezon._cluster.packets import Packet
from mezon._cluster.poison_detector import Suspects
from mezon._cluster.reader import Reader
from mezon._cluster.recent import Recent
from mezon._cluster.relay_client import Courier
from mezon._cluster.subscriptions import Wants
from mezon._gateway.codec import MESSAGES, dict_plan
from mezon._gateway.failures import does_not_fit, no_answer
from mezon.ports import CLOSED
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nats.aio.client import Client

    from mezon import _core
    from mezon._cluster.names import Names
    from mezon._cluster.settings import Broker, Layout, Timing
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin
    from mezon.ports import ConnectionListener

logger = get_logger("mezon.cluster")

#: Events that are handed to handlers in one turn of the loop.
_TURN: Final = 64

_MESSAGE: Final = "channel_message"

#: Seconds for what still runs when the connection is closed.
_LAST_WORDS: Final = 1.0

#: Beats for which a new worker only listens: by then everybody has said once that it lives.
_LISTEN: Final = 1.2

#: Seconds until a connection that is being made is cancelled once more.
_CANCEL_AGAIN: Final = 0.2

#: Seconds a relay has to take note of what a worker listens to.
_PATIENCE: Final = 10.0


class WorkerConnection:
    """See :class:`mezon.ports.Connection`. It is ready when the worker is a member and a relay can be asked.

    Args:
        broker: Where NATS is.
        names: The bot's names.
        layout: Its ``max_deliveries`` and ``acknowledge_early``.
        timing: How long things may take.
        plan: How messages are decoded when the model's own way is not wanted.
        origin: What events carry that can be answered: whose they are.
        recent: Messages remembered of a channel, and of how many channels.
        name: Its name in the permissions of NATS. Several processes may have the same.
    """

    def __init__(
        self,
        broker: Broker,
        names: Names,
        layout: Layout,
        timing: Timing,
        *,
        plan: _core.Plan | None = None,
        origin: Origin | None = None,
        recent: tuple[int, int] = (200, 1000),
        name: str = "worker",
    ) -> None:
        self.listener: ConnectionListener | None = None
        #: What is called in place of a handler, so that its end is seen.
        self.around = around
        # The first part is what NATS gives this worker subjects for; the second one tells its processes apart.
        self.name = f"{check_worker_name(name)}.{uuid.uuid4().hex[:12]}"
        self._broker = replace(broker, inbox=names.inbox(self.name))
        self._names = names
        self._layout = layout
        self._timing = timing
        self._events = EventReader(plan, origin, Recent(*recent))
        self._state = "idle"
        self._generation = 0
        self._wants = Wants(self.name)
        self._waiting: deque[Delivery] = deque()
        self._handing_out = False
        self._client: Client | None = None
        self._courier: Courier | None = None
        self._members: Members | None = None
        self._ownership: Ownership | None = None
        self._acknowledger: Acknowledger | None = None
        self._suspects: Suspects | None = None
        self._beating: asyncio.Task[None] | None = None
        self._connecting: asyncio.Future[Courier] | None = None
        self._counts = {"events": 0, "malformed": 0, "repeated": 0, "dead": 0}

    # ---- state

    @property
    def state(self) -> str:
        """idle, connecting, ready or closed."""
        return self._state

    @property
    def latency(self) -> float | None:
        """Not measured here: the relay's is that of the gateway."""
        return None

    def stats(self) -> Mapping[str, Any]:
        """Count the events taken, and what waits for a handler."""
        ownership = self._ownership
        return {
            "queued": len(self._waiting),
            "malformed": self._counts["malformed"],
            "partitions": [] if ownership is None else ownership.mine,
            "worker": self.name,
            "events": {"all": self._counts["events"]},
        }

    def want(self, name: str, wanted: bool = True) -> None:
        """Tell the relay, with the next sign of life, what handlers listen to."""
        if self._wants.want(name, wanted) and self._state == "ready":
            # The next sign of life would say it too, only later.
            beside(self._say_interests())

    def narrow(self, name: str, spec: Mapping[str, Any] | None) -> None:
        """Tell the relay, with the next sign of life, what of an event handlers want."""
        running = self._state == "ready"
        if self._wants.narrow(name, spec, running) and running:
            beside(self._say_interests())

    async def _say_interests(self) -> None:
        courier = self._courier
        if courier is not None:
            packet = Packet({"said": self._wants.member().encode().decode()})
            await courier.ask("interest", packet, _PATIENCE, "the worker's interests", harmless=True)

    async def courier(self) -> Courier:
        """Give the way to the relay, made with the first call."""
        if self._connecting is None or (self._connecting.done() and self._connecting.exception() is not None):
            self._connecting = asyncio.ensure_future(self._connect())
        connecting = self._connecting
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if connecting.cancelled() and task is not None and not task.cancelling():
                raise no_answer("connect", "closed", "it was closed while it connected") from None
            raise

    async def _connect(self) -> Courier:
        client = self._client = await connect(self._broker, on_back=self._line_is_back)
        courier = self._courier = Courier(client, self._names, self.name)
        await courier.start()
        return courier

    def _line_is_back(self) -> None:
        if self._courier is not None:
            self._courier.ask_again()

    # ---- opening and closing

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Become a worker of the bot. ``urls`` are the relay's business."""
        if self._state not in ("idle", "closed"):
            raise no_answer("connect", "connected")
        self._wants.leaving = False
        self._enter("connecting")
        try:
            await self.courier()
            client = self._client
            assert client is not None
            partitions = await partitions_of(client, self._names)
            members = self._members = Members(client, self._names, self._timing, self._settle)
            self._ownership = Ownership(
                self.name, members, partitions, lambda part: self._reader(client, part), self._timing.handoff
            )
            most = self._layout.max_deliveries
            self._suspects = Suspects(client, self._names, most, self._line_up, self._bury)
            acknowledger = self._acknowledger = Acknowledger(client, self._timing, self._ownership.open)
            acknowledger.start()
            await members.start()
            # From here on a relay publishes what this worker listens to.
            await self._say_interests()
            # It listens before it speaks: when it has a share, it knows with whom, and takes nothing to give it back.
            await asyncio.sleep(self._timing.beat * _LISTEN)
            self._beating = asyncio.create_task(self._beat(members), name="mezon-worker-beat")
        except BaseException:
            await self._end()
            self._enter("closed", "the broker cannot be reached")
            raise
        self._enter("joining")
        self._enter("ready")
        self.resume()

    async def close(self) -> None:
        """Leave: take nothing more, let handlers end, give the partitions to others. Safe at any time, and twice."""
        if self._state in ("idle", "closed"):
            await self._end()
            return
        self._state = "closing"
        await self._end()
        self._enter("closed", CLOSED)

    async def _end(self) -> None:
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.cancel()
        members, self._members = self._members, None
        if members is not None:
            with contextlib.suppress(Exception):
                self._wants.leaving = True
                await members.say(self._wants.member())
        ownership, self._ownership = self._ownership, None
        suspects, self._suspects = self._suspects, None
        if suspects is not None:
            await suspects.stop()
        if ownership is not None:
            # The client has let its handlers end before it closes the connection.
            await ownership.stop(_LAST_WORDS)
        self._waiting.clear()
        acknowledger, self._acknowledger = self._acknowledger, None
        if acknowledger is not None:
            await acknowledger.stop()
        if members is not None:
            with contextlib.suppress(Exception):
                await members.leave(Member(self.name))
            await members.stop()
        connecting, self._connecting = self._connecting, None
        # Whoever waited for the connection has given up, or the client closes.
        while connecting is not None and not connecting.done():
            connecting.cancel()
            # asyncio.wait_for of Python 3.11 loses a cancellation that comes with its result.
            await asyncio.wait([connecting], timeout=_CANCEL_AGAIN)
        courier, self._courier = self._courier, None
        if courier is not None:
            with contextlib.suppress(Exception):
                await courier.stop()
        client, self._client = self._client, None
        if client is not None:
            await gone(client)

    def _enter(self, state: str, reason: str = "") -> None:
        self._state = state
        if state == "connecting":
            self._generation += 1
        if self.listener is not None:
            self.listener.on_state(state, self._generation, reason)

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        """Give nothing: calls wait at the relay, which numbers them."""
        return {}

    def reconnect(self) -> bool:
        """Return False: the connection to the gateway is the relay's."""
        return False

    # ---- membership

    async def _beat(self, members: Members) -> None:
        while True:
            try:
                await members.say(self._wants.member())
            except Exception as error:
                logger.debug("No sign of life was given: %s", error or type(error).__name__)
            await asyncio.sleep(self._timing.beat)

    def _settle(self) -> None:
        if self._ownership is not None:
            self._ownership.settle()

    def _reader(self, client: Client, partition: int) -> Reader:
        assert self._acknowledger is not None
        say = self._acknowledger.say
        return Reader(client, self._names, self._timing, partition, self._take, say)

    # ---- from the stream to handlers

    def _take(self, delivery: Delivery) -> None:
        if delivery.times > 1:
            self._counts["repeated"] += 1
        if self._suspects is None or not self._suspects.takes(delivery):
            self._line_up(delivery)

    def _line_up(self, delivery: Delivery) -> None:
        self._waiting.append(delivery)
        self.resume()

    def hold(self) -> None:
        """Leave: others take at once what has not begun here, while what runs ends. Calls go on until the close."""
        self._wants.leaving = True
        if self._members is not None:
            beside(self._members.say(self._wants.member()))

    def resume(self) -> None:
        """Hand out what waits, as far as there is room."""
        if not self._handing_out and self._waiting:
            self._handing_out = True
            asyncio.get_running_loop().call_soon(self._hand_out)

    def _hand_out(self) -> None:
        self._handing_out = False
        listener, waiting = self.listener, self._waiting
        if listener is None or self._state != "ready":
            # Readers leave to others what has not begun.
            return
        room = min(listener.capacity(), _TURN)
        while waiting and room > 0:
            delivery = waiting.popleft()
            if not delivery.ended:
                room -= 1
                self._deliver(listener, delivery)
        if waiting and listener.capacity() > 0:
            self.resume()

    def _deliver(self, listener: ConnectionListener, delivery: Delivery) -> None:
        try:
            event = self._events.read(delivery.name, delivery.body)
        except Exception as error:
            self._counts["malformed"] += 1
            self._bury(delivery, f"it cannot be read: {type(error).__name__}")
            return
        self._counts["events"] += 1
        token = DELIVERED.set(delivery)
        delivery.begin()
        try:
            listener.on_event(delivery.name, event)
        except (KeyboardInterrupt, SystemExit):
            delivery.give_up()
            raise
        except BaseException:
            logger.exception("An event could not be dispatched; the next ones go on")
        finally:
            DELIVERED.reset(token)
            delivery.end()
            delivery.all_started(self._layout.acknowledge_early)

    def _bury(self, delivery: Delivery, reason: str) -> None:
        self._counts["dead"] += 1
        client = self._client
        if client is None:
            return

        async def go() -> None:
            try:
                await bury(client, self._names, delivery, reason, self.name)
            except Exception as error:
                logger.warning("A dead event could not be put away, so it comes again: %s", error)
                delivery.give_up()
            finally:
                delivery.end()

        delivery.begin()
        delivery.all_started()
        beside(go())

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Take the messages of a channel that came since it was last asked, oldest first."""
        return self._events.take_recent(channel_id)

    # ---- calls

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send ``value`` by the relay and wait for the answer: its field and its model."""
        answer = await self._ask("call", name, value, timeout)
        field = answer.values["field"]
        return field, self._events.answer(field, answer.body)

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Call like ``call``, for calls whose answer is the body of an API call."""
        return (await self._ask("raw", name, value, timeout)).body

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Send without waiting for an answer."""
        body = self._encoded(name, value)
        courier = self._courier
        if courier is None:
            raise no_answer(name, "not_connected")
        beside(courier.tell("socket", Packet({"way": "post", "name": name, "timeout": timeout}, body)))

    async def _ask(self, way: str, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> Packet:
        if self._courier is None or self._state == "closed":
            raise no_answer(name, "not_connected")
        packet = Packet({"way": way, "name": name, "timeout": timeout}, self._encoded(name, value))
        harmless = name in ("clan_join", "channel_join", "message_typing_event", "last_seen_message_event")
        return await self._courier.ask("socket", packet, timeout, name, harmless=harmless)

    def _encoded(self, name: str, value: Mapping[str, Any] | bytes) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            return dict_plan(MESSAGES[name]).encode(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise does_not_fit(name, error) from error
