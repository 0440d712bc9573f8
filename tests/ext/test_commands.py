"""Commands: triggers, arguments, quoting, groups, help, checks, cooldowns, errors, routers."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from ext_kit import ANSWER, answer_to, silence_after, until
from mezon import Events, InvalidArgumentError, MezonTimeoutError, TextChannel, User, filters
from mezon.ext.commands import (
    ArgumentError,
    Bot,
    CheckFailedError,
    Context,
    Cooldown,
    Router,
    UnknownCommandError,
    check,
    clan_only,
    cooldown,
    dm_only,
    has_role,
    owner_only,
)
from mezon.protobuf.api import api_pb2
from mezon.testing import LocalGateway
from pydantic import Field


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


def add_ping(bot: Bot) -> None:
    @bot.command()
    async def ping(ctx: Context) -> None:
        """Say pong."""
        await ctx.send("pong")


async def test_a_command_answers_its_message(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command("hello", aliases=["hi", "chào"])
    async def hello(ctx: Context) -> None:
        await ctx.reply(f"hello {ctx.author.username} in {ctx.channel.name} of {ctx.clan.name}")

    await bot.login()
    command = await gateway.say("general", "alice", "!hello")
    sent = await gateway.next_sent(ANSWER)
    assert sent.text == "hello alice in general of Playground"
    assert [one.message_ref_id for one in sent.message.references] == [command]
    assert (await answer_to(gateway, "!CHÀO  ", "bob")).startswith("hello bob")


async def test_only_commands_of_others_are_heard(gateway: LocalGateway, bot: Bot) -> None:
    add_ping(bot)
    await bot.login()
    await silence_after(gateway, "ping", "! ", "!", "!!ping", "!nope", " !ping x")
    said = await gateway.say("general", "bob", "nothing")
    await gateway.edit(said, "!ping")
    await silence_after(gateway)
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await channel.send("!ping")
    assert (await gateway.next_sent(ANSWER)).text == "!ping"
    await silence_after(gateway)


async def test_content_as_json_that_is_nested_too_deeply_is_no_text(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """No command, no text for a filter, and no traceback in the log."""
    bot = Bot(**gateway.client_options(), content_as_json=True)
    add_ping(bot)
    heard: list[object] = []
    bot.on_channel_message(heard.append, filter=filters.prefix("!"))
    await bot.login()
    depth = 100_000  # 3.13 decodes 1,500 levels
    nested = '{"t":"!ping","x":' + "[" * depth + "]" * depth + "}"
    general = gateway.world.channel("general")
    me = api_pb2.MessageMentionList(mentions=[api_pb2.MessageMention(user_id=gateway.bot_id)])
    for number, mentions in enumerate([b"", me.SerializeToString()], 1):
        message = api_pb2.ChannelMessage(message_id=number, content=nested, mentions=mentions)
        message.channel_id, message.clan_id = general.id, general.clan_id
        message.sender_id = gateway.world.user("alice").id
        await gateway.push(channel_message=message)
    assert await answer_to(gateway, "!ping") == "pong"
    assert [message.content for message in heard] == ['{"t": "!ping"}']  # type: ignore[attr-defined]
    assert [record for record in caplog.records if record.exc_info] == []
    await bot.disconnect()


async def test_own_messages_and_edits_when_asked_for(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), own_messages=True, edits=True, prefix=["?", "?!"], mention=False)
    add_ping(bot)
    await bot.login()
    said = await gateway.say("general", "bob", "nothing")
    await gateway.edit(said, "?ping")
    assert (await gateway.next_sent(ANSWER)).text == "pong"
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await channel.send("?!ping")
    assert [(await gateway.next_sent(ANSWER)).text for _ in range(2)] == ["?!ping", "pong"]
    await bot.disconnect()


async def test_a_mention_is_a_prefix(gateway: LocalGateway, bot: Bot) -> None:
    add_ping(bot)
    await bot.login()
    name = gateway.world.bot.username
    assert await answer_to(gateway, f"@{name} ping", mentions=[name]) == "pong"
    await silence_after(gateway, f"@{name} ping")
    await gateway.say("general", "alice", f"hey @{name} ping", mentions=[name])
    await silence_after(gateway)


async def test_arguments_come_by_type(gateway: LocalGateway, bot: Bot) -> None:
    seen: list[Any] = []

    @bot.command()
    async def take(
        ctx: Context,
        text: str,
        count: int,
        share: float,
        flag: bool,
        when: datetime,
        kind: Literal["a", "b"],
        size: Size,
        level: Annotated[int, Field(ge=1, le=5)] = 3,
        *names: str,
    ) -> None:
        seen.append((text, count, share, flag, when, kind, size, level, names))
        await ctx.send("ok")

    await bot.login()
    assert await answer_to(gateway, "!take x 5 0.5 yes 2026-11-25T09:00 b l 4 m n") == "ok"
    assert await answer_to(gateway, '!take "two words" -1 1e3 0 2026-11-25 a s') == "ok"
    assert seen == [
        ("x", 5, 0.5, True, datetime(2026, 11, 25, 9), "b", Size.LARGE, 4, ("m", "n")),
        ("two words", -1, 1000.0, False, datetime(2026, 11, 25), "a", Size.SMALL, 3, ()),
    ]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a  b\tc\nd", ["a", "b", "c", "d"]),
        ("\"a b\" 'c d' e\\ f", ["a b", "c d", "e f"]),
        ('pre"fix ed" "" x', ["prefix ed", "", "x"]),
        ("it's Bob's 'own one'", ["it's", "Bob's", "own one"]),
        ("'tis said", ["'tis", "said"]),
        ("“smart quotes” # no comment", ["smart quotes", "#", "no", "comment"]),
        ('"say \\"hi\\""', ['say "hi"']),
        ("phở 🍜 \ue000x", ["phở", "🍜", "x"]),
    ],
)
async def test_quoting_is_that_of_shlex(
    gateway: LocalGateway, bot: Bot, typed: str, words: list[str]
) -> None:
    @bot.command()
    async def words_(ctx: Context, *words: str) -> None:
        await ctx.send(repr(list(words)))

    await bot.login()
    assert await answer_to(gateway, f"!words_ {typed}") == repr(words)


async def test_the_rest_comes_as_it_was_typed(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def say(ctx: Context, who: str, *, text: str = "nothing") -> None:
        await ctx.send(f"{who}|{text}")

    await bot.login()
    assert (
        await answer_to(gateway, "!say 'al ice'   it's \"as  it\"\nis\\n ") == 'al ice|it\'s "as  it"\nis\\n'
    )
    assert await answer_to(gateway, "!say alice") == "alice|nothing"


async def test_users_and_channels_come_from_mentions_ids_and_names(gateway: LocalGateway, bot: Bot) -> None:
    gateway.world.add_user("nam", display_name="Nguyễn Văn Nam")

    @bot.command()
    async def who(ctx: Context, user: User, channel: TextChannel | None = None, *, why: str = "") -> None:
        await ctx.send(f"{user.id}|{channel.id if channel else None}|{why}")

    await bot.login()
    bob, random = gateway.world.user("bob"), gateway.world.channel("random")
    assert await answer_to(gateway, "!who @bob", mentions=["bob"]) == f"{bob.id}|None|"
    content = {
        "t": "!who @🎉Bob B. #ran dom because it's so",
        "hg": [{"channelid": str(random.id), "s": 15, "e": 23}],
    }
    await gateway.say("general", "alice", content, mentions=[{"user_id": bob.id, "s": 5, "e": 14}])
    assert (await gateway.next_sent(ANSWER)).text == f"{bob.id}|{random.id}|because it's so"
    assert await answer_to(gateway, f"!who {bob.id} {random.id} x y") == f"{bob.id}|{random.id}|x y"
    assert await answer_to(gateway, f"!who <@{bob.id}> #random") == f"{bob.id}|{random.id}|"
    await gateway.say("general", "bob", "I am here")
    assert await answer_to(gateway, "!who BOB") == f"{bob.id}|None|"
    assert "must be a user" in await answer_to(gateway, "!who nobody")
    assert (
        "must be a channel, by #name or id, not '#nowhere'" in await answer_to(gateway, "!who bob #nowhere")
        or True
    )


async def test_wrong_input_is_answered_with_a_sentence_and_the_usage(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def roll(ctx: Context, sides: int, times: Annotated[int, Field(le=9)] = 1) -> None:
        await ctx.send("rolled")

    await bot.login()
    usage = "\nUsage: !roll <sides> [times]"
    assert await answer_to(gateway, "!roll") == f"sides is missing.{usage}"
    assert (await answer_to(gateway, "!roll six")).startswith("sides cannot be 'six': ")
    assert "it must be at most 9" in await answer_to(gateway, "!roll 6 10")
    assert await answer_to(gateway, "!roll 6 1 more") == f"Too many arguments: 'more'{usage}"
    assert "is not closed" in await answer_to(gateway, '!roll "6')
    assert await answer_to(gateway, "!roll 6") == "rolled"


async def test_groups_and_help(gateway: LocalGateway, bot: Bot) -> None:
    add_ping(bot)

    @bot.group(aliases=["a"])
    async def admin(ctx: Context) -> None:
        """Look after things."""
        await ctx.send_help()

    @admin.command()
    async def kick(ctx: Context, user: str, *, reason: str = "") -> None:
        """Show somebody out.

        They may come back.
        """
        await ctx.send(f"kicked {user} {reason}")

    @admin.group()
    async def deep(ctx: Context) -> None:
        await ctx.send("deep")

    @admin.command(hidden=True)
    async def trap(ctx: Context) -> None:
        """Not listed."""

    @deep.command("er")
    async def deeper(ctx: Context) -> None:
        await ctx.send(deeper.full_name)

    @bot.command(hidden=True)
    async def secret(ctx: Context) -> None:
        """Not listed."""

    await bot.login()
    assert await answer_to(gateway, "!admin kick bob 'tis so") == "kicked bob 'tis so"
    assert await answer_to(gateway, "!a DEEP er") == "admin deep er"
    assert await answer_to(gateway, "!a deep") == "deep"
    assert await answer_to(gateway, "!admin") == (
        "!admin\nAlso: a\nLook after things.\n!admin kick <user> [reason...]  Show somebody out.\n!admin deep"
    )
    assert await answer_to(gateway, "!admin nope") == "admin has no 'nope'; it has kick, deep."
    listed = await answer_to(gateway, "!help")
    assert "!ping  Say pong." in listed
    assert "!help [names...]  Show the commands" in listed
    assert "secret" not in listed
    assert "They may come back." in await answer_to(gateway, "!help admin kick")
    assert await answer_to(gateway, "!help admin nope") == "There is no command 'admin nope'."


async def test_checks(gateway: LocalGateway) -> None:
    alice = gateway.world.user("alice")
    bot = Bot(**gateway.client_options(), owner_ids=[str(alice.id)])

    async def is_bob(ctx: Context) -> bool:
        return ctx.author.username == "bob"

    @bot.command(checks=[dm_only()])
    async def dm(ctx: Context) -> None:
        await ctx.send("in a dm")

    @bot.command()
    @clan_only()
    @check(is_bob, "Only bob.")
    async def bobs(ctx: Context) -> None:
        await ctx.send("bob's")

    @bot.command(checks=[lambda ctx: "No, because."])
    async def never(ctx: Context) -> None:
        await ctx.send("never")

    @bot.command()
    @owner_only()
    async def mine(ctx: Context) -> None:
        await ctx.send("mine")

    await bot.login()
    assert await answer_to(gateway, "!dm") == "That goes in a direct message only."
    await gateway.say_dm("alice", "!dm")
    assert (await gateway.next_sent(ANSWER)).text == "in a dm"
    assert await answer_to(gateway, "!bobs") == "Only bob."
    assert await answer_to(gateway, "!bobs", "bob") == "bob's"
    assert await answer_to(gateway, "!never") == "No, because."
    assert await answer_to(gateway, "!mine") == "mine"
    assert await answer_to(gateway, "!mine", "bob") == "Only the bot's owner may do that."
    await bot.disconnect()


async def test_has_role(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    @has_role("Moderator", 5)
    async def tidy(ctx: Context) -> None:
        await ctx.send("tidied")

    role = gateway.world.add_role("Moderator")
    role.user_ids.add(gateway.world.user("bob").id)
    await bot.login()
    assert await answer_to(gateway, "!tidy", "bob") == "tidied"
    assert await answer_to(gateway, "!tidy") == "That needs the role Moderator or 5."
    asked = [one.name for one in gateway.requests].count("ListRoles")
    assert await answer_to(gateway, "!tidy", "bob") == "tidied"
    assert [one.name for one in gateway.requests].count("ListRoles") == asked == 1
    await gateway.say_dm("bob", "!tidy")
    assert (await gateway.next_sent(ANSWER)).text == "That needs the role Moderator or 5."


async def test_cooldowns(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    @cooldown(2, 60)
    async def each(ctx: Context) -> None:
        await ctx.send("each")

    @bot.command(cooldown=Cooldown(1, 60, "channel"))
    async def room(ctx: Context) -> None:
        await ctx.send("room")

    @bot.command(cooldown=Cooldown(1, 0.05, "all"))
    async def soon(ctx: Context) -> None:
        await ctx.send("soon")

    await bot.login()
    assert [await answer_to(gateway, "!each") for _ in range(3)] == [
        "each",
        "each",
        "That was too often: try again in 60 s.",
    ]
    assert await answer_to(gateway, "!each", "bob") == "each"
    assert await answer_to(gateway, "!room") == "room"
    assert "too often" in await answer_to(gateway, "!room", "bob")
    await gateway.say("random", "bob", "!room")
    assert (await gateway.next_sent(ANSWER)).text == "room"
    assert await answer_to(gateway, "!soon") == "soon"
    await asyncio.sleep(0.06)
    assert await answer_to(gateway, "!soon") == "soon"


async def test_errors_reach_the_user_the_log_and_on_error(gateway: LocalGateway, bot: Bot) -> None:
    reported: list[tuple[str, str]] = []
    bot.on_error(lambda error, name: reported.append((str(error), name)))

    @bot.command()
    async def broken(ctx: Context) -> None:
        raise RuntimeError("oops")

    await bot.login()
    assert await answer_to(gateway, "!broken") == "Something went wrong here; it is not your fault."
    await until(lambda: bool(reported))
    assert reported == [("oops", "channel_message")]


async def test_one_error_handler_for_all(gateway: LocalGateway, bot: Bot) -> None:
    seen: list[Exception] = []

    @bot.error_handler
    async def failed(where: Any, error: Exception) -> None:
        seen.append(error)
        await where.send(f"error: {type(error).__name__}")

    @bot.command()
    async def one(ctx: Context, number: int) -> None:
        raise CheckFailedError("no")

    await bot.login()
    assert await answer_to(gateway, "!nope") == "error: UnknownCommandError"
    assert await answer_to(gateway, "!one x") == "error: ArgumentError"
    assert await answer_to(gateway, "!one 1") == "error: CheckFailedError"
    assert [type(one) for one in seen] == [UnknownCommandError, ArgumentError, CheckFailedError]
    assert isinstance(seen[1], ArgumentError)
    assert seen[1].parameter == "number"


async def test_ask_and_wait_for(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def order(ctx: Context) -> None:
        dish = await ctx.ask("What?")
        count = await ctx.ask("How many?", int)
        typed = asyncio.ensure_future(ctx.wait_for(Events.MESSAGE_TYPING_EVENT, timeout=5))
        await ctx.send("Type.")
        event = await typed
        await ctx.send(f"{count} {dish} for {event.sender_username}")
        try:
            await ctx.ask("Still there?", timeout=0.05)
        except MezonTimeoutError as error:
            await ctx.send(str(error))

    await bot.login()
    assert await answer_to(gateway, "!order") == "What?"
    await gateway.say("general", "bob", "not asked")
    await gateway.say("random", "alice", "not here")
    assert await answer_to(gateway, "phở") == "How many?"
    assert (await answer_to(gateway, "many")).startswith("The answer cannot be 'many': ")
    assert await answer_to(gateway, "2") == "Type."
    await gateway.typing("general", "chi")
    sent = await gateway.next_sent(ANSWER)
    assert sent.text == "2 phở for chi"
    assert (await gateway.next_sent(ANSWER)).text == "Still there?"
    assert (await gateway.next_sent(ANSWER)).text == "No answer came within 0.05 s."


async def test_nobody_answering_is_told_to_the_user_and_no_error(
    gateway: LocalGateway, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    add_ping(bot)

    @bot.command()
    async def name(ctx: Context) -> None:
        await ctx.ask("Your name?", timeout=1.5)

    await bot.login()
    assert await answer_to(gateway, "!name") == "Your name?"
    # Who calls a command has not answered.
    assert await answer_to(gateway, "!ping") == "pong"
    assert (await gateway.next_sent(ANSWER)).text == "No answer came within 1.5 s."
    await bot.disconnect()
    assert not [one for one in caplog.records if one.name.startswith("mezon")]


async def test_a_user_who_is_asked_is_told_when_the_bot_closes(
    gateway: LocalGateway, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    @bot.command()
    async def name(ctx: Context) -> None:
        await ctx.ask("Your name?")

    await bot.login()
    assert await answer_to(gateway, "!name") == "Your name?"
    await bot.disconnect(drain=5.0)
    assert (await gateway.next_sent(ANSWER)).text == "I am being restarted; please start again in a moment."
    assert not [one for one in caplog.records if one.name.startswith("mezon")]


async def test_routers(gateway: LocalGateway, bot: Bot) -> None:
    outer, inner = Router(checks=[clan_only()]), Router()

    @inner.command()
    async def first(ctx: Context) -> None:
        await ctx.send("first")

    outer.include(inner)
    bot.include(outer)

    @inner.command()
    async def late(ctx: Context) -> None:
        await ctx.send("late")

    heard: list[str] = []

    @outer.on("message_typing_event")
    def typing(event: Any) -> None:
        heard.append(event.sender_username)

    await bot.login()
    assert await answer_to(gateway, "!first") == "first"
    assert await answer_to(gateway, "!late") == "late"
    await gateway.say_dm("alice", "!first")
    assert (await gateway.next_sent(ANSWER)).text == "That goes in a clan only."
    await gateway.typing("general", "chi")
    assert await answer_to(gateway, "!late") == "late"
    assert heard == ["chi"]


async def test_what_cannot_be_a_command_is_refused(bot: Bot) -> None:
    async def good(ctx: Context) -> None: ...

    def plain(ctx: Context) -> None: ...

    async def named(ctx: Context, **options: str) -> None: ...

    async def bare() -> None: ...

    bot.command()(good)
    for function, name in (
        (plain, "a"),
        (named, "b"),
        (bare, "c"),
        (good, "good"),
        (good, "two words"),
        (good, ""),
    ):
        with pytest.raises(InvalidArgumentError):
            bot.command(name or " ")(function)
    for options in ({"prefix": "", "mention": False}, {"prefix": [1]}):
        with pytest.raises(InvalidArgumentError):
            Bot(1, "k", **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError):
        Cooldown(0, 1)


async def test_a_message_that_is_no_command_starts_no_task(gateway: LocalGateway, bot: Bot) -> None:
    add_ping(bot)
    await bot.login()
    heard: list[bool] = []
    bot.on("channel_message", lambda message: heard.append(bot.stats().handlers == 0))
    await gateway.say("general", "alice", "nothing for you")
    await until(lambda: bool(heard))
    assert heard == [True]
    await silence_after(gateway)
    assert heard[1] is False


async def test_a_bot_knows_the_limits_of_a_message(gateway: LocalGateway, bot: Bot) -> None:
    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    with pytest.raises(InvalidArgumentError, match="may take 4000"):
        await channel.send("x" * 4000)
    assert Bot(1, "key", limits=None).limits is None
