"""A click on a disabled button or select box: some clients send it, and the layer refuses it with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ext_kit import until
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button, Click
from mezon.testing import LocalGateway

DISABLED = "This button is disabled."


@pytest.fixture
def make_bot(gateway: LocalGateway) -> Callable[..., Bot]:
    """Make a bot whose buttons say what was pressed."""

    def make(**options: Any) -> Bot:
        bot = Bot(**gateway.client_options() | options)

        @bot.button("vote/{choice}")
        async def vote(click: Click, choice: str) -> None:
            await click.whisper(f"voted {choice}")

        @bot.select("size")
        async def size(click: Click) -> None:
            await click.whisper("chosen")

        @bot.command()
        async def poll(ctx: Context) -> None:
            row = [vote.button("A", choice="a", disabled=True), vote.button("B", choice="b")]
            await ctx.send("Vote", buttons=row)

        return bot

    return make


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_click_on_a_disabled_button_is_refused(
    gateway: LocalGateway, make_bot: Callable[..., Bot], as_json: bool
) -> None:
    bot = make_bot(content_as_json=as_json)
    await bot.login()
    poll = await gateway.command("alice", "!poll")
    await gateway.click(poll, "alice", "vote/a")
    await gateway.expect(DISABLED, kind="ephemeral")
    await gateway.click(poll, "alice", "vote/b")
    await gateway.expect("voted b", kind="ephemeral")
    await bot.disconnect()


async def test_what_an_update_disables_or_enables_counts(
    gateway: LocalGateway, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot()

    async def callback(click: Click) -> None:
        await click.whisper("called")

    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)

    def buttons(disabled: bool) -> Any:
        return bot.body("Vote", [Button("A", id="vote/a", disabled=disabled), Button("C", callback=callback)])

    sent = await channel.send(buttons(disabled=False))
    message = sent.message_id or 0
    await gateway.click(message, "alice", "vote/a")
    await gateway.expect("voted a", kind="ephemeral")
    await sent.update(buttons(disabled=True))
    await gateway.click(message, "bob", "vote/a")
    await gateway.expect(DISABLED, kind="ephemeral")
    await sent.update(buttons(disabled=False))
    await gateway.click(message, "chi", "vote/a")
    await gateway.expect("voted a", kind="ephemeral")

    body = bot.body("x", [Button("C", callback=callback, disabled=True)])
    sent = await channel.send(body)
    await gateway.click(sent.message_id or 0, "alice", body.content["components"][0]["components"][0]["id"])  # type: ignore[union-attr]
    await gateway.expect(DISABLED, kind="ephemeral")
    await bot.disconnect()


async def test_after_a_restart_the_store_knows_what_is_disabled(
    gateway: LocalGateway, make_bot: Callable[..., Bot], tmp_path: Path
) -> None:
    first = make_bot(message_db=str(tmp_path / "messages.db"))
    await first.login()
    poll = await gateway.command("alice", "!poll")
    await until(lambda: first.message_db.get_message_by_id(poll.message_id, poll.channel_id))
    await first.disconnect()
    second = make_bot(message_db=str(tmp_path / "messages.db"))
    await second.login()
    await gateway.click(poll, "alice", "vote/a")
    await gateway.expect(DISABLED, kind="ephemeral")
    await second.disconnect()


async def test_a_select_box_in_a_row_or_in_an_embed_is_refused_as_well(
    gateway: LocalGateway, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot()
    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    box = {
        "id": "size",
        "type": 2,
        "component": {"options": [{"label": "L", "value": "l"}], "disabled": True},
    }
    for content in (
        {"t": "x", "components": [{"components": [box]}]},
        {"t": "x", "embed": [{"fields": [{"name": "Size", "inputs": box}]}]},
    ):
        sent = await channel.send(content)
        await gateway.select(sent.message_id or 0, "alice", "size", "l")
        await gateway.expect("This select box is disabled.", kind="ephemeral")
    await bot.disconnect()


STRANGE: list[Any] = [
    {"components": 1, "embed": {"fields": []}},
    {"components": [None, {"components": "x"}, {"components": [None, {"id": "vote/b"}, {"id": 1}]}]},
    {"components": [{"components": [{"id": "vote/b", "component": [{"disabled": True}]}]}]},
    {"embed": [None, {"fields": [None, {"inputs": []}, {"button": {}, "inputs": 1}]}]},
    {"t": "nothing to click"},
]


@pytest.mark.parametrize("content", STRANGE)
async def test_a_click_on_a_message_that_says_nothing_of_the_button_goes_on(
    gateway: LocalGateway, make_bot: Callable[..., Bot], content: Any
) -> None:
    bot = make_bot()
    await bot.login()
    message = await gateway.say("general", gateway.world.bot, content)
    await gateway.click(message, "alice", "vote/b")
    await gateway.expect("voted b", kind="ephemeral")
    await bot.disconnect()
