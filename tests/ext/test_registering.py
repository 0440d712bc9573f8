"""What is registered wrongly is refused at once; what guards a command guards buttons and forms as well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from ext_kit import answer_to, until
from mezon import ConnectionLostError, InvalidArgumentError, MezonTimeoutError, User
from mezon.ext.commands import (
    Bot,
    Check,
    Context,
    Router,
    check,
    clan_only,
    cooldown,
    dm_only,
    has_role,
    owner_only,
)
from mezon.ext.components import Button, Click, Form, FormError
from mezon.testing import LocalGateway
from pydantic import AfterValidator, Field


class Lunch(Form):
    dish: str


async def nothing() -> None: ...


def plain(click: Click) -> None: ...


async def of_one(click: Click) -> None: ...


async def of_two(click: Click, other: Any) -> None: ...


async def of_bot(bot: Bot, other: Any) -> None: ...


@pytest.mark.parametrize(
    ("register", "sentence"),
    [
        (lambda bot: bot.command(of_one), r"write @bot\.command\(\) or @bot\.command\(\"name\"\)"),
        (lambda bot: bot.group(of_one), r"write @bot\.group\(\)"),
        (lambda bot: bot.button(of_one), r"write @bot\.button\(\"vote/\{choice\}\"\), with parentheses"),
        (lambda bot: bot.select(of_one), r"write @bot\.select\("),
        (lambda bot: bot.cron(nothing), r"write @bot\.cron\("),
        (lambda bot: bot.form(of_two), r"write @bot\.form\(Lunch\)"),
        (lambda bot: bot.button("ok")(plain), r"must be a coroutine function: async def plain\(click\)"),
        (
            lambda bot: bot.button("vote/{choice}")(of_one),
            r"async def of_one\(click, choice\); of_one\(click",
        ),
        (lambda bot: bot.form(Lunch)(of_one), r"the form Lunch is called with click and form"),
        (lambda bot: bot.form(Lunch)(plain), r"must be a coroutine function: async def plain\(click, form\)"),
        (
            lambda bot: bot.every(seconds=5)(of_bot),
            r"takes no parameters, or the bot: async def of_bot\(bot\)",
        ),
        (lambda bot: bot.every(minutes="5"), r"takes numbers, not '5'"),
        (lambda bot: bot.error_handler(of_one), r"is called with where and error"),
        (lambda bot: bot.error_handler(plain), r"the error handler must be a coroutine function"),
        (lambda bot: bot.command("!poll")(of_one), r"named without the prefix: 'poll', not '!poll'"),
        (lambda bot: bot.command("poll", checks=[owner_only])(of_one), r"owner_only: .* with parentheses"),
        (lambda bot: bot.command("poll", checks=[None])(of_one), r"not None"),
        (lambda bot: bot.command("poll", cooldown=5)(of_one), r"cooldown\(1, 60\), not 5"),
        (lambda bot: has_role(of_one), r"has_role takes the titles or ids"),
        (lambda bot: owner_only()(bot.every(seconds=5)(nothing)), r"a task has no user"),
        (lambda bot: bot.every(seconds=5)(cooldown(1, 5)(lone())), r"a task has no user"),
        (lambda bot: bot.command("x")(bot.command("y")(of_one)), r"y is a command already: use aliases"),
        (lambda bot: bot.include(Bot), r"include\(\) takes a Router"),
    ],
)
def test_mistakes_at_registration_are_explained(
    bot: Bot, register: Callable[[Bot], object], sentence: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=sentence):
        register(bot)


def lone() -> Any:
    async def task() -> None: ...

    return task


def test_lists_are_refused_where_a_word_is_taken(bot: Bot) -> None:
    with pytest.raises(InvalidArgumentError, match=r"write \*sizes: int for all words that are left"):

        @bot.command()
        async def first(ctx: Context, sizes: list[int]) -> None: ...

    class Bag(Form):
        things: dict[str, int]

    with pytest.raises(InvalidArgumentError, match="the field things is a dict"):
        bot.form(Bag)(of_two)


def test_what_is_given_alone_is_taken_as_one(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), owner_ids="123")
    assert bot.owner_ids == {123}

    @bot.command(aliases="vote", checks=clan_only())
    async def poll(ctx: Context) -> None: ...

    assert poll.names == ("poll", "vote")


async def test_numbers_that_are_listed_are_read(gateway: LocalGateway, bot: Bot) -> None:
    class Table(Form):
        seats: Literal[2, 4]
        extras: list[Literal[1, 2]] = Field(default_factory=list)

    assert Table.parse({"seats": "4", "extras": "1,2"}) == Table(seats=4, extras=[1, 2])

    @bot.command()
    async def seats(ctx: Context, count: Literal[2, 4], more: Literal[1] | None = None) -> None:
        await ctx.send(repr((count, more)))

    @bot.command()
    async def bare(ctx: Context, *, who: User) -> None:
        await ctx.send("not said")

    await bot.login()
    assert await answer_to(gateway, "!seats 4") == "(4, None)"
    assert await answer_to(gateway, "!seats 2 1") == "(2, 1)"
    assert (await answer_to(gateway, "!seats 3")).startswith("count cannot be '3': it must be one of 2, 4")
    assert "Too many arguments" in await answer_to(gateway, "!bare @bob too", mentions=["bob"])


def even(number: int) -> int:
    if number % 2:
        raise ValueError("We only sell pairs, sorry")
    return number


async def test_validators_of_ones_own_speak_to_users(gateway: LocalGateway, bot: Bot) -> None:
    class Shoes(Form):
        count: Annotated[int, AfterValidator(even)]

    with pytest.raises(FormError, match=r"^Count: We only sell pairs, sorry$"):
        Shoes.parse({"count": "3"})

    @bot.command()
    async def shoes(ctx: Context, count: Annotated[int, AfterValidator(even)]) -> None: ...

    await bot.login()
    answer = await answer_to(gateway, "!shoes 3")
    assert answer == "count cannot be '3': we only sell pairs, sorry.\nUsage: !shoes <count>"


async def test_a_check_above_the_decorator_counts_too(gateway: LocalGateway, bot: Bot) -> None:
    @dm_only()
    @bot.command()
    async def secret(ctx: Context) -> None:
        await ctx.send("not said")

    @cooldown(1, 60)
    @bot.command()
    async def once(ctx: Context) -> None:
        await ctx.send("said")

    await bot.login()
    assert await answer_to(gateway, "!secret") == "That goes in a direct message only."
    assert await answer_to(gateway, "!once") == "said"
    assert "too often" in await answer_to(gateway, "!once")


def refused(reason: str) -> Check:
    return check(lambda place: reason)


async def test_checks_and_cooldowns_guard_buttons_selects_and_forms(gateway: LocalGateway, bot: Bot) -> None:
    router = Router(checks=[check(lambda place: None if place.user_id else "nobody")])
    ran: list[str] = []

    @router.button("ban/{user:int}")
    @refused("below")
    async def ban(click: Click, user: int) -> None:
        ran.append("ban")

    @refused("above")
    @router.form(Lunch)
    async def lunch(click: Click, form: Lunch) -> None:
        ran.append("lunch")

    guarded = Router(checks=[refused("of the router")])

    @guarded.button("kick")
    async def kick(click: Click) -> None:
        ran.append("kick")

    @guarded.select("size")
    async def size(click: Click) -> None:
        ran.append("size")

    @bot.button("once/{number}")
    @cooldown(1, 60)
    async def once(click: Click, number: str) -> None:
        await click.whisper("done")

    @refused("of the callback")
    async def callback(click: Click) -> None:
        ran.append("callback")

    bot.include(router)
    bot.include(guarded)
    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    message = (await channel.send("here")).message_id or 0
    body = bot.body("x", [Button("x", callback=callback)])
    made: str = body.content["components"][0]["components"][0]["id"]  # type: ignore[union-attr]
    for button, text in (
        ("ban/5", "below"),
        (Lunch.submit_id(), "above"),
        ("kick", "of the router"),
        (made, "of the callback"),
        ("once/1", "done"),
    ):
        await gateway.click(message, "alice", button, extra_data='{"dish": "pho"}')
        assert (await gateway.expect(kind="ephemeral")).text == text
    await gateway.click(message, "alice", "once/2")
    assert "too often" in (await gateway.expect(kind="ephemeral")).text
    await gateway.push(
        dropdown_box_selected={
            "message_id": message,
            "channel_id": channel.id,
            "selectbox_id": "size",
            "user_id": gateway.world.user("alice").id,
            "values": ["l"],
        }
    )
    assert (await gateway.expect(kind="ephemeral")).text == "of the router"
    assert ran == []


async def test_roles_are_asked_for_once_however_many_want_them(gateway: LocalGateway, bot: Bot) -> None:
    gateway.world.add_role("Chef", users=["bob"])

    @bot.command(checks=[has_role("Chef")])
    async def cook(ctx: Context) -> None:
        await ctx.send("cooking")

    await bot.login()
    for user in ("bob", "alice", "bob", "alice"):
        await gateway.say("general", user, "!cook")
    answers = [(await gateway.expect()).text for _ in range(4)]
    assert sorted(answers) == ["That needs the role Chef."] * 2 + ["cooking"] * 2
    assert [one.name for one in gateway.requests].count("ListRoles") == 1


async def test_a_router_gives_each_bot_its_tasks_and_they_know_it(gateway: LocalGateway) -> None:
    router = Router()
    ran: list[int] = []

    @router.every(seconds=60, at_start=True)
    async def tidy(bot: Bot) -> None:
        ran.append(bot.client_id)

    second_id = gateway.add_bot(1830000000000000002, "another key", "second").id
    bots = [
        Bot(**gateway.client_options()),
        Bot(**gateway.client_options() | {"client_id": second_id, "api_key": "another key"}),
    ]
    for bot in bots:
        bot.include(router)
        await bot.login()
    await until(lambda: len(ran) == 2)
    assert sorted(ran) == sorted(bot.client_id for bot in bots)
    await bots[0].disconnect()
    assert [task.started for bot in bots for task in bot.tasks] == [False, True]
    await bots[1].tasks[0]()
    assert ran[2:] == [second_id]
    await bots[1].disconnect()
    with pytest.raises(InvalidArgumentError, match="belongs to none yet"):
        await Router().every(seconds=5)(tidy.callback)()


def test_routers_do_not_go_round(bot: Bot) -> None:
    inner, middle, outer = Router(), Router(), Router()
    with pytest.raises(InvalidArgumentError, match="a router cannot include itself"):
        inner.include(inner)
    middle.include(inner)
    outer.include(middle)
    with pytest.raises(InvalidArgumentError, match="cannot include a router that includes it"):
        inner.include(outer)
    with pytest.raises(InvalidArgumentError, match=r"include\(\) takes a Router, not <MezonClient"):
        outer.include(bot)  # type: ignore[arg-type]

    @inner.command()
    async def once(ctx: Context) -> None: ...

    bot.include(outer)
    assert "once" in bot.commands


async def test_who_asks_hears_that_the_client_has_ended(gateway: LocalGateway, bot: Bot) -> None:
    seen: list[Context] = []

    @bot.command()
    async def go(ctx: Context) -> None:
        seen.append(ctx)
        await ctx.whisper("in private", buttons=[Button("x", id="x")])

    await bot.login()
    await gateway.say("general", "alice", "!go")
    assert (await gateway.expect(kind="ephemeral")).content["components"]
    asking = [
        asyncio.ensure_future(seen[0].ask("How many?", int)),
        asyncio.ensure_future(seen[0].send_form(Lunch, title="Lunch")),
    ]
    with pytest.raises(MezonTimeoutError, match="no matching channel_message"):
        await bot.stream("channel_message", lambda message: False).next(0.01)
    with pytest.raises(InvalidArgumentError, match="no text can be converted to"):
        await seen[0].ask("Who?", User)
    # Acks come in order: after this one, both have been sent and wait.
    await seen[0].send("a moment")
    await asyncio.sleep(0)
    await bot.disconnect()
    for asked in asking:
        with pytest.raises(ConnectionLostError, match="stopped waiting"):
            await asked


async def test_users_are_told_that_a_bot_which_waits_for_their_form_ends(
    gateway: LocalGateway, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    @bot.command()
    async def lunch(ctx: Context) -> None:
        await ctx.send_form(Lunch, title="Lunch")

    await bot.login()
    assert (await gateway.command("alice", "!lunch")).content["components"]
    await bot.disconnect(drain=1)
    await gateway.expect("I am being restarted; please start again in a moment.")
    assert not [one for one in caplog.records if one.name.startswith("mezon")]
