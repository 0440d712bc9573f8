"""The server's RPCs, one function each. HTTP and ``api_request_event`` both call them.

``list_roles`` implements ``ListRoles``: ``@method`` registers a function under its name in camel case.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message

from mezon.protobuf.api import api_pb2
from mezon.protobuf.reported import CDNSignature, CDNSignatureRequest
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.messages import REMOVED, UPDATED
from mezon.testing.state import ServerState
from mezon.testing.world import (
    CHANNEL,
    DM,
    FRIEND,
    GROUP,
    INVITE_RECEIVED,
    INVITE_SENT,
    VOICE,
    Channel,
    Clan,
    World,
)

__all__ = [
    "HISTORY_AFTER",
    "HISTORY_AROUND",
    "HISTORY_BEFORE",
    "METHODS",
    "Caller",
    "Method",
    "RpcError",
    "call",
]

# ListChannelMessagesRequest.direction
HISTORY_AFTER: Final = 1
HISTORY_AROUND: Final = 2
HISTORY_BEFORE: Final = 3

# Response codes of raw API answers: gRPC codes (unconfirmed for the live service).
INVALID_ARGUMENT: Final = 3
NOT_FOUND: Final = 5
PERMISSION_DENIED: Final = 7
UNIMPLEMENTED: Final = 12

_PAGE: Final = 100


class RpcError(Exception):
    """A refused call, with an HTTP status and a code for the raw answer."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(slots=True, frozen=True)
class Caller:
    """The bot that calls an RPC, and the server that it calls."""

    registry: ConnectionRegistry
    user_id: int

    @property
    def state(self) -> ServerState:
        """The state of the server."""
        return self.registry.state

    @property
    def world(self) -> World:
        """The entities of the server."""
        return self.registry.state.world


@dataclass(slots=True, frozen=True)
class Method:
    """An RPC: its request type and its implementation."""

    request: type[Message]
    run: Callable[[Caller, Any], Message | None]


METHODS: dict[str, Method] = {}


def method(
    request: type[Message], name: str = ""
) -> Callable[[Callable[..., Message | None]], Callable[..., Message | None]]:
    """Register a function as the RPC of its name."""

    def register(function: Callable[..., Message | None]) -> Callable[..., Message | None]:
        camel = "".join(part.capitalize() for part in function.__name__.split("_"))
        METHODS[name or camel] = Method(request, function)
        return function

    return register


def call(caller: Caller, name: str, body: bytes) -> tuple[Message, Message]:
    """Call an RPC. Return the decoded request and the response. Raises RpcError."""
    known = METHODS.get(name)
    if known is None:
        raise RpcError(404, UNIMPLEMENTED, f"the local gateway has no RPC {name}")
    request = known.request()
    try:
        request.ParseFromString(body)
    except DecodeError:
        raise RpcError(
            400, INVALID_ARGUMENT, f"the body of {name} is not a valid {known.request.DESCRIPTOR.name}"
        ) from None
    return request, known.run(caller, request) or Empty()


def _clan(caller: Caller, clan_id: int) -> Clan:
    clan = caller.world.clans.get(clan_id)
    if clan is None or caller.user_id not in clan.member_ids:
        raise RpcError(404, NOT_FOUND, f"no such clan: {clan_id}")
    return clan


def _channel(caller: Caller, channel_id: int) -> Channel:
    channel = caller.world.channels.get(channel_id)
    if channel is None or not caller.world.may_see(caller.user_id, channel):
        raise RpcError(404, NOT_FOUND, f"no such channel: {channel_id}")
    return channel


def _roles_of(world: World, clan_id: int, user_id: int) -> list[int]:
    return [role.id for role in world.roles.values() if role.clan_id == clan_id and user_id in role.user_ids]


# Clans, channels, roles, friends and messages


@method(api_pb2.ListClanDescRequest)
def list_clan_descs(caller: Caller, request: api_pb2.ListClanDescRequest) -> Message:
    clans = [clan for clan in caller.world.clans.values() if caller.user_id in clan.member_ids]
    return api_pb2.ClanDescList(clandesc=[c.to_pb() for c in clans[: request.limit or None]])


@method(api_pb2.ListChannelDescsRequest)
def list_channel_descs(caller: Caller, request: api_pb2.ListChannelDescsRequest) -> Message:
    world = caller.world
    found = [c for c in world.channels.values() if world.may_see(caller.user_id, c) and _listed(c, request)]
    return api_pb2.ChannelDescList(channeldesc=[world.describe(c) for c in found[: request.limit or None]])


def _listed(channel: Channel, request: api_pb2.ListChannelDescsRequest) -> bool:
    if request.channel_type in (DM, GROUP):
        # A request for direct conversations also lists groups (unconfirmed).
        return channel.type in (DM, GROUP)
    if not channel.clan_id or (request.clan_id and channel.clan_id != request.clan_id):
        return False
    # Type 1 with a clan requests "the clan's channels", which include threads and voice rooms.
    return request.channel_type in (0, CHANNEL, channel.type)


@method(api_pb2.ListChannelDetailRequest)
def list_channel_detail(caller: Caller, request: api_pb2.ListChannelDetailRequest) -> Message:
    channel = caller.world.channels.get(request.channel_id)
    if channel is None or not caller.world.may_see(caller.user_id, channel):
        return api_pb2.ChannelDescription()
    return caller.world.describe(channel)


@method(api_pb2.CreateChannelDescRequest)
def create_channel_desc(caller: Caller, request: api_pb2.CreateChannelDescRequest) -> Message:
    world = caller.world
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
def list_channel_voice_users(caller: Caller, request: api_pb2.ListChannelUsersRequest) -> Message:
    if not 0 < request.limit <= 500:
        raise RpcError(400, INVALID_ARGUMENT, "limit must be between 1 and 500")
    answer = api_pb2.VoiceChannelUserList()
    for channel in caller.world.channels.values():
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
def list_roles(caller: Caller, request: api_pb2.RoleListEventRequest) -> Message:
    roles = [r for r in caller.world.roles.values() if r.clan_id == request.clan_id]
    answer = api_pb2.RoleListEventResponse(limit=request.limit, state=request.state, clanId=request.clan_id)
    answer.roles.roles.extend(r.to_pb() for r in roles[: request.limit or None])
    return answer


@method(api_pb2.UpdateRoleRequest)
def update_role(caller: Caller, request: api_pb2.UpdateRoleRequest) -> None:
    role = caller.world.roles.get(request.role_id)
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
def add_quick_menu_access(caller: Caller, request: api_pb2.QuickMenuAccess) -> Message:
    menu = api_pb2.QuickMenuAccess()
    menu.CopyFrom(request)
    menu.id = menu.id or caller.world.next_id()
    caller.world.menus[menu.id] = menu
    return menu


@method(api_pb2.QuickMenuAccess)
def delete_quick_menu_access(caller: Caller, request: api_pb2.QuickMenuAccess) -> None:
    menus = caller.world.menus
    for menu in list(menus.values()):
        if request.id and menu.id != request.id:
            continue
        if request.bot_id and menu.bot_id != request.bot_id:
            continue
        if request.menu_name and menu.menu_name != request.menu_name:
            continue
        del menus[menu.id]


@method(api_pb2.ListQuickMenuAccessRequest)
def list_quick_menu_access(caller: Caller, request: api_pb2.ListQuickMenuAccessRequest) -> Message:
    return api_pb2.QuickMenuAccessList(
        list_menus=[
            menu
            for menu in caller.world.menus.values()
            if (not request.bot_id or menu.bot_id == request.bot_id)
            and (not request.channel_id or menu.channel_id == request.channel_id)
            and (not request.menu_type or menu.menu_type == request.menu_type)
        ]
    )


@method(api_pb2.ListFriendsRequest)
def list_friends(caller: Caller, request: api_pb2.ListFriendsRequest) -> Message:
    # proto3 cannot distinguish "state 0" from "no state": 0 lists all (unconfirmed). The cursor is the number of
    # friends listed so far.
    world = caller.world
    chosen = [(i, s) for i, s in world.friends.items() if not request.state or s == request.state]
    start = int(request.cursor) if request.cursor.isdecimal() else 0
    end = start + request.limit if request.limit else len(chosen)
    answer = api_pb2.FriendList(cursor=str(end) if end < len(chosen) else "")
    for friend_id, state in chosen[start:end]:
        answer.friends.add(user=world.users[friend_id].to_pb(), state=state, source_id=caller.user_id)
    return answer


@method(api_pb2.AddFriendsRequest)
def add_friends(caller: Caller, request: api_pb2.AddFriendsRequest) -> Message:
    world = caller.world
    added = [world.users[i] for i in request.ids if i in world.users]
    added += [u for u in world.users.values() if u.username in request.usernames and u not in added]
    if not added:
        raise RpcError(404, NOT_FOUND, "no such user")
    for user in added:
        state = world.friends.get(user.id)
        world.friends[user.id] = FRIEND if state in (FRIEND, INVITE_RECEIVED) else INVITE_SENT
    return api_pb2.AddFriendsResponse(ids=[u.id for u in added], usernames=[u.username for u in added])


@method(api_pb2.ListChannelMessagesRequest)
def list_channel_messages(caller: Caller, request: api_pb2.ListChannelMessagesRequest) -> Message:
    world = caller.world
    channel = world.channels.get(request.channel_id)
    if channel is None or not world.may_see(caller.user_id, channel):
        raise RpcError(404, NOT_FOUND, f"no such channel: {request.channel_id}")
    history = [m for m in world.messages(channel) if m.topic_id == request.topic_id]
    limit = min(request.limit or 50, 100)
    newest_first = sorted(history, key=lambda m: m.message_id, reverse=True)
    if not request.message_id:
        found = newest_first[:limit]
    elif request.direction == HISTORY_AFTER:
        # The page directly after the message, not the newest page.
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
def upload_attachment_file(caller: Caller, request: api_pb2.UploadAttachmentRequest) -> Message:
    if not request.filename:
        raise RpcError(400, INVALID_ARGUMENT, "filename is empty")
    url = caller.state.expect_upload(request.filename, request.filetype)
    return api_pb2.UploadAttachment(filename=request.filename, url=url)


@method(CDNSignatureRequest, "GenerateCDNSignature")
def generate_cdn_signature(caller: Caller, request: Any) -> Message:
    channel = caller.world.channels.get(request.channel_id)
    if channel is None or not caller.world.may_see(caller.user_id, channel):
        raise RpcError(403, PERMISSION_DENIED, "no access to the channel")
    signature: Message = CDNSignature(signature=caller.state.sign_cdn(channel.id))
    return signature


@method(realtime_pb2.ChannelMessageUpdate)
def update_channel_message(caller: Caller, request: realtime_pb2.ChannelMessageUpdate) -> Message:
    message = caller.world.message(request.message_id, request.channel_id)
    if message is None:
        raise RpcError(404, NOT_FOUND, f"no such message: {request.message_id}")
    if message.sender_id != caller.user_id:
        raise RpcError(403, INVALID_ARGUMENT, "only the sender can update a message")
    caller.state.apply_update(
        message, request.content, request.mentions, request.attachments, request.hide_editted
    )
    caller.registry.broadcast_change(message, UPDATED)
    return request


@method(realtime_pb2.ChannelMessageRemove)
def delete_channel_message(caller: Caller, request: realtime_pb2.ChannelMessageRemove) -> Message:
    message = caller.world.message(request.message_id, request.channel_id)
    if message is None:
        raise RpcError(404, NOT_FOUND, f"no such message: {request.message_id}")
    caller.world.forget(message)
    caller.registry.broadcast_change(message, REMOVED)
    return request


@method(realtime_pb2.ChannelMessageSend)
def send_channel_message(caller: Caller, request: realtime_pb2.ChannelMessageSend) -> Message:
    if request.channel_id not in caller.world.channels:
        raise RpcError(404, NOT_FOUND, f"no such channel: {request.channel_id}")
    ack, message = caller.state.accept_message(caller.user_id, request)
    caller.registry.broadcast(channel_message=message)
    return ack


# Members, bans, pins, emojis and search


@method(api_pb2.ListClanUsersRequest)
def list_clan_users(caller: Caller, request: api_pb2.ListClanUsersRequest) -> Message:
    clan = _clan(caller, request.clan_id)
    answer = api_pb2.ClanUserList(clan_id=clan.id)
    for member_id in sorted(clan.member_ids):
        user = caller.world.users[member_id]
        answer.clan_users.add(
            user=user.to_pb(),
            role_id=_roles_of(caller.world, clan.id, member_id),
            clan_nick=user.clan_nicks.get(clan.id, ""),
            clan_id=clan.id,
        )
    return answer


@method(api_pb2.ListChannelUsersRequest)
def list_channel_users(caller: Caller, request: api_pb2.ListChannelUsersRequest) -> Message:
    channel = _channel(caller, request.channel_id)
    clan = caller.world.clans.get(channel.clan_id)
    ids = sorted(clan.member_ids if clan is not None and not channel.private else channel.member_ids)
    # The cursor is the number of users listed so far.
    start = int(request.cursor) if request.cursor.isdecimal() else 0
    end = start + min(request.limit or _PAGE, _PAGE)
    answer = api_pb2.ChannelUserList(channel_id=channel.id, cursor=str(end) if end < len(ids) else "")
    banned = caller.world.bans.get((channel.clan_id, channel.id), {})
    for member_id in ids[start:end]:
        user = caller.world.users[member_id]
        answer.channel_users.add(
            user_id=member_id,
            role_id=_roles_of(caller.world, channel.clan_id, member_id),
            clan_nick=user.clan_nicks.get(channel.clan_id, ""),
            clan_id=channel.clan_id,
            is_banned=member_id in banned,
        )
    return answer


@method(api_pb2.ListRoleUsersRequest)
def list_role_users(caller: Caller, request: api_pb2.ListRoleUsersRequest) -> Message:
    role = caller.world.roles.get(request.role_id)
    if role is None:
        raise RpcError(404, NOT_FOUND, f"no such role: {request.role_id}")
    answer = api_pb2.RoleUserList()
    for member_id in sorted(role.user_ids):
        user = caller.world.users[member_id]
        answer.role_users.add(id=user.id, username=user.username, display_name=user.display_name)
    return answer


@method(api_pb2.RemoveClanUsersRequest)
def remove_clan_users(caller: Caller, request: api_pb2.RemoveClanUsersRequest) -> None:
    clan = _clan(caller, request.clan_id)
    _leave(caller, clan, request.user_ids)


def _leave(caller: Caller, clan: Clan, user_ids: Sequence[int]) -> None:
    gone = [member_id for member_id in user_ids if member_id in clan.member_ids]
    if not gone:
        raise RpcError(404, NOT_FOUND, f"not in the clan: {list(user_ids)}")
    clan.member_ids.difference_update(gone)
    for role in caller.world.roles.values():
        if role.clan_id == clan.id:
            role.user_ids.difference_update(gone)
    caller.registry.broadcast_later(user_clan_removed_event={"clan_id": clan.id, "user_ids": gone})


@method(api_pb2.BanClanUsersRequest)
def ban_clan_users(caller: Caller, request: api_pb2.BanClanUsersRequest) -> None:
    clan = _clan(caller, request.clan_id)
    if not request.user_ids:
        raise RpcError(400, INVALID_ARGUMENT, "user_ids is empty")
    bans = caller.world.bans.setdefault((clan.id, request.channel_id), {})
    for banned_id in request.user_ids:
        bans[banned_id] = api_pb2.BannedUser(
            channel_id=request.channel_id,
            banned_id=banned_id,
            banner_id=caller.user_id,
            ban_time=request.ban_time,
            reason=request.reason,
        )
    if not request.channel_id:
        _leave(caller, clan, request.user_ids)


@method(api_pb2.BanClanUsersRequest)
def unban_clan_users(caller: Caller, request: api_pb2.BanClanUsersRequest) -> None:
    bans = caller.world.bans.get((request.clan_id, request.channel_id), {})
    for banned_id in request.user_ids:
        bans.pop(banned_id, None)


@method(api_pb2.BannedUserListRequest)
def list_banned_users(caller: Caller, request: api_pb2.BannedUserListRequest) -> Message:
    bans = caller.world.bans.get((request.clan_id, request.channel_id), {})
    return api_pb2.BannedUserList(banned_users=bans.values())


@method(api_pb2.PinMessageRequest)
def get_pin_messages_list(caller: Caller, request: api_pb2.PinMessageRequest) -> Message:
    channel = _channel(caller, request.channel_id)
    return api_pb2.PinMessagesList(pin_messages_list=caller.world.pins.get(channel.id, {}).values())


@method(api_pb2.PinMessageRequest)
def create_pin_message(caller: Caller, request: api_pb2.PinMessageRequest) -> Message:
    channel = _channel(caller, request.channel_id)
    message = caller.world.message(request.message_id, channel.id)
    if message is None:
        raise RpcError(404, NOT_FOUND, f"no such message: {request.message_id}")
    caller.world.pins.setdefault(channel.id, {})[message.message_id] = api_pb2.PinMessage(
        id=caller.world.next_id(),
        message_id=message.message_id,
        channel_id=channel.id,
        sender_id=message.sender_id,
        content=message.content,
        username=message.username,
        create_time_seconds=int(time.time()),
    )
    return api_pb2.ChannelMessageHeader(id=message.message_id, sender_id=message.sender_id)


@method(api_pb2.DeletePinMessage)
def delete_pin_message(caller: Caller, request: api_pb2.DeletePinMessage) -> None:
    if caller.world.pins.get(request.channel_id, {}).pop(request.message_id, None) is None:
        raise RpcError(404, NOT_FOUND, f"not pinned: {request.message_id}")


@method(api_pb2.NoParams)
def get_list_emojis_by_user_id(caller: Caller, request: api_pb2.NoParams) -> Message:
    return api_pb2.EmojiListedResponse(emoji_list=caller.world.emojis)


@method(api_pb2.SearchMessageRequest)
def search_message(caller: Caller, request: api_pb2.SearchMessageRequest) -> Message:
    wanted = {item.field_name: item.field_value for item in request.filters}
    world = caller.world
    found = [
        (channel, message)
        for channel in world.channels.values()
        if world.may_see(caller.user_id, channel)
        and wanted.get("clan_id", "0") in ("0", str(channel.clan_id))
        and wanted.get("channel_id", "0") in ("0", str(channel.id))
        for message in world.messages(channel)
        if wanted.get("content", "").casefold() in message.content.casefold()
    ]
    found.sort(key=lambda pair: pair[1].message_id, reverse=True)
    size = request.size or 50
    # Pages count from 1.
    start = (max(getattr(request, "from"), 1) - 1) * size
    answer = api_pb2.SearchMessageResponse(total=len(found))
    for channel, message in found[start : start + size]:
        answer.messages.add(
            message_id=str(message.message_id),
            channel_id=str(channel.id),
            clan_id=str(channel.clan_id),
            sender_id=str(message.sender_id),
            content=message.content,
            channel_label=channel.label,
            username=message.username,
        )
    return answer
