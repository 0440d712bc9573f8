"""The bots of examples/ that keep state: each is killed in the middle and started again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bot_process import Bot, bot
from example_kit import EDIT, EXAMPLES, SECRET, SENT, ask, buttons_of
from mezon.testing import LocalGateway
from nats_servers import Child, NatsServer, nats_server, needs_nats, relay_process, worker_process

NAMES = ["reminder_bot", "list_bot", "order_bot", "quiz_bot", "subscription_bot", "ai_bot"]


@pytest.mark.parametrize("name", NAMES)
def test_example_with_state_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 60


@asynccontextmanager
async def example(name: str, gateway: LocalGateway, folder: Path, before: str = "") -> AsyncIterator[Bot]:
    """Run an example in a process of its own, in a folder; the process is killed at the end of the block."""
    source = f"""
import os, runpy, time
from mezon.ext.commands import Bot
os.chdir({str(folder)!r})
{before}
login = Bot.login

async def login_and_print(self, *args, **kwargs):
    await login(self, *args, **kwargs)
    print("ready", flush=True)

Bot.login = login_and_print
runpy.run_path({str(EXAMPLES / f"{name}.py")!r}, run_name="__main__")
"""
    async with bot(source, gateway) as process:
        assert await process.line() == "ready"
        yield process
        process.process.kill()
        await process.process.wait()
    await gateway.wait_disconnected()


async def test_reminders_survive_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async with example("reminder_bot", gateway, tmp_path):
        assert (await ask(gateway, "!remind 60 tea")).startswith("I will remind you at")
        await gateway.say("general", "alice", "!remind 60 nothing")
        sent = await gateway.next_sent(SENT)
        for user in ("bob", "alice"):
            await gateway.click(sent, buttons_of(sent.content)["Cancel"], user=user)
        assert (await gateway.next_sent(EDIT)).text == "Cancelled."
    async with example("reminder_bot", gateway, tmp_path):
        assert (await ask(gateway, "!reminders")).endswith(" tea")
        assert await ask(gateway, "!reminders", user="bob") == "Nothing."
    ahead = "from mezon.ext import jobs; jobs.now = lambda: time.time() + 7200"
    async with example("reminder_bot", gateway, tmp_path, ahead):
        sent = await gateway.next_sent(SENT)
        assert sent.text.endswith(" tea")
        assert [one.user_id for one in sent.message.mentions] == [gateway.world.user("alice").id]
        assert await ask(gateway, "!reminders") == "Nothing."


async def test_pages_survive_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async with example("list_bot", gateway, tmp_path):
        for number in range(1, 8):
            assert await ask(gateway, f"!wish {number} free days") == f"Wish {number} is noted."
        await gateway.say("general", "alice", "!wishes")
        sent = await gateway.next_sent(SENT)
        assert sent.text.splitlines()[-1] == "5. 5 free days"
    async with example("list_bot", gateway, tmp_path):
        await gateway.click(sent, buttons_of(sent.content)["▶"], user="bob")
        assert (await gateway.next_sent(EDIT)).text == "Wishes\n6. 6 free days\n7. 7 free days\n"


async def test_an_order_survives_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async with example("order_bot", gateway, tmp_path):
        assert await ask(gateway, "!order") == "Which dish: pho, bun or com?"
        assert "cannot be 'pizza'" in await ask(gateway, "pizza")
        assert await ask(gateway, "pho") == "How many pho?"
    async with example("order_bot", gateway, tmp_path):
        assert await ask(gateway, "!help", user="bob") != ""
        assert await ask(gateway, "3") == "3 x pho: yes or no?"
        assert await ask(gateway, "no") == "Which dish: pho, bun or com?"
        assert await ask(gateway, "quay lại") == "3 x pho: yes or no?"
        assert await ask(gateway, "yes") == "Ordered: 3 x pho."


RIGHT = {"7 x 8?": ("56", "54"), "2 + 2 x 2?": ("6", "8"), "1 + 1 x 0?": ("1", "0")}


async def test_scores_survive_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    async def click(sent: Any, which: int, user: str) -> None:
        await gateway.click(sent, buttons_of(sent.content)[RIGHT[sent.text][which]], user=user)

    async def question() -> Any:
        await gateway.say("general", "alice", "!quiz")
        return await gateway.next_sent(SENT)

    async with example("quiz_bot", gateway, tmp_path):
        first = await question()
        await click(first, 1, "bob")
        assert (await gateway.next_sent(SECRET)).text.startswith("Wrong or too late")
        await click(first, 0, "alice")
        assert (await gateway.next_sent(EDIT)).text.endswith(" is right!")
        second = await question()
        third = await question()
        await click(third, 1, "bob")
        assert (await gateway.next_sent(SECRET)).text.startswith("Wrong or too late")
    async with example("quiz_bot", gateway, tmp_path):
        # The open question remembers who has guessed, and the earlier one is closed.
        for sent, user in ((third, "bob"), (second, "chi")):
            await click(sent, 0, user)
            assert (await gateway.next_sent(SECRET)).text.startswith("Wrong or too late")
        await click(third, 0, "alice")
        assert (await gateway.next_sent(EDIT)).text.endswith(" is right!")
        assert (await ask(gateway, "!scores")).endswith(": 2\n")


async def test_subscriptions_survive_a_kill(gateway: LocalGateway, tmp_path: Path) -> None:
    gateway.world.add_role("Editor", users=["alice"])
    other = gateway.world.add_channel("random", gateway.world.clan())
    async with example("subscription_bot", gateway, tmp_path):
        assert await ask(gateway, "!subscribe News") == "This channel receives: news."
        await gateway.say(other, "bob", "!subscribe news")
        assert (await gateway.next_sent(SENT)).channel_id == other.id
        assert await ask(gateway, "!subscribe games") == "This channel receives: games, news."
    async with example("subscription_bot", gateway, tmp_path):
        assert "Editor" in await ask(gateway, "!announce news x", user="bob")
        await gateway.say("general", "alice", "!announce news Tết is near")
        sent = [await gateway.next_sent(SENT) for _ in range(3)]
        general = gateway.world.channel("general").id
        assert sorted((one.channel_id, one.text) for one in sent) == sorted(
            [
                (general, "[news] Tết is near"),
                (other.id, "[news] Tết is near"),
                (general, "Announced in 2 channels."),
            ]
        )
        assert await ask(gateway, "!unsubscribe news") == "This channel no longer receives news."
    async with example("subscription_bot", gateway, tmp_path):
        assert await ask(gateway, "!subscribe chess") == "This channel receives: chess, games."


async def test_memory_and_limit_survive_a_kill(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEZON_DAILY_LIMIT", "2")

    async def answer(question: str, user: str) -> str:
        await gateway.say("general", user, f"!ask {question}")
        text = (await gateway.next_sent(SENT)).text
        while "it depends." not in text and "try again" not in text:
            text = (await gateway.next_sent(EDIT)).text
        return str(text)

    async with example("ai_bot", gateway, tmp_path):
        assert (await answer("one", "alice")).startswith("You have asked 1 things.")
    async with example("ai_bot", gateway, tmp_path):
        assert (await answer("two", "alice")).startswith("You have asked 2 things. To the last one, 'two'")
        assert "too often" in await answer("three", "alice")
        assert (await answer("three", "bob")).startswith("You have asked 3 things.")
    async with example("ai_bot", gateway, tmp_path):
        assert "too often" in await answer("four", "alice")


# ---- two workers of which one is killed


@asynccontextmanager
async def workers(
    name: str, gateway: LocalGateway, nats: NatsServer, folder: Path, before: str
) -> AsyncIterator[tuple[Child, Child]]:
    """Run an example in two workers behind a relay; ``before`` makes one of them kill itself, by ``die()``."""
    flag = folder / "die"
    flag.touch()
    file = folder / "worker_bot.py"
    file.write_text(f"""
import os, sys
sys.path.insert(0, {str(EXAMPLES)!r})


def die():
    try:
        os.unlink({str(flag)!r})
    except FileNotFoundError:
        return  # the other worker has died
    os.kill(os.getpid(), 9)

{before}
from {name} import bot
""")
    environment = {**gateway.environment(), "MEZON_API_KEY": "unused"}
    async with (
        relay_process(gateway.client_options(), nats.url, store=":memory:") as relay,
        worker_process(file, nats.url, environment) as first,
        worker_process(file, nats.url, environment) as second,
    ):
        await relay.ready()
        for one in (first, second):
            await one.ready()
        yield first, second
        died = [one for one in (first, second) if one.process and one.process.returncode is not None]
        assert [one.process.returncode for one in died if one.process] == [-9]


def said(gateway: LocalGateway, ending: str) -> int:
    """How many messages of the bot in the channel end so."""
    return sum(
        one.sender_id == gateway.bot_id and json.loads(one.content).get("t", "").endswith(ending)
        for one in gateway.world.messages("general")
    )


@needs_nats
@pytest.mark.timeout(180)
async def test_a_score_survives_the_death_of_a_worker(gateway: LocalGateway, tmp_path: Path) -> None:
    # The worker dies after it has counted the point, and before it answers: the click is handled again by the other.
    before = """
from mezon.ext.components import Click
update = Click.update

async def die_or_update(self, *args, **options):
    die()
    return await update(self, *args, **options)

Click.update = die_or_update
"""
    async with nats_server() as nats, workers("quiz_bot", gateway, nats, tmp_path, before):
        await gateway.say("general", "alice", "!quiz")
        sent = await gateway.next_sent(SENT, timeout=60)
        await gateway.click(sent, buttons_of(sent.content)[RIGHT[sent.text][0]], user="alice")
        assert (await gateway.next_sent(EDIT, timeout=60)).text.endswith(" is right!")
        await gateway.say("general", "bob", "!scores")
        answer = await gateway.next_sent(match=lambda one: one.is_a(SENT) or one.is_a(EDIT), timeout=60)
        assert answer.text.endswith(": 1\n")
        assert said(gateway, ": 1\n") == 1


@needs_nats
@pytest.mark.timeout(180)
async def test_a_reminder_survives_the_death_of_a_worker(gateway: LocalGateway, tmp_path: Path) -> None:
    # The worker that runs the call dies before it sends the message.
    before = """
from mezon.ext import jobs
from mezon.structures import TextChannel
jobs.LEASE, jobs.POLL = 3.0, 1.0
send = TextChannel.send

async def die_or_send(self, *args, **options):
    die()
    return await send(self, *args, **options)

TextChannel.send = die_or_send
"""
    async with nats_server() as nats, workers("reminder_bot", gateway, nats, tmp_path, before):
        await gateway.say("general", "alice", "!remind 0.01 tea")
        texts = [(await gateway.next_sent(SENT, timeout=60)).text for _ in range(2)]
        assert texts[0].startswith("I will remind you at")
        assert texts[1].endswith(" tea")
        await gateway.say("general", "alice", "!reminders")
        assert (await gateway.next_sent(SENT, timeout=60)).text == "Nothing."
        assert said(gateway, " tea") == 1
