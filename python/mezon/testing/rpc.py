"""The RPCs, one function each. HTTP and ``api_request_event`` both come here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import rpc_clans  # noqa: F401 (its functions enter the book)
from mezon.testing.messages import REMOVED, UPDATED
from mezon.testing.rpc_book import (
    INVALID_ARGUMENT,
    METHODS,
    NOT_FOUND,
    UNIMPLEMENTED,
    Method,
    RpcError,
    method,
)
from mezon.testing.world import (
    CHANNEL,
    DM,
    FRIEND,
    GROUP,
    INVITE_RECEIVED,
    INVITE_SENT,
    VOICE,
    Channel,
    World,
)

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["HISTORY_AFTER", "HISTORY_AROUND", "HISTORY_BEFORE", "METHODS", "Method", "RpcError", "call"]

# ListChannelMessagesRequest.direction
HISTORY_AFTER: Final = 1
HISTORY_AROUND: Final = 2
HISTORY_BEFORE: Final = 3


def call(gateway: GatewayCore, user_id: int, name: str, body: bytes) -> tuple[Message, Message]:
    """Run an RPC: the decoded request and the answer. Raises RpcError."""
    known = METHODS.get(name)
    if known is None:
        raise RpcError(404, UNIMPLEMENTED, f"the local gateway has no RPC {name}")
    request = known.request()
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise RpcError(
            400, INVALID_ARGUMENT, f"the body of {name} is no {known.request.DESCRIPTOR.name}"
        ) from None
    return request, known.run(gateway, user_id, request) or Empty()


@method(api_pb2.ListClanDescRequest)
def list_clan_descs(gateway: GatewayCore, user_id: int, request: api_pb2.ListClanDescRequest) -> Message:
    clans = [clan for clan in gateway.world.clans.values() if user_id in clan.member_ids]
    return api_pb2.ClanDescList(clandesc=[c.to_pb() for c in clans[: request.limit or None]])


@method(api_pb2.ListChannelDescsRequest)
def list_channel_descs(
    gateway: GatewayCore, user_id: int, request: api_pb2.ListChannelDescsRequest
) -> Message:
    world = gateway.world
    found = [c for c in world.channels.values() if world.may_see(user_id, c) and _listed(c, request)]
    return api_pb2.ChannelDescList(channeldesc=[world.describe(c) for c in found[: request.limit or None]])


def _listed(channel: Channel, request: api_pb2.ListChannelDescsRequest) -> bool:
    if request.channel_type in (DM, GROUP):
        # Asked for direct conversations a server lists groups too (unsure).
        return channel.type in (DM, GROUP)
    if not channel.clan_id or (request.clan_id and channel.clan_id != request.clan_id):
        return False
    # Type 1 with a clan asks for "the clan's channels": threads and voice rooms are among them.
    return request.channel_type in (0, CHANNEL, channel.type)


@method(api_pb2.ListChannelDetailRequest)
def list_channel_detail(
    gateway: GatewayCore, user_id: int, request: api_pb2.ListChannelDetailRequest
) -> Message:
    channel = gateway.world.channels.get(request.channel_id)
    if channel is None or not gateway.world.may_see(user_id, channel):
        return api_pb2.ChannelDescription()
    return gateway.world.describe(channel)


@method(api_pb2.CreateChannelDescRequest)
def create_channel_desc(
    gateway: GatewayCore, user_id: int, request: api_pb2.CreateChannelDescRequest
) -> Message:
    world = gateway.world
    if request.type in (DM, GROUP):
        strangers = [i for i in request.user_ids if i not in world.users]
        if strangers or not request.user_ids:
            raise RpcError(404, NOT_FOUND, f"no such user: {strangers}" if strangers else "user_ids is empty")
        return world.describe(world.dm(*request.user_ids))
    if request.clan_id not in world.clans:
        raise RpcError(404, NOT_FOUND, f"no such clan: {request.clan_id}")
    channel = world.add_channel(
        request.channel_label,
        request.clan_id,
        type=request.type or CHANNEL,
        private=bool(request.channel_private),
        parent=request.parent_id or None,
        members=[i for i in request.user_ids if i in world.users],
    )
    return world.describe(channel)


@method(api_pb2.ListChannelUsersRequest)
def list_channel_voice_users(
    gateway: GatewayCore, user_id: int, request: api_pb2.ListChannelUsersRequest
) -> Message:
    if not 0 < request.limit <= 500:
        raise RpcError(400, INVALID_ARGUMENT, "limit must be between 1 and 500")
    answer = api_pb2.VoiceChannelUserList()
    for channel in gateway.world.channels.values():
        if channel.type != VOICE or (request.clan_id and channel.clan_id != request.clan_id):
            continue
        if (request.channel_id and channel.id != request.channel_id) or not channel.voice_user_ids:
            continue
        answer.voice_channel_users.add(
            user_ids=[str(i) for i in channel.voice_user_ids[: request.limit]],
            channel_id=channel.id,
            room_name=channel.meeting_code,
        )
    return answer


@method(api_pb2.RoleListEventRequest)
def list_roles(gateway: GatewayCore, user_id: int, request: api_pb2.RoleListEventRequest) -> Message:
    roles = [r for r in gateway.world.roles.values() if r.clan_id == request.clan_id]
    answer = api_pb2.RoleListEventResponse(limit=request.limit, state=request.state, clanId=request.clan_id)
    answer.roles.roles.extend(r.to_pb() for r in roles[: request.limit or None])
    return answer


@method(api_pb2.UpdateRoleRequest)
def update_role(gateway: GatewayCore, user_id: int, request: api_pb2.UpdateRoleRequest) -> None:
    role = gateway.world.roles.get(request.role_id)
    if role is None:
        raise RpcError(404, NOT_FOUND, f"no such role: {request.role_id}")
    for key, attribute in (
        ("title", "title"),
        ("color", "color"),
        ("role_icon", "icon"),
        ("description", "description"),
    ):
        if request.HasField(key):
            setattr(role, attribute, getattr(request, key).value)
    role.display_online, role.allow_mention = request.display_online, request.allow_mention
    role.user_ids.update(request.add_user_ids)
    role.user_ids.difference_update(request.remove_user_ids)
    role.permission_ids.update(request.active_permission_ids)
    role.permission_ids.difference_update(request.remove_permission_ids)


@method(api_pb2.QuickMenuAccess)
def add_quick_menu_access(gateway: GatewayCore, user_id: int, request: api_pb2.QuickMenuAccess) -> Message:
    menu = api_pb2.QuickMenuAccess()
    menu.CopyFrom(request)
    menu.id = menu.id or gateway.world.next_id()
    gateway.world.menus[menu.id] = menu
    return menu


@method(api_pb2.QuickMenuAccess)
def delete_quick_menu_access(gateway: GatewayCore, user_id: int, request: api_pb2.QuickMenuAccess) -> None:
    menus = gateway.world.menus
    for menu in list(menus.values()):
        if request.id and menu.id != request.id:
            continue
        if request.bot_id and menu.bot_id != request.bot_id:
            continue
        if request.menu_name and menu.menu_name != request.menu_name:
            continue
        del menus[menu.id]


@method(api_pb2.ListQuickMenuAccessRequest)
def list_quick_menu_access(
    gateway: GatewayCore, user_id: int, request: api_pb2.ListQuickMenuAccessRequest
) -> Message:
    return api_pb2.QuickMenuAccessList(
        list_menus=[
            menu
            for menu in gateway.world.menus.values()
            if (not request.bot_id or menu.bot_id == request.bot_id)
            and (not request.channel_id or menu.channel_id == request.channel_id)
            and (not request.menu_type or menu.menu_type == request.menu_type)
        ]
    )


@method(api_pb2.ListFriendsRequest)
def list_friends(gateway: GatewayCore, user_id: int, request: api_pb2.ListFriendsRequest) -> Message:
    # proto3 cannot tell "state 0" from "no state": 0 lists all (unsure). The cursor counts what was listed.
    world = gateway.world
    chosen = [(i, s) for i, s in world.friends.items() if not request.state or s == request.state]
    start = int(request.cursor) if request.cursor.isdecimal() else 0
    end = start + request.limit if request.limit else len(chosen)
    answer = api_pb2.FriendList(cursor=str(end) if end < len(chosen) else "")
    for friend_id, state in chosen[start:end]:
        answer.friends.add(user=world.users[friend_id].to_pb(), state=state, source_id=user_id)
    return answer


@method(api_pb2.AddFriendsRequest)
def add_friends(gateway: GatewayCore, user_id: int, request: api_pb2.AddFriendsRequest) -> Message:
    world = gateway.world
    people = [world.users[i] for i in request.ids if i in world.users]
    people += [u for u in world.users.values() if u.username in request.usernames and u not in people]
    if not people:
        raise RpcError(404, NOT_FOUND, "no such user")
    for user in people:
        state = world.friends.get(user.id)
        world.friends[user.id] = FRIEND if state in (FRIEND, INVITE_RECEIVED) else INVITE_SENT
    return api_pb2.AddFriendsResponse(ids=[u.id for u in people], usernames=[u.username for u in people])


@method(api_pb2.ListChannelMessagesRequest)
def list_channel_messages(
    gateway: GatewayCore, user_id: int, request: api_pb2.ListChannelMessagesRequest
) -> Message:
    world: World = gateway.world
    channel = world.channels.get(request.channel_id)
    if channel is None or not world.may_see(user_id, channel):
        raise RpcError(404, NOT_FOUND, f"no such channel: {request.channel_id}")
    history = [m for m in world.messages(channel) if m.topic_id == request.topic_id]
    limit = min(request.limit or 50, 100)
    newest_first = sorted(history, key=lambda m: m.message_id, reverse=True)
    if not request.message_id:
        found = newest_first[:limit]
    elif request.direction == HISTORY_AFTER:
        # The page that follows the message, not the newest one.
        found = [m for m in newest_first if m.message_id > request.message_id][-limit:]
    elif request.direction == HISTORY_AROUND:
        at = sum(m.message_id > request.message_id for m in newest_first)
        found = newest_first[max(0, at - limit // 2) :][:limit]
    else:
        found = [m for m in newest_first if m.message_id < request.message_id][:limit]
    answer = api_pb2.ChannelMessageList(messages=found)
    if newest_first:
        answer.last_sent_message.id = newest_first[0].message_id
        answer.last_sent_message.sender_id = newest_first[0].sender_id
    return answer


@method(api_pb2.UploadAttachmentRequest)
def upload_attachment_file(
    gateway: GatewayCore, user_id: int, request: api_pb2.UploadAttachmentRequest
) -> Message:
    if not request.filename:
        raise RpcError(400, INVALID_ARGUMENT, "filename is empty")
    url = gateway.expect_upload(request.filename, request.filetype)
    return api_pb2.UploadAttachment(filename=request.filename, url=url)


@method(realtime_pb2.ChannelMessageUpdate)
def update_channel_message(
    gateway: GatewayCore, user_id: int, request: realtime_pb2.ChannelMessageUpdate
) -> Message:
    message = gateway.world.message(request.message_id, request.channel_id)
    if message is None:
        raise RpcError(404, NOT_FOUND, f"no such message: {request.message_id}")
    if message.sender_id != user_id:
        raise RpcError(403, INVALID_ARGUMENT, "only the sender may change a message")
    gateway.apply_update(
        message, request.content, request.mentions, request.attachments, request.hide_editted
    )
    gateway.broadcast_change(message, UPDATED)
    return request


@method(realtime_pb2.ChannelMessageRemove)
def delete_channel_message(
    gateway: GatewayCore, user_id: int, request: realtime_pb2.ChannelMessageRemove
) -> Message:
    message = gateway.world.message(request.message_id, request.channel_id)
    if message is None:
        raise RpcError(404, NOT_FOUND, f"no such message: {request.message_id}")
    gateway.world.forget(message)
    gateway.broadcast_change(message, REMOVED)
    return request


@method(realtime_pb2.ChannelMessageSend)
def send_channel_message(
    gateway: GatewayCore, user_id: int, request: realtime_pb2.ChannelMessageSend
) -> Message:
    if request.channel_id not in gateway.world.channels:
        raise RpcError(404, NOT_FOUND, f"no such channel: {request.channel_id}")
    ack, message = gateway.accept_message(user_id, request)
    gateway.broadcast(channel_message=message)
    return ack
