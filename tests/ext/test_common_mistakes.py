"""Mistakes that newcomers make get a sentence that says what to write."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from ext_kit import answer_to
from mezon import InvalidArgumentError, Text
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button, Click
from mezon.ext.state import State
from mezon.testing import LocalGateway
from mezon.utils.user_code import format_for_user, short
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


async def channel_reply(ctx: Context) -> None:
    """Call a method that a channel does not have."""
    await ctx.channel.reply("hi")  # type: ignore[attr-defined]


async def channel_buttons(ctx: Context) -> None:
    """Pass buttons to a method that does not take them."""
    await ctx.channel.send("hi", buttons=[YES])  # type: ignore[call-arg]


async def embed(ctx: Context) -> None:
    """Pass an embed beside the content."""
    await ctx.reply("hi", embed={"title": "hi"})  # type: ignore[call-arg]


async def without_async(ctx: Context) -> None:
    """Forget async."""
    with ctx.state.edit(Score):  # type: ignore[attr-defined]
        pass


async def typing_without_async(ctx: Context) -> None:
    """Forget async."""
    with ctx.typing():  # type: ignore[attr-defined]
        pass


@pytest.mark.parametrize(
    ("callback", "hint"),
    [
        (message_send, "write await message.reply(...), or await message.channel.send(...)"),
        (author_send, "write await ctx.dm(...), or await user.send_dm_message(...)"),
        (
            channel_reply,
            "write await ctx.reply(...) or await message.reply(...), or await channel.send(...)",
        ),
        (channel_buttons, "write await ctx.send(..., buttons=[...])"),
        (embed, "embeds are part of the content: write Text(...).embed(...)"),
        (without_async, "write async with"),
        (typing_without_async, "write async with"),
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


async def failing(click: Click) -> None:
    """Fail."""
    raise ValueError("ouch")


async def button_without_id(click: Click) -> None:
    """Create a button that does nothing."""
    Button("Yes")


@pytest.mark.parametrize(
    ("callback", "line"),
    [
        (failing, "Click on 'Go' failed: ValueError: ouch ({} in failing)"),
        # Not the line of the dataclass: Python has generated its method.
        (
            button_without_id,
            "Click on 'Go' failed: InvalidArgumentError: the button 'Yes' needs an id, a callback or a url "
            "({} in button_without_id)",
        ),
    ],
)
async def test_the_log_names_the_button_and_the_line(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture, callback: Any, line: str
) -> None:
    bot = Bot(**gateway.client_options())

    @bot.command()
    async def show(ctx: Context) -> None:
        await ctx.reply("x", buttons=[Button("Go", callback=callback)])

    await bot.login()
    try:
        await gateway.click(await gateway.command("alice", "!show"), "alice", "Go")
        await until(lambda: bool(errors(caplog)))
    finally:
        await bot.disconnect()
    logged = next(one for one in caplog.records if one.levelno >= logging.ERROR)
    place = f"{short(__file__)}:{callback.__code__.co_firstlineno + 2}"
    assert errors(caplog) == [line.format(place)]
    assert logged.exc_info is not None
    assert logged.exc_info[1] is not None
    assert "<string>" not in format_for_user(logged.exc_info[1])


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
