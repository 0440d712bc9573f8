"""An answer that grows: how often it is edited, where it is cut, what becomes of a model that breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ext_kit import ANSWER, answer_to, until
from mezon import InvalidArgumentError
from mezon.ext.commands import Bot, Context
from mezon.testing import LocalGateway

EDIT = "UpdateChannelMessage"


async def model(*chunks: str, pause: float = 0.0) -> AsyncIterator[str]:
    for chunk in chunks:
        await asyncio.sleep(pause)
        yield chunk


def texts(gateway: LocalGateway) -> list[tuple[str, str]]:
    """What the bot sent and edited, in order."""
    said = [one for one in gateway.sent if one.is_a(ANSWER) or one.is_a(EDIT)]
    return [("new" if one.is_a(ANSWER) else "edit", one.text) for one in said]


async def test_a_reply_grows_and_ends_with_the_whole(gateway: LocalGateway, bot: Bot) -> None:
    done: list[Any] = []

    @bot.command()
    async def ask(ctx: Context, *, question: str) -> None:
        done.append(await ctx.stream_reply(model("Xin ", "chào ", question, pause=0.05), interval=0.01))

    await bot.login()
    command = await gateway.say("general", "alice", "!ask bạn 👋")
    await until(lambda: bool(done))
    said = texts(gateway)
    assert said[0] == ("new", "Xin ▌")
    assert said[-1] == ("edit", "Xin chào bạn 👋")
    assert len(said) <= 4
    first = next(one for one in gateway.sent if one.is_a(ANSWER))
    assert [one.message_ref_id for one in first.message.references] == [command]
    edits = [one.payload for one in gateway.sent if one.is_a(EDIT)]
    assert all(one.hide_editted and one.message_id == done[0][0].message_id for one in edits)


async def test_it_is_edited_no_faster_than_allowed(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def ask(ctx: Context) -> None:
        await ctx.stream_reply(model(*"abcdefghijklmnopqrstuvwxyz", pause=0.002), interval=60)
        await ctx.send("done")

    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: ("new", "done") in texts(gateway))
    # The first text at once, the whole at the end without waiting a minute, and nothing between.
    first, last, _ = texts(gateway)
    assert first[0] == "new"
    assert last == ("edit", "abcdefghijklmnopqrstuvwxyz")


async def test_a_slow_connection_makes_fewer_edits(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def ask(ctx: Context) -> None:
        await ctx.stream_reply(model(*["x"] * 100, pause=0.001), interval=0)
        await ctx.send("done")

    gateway.delay(EDIT, 0.05)
    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: ("new", "done") in texts(gateway))
    said = texts(gateway)
    assert said[-2] == ("edit", "x" * 100)
    assert len(said) < 30


async def test_a_long_answer_goes_on_in_new_messages(gateway: LocalGateway, bot: Bot) -> None:
    words = [f"word{number} " for number in range(60)]

    @bot.command()
    async def ask(ctx: Context) -> None:
        acks = await ctx.stream_reply(model(*words, pause=0.001), interval=0.005, limit=120)
        await ctx.send(f"done {len(acks)}")

    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: texts(gateway)[-1:] != [] and texts(gateway)[-1][1].startswith("done"))
    messages = [m for m in gateway.world.messages("general") if m.sender_id == gateway.bot_id]
    said = [json.loads(m.content)["t"] for m in messages]
    assert said[-1] == f"done {len(said) - 1}"
    assert " ".join(said[:-1]).split() == [word.strip() for word in words]
    assert all(len(one) <= 120 for one in said)


async def test_a_code_block_is_closed_in_each_message(gateway: LocalGateway, bot: Bot) -> None:
    lines = [f"line {number}\n" for number in range(40)]

    @bot.command()
    async def ask(ctx: Context) -> None:
        await ctx.stream_reply(
            model("Look:\n", "```py\n", *lines, "```\n", "That is all."), interval=0, limit=150
        )
        await ctx.send("done")

    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: texts(gateway)[-1:] == [("new", "done")])
    messages = [m for m in gateway.world.messages("general") if m.sender_id == gateway.bot_id]
    said = [json.loads(m.content)["t"] for m in messages][:-1]
    assert said[0] == "Look:"
    assert said[-1] == "That is all."
    assert all(one.startswith("```py\n") and one.endswith("\n```") for one in said[1:-1])
    assert [line for one in said[1:-1] for line in one.split("\n")[1:-1]] == [line.strip() for line in lines]


async def test_a_model_that_breaks_is_marked_and_told(gateway: LocalGateway, bot: Bot) -> None:
    reported: list[str] = []
    closed: list[bool] = []
    bot.on_error(lambda error, where: reported.append(str(error)))

    async def broken() -> AsyncIterator[str]:
        try:
            yield "Half an "
            raise RuntimeError("the model is gone")
        finally:
            closed.append(True)

    @bot.command()
    async def ask(ctx: Context) -> None:
        await ctx.stream_reply(broken(), failed="(broken off)")

    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: bool(reported))
    assert reported == ["the model is gone"]
    assert closed == [True]
    said = [text for _, text in texts(gateway)]
    assert "Half an \n\n(broken off)" in said


async def test_a_reply_that_is_cancelled_is_marked_and_closed(gateway: LocalGateway, bot: Bot) -> None:
    class Endless:
        """As the streams of clients of models are: no generator, and with an end of its own."""

        closed = False

        def __aiter__(self) -> Endless:
            return self

        async def __anext__(self) -> str:
            await asyncio.sleep(0.01)
            return "x"

        async def aclose(self) -> None:
            Endless.closed = True

    @bot.command()
    async def ask(ctx: Context) -> None:
        try:
            async with asyncio.timeout(0.5):
                await ctx.stream_reply(Endless(), interval=0)
        except TimeoutError:
            await ctx.send("too slow")

    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: texts(gateway)[-1:] == [("new", "too slow")])
    last = [text for kind, text in texts(gateway)][-2]
    assert last.startswith("xx")
    assert last.endswith("\n\n⚠ The answer broke off here.")
    assert Endless.closed


async def test_a_model_that_fails_before_its_first_word_produces_one_message(
    gateway: LocalGateway, bot: Bot
) -> None:
    async def broken() -> AsyncIterator[str]:
        yield ""
        raise RuntimeError("no such model")

    reported: list[str] = []
    bot.on_error(lambda error, where: reported.append(str(error)))

    @bot.command()
    async def ask(ctx: Context) -> None:
        await ctx.stream_reply(broken(), interval=0)

    @bot.command()
    async def done(ctx: Context) -> None:
        await ctx.reply("done")

    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: bool(texts(gateway)))
    await gateway.say("general", "alice", "!done")
    await until(lambda: texts(gateway)[-1:] == [("new", "done")])
    assert texts(gateway) == [("new", "Something went wrong here; it is not your fault."), ("new", "done")]
    assert reported == ["no such model"]


async def test_what_cannot_be_sent_ends_it(gateway: LocalGateway, bot: Bot) -> None:
    taken: list[int] = []
    reported: list[str] = []
    bot.on_error(lambda error, where: reported.append(str(error)))

    async def endless() -> AsyncIterator[str]:
        for number in range(10_000):
            taken.append(number)
            await asyncio.sleep(0.001)
            yield "x"

    @bot.command()
    async def ask(ctx: Context) -> None:
        await ctx.stream_reply(endless(), interval=0)

    gateway.answer_with_error(EDIT, 7, "no edits today")
    await bot.login()
    await gateway.say("general", "alice", "!ask")
    await until(lambda: bool(reported))
    assert "no edits today" in reported[0]
    count = len(taken)
    await asyncio.sleep(0.02)
    assert len(taken) == count < 5000


async def test_no_text_and_wrong_settings(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def nothing(ctx: Context) -> None:
        await ctx.stream_reply(model())

    @bot.command()
    async def wrong(ctx: Context) -> None:
        with pytest.raises(InvalidArgumentError):
            await ctx.stream_reply(model("x"), interval=-1)
        with pytest.raises(InvalidArgumentError):
            await ctx.stream_reply(model("x"), limit=1)
        with pytest.raises(InvalidArgumentError, match="such as an async generator returns, not 'x'"):
            await ctx.stream_reply("x")  # type: ignore[arg-type]
        await ctx.send("refused")

    await bot.login()
    assert await answer_to(gateway, "!nothing") == "…"
    assert await answer_to(gateway, "!wrong") == "refused"
