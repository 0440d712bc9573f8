"""The relay: holds the bot's connection, session, rate limits and message store on behalf of its workers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mezon._client.assembly import PortSettings, StandardPorts
from mezon._cluster.broker import connect, disconnect, last_value
from mezon._cluster.call_handlers import CallHandlers
from mezon._cluster.directory import Directory, ListingTransport
from mezon._cluster.event_forwarder import EventForwarder, GapTarget, RelayConnection
from mezon._cluster.layout import create_layout, lock_key, restore_layout
from mezon._cluster.leader import LeaderLock, LockLostError
from mezon._cluster.liveness import LivenessThread
from mezon._cluster.log_throttle import LogThrottle
from mezon._cluster.membership import Members
from mezon._cluster.metrics import LagMeter
from mezon._cluster.protocol import PROTOCOL, RELAY, Names, error_text
from mezon._cluster.publisher import Publisher, RecentIds
from mezon._cluster.rpc_server import AnswerCache, RpcServer
from mezon._cluster.settings import DEFAULT_BUFFER, Layout, Timing
from mezon._core import __version__
from mezon._events.gap_filling import GapFiller
from mezon.client import MezonClient
from mezon.errors import InvalidArgumentError, MezonError
from mezon.options import GapOptions, GatewayOptions
from mezon.utils.background import BackgroundTasks, cancel_until_done
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.settings import Broker
    from mezon.ports import Connection, HttpTransport, MessageStore

logger = get_logger("mezon.cluster")

#: Seconds between two checkpoints for the next relay, and between two publications of the state.
_CHECKPOINT_INTERVAL: Final = 0.5
_STATE_INTERVAL: Final = 1.0

#: Seconds between two measurements of the work that is left: each asks every partition while there is any.
_METRICS_INTERVAL: Final = 5.0

#: Seconds between two checks for deleted streams and consumers.
_LAYOUT_INTERVAL: Final = 5.0

#: Seconds for publishing the queued events when the relay stops.
_DRAIN_TIMEOUT: Final = 5.0

#: Seconds for the answers to calls in progress when the relay stops, and for those that are left after the connection
#: to Mezon is closed.
_CALLS_TIMEOUT: Final = 10.0
_LAST_CALLS_TIMEOUT: Final = 1.0

#: The revision of the first acquisition of the lock.
_FIRST_EPOCH: Final = 1

#: Events that are collected before the first worker of the bot has ever announced what it listens to.
_DEFAULT_INTERESTS: Final = frozenset({"channel_message"})

#: The key of the checkpoint in the bucket of notes.
_CHECKPOINT_KEY: Final = "floors"


class RelayPorts:
    """The standard ports with a `RelayConnection`."""

    def __init__(self, standard: StandardPorts, connection: RelayConnection, directory: Directory) -> None:
        self._standard = standard
        self._connection = connection
        self._directory = directory

    def http(self) -> HttpTransport:
        """Return a transport that keeps listings for workers."""
        return ListingTransport(self._standard.http(), self._directory)

    def store(self) -> MessageStore | None:
        """Implement `Ports.store`."""
        return self._standard.store()

    def connection(self, store: MessageStore | None) -> Connection:
        """Return the connection that forwards events."""
        return self._connection


class Relay:
    """The relay of one bot. It stands by until it acquires the lock, and is then in charge until it loses the lock.

    Args:
        client_id: The bot's id.
        api_key: The bot's key. Workers never get it.
        broker: Address and credentials of NATS.
        layout: The streams and buckets to create.
        timing: Time limits.
        buffer: Bytes of events that the relay holds while NATS does not take them, before it stops reading the socket.
        gap: The limits of gap filling; None turns it off.
        message_db: As of :class:`mezon.MezonClient`.
        http_rate: The number of calls in a period, and the seconds of a period.
        token_transfers: Give workers the identity token, which token transfers need.
        options: Other options of :class:`mezon.MezonClient`, such as host, port and gateway.

    Attributes:
        ready: Set while this relay is in charge and logged in.
        on_ready: Called when it becomes ready.
        reconnects: How often it has reconnected to NATS.
    """

    def __init__(
        self,
        client_id: str | int,
        api_key: str,
        broker: Broker,
        *,
        layout: Layout | None = None,
        timing: Timing | None = None,
        buffer: int = DEFAULT_BUFFER,
        gap: GapOptions | None = GapOptions(channels=1000),  # noqa: B008 (frozen)
        message_db: Any = None,
        http_rate: tuple[int, float] = (1, 1.25),
        token_transfers: bool = True,
        **options: Any,
    ) -> None:
        self.names = Names(int(client_id))
        self.broker = replace(broker, inbox=self.names.inbox(RELAY))
        self.timing = timing or Timing()
        if buffer < 1:
            raise InvalidArgumentError(f"buffer must be at least 1 byte, not {buffer}")
        self.buffer = buffer
        self.gap = gap
        self.token_transfers = token_transfers
        self._key = api_key
        self.layout = layout or Layout()
        self._message_db = message_db
        self._http_rate = http_rate
        self._options = options
        self._holder = uuid.uuid4().hex[:12]
        self._lock: LeaderLock | None = None
        self._active: ActiveRelay | None = None
        self.reconnects = 0
        #: What was published and answered, beyond the loss of the lock.
        self.published = RecentIds()
        self._answers: AnswerCache | None = None
        self.ready = asyncio.Event()
        self.on_ready: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Stand by until the lock is free, then relay until the lock is lost. Can be called again afterwards.

        Raises:
            LockLostError: Another relay has taken over, or may have.
            MezonError: The login failed, or the connection to Mezon has ended for good.
        """
        nats = await connect(self.broker, on_reconnect=self._count_reconnect)
        liveness = LivenessThread(self.broker)
        try:
            await liveness.start()
            partitions = await create_layout(nats, self.names, self.layout, self.timing)
            key = await lock_key(nats, self.names)
            lock = self._lock = LeaderLock(liveness.client, self.names, self.timing, self._holder, key)
            announcing = asyncio.create_task(self._announce_standby(nats), name="mezon-relay-standby")
            try:
                await liveness.run(lock.acquire())
            finally:
                announcing.cancel()
                await asyncio.wait([announcing])
            if await lock_key(nats, self.names) != key:
                await liveness.run(lock.release())
                raise LockLostError("the bucket of the lock was replaced; this relay stops")
            logger.info("This relay is in charge of bot %d (epoch %d)", self.names.bot, lock.epoch)
            # Workers repeat the calls that this relay ignored meanwhile.
            lock.on_resumed = liveness.in_main_loop(self._count_reconnect)
            renewing = asyncio.create_task(liveness.run(lock.keep_renewed()), name="mezon-relay-lock")
            working = asyncio.create_task(self._work(nats, liveness, lock, partitions), name="mezon-relay")
            try:
                await asyncio.wait([renewing, working], return_when=asyncio.FIRST_COMPLETED)
                if renewing.done():
                    working.cancel()
                    await asyncio.wait([working])
                    renewing.result()
                working.result()
            finally:
                # In this order: the lock is kept until the work has ended.
                working.cancel()
                await asyncio.wait([working])
                await cancel_until_done(renewing)
                for task in (working, renewing):
                    if not task.cancelled():
                        task.exception()
                await liveness.run(lock.release())
        finally:
            self.ready.clear()
            await liveness.stop()
            await disconnect(nats)

    async def _announce_standby(self, nats: DirectClient) -> None:
        """Publish that this relay stands by, for `mezon status`. Workers ignore a state without an epoch."""
        while True:
            await asyncio.sleep(_STATE_INTERVAL)
            with contextlib.suppress(Exception):
                await nats.publish(self.names.state, json.dumps({"standby": self._holder}).encode())

    def _count_reconnect(self) -> None:
        self.reconnects += 1

    async def _work(
        self, nats: DirectClient, liveness: LivenessThread, lock: LeaderLock, partitions: int
    ) -> None:
        active = self._active = ActiveRelay(self, nats, liveness, lock, partitions)
        try:
            await active.start()
            self.ready.set()
            self.on_ready()
            await active.client.wait_closed()
        finally:
            self.ready.clear()
            await active.stop()

    def stats(self) -> dict[str, Any]:
        """Return the relay's state and counters, as ``/stats`` shows them."""
        active, lock = self._active, self._lock
        if active is None or lock is None:
            return {"in_charge": False, "ready": False}
        published = active.publisher.stats
        return {
            "in_charge": lock.held,
            "ready": self.ready.is_set(),
            "epoch": lock.epoch,
            "state": active.client.state,
            "workers": [member.name for member in active.members.all],
            "events_published": published.published,
            "events_repeated": published.repeated,
            "events_filtered": active.forwarder.filter.dropped,
            "events_waiting": published.waiting,
            "events_too_large": published.too_large,
            "batches_retried": published.retries,
            "calls": active.server.calls,
            "calls_refused": active.server.refused,
            "calls_remembered": active.answers.hits,
            "listings_known": active.directory.hits,
            "http_waiting": active.http_waiting,
            **active.backlog,
            "gap_filled": active.gaps.filled if active.gaps is not None else 0,
            "trouble": active.publisher.trouble,
        }

    def figures(self) -> dict[str, Any]:
        """Return the figures of ``/metrics``."""
        figures = self.stats()
        if not figures["in_charge"]:
            # What an earlier time in charge has left would be taken for the work that is left now.
            return {"in_charge": False, "ready": False}
        return {**figures, "ready": self.healthy(), "workers": len(figures["workers"])}

    @property
    def http_rate_text(self) -> str:
        """The rate limit of HTTP calls, for an operator."""
        count, period = self._http_rate
        return f"{count:g} in {period:g} s" if count and period else "unlimited"

    def healthy(self) -> bool:
        """Return whether this relay is in charge and can publish events."""
        active, lock = self._active, self._lock
        if active is None or lock is None or not lock.held:
            return False
        return self.ready.is_set() and active.publisher.trouble is None

    # ---- for ActiveRelay

    def answers(self, nats: DirectClient, epoch: int) -> AnswerCache:
        """Return the cache of answers for a new epoch."""
        if self._answers is None:
            self._answers = AnswerCache(nats, self.names, self.timing.answer_ttl)
        self._answers.begin_epoch(nats, first=epoch <= _FIRST_EPOCH)
        return self._answers

    def create_client(
        self, connection: RelayConnection, standard: StandardPorts, directory: Directory
    ) -> MezonClient:
        """Create the client that has the session."""
        ports = RelayPorts(standard, connection, directory)
        # The process of the relay serves the health endpoint; the client must not read MEZON_HEALTH.
        return MezonClient(self.names.bot, self._key, ports=ports, cache_size=0, health=None, **self._options)

    def standard_ports(self) -> StandardPorts:
        """Create the core connection, the HTTP transport and the message store."""
        return StandardPorts(
            PortSettings(
                client_id=self.names.bot,
                api_key=self._key,
                gateway=self._options.get("gateway") or GatewayOptions(),
                message_db=self._message_db,
                content_as_json=False,
                # Workers store the recent messages.
                recent_per_channel=0,
                recent_channels=0,
                http_rate=self._http_rate,
            )
        )


class ActiveRelay:
    """The parts of a relay in charge, from the acquisition of the lock to its loss."""

    def __init__(
        self, relay: Relay, nats: DirectClient, liveness: LivenessThread, lock: LeaderLock, partitions: int
    ) -> None:
        self._relay = relay
        self._nats = nats
        self._liveness = liveness
        self._lock = lock
        names, timing = relay.names, relay.timing
        standard = relay.standard_ports()
        store = standard.store()
        core = standard.encoded_connection(store)
        self._handing_over = False
        in_charge = lambda: lock.held  # noqa: E731
        may_call = lambda: lock.held and not self._handing_over  # noqa: E731
        self.publisher = Publisher(relay.broker, names, relay.buffer, in_charge, relay.published)
        self.directory = Directory(names.bot, lambda name, body: self._share(names.shared(name), body))
        self.forwarder = EventForwarder(
            names, partitions, self.publisher, lock.epoch, self.directory, self._share
        )
        self.connection = RelayConnection(core, self.forwarder, lambda: lock.left)
        lock.on_renewed = self.connection.renew_lease
        self.publisher.on_room = self.connection.resume
        self.client = relay.create_client(self.connection, standard, self.directory)
        self.gaps: GapFiller | None = None
        if relay.gap is not None:
            self.gaps = GapFiller(
                self.client,
                lambda: self.client.session_manager.get_session().token,
                GapTarget(self.forwarder, self.publisher),
                relay.gap,
                decode=self.forwarder.decode_missed,
            )
        changed = liveness.in_main_loop(self._update_interests)
        self.members = Members(liveness.client, names, timing, changed)
        self._http = standard.http()
        #: Figures about the work that is left.
        self.backlog: Mapping[str, float] = {}
        self._interests: frozenset[str] = frozenset()
        self._filters: dict[str, frozenset[str]] = {}
        self.answers = relay.answers(nats, lock.epoch)
        handlers = CallHandlers(
            self.client,
            self.connection,
            self._http,
            self.directory,
            store,
            self.forwarder.replay,
            self.members.register,
            may_call,
            relay.token_transfers,
        )
        self.server = RpcServer(nats, names, may_call, handlers.by_kind(), self.answers)
        self._tasks: list[asyncio.Task[None]] = []
        self._sharing = BackgroundTasks(logger, level=logging.DEBUG)
        self._written = b""
        self._partitions = partitions
        self._layout_failures = LogThrottle(logger)

    async def start(self) -> None:
        """Log in and start to relay."""
        self.publisher.start()
        await self._liveness.run(self.members.start())
        checkpoint = await self._read_checkpoint()
        if self.gaps is not None:
            self.gaps.begin()
            known: Mapping[str, Any] = checkpoint.get("channels", {})
            # The checkpoint of an earlier version has no newest message.
            self.gaps.restore({int(channel): one for channel, one in known.items()}, checkpoint.get("newest"))
            self.forwarder.gaps = self.gaps
        # Includes the interests under an earlier relay: events that arrive before the next heartbeat must not be lost.
        interests = self._interests | frozenset(checkpoint.get("interests", ()))
        self.connection.set_interests(interests or _DEFAULT_INTERESTS)
        await self.client.login()
        if self.gaps is not None:
            self.gaps.fill()
        await self.server.open()
        self._tasks = [
            asyncio.create_task(self._write_checkpoints(), name="mezon-relay-checkpoints"),
            asyncio.create_task(self._liveness.run(self._publish_state()), name="mezon-relay-state"),
            asyncio.create_task(self._restore_layout(), name="mezon-relay-layout"),
            asyncio.create_task(self._measure(), name="mezon-relay-metrics"),
        ]

    async def stop(self) -> None:
        """Stop in order: end the calls, disconnect from Mezon, publish the queued events, and stop the rest."""
        await cancel_until_done(*self._tasks)
        if self._lock.held:
            await self._drain_calls()
        await self.server.close()
        await self._sharing.stop()
        with contextlib.suppress(Exception):
            await self.client.disconnect()
        if self._lock.held:
            # The checkpoint must not be ahead of the stream: the next relay fetches what follows the checkpoint.
            if await self.publisher.drain(_DRAIN_TIMEOUT):
                await self._write_checkpoint(self._checkpoint())
            await self.answers.flush()
        if self.gaps is not None:
            await self.gaps.stop()
        await self.publisher.stop()
        await self._liveness.run(self.members.stop())

    @property
    def http_waiting(self) -> int:
        """The number of HTTP calls that wait for the rate limit of the bot."""
        return int(getattr(self._http, "waiting", 0))

    async def _drain_calls(self) -> None:
        """Wait for the answers to calls that were sent, so that the next relay does not send them again.

        Calls that were not sent are made by the next relay. A call that Mezon does not answer in time is answered with
        an error which says that it may have been made.
        """
        self._handing_over = True
        await self.server.stop_receiving()
        if await self.server.drain(_CALLS_TIMEOUT):
            return
        # In the thread of the lock, so that no renewal follows.
        await self._liveness.run(self._stop_sending())
        with contextlib.suppress(Exception):
            await self.client.disconnect()
        await self.server.drain(_LAST_CALLS_TIMEOUT)

    async def _stop_sending(self) -> None:
        self._lock.on_renewed = lambda left: None
        self.connection.renew_lease(0.0)

    # ---- the directory

    def _share(self, subject: str, body: bytes) -> None:
        """Publish an event for the caches or the waiters of every worker: each handles its own partitions only."""
        if self._lock.held:
            self._sharing.spawn(self._nats.publish(subject, body), "share an event")

    # ---- interests

    def _update_interests(self) -> None:
        interests, filters = self.members.interests(), self.members.filters()
        if not self.members.all:
            # Without workers, the stream collects what the last ones wanted for the next ones.
            return
        if filters != self._filters:
            self._filters = filters
            self.forwarder.filter.set(filters)
        if interests != self._interests:
            logger.info("Workers listen to %d kinds of events", len(interests))
            self._interests = interests
            self.connection.set_interests(interests)

    # ---- the checkpoint for the next relay

    async def _write_checkpoints(self) -> None:
        while True:
            await asyncio.sleep(_CHECKPOINT_INTERVAL)
            # Taken before the drain, so that every message it marks as seen is in the stream when it is written. No
            # timeout: a checkpoint that is late under sustained load is better than none.
            checkpoint = self._checkpoint()
            await self.publisher.drain()
            await self._write_checkpoint(checkpoint)

    def _checkpoint(self) -> bytes:
        channels: Mapping[int, Any] = {} if self.gaps is None else self.gaps.known()
        newest = 0 if self.gaps is None else self.gaps.newest
        checkpoint = {"channels": channels, "newest": newest, "interests": sorted(self._interests)}
        return json.dumps(checkpoint).encode()

    async def _write_checkpoint(self, checkpoint: bytes) -> None:
        if checkpoint == self._written or not self._lock.held:
            return
        try:
            subject = f"$KV.{self._relay.names.notes}.{_CHECKPOINT_KEY}"
            await self._nats.request(subject, checkpoint, timeout=5)
            self._written = checkpoint
        except Exception as error:
            logger.debug("The checkpoint was not written: %s", error_text(error))

    async def _read_checkpoint(self) -> dict[str, Any]:
        found = await last_value(self._nats, self._relay.names.notes, _CHECKPOINT_KEY)
        if found is None:
            return {}
        try:
            checkpoint = json.loads(found or b"{}")
        except (ValueError, RecursionError):
            checkpoint = None
        if not isinstance(checkpoint, dict):
            logger.warning("The checkpoint of an earlier relay cannot be read; this one starts without it")
            return {}
        return checkpoint

    async def _measure(self) -> None:
        """Measure the work that is left, for the metrics."""
        meter = LagMeter(self._nats, self._relay.names)
        while True:
            try:
                self.backlog = await meter.measure()
            except MezonError as error:
                logger.debug("The backlog was not read: %s", error)
                self.backlog = {}
            await asyncio.sleep(_METRICS_INTERVAL)

    async def _restore_layout(self) -> None:
        """Create again what was deleted of the layout. The events in a deleted stream are lost."""
        relay = self._relay
        while True:
            await asyncio.sleep(_LAYOUT_INTERVAL)
            if not self._lock.held:
                continue
            try:
                await restore_layout(self._nats, relay.names, relay.layout, relay.timing, self._partitions)
            except MezonError as error:
                self._layout_failures.warning("The streams of the bot cannot be checked: %s", error)

    async def _publish_state(self) -> None:
        """Publish who is in charge, so that workers repeat calls that an earlier relay did not answer.

        Runs in the liveness thread, so that a busy relay does not look like one that has died.
        """
        while True:
            with contextlib.suppress(Exception):
                await self._publish_state_once()
            await asyncio.sleep(_STATE_INTERVAL)

    async def _publish_state_once(self) -> None:
        if not self._lock.held:
            return
        state = {
            "epoch": self._lock.epoch,
            "protocol": PROTOCOL,
            "version": __version__,
            "http_waiting": self.http_waiting,
            "http_rate": self._relay.http_rate_text,
            "reconnects": self._relay.reconnects,
            "state": self.client.state,
            "trouble": self.publisher.trouble,
            "at": time.time(),
        }
        await self._liveness.client.publish(self._relay.names.state, json.dumps(state).encode())


__all__ = ["LockLostError", "Relay"]
