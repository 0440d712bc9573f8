"""Lists in pages: their buttons, who may press them, and what a restart leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ext_kit import answer_to
from mezon import InvalidArgumentError, Text
from mezon.ext.commands import Bot, Context
from mezon.models import ChannelMessageContent
from mezon.testing import LocalGateway

SENT = "channel_message_send"
EDIT = "UpdateChannelMessage"
SECRET = "ephemeral_message_send"


def buttons(content: Any) -> list[tuple[str, str, bool]]:
    return [
        (one["component"]["label"], one["id"], bool(one["component"].get("disable")))
        for row in content.get("components") or ()
        for one in row["components"]
    ]


def make(gateway: LocalGateway, state: str | Path = ":memory:", **options: Any) -> Bot:
    bot = Bot(**gateway.client_options(), state=state)

    @bot.command("list")
    async def show(ctx: Context, count: int) -> None:
        await ctx.paginate([f"item {number}" for number in range(count)], per_page=2, **options)

    return bot


async def pages(gateway: LocalGateway, count: int = 5) -> Any:
    await gateway.say("general", "alice", f"!list {count}")
    return await gateway.next_sent(SENT)


async def turn(gateway: LocalGateway, sent: Any, shown: Any, label: str, user: str = "alice") -> Any:
    """Press a button of the shown page, and return the next one."""
    await gateway.click(sent, next(one[1] for one in buttons(shown.content) if one[0] == label), user=user)
    return await gateway.next_sent(EDIT)


async def test_pages_turn_in_both_directions(gateway: LocalGateway) -> None:
    bot = make(gateway)
    await bot.login()
    first = await pages(gateway)
    assert first.text == "item 0\nitem 1"
    assert [(label, off) for label, _, off in buttons(first.content)] == [
        ("◀", True),
        ("1 / 3", True),
        ("▶", False),
    ]
    second = await turn(gateway, first, first, "▶")
    assert second.text == "item 2\nitem 3"
    last = await turn(gateway, first, second, "▶")
    assert last.text == "item 4"
    assert [(label, off) for label, _, off in buttons(last.content)] == [
        ("◀", False),
        ("3 / 3", True),
        ("▶", True),
    ]
    assert (await turn(gateway, first, last, "◀")).text == "item 2\nitem 3"
    await bot.disconnect()


async def test_one_page_has_no_buttons_and_no_record(gateway: LocalGateway) -> None:
    bot = make(gateway)
    await bot.login()
    assert buttons((await pages(gateway, 2)).content) == []
    empty = await pages(gateway, 0)
    assert (empty.text, buttons(empty.content)) == ("Nothing.", [])
    assert await bot.records.keys() == []
    await bot.disconnect()


@pytest.mark.parametrize("several", [False, True])
async def test_only_the_chosen_users_turn_pages(gateway: LocalGateway, several: bool) -> None:
    alice, bob = (gateway.world.user(name).id for name in ("alice", "bob"))
    bot = make(gateway, only_for=[bob, alice] if several else bob)
    await bot.login()
    first = await pages(gateway)
    if several:
        shown = await turn(gateway, first, first, "▶", "alice")
        shown = await turn(gateway, first, shown, "▶", "bob")
        assert shown.text == "item 4"
        stranger = gateway.world.add_user("carol").username
    else:
        shown, stranger = first, "alice"
    back = buttons(shown.content)[0 if several else 2][1]
    await gateway.click(first, back, user=stranger)
    assert "for another user" in (await gateway.next_sent(SECRET)).text
    await bot.disconnect()


async def test_the_caller_or_anybody(gateway: LocalGateway) -> None:
    mine = make(gateway)
    await mine.login()
    first = await pages(gateway)
    await gateway.click(first, buttons(first.content)[2][1], user="bob")
    assert "for another user" in (await gateway.next_sent(SECRET)).text
    await mine.disconnect()
    open_to_all = make(gateway, anybody=True)
    await open_to_all.login()
    first = await pages(gateway)
    assert (await turn(gateway, first, first, "▶", "bob")).text == "item 2\nitem 3"
    await open_to_all.disconnect()


async def test_pages_work_after_a_restart_until_they_expire(gateway: LocalGateway, tmp_path: Path) -> None:
    bot = make(gateway, tmp_path / "state.db")
    await bot.login()
    first = await pages(gateway)
    await bot.disconnect()
    bot = Bot(**gateway.client_options(), state=tmp_path / "state.db")
    await bot.login()
    second = await turn(gateway, first, first, "▶")
    assert second.text == "item 2\nitem 3"
    ((key, _),) = await bot.records.keys()
    await bot.records.delete(key)
    await gateway.click(first, buttons(second.content)[0][1], user="alice")
    assert (await gateway.next_sent(SECRET)).text == "These pages have expired."
    await bot.disconnect()


@pytest.mark.parametrize(
    "render",
    [
        lambda items: Text().bold(f"{len(items)}"),
        lambda items: {"t": f"{len(items)}"},
        lambda items: ChannelMessageContent(t=f"{len(items)}"),
    ],
)
async def test_every_kind_of_content_can_be_a_page(gateway: LocalGateway, render: Any) -> None:
    bot = make(gateway, render=render)
    await bot.login()
    first = await pages(gateway)
    assert first.text == "2"
    second = await turn(gateway, first, first, "▶")
    assert second.text == "2"
    assert second.content.get("mk") == first.content.get("mk")
    await bot.disconnect()


async def test_wrong_arguments_are_refused(gateway: LocalGateway) -> None:
    bot = Bot(**gateway.client_options(), state=":memory:")
    reasons: list[str] = []

    def wrong(items: Sequence[int]) -> Any:
        return len(items)

    @bot.command()
    async def ping(ctx: Context) -> None:
        for options in (
            {"per_page": 0},
            {"per_page": True},
            {"anybody": True, "only_for": 5},
            {"only_for": []},
            {"only_for": "nobody"},
            {"render": wrong},
        ):
            with pytest.raises(InvalidArgumentError) as caught:
                await ctx.paginate(range(30), **options)
            reasons.append(str(caught.value))
        await ctx.reply("pong")

    await bot.login()
    assert await answer_to(gateway, "!ping") == "pong"
    assert len(reasons) == 6
    await bot.disconnect()
