"""One bot behind a relay: the file as it is, on one worker and on several."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from http_doubles import Server
from in_process_cluster import InProcess
from loopback import serving
from mezon import ChannelMessage, MezonClient, filters
from mezon.errors import InvalidArgumentError, MezonConnectionError, ServerError
from mezon.testing import LocalGateway
from nats_servers import TIMING, NatsServer, needs_nats, relay_process, worker_process
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(180)]


def environment(gateway: LocalGateway, ledger: Path) -> dict[str, str]:
    return {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}


def lines(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines()


async def test_a_bot_answers_from_another_process(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    async with (
        relay_process(gateway.client_options(), nats.url) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as worker,
    ):
        await relay.ready()
        await worker.ready()
        for number in range(5):
            await gateway.say("general", "alice", f"?{number}")
            sent = await gateway.next_sent("channel_message_send", timeout=20)
            assert sent.text == f"!{number}"
            assert sent.message.references[0].message_ref_id
        assert await worker.terminate() == 0
        assert await relay.terminate() == 0
        log = relay.log() + worker.log()
        assert "Traceback" not in log, log
        assert gateway.api_key not in log


async def test_several_workers_share_the_channels_and_keep_their_order(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    clan = gateway.world.clan()
    channels = [gateway.world.add_channel(f"c{number}", clan) for number in range(30)]
    async with (
        relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay,
        worker_process(bot, nats.url, environment(gateway, ledger)) as first,
        worker_process(bot, nats.url, environment(gateway, ledger)) as second,
    ):
        await relay.ready()
        await asyncio.gather(first.ready(), second.ready())
        for number in range(20):
            for channel in channels:
                await gateway.say(channel, "alice", str(number))
        await until(lambda: len(lines(ledger)) >= 600, "every message", timeout=60)
    said: dict[str, list[int]] = defaultdict(list)
    for line in lines(ledger):
        channel_id, text = line.split()
        said[channel_id].append(int(text))
    assert len(said) == 30
    assert {channel: numbers for channel, numbers in said.items() if numbers != list(range(20))} == {}


async def test_calls_come_back_as_they_would_without_a_relay(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        client = machines.client()
        await client.login()
        assert client.state == "ready"
        general = gateway.world.channel("general")
        channel = await client.channels.fetch(general.id)
        ack = await channel.send("hello")
        assert ack.message_id
        sent = await gateway.next_sent("channel_message_send")
        assert sent.text == "hello"
        message = await channel.messages.fetch(ack.message_id)
        await message.update("changed")
        update = await gateway.next_sent("api_request_event")
        assert update.api_name == "UpdateChannelMessage"
        assert client.message_db is not None
        stored = await client.message_db.get_messages_by_channel(general.id)
        assert [row["id"] for row in stored] == [str(ack.message_id)]
        found = await client.message_db.get_message_by_id(ack.message_id, general.id)
        assert found is not None
        assert found.content == {"t": "changed"}
        assert await client.message_db.search_messages("changed")
        assert await client.message_db.get_message_count(general.id) == 1
        user = gateway.world.user("alice")
        await (await client.users.fetch(user.id)).send_dm_message("in private")
        assert (await gateway.next_sent("channel_message_send")).text == "in private"
        with pytest.raises(InvalidArgumentError, match="no channel"):
            await client.channels.fetch(404)
        gateway.answer_with_error("channel_message_send", code=7, message="not today")
        with pytest.raises(ServerError, match="not today") as refused:
            await channel.send("again")
        assert refused.value.code == 7
        assert client.api_key == "no key"


async def test_media_are_played_by_their_own_host(gateway: LocalGateway, nats: NatsServer) -> None:
    """The call goes to the host for media with the relay's token, not to the API's host."""
    room = gateway.world.add_voice_channel("voice")
    media = Server(default=lambda: web.json_response({"ok": True}))
    async with serving(media.handle) as url, InProcess(gateway, nats) as machines:
        relay = machines.relay._active.client  # type: ignore[union-attr]
        relay.api_client.playmedia_url = f"{url}/api/playmedia"
        client = machines.client()
        await client.login()
        channel = await client.channels.fetch(room.id)
        assert await channel.play_media("https://x.example/a.mp3") == {"ok": True}
        (seen,) = media.seen
        assert (seen.method, seen.path) == ("POST", "/api/playmedia")
        assert seen.headers["Authorization"] == f"Bearer {relay.session_manager.get_session().token}"
        assert json.loads(seen.body)["url"] == "https://x.example/a.mp3"


async def test_what_nobody_listens_to_is_not_published(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        client = machines.client()
        heard: list[Any] = []
        await client.login()
        await until(lambda: machines.relay.stats()["workers"], "the worker")
        await gateway.typing("general", "alice")
        client.on("message_typing_event", heard.append)

        async def typed() -> bool:
            await gateway.typing("general", "alice")
            await asyncio.sleep(0.1)
            return bool(heard)

        await until(typed, "a worker that listens")
        published = machines.relay.stats()["events_published"]
        client.off("message_typing_event")
        await asyncio.sleep(2 * TIMING["heartbeat"])
        for _ in range(20):
            await gateway.typing("general", "alice")
        await gateway.say("general", "alice", "the end")
        await until(lambda: machines.relay.stats()["events_published"] > published, "the message")
        assert machines.relay.stats()["events_published"] <= published + 3


async def test_wait_for_and_conversations_hold(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        clients = [machines.client(), machines.client()]
        asked = asyncio.Event()
        for client in clients:

            @client.on_channel_message
            async def ask(message: Any, client: MezonClient = client) -> None:
                if message.content.get("t") == "ask me":
                    await message.reply("what is your name?")
                    asked.set()
                    same = lambda other: other.sender_id == message.sender_id and other is not message  # noqa: E731
                    answer = await client.wait_for("channel_message", check=same, timeout=20)
                    await answer.reply(f"hello {answer.content['t']}")

            await client.login()
        # A conversation holds as long as its channel stays where it is: the shares are settled first.
        await until(lambda: machines.settled(), "every partition to have one owner")
        await gateway.say("random", "bob", "ask me")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "what is your name?"
        # No person answers before the question has come back: answers and events take different ways here.
        await asked.wait()
        await gateway.say("random", "bob", "Bob")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "hello Bob"


async def test_a_call_without_a_relay_waits_and_then_says_so(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        client = machines.client()
        await client.login()
        channel = await client.channels.fetch(gateway.world.channel("general").id)
        client.socket_manager.socket.send_timeout_ms = 1500
        assert machines.task is not None
        machines.task.cancel()
        await asyncio.wait([machines.task])
        with pytest.raises(MezonConnectionError, match=r"mezon relay|not sent"):
            await channel.send("into the void")
        assert not [sent for sent in gateway.sent if sent.kind == "channel_message_send"]


async def test_health_says_how_relay_and_worker_are(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    from nats_servers import free_ports

    ports = free_ports(2)

    async def ask(port: int, path: str) -> tuple[int, Any]:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return 0, {}
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return int(head.split()[1]), json.loads(body)

    async with (
        relay_process(gateway.client_options(), nats.url, health=f"127.0.0.1:{ports[0]}") as relay,
        worker_process(bot, nats.url, environment(gateway, ledger), health=f"127.0.0.1:{ports[1]}") as worker,
    ):
        await relay.ready()
        await worker.ready()
        for port in ports:
            assert await ask(port, "/live") == (200, {"live": True})
            assert await ask(port, "/ready") == (200, {"ready": True})
            assert (await ask(port, "/nothing"))[0] == 404
        stats = (await ask(ports[0], "/stats"))[1]
        assert stats["in_charge"] is True
        assert len(stats["workers"]) == 1
        assert (await ask(ports[1], "/stats"))[1]["state"] == "ready"


async def test_a_bot_needs_only_the_rights_the_guide_gives_it(
    gateway: LocalGateway, bot: Path, ledger: Path
) -> None:
    from docs_permissions import server_permissions
    from nats_servers import nats_server

    async with nats_server(server_permissions(gateway.bot_id)) as server:
        relay_url = server.url.replace("nats://", "nats://relay:relay-secret@")
        worker_url = server.url.replace("nats://", "nats://worker-1:worker-1-secret@")
        async with (
            relay_process(gateway.client_options(), relay_url) as relay,
            worker_process(bot, worker_url, environment(gateway, ledger), name="worker-1") as worker,
        ):
            await relay.ready()
            await worker.ready()
            await gateway.say("general", "alice", "?here")
            assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "!here"
            log = (server.folder / "nats.log").read_text()
            assert "Permissions Violation" not in log, log[-2000:]
            assert "secret" not in relay.log() + worker.log()


async def test_what_no_worker_wants_stays_out_of_the_stream(gateway: LocalGateway, nats: NatsServer) -> None:
    async with InProcess(gateway, nats) as machines:
        heard: list[str] = []

        def listen(client: MezonClient, word: str) -> None:
            @client.on_channel_message(filter=filters.prefix(word))
            async def handle(message: ChannelMessage) -> None:
                heard.append(message.content["t"])

        first, second = machines.client(), machines.client()
        listen(first, "!")
        listen(second, "?")
        await first.login()
        await second.login()
        await until(machines.settled, "a share for each")
        await until(lambda: len(machines.relay.stats()["workers"]) == 2)
        await gateway.say("general", "alice", "the first of a channel shows it to the caches")
        await until(lambda: machines.relay.stats()["events_published"] == 1)
        for text in ("nothing", "!a", "?b", "nothing"):
            await gateway.say("general", "alice", text)
        await until(
            lambda: machines.relay.stats()["events_filtered"] == 2, lambda: f"{machines.relay.stats()}"
        )
        await until(lambda: machines.relay.stats()["events_published"] == 3)
        # Whichever of the two has the channel has its own filter.
        await until(lambda: len(heard) == 1, lambda: f"{heard}")
        assert heard[0] in ("!a", "?b")

        # Who waits gets what no filter matches, once the relay knows.
        waiting = [asyncio.ensure_future(client.wait_for("channel_message")) for client in (first, second)]

        async def answered() -> bool:
            await gateway.say("general", "alice", "an answer")
            await asyncio.sleep(0.05)
            return any(one.done() for one in waiting)

        await until(answered, "an answer")
        for one in waiting:
            if one.done():
                assert one.result().content["t"] == "an answer"
            one.cancel()
