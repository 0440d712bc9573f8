"""Mistakes that newcomers make get a sentence that says what to write."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from ext_kit import answer_to
from mezon import InvalidArgumentError, Text
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button
from mezon.ext.state import State
from mezon.testing import LocalGateway
from waiting import until


class Score(State):
    """A record."""

    points: int = 0


async def message_send(ctx: Context) -> None:
    """Call a method that a message does not have."""
    await ctx.message.send("hi")  # type: ignore[attr-defined]


async def author_send(ctx: Context) -> None:
    """Call a method that a user does not have."""
    await ctx.author.send("hi")  # type: ignore[attr-defined]


async def without_async(ctx: Context) -> None:
    """Forget async."""
    with ctx.state.edit(Score):  # type: ignore[attr-defined]
        pass


@pytest.mark.parametrize(
    ("callback", "hint"),
    [
        (message_send, "write await message.reply(...), or await message.channel.send(...)"),
        (author_send, "write await ctx.dm(...), or await user.send_dm_message(...)"),
        (without_async, "write async with"),
    ],
)
async def test_the_log_says_what_to_write(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture, callback: Any, hint: str
) -> None:
    bot = Bot(**gateway.client_options())
    bot.command("wrong")(callback)
    await bot.login()
    try:
        await gateway.say("general", "alice", "!wrong")
        await until(lambda: bool(errors(caplog)))
    finally:
        await bot.disconnect()
    (line,) = errors(caplog)
    assert line.endswith(f"; {hint}")


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the log about errors."""
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR]


YES = Button("Yes", id="yes")


@pytest.mark.parametrize(
    ("buttons", "sentence"),
    [
        (YES, "buttons must be a list: buttons=[Button(...)], not a Button"),
        ("Yes", "buttons must be a list: buttons=[Button(...)], not the text 'Yes'"),
        (["Yes"], "buttons has the text 'Yes': write Button('Yes', id=...) for a handler of @bot.button"),
        ([YES, "No"], "buttons has the text 'No': write Button('No', id=...)"),
        ([["Yes"]], "buttons has the text 'Yes': write"),
        ([{"label": "Yes"}], "buttons has a dict: write Button('Yes', id=...)"),
        ([YES, [YES]], "buttons must be one list of buttons or a list of rows, not a mixture of both"),
        (5, "buttons must be a list: buttons=[Button(...)], not a int"),
    ],
)
def test_buttons_of_other_types(buttons: Any, sentence: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Bot("1", "key", message_db=None).body("Really?", buttons)
    assert sentence in str(caught.value)


async def test_empty_messages(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options())
    refused = []

    @bot.command()
    async def empty(ctx: Context) -> None:
        for method in (ctx.reply, ctx.send, ctx.whisper, ctx.dm):
            for content in ("", Text()):
                try:
                    await method(content)
                except InvalidArgumentError as error:
                    refused.append(str(error))
        await ctx.reply("", buttons=[YES])
        await ctx.reply("", files=[("menu.txt", b"pho")])
        await ctx.reply("done")

    await bot.login()
    try:
        assert await answer_to(gateway, "!empty") == ""
        await gateway.expect("done")
    finally:
        await bot.disconnect()
    assert refused == ["the message is empty: pass a text, buttons or files"] * 8


def test_a_bare_every() -> None:
    bot = Bot("1", "key", message_db=None)
    with pytest.raises(
        InvalidArgumentError, match=r"write @bot\.every\(minutes=5\), with parentheses and the name"
    ):

        @bot.every  # type: ignore[arg-type]
        async def tick() -> None: ...

    with pytest.raises(InvalidArgumentError, match=r"write @bot\.every\(minutes=5\)"):
        bot.every(5)  # type: ignore[arg-type]


def test_a_context_that_is_not_the_first_parameter() -> None:
    bot = Bot("1", "key", message_db=None)
    with pytest.raises(
        InvalidArgumentError, match=r"greet must take the context first: .* greet\(ctx, who\)"
    ):

        @bot.command("greet")
        async def greet(who, ctx) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(
        InvalidArgumentError, match=r"add must take the context first: .* add\(where, count\)"
    ):

        @bot.command("add")
        async def add(count: int, where: Context) -> None: ...

    @bot.command()
    async def shop(ctx: Context, context: str, *items: str) -> None: ...

    assert "shop" in bot.commands


def test_an_event_decorator_of_another_library() -> None:
    bot = Bot("1", "key", message_db=None)
    with pytest.raises(AttributeError, match=r"write @client\.on_channel_message, or @client\.on") as caught:
        _ = bot.event
    shown = "".join(traceback.format_exception(caught.value))
    # Python would suggest `every`, which is a schedule.
    assert "Did you mean" not in shown
