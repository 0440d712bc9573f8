"""examples/form_bot.py against the local gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from example_kit import EXAMPLES, Load, running
from mezon import MezonClient
from mezon.testing import LocalGateway


@pytest_asyncio.fixture
async def bot(gateway: LocalGateway, load: Load) -> AsyncIterator[MezonClient]:
    module = load("form_bot")
    async with running(module.bot) as bot:
        yield bot


async def open_order(gateway: LocalGateway) -> int:
    """Open an order as Alice; return the id of the bot's message."""
    command = await gateway.say("general", "alice", "*lunch")
    form = await gateway.next_sent("channel_message_send")
    assert [reference.message_ref_id for reference in form.message.references] == [command]
    reaction = await gateway.next_sent("message_reaction_event")
    assert (reaction.message.message_id, reaction.message.emoji) == (command, ":thumbsup:")
    (sent,) = [m for m in gateway.world.messages(gateway.world.channel("general")) if m.message_id != command]
    return int(sent.message_id)


async def test_the_form(gateway: LocalGateway, bot: Any) -> None:
    await gateway.say("general", "alice", "*lunch")
    form = await gateway.next_sent("channel_message_send")
    (embed,) = form.content["embed"]
    assert [one["name"] for one in embed["fields"]][:3] == ["Phở bò", "Bánh mì", "Cơm tấm"]
    assert embed["fields"][3]["inputs"]["id"] == "dish"
    (row,) = form.content["components"]
    assert [one["id"] for one in row["components"]] == ["order:pho", "order:banh-mi", "order:com", "cancel"]


async def test_a_whole_lunch(gateway: LocalGateway, client: str, bot: Any) -> None:
    message_id = await open_order(gateway)
    # The buttons have the handler of the example, the select box of the form has none.
    await gateway.select(message_id, "bob", "dish", "order:com")
    for user, button, word in (("bob", "order:pho", "Phở bò it is"), ("chi", "order:com", "Cơm tấm it is")):
        await gateway.click(message_id, user, button)
        edit = await gateway.next_sent("UpdateChannelMessage")
        assert edit.payload.message_id == message_id
        secret = await gateway.next_sent("ephemeral_message_send")
        assert secret.text.startswith(word)
        assert list(secret.message.receiver_ids) == [gateway.world.user(user).id]
        assert secret.payload.references[0].message_ref_id == message_id
    fields = edit.content["embed"][0]["fields"]
    assert [one["value"] for one in fields[:3]] == ["1 ordered", "0 ordered", "1 ordered"]

    await gateway.click(message_id, "chi", "cancel")
    assert (await gateway.next_sent("ephemeral_message_send")).text == "You get nothing."
    await gateway.next_sent("UpdateChannelMessage")

    await gateway.say("general", "bob", "*close")
    assert (await gateway.next_sent("ephemeral_message_send")).text == "Only who opened it can close it."
    await gateway.say("general", "alice", "*close")
    last = await gateway.next_sent("UpdateChannelMessage")
    assert last.text == "Lunch is ordered."
    assert "components" not in last.content
    dm = await gateway.next_sent("channel_message_send")
    assert dm.text == "Your Phở bò is on its way."
    assert dm.channel_id == gateway.world.dm("bob").id


async def test_empty_order_is_deleted(gateway: LocalGateway, bot: Any) -> None:
    message_id = await open_order(gateway)
    await gateway.say("general", "alice", "*lunch")
    assert "already" in (await gateway.next_sent("ephemeral_message_send")).text
    await gateway.say("general", "alice", "*close")
    removed = await gateway.next_sent("DeleteChannelMessage")
    assert removed.payload.message_id == message_id
    assert gateway.world.message(message_id) is None


async def test_the_chef(gateway: LocalGateway, bot: Any) -> None:
    await gateway.say("general", "alice", "*chef @bob", mentions=["bob"])
    assert "Mention somebody" in (await gateway.next_sent("ephemeral_message_send")).text
    role = gateway.world.add_role("Chef")
    await gateway.say("general", "alice", "*chef @bob", mentions=["bob"])
    assert (await gateway.next_sent("channel_message_send")).text == "1 new Chef"
    assert role.user_ids == {gateway.world.user("bob").id}


def test_form_bot_is_short() -> None:
    assert len((EXAMPLES / "form_bot.py").read_text(encoding="utf-8").splitlines()) <= 147 // 2
