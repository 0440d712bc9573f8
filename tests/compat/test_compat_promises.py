"""What the user's page promises (docs/contract.md, "Promises")."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from mezon.constants import Events
from mezon.models import ChannelMessageContent
from mezon.protobuf.api import api_pb2
from peer import Gateway, Inbox
from waiting import until

#: The 29 helpers of the reference, and the event each is for.
HELPERS = {
    "on_channel_message": "channel_message",
    "on_channel_created": "channel_created_event",
    "on_channel_updated": "channel_updated_event",
    "on_channel_deleted": "channel_deleted_event",
    "on_token_send": "token_sent_event",
    "on_message_reaction": "message_reaction_event",
    "on_channel_user_removed": "user_channel_removed_event",
    "on_user_clan_removed": "user_clan_removed_event",
    "on_user_channel_added": "user_channel_added_event",
    "on_give_coffee": "give_coffee_event",
    "on_role_event": "role_event",
    "on_clan_event_created": "clan_event_created",
    "on_message_button_clicked": "message_button_clicked",
    "on_streaming_joined_event": "streaming_joined_event",
    "on_streaming_leaved_event": "streaming_leaved_event",
    "on_dropdown_box_selected": "dropdown_box_selected",
    "on_webrtc_signaling_fwd": "webrtc_signaling_fwd",
    "on_voice_started_event": "voice_started_event",
    "on_voice_ended_event": "voice_ended_event",
    "on_voice_joined_event": "voice_joined_event",
    "on_voice_leaved_event": "voice_leaved_event",
    "on_quick_menu_event": "quick_menu_event",
    "on_ai_agent_enabled_event": "aiagent_enabled_event",
    "on_ai_agent_session_started": "session_started",
    "on_ai_agent_session_ended": "session_ended",
    "on_ai_agent_session_summary_done": "room_summary_done",
    "on_role_assign": "role_assign_event",
    "on_notification": "notifications",
    "on_add_clan_user": "add_clan_user_event",
}
AGENT_EVENTS = {
    "session_started": "room_started",
    "session_ended": "room_ended",
    "room_summary_done": "room_summary_done",
}

CONTENTS = [
    ("plain text", {"t": "plain text"}),
    ({"t": "a dict", "lk": []}, {"t": "a dict", "lk": []}),
    (ChannelMessageContent(t="a model"), {"t": "a model"}),
]


def without_nulls(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None}


@pytest.mark.parametrize(("content", "sent"), CONTENTS, ids=["text", "dict", "model"])
async def test_send_message(gateway: Gateway, client: Any, content: Any, sent: dict[str, Any]) -> None:
    """send_message(clan_id, channel_id, mode, is_public, msg) takes a str, a dict or a model; it answers the ack."""
    clan, channel = await gateway.clan_id(), await gateway.channel_id("general")
    ack = await client.send_message(clan, channel, 2, True, content)
    message = await gateway.next_sent("channel_message_send")
    assert without_nulls(message.content) == sent
    assert (message.message.clan_id, message.message.channel_id) == (clan, channel)
    assert (message.message.mode, message.message.is_public) == (2, True)
    assert (await gateway.call("world.message", ack.message_id)).message_id == ack.message_id


async def test_send_message_passes_everything(gateway: Gateway, client: Any) -> None:
    """send_message passes mentions, attachments, ref, flags, avatar, code, topic_id and the mode through."""
    from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageRef

    channel = await gateway.channel_id("general")
    await client.send_message(
        str(await gateway.clan_id()),
        str(channel),
        6,
        False,
        "hi",
        mentions=[ApiMessageMention(user_id=7, s=0, e=2)],
        attachments=[ApiMessageAttachment(filename="a.png", url="https://x.example/a.png")],
        ref=[ApiMessageRef(message_ref_id=9, message_sender_id=8)],
        anonymous_message=True,
        mention_everyone=True,
        avatar="https://x.example/me.png",
        code=5,
        topic_id=11,
    )
    sent = (await gateway.next_sent("channel_message_send")).message
    assert (sent.mode, sent.is_public, sent.code, sent.topic_id) == (6, False, 5, 11)
    assert (sent.anonymous_message, sent.mention_everyone) == (True, True)
    assert sent.avatar == "https://x.example/me.png"
    assert [(m.user_id, m.s, m.e) for m in sent.mentions] == [(7, 0, 2)]
    assert [(a.filename, a.url) for a in sent.attachments] == [("a.png", "https://x.example/a.png")]
    assert [(r.message_ref_id, r.message_sender_id) for r in sent.references] == [(9, 8)]


async def test_get_list_friends(gateway: Gateway, client: Any) -> None:
    """get_list_friends(limit, state, cursor) answers a model with friends and cursor, also by key."""
    alice, bob = await gateway.user_id("alice"), await gateway.user_id("bob")
    await gateway.call("world.friends.setdefault", alice, 0)
    await gateway.call("world.friends.setdefault", bob, 2)
    answer = await client.get_list_friends(1)
    assert [friend.user.username for friend in answer.friends] == ["alice"]
    assert answer["friends"] == answer.friends
    assert answer.get("cursor") == answer.cursor == "1"
    rest = await client.get_list_friends(10, cursor=answer.cursor)
    assert [(friend.user.id, friend.state) for friend in rest.friends] == [(bob, 2)]
    waiting = await client.get_list_friends(10, state=2)
    assert [friend.user.id for friend in waiting.friends] == [bob]


@pytest.mark.parametrize("kind", [int, str])
async def test_accept_friend(gateway: Gateway, client: Any, kind: type) -> None:
    """accept_friend(user_id) calls AddFriends; the id may be a str."""
    alice = await gateway.user_id("alice")
    await gateway.call("world.friends.setdefault", alice, 2)
    await client.accept_friend(kind(alice))
    request = (await gateway.requests("AddFriends"))[0]["message"]
    assert list(request.ids) == [alice]
    assert await gateway.call("world.friends.get", alice) == 0


async def test_accept_friend_with_a_name(gateway: Gateway, client: Any) -> None:
    """accept_friend(user_id, username), an older shape, works."""
    alice = await gateway.user_id("alice")
    await client.accept_friend(alice, "alice")
    request = (await gateway.requests("AddFriends"))[0]["message"]
    assert (list(request.ids), list(request.usernames)) == ([alice], ["alice"])


async def test_add_friend(gateway: Gateway, client: Any) -> None:
    """add_friend(username, user_id) calls AddFriends; the id may be a str."""
    alice = await gateway.user_id("alice")
    await client.add_friend("alice", str(alice))
    request = (await gateway.requests("AddFriends"))[0]["message"]
    assert (list(request.ids), list(request.usernames)) == ([alice], ["alice"])


async def test_add_friend_by_name(gateway: Gateway, client: Any) -> None:
    """add_friend(username), an older shape, works."""
    await client.add_friend("bob")
    request = (await gateway.requests("AddFriends"))[0]["message"]
    assert (list(request.ids), list(request.usernames)) == ([], ["bob"])


async def test_clans_fetch(gateway: Gateway, client: Any) -> None:
    """clans.fetch gets an unknown clan through ListClanDescs."""
    late = await gateway.call("world.add_clan", "Late")
    clan = await client.clans.fetch(late["id"])
    assert (clan.id, clan.name) == (late["id"], "Late")
    assert client.clans.get(late["id"]) is clan


async def test_clans_fetch_of_none(client: Any) -> None:
    """clans.fetch of a clan that is none raises a ValueError."""
    with pytest.raises(ValueError, match="clan"):
        await client.clans.fetch(12345)


async def test_on_notification(gateway: Gateway, client: Any) -> None:
    """on_notification gives an object with .notifications, each with every field."""
    inbox = Inbox()
    client.on_notification(inbox)
    await gateway.push(
        notifications={
            "notifications": [
                api_pb2.Notification(
                    id=1, subject="hello", content=b'{"a":1}', code=-2, sender_id=5, clan_id=6, channel_id=7
                )
            ]
        }
    )
    (notification,) = (await inbox.next()).notifications
    assert (notification.id, notification.subject, notification.code) == (1, "hello", -2)
    assert (notification.sender_id, notification.clan_id, notification.channel_id) == (5, 6, 7)


async def test_notification_content(gateway: Gateway, client: Any) -> None:
    """The content bytes of a notification are offered decoded, whether they are JSON or a DirectFcmProto."""
    inbox = Inbox()
    client.on_notification(inbox)
    fcm = api_pb2.DirectFcmProto(title="from alice", message_id=3)
    await gateway.push(
        notifications={
            "notifications": [
                api_pb2.Notification(id=1, content=b'{"title":"json"}'),
                api_pb2.Notification(id=2, content=fcm.SerializeToString()),
            ]
        }
    )
    first, second = (await inbox.next()).notifications
    assert first.decoded_content == {"title": "json"}
    assert second.decoded_content.title == "from alice"


async def test_close_socket_keeps_handlers(gateway: Gateway, client: Any) -> None:
    """close_socket() closes the socket, keeps the handlers, and nothing reconnects; a new login hears again."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    await client.close_socket()
    await gateway.call("wait_disconnected")
    assert not await client.socket_manager.is_connected()
    later = Inbox()
    client.on_channel_message(later)
    await client.login()
    await gateway.say("general", "alice", "again")
    assert (await inbox.next()).content == {"t": "again"}
    assert (await later.next()).content == {"t": "again"}
    assert (await gateway.call("connections"))["total"] == 2


async def test_login_with_zk_down(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """A fault of the ZK service does not fail the login."""
    await gateway.call("http_status", "/zk-api/prove", 500, times=None)
    client = make_client()
    await client.login()
    assert await client.socket_manager.is_connected()
    assert client.zk_proof is None


async def test_zk_proof_on_first_use(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """The proof that failed at login is fetched when tokens are sent."""
    from mezon.models import ApiSentTokenRequest

    await gateway.call("http_status", "/zk-api/prove", 500, times=None)
    client = make_client()
    await client.login()
    await gateway.call("clear_faults")
    request = ApiSentTokenRequest(receiver_id=await gateway.user_id("alice"), amount=5, note="tip")
    answer = await client.send_token(request)
    assert answer.ok, answer.error
    assert len(await gateway.call("mmn.transactions")) == 1


async def test_login_calls_get_zk_proof_by_attribute(make_client: Callable[..., Any]) -> None:
    """login() calls self.get_zk_proof() by attribute, so an override on the instance works."""
    client = make_client()
    proof = object()

    async def mine() -> Any:
        return proof

    client.get_zk_proof = mine
    await client.login()
    assert client.zk_proof is proof


def test_there_are_29_helpers() -> None:
    """There are 29 on_* helpers."""
    assert len(HELPERS) == 29


@pytest.mark.parametrize("helper", sorted(HELPERS))
async def test_helpers_return_the_handler(make_client: Callable[..., Any], helper: str) -> None:
    """Every on_* helper returns the handler, so that it is a decorator too."""
    client = make_client()

    def handler(event: Any) -> None: ...

    assert getattr(client, helper)(handler) is handler


@pytest.mark.parametrize(("helper", "event"), sorted(HELPERS.items()))
async def test_helpers_receive(gateway: Gateway, client: Any, helper: str, event: str) -> None:
    """What is registered with an on_* helper receives its event."""
    inbox = Inbox()
    getattr(client, helper)(inbox)
    if event in AGENT_EVENTS:
        await client.connect_ai_agent_sse()
        await until(lambda: gateway.call("agent_events.live"))
        await gateway.call("agent_events.send", AGENT_EVENTS[event], timestamp="2026-03-01T10:30:00Z")
    else:
        await gateway.push(**{event: {}})
    assert await inbox.next() is not None
    if event in AGENT_EVENTS:
        await client.disconnect_ai_agent_sse()


async def test_auto_accept_friends(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """MezonClient(auto_accept_friends=True) accepts a friend request (notification code -2)."""
    client = make_client(auto_accept_friends=True)
    await client.login()
    alice = await gateway.user_id("alice")
    await gateway.call("world.friends.setdefault", alice, 2)
    await gateway.push(notifications={"notifications": [api_pb2.Notification(code=-2, sender_id=alice)]})
    (request,) = await gateway.wait_requests("AddFriends")
    assert list(request["message"].ids) == [alice]


async def test_friends_are_not_accepted_unasked(gateway: Gateway, client: Any) -> None:
    """Without auto_accept_friends no friend request is accepted."""
    inbox = Inbox()
    client.on_notification(inbox)
    await gateway.push(notifications={"notifications": [api_pb2.Notification(code=-2, sender_id=5)]})
    await inbox.next()
    # A call that was made beside would come before this one is answered.
    await client.api_client.list_clans_descs(client.session_manager.get_session().token)
    assert await gateway.requests("AddFriends") == []


@pytest.mark.parametrize("kind", [str, pathlib.Path])
async def test_upload_file(gateway: Gateway, client: Any, tmp_path: pathlib.Path, kind: Any) -> None:
    """upload_file(file_path=, filename=, content_type=) answers with a .url where the bytes are."""
    path = tmp_path / "photo.bin"
    path.write_bytes(b"\x00\x01pixels")
    answer = await client.upload_file(file_path=kind(path), filename="photo.png", content_type="image/png")
    (upload,) = (await gateway.call("uploads")).values()
    assert upload["url"] == answer.url
    assert (upload["filename"], upload["filetype"]) == ("photo.png", "image/png")
    assert upload["body"] == b"\x00\x01pixels"


async def test_names_of_the_documents(make_client: Callable[..., Any]) -> None:
    """Names only the reference's documents promise are there."""
    import mezon

    assert Events.MESSAGE_TYPING_EVENT == "message_typing_event"
    assert Events.CHANNEL_PRESENCE_EVENT == "channel_presence_event"
    assert Events.CLAN_UPDATED_EVENT == "clan_updated_event"
    assert Events.NOTIFICATION == "notifications"
    assert mezon.ButtonMessageStyle.PRIMARY.value == 1
    client = make_client()
    inbox = Inbox()
    assert client.on_user_channel_removed(inbox) is inbox
    await client.login()


async def test_nothing_waits_at_the_end(client: Any) -> None:
    """disconnect() leaves no task of the client behind."""
    await client.disconnect()
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert [task for task in others if "peer" not in repr(task)] == []
