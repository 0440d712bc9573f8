"""What handlers are given (docs/contract.md, "Payloads")."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mezon.constants import Events
from mezon.models import ChannelMessage
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from peer import Gateway, Inbox


async def message(gateway: Gateway, client: Any, **fields: Any) -> Any:
    inbox = Inbox()
    client.on_channel_message(inbox)
    fields.setdefault("message_id", 77)
    fields.setdefault("channel_id", await gateway.channel_id("general"))
    fields.setdefault("clan_id", await gateway.clan_id())
    fields.setdefault("sender_id", await gateway.user_id("alice"))
    await gateway.push(channel_message=api_pb2.ChannelMessage(**fields))
    return await inbox.next()


@pytest.mark.parametrize("name", [Events.CHANNEL_MESSAGE, "channel_message"], ids=["Events", "str"])
async def test_event_key(gateway: Gateway, client: Any, name: str) -> None:
    """The event key is the envelope's field name; a member of Events is a str equal to it."""
    assert isinstance(Events.CHANNEL_MESSAGE, str)
    assert Events.CHANNEL_MESSAGE == "channel_message"
    inbox = Inbox()
    client.on(name, inbox)
    await gateway.say("general", "alice", "hi")
    assert isinstance(await inbox.next(), ChannelMessage)


async def test_one_argument(gateway: Gateway, client: Any) -> None:
    """A handler gets one argument."""
    inbox = Inbox()

    def handler(*args: Any, **kwargs: Any) -> None:
        inbox((args, kwargs))

    client.on("message_typing_event", handler)
    await gateway.push(message_typing_event={"channel_id": 5})
    args, kwargs = await inbox.next()
    assert len(args) == 1
    assert kwargs == {}


async def test_content_is_a_dict(gateway: Gateway, client: Any) -> None:
    """The content of a channel_message is a dict."""
    received = await message(gateway, client, content='{"t":"xin chào","mk":[{"s":0,"e":3}]}')
    assert received.content == {"t": "xin chào", "mk": [{"s": 0, "e": 3}]}


async def test_zeros_of_a_message(gateway: Gateway, client: Any) -> None:
    """Names are "" and not None, topic_id is 0 and not None, lists are lists of models."""
    received = await message(gateway, client, content='{"t":"x"}')
    for name in (
        "username",
        "display_name",
        "clan_nick",
        "avatar",
        "clan_avatar",
        "channel_label",
        "category_name",
    ):
        assert getattr(received, name) == "", name
    assert received.topic_id == 0
    assert (received.mentions, received.attachments, received.reactions, received.references) == (
        [],
        [],
        [],
        [],
    )


async def test_lists_are_models(gateway: Gateway, client: Any) -> None:
    """Mentions, attachments, references and reactions are lists of models."""
    received = await message(
        gateway,
        client,
        content="{}",
        mentions=api_pb2.MessageMentionList(
            mentions=[api_pb2.MessageMention(user_id=1, s=2, e=3)]
        ).SerializeToString(),
        attachments=api_pb2.MessageAttachmentList(
            attachments=[api_pb2.MessageAttachment(url="u", thumbnail="t", duration=9)]
        ).SerializeToString(),
        references=api_pb2.MessageRefList(refs=[api_pb2.MessageRef(message_ref_id=4)]).SerializeToString(),
        reactions=api_pb2.MessageReactionList(
            reactions=[api_pb2.MessageReaction(emoji="ok", count=2)]
        ).SerializeToString(),
    )
    (mention,), (attachment,) = received.mentions, received.attachments
    (reference,), (reaction,) = received.references, received.reactions
    assert (type(mention).__name__, mention.user_id, mention.s, mention.e) == ("ApiMessageMention", 1, 2, 3)
    assert (type(attachment).__name__, attachment.url, attachment.thumbnail) == (
        "ApiMessageAttachment",
        "u",
        "t",
    )
    assert (type(reference).__name__, reference.message_ref_id) == ("ApiMessageRef", 4)
    assert (type(reaction).__name__, reaction.emoji, reaction.count) == ("ApiMessageReaction", "ok", 2)


async def test_parts_that_are_json(gateway: Gateway, client: Any) -> None:
    """Mentions, attachments, references and reactions that are JSON instead of protobuf are read too."""
    received = await message(
        gateway,
        client,
        content="{}",
        mentions=b'[{"user_id":"1","s":2,"e":3}]',
        attachments=b'[{"url":"u","filename":"f"}]',
        references=b'[{"message_ref_id":"4"}]',
        reactions=b'[{"emoji":"ok","count":2}]',
    )
    assert [(m.user_id, m.s, m.e) for m in received.mentions] == [(1, 2, 3)]
    assert [(a.url, a.filename) for a in received.attachments] == [("u", "f")]
    assert [r.message_ref_id for r in received.references] == [4]
    assert [(r.emoji, r.count) for r in received.reactions] == [("ok", 2)]


@pytest.mark.parametrize("text", ["[1]", '"hi"', "null", "7", '{"t":', "", "hi", "\x00"])
async def test_content_that_is_no_object(gateway: Gateway, client: Any, text: str) -> None:
    """Content that is no JSON object still gives a ChannelMessage, with content {} and the raw text beside."""
    received = await message(gateway, client, content=text)
    assert isinstance(received, ChannelMessage)
    assert received.content == {}
    assert received.raw_content == text


@pytest.mark.parametrize("text", ["[1]", '"hi"', "null", '{"t":'])
async def test_content_that_is_no_object_still_comes(gateway: Gateway, client: Any, text: str) -> None:
    """A message whose content is no JSON object reaches the handler as a ChannelMessage."""
    received = await message(gateway, client, content=text)
    assert isinstance(received, ChannelMessage)
    assert received.message_id == 77


async def test_content_as_json(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """MezonClient(content_as_json=True) gives content as the JSON string, for bots that json.loads it."""
    client = make_client(content_as_json=True)
    await client.login()
    received = await message(gateway, client, content='{"t": "hi", "n": 1}')
    assert isinstance(received.content, str)
    assert json.loads(received.content) == {"t": "hi", "n": 1}
    channel = await client.channels.fetch(received.channel_id)
    cached = await channel.messages.fetch(received.message_id)
    assert json.loads(cached.content) == {"t": "hi", "n": 1}


@pytest.mark.parametrize("event", ["channel_created_event", "channel_updated_event"])
async def test_channel_avatar(gateway: Gateway, client: Any, event: str) -> None:
    """channel_avatar of a channel event takes the str of the wire, or a list."""
    inbox = Inbox()
    client.on(event, inbox)
    await gateway.push(**{event: {"channel_id": 1, "clan_id": 2, "channel_avatar": "https://x.example/a"}})
    received = await inbox.next()
    assert received.channel_avatar == "https://x.example/a"
    model = type(received)
    again = model.model_validate({**received.model_dump(), "channel_avatar": ["a", "b"]})
    assert again.channel_avatar == ["a", "b"]


async def test_protobuf_objects_are_real(gateway: Gateway, client: Any) -> None:
    """Events without a model are google.protobuf messages with HasField and isinstance."""
    inbox = Inbox()
    client.on("role_event", inbox)
    await gateway.push(role_event=realtime_pb2.RoleEvent(role=api_pb2.Role(id=3), user_id=4))
    received = await inbox.next()
    assert isinstance(received, realtime_pb2.RoleEvent)
    assert received.HasField("role")
    assert received.role.id == 3
    inbox = Inbox()
    client.on("message_reaction_event", inbox)
    await gateway.push(message_reaction_event=api_pb2.MessageReaction(id=5))
    assert isinstance(await inbox.next(), api_pb2.MessageReaction)


async def test_a_frame_nobody_can_read(gateway: Gateway, client: Any) -> None:
    """Text frames, unknown fields and broken frames cost nothing but themselves."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    await gateway.call("push_text", "hello")
    await gateway.push_raw(b"")
    await gateway.push_raw(b"\xca\x7f\x00")
    await gateway.say("general", "alice", "still here")
    assert (await inbox.next()).content == {"t": "still here"}
