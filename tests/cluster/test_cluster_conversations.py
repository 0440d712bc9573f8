"""Open conversations while workers come and go, and those that wait for a user of another partition."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from in_process_cluster import InProcess
from mezon import ChannelMessage, MezonClient
from mezon._cluster.protocol import DEFAULT_PARTITIONS, partition_of
from mezon.errors import MezonTimeoutError
from mezon.testing import LocalGateway
from nats_servers import Child, NatsServer, nats_server, needs_nats, relay_process, worker_process
from waiting import until

pytestmark = [needs_nats, pytest.mark.timeout(180)]

#: Asks who calls "!order" a question; appends "<process> <text>" for each probe.
BOT = """
import os
from mezon.ext.commands import Bot, Context

bot = Bot(
    os.environ["BOT_ID"], "no key", prefix="!", host="nowhere.invalid", mmn_api_url=None, zk_api_url=None
)
ledger = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

@bot.command()
async def order(ctx: Context) -> None:
    dish = await ctx.ask("which dish?", timeout=100)
    await ctx.reply(f"one {dish}")

@bot.command()
async def probe(ctx: Context, number: int) -> None:
    os.write(ledger, f"{os.getpid()} {number}\\n".encode())
"""

PEOPLE = 30


class Restaurant:
    """A relay, channels with and without conversations, and a bot's file."""

    def __init__(self, gateway: LocalGateway, nats: NatsServer, folder: Path) -> None:
        self.gateway = gateway
        self.nats = nats
        self.ledger = folder / "ledger"
        self.ledger.touch()
        self.file = folder / "ordering_bot.py"
        self.file.write_text(BOT)
        clan = gateway.world.clan()
        self.tables = [gateway.world.add_channel(f"table{number}", clan) for number in range(PEOPLE // 2)]
        # A partition moves as a whole, so the quiet channels are in others.
        kept = {partition_of(table.id, DEFAULT_PARTITIONS) for table in self.tables}
        more = [gateway.world.add_channel(f"quiet{number}", clan) for number in range(20)]
        self.quiet = [one for one in more if partition_of(one.id, DEFAULT_PARTITIONS) not in kept]
        self.people = [f"user{number}" for number in range(PEOPLE)]
        for name in self.people:
            gateway.world.add_user(name)
        self._round = 0

    def worker(self, **settings: float) -> Child:
        environment = {"BOT_ID": str(self.gateway.bot_id), "LEDGER": str(self.ledger)}
        return worker_process(self.file, self.nats.url, environment, **settings)

    def sent(self, text: str) -> int:
        """How many messages with this beginning the bot has sent."""
        return sum(
            one.kind == "channel_message_send" and one.text.startswith(text) for one in self.gateway.sent
        )

    async def everybody_is_asked(self) -> None:
        for number, name in enumerate(self.people):
            await self.gateway.say(self.tables[number // 2], name, "!order")
        await until(lambda: self.sent("which dish?") == PEOPLE, "the questions", timeout=40)

    async def everybody_is_served(self) -> None:
        for number, name in enumerate(self.people):
            await self.gateway.say(self.tables[number // 2], name, "soup")
        served = lambda: self.sent("one soup")  # noqa: E731
        await until(lambda: served() == PEOPLE, lambda: f"{served()} of {PEOPLE} were served", timeout=40)

    async def probe(self) -> list[str]:
        """Return the process that handles each quiet channel now."""
        self._round += 1
        for channel in self.quiet:
            await self.gateway.say(channel, "alice", f"!probe {self._round}")
        done = lambda: [line.split() for line in self.ledger.read_text().splitlines()]  # noqa: E731
        number = str(self._round)
        now = lambda: [process for process, which in done() if which == number]  # noqa: E731
        await until(lambda: len(now()) >= len(self.quiet), "the quiet channels", timeout=40)
        return now()


@pytest.fixture
async def restaurant(gateway: LocalGateway, nats: NatsServer, tmp_path: Path) -> AsyncIterator[Restaurant]:
    place = Restaurant(gateway, nats, tmp_path)
    async with relay_process(gateway.client_options(), nats.url, rate_limit=0) as relay:
        await relay.ready()
        yield place


async def test_a_worker_that_joins_takes_no_open_conversation(restaurant: Restaurant) -> None:
    async with restaurant.worker() as first:
        await first.ready()
        await restaurant.everybody_is_asked()
        async with restaurant.worker() as second:
            await second.ready()
            while len(set(await restaurant.probe())) < 2:
                pass
            await restaurant.everybody_is_served()


async def test_a_worker_that_leaves_ends_its_conversations_first(restaurant: Restaurant) -> None:
    async with restaurant.worker(drain=60.0) as first, restaurant.worker() as second:
        await asyncio.gather(first.ready(), second.ready())
        await restaurant.everybody_is_asked()
        leaving = asyncio.create_task(first.terminate())
        assert second.process is not None
        while set(await restaurant.probe()) != {str(second.process.pid)}:
            pass
        await restaurant.everybody_is_served()
        assert await leaving == 0


async def test_users_are_told_when_the_time_of_a_leaving_worker_is_over(restaurant: Restaurant) -> None:
    async with restaurant.worker(drain=1.0) as worker:
        await worker.ready()
        await restaurant.everybody_is_asked()
        assert await worker.terminate() == 0
        assert restaurant.sent("I am being restarted; please start again in a moment.") == PEOPLE
        assert "Traceback" not in worker.log()


async def test_wait_for_on_a_direct_message_works_at_any_worker(gateway: LocalGateway) -> None:
    from docs_permissions import server_permissions

    people = [f"user{number}" for number in range(12)]
    for name in people:
        gateway.world.add_user(name)
    greeted: list[str] = []
    handled: list[str] = []
    async with (
        nats_server(server_permissions(gateway.bot_id)) as server,
        InProcess(gateway, server, relay_user="relay", worker_user="worker-1") as machines,
    ):
        clients = [machines.client(), machines.client()]
        for client in clients:

            @client.on_channel_message
            async def meet(message: ChannelMessage, client: MezonClient = client) -> None:
                if message.sender_id == client.client_id:
                    return
                if not message.clan_id:
                    handled.append(message.content["t"])
                    return
                name = message.username
                is_answer = lambda said: said.sender_id == message.sender_id and not said.clan_id  # noqa: E731
                answer = asyncio.ensure_future(client.wait_for("channel_message", is_answer, timeout=60))
                await asyncio.sleep(0)
                user = await client.users.fetch(message.sender_id)
                await user.send_dm_message("what is your name?")
                with contextlib.suppress(MezonTimeoutError):
                    greeted.append(f"{name} {(await answer).content['t']}")

            await client.login()
        await until(machines.settled, "a share for each")
        for name in people:
            await gateway.say("general", name, "hello")
        questions = lambda: [one for one in gateway.sent if one.kind == "channel_message_send"]  # noqa: E731
        await until(
            lambda: len(questions()) == len(people), lambda: f"{len(questions())} questions", timeout=40
        )
        for name in people:
            await gateway.say_dm(name, f"I am {name}")
        expected = sorted(f"{name} I am {name}" for name in people)
        await until(lambda: sorted(greeted) == expected, lambda: f"{sorted(greeted)}", timeout=20)
        await until(
            lambda: sorted(handled) == sorted(f"I am {name}" for name in people), lambda: f"{handled}"
        )
        assert "Permissions Violation" not in (server.folder / "nats.log").read_text()
