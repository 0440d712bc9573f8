"""What an operator meets: start-up errors, log lines, and calls while one relay replaces another."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.membership import Members
from mezon._cluster.protocol import Names, NotInChargeError, Packet
from mezon._cluster.publisher import Publisher
from mezon._cluster.relay_client import RelayClient
from mezon._cluster.rpc_server import AnswerCache, RpcServer
from mezon._cluster.settings import Broker, Timing
from mezon.errors import MezonConnectionError, MezonError, MezonTimeoutError
from mezon.testing import LocalGateway
from nats.aio.client import Client
from nats_servers import TIMING, Child, NatsServer, needs_nats
from patience import patient
from waiting import until

pytestmark = pytest.mark.timeout(120)

NAMES = Names(81)
UNITS = Path(__file__).parents[2] / "deploy" / "systemd"


# ---- calls while one relay replaces another


def _in_charge_until_the_call() -> Callable[[], bool]:
    answers = iter([True, False])
    return lambda: next(answers, True)


@needs_nats
@pytest.mark.parametrize(
    ("in_charge", "first"),
    [
        (_in_charge_until_the_call(), None),
        (lambda: True, NotInChargeError()),
        (iter([True, True, False, True]).__next__, MezonTimeoutError("it waited for the lease", sent=False)),
    ],
    ids=["in the queue", "in the HTTP queue", "at the lease"],
)
async def test_a_call_that_was_not_sent_goes_to_the_next_relay(
    client: Client, nats: NatsServer, in_charge: Callable[[], bool], first: MezonError | None
) -> None:
    """The handler gets the answer of the next relay instead of an error."""
    caller = await connect(Broker(urls=nats.url, inbox=NAMES.inbox("worker.one")))
    relay_client = RelayClient(caller, NAMES, "worker.one")
    made: list[str] = []
    held: list[bool] = []

    def check() -> bool:
        try:
            held.append(in_charge())
        except StopIteration:
            held.append(True)
        return held[-1]

    async def make(packet: Packet, left: float) -> Packet:
        made.append("call")
        if first is not None and len(made) == 1:
            raise first
        return Packet({"field": "answer"})

    server = RpcServer(client, NAMES, check, {"socket": make}, AnswerCache(client, NAMES, 600.0))
    try:
        await server.open()
        await client.flush()
        await relay_client.start()
        assert (await relay_client.call("socket", Packet(), 20.0, "a call")).values == {"field": "answer"}
        assert len(made) == (1 if first is None else 2)
        await relay_client.stop()
    finally:
        await server.close()
        await disconnect(caller)


# ---- events before the first worker


@needs_nats
async def test_messages_before_the_first_worker_wait_for_it(gateway: LocalGateway, nats: NatsServer) -> None:
    handled: list[str] = []
    async with InProcess(gateway, nats) as machines:
        await gateway.say("general", "alice", "nobody is here yet")
        await until(lambda: machines.relay.stats()["events_published"] >= 1, "the message in the stream")
        client = machines.client()

        @client.on_channel_message
        async def handle(message: ChannelMessage) -> None:
            handled.append(message.content["t"])

        await client.login()
        await until(lambda: handled == ["nobody is here yet"], lambda: f"{handled}")


# ---- log lines and errors


async def test_a_server_that_says_nothing_is_named_with_a_reason() -> None:
    """The error of nats-py has no text of its own."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        with pytest.raises(MezonConnectionError, match=r"\(\w[^)]*\): is the server running") as caught:
            await connect(Broker(urls=f"nats://127.0.0.1:{port}"))
        assert "()" not in str(caught.value)
    finally:
        server.close()


@needs_nats
async def test_answers_that_cannot_be_stored_are_one_line(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answers = AnswerCache(client, NAMES, 600.0)
    await disconnect(client)

    async def make() -> Packet:
        return Packet({"field": "answer"})

    for number in range(100):
        await answers.get_or_call(f"m{number}/handler/1", False, make)
    await answers.flush()
    lines = [record.getMessage() for record in caplog.records if "cannot be stored" in record.getMessage()]
    assert len(lines) == 1


@needs_nats
async def test_stopped_heartbeats_leave_no_task(client: Client) -> None:
    """A task that is still pending when the loop is closed is reported as destroyed."""
    members = Members(client, NAMES, Timing(**TIMING), lambda: None)
    await members.start()
    await disconnect(client)
    await members.stop()
    assert "mezon-members" not in {task.get_name() for task in asyncio.all_tasks()}


# ---- starting a worker


async def test_a_worker_without_the_id_of_the_bot_says_so(tmp_path: Path) -> None:
    file = tmp_path / "some_bot.py"
    file.write_text(
        "import os\nfrom mezon import MezonClient\nclient = MezonClient(os.environ.get('MEZON_BOT_ID', ''), 'unused')\n"
    )
    environment = {"MEZON_BOT_ID": "", "MEZON_CLIENT_ID": ""}
    arguments = ("-m", "mezon.cli", "worker", str(file), "--nats", "nats://127.0.0.1:1")
    async with Child(*arguments, environment=environment) as worker:
        assert worker.process is not None
        assert await worker.process.wait() == 2
        assert "set it to the number of the bot" in worker.log()
        assert "Traceback" not in worker.log()


@pytest.mark.parametrize("unit", ["mezon-relay.service", "mezon-worker@.service"])
def test_a_systemd_unit_has_the_id_of_the_bot(unit: str) -> None:
    lines = (UNITS / unit).read_text().splitlines()
    files = [at for at, line in enumerate(lines) if line.startswith("EnvironmentFile=")]
    assert len(files) == 1
    assert "MEZON_BOT_ID=" in lines[files[0] - 1]
    assert os.path.isabs(lines[files[0]].partition("=")[2])


# ---- closing


async def test_a_task_that_swallows_its_cancellation_does_not_keep_its_owner() -> None:
    """As ``asyncio.wait_for`` of Python 3.11 does, which nats-py uses, if a result arrives together with it."""

    async def publish() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    publisher = Publisher(Broker(urls="nats://127.0.0.1:1"), Names(1))
    publishing = publisher._task = asyncio.create_task(publish())
    await asyncio.sleep(0)
    async with asyncio.timeout(patient(10)):
        await publisher.stop()
    assert publishing.cancelled()
