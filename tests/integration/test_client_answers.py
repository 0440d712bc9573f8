"""Answers to events, the result of a send, and that events hide both from reprs and dumps."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from mezon import (
    ButtonBuilder,
    ButtonClicked,
    ButtonMessageStyle,
    ChannelMessage,
    ChannelMessageAck,
    InvalidArgumentError,
    Message,
    MessageLimits,
    MezonClient,
    MezonError,
    TypeMessage,
    parse_extra_data,
)
from mezon.models import DropdownBoxSelected
from mezon.models._origin import HeldEvents, Origin
from mezon.protobuf.rtapi.realtime_pb2 import MessageButtonClicked
from mezon.testing import LocalGateway
from small import logged_in
from waiting import until

SENT = "channel_message_send"


async def hear(gateway: LocalGateway, client: MezonClient, text: str = "hi") -> ChannelMessage:
    waiting = asyncio.ensure_future(client.wait_for("channel_message"))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", text)
    return await waiting


@pytest.mark.parametrize("options", [{}, {"cache_size": 0}, {"content_as_json": True}])
async def test_a_message_answers(gateway: LocalGateway, options: dict[str, Any]) -> None:
    client = await logged_in(gateway, **options)
    message = await hear(gateway, client)
    assert message.client is client
    assert (message.channel.name, message.clan.id) == ("general", gateway.world.clan().id)
    assert (message.author.id, message.author.username) == (gateway.world.user("alice").id, "alice")
    if not options:
        assert message.channel is client.channels.get(message.channel_id)
        assert message.author is client.users.get(message.sender_id)

    ack = await message.reply("hello", files=[b"data", ("a.txt", b"text")])
    sent = await gateway.next_sent(SENT)
    assert [one.message_ref_id for one in sent.message.references] == [message.message_id]
    assert [(one.filename, one.size) for one in sent.message.attachments] == [("file", 4), ("a.txt", 4)]
    assert gateway.uploads[sent.message.attachments[1].url].body == b"text"
    await message.react(5, ":ok:")
    reaction = (await gateway.next_sent("message_reaction_event")).message
    assert (reaction.message_id, reaction.emoji, reaction.count) == (message.message_id, ":ok:", 1)

    assert type(ack) is ChannelMessageAck
    await ack.update("changed", hide_edited=True)
    update = await gateway.next_sent("UpdateChannelMessage")
    assert (update.payload.message_id, update.text, update.payload.hide_editted) == (
        ack.message_id,
        "changed",
        True,
    )
    assert update.payload.create_time_seconds > 0
    await ack.react(6, ":no:")
    assert (await gateway.next_sent("message_reaction_event")).message.message_id == ack.message_id
    again = await ack.reply("to myself")
    reference = (await gateway.next_sent(SENT)).message.references[0]
    assert (reference.message_ref_id, reference.message_sender_id) == (ack.message_id, client.client_id)
    await again.delete()
    assert (await gateway.next_sent("DeleteChannelMessage")).payload.message_id == again.message_id
    await client.disconnect()


async def test_the_client_is_in_no_repr_and_no_dump(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    message = await hear(gateway, client)
    bare = ChannelMessage(**{name: getattr(message, name) for name in ChannelMessage.model_fields})
    assert message == bare
    assert bare == message
    assert repr(message) == repr(bare)
    assert message.model_dump() == bare.model_dump()
    assert json.loads(message.model_dump_json()) == json.loads(bare.model_dump_json())
    assert dict(message) == dict(bare)
    assert message.model_fields_set == set(ChannelMessage.model_fields)
    for twin in (copy.copy(message), copy.deepcopy(message), message.model_copy(update={"code": 1})):
        assert twin.client is client
    loaded = pickle.loads(pickle.dumps(message))
    assert loaded == message
    assert vars(loaded) == vars(bare)
    for made in (loaded, bare, ChannelMessageAck(), ButtonClicked(), DropdownBoxSelected()):
        with pytest.raises(MezonError, match="belongs to no client"):
            _ = made.client  # type: ignore[union-attr]
    await client.disconnect()


async def test_each_event_knows_its_own_client(gateway: LocalGateway) -> None:
    """Also in a task that a handler of another client started, and after a queue."""
    gateway.add_bot(777, "other-key", "other")
    one = await logged_in(gateway)
    two = await logged_in(gateway, client_id=777, api_key="other-key")
    queue: asyncio.Queue[ChannelMessage] = asyncio.Queue()
    done: list[int] = []

    async def relay() -> None:
        for _ in range(2):
            message = await queue.get()
            await message.reply(f"I am {message.client.client_id}")
            done.append(message.client.client_id)

    @one.on_channel_message
    async def first(message: ChannelMessage) -> None:
        if message.sender_id not in (one.client_id, two.client_id):
            queue.put_nowait(message)
            await asyncio.ensure_future(relay())

    @two.on_channel_message
    async def second(message: ChannelMessage) -> None:
        if message.sender_id not in (one.client_id, two.client_id):
            queue.put_nowait(message)

    await gateway.say("general", "alice", "who?")
    said = {}
    for _ in range(2):
        sent = await gateway.next_sent(SENT)
        said[sent.connection] = sent.text
    assert said == {1: f"I am {one.client_id}", 2: "I am 777"}
    await until(lambda: sorted(done) == sorted([one.client_id, 777]))
    await one.disconnect()
    await two.disconnect()


async def test_a_click_and_a_choice_answer(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    buttons = ButtonBuilder().add_button("yes", "Yes", ButtonMessageStyle.SUCCESS).build()
    ack = await channel.send({"t": "Sure?", "components": [{"components": buttons}]})
    await gateway.next_sent(SENT)

    @client.on_message_button_clicked
    async def clicked(event: Any) -> None:
        assert type(event) is MessageButtonClicked
        assert event.client is client
        assert (event.message.id, event.message.channel_id) == (ack.message_id, channel.id)
        assert event.values == {"dish": "pho", "more": ["a", "b"], "count": "3"}
        whole = await event.message.fetch()
        assert isinstance(whole, Message)
        await event.reply(f"you said {whole.content['t']}")
        await event.update("Done")

    @client.on_dropdown_box_selected
    async def chosen(event: DropdownBoxSelected) -> None:
        await event.reply(",".join(event.values))
        await event.message.delete()

    client.channels.clear()  # as after a restart: the client has received no message of the channel
    values = json.dumps({"dish": "pho", "more": ["a", "b"], "count": 3, "left": None})
    await gateway.click(ack.message_id or 0, "alice", "yes", extra_data=values)
    reply = await gateway.next_sent(SENT)
    assert (reply.text, reply.message.references[0].message_ref_id) == ("you said Sure?", ack.message_id)
    assert (await gateway.next_sent("UpdateChannelMessage")).text == "Done"
    await gateway.select(ack.message_id or 0, "alice", "box", ["a", "b"], dropdown=True)
    assert (await gateway.next_sent(SENT)).text == "a,b"
    assert (await gateway.next_sent("DeleteChannelMessage")).payload.message_id == ack.message_id
    await client.disconnect()


@pytest.mark.parametrize("text", ["", "no", "[1]", "null", "5", '{"a":', "[" * 100_000])
def test_malformed_forms_have_no_values(text: str) -> None:
    assert parse_extra_data(text) == {}


def test_unreferenced_clicks_are_freed() -> None:
    held, origin = HeldEvents(capacity=8), Origin()
    kept = [MessageButtonClicked(message_id=number) for number in range(5)]
    for event in kept:
        held.add(event, origin)
    for number in range(1000):
        held.add(MessageButtonClicked(message_id=number), origin)
    assert len(held) < 24
    assert all(held.get(event) is origin for event in kept)
    assert held.get(MessageButtonClicked()) is None


async def test_an_event_keeps_no_client_alive(gateway: LocalGateway) -> None:
    import weakref

    client = await logged_in(gateway)
    message = await hear(gateway, client)
    await client.disconnect()
    gone = weakref.ref(client)
    del client
    for _ in range(20):
        gc.collect()
        await asyncio.sleep(0.01)
        if gone() is None:
            break
    assert gone() is None
    with pytest.raises(MezonError, match="belongs to no client"):
        await message.reply("too late")


async def test_ephemeral_messages_are_changed_and_deleted(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    alice = gateway.world.user("alice").id
    ack = await channel.send_ephemeral(alice, "one")
    await gateway.next_sent("ephemeral_message_send")
    await ack.update("two", hide_edited=True)
    sent = await gateway.next_sent("ephemeral_message_send")
    assert (sent.text, sent.payload.code, sent.payload.id) == (
        "two",
        TypeMessage.UPDATE_EPHEMERAL_MSG,
        ack.message_id,
    )
    assert list(sent.message.receiver_ids) == [alice]
    await channel.delete_ephemeral([str(alice)], ack.message_id)
    sent = await gateway.next_sent("ephemeral_message_send")
    assert (sent.payload.code, sent.payload.id) == (TypeMessage.DELETE_EPHEMERAL_MSG, ack.message_id)
    await ack.delete()
    assert (
        await gateway.next_sent("ephemeral_message_send")
    ).payload.code == TypeMessage.DELETE_EPHEMERAL_MSG
    await client.disconnect()


async def test_a_direct_message_is_changed(gateway: LocalGateway, tmp_path: Path) -> None:
    client = await logged_in(gateway)
    user = await client.users.fetch(gateway.world.user("alice").id)
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"png")
    ack = await user.send_dm_message("one", files=[picture])
    sent = await gateway.next_sent(SENT)
    assert [(one.filename, one.filetype) for one in sent.message.attachments] == [("cat.png", "image/png")]
    await ack.update("two")
    update = await gateway.next_sent("UpdateChannelMessage")
    assert (update.payload.channel_id, update.payload.mode) == (gateway.world.dm("alice").id, 4)
    for wrong in (
        "cat.png",
        picture,
        ("a.txt", b"a"),
        [5],
        [("a", "b", "c")],
        [("a.txt", str(picture))],
        [("a", 5)],
    ):
        with pytest.raises(InvalidArgumentError):
            await user.send_dm_message("one", files=wrong)  # type: ignore[arg-type]
    await client.disconnect()


async def test_nothing_is_uploaded_for_a_message_that_is_refused(gateway: LocalGateway) -> None:
    client = await logged_in(gateway, limits=MessageLimits(attachments=2, mentions=1))
    message = await hear(gateway, client)
    asked = len(gateway.requests)
    for content, files, options in (
        ("hi", [b"x"] * 3, {}),
        ("x" * 4000, [b"x"], {}),
        (None, [b"x"], {}),
        ("hi", [b"x"], {"mentions": [{"user_id": 1}, {"user_id": 2}]}),
    ):
        for send in (message.channel.send, message.reply):
            with pytest.raises(InvalidArgumentError):
                await send(content, files=files, **options)  # type: ignore[arg-type]
    assert gateway.requests[asked:] == []
    await client.disconnect()


async def test_typing_is_shown_while_the_block_runs(gateway: LocalGateway) -> None:
    client = await logged_in(gateway)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    async with channel.typing():
        sign = await gateway.next_sent("message_typing_event")
    assert (sign.message.channel_id, sign.message.mode) == (channel.id, 2)
    gateway.answer_with_error("message_typing_event", 7, "no")
    async with channel.typing():
        await gateway.next_sent("message_typing_event")
    await client.disconnect()


async def test_limits_are_checked_before_sending(gateway: LocalGateway) -> None:
    from mezon import ApiMessageAttachment, ApiMessageMention

    client = await logged_in(gateway, limits=MessageLimits(content=100, attachments=1, mentions=1))
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    ack = await channel.send("x" * 92)
    for content in ("x" * 93, "🎉" * 47, {"t": "", "embed": [{"title": "x" * 100}]}):
        with pytest.raises(InvalidArgumentError, match="may take 100 UTF-16 units"):
            await channel.send(content)
    with pytest.raises(InvalidArgumentError, match="may take 100"):
        await ack.update("x" * 93)
    with pytest.raises(InvalidArgumentError, match="1 mentions, this has 2"):
        await channel.send("x", mentions=[ApiMessageMention(user_id=1), ApiMessageMention(user_id=2)])
    with pytest.raises(InvalidArgumentError, match="1 attachments, this has 2"):
        await channel.send("x", attachments=[ApiMessageAttachment(url="a"), ApiMessageAttachment(url="b")])
    with pytest.raises(InvalidArgumentError, match="may take 100"):
        await channel.send_ephemeral(1, "x" * 93)
    assert [one.text for one in gateway.sent if one.kind == SENT] == ["x" * 92]
    await client.disconnect()
    client = await logged_in(gateway)
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    await channel.send("x" * 5000)  # no bound by default
    await client.disconnect()
