"""A worker's connection: receives events from the stream, and makes calls at the relay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import deque
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import connect, disconnect
from mezon._cluster.dead_letters import dead_letter
from mezon._cluster.delivery import (
    CURRENT_DELIVERY,
    CURRENT_SCOPE,
    Acknowledger,
    Delivery,
    Handler,
    ProgressReporter,
    Retry,
    wrap_handler,
)
from mezon._cluster.directory import DIRECT_EVENTS, SHARED_EVENTS, unpack
from mezon._cluster.event_decoder import EventDecoder, RecentMessages
from mezon._cluster.intake import EventIntake
from mezon._cluster.layout import wait_for_partitions
from mezon._cluster.liveness import LivenessThread
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.membership import Member, Members, Subscriptions
from mezon._cluster.partitions import OwnedPartitions, PartitionReader
from mezon._cluster.poison_detector import PoisonDetector
from mezon._cluster.protocol import (
    PROTOCOL,
    Packet,
    VersionSkewError,
    announced_protocol,
    check_skew,
    check_worker_name,
    error_text,
)
from mezon._cluster.relay_client import RelayClient
from mezon._gateway.codec import MESSAGES, dict_plan
from mezon._gateway.failures import does_not_fit, no_answer
from mezon.ports import CLOSED
from mezon.utils.background import BackgroundTasks, cancel_until_done
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nats.aio.msg import Msg

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Broker, Layout, Timing
    from mezon._core import Plan
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin
    from mezon.ports import ConnectionListener

logger = get_logger("mezon.cluster")

#: Events passed to handlers in one iteration of the loop.
_BATCH: Final = 64

#: Seconds for running handlers when the connection is closed.
_CLOSE_TIMEOUT: Final = 1.0

#: Heartbeats for which a new worker only listens. By then every living worker has sent one.
_LISTEN_HEARTBEATS: Final = 1.2

#: Seconds after which a loop that has not run counts as blocked.
_BLOCKED_AFTER: Final = 2.0

#: Seconds for announcing the subscriptions to the relay.
_ANNOUNCE_TIMEOUT: Final = 10.0

#: Seconds for the directory of the relay.
_DIRECTORY_TIMEOUT: Final = 30.0

_MESSAGE: Final = "channel_message"

#: Calls that are safe to repeat.
_IDEMPOTENT: Final = frozenset(
    {"clan_join", "channel_join", "message_typing_event", "last_seen_message_event"}
)


class WorkerConnection:
    """Implements `mezon.ports.Connection`. It is ready when the worker is a member and has reached a relay.

    Args:
        broker: Address and credentials of NATS.
        names: The bot's names.
        layout: Its ``max_deliveries``, ``acknowledge_early``, ``attempts`` and ``retry_delay``.
        timing: Time limits.
        plan: Decodes messages in place of the model's own plan.
        origin: The client, for events that can be answered.
        recent: The number of recent messages of a channel, and of channels.
        name: The worker's name in the permissions of NATS. Several processes may share it.
    """

    def __init__(
        self,
        broker: Broker,
        names: Names,
        layout: Layout,
        timing: Timing,
        *,
        plan: Plan | None = None,
        origin: Origin | None = None,
        recent: tuple[int, int] = (200, 1000),
        name: str = "worker",
    ) -> None:
        self.listener: ConnectionListener | None = None
        # NATS grants subjects to the first part. The second part identifies the process.
        self.name = f"{check_worker_name(name)}.{uuid.uuid4().hex[:12]}"
        self._broker = replace(broker, inbox=names.inbox(self.name))
        self._names = names
        self._layout = layout
        self._timing = timing
        self._decoder = EventDecoder(plan, origin, RecentMessages(*recent))
        self._state = "idle"
        self._generation = 0
        self._subscriptions = Subscriptions(self.name)
        #: Events that wait for the listener.
        self._queue: deque[Delivery] = deque()
        self._dispatch_scheduled = False
        self._tasks = BackgroundTasks(logger, level=logging.DEBUG)
        self._dead_letter_failures = LogThrottle(logger)
        self._client: DirectClient | None = None
        self._relay: RelayClient | None = None
        self._connecting: asyncio.Future[RelayClient] | None = None
        self._members: Members | None = None
        self._partitions: OwnedPartitions | None = None
        self._acknowledger: Acknowledger | None = None
        self._poison: PoisonDetector | None = None
        self._liveness: LivenessThread | None = None
        #: In the liveness thread: heartbeats and progress reports. In the main loop: what the heartbeats tell of it.
        self._signs: list[asyncio.Task[None]] = []
        self._loop_ran_at = 0.0
        self._ending: asyncio.Task[None] | None = None
        #: Something has waited for an event that users cause. From then on copies of such events are received.
        self._waited = False
        self._counts = {"events": 0, "malformed": 0, "repeated": 0, "dead": 0}

    def around(self, name: str, handler: Handler, place: int) -> Handler:
        """Implement `Connection.around`."""
        retry = None
        # A negative place is one of the client's own handlers, which change its caches.
        if self._layout.attempts > 1 and place >= 0:
            retry = Retry(self._layout.attempts, self._layout.retry_delay, self._dead_letter)
        return wrap_handler(name, handler, place, retry)

    # ---- state

    @property
    def state(self) -> str:
        """idle, connecting, joining, ready, closing or closed."""
        return self._state

    @property
    def latency(self) -> float | None:
        """None: only the relay measures the latency of the gateway."""
        return None

    def stats(self) -> Mapping[str, Any]:
        """Return the counters, the queue and the partitions."""
        return {
            "queued": len(self._queue),
            "malformed": self._counts["malformed"],
            "repeated": self._counts["repeated"],
            "dead": self._counts["dead"],
            "running": self._count_running(),
            "partitions": [] if self._partitions is None else self._partitions.numbers,
            "worker": self.name,
            "events": {"all": self._counts["events"]},
        }

    def _count_running(self) -> int:
        partitions = self._partitions
        return 0 if partitions is None else sum(one.running for one in partitions.unacknowledged())

    async def _note_loop(self) -> None:
        """Note regularly that the loop runs."""
        while True:
            self._loop_ran_at = time.monotonic()
            await asyncio.sleep(self._timing.heartbeat / 2)

    def _read_load(self) -> dict[str, float]:
        """Return the load of this worker. The liveness thread calls it."""
        partitions, blocked = self._partitions, time.monotonic() - self._loop_ran_at
        return {
            "partitions": 0 if partitions is None else len(partitions.numbers),
            "running": self._count_running(),
            "queued": len(self._queue),
            "blocked": round(blocked, 1) if blocked >= _BLOCKED_AFTER else 0,
        }

    # ---- subscriptions

    def want(self, name: str, wanted: bool = True) -> None:
        """Subscribe to an event, or unsubscribe. The relay knows with the next heartbeat at the latest."""
        if self._subscriptions.set_wanted(name, wanted) and self._state == "ready":
            self._tasks.spawn(self._announce(), "announce a subscription")

    def narrow(self, name: str, spec: Mapping[str, Any] | None) -> None:
        """Set the filter of an event. The relay knows with the next heartbeat at the latest."""
        running = self._state == "ready"
        if self._subscriptions.set_filter(name, spec, running) and running:
            self._tasks.spawn(self._announce(), "announce a filter")

    def on_wait(self, name: str) -> None:
        """Implement `WaitingConnection.on_wait`: keep the partition of the event whose handler waits."""
        scope = CURRENT_SCOPE.get()
        if scope is not None:
            scope.delivery.waits = True
        if name in DIRECT_EVENTS and not self._waited:
            self._waited = True
            if self._client is not None and self._state == "ready":
                self._tasks.spawn(self._subscribe_direct(), "subscribe to copies of events")

    async def _subscribe_direct(self) -> None:
        """Receive copies of events that users of other partitions cause, for what waits here for such a user."""
        if self._client is not None:
            await self._client.subscribe(self._names.direct_subjects, cb=self._receive_direct)

    async def _receive_direct(self, message: Msg) -> None:
        _, partition, name = message.subject.rsplit(".", 2)
        pass_on = getattr(self.listener, "on_direct_event", None)
        if pass_on is None or name not in DIRECT_EVENTS or self._partitions is None or self._state != "ready":
            return
        if partition in map(str, self._partitions.numbers):
            # It arrives from the stream as well.
            return
        try:
            pass_on(name, self._decoder.decode(name, message.data, shared=True))
        except ValueError as error:
            logger.debug("A copy of a %s cannot be decoded: %s", name, error)

    async def _announce(self) -> None:
        """Announce this worker's subscriptions to the relay, and wait until it publishes such events."""
        if self._relay is not None:
            packet = Packet({"member": self._subscriptions.announcement().encode().decode()})
            answer = await self._relay.call(
                "interest", packet, _ANNOUNCE_TIMEOUT, "the worker's interests", idempotent=True
            )
            check_skew(announced_protocol(answer.values.get("protocol")), PROTOCOL)

    async def _send_heartbeats(self, members: Members) -> None:
        while True:
            try:
                self._subscriptions.load = self._read_load()
                await members.announce(self._subscriptions.announcement())
            except Exception as error:
                logger.debug("No heartbeat was sent: %s", error_text(error))
            await asyncio.sleep(self._timing.heartbeat)

    # ---- connection to NATS

    async def relay(self) -> RelayClient:
        """Return the client for calls to the relay. The first call connects to NATS."""
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

    async def nats(self) -> DirectClient:
        """Return the connection to NATS. The first call connects."""
        await self.relay()
        assert self._client is not None
        return self._client

    async def _connect(self) -> RelayClient:
        client = self._client = await connect(self._broker, on_reconnect=self._reconnected)
        relay = self._relay = RelayClient(client, self._names, self.name)
        relay.on_skew = self._end_for_skew
        await relay.start()
        return relay

    def _end_for_skew(self, error: VersionSkewError) -> None:
        """End for good: the relay that took over does not understand this worker."""
        if self._state == "ready" and self._ending is None:
            self._ending = asyncio.create_task(self._end(str(error)), name="mezon-worker-end")

    async def _end(self, reason: str) -> None:
        self._state = "closing"
        await self._close_parts()
        self._ending = None
        self._enter("closed", reason)

    def _reconnected(self) -> None:
        if self._relay is not None:
            self._relay.repeat_pending()
        if self._state == "ready":
            self._tasks.spawn(self._load_directory(), "load what the relay knows")

    # ---- caches of clans, channels and users

    async def _load_directory(self) -> None:
        """Apply what the relay knows of channels and users, in small steps."""
        if self._relay is None:
            return
        answer = await self._relay.call(
            "directory", Packet(), _DIRECTORY_TIMEOUT, "what the relay knows", idempotent=True
        )
        for number, body in enumerate(unpack(answer.body), 1):
            self._apply_shared(_MESSAGE, body)
            if number % _BATCH == 0:
                await asyncio.sleep(0)

    async def _receive_shared(self, message: Msg) -> None:
        name = message.subject.rpartition(".")[2]
        if name == _MESSAGE or name in SHARED_EVENTS:
            self._apply_shared(name, message.data)

    def _apply_shared(self, name: str, body: bytes) -> None:
        apply = getattr(self.listener, "on_shared_event", None)
        if apply is None or self._state != "ready":
            return
        try:
            apply(name, self._decoder.decode(name, body, shared=True))
        except ValueError as error:
            logger.debug("A shared %s cannot be decoded: %s", name, error)

    # ---- opening and closing

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Become a worker of the bot. The URLs of the gateway are only used by the relay."""
        if self._state not in ("idle", "closed"):
            raise no_answer("connect", "connected")
        self._subscriptions.leaving = False
        self._enter("connecting")
        try:
            await self.relay()
            client = self._client
            assert client is not None
            count = await wait_for_partitions(client, self._names)
            liveness = self._liveness = LivenessThread(self._broker)
            await liveness.start()
            changed = liveness.in_main_loop(self._rebalance)
            members = self._members = Members(
                liveness.client, self._names, self._timing, changed, own=self.name
            )
            intake = EventIntake(liveness.client, self._timing, liveness.run, liveness.in_main_loop)
            liveness.on_reconnect = intake.reconnected
            partitions = self._partitions = OwnedPartitions(
                self.name,
                members,
                count,
                lambda partition: self._create_reader(client, intake, partition),
                self._timing.drain_timeout,
            )
            self._poison = PoisonDetector(
                client, self._names, self._layout.max_deliveries, self._enqueue, self._dead_letter
            )
            self._acknowledger = Acknowledger(liveness.client, self._timing, liveness.call)
            liveness.call(self._acknowledger.start)
            await liveness.run(members.start())
            await client.subscribe(self._names.shared_subjects, cb=self._receive_shared)
            if self._waited:
                await self._subscribe_direct()
            # From the answer on, the relay publishes what this worker subscribes to.
            await self._announce()
            # Listening before the first heartbeat lets the worker know the others when it takes its share, so that it
            # need not return a part of it.
            await asyncio.sleep(self._timing.heartbeat * _LISTEN_HEARTBEATS)
            progress = ProgressReporter(
                liveness.client, self._timing, lambda: chain(intake.in_transit(), partitions.unacknowledged())
            )
            self._loop_ran_at = time.monotonic()
            self._signs = [
                asyncio.create_task(self._note_loop(), name="mezon-loop"),
                asyncio.create_task(liveness.run(self._send_heartbeats(members)), name="mezon-heartbeats"),
                asyncio.create_task(liveness.run(progress.run()), name="mezon-in-progress"),
                asyncio.create_task(liveness.run(intake.keep_bound()), name="mezon-intake"),
            ]
        except BaseException:
            await self._close_parts()
            self._enter("closed", "the broker cannot be reached")
            raise
        self._enter("joining")
        self._enter("ready")
        self.resume()
        self._tasks.spawn(self._load_directory(), "load what the relay knows")

    async def leave(self, timeout: float) -> None:
        """Accept no more partitions, and release those this worker has.

        A partition in which a handler waits for a user is kept, and its events are handled, until that has ended.

        Args:
            timeout: The maximum number of seconds.
        """
        members, liveness, partitions = self._members, self._liveness, self._partitions
        if self._state != "ready" or members is None or liveness is None or partitions is None:
            return
        self._subscriptions.leaving = True
        with contextlib.suppress(Exception):
            await liveness.run(members.announce(self._subscriptions.announcement()))
        await partitions.leave(timeout)

    async def close(self) -> None:
        """Release the partitions and disconnect from NATS. Can be called in any state."""
        if self._state in ("idle", "closed"):
            await self._close_parts()
            return
        self._state = "closing"
        await self._close_parts()
        self._enter("closed", CLOSED)

    async def _close_parts(self) -> None:
        liveness, self._liveness = self._liveness, None
        members, self._members = self._members, None
        if members is not None and liveness is not None:
            with contextlib.suppress(Exception):
                self._subscriptions.leaving = True
                await liveness.run(members.announce(self._subscriptions.announcement()))
        partitions, self._partitions = self._partitions, None
        poison, self._poison = self._poison, None
        if poison is not None:
            await poison.stop()
        if partitions is not None:
            # Short, because the client has waited for its handlers before it closes the connection.
            await partitions.stop(_CLOSE_TIMEOUT)
        self._queue.clear()
        acknowledger, self._acknowledger = self._acknowledger, None
        if acknowledger is not None and liveness is not None:
            await liveness.run(acknowledger.stop())
        # Until here the worker gives signs of life: its handlers may run until the end of their timeout.
        signs, self._signs = self._signs, []
        await cancel_until_done(*signs)
        if liveness is not None:
            if members is not None:
                with contextlib.suppress(Exception):
                    await liveness.run(members.remove(Member(self.name)))
                await liveness.run(members.stop())
            await liveness.stop()
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            await cancel_until_done(connecting)
        await self._tasks.stop()
        relay, self._relay = self._relay, None
        if relay is not None:
            with contextlib.suppress(Exception):
                await relay.stop()
        client, self._client = self._client, None
        if client is not None:
            await disconnect(client)

    def _enter(self, state: str, reason: str = "") -> None:
        self._state = state
        if state == "connecting":
            self._generation += 1
        if self.listener is not None:
            self.listener.on_state(state, self._generation, reason)

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        """Return nothing: the relay numbers the calls to the gateway."""
        return {}

    def reconnect(self) -> bool:
        """Return False: the relay holds the connection to the gateway."""
        return False

    # ---- events

    def _rebalance(self) -> None:
        if self._partitions is not None:
            self._partitions.rebalance()

    def _create_reader(self, client: DirectClient, intake: EventIntake, partition: int) -> PartitionReader:
        assert self._acknowledger is not None
        assert self._partitions is not None
        put, partitions = self._acknowledger.put, self._partitions
        return PartitionReader(
            client,
            self._names,
            self._timing,
            partition,
            self._receive,
            put,
            intake,
            self._conversation_ended,
            lambda: partitions.max_unacknowledged,
        )

    def _conversation_ended(self) -> None:
        if self._partitions is not None:
            self._partitions.conversation_ended()

    def _receive(self, delivery: Delivery) -> None:
        if delivery.times > 1:
            self._counts["repeated"] += 1
        if self._poison is None or not self._poison.intercept(delivery):
            self._enqueue(delivery)

    def _enqueue(self, delivery: Delivery) -> None:
        self._queue.append(delivery)
        self.resume()

    def hold(self) -> None:
        """Hand queued events over to other workers while running handlers end. Calls are possible until the close."""
        self._subscriptions.leaving = True
        members, liveness = self._members, self._liveness
        if members is not None and liveness is not None:
            announcing = liveness.run(members.announce(self._subscriptions.announcement()))
            self._tasks.spawn(announcing, "announce that the worker leaves")

    def resume(self) -> None:
        """Pass queued events to the listener, as far as it has capacity."""
        if not self._dispatch_scheduled and self._queue:
            self._dispatch_scheduled = True
            asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._dispatch_scheduled = False
        listener, queue, partitions = self.listener, self._queue, self._partitions
        if listener is None or partitions is None or self._state != "ready":
            # The readers return the events when they release their partitions.
            return
        capacity = min(listener.capacity(), _BATCH)
        while queue and capacity > 0:
            delivery = queue.popleft()
            if not delivery.ended and time.monotonic() - delivery.extended_at > self._timing.ack_wait:
                # Nothing has extended its deadline: this process was paused, or NATS is away.
                partitions.forget_unstarted(delivery.partition)
            if not delivery.ended:
                capacity -= 1
                self._start_handlers(listener, delivery)
        if queue and listener.capacity() > 0:
            self.resume()

    def _start_handlers(self, listener: ConnectionListener, delivery: Delivery) -> None:
        try:
            event = self._decoder.decode(delivery.name, delivery.body)
        except Exception as error:
            self._counts["malformed"] += 1
            self._dead_letter(delivery, f"it cannot be decoded: {type(error).__name__}")
            return
        self._counts["events"] += 1
        token = CURRENT_DELIVERY.set(delivery)
        delivery.begin()
        try:
            listener.on_event(delivery.name, event)
        except (KeyboardInterrupt, SystemExit):
            delivery.fail()
            raise
        except BaseException:
            logger.exception("An event could not be dispatched; the next events are")
        finally:
            CURRENT_DELIVERY.reset(token)
            delivery.end()
            delivery.all_started(self._layout.acknowledge_early)

    def _dead_letter(self, delivery: Delivery, reason: str) -> None:
        self._counts["dead"] += 1
        client = self._client
        if client is None:
            return

        async def publish() -> None:
            try:
                await dead_letter(client, self._names, delivery, reason, self.name)
            except Exception as error:
                self._dead_letter_failures.warning(
                    "An event could not be dead-lettered and is redelivered: %s", error
                )
                delivery.fail()
            finally:
                delivery.end()

        delivery.begin()
        delivery.all_started()
        self._tasks.spawn(publish(), "dead-letter an event")

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Remove and return the recent messages of a channel, oldest first."""
        return self._decoder.take_recent(channel_id)

    # ---- calls

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Make a call over the relay's connection. Return the field of the answer and its model."""
        answer = await self._call("call", name, value, timeout)
        field = answer.values["field"]
        return field, self._decoder.decode_answer(field, answer.body)

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Make an API call over the relay's connection. Return the body of the answer."""
        return (await self._call("raw", name, value, timeout)).body

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Make a call without waiting for an answer."""
        body = self._encode(name, value)
        relay = self._relay
        if relay is None:
            raise no_answer(name, "not_connected")
        packet = Packet({"mode": "post", "name": name, "timeout": timeout}, body)
        self._tasks.spawn(relay.post("socket", packet), f"post {name}")

    async def _call(self, mode: str, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> Packet:
        if self._relay is None or self._state == "closed":
            raise no_answer(name, "not_connected")
        packet = Packet({"mode": mode, "name": name, "timeout": timeout}, self._encode(name, value))
        return await self._relay.call("socket", packet, timeout, name, idempotent=name in _IDEMPOTENT)

    def _encode(self, name: str, value: Mapping[str, Any] | bytes) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            return dict_plan(MESSAGES[name]).encode(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise does_not_fit(name, error) from error
