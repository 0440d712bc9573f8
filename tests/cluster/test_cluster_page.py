"""What docs/guide/many-machines.md says, typed as it stands there; and the commands that it names."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from child_process import child_process
from docs_permissions import PAGE, server_permissions
from mezon._cluster.broker import connect, disconnect
from mezon._cluster.dead_letters import dead_letter
from mezon._cluster.delivery import Delivery
from mezon._cluster.protocol import Names, partition_of
from mezon._cluster.settings import Broker
from mezon.protobuf.api import api_pb2
from mezon.testing import LocalGateway
from nats_servers import SERVER, Child, free_ports, nats_server, needs_nats
from patience import patient
from preloaded import PRELOADED
from test_cluster_bot import environment, lines
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(240)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)


class Terminal:
    """A shell in which a block of the page was typed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def until(self, word: str) -> str:
        assert self.process.stdout is not None
        async with asyncio.timeout(patient(60)):
            while raw := await self.process.stdout.readline():
                self.said.append(raw.decode().rstrip())
                if word in self.said[-1]:
                    return self.said[-1]
        raise AssertionError(f"it never said {word!r} but:\n" + "\n".join(self.said))

    async def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(patient(60)):
            rest, _ = await self.process.communicate()
        self.said += rest.decode().splitlines()
        assert self.process.returncode is not None
        return self.process.returncode


@contextlib.asynccontextmanager
async def terminal(text: str, folder: Path) -> AsyncIterator[Terminal]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MEZON_", "PYTEST_"))}
    folders = [str(Path(sys.executable).parent), str(Path(str(SERVER)).parent), clean["PATH"]]
    # The last command in place of the shell, so that a signal is the command's, as Ctrl-C is.
    *before, last = text.strip().splitlines()
    async with child_process(
        *("bash", "-c", "\n".join([*before, f"exec {last}"])),
        cwd=folder,
        env={**clean, "PATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
    ) as process:
        yield Terminal(process)


@pytest.mark.skipif(sys.platform == "win32", reason="the page's shell is bash")
async def test_the_page_as_typed(tmp_path: Path) -> None:
    """Only the ports are others, for those of the page may be taken."""
    (bot,) = [block for block in blocks("python") if "# bot.py" in block]
    (tmp_path / "bot.py").write_text(bot, "utf-8")
    server_port, gateway_port = free_ports(2)
    typed = [
        block.replace("4222", str(server_port)).replace("7350", str(gateway_port)) for block in blocks("bash")
    ]
    server, gateway, relay, worker = typed
    async with (
        terminal(f"{server.strip()} -a 127.0.0.1 -p {server_port}", tmp_path) as nats,
        terminal(gateway, tmp_path) as mezon,
        terminal(relay, tmp_path) as one_relay,
        terminal(worker, tmp_path) as first,
        terminal(worker, tmp_path) as second,
    ):
        await nats.until("Server is ready")
        page = (await mezon.until("page ")).split()[-1]
        await one_relay.until("is ready")
        await asyncio.gather(first.until("is ready"), second.until("is ready"))
        async with aiohttp.ClientSession() as http:
            socket = await http.ws_connect(page.replace("/?", "/socket?").replace("http", "ws"))
            for number, channel in enumerate(("general", "random")):
                details = {"channel": channel, "user": "alice", "text": "!ping"}
                await socket.send_json({"id": number + 1, "do": "say", "with": details})
                assert re.search(r"pong from process \d+", await answer_of_the_bot(socket))
            await socket.close()
        for command, name in ((first, "worker"), (second, "worker"), (one_relay, "relay")):
            assert await command.end() == 0, command.said
            assert command.said[-1] == f"{name} ended"
            assert (
                len([line for line in command.said if line.endswith("is ready") or "is ready (" in line]) == 1
            )
            assert "Traceback" not in "\n".join(command.said)


async def answer_of_the_bot(socket: aiohttp.ClientWebSocketResponse) -> str:
    async with asyncio.timeout(patient(30)):
        while True:
            event = json.loads((await socket.receive()).data)
            assert not event.get("error"), event
            if event["event"] == "message" and event["message"]["bot"]:
                return str(event["message"]["content"]["t"])


async def command(*arguments: str, **more: str) -> tuple[int, str]:
    """Run ``mezon ARGUMENTS`` to its end: its exit code, and what it wrote."""
    process = await asyncio.create_subprocess_exec(
        *(PRELOADED, "-m", "mezon.cli", *arguments),
        env={**os.environ, **more},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_dead_events_with_the_rights_of_the_guide(
    gateway: LocalGateway, bot: Path, ledger: Path
) -> None:
    """`mezon dlq` shows, replays and drops; relay and worker are the commands too, and tell their health."""
    ports = free_ports(2)
    names, general = Names(gateway.bot_id), gateway.world.channel("general")
    async with nats_server(server_permissions(gateway.bot_id)) as server:

        def url(user: str) -> str:
            return server.url.replace("nats://", f"nats://{user}:{user}-secret@")

        cli = ("-m", "mezon.cli")
        key_file = ledger.with_name("key")
        key_file.write_text(f"{gateway.api_key}\n")
        relays = {name: value for name, value in gateway.environment().items() if name != "MEZON_API_KEY"}
        healths = [{"MEZON_HEALTH": f"127.0.0.1:{port}"} for port in ports]
        relay = Child(
            *cli,
            "relay",
            "--nats",
            url("relay"),
            "--cache",
            "none",
            "--partitions",
            "4",
            "--api-key-file",
            str(key_file),
            environment={**relays, **healths[0]},
        )
        worker = Child(
            *cli,
            "worker",
            str(bot),
            "--name",
            "worker-1",
            "--nats",
            url("worker-1"),
            environment={**environment(gateway, ledger), **healths[1]},
        )
        async with relay, worker:
            await relay.ready()
            await worker.ready()
            async with aiohttp.ClientSession() as http:
                for port in ports:
                    async with http.get(f"http://127.0.0.1:{port}/ready") as health:
                        assert (health.status, await health.json()) == (200, {"ready": True})
            client = await connect(Broker(urls=url("worker-1"), inbox=names.inbox("worker-1.test")))
            for number in (1, 2):
                await dead_letter(
                    client, names, dead(general, number), "it does not agree with anybody", "me"
                )
            await disconnect(client)

            operator = {"MEZON_NATS_URL": url("operator"), "MEZON_BOT_ID": str(gateway.bot_id)}
            code, said = await command("dlq", "list", **operator)
            assert code == 0, said
            assert [line.split()[0] for line in said.splitlines()] == ["1", "2"]
            assert "channel_message  m1: it does not agree with anybody" in said
            assert "secret 1" not in said, "what a message says is nobody's business"
            code, said = await command("dlq", "list", "--json", "--limit", "1", **operator)
            assert [one["number"] for one in json.loads(said)] == [1]
            code, said = await command("dlq", "replay", "1", **operator)
            assert (code, said.split(":")[0]) == (0, "1")
            await until(lambda: f"{general.id} secret 1" in lines(ledger), "the event", timeout=30)
            code, said = await command("dlq", "drop", "2", **operator)
            assert (code, said.strip()) == (0, "2: dropped")
            code, said = await command("dlq", "list", **operator)
            assert (code, said.strip()) == (0, "there are no dead events")
            for what in ("replay", "drop"):
                code, said = await command("dlq", what, "2", **operator)
                assert (code, "there is no dead event 2" in said) == (1, True), said
            log = (server.folder / "nats.log").read_text()
            assert "Permissions Violation" not in log, log[-2000:]
            assert await worker.terminate() == 0
            assert await relay.terminate() == 0
            assert "-secret" not in relay.log() + worker.log()


def dead(channel: Any, number: int) -> Delivery:
    message = api_pb2.ChannelMessage(
        channel_id=channel.id,
        message_id=number,
        sender_id=5,
        create_time_seconds=int(time.time()),
        content=json.dumps({"t": f"secret {number}"}).encode(),
    )
    return Delivery(
        event_id=f"m{number}",
        name="channel_message",
        body=message.SerializeToString(),
        reply="",
        times=5,
        sequence=number,
        turn=number,
        partition=partition_of(channel.id, 4),
        on_end=lambda *_: None,
    )


async def test_tls_and_an_nkey(tmp_path: Path) -> None:
    """A server with a certificate of its own authority, which lets one nkey in."""
    import nkeys
    from mezon.testing.address import LocalCertificate

    certificate = LocalCertificate()
    folder = certificate.ca_file.parent
    seeds = [nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER) for _ in range(2)]
    ours, another = tmp_path / "ours.nk", tmp_path / "another.nk"
    for file, seed in zip((ours, another), seeds, strict=True):
        file.write_bytes(seed)
    public = nkeys.from_seed(bytearray(seeds[0])).public_key.decode()
    extra = (
        f'tls {{ cert_file: "{folder / "server.pem"}", key_file: "{folder / "server.key"}" }}\n'
        f"authorization {{ users: [ {{ nkey: {public} }} ] }}"
    )
    try:
        async with nats_server(extra) as server:
            where = {"MEZON_BOT_ID": "79", "MEZON_NATS_URL": server.url.replace("nats://", "tls://")}
            known = ("--nats-ca", str(certificate.ca_file))
            code, said = await command("dlq", "list", *known, "--nats-nkey", str(ours), **where)
            # asyncio may say behind it what it thinks of how nats-py closes TLS.
            assert (code, said.splitlines()[0]) == (0, "there are no dead events")
            code, said = await command("dlq", "list", *known, "--nats-nkey", str(another), **where)
            assert code == 1
            assert "check the credentials" in said
            assert seeds[1].decode() not in said
            code, said = await command("dlq", "list", "--nats-nkey", str(ours), **where)
            assert code == 1
            assert "certificate" in said
            assert "Traceback" not in said
    finally:
        certificate.remove()
