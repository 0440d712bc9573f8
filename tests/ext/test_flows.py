"""Flows: durable conversations, one for each user and channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ext_kit import answer_to
from mezon import InvalidArgumentError
from mezon.ext.commands import Bot, Context, Router, UserError
from mezon.ext.flows import Flow, step
from mezon.testing import LocalGateway

ENDED: list[tuple[str, int]] = []


class Prices:
    def of(self, dish: str) -> int:
        return len(dish)


class Order(Flow):
    dish: str = ""
    count: int = 0

    @step("Which dish?")
    async def ask_dish(self, ctx: Context, answer: str, prices: Prices) -> None:
        if answer == "pizza":
            raise UserError("No pizza.")
        self.dish = f"{answer} ({prices.of(answer)})"

    @step(lambda order: f"How many {order.dish}?")
    async def ask_count(self, ctx: Context, answer: int) -> Any:
        self.count = answer
        return self.end if answer > 10 else None

    @step("Sure?")
    async def confirm(self, ctx: Context, answer: bool) -> Any:
        return None if answer else self.ask_dish

    async def end(self, ctx: Context) -> None:
        ENDED.append((self.dish, self.count))
        await ctx.reply("ordered")


def make(gateway: LocalGateway, state: str | Path = ":memory:", **options: Any) -> Bot:
    bot = Bot(**gateway.client_options(), state=state)
    router = Router()
    router.flow(**options)(Order)

    @router.command()
    async def order(ctx: Context, dish: str = "") -> None:
        await ctx.start(Order, dish=dish)

    @router.command()
    async def name(ctx: Context) -> None:
        await ctx.reply(await ctx.ask("Your name?"))

    @router.command()
    async def ping(ctx: Context) -> None:
        await ctx.reply("pong")

    bot.provide(Prices, Prices)
    bot.include(router)
    return bot


@pytest.fixture
async def bot(gateway: LocalGateway) -> AsyncIterator[Bot]:
    ENDED.clear()
    made = make(gateway)
    await made.login()
    yield made
    await made.disconnect()


async def test_steps_follow_with_typed_answers(gateway: LocalGateway, bot: Bot) -> None:
    assert await answer_to(gateway, "!order") == "Which dish?"
    assert await answer_to(gateway, "pizza") == "No pizza."
    assert await answer_to(gateway, "pho") == "How many pho (3)?"
    assert "The answer cannot be 'many'" in await answer_to(gateway, "many")
    assert await answer_to(gateway, "2") == "Sure?"
    assert await answer_to(gateway, "no") == "Which dish?"
    assert await answer_to(gateway, "bun") == "How many bun (3)?"
    assert await answer_to(gateway, "11") == "ordered"
    assert ENDED == [("bun (3)", 11)]
    assert await bot.records.keys() == []


async def test_back_and_cancel(gateway: LocalGateway, bot: Bot) -> None:
    await answer_to(gateway, "!order")
    assert await answer_to(gateway, "Back") == "Which dish?"
    await answer_to(gateway, "pho")
    assert await answer_to(gateway, "back") == "Which dish?"
    await answer_to(gateway, "com")
    assert await answer_to(gateway, "CANCEL") == "Cancelled."
    await gateway.say("general", "alice", "5")
    assert await answer_to(gateway, "!ping") == "pong"
    assert ENDED == []


async def test_each_user_has_a_flow_in_each_channel(gateway: LocalGateway, bot: Bot) -> None:
    await answer_to(gateway, "!order")
    assert await answer_to(gateway, "!order", user="bob") == "Which dish?"
    assert await answer_to(gateway, "pho", user="bob") == "How many pho (3)?"
    # In another channel alice's message is no answer, and commands and questions go first.
    await gateway.say("random", "alice", "bun")
    assert await answer_to(gateway, "!ping") == "pong"
    assert await answer_to(gateway, "!name") == "Your name?"
    assert await answer_to(gateway, "Alice") == "Alice"
    assert await answer_to(gateway, "com") == "How many com (3)?"
    # A new flow replaces the open one.
    assert await answer_to(gateway, "!order") == "Which dish?"


async def test_a_flow_continues_after_a_restart_until_its_timeout(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    ENDED.clear()
    first = make(gateway, tmp_path / "state.db")
    await first.login()
    await answer_to(gateway, "!order")
    await answer_to(gateway, "pho")
    await first.disconnect()
    await gateway.wait_disconnected()
    second = make(gateway, tmp_path / "state.db", timeout=0.2)
    await second.login()
    assert await answer_to(gateway, "12") == "ordered"
    await answer_to(gateway, "!order")
    while await second.records.keys():  # noqa: ASYNC110 (the backend reports no expiry)
        await asyncio.sleep(0.01)
    await gateway.say("general", "alice", "pho")
    assert await answer_to(gateway, "!ping") == "pong"
    assert ENDED == [("pho (3)", 12)]
    await second.disconnect()


def test_wrong_flows_are_refused(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), state=":memory:")

    class Empty(Flow):
        x: int = 0

    class Short(Flow):
        @step("?")
        async def one(self, ctx: Context) -> None: ...

    for flow, match in (
        (Empty, "no steps"),
        (Short, "the step one"),
        (Order, "nothing provides"),
        (5, "subclass"),
    ):
        with pytest.raises(InvalidArgumentError, match=match):
            bot.flow(flow)  # type: ignore[call-overload]
    with pytest.raises(InvalidArgumentError, match="needs a default"):

        class Needs(Flow):
            x: int
