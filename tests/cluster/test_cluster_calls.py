"""Calls of workers: their deadlines, their duplicates, and what an outage of the broker leaves of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mezon._cluster import delivery as acknowledging
from mezon._cluster.delivery import Acknowledger, Delivery, ProgressReporter
from mezon._cluster.direct_client import DirectClient
from mezon._cluster.protocol import Names, Packet, decode_error, encode_error
from mezon._cluster.rpc_server import AnswerCache
from mezon._cluster.settings import Broker, Layout, Timing
from mezon._cluster.worker_connection import WorkerConnection
from mezon.errors import MezonConnectionError, MezonError, MezonTimeoutError
from mezon.ports import HttpFailure
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats_servers import TIMING, NatsServer, needs_nats, relay_process, worker_process
from test_cluster_bot import environment
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(120)]

NAMES = Names(79)
TIMES = Timing(**TIMING)


# ---- clocks


@pytest.mark.parametrize("ahead", [-3600, -30, 30, 3600])
async def test_a_worker_whose_clock_is_wrong_can_send(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path, ahead: int
) -> None:
    """The clock of its machine, which the relay's need not agree with."""
    wrong = f"import time\n_right = time.time\ntime.time = lambda: _right() + {ahead}\n"
    text = await asyncio.to_thread(bot.read_text)
    await asyncio.to_thread(bot.write_text, wrong + text.replace("timeout=60_000", "timeout=20_000"))
    async with (
        relay_process(gateway.client_options(), nats.url) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
    ):
        await relay.ready()
        await worker.ready()
        await gateway.say("general", "alice", "?now")
        assert (await gateway.next_sent("channel_message_send", timeout=30)).text == "!now"


# ---- answers that are remembered


NOT_SENT = [
    MezonTimeoutError("its time was over", sent=False),
    MezonConnectionError("not connected"),
    HttpFailure("refused", sent=False),
]


@pytest.mark.parametrize("error", NOT_SENT, ids=lambda error: type(error).__name__)
async def test_what_was_not_sent_is_no_answer(client: Client, error: MezonError) -> None:
    made: list[str] = []

    async def make() -> Packet:
        made.append("call")
        return encode_error(error) if len(made) == 1 else Packet({"field": "answer"})

    answers = AnswerCache(client, NAMES, 600.0)
    first = await answers.get_or_call("m1/handler/1", False, make)
    assert type(decode_error(first)) is type(error)
    second = await answers.get_or_call("m1/handler/1", True, make)
    assert second.values == {"field": "answer"}
    assert await answers.get_or_call("m1/handler/1", True, make) == second
    assert len(made) == 2


@pytest.mark.parametrize("error", [MezonTimeoutError("no answer"), HttpFailure("lost", sent=True)])
async def test_what_may_have_been_sent_is_not_made_again(client: Client, error: MezonError) -> None:
    made: list[str] = []

    async def make() -> Packet:
        made.append("call")
        return encode_error(error)

    answers = AnswerCache(client, NAMES, 600.0)
    first = await answers.get_or_call("m1/handler/1", False, make)
    assert await answers.get_or_call("m1/handler/1", True, make) == first
    assert made == ["call"]


async def test_duplicates_of_a_call_that_was_not_sent_make_it_once(client: Client) -> None:
    made: list[str] = []
    turn = asyncio.Event()

    async def make() -> Packet:
        made.append("call")
        if len(made) == 1:
            await turn.wait()
            return encode_error(MezonTimeoutError("its time was over", sent=False))
        return Packet({"field": str(len(made))})

    answers = AnswerCache(client, NAMES, 600.0)
    calls = [asyncio.create_task(answers.get_or_call("m1/handler/1", False, make)) for _ in range(4)]
    await until(lambda: made == ["call"])
    turn.set()
    first, *others = await asyncio.gather(*calls)
    assert isinstance(decode_error(first), MezonTimeoutError)
    assert [answer.values for answer in others] == [{"field": "2"}] * 3


async def test_a_duplicate_is_answered_when_the_first_call_fails(client: Client, nats: NatsServer) -> None:
    """Nobody says whether the call was made before: each of the two hears that, and neither waits for ever."""
    answers = AnswerCache(client, NAMES, 600.0)

    async def make() -> Packet:
        return Packet()

    await nats.kill()
    calls = [asyncio.create_task(answers.get_or_call("m1/handler/1", True, make, 0.0)) for _ in range(2)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [MezonConnectionError] * 2


# ---- acknowledgements


async def test_acknowledgements_are_bounded_while_nats_is_away(
    client: Client, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledging, "MAX_WAITING", 10)
    heard: list[tuple[str, bytes]] = []

    async def hear(message: Msg) -> None:
        heard.append((message.subject, message.data))

    # On the same connection, so that it is subscribed again before the words go out.
    await client.subscribe("ack.*", cb=hear)
    running = [
        Delivery(
            f"m{number}", "channel_message", b"", f"running.{number}", 1, 1, 1, 0, lambda delivery, done: None
        )
        for number in range(3)
    ]
    looks: list[int] = []

    def open_now() -> list[Delivery]:
        looks.append(1)
        return running

    timing = Timing(**{**TIMING, "ack_wait": 0.04, "heartbeat": 0.05})
    words = Acknowledger(client, timing)
    progress = asyncio.create_task(ProgressReporter(client, timing, open_now).run())
    words.start()
    try:
        await until(lambda: len(looks) > 2)
        await nats.kill()
        await until(lambda: not client.is_connected)
        before = client.pending_data_size
        for number in range(25):
            words.put(f"ack.{number}", b"-NAK")
            words.put(f"ack.{number}", b"+ACK")
        assert len(words._waiting) == 10
        assert words.dropped > 0
        # Nothing is added for what still runs.
        looked = len(looks)
        await until(lambda: progress.done() or len(looks) > looked + 5)
        assert not progress.done()
        assert len(words._waiting) == 10
        assert client.pending_data_size <= before
        await nats.start()
        await until(lambda: len(heard) == 10, lambda: f"{heard}")
        assert heard == [(f"ack.{number}", b"+ACK") for number in range(15, 25)]
    finally:
        progress.cancel()
        await asyncio.wait([progress])
        await words.stop()


async def test_reports_on_thousands_of_events_leave_room_for_heartbeats(client: DirectClient) -> None:
    heard: set[str] = set()
    turns = 0

    async def other_work() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += running[0].extended_at > 0 and not running[-1].extended_at

    running = [
        Delivery(f"m{number}", "channel_message", b"", f"running.{number}", 1, 1, 1, 0, lambda *_: None)
        for number in range(5000)
    ]
    for delivery in running:
        delivery.begin()
    await client.subscribe_direct("running.*", lambda message: heard.add(message.subject))
    reporter = ProgressReporter(client, Timing(**{**TIMING, "ack_wait": 0.04}), lambda: running)
    reports, other = asyncio.create_task(reporter.run()), asyncio.create_task(other_work())
    try:
        await until(lambda: len(heard) == 5000, lambda: f"{len(heard)} reports")
        assert turns >= 30
    finally:
        reports.cancel()
        other.cancel()
        await asyncio.wait([reports, other])


# ---- connections


class SlowServer:
    """Stands before a server of NATS, and says nothing until it may."""

    def __init__(self, nats: NatsServer) -> None:
        self._nats = nats
        self.may = asyncio.Event()
        self.asked = 0
        self.open = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.asked += 1
        self.open += 1
        to_server = None
        try:
            await self.may.wait()
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._nats.port)
            back = asyncio.create_task(_copy(from_server, writer))
            await _copy(reader, to_server)
            back.cancel()
        finally:
            self.open -= 1
            writer.close()
            if to_server is not None:
                to_server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(4096):
            writer.write(data)


async def test_an_open_that_is_cancelled_leaves_no_connection(nats: NatsServer) -> None:
    slow = SlowServer(nats)
    async with slow.running() as url:
        connection = WorkerConnection(Broker(urls=url), NAMES, Layout(partitions=1), TIMES)
        opening = asyncio.create_task(connection.open([], False))
        await until(lambda: slow.asked == 1)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert connection.state == "closed"
        slow.may.set()
        await until(lambda: slow.open == 0, "the end of the connection", timeout=20)
        assert slow.asked == 1


async def test_a_close_ends_a_connection_that_is_being_made(nats: NatsServer) -> None:
    """Whoever waits for it hears so."""
    slow = SlowServer(nats)
    async with slow.running() as url:
        connection = WorkerConnection(Broker(urls=url), NAMES, Layout(partitions=1), TIMES)
        waiting = asyncio.create_task(connection.relay())
        await until(lambda: slow.asked == 1)
        await connection.close()
        with pytest.raises(MezonConnectionError, match="closed while it connected"):
            await waiting
        slow.may.set()
        await until(lambda: slow.open == 0, "the end of the connection", timeout=20)
