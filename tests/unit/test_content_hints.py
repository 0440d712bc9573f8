"""A handler that takes the content of a message, a dict, for its text is told what to write."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from mezon import MezonClient
from mezon.ext.commands import Bot, Context

HINT = 'compares the content of a message with a text.*Write message.text == "hi"'


async def equal(message: Any) -> None:
    if message.content == "hi":
        await message.reply("hello")


async def reversed_(message: Any) -> None:
    if "hi" != message.content:  # noqa: SIM300
        await message.reply("hello")


async def one_of(message: Any) -> None:
    if message.content in ("hi", "hello"):
        await message.reply("hello")


async def one_of_a_set(message: Any) -> None:
    if message.content in {"hi", "hello"}:
        await message.reply("hello")


async def inner(message: Any) -> None:
    def is_hi() -> bool:
        return bool(message.content == "hi")

    if is_hi():
        await message.reply("hello")


async def fine(message: Any) -> None:
    if message.text == "hi" or "embed" in message.content or message.content.get("t") == "hi":
        await message.reply("hello")
    if message.content == {"t": "hi"} or message.content["t"] == "hi":
        await message.reply("hello")


class Handlers:
    async def on_message(self, message: Any) -> None:
        if message.content == "hi":
            await message.reply("hello")


@pytest.mark.parametrize(
    "handler",
    [equal, reversed_, one_of, one_of_a_set, inner, Handlers().on_message, functools.partial(equal)],
    ids=lambda handler: getattr(handler, "__name__", "partial"),
)
def test_a_comparison_with_a_text_warns_once(handler: Callable[..., Any]) -> None:
    with pytest.warns(UserWarning, match=HINT) as caught:
        MezonClient("1", "key").on_channel_message(handler)
    [warning] = caught
    assert warning.filename == __file__


def test_what_is_no_comparison_with_a_text_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MezonClient("1", "key").on_channel_message(fine)
        MezonClient("1", "key").on_channel_message(lambda message: print(message.content))
        MezonClient("1", "key").on("channel_updated_event", equal)
        # The content of these is a text.
        MezonClient("1", "key", content_as_json=True).on_channel_message(equal)


def test_a_command_warns_as_well() -> None:
    bot = Bot("1", "key")
    with pytest.warns(UserWarning, match=HINT):

        @bot.command()
        async def hi(ctx: Context) -> None:
            if ctx.message.content == "hi":  # type: ignore[comparison-overlap]
                await ctx.reply("hello")
