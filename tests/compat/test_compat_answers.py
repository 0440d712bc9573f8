"""What calls answer, and the words of what they refuse (docs/contract.md, "Objects")."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from mezon.protobuf.rtapi import realtime_pb2
from peer import Gateway, Inbox

SMALL_CALLS = [
    pytest.param(
        "write_message_typing",
        (0, 600, 2, True),
        {"channelId": "600", "mode": 2, "isPublic": True},
        {"clan_id": 0, "channel_id": 600, "mode": 2, "is_public": True},
        id="typing",
    ),
    pytest.param(
        "write_last_seen_message",
        (500, 600, 2, 700, 1234),
        {"clanId": "500", "channelId": "600", "messageId": "700", "mode": 2, "timestampSeconds": 1234},
        {"channel_id": 600, "message_id": 700, "timestamp_seconds": 1234},
        id="seen",
    ),
    pytest.param(
        "write_last_pin_message",
        (500, 600, 2, True, 700, 1234, 1),
        {
            "clanId": "500",
            "channelId": "600",
            "messageId": "700",
            "mode": 2,
            "timestampSeconds": 1234,
            "operation": 1,
            "isPublic": True,
        },
        {"channel_id": 600, "message_id": 700, "operation": 1, "user_id": 0},
        id="pin",
    ),
    pytest.param(
        "write_custom_status",
        (500, "busy"),
        {"clanId": "500", "status": "busy"},
        {"clan_id": 500, "status": "busy", "time_reset": 0},
        id="status",
    ),
    pytest.param(
        "write_voice_joined",
        ("id", 500, "clan", 600, "voice", "7"),
        {
            "clanId": "500",
            "clanName": "clan",
            "id": "id",
            "participant": "7",
            "voiceChannelLabel": "voice",
            "voiceChannelId": "600",
        },
        {"clan_id": 500, "voice_channel_id": 600, "last_screenshot": ""},
        id="voice",
    ),
    pytest.param(
        "check_duplicate_clan_name", ("no such clan",), {"name": "no such clan"}, {"exist": False}, id="name"
    ),
]


@pytest.mark.parametrize(("name", "arguments", "answer", "snake"), SMALL_CALLS)
async def test_small_calls(client: Any, name: str, arguments: Any, answer: Any, snake: Any) -> None:
    """Typing, seen, pin, status and voice answer dicts in protobuf's JSON form: lowerCamelCase, ids as texts."""
    got = await getattr(client.socket_manager.get_socket(), name)(*arguments)
    assert got == answer
    assert list(got) == list(answer)
    assert json.loads(json.dumps(got)) == answer
    assert {**got} == answer


@pytest.mark.parametrize(("name", "arguments", "answer", "snake"), SMALL_CALLS)
async def test_small_calls_by_the_protocols_names(
    client: Any, name: str, arguments: Any, answer: Any, snake: Any
) -> None:
    """The same dicts are read by the protocol's names, too: ints, zeros included."""
    got = await getattr(client.socket_manager.get_socket(), name)(*arguments)
    assert {key: got[key] for key in snake} == snake
    assert {key: got.get(key) for key in snake} == snake
    assert all(key in got for key in snake)
    assert (got.get("nothing"), got.get("nothing", 3), "nothing" in got) == (None, 3, False)
    with pytest.raises(KeyError, match="nothing"):
        got["nothing"]


async def test_joins_answer_where(gateway: Gateway, client: Any) -> None:
    """join_clan_chat and join_chat answer the ids of what was joined."""
    socket = client.socket_manager.get_socket()
    clan_id, channel_id = await gateway.clan_id(), await gateway.channel_id("general")
    assert (await socket.join_clan_chat(clan_id)).clan_id == clan_id
    joined = await socket.join_chat(clan_id, channel_id, 1, True)
    assert (joined.clan_id, joined.channel_id, joined.channel_type, joined.is_public) == (
        clan_id,
        channel_id,
        1,
        True,
    )


async def test_leave_chat_answers_what_was_left(gateway: Gateway, client: Any) -> None:
    """leave_chat answers the ids of what was left."""
    clan_id, channel_id = await gateway.clan_id(), await gateway.channel_id("general")
    left = await client.socket_manager.get_socket().leave_chat(clan_id, channel_id, 1, True)
    assert (left.clan_id, left.channel_id, left.channel_type, left.is_public) == (
        clan_id,
        channel_id,
        1,
        True,
    )


async def test_list_quick_menu_access_answers_models(client: Any) -> None:
    """list_quick_menu_access answers an object with list_menus, whose entries are ApiQuickMenuAccess models."""
    from mezon.models import ApiQuickMenuAccess

    menu = {"channel_id": 0, "clan_id": 0, "menu_type": 1, "action_msg": "/a", "background": ""}
    await client.add_quick_menu_access(**menu, menu_name="Menu")
    (found,) = (await client.list_quick_menu_access(bot_id=client.client_id, menu_type=1)).list_menus
    assert (found.menu_name, found.action_msg) == ("Menu", "/a")
    assert isinstance(found, ApiQuickMenuAccess)


async def test_a_pong_nobody_asked_for(gateway: Gateway, client: Any) -> None:
    """A pong that answers no ping is an event like any other; it harms nothing."""
    from mezon.models import Pong

    inbox = Inbox()
    client.event_manager.on("pong", inbox)
    await gateway.push(pong={})
    assert isinstance(await inbox.next(), Pong)
    assert await client.socket_manager.is_connected() is True


async def test_react_answers_where(gateway: Gateway, client: Any) -> None:
    """message.react() answers channel_id, message_id and mode."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    await gateway.say("general", "alice", "hello")
    event = await inbox.next()
    channel = await client.channels.fetch(event.channel_id)
    message = await channel.messages.fetch(event.message_id)
    answer = await message.react(emoji_id=5, emoji="heart", count=1)
    assert (answer.emoji_id, answer.emoji, answer.count) == (5, "heart", 1)
    assert (answer.channel_id, answer.message_id, answer.mode) == (event.channel_id, event.message_id, 2)


async def test_messages_fetch_of_none(gateway: Gateway, client: Any) -> None:
    """messages.fetch of an unknown message raises ValueError("Message 5 not found on channel 6!")."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    with pytest.raises(ValueError, match=f"^Message 12345 not found on channel {channel.id}!$"):
        await channel.messages.fetch(12345)


async def test_the_adapter_refuses_what_is_no_envelope(client: Any) -> None:
    """adapter.send("x") raises ValueError("Invalid message type: <class 'str'>")."""
    with pytest.raises(ValueError, match=r"^Invalid message type: <class 'str'>$"):
        await client.socket_manager.adapter.send("x")


@pytest.mark.parametrize("encoded", [False, True], ids=["envelope", "bytes"])
async def test_the_adapter_sends(gateway: Gateway, client: Any, encoded: bool) -> None:
    """adapter.send(...) takes an envelope, or the bytes of one."""
    envelope = realtime_pb2.Envelope(
        message_typing_event=realtime_pb2.MessageTypingEvent(channel_id=await gateway.channel_id("general"))
    )
    await client.socket_manager.adapter.send(envelope.SerializeToString() if encoded else envelope)
    sent = await gateway.next_sent("message_typing_event")
    assert sent.message == envelope.message_typing_event


def test_has_listeners_before_the_first_handler(make_client: Callable[..., Any]) -> None:
    """has_listeners is True from the start for what the SDK itself acts on, and False for other events."""
    manager = make_client().event_manager
    for name in (
        "channel_message",
        "channel_created_event",
        "channel_updated_event",
        "channel_deleted_event",
        "token_sent_event",
        "user_clan_removed_event",
        "user_channel_added_event",
        "add_clan_user_event",
    ):
        assert manager.has_listeners(name) is True, name
    assert manager.has_listeners("voice_joined_event") is False


def test_fields_a_content_does_not_have(recwarn: pytest.WarningsRecorder) -> None:
    """ChannelMessageContent(t="x", mentions=[]) ignores what a content does not have."""
    from mezon.models import ChannelMessageContent

    content = ChannelMessageContent(t="x", mentions=[])
    assert content.model_dump(by_alias=True, exclude_none=True) == {"t": "x"}
