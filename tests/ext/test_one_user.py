"""What a single user can do to a bot and to others: lookups, questions, clicks that fail, forged forms, groups."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date
from typing import Any

import pytest
from ext_kit import ANSWER, answer_to, last_message, until
from mezon import InvalidArgumentError, MezonError, TextChannel, User, parse_extra_data
from mezon.ext.commands import (
    Bot,
    Context,
    check,
    clan_only,
    cooldown,
    dm_only,
    group_only,
)
from mezon.ext.components import Button, Click, Form, FormError
from mezon.testing import LocalGateway

SECRET = "ephemeral_message_send"
LOOKUP = "CreateChannelDesc"
CHANNEL = "ListChannelDetail"


def asked(gateway: LocalGateway, name: str = LOOKUP) -> int:
    return [one.name for one in gateway.requests].count(name)


def strangers(gateway: LocalGateway, count: int) -> list[int]:
    """Users of the world whom the bot has not met."""
    return [gateway.world.add_user(f"stranger{number}").id for number in range(count)]


# ---- lookups


async def test_a_cooldown_comes_before_the_lookup_of_arguments(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    @cooldown(1, 60)
    async def who(ctx: Context, user: User) -> None:
        await ctx.send(f"{user.id}")

    ids = strangers(gateway, 8)
    await bot.login()
    for number in ids:
        await gateway.say("general", "alice", f"!who {number}")
    answers = [(await gateway.next_sent(ANSWER)).text for _ in ids]
    assert answers.count(str(ids[0])) == 1
    assert sum(bool(re.fullmatch(r"That was too often: try again in \d+ s\.", one)) for one in answers) == 7
    assert asked(gateway) == 1


async def test_a_check_comes_before_the_lookup_of_arguments(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command(checks=[check(lambda ctx: "No.")])
    async def who(ctx: Context, user: User, channel: TextChannel) -> None:
        await ctx.send("found")

    (number,) = strangers(gateway, 1)
    await bot.login()
    assert await answer_to(gateway, f"!who {number} #nowhere") == "No."
    # With the first message of a clan, the client lists its channels in the background.
    clan = gateway.world.clan().id
    await until(
        lambda: any(
            one.name == "ListChannelDescs" and one.message.clan_id == clan and one.status
            for one in gateway.requests
        )
    )
    before = len(gateway.requests)
    assert await answer_to(gateway, f"!who {number} #nowhere") == "No."
    assert len(gateway.requests) == before


async def test_a_mistake_that_needs_no_lookup_is_no_use_and_no_lookup(
    gateway: LocalGateway, bot: Bot
) -> None:
    @bot.command()
    @cooldown(1, 60)
    async def give(ctx: Context, user: User, count: int) -> None:
        await ctx.send(f"{count} for {user.id}")

    (number,) = strangers(gateway, 1)
    await bot.login()
    assert (await answer_to(gateway, f"!give {number} many")).startswith("count cannot be 'many'")
    assert asked(gateway) == 0
    assert await answer_to(gateway, f"!give {number} 3") == f"3 for {number}"


async def test_the_lookups_of_a_user_are_bounded(gateway: LocalGateway, clock: Any) -> None:
    bot = Bot(**gateway.client_options(), lookups_per_minute=3)

    @bot.command()
    async def who(ctx: Context, user: User) -> None:
        await ctx.send(f"{user.id}")

    ids = strangers(gateway, 6)
    await bot.login()
    for number in ids[:3]:
        assert await answer_to(gateway, f"!who {number}") == str(number)
    assert await answer_to(gateway, f"!who {ids[3]}") == "That was too often: try again in 60 s."
    assert asked(gateway) == 3
    # Whom the client knows costs nothing; others have lookups of their own; a minute later there are new ones.
    assert await answer_to(gateway, f"!who {ids[0]}") == str(ids[0])
    assert await answer_to(gateway, f"!who {ids[4]}", "bob") == str(ids[4])
    await clock.advance(seconds=61)
    assert await answer_to(gateway, f"!who {ids[3]}") == str(ids[3])
    await bot.disconnect()


async def test_a_user_whose_lookups_hang_makes_nobody_else_wait(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def who(ctx: Context, user: User) -> None:
        await ctx.send(f"{user.id}")

    ids = strangers(gateway, 6)
    await bot.login()
    gateway.http_delay(LOOKUP, 600, times=1)
    for number in ids[:5]:
        await gateway.say("general", "alice", f"!who {number}")
    await until(lambda: asked(gateway) == 1)
    assert await answer_to(gateway, f"!who {ids[5]}", "bob") == str(ids[5])
    # Of the five of alice one is asked for; the next come after it.
    assert asked(gateway) == 2


async def test_channels_are_listed_once_and_that_counts_once(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), lookups_per_minute=1)

    @bot.command()
    async def where(ctx: Context, channel: TextChannel) -> None:
        await ctx.send(f"{channel.id}")

    await bot.login()
    number = gateway.world.channel("random").id
    for _ in range(3):
        assert await answer_to(gateway, "!where #random") == str(number)
    assert "must be a channel" in await answer_to(gateway, "!where #nowhere")
    await bot.disconnect()


async def test_clicks_in_channels_that_do_not_exist_are_bounded_too(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), lookups_per_minute=2)
    failures: list[str] = []

    @bot.error_handler
    async def failed(where: Any, error: Exception) -> None:
        failures.append(type(error).__name__)

    @bot.button("go/{number}")
    async def go(click: Click, number: str) -> None: ...

    await bot.login()
    for number in range(6):
        click = {"message_id": 1, "channel_id": 4_000 + number, "button_id": f"go/{number}", "user_id": 7}
        await gateway.push(message_button_clicked=click)
    await until(lambda: len(failures) == 6)
    assert failures.count("CooldownError") == 4
    assert asked(gateway, CHANNEL) == 2
    await bot.disconnect()


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, None])
def test_the_bound_of_lookups_is_a_number(limit: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="lookups_per_minute must be an int >= 1"):
        Bot(1, "key", lookups_per_minute=limit)


async def test_an_id_of_thousands_of_digits_is_no_id(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def who(ctx: Context, user: User, channel: TextChannel | None = None) -> None:
        await ctx.send("found")

    await bot.login()
    digits = "1" * 5000
    assert "must be a user, mentioned or by id" in await answer_to(gateway, f"!who {digits}")
    await gateway.say("general", "alice", {"t": "!who #x", "hg": [{"channelid": digits, "s": 5, "e": 7}]})
    assert "must be a user" in (await gateway.next_sent(ANSWER)).text


# ---- questions


async def test_an_answer_is_for_the_newest_question_alone(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def order(ctx: Context, name: str) -> None:
        answer = await ctx.ask(f"{name}?", timeout=30)
        await ctx.send(f"{name}: {answer}")

    await bot.login()
    assert await answer_to(gateway, "!order first") == "first?"
    assert await answer_to(gateway, "!order second") == "second?"
    # Another user, and another channel, have questions of their own.
    assert await answer_to(gateway, "!order his", "bob") == "his?"
    assert await answer_to(gateway, "yes") == "second: yes"
    assert await answer_to(gateway, "no") == "first: no"
    assert await answer_to(gateway, "maybe", "bob") == "his: maybe"
    await gateway.expect_nothing()


async def test_two_answers_in_a_row_are_for_two_questions(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def order(ctx: Context, name: str) -> None:
        answer = await ctx.ask(f"{name}?", int, timeout=30)
        await ctx.send(f"{name}: {answer}")

    await bot.login()
    await answer_to(gateway, "!order first")
    await answer_to(gateway, "!order second")
    # A wrong answer leaves the question open; both right ones are on their way before a task has run.
    assert "The answer cannot be 'x'" in await answer_to(gateway, "x")
    channel, alice = gateway.world.channel("general"), gateway.world.user("alice")
    await asyncio.gather(*(gateway.say(channel, alice, text) for text in ("2", "1")))
    answers = {(await gateway.next_sent(ANSWER)).text for _ in range(2)}
    assert answers == {"second: 2", "first: 1"}


async def test_a_question_that_is_over_leaves_the_one_before_it(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def order(ctx: Context, name: str, seconds: float) -> None:
        answer = await ctx.ask(f"{name}?", timeout=seconds)
        await ctx.send(f"{name}: {answer}")

    await bot.login()
    assert await answer_to(gateway, "!order first 30") == "first?"
    assert await answer_to(gateway, "!order second 0.05") == "second?"
    await gateway.expect("No answer came within 0.05 s.")
    assert await answer_to(gateway, "yes") == "first: yes"


# ---- clicks that fail


@pytest.mark.parametrize("kind", ["button", "form", "callback", "select"])
async def test_a_fetch_that_fails_in_a_click_reaches_the_error_handler_and_a_retry_works(
    gateway: LocalGateway, bot: Bot, kind: str
) -> None:
    failures: list[tuple[Any, Exception]] = []

    @bot.error_handler
    async def failed(where: Any, error: Exception) -> None:
        failures.append((where, error))

    async def go(click: Click, form: Trip | None = None) -> None:
        await click.whisper("done")

    bot.button("go")(go)
    bot.select("size")(go)
    bot.form(Trip)(go)

    # Said before the bot is there: it knows the channel by the click alone.
    message = await gateway.say("general", gateway.world.bot, "x")
    await bot.login()
    body = bot.body("x", [Button("x", callback=go)])
    made: str = body.content["components"][0]["components"][0]["id"]  # type: ignore[union-attr]
    button = {"button": "go", "form": Trip.submit_id(), "callback": made}.get(kind)

    async def use() -> None:
        if button is None:
            await gateway.select(message, "alice", "size", "l")
        else:
            await gateway.click(message, "alice", button)

    gateway.http_status(CHANNEL, 400, times=1)
    await use()
    await until(lambda: bool(failures))
    where, _ = failures[0]
    assert isinstance(where, Click)
    assert where.user_id == gateway.world.user("alice").id
    assert not where.has_channel
    before = len(gateway.requests)
    for answer in (where.send, where.whisper, where.reply, where.update):
        with pytest.raises(MezonError, match="the channel of this click could not be fetched"):
            await answer("x")
    assert len(gateway.requests) == before
    await use()
    await gateway.expect("done", kind="ephemeral")
    assert len(failures) == 1


async def test_a_click_whose_handler_failed_may_be_repeated_and_a_double_click_not(
    gateway: LocalGateway, bot: Bot
) -> None:
    ran: list[int] = []
    go_on = asyncio.Event()

    @bot.button("go")
    async def go(click: Click) -> None:
        ran.append(click.user_id)
        await go_on.wait()
        if len(ran) == 1:
            raise RuntimeError("oops")
        await click.whisper("done")

    await bot.login()
    message = await gateway.say("general", gateway.world.bot, "x")
    await gateway.click(message, "alice", "go")
    await gateway.click(message, "alice", "go")
    await answer_after_events(gateway, bot)
    assert len(ran) == 1
    go_on.set()
    await gateway.expect("Something went wrong here; it is not your fault.", kind="ephemeral")
    await gateway.click(message, "alice", "go")
    await gateway.expect("done", kind="ephemeral")
    assert len(ran) == 2


async def answer_after_events(gateway: LocalGateway, bot: Bot) -> None:
    """Events come in order: when this one is there, those before it are."""
    waiting = asyncio.ensure_future(bot.wait_for("message_typing_event", timeout=20))
    await asyncio.sleep(0)
    await gateway.typing("general", "alice")
    await waiting


async def test_a_click_nobody_can_be_told_of_is_logged_once(
    gateway: LocalGateway, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    reported: list[Exception] = []
    bot.on_error(lambda error, name: reported.append(error))

    @bot.button("go")
    async def go(click: Click) -> None: ...

    message = await gateway.say("general", gateway.world.bot, "x")
    await bot.login()
    gateway.http_status(CHANNEL, 400, times=1)
    await gateway.click(message, "alice", "go")
    await until(lambda: bool(reported))
    assert [one.levelname for one in caplog.records if one.name.startswith("mezon")] == ["ERROR"]


# ---- forged forms


class Trip(Form):
    note: str = ""
    day: date | None = None


def nested(depth: int) -> str:
    return '{"note": ' + "[" * depth + "]" * depth + "}"


FORGED = [
    *(pytest.param(nested(depth), id=f"{depth} deep") for depth in (2, 50, 900, 980, 1500, 100_000)),
    pytest.param('{"note": {"a": 1}}', id="an object"),
    pytest.param('{"note": ' + "1" * 5000 + "}", id="a number of 5,000 digits"),
    pytest.param(json.dumps({"day": "1/" * 2 + "1" * 5000}), id="a year of 5,000 digits"),
    pytest.param(json.dumps({"day": "1" * 5000}), id="a day of 5,000 digits"),
    pytest.param("[]", id="a list"),
    pytest.param("{", id="no JSON"),
]


@pytest.mark.parametrize("extra_data", FORGED)
async def test_a_forged_form_is_answered_as_a_wrong_form(
    gateway: LocalGateway, bot: Bot, extra_data: str
) -> None:
    errors: list[Exception] = []
    handled: list[Trip] = []

    @bot.error_handler
    async def failed(where: Any, error: Exception) -> None:
        errors.append(error)

    @bot.form(Trip)
    async def trip(click: Click, form: Trip) -> None:
        handled.append(form)

    @bot.command()
    async def plan(ctx: Context) -> None:
        form = await ctx.send_form(Trip, title="Plan")
        await ctx.send(f"planned {form.note}")

    await bot.login()
    message = await gateway.say("general", gateway.world.bot, "x")
    await gateway.click(message, "alice", Trip.submit_id(), extra_data=extra_data)
    await until(lambda: bool(errors))
    assert isinstance(errors[0], FormError)
    assert handled == []

    # The same where a command waits for the form: the user is told and may send it again.
    sent = await gateway.command("alice", "!plan")
    button = sent.content["components"][0]["components"][0]["id"]
    await gateway.click(last_message(gateway), "alice", button, extra_data=extra_data)
    assert (await gateway.next_sent(SECRET)).text == str(errors[0])
    await gateway.click(last_message(gateway), "alice", button, extra_data='{"note": "home"}')
    await gateway.expect("planned home")


@pytest.mark.parametrize("extra_data", ["", "{}", '{"note": null}'])
async def test_a_form_nobody_touched_is_no_wrong_form(
    gateway: LocalGateway, bot: Bot, extra_data: str
) -> None:
    @bot.form(Trip)
    async def trip(click: Click, form: Trip) -> None:
        await click.whisper(repr(form))

    await bot.login()
    message = await gateway.say("general", gateway.world.bot, "x")
    await gateway.click(message, "alice", Trip.submit_id(), extra_data=extra_data)
    await gateway.expect("Trip(note='', day=None)", kind="ephemeral")


@pytest.mark.parametrize("depth", [980, 1500, 100_000])
def test_values_nested_too_deep_to_be_read_are_no_values(depth: int) -> None:
    assert set(parse_extra_data(nested(depth))) <= {"note"}
    with pytest.raises(InvalidArgumentError):
        parse_extra_data(nested(depth), strict=True)


# ---- groups


@pytest.mark.parametrize("kind", ["command", "click"])
async def test_the_layer_knows_a_dm_from_a_group(gateway: LocalGateway, bot: Bot, kind: str) -> None:
    @bot.button("show")
    async def show(click: Click) -> None:
        await click.whisper(f"dm={click.is_dm} group={click.is_group}")

    @bot.command()
    async def shown(ctx: Context) -> None:
        await ctx.whisper(f"dm={ctx.is_dm} group={ctx.is_group}")

    world = gateway.world
    channels = [world.dm("alice"), world.dm("alice", "bob"), world.channel("general")]
    # Said before the bot is there: a click leads to a channel it has not heard of.
    messages = [await gateway.say(channel, world.bot, "x") for channel in channels]
    await bot.login()
    answers = []
    for channel, message in zip(channels, messages, strict=True):
        if kind == "command":
            await gateway.say(channel, "alice", "!shown")
        else:
            await gateway.click(message, "alice", "show")
        answers.append((await gateway.next_sent(SECRET)).text)
    assert answers == ["dm=True group=False", "dm=False group=True", "dm=False group=False"]


async def test_dm_only_is_no_group_and_group_only_no_dm(gateway: LocalGateway, bot: Bot) -> None:
    for name, guard in (("dm", dm_only()), ("group", group_only()), ("clan", clan_only())):

        @bot.command(name, checks=[guard])
        async def secret(ctx: Context) -> None:
            await ctx.send("yes")

    await bot.login()
    world = gateway.world
    places = {"dm": world.dm("alice"), "group": world.dm("alice", "bob"), "clan": world.channel("general")}
    refusals = {
        "dm": "That goes in a direct message only.",
        "group": "That goes in a group chat only.",
        "clan": "That goes in a clan only.",
    }
    for where, channel in places.items():
        for name, refusal in refusals.items():
            await gateway.say(channel, "alice", f"!{name}")
            expected = "yes" if name == where else refusal
            assert (await gateway.next_sent(ANSWER)).text == expected
