"""The relay: one process that holds what there must be one of, and lets workers on other machines do the rest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mezon._client.assembly import PortSettings, StandardPorts
from mezon._cluster.answers import Answers
from mezon._cluster.broker import api, connect, gone
from mezon._cluster.call_handlers import Ways
from mezon._cluster.event_forwarder import GapTarget, RelayConnection, Tap
from mezon._cluster.layout import lock_key, prepare
from mezon._cluster.leader import Lock, LockLostError
from mezon._cluster.membership import Members
from mezon._cluster.names import RELAY, Names
from mezon._cluster.publisher import Publisher
from mezon._cluster.rpc_server import Desk
from mezon._cluster.settings import Layout, Timing
from mezon._events.gap_filling import GapFiller
from mezon.client import MezonClient
from mezon.options import GapOptions, GatewayOptions
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nats.aio.client import Client

    from mezon._cluster.settings import Broker
    from mezon.ports import Connection, HttpTransport, MessageStore

logger = get_logger("mezon.cluster")

#: Seconds between two notes of what the next relay has to know, and between two words about the state.
_NOTE: Final = 0.5
_WORD: Final = 1.0

#: Seconds the events that were taken have to reach the stream when the relay ends.
_LAST_EVENTS: Final = 5.0

_FLOORS: Final = "floors"


class RelayPorts:
    """The standard ports, with the tap in the connection."""

    def __init__(self, standard: StandardPorts, connection: RelayConnection) -> None:
        self._standard = standard
        self._connection = connection

    def http(self) -> HttpTransport:
        """As for every client."""
        return self._standard.http()

    def store(self) -> MessageStore | None:
        """As for every client."""
        return self._standard.store()

    def connection(self, store: MessageStore | None) -> Connection:
        """Give the connection with the tap."""
        return self._connection


class Relay:
    """The relay of one bot.

    Args:
        client_id: The bot's id.
        api_key: Its key, which no worker ever sees.
        broker: Where NATS is.
        layout: What is made at the broker, once.
        timing: How long things may take.
        gap: The bounds of gap filling, which is on; None turns it off.
        message_db: As of :class:`mezon.MezonClient`.
        http_rate: Calls in a period, and the seconds of a period.
        token_transfers: Workers may pay: they get the identity token, for which the proof service gives proofs.
        options: Further settings of :class:`mezon.MezonClient`: host, port, use_ssl, timeout, gateway, transport ...
    """

    def __init__(
        self,
        client_id: str | int,
        api_key: str,
        broker: Broker,
        *,
        layout: Layout | None = None,
        timing: Timing | None = None,
        gap: GapOptions | None = GapOptions(channels=1000),  # noqa: B008 (frozen)
        message_db: Any = None,
        http_rate: tuple[int, float] = (1, 1.25),
        token_transfers: bool = True,
        **options: Any,
    ) -> None:
        self.names = Names(int(client_id))
        self._key = api_key
        self._broker = replace(broker, inbox=self.names.inbox(RELAY))
        self.token_transfers = token_transfers
        self._layout = layout or Layout()
        self._timing = timing or Timing()
        self._gap = gap
        self._message_db = message_db
        self._http_rate = http_rate
        self._options = options
        self._name = f"{uuid.uuid4().hex[:12]}"
        self._nats: Client | None = None
        self._lock: Lock | None = None
        self._parts: _Parts | None = None
        #: How often it has lost and found NATS.
        self.line = 0
        #: Set when it is in charge and logged in; and who is told of it.
        self.ready = asyncio.Event()
        self.on_ready: Callable[[], None] = lambda: None

    # ---- life

    async def run(self) -> None:
        """Stand by until the lock is free, relay until it is lost or this is cancelled. Possible again afterwards.

        Raises:
            LockLostError: Another relay took over, or NATS could not say who is in charge.
            MezonError: What the login raises, and when the connection to Mezon ends for good.
        """
        nats = self._nats = await connect(self._broker, on_back=self._line_is_back)
        try:
            partitions = await prepare(nats, self.names, self._layout, self._timing)
            key = await lock_key(nats, self.names)
            lock = self._lock = Lock(nats, self.names, self._timing, self._name, key)
            await lock.take()
            logger.info("This relay is in charge of bot %d (epoch %d)", self.names.bot, lock.epoch)
            keeping = asyncio.create_task(lock.keep(), name="mezon-relay-lock")
            working = asyncio.create_task(self._work(nats, lock, partitions), name="mezon-relay")
            try:
                await asyncio.wait([keeping, working], return_when=asyncio.FIRST_COMPLETED)
                if keeping.done():
                    working.cancel()
                    await asyncio.wait([working])
                    keeping.result()
                working.result()
            finally:
                for task in (working, keeping):
                    task.cancel()
                await asyncio.wait([working, keeping])
                for task in (working, keeping):
                    if not task.cancelled():
                        task.exception()
                await lock.release()
        finally:
            self.ready.clear()
            await gone(nats)

    def _line_is_back(self) -> None:
        self.line += 1

    async def _work(self, nats: Client, lock: Lock, partitions: int) -> None:
        parts = self._parts = _Parts(self, nats, lock, partitions)
        try:
            await parts.start()
            self.ready.set()
            self.on_ready()
            await parts.client.wait_closed()
        finally:
            self.ready.clear()
            await parts.stop()

    def stats(self) -> dict[str, Any]:
        """Give what a look at the relay shows: state, workers, events, calls."""
        parts, lock = self._parts, self._lock
        if parts is None or lock is None:
            return {"in_charge": False, "ready": False}
        published = parts.publisher.stats
        return {
            "in_charge": lock.held,
            "ready": self.ready.is_set(),
            "epoch": lock.epoch,
            "state": parts.client.state,
            "workers": [member.name for member in parts.members.all],
            "events_published": published.published,
            "events_repeated": published.repeated,
            "events_filtered": parts.tap.sieve.dropped,
            "events_waiting": published.waiting,
            "events_too_large": published.too_large,
            "batches_retried": published.retries,
            "calls": parts.desk.calls,
            "calls_refused": parts.desk.refused,
            "calls_remembered": parts.answers.remembered,
            "gap_filled": parts.gaps.filled if parts.gaps is not None else 0,
            "trouble": parts.publisher.trouble,
        }

    def healthy(self) -> bool:
        """Return whether this relay is in charge and events reach the stream."""
        parts = self._parts
        return self.ready.is_set() and parts is not None and parts.publisher.trouble is None

    # ---- for its parts

    def make_client(self, connection: RelayConnection, standard: StandardPorts) -> MezonClient:
        """Make the client that holds session, HTTP and store."""
        ports = RelayPorts(standard, connection)
        # Whoever runs the relay serves its health: MEZON_HEALTH is not the client's here.
        return MezonClient(self.names.bot, self._key, ports=ports, cache_size=0, health=None, **self._options)

    def standard_ports(self) -> StandardPorts:
        """Give the core, aiohttp and SQLite of this relay."""
        return StandardPorts(
            PortSettings(
                client_id=self.names.bot,
                api_key=self._key,
                gateway=self._options.get("gateway") or GatewayOptions(),
                message_db=self._message_db,
                content_as_json=False,
                # Workers remember what they saw.
                recent_per_channel=0,
                recent_channels=0,
                http_rate=self._http_rate,
            )
        )

    @property
    def gap(self) -> GapOptions | None:
        """The bounds of gap filling."""
        return self._gap

    @property
    def timing(self) -> Timing:
        """How long things may take."""
        return self._timing

    @property
    def broker(self) -> Broker:
        """Where NATS is."""
        return self._broker


class _Parts:
    """What a relay in charge consists of."""

    def __init__(self, relay: Relay, nats: Client, lock: Lock, partitions: int) -> None:
        self._relay = relay
        self._nats = nats
        self._lock = lock
        names, timing = relay.names, relay.timing
        standard = relay.standard_ports()
        store = standard.store()
        core = standard.encoded_connection(store)
        self.publisher = Publisher(relay.broker, names, in_charge=lambda: lock.held)
        self.tap = Tap(names, partitions, self.publisher, lock.epoch)
        self.connection = RelayConnection(core, self.tap, lambda: lock.left)
        lock.on_held = self.connection.renew_lease
        self.publisher.on_room = self.connection.resume
        self.client = relay.make_client(self.connection, standard)
        self.gaps: GapFiller | None = None
        if relay.gap is not None:
            self.gaps = GapFiller(
                self.client,
                lambda: self.client.session_manager.get_session().token,
                GapTarget(self.tap, self.publisher),
                relay.gap,
                decode=self.tap.decode,
            )
        self.members = Members(nats, names, timing, self._interests_changed)
        self._interests: frozenset[str] = frozenset()
        self._filters: dict[str, frozenset[str]] = {}
        self.answers = Answers(nats, names, timing.answer_life)
        held = lambda: lock.held  # noqa: E731
        http, members = standard.http(), self.members
        again, paying = self.tap.again, relay.token_transfers
        ways = Ways(self.client, self.connection, http, store, again, members.meet, held, paying)
        self.desk = Desk(nats, names, held, ways.table(), self.answers)
        self._tasks: list[asyncio.Task[None]] = []
        self._noted = b""

    async def start(self) -> None:
        """Log in and relay."""
        self.publisher.start()
        await self.members.start()
        if self.gaps is not None:
            self.gaps.begin()
            self.gaps.restore(await self._read_floors())
            self.tap.gaps = self.gaps
        # What workers of an earlier relay listened to: nothing that comes before their next sign is to be lost.
        self.connection.interest(self._interests | await self._read_interests())
        await self.client.login()
        if self.gaps is not None:
            self.gaps.fill()
        await self.desk.open()
        self._tasks = [
            asyncio.create_task(self._note(), name="mezon-relay-notes"),
            asyncio.create_task(self._words(), name="mezon-relay-state"),
        ]

    async def stop(self) -> None:
        """End in order: take nothing more, bring what was taken, close."""
        for task in self._tasks:
            task.cancel()
        await self.desk.close()
        with contextlib.suppress(Exception):
            await self.client.disconnect()
        if self._lock.held:
            # What is noted as seen has to be in the stream: the next relay fetches the rest.
            if await self.publisher.drain(_LAST_EVENTS):
                await self._write_notes()
            await self.answers.flush()
        if self.gaps is not None:
            await self.gaps.stop()
        await self.publisher.stop()
        await self.members.stop()

    # ---- what workers listen to

    def _interests_changed(self) -> None:
        wanted, filters = self.members.interests(), self.members.filters()
        if not self.members.all:
            # Nobody is there: what the last ones wanted waits in the stream for the next ones.
            return
        if filters != self._filters:
            self._filters = filters
            self.tap.sieve.set(filters)
        if wanted != self._interests:
            logger.info("Workers listen to %d kinds of events", len(wanted))
            self._interests = wanted
            self.connection.interest(wanted)

    # ---- notes for the next relay

    async def _note(self) -> None:
        while True:
            await asyncio.sleep(_NOTE)
            # Notes must not run ahead of the stream: what is noted as seen is in it.
            floors = self._floors()
            if await self.publisher.drain(_LAST_EVENTS):
                await self._write(floors)

    def _floors(self) -> bytes:
        known: Mapping[int, Any] = {} if self.gaps is None else self.gaps.known()
        return json.dumps({"channels": known, "interests": sorted(self._interests)}).encode()

    async def _write_notes(self) -> None:
        await self._write(self._floors())

    async def _write(self, floors: bytes) -> None:
        if floors == self._noted or not self._lock.held:
            return
        try:
            subject = f"$KV.{self._relay.names.notes}.{_FLOORS}"
            await self._nats.request(subject, floors, timeout=5)
            self._noted = floors
        except Exception as error:
            logger.debug("No notes were left for the next relay: %s", error or type(error).__name__)

    async def _notes(self) -> dict[str, Any]:
        import base64

        stream = f"KV_{self._relay.names.notes}"
        last = {"last_by_subj": f"$KV.{self._relay.names.notes}.{_FLOORS}"}
        found = await api(self._nats, f"STREAM.MSG.GET.{stream}", last, absent_is_none=True)
        if found is None:
            return {}
        try:
            notes = json.loads(base64.b64decode(found["message"].get("data", "")) or b"{}")
        except (ValueError, RecursionError):
            notes = None
        if not isinstance(notes, dict):
            logger.warning("The notes of an earlier relay cannot be read; this one begins without them")
            return {}
        return notes

    async def _read_floors(self) -> dict[int, Any]:
        known = (await self._notes()).get("channels", {})
        return {int(channel): one for channel, one in known.items()}

    async def _read_interests(self) -> frozenset[str]:
        return frozenset((await self._notes()).get("interests", ()))

    async def _words(self) -> None:
        """Say who is in charge, so that calls which an earlier relay had are asked again, and those lost on the way."""
        while True:
            if self._lock.held:
                word = {
                    "epoch": self._lock.epoch,
                    "line": self._relay.line,
                    "state": self.client.state,
                    "trouble": self.publisher.trouble,
                    "at": time.time(),
                }
                with contextlib.suppress(Exception):
                    await self._nats.publish(self._relay.names.state, json.dumps(word).encode())
            await asyncio.sleep(_WORD)


__all__ = ["LockLostError", "Relay"]
