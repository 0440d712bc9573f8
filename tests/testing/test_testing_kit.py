"""The testing kit: clicks and forms, expectations that list what was sent instead, and a movable clock."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import date
from typing import Any

import pytest
from gateway_peer import Peer
from mezon import MezonClient
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.structures import ButtonBuilder, InteractiveBuilder
from mezon.testing import LocalGateway
from mezon.testing.clock import MovableTime
from mezon.testing.interactions import name_of_button
from mezon.testing.messages import components_of
from mezon.testing.records import Sent

rt = realtime_pb2

OPTIONS = [{"label": "Phở", "value": "pho"}, {"label": "Bún", "value": "bun"}]
BUTTONS = [
    {"id": "yes", "type": 1, "component": {"label": "Yes", "style": 3}},
    {"id": "no", "type": 1, "component": {"label": "No", "style": 4}},
]


def form(*, buttons: int = 1) -> dict[str, Any]:
    """Return a form of the package's builders, for a bot to send."""
    made = InteractiveBuilder("Lunch")
    made.add_select_field("dish", "Dish", OPTIONS)
    made.add_radio_field("size", "Size", [{"label": "S", "value": "s"}, {"label": "L", "value": "l"}])
    made.add_datepicker_field("when", "When")
    made.add_input_field("note", "Note")
    return {"t": "form", "embed": [made.build()], "components": [{"components": BUTTONS[:buttons]}]}


async def sent_by_bot(gateway: LocalGateway, peer: Peer, content: dict[str, Any]) -> Sent:
    room = gateway.world.channel("general")
    await peer.call(
        channel_message_send=rt.ChannelMessageSend(
            clan_id=room.clan_id, channel_id=room.id, content=json.dumps(content)
        )
    )
    await peer.read()
    return await gateway.next_sent("message")


def test_the_parts_of_a_form_of_the_builders() -> None:
    buttons = ButtonBuilder().add_button("b", "B", 1).build()
    found = components_of({**form(buttons=2), "more": buttons})
    assert [(p.id, p.kind, p.options) for p in found] == [
        ("dish", 2, ("pho", "bun")),
        ("size", 5, ("s", "l")),
        ("when", 4, ()),
        ("note", 3, ()),
        ("yes", 1, ()),
        ("no", 1, ()),
        ("b", 1, ()),
    ]
    assert components_of({"t": "no form", "embed": [{"id": "x", "type": 3}]}) == []
    assert components_of(None) == []


async def test_what_the_bot_sent_can_be_clicked(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, form(buttons=2))
    alice, bob = gateway.world.user("alice"), gateway.world.user("bob")
    await gateway.click(sent, "yes")
    event = (await peer.read()).message_button_clicked
    assert (event.message_id, event.button_id, event.user_id) == (sent.message_id, "yes", alice.id)
    assert (event.sender_id, event.extra_data) == (gateway.bot_id, "")
    await gateway.click(sent, "no", user="bob")
    assert (await peer.read()).message_button_clicked.user_id == bob.id
    await gateway.click(sent, "bob", "no", values={"dish": "pho", "when": date(2026, 12, 1), "note": 4})
    event = (await peer.read()).message_button_clicked
    assert (event.user_id, event.button_id) == (bob.id, "no")
    assert json.loads(event.extra_data) == {"dish": "pho", "when": "2026-12-01", "note": "4"}


async def test_a_click_that_nobody_could_make_is_an_error(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, form(buttons=2))
    with pytest.raises(LookupError, match="no button 'maybe'") as caught:
        await gateway.click(sent, "maybe")
    assert str(caught.value).endswith(
        "its buttons are 'yes', 'no'; name one by label, index, or id, which Button(id=...) sets"
    )
    with pytest.raises(LookupError, match=r"no field 'dosh'; its fields are 'dish', 'size', 'when', 'note'"):
        await gateway.click(sent, "yes", values={"dosh": "pho"})
    with pytest.raises(ValueError, match=r"'com' is not an option of 'dish'; its options are pho, bun"):
        await gateway.click(sent, "yes", values={"dish": "com"})
    with pytest.raises(LookupError, match="there is no user 'nobody'"):
        await gateway.click(sent, "yes", user="nobody")
    plain = await sent_by_bot(gateway, peer, {"t": "no buttons"})
    with pytest.raises(LookupError, match="it has no buttons"):
        await gateway.click(plain, "yes")
    with pytest.raises(LookupError, match=r"no button with the index 2; its buttons are 'yes', 'no'"):
        await gateway.click(sent, "bob", 2)
    # By its id anything may be clicked, as an old or a broken client can.
    for message in (plain, sent):
        await gateway.click(message.message_id, "bob", "maybe")
        assert (await peer.read()).message_button_clicked.button_id == "maybe"


async def test_a_button_is_found_by_what_it_says_and_by_its_place(gateway: LocalGateway, peer: Peer) -> None:
    """Some bots generate new ids each time, so that a test needs another name."""
    buttons = ButtonBuilder()
    for button_id, label in (
        ("x81", "Order"),
        ("x82", "Again"),
        ("x83", "Again"),
        ("Order!", "x81"),
        ("x85", ""),
    ):
        buttons.add_button(button_id, label, 1)
    sent = await sent_by_bot(gateway, peer, {"t": "?", "components": [{"components": buttons.build()}]})
    assert sent.buttons == ["Order", "Again", "Again", "x81", ""]
    for wanted, pressed in (("Order", "x81"), ("x81", "x81"), (0, "x81"), (2, "x83"), (4, "x85")):
        await gateway.click(sent, "alice", wanted)
        assert (await peer.read()).message_button_clicked.button_id == pressed
        await gateway.click(sent.message_id, "alice", wanted)
        assert (await peer.read()).message_button_clicked.button_id == pressed
    await gateway.submit(sent, button="Order")
    assert (await peer.read()).message_button_clicked.button_id == "x81"
    with pytest.raises(
        LookupError, match=r"several buttons have the label 'Again': .*'x81' \(Order\), 'x82' \(Again\)"
    ):
        await gateway.click(sent, "Again")
    parts = components_of(sent.content)
    names = [name_of_button(parts, one) for one in ("x81", "x82", "x83", "Order!", "x85", "gone")]
    assert names == ["Order", 1, 2, 3, 4, "gone"]


async def test_select(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, form())
    await gateway.select(sent, "dish", "pho")
    await gateway.select(sent, "dish", "bun", user="bob")
    await gateway.select(sent, "bob", "dish", ["bun"])
    events = [(await peer.read()).message_button_clicked for _ in range(3)]
    assert [(e.button_id, e.extra_data) for e in events] == [
        ("dish", "pho"),
        ("dish", "bun"),
        ("dish", "bun"),
    ]
    assert events[1].user_id == events[2].user_id == gateway.world.user("bob").id
    await gateway.select(sent, "dish", "pho", dropdown=True)
    event = (await peer.read()).dropdown_box_selected
    assert (event.selectbox_id, list(event.values), event.sender_id) == ("dish", ["pho"], gateway.bot_id)
    with pytest.raises(ValueError, match="takes one value"):
        await gateway.select(sent, "dish", ["pho", "bun"])
    with pytest.raises(ValueError, match="is not an option"):
        await gateway.select(sent, "dish", "com")
    with pytest.raises(TypeError, match="the chosen values"):
        await gateway.select(sent, "dish")


async def test_fill_and_submit(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, form())
    await gateway.fill(sent, dish="pho", size="l", note="xin chào")
    event = (await peer.read()).message_button_clicked
    assert (event.button_id, event.extra_data) == ("dish", "pho")
    event = (await peer.read()).message_button_clicked
    assert event.button_id == "yes"
    assert json.loads(event.extra_data) == {"dish": "pho", "size": "l", "note": "xin chào"}
    both = await sent_by_bot(gateway, peer, form(buttons=2))
    with pytest.raises(LookupError, match=r"name the button to press; its buttons are 'yes', 'no'"):
        await gateway.fill(both, note="x")
    await gateway.submit(both, {"note": "x"}, button="no", user="chi")
    event = (await peer.read()).message_button_clicked
    assert (event.button_id, event.user_id) == ("no", gateway.world.user("chi").id)


async def test_an_ephemeral_message_can_be_clicked(gateway: LocalGateway, peer: Peer) -> None:
    room = gateway.world.channel("general")
    inner = rt.ChannelMessageSend(clan_id=room.clan_id, channel_id=room.id, content=json.dumps(form()))
    await peer.call(ephemeral_message_send=rt.EphemeralMessageSend(message=inner, receiver_ids=[1]))
    sent = await gateway.next_sent("ephemeral")
    await gateway.fill(sent, note="mine alone")
    assert (await peer.read()).message_button_clicked.message_id == sent.message_id != 0
    assert gateway.world.message(sent.message_id) is None


async def test_edit_delete_and_react_take_what_was_sent(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, {"t": "x"})
    await gateway.react(sent, "alice", "👍")
    assert (await peer.read()).message_reaction_event.message_id == sent.message_id
    await gateway.edit(sent, "y")
    assert (await peer.read()).channel_message.code == 1
    await gateway.say("general", "bob", "about it", reply_to=sent)
    (ref,) = api_pb2.MessageRefList.FromString((await peer.read()).channel_message.references).refs
    assert ref.message_ref_id == sent.message_id
    await gateway.delete(sent)
    assert (await peer.read()).channel_message.code == 2
    with pytest.raises(LookupError, match=f"no message {sent.message_id}"):
        await gateway.click(sent, "yes")


async def test_users_come_and_go(gateway: LocalGateway, peer: Peer) -> None:
    clan, room = gateway.world.clan(), gateway.world.channel("general")
    dave = gateway.world.add_user("dave", clans=[])
    await gateway.join("dave")
    added = (await peer.read()).add_clan_user_event
    assert (added.clan_id, added.user.username, dave.id in clan.member_ids) == (clan.id, "dave", True)
    await gateway.join("dave", "general")
    channel = (await peer.read()).user_channel_added_event
    assert (channel.channel_desc.channel_id, channel.users[0].user_id) == (room.id, dave.id)
    await gateway.leave("dave", room)
    gone = (await peer.read()).user_channel_removed_event
    assert (gone.channel_id, list(gone.user_ids), room.member_ids) == (room.id, [dave.id], [])
    await gateway.leave("dave", "Playground")
    left = (await peer.read()).user_clan_removed_event
    assert (left.clan_id, list(left.user_ids), dave.id in clan.member_ids) == (clan.id, [dave.id], False)


# Expectations, with the fixture `client`


async def answer(client: MezonClient) -> None:
    """A bot that answers every command."""

    @client.on_channel_message
    async def talk(message: Any) -> None:
        if message.sender_id == client.client_id or message.code:
            return
        channel = await client.channels.fetch(message.channel_id)
        match message.content["t"].split():
            case ["!poll", *choices]:
                await channel.send("poll: " + ", ".join(choices))
            case ["!change"]:
                said = await channel.send("old")
                mine = await channel.messages.fetch(said.message_id)
                await mine.update({"t": "new"})
                await mine.react(1, "👍", 1)
                await mine.delete()


async def test_command_gives_the_answer(gateway: LocalGateway, client: MezonClient) -> None:
    await answer(client)
    assert client.state == "ready"
    sent = await gateway.command("alice", "!poll a b")
    assert sent.text == "poll: a, b"
    assert (await gateway.command("bob", "!poll c", channel="random")).channel_id != sent.channel_id
    with pytest.raises(
        AssertionError, match=r"to send a message within 0.1 s; it sent instead:(.|\n)*poll: a, b"
    ):
        await gateway.command("alice", "hm", timeout=0.1)


async def test_expectations_are_met(gateway: LocalGateway, client: MezonClient) -> None:
    await answer(client)
    await gateway.say("general", "alice", "!change")
    said = await gateway.expect("old", channel="general")
    assert (await gateway.expect_update("new")).message_id == said.message_id
    assert (await gateway.expect_reaction("👍")).message_id == said.message_id
    await gateway.expect_delete(said)
    await gateway.expect_nothing(seconds=0.05)
    await gateway.say("general", "alice", "!poll a")
    assert (await gateway.expect(re.compile("^poll"))).text == "poll: a"


async def test_updates_and_deletions_have_their_names_for_next_sent(
    gateway: LocalGateway, client: MezonClient
) -> None:
    await answer(client)
    gateway.answer_with_error("update", 13, "no")
    await gateway.say("general", "alice", "!change")
    assert (await gateway.next_sent("channel_message_update")).text == "new"
    gateway.clear_faults()
    await gateway.say("general", "alice", "!change")
    assert (await gateway.next_sent("update")).api_name == "UpdateChannelMessage"
    assert (await gateway.next_sent("delete")).name == "delete"


async def test_an_expectation_that_fails_says_what_was_done_instead(
    gateway: LocalGateway, client: MezonClient
) -> None:
    await answer(client)
    with pytest.raises(AssertionError, match="it sent nothing; 1 connections are open"):
        await gateway.expect("hello", timeout=0.05)
    await gateway.say("general", "alice", "!change")
    await gateway.expect_delete()
    with pytest.raises(AssertionError) as failed:
        await gateway.expect("hello", channel="general", timeout=0.05)
    text = str(failed.value)
    assert "expected to send a message in general with the text 'hello' within 0.05 s" in text
    assert "\n  message in general: 'old'\n" in text
    assert re.search(r"\n  update in general of message \d+: 'new'\n", text)
    assert re.search(r"\n  reaction in general 👍 to message \d+\n", text)
    assert re.search(r"\n  delete in general of message \d+ \(taken by an earlier line of the test\)", text)
    with pytest.raises(AssertionError, match=r"send nothing, but it sent:\n  message in general: 'old'"):
        await gateway.expect_nothing(seconds=0)
    await gateway.expect_nothing("ephemeral", seconds=0)


# Time


async def test_timers_fire_in_their_order_at_their_times(clock: MovableTime) -> None:
    start_wall, start = time.time(), asyncio.get_running_loop().time()
    seen: list[tuple[str, int]] = []

    async def every(name: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            seen.append((name, round(asyncio.get_running_loop().time() - start)))

    tasks = [asyncio.create_task(every("slow", 700)), asyncio.create_task(every("quick", 300))]
    began = time.perf_counter()
    await clock.advance(minutes=20)
    assert seen == [
        ("quick", 300),
        ("quick", 600),
        ("slow", 700),
        ("quick", 900),
        *sorted(seen[4:]),
    ]
    assert sorted(seen[4:]) == [("quick", 1200)] or seen[4:] == []
    assert 1200 <= time.time() - start_wall < 1260
    assert time.perf_counter() - began < 60
    for task in tasks:
        task.cancel()
    with pytest.raises(ValueError, match="can only advance"):
        await clock.advance(-1)


async def test_time_is_real_again_afterwards() -> None:
    real, loop_real = time.time, asyncio.get_running_loop().time()
    with MovableTime() as clock:
        await clock.advance(hours=3)
        assert clock.ahead >= 3 * 3600 - 1
    assert time.time is real
    assert asyncio.get_running_loop().time() - loop_real < 3600


async def test_a_bot_lives_through_hours_in_a_moment(
    gateway: LocalGateway, client: MezonClient, clock: MovableTime
) -> None:
    room = gateway.world.channel("general")

    async def remind() -> None:
        await asyncio.sleep(3 * 3600)
        await client.send_message(room.clan_id, room.id, 2, True, "time is up")

    task = asyncio.create_task(remind())
    await clock.advance(hours=2)
    await gateway.expect_nothing(seconds=0)
    await clock.advance(hours=1, seconds=1)
    assert (await gateway.expect()).text == "time is up"
    await task
    assert gateway.connections.total == 1, "nobody took the jump for silence"
