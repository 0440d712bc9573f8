"""The short bots of examples/, run over TCP against the local gateway."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import urllib.request
from datetime import UTC, date, datetime
from typing import Any

import pytest
import uvicorn
from example_kit import EDIT, EXAMPLES, SECRET, SENT, Load, ask, buttons_of, running, sent_id
from mezon.protobuf.api import api_pb2
from mezon.testing import LocalGateway
from patience import patient
from preloaded import PRELOADED
from small import free_port
from waiting import until

SHORT = [
    "echo_bot",
    "command_bot",
    "leave_bot",
    "poll_bot",
    "moderation_bot",
    "announcement_bot",
    "support_bot",
    "tip_bot",
    "web_bot",
    "ai_bot",
    "metrics_bot",
    "many_bots",
]


@pytest.mark.parametrize("name", SHORT)
def test_example_is_short(name: str) -> None:
    assert len((EXAMPLES / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 60


async def test_echo(gateway: LocalGateway, load: Load) -> None:
    async with running(load("echo_bot").client):
        assert await ask(gateway, "chào 👋") == "You said: chào 👋"
        assert await ask(gateway, "why?") == "Good question, alice! I only know: why?"
        assert await ask(gateway, "hi @bob", mentions=["bob"]) == "You called @bob"


async def test_commands(gateway: LocalGateway, load: Load) -> None:
    async with running(load("command_bot").bot):
        assert re.fullmatch(r"(\d \+ ){2}\d = \d+", await ask(gateway, "!roll 6 3"))
        assert "it must be at least 2" in await ask(gateway, "!dice 1")
        assert await ask(gateway, '!choose "iced coffee"') == "iced coffee"
        await gateway.say("general", "alice", "!hug @bob it's monday", mentions=["bob"])
        hug = await gateway.next_sent(SENT)
        assert hug.text.endswith(" it's monday")
        assert [one.user_id for one in hug.message.mentions] == [
            gateway.world.user(name).id for name in ("alice", "bob")
        ]
        assert await ask(gateway, "!note") == "You have no notes."
        assert await ask(gateway, "!note add buy tea") == "That makes 1."
        assert await ask(gateway, "!note") == "buy tea"
        assert "!roll [sides] [times]  Roll dice." in await ask(gateway, "!help")


async def test_forms(gateway: LocalGateway, client: str, load: Load) -> None:
    async with running(load("leave_bot").bot):
        await gateway.say("general", "alice", "!leave")
        form = await gateway.next_sent(SENT)
        inputs = [one["inputs"]["id"] for one in form.content["embed"][0]["fields"]]
        assert inputs == ["kind", "first", "days", "why"]
        wrong = {"kind": "holiday", "first": date(2026, 12, 1), "days": 99}
        await gateway.submit(sent_id(gateway), wrong, button="Ask", user="alice")
        assert "Days: it must be at most 30" in (await gateway.next_sent(SECRET)).text
        # The client still has the other values.
        await gateway.submit(sent_id(gateway), {"days": 3, "why": "Tết"}, button="Ask", user="alice")
        assert (await gateway.next_sent(EDIT)).text == "Your request is with the team."
        request = await gateway.next_sent(SENT)
        assert request.text == "@Alice asks for 3 days (holiday) from 01/12/2026. Tết"
        yes = buttons_of(request.content)["Yes"]
        await gateway.click(sent_id(gateway), "alice", yes)
        assert (await gateway.next_sent(SECRET)).text == "Not by yourself."
        await gateway.click(sent_id(gateway), "bob", yes)
        assert (await gateway.next_sent(EDIT)).text == "The request was granted."
        dm = await gateway.next_sent(SENT)
        assert (dm.text, dm.channel_id) == ("Your leave was granted.", gateway.world.dm("alice").id)


async def test_a_poll(gateway: LocalGateway, client: str, load: Load) -> None:
    async with running(load("poll_bot").bot):
        await gateway.say("general", "alice", '!poll "Lunch?" phở "bún chả"')
        poll = await gateway.next_sent(SENT)
        assert poll.text == "Lunch?\n0 phở\n0 bún chả\n"
        buttons = buttons_of(poll.content)
        for user, choice in (("alice", "phở"), ("bob", "bún chả"), ("chi", "bún chả")):
            await gateway.click(sent_id(gateway), user, buttons[choice])
            shown = await gateway.next_sent(EDIT)
        assert shown.text == "Lunch?\n1 phở\n2 bún chả\n"
        assert buttons_of(shown.content) == buttons
        await gateway.click(sent_id(gateway), "bob", buttons["Close"])
        await gateway.click(sent_id(gateway), "alice", buttons["Close"])
        closed = await gateway.next_sent(EDIT)
        assert closed.text.endswith("The poll is closed.")
        assert "components" not in closed.content


async def test_moderation(gateway: LocalGateway, client: str, load: Load) -> None:
    staff, muted = gateway.world.add_role("Moderator"), gateway.world.add_role("Muted")
    staff.user_ids.add(gateway.world.user("alice").id)
    bob = gateway.world.user("bob")
    async with running(load("moderation_bot").bot):
        assert (
            await ask(gateway, "!warn @alice x", "bob", mentions=["alice"])
            == "That needs the role Moderator."
        )
        for number in (1, 2, 3):
            said = await ask(gateway, "!warn @bob don't shout", mentions=["bob"])
            assert said.endswith(f", warning {number} of 3: don't shout")
        assert (await gateway.next_sent(SENT)).text.endswith(" is muted.")
        assert muted.user_ids == {bob.id}
        assert (await ask(gateway, "!unmute @bob", mentions=["bob"])).endswith(" may speak again.")
        assert muted.user_ids == set()
        assert (
            await ask(gateway, "!kick @bob spam", mentions=["bob"])
            == "You were removed from Playground: spam"
        )
        await until(lambda: bob.id not in gateway.world.clan().member_ids)


async def test_announcements(gateway: LocalGateway, load: Load) -> None:
    general = gateway.world.channel("general").id
    module = load("announcement_bot", MEZON_CHANNEL_ID=general, MEZON_REMINDER_SECONDS=0.02)
    async with running(module.bot):
        await module.good_morning()
        sent = await gateway.next_sent(SENT)
        assert (sent.channel_id, sent.text[:14]) == (general, "Chào buổi sáng")
        await until(lambda: module.weekend.next_time is not None)
        friday = datetime.fromtimestamp(module.weekend.next_time, UTC)
        assert (friday.isoweekday(), friday.hour) == (5, 10)
        assert await ask(gateway, "!remind 0 drink water") == "In 0 minutes: drink water"
        reminder = await gateway.next_sent(SENT)
        assert (reminder.text, reminder.channel_id) == (
            "You wanted to be reminded: drink water",
            gateway.world.dm("alice").id,
        )


async def test_a_support_desk(gateway: LocalGateway, load: Load) -> None:
    desk = gateway.world.add_channel("desk")
    async with running(load("support_bot", MEZON_CHANNEL_ID=desk.id).bot):
        await gateway.say_dm("alice", "My bot is deaf 😢")
        case = await gateway.next_sent(SENT)
        assert (case.channel_id, case.text) == (desk.id, "Alice writes:\nMy bot is deaf 😢")
        await gateway.say("general", "bob", "not for the desk")
        await gateway.click(sent_id(gateway, desk.id), "bob", buttons_of(case.content)["Answer"])
        form = await gateway.next_sent(SENT)
        values = json.dumps({"text": "Turn it on."})
        await gateway.click(
            sent_id(gateway, desk.id), "bob", buttons_of(form.content)["Send"], extra_data=values
        )
        answer = await gateway.next_sent(SENT)
        assert (answer.channel_id, answer.text) == (gateway.world.dm("alice").id, "Turn it on.")


async def test_a_tip_jar(gateway: LocalGateway, load: Load) -> None:
    alice, bob = gateway.world.user("alice"), gateway.world.user("bob")
    async with running(load("tip_bot", MEZON_OWNER_ID=alice.id).bot) as bot:
        given = api_pb2.TokenSentEvent(sender_id=bob.id, receiver_id=bot.client_id, amount=5000)
        await gateway.push(token_sent_event=given)
        thanks = await gateway.next_sent(SENT)
        assert (thanks.channel_id, thanks.text) == (gateway.world.dm("bob").id, "Thank you for 5,000₫!")
        assert (await ask(gateway, "!tips")).startswith("5,000₫ in the jar\n@")
        assert (
            await ask(gateway, "!tip @alice 10", "bob", mentions=["alice"])
            == "Only the bot's owner may do that."
        )
        paid = await ask(gateway, "!tip @bob 1000 well done", mentions=["bob"])
        assert paid.startswith("Paid: ")
        (transaction,) = gateway.transactions
        assert transaction.tx_hash == paid.removeprefix("Paid: ")


async def test_web_server(gateway: LocalGateway, load: Load) -> None:
    module, port = load("web_bot"), free_port()
    server = uvicorn.Server(
        uvicorn.Config(module.app, host="127.0.0.1", port=port, log_level="error", ws="none")
    )
    serving = asyncio.ensure_future(server.serve())

    def call(path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    await until(lambda: server.started)
    general = gateway.world.channel("general").id
    status, answer = await asyncio.to_thread(
        call, "/announce", {"channel_id": str(general), "text": "from the web"}
    )
    sent = await gateway.next_sent(SENT)
    assert (status, sent.text, answer) == (200, "from the web", {"message_id": str(sent_id(gateway))})
    assert (await asyncio.to_thread(call, "/health"))[1]["state"] == "ready"
    status, answer = await asyncio.to_thread(call, "/announce", {"channel_id": "12345", "text": "nowhere"})
    assert status == 502
    assert await ask(gateway, "!docs") == "See /docs of the web server."
    server.should_exit = True
    await serving
    assert module.bot.state == "closed"


async def test_a_streamed_answer(gateway: LocalGateway, load: Load) -> None:
    async with running(load("ai_bot").bot):
        first = await ask(gateway, "!ask what is phở?")
        assert first.endswith(" ▌")
        whole = "You have asked 1 things. To the last one, 'what is phở?', I can only say: it depends."

        async def done() -> bool:
            return (await gateway.next_sent(EDIT)).text.strip() == whole

        await until(done)
        await gateway.say("general", "alice", "!ask boom")
        broken: Any = None
        while broken is None or "broke off" not in broken.text:
            broken = await gateway.next_sent(match=lambda one: one.is_a(SENT) or one.is_a(EDIT))
        assert "Something went wrong" in (await gateway.next_sent(SENT)).text
        assert await ask(gateway, "!forget") == "Forgotten."


async def test_metrics(gateway: LocalGateway, load: Load) -> None:
    port = free_port()
    module = load("metrics_bot", METRICS_PORT=port)
    stop = module.metrics.serve(port)
    try:
        async with running(module.bot) as bot:
            assert await ask(gateway, "!work 0.01") == "Done."
            assert "frames in" in await ask(gateway, "!stats")
            url = f"http://127.0.0.1:{port}/metrics"
            page = (await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())).decode()
        assert f'mezon_seconds_count{{bot="{bot.client_id}",kind="handler",name="channel_message"}}' in page
    finally:
        stop()


async def test_many_bots_in_one_process(gateway: LocalGateway, tmp_path: Any) -> None:
    gateway.add_bot(777, "second-key", "second")
    accounts = f"{gateway.bot_id}:{gateway.api_key} 777:second-key 778:wrong-key"
    environment = {**os.environ, **gateway.environment(), "MEZON_BOTS": accounts}
    process = await asyncio.create_subprocess_exec(
        *(PRELOADED, "-u", str(EXAMPLES / "many_bots.py")),
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        lines = [(await asyncio.wait_for(process.stdout.readline(), patient(40))).decode() for _ in range(3)]
        assert [("is ready" in line) for line in lines] == [True, True, False]
        await gateway.say("general", "alice", "!who")
        answers = sorted([(await gateway.next_sent(SENT)).text for _ in range(2)])
        assert answers == sorted(f"I am bot {one}, this is answer 1." for one in (gateway.bot_id, 777))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), patient(20)) == 0
        files = {path.name for path in (tmp_path / "mezon-cache").glob("*.db")}
        assert files >= {"777.db", f"{gateway.bot_id}.db"}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
