"""Dependencies that handlers receive by type, and middleware around every handler."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from ext_kit import answer_to, until
from mezon import InvalidArgumentError
from mezon.ext.commands import Bot, Context, Router, UserError, clan_only
from mezon.ext.components import Button, Click, Form
from mezon.testing import LocalGateway

LOG: list[str] = []


@pytest.fixture(autouse=True)
def log() -> list[str]:
    LOG.clear()
    return LOG


@pytest.fixture
async def bot(gateway: LocalGateway) -> AsyncIterator[Bot]:
    made = Bot(**gateway.client_options(), state=":memory:")
    yield made
    await made.disconnect()


class Database:
    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.closed = False

    async def close(self) -> None:
        self.closed = True
        LOG.append("database closed")


@dataclasses.dataclass
class Session:
    number: int


class Order(Form):
    dish: str = "pho"


async def session(bot: Bot) -> AsyncIterator[Session]:
    LOG.append("session opened")
    yield Session(7)
    LOG.append("session closed")


async def test_every_kind_of_handler_receives_its_dependencies(gateway: LocalGateway, bot: Bot) -> None:
    Database.made = 0
    router = Router()
    seen: list[Any] = []

    @router.command()
    async def find(ctx: Context, db: Database, number: int, *, session: Session) -> None:
        seen.append(db)
        LOG.append("handler")
        button = Button("Press", id="press/3")
        await ctx.reply(f"{number} {session.number}", buttons=[button])

    @router.button("press/{count:int}")
    async def press(click: Click, count: int, db: Database) -> None:
        seen.append(db)
        await click.send(Order.content(title="Order"))

    @router.form(Order)
    async def ordered(click: Click, order: Order, db: Database) -> None:
        seen.append(db)
        await bot.later(note, text=order.dish)

    @router.job
    async def note(text: str, db: Database) -> None:
        seen.append((text, db))

    @router.every(seconds=3600, at_start=True)
    async def tick(bot: Bot, db: Database) -> None:
        seen.append((bot, db))

    bot.provide(Database, Database)
    bot.provide(Session, session, per_call=True)
    bot.include(router)
    await bot.login()
    await until(lambda: len(seen) == 1)
    await gateway.say("general", "alice", "!find 5")
    sent = await gateway.next_sent("channel_message_send")
    assert sent.text == "5 7"
    await until(lambda: LOG == ["session opened", "handler", "session closed"])
    await gateway.click(sent, "press/3", user="alice")
    form = await gateway.next_sent("channel_message_send")
    await gateway.click(form, Order.submit_id(), user="alice", values={"dish": "bun"})
    await until(lambda: len(seen) == 5)
    database = seen[1]
    assert isinstance(database, Database)
    assert seen == [(bot, database), database, database, database, ("bun", database)]
    assert (Database.made, database.closed) == (1, False)
    await bot.disconnect()
    assert (LOG[-1], database.closed) == ("database closed", True)
    assert find.usage == "find <number>"


async def test_async_factories_make_one_object_for_concurrent_calls(gateway: LocalGateway, bot: Bot) -> None:
    Database.made = 0
    go = asyncio.Event()

    async def connect() -> Database:
        await go.wait()
        return Database()

    bot.provide(Database, connect)

    @bot.command()
    async def one(ctx: Context, db: Database) -> None:
        await ctx.reply("done")

    await bot.login()
    for user in ("alice", "bob"):
        await gateway.say("general", user, "!one")
    go.set()
    for _ in range(2):
        assert (await gateway.next_sent("channel_message_send")).text == "done"
    assert Database.made == 1
    await bot.disconnect()
    assert LOG == ["database closed"]


async def test_objects_of_a_call_are_closed_when_the_handler_fails(gateway: LocalGateway, bot: Bot) -> None:
    bot.provide(Database, Database, per_call=True)

    @bot.command()
    async def broken(ctx: Context, db: Database) -> None:
        raise UserError("refused")

    await bot.login()
    assert await answer_to(gateway, "!broken") == "refused"
    assert LOG == ["database closed"]


async def test_middleware_runs_in_order_around_every_handler(gateway: LocalGateway, bot: Bot) -> None:
    @bot.middleware
    async def outer(where: Any, call_next: Callable[[], Awaitable[None]]) -> None:
        LOG.append(f"outer {type(where).__name__}")
        try:
            await call_next()
        finally:
            LOG.append("outer end")

    @bot.middleware
    async def inner(where: Any, call_next: Callable[[], Awaitable[None]]) -> None:
        LOG.append("inner")
        if isinstance(where, Context) and where.message.content["t"].endswith("stop"):
            raise UserError("stopped")
        await call_next()

    @bot.command()
    async def ping(ctx: Context, word: str = "") -> None:
        LOG.append("ping")
        await ctx.reply("pong", buttons=[Button("Again", callback=again)])

    async def again(click: Click) -> None:
        LOG.append("again")
        await click.send("clicked")

    @bot.command(checks=[clan_only()])
    async def clan(ctx: Context) -> None: ...

    @bot.job
    async def later() -> None:
        LOG.append("later")

    await bot.login()
    await gateway.say("general", "alice", "!ping")
    sent = await gateway.next_sent("channel_message_send")
    await until(lambda: LOG == ["outer Context", "inner", "ping", "outer end"])
    LOG.clear()
    await gateway.click(sent, "Again", user="alice")
    await until(lambda: LOG == ["outer Click", "inner", "again", "outer end"])
    LOG.clear()
    assert await answer_to(gateway, "!ping stop") == "clicked"
    assert (await gateway.next_sent("channel_message_send")).text == "stopped"
    assert LOG == ["outer Context", "inner", "outer end"]
    LOG.clear()
    await gateway.say_dm("alice", "!clan")
    await gateway.next_sent("channel_message_send")
    assert LOG == [], "a refused use calls no middleware"
    await bot.later(later)
    await until(lambda: LOG == ["outer ScheduledCall", "inner", "later", "outer end"])


def test_wrong_use_is_refused(bot: Bot) -> None:
    async def needs(ctx: Context, db: Database) -> None: ...
    async def pressed(click: Click, db: Database) -> None: ...
    async def tick(db: Database) -> None: ...

    router = Router()
    router.command("needs")(needs)
    for add in (
        lambda: bot.command("needs")(needs),
        lambda: bot.include(router),
        lambda: bot.button("x")(pressed),
        lambda: bot.select("x")(pressed),
        lambda: bot.every(seconds=1)(tick),
        lambda: bot.job(tick),
    ):
        with pytest.raises(InvalidArgumentError, match="nothing provides Database"):
            add()
    with pytest.raises(InvalidArgumentError, match="class of your own"):
        bot.provide(int, int)
    with pytest.raises(InvalidArgumentError, match="takes more"):
        bot.provide(Database, lambda one, two: Database())
    bot.provide(Database, Database)
    with pytest.raises(InvalidArgumentError, match="provided already"):
        bot.provide(Database, Database)
    with pytest.raises(InvalidArgumentError, match="call_next"):
        bot.middleware(tick)  # type: ignore[arg-type]
