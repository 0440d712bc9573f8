"""The RPCs about members, roles' members, bans, pins, emojis and search of a clan."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from mezon.protobuf.api import api_pb2
from mezon.testing.rpc_book import INVALID_ARGUMENT, NOT_FOUND, RpcError, method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.testing.core import GatewayCore
    from mezon.testing.things import Channel, Clan

_PAGE = 100


def _clan(gateway: GatewayCore, user_id: int, clan_id: int) -> Clan:
    clan = gateway.world.clans.get(clan_id)
    if clan is None or user_id not in clan.member_ids:
        raise RpcError(404, NOT_FOUND, f"no such clan: {clan_id}")
    return clan


def _channel(gateway: GatewayCore, user_id: int, channel_id: int) -> Channel:
    channel = gateway.world.channels.get(channel_id)
    if channel is None or not gateway.world.may_see(user_id, channel):
        raise RpcError(404, NOT_FOUND, f"no such channel: {channel_id}")
    return channel


def _roles_of(gateway: GatewayCore, clan_id: int, user_id: int) -> list[int]:
    roles = gateway.world.roles.values()
    return [role.id for role in roles if role.clan_id == clan_id and user_id in role.user_ids]


@method(api_pb2.ListClanUsersRequest)
def list_clan_users(gateway: GatewayCore, user_id: int, request: api_pb2.ListClanUsersRequest) -> Message:
    clan = _clan(gateway, user_id, request.clan_id)
    answer = api_pb2.ClanUserList(clan_id=clan.id)
    for member_id in sorted(clan.member_ids):
        user = gateway.world.users[member_id]
        answer.clan_users.add(
            user=user.to_pb(),
            role_id=_roles_of(gateway, clan.id, member_id),
            clan_nick=user.clan_nicks.get(clan.id, ""),
            clan_id=clan.id,
        )
    return answer


@method(api_pb2.ListChannelUsersRequest)
def list_channel_users(
    gateway: GatewayCore, user_id: int, request: api_pb2.ListChannelUsersRequest
) -> Message:
    channel = _channel(gateway, user_id, request.channel_id)
    clan = gateway.world.clans.get(channel.clan_id)
    ids = sorted(clan.member_ids if clan is not None and not channel.private else channel.member_ids)
    # The cursor counts what was listed.
    start = int(request.cursor) if request.cursor.isdecimal() else 0
    end = start + min(request.limit or _PAGE, _PAGE)
    answer = api_pb2.ChannelUserList(channel_id=channel.id, cursor=str(end) if end < len(ids) else "")
    banned = gateway.world.bans.get((channel.clan_id, channel.id), {})
    for member_id in ids[start:end]:
        user = gateway.world.users[member_id]
        answer.channel_users.add(
            user_id=member_id,
            role_id=_roles_of(gateway, channel.clan_id, member_id),
            clan_nick=user.clan_nicks.get(channel.clan_id, ""),
            clan_id=channel.clan_id,
            is_banned=member_id in banned,
        )
    return answer


@method(api_pb2.ListRoleUsersRequest)
def list_role_users(gateway: GatewayCore, user_id: int, request: api_pb2.ListRoleUsersRequest) -> Message:
    role = gateway.world.roles.get(request.role_id)
    if role is None:
        raise RpcError(404, NOT_FOUND, f"no such role: {request.role_id}")
    answer = api_pb2.RoleUserList()
    for member_id in sorted(role.user_ids):
        user = gateway.world.users[member_id]
        answer.role_users.add(id=user.id, username=user.username, display_name=user.display_name)
    return answer


@method(api_pb2.RemoveClanUsersRequest)
def remove_clan_users(gateway: GatewayCore, user_id: int, request: api_pb2.RemoveClanUsersRequest) -> None:
    clan = _clan(gateway, user_id, request.clan_id)
    _leave(gateway, clan, request.user_ids)


def _leave(gateway: GatewayCore, clan: Clan, user_ids: Sequence[int]) -> None:
    gone = [member_id for member_id in user_ids if member_id in clan.member_ids]
    if not gone:
        raise RpcError(404, NOT_FOUND, f"not in the clan: {list(user_ids)}")
    clan.member_ids.difference_update(gone)
    for role in gateway.world.roles.values():
        if role.clan_id == clan.id:
            role.user_ids.difference_update(gone)
    event = {"clan_id": clan.id, "user_ids": gone}
    # After the answer that is being made now.
    asyncio.get_running_loop().call_soon(lambda: gateway.broadcast(user_clan_removed_event=event))


@method(api_pb2.BanClanUsersRequest)
def ban_clan_users(gateway: GatewayCore, user_id: int, request: api_pb2.BanClanUsersRequest) -> None:
    clan = _clan(gateway, user_id, request.clan_id)
    if not request.user_ids:
        raise RpcError(400, INVALID_ARGUMENT, "user_ids is empty")
    bans = gateway.world.bans.setdefault((clan.id, request.channel_id), {})
    for banned_id in request.user_ids:
        bans[banned_id] = api_pb2.BannedUser(
            channel_id=request.channel_id,
            banned_id=banned_id,
            banner_id=user_id,
            ban_time=request.ban_time,
            reason=request.reason,
        )
    if not request.channel_id:
        _leave(gateway, clan, request.user_ids)


@method(api_pb2.BanClanUsersRequest)
def unban_clan_users(gateway: GatewayCore, user_id: int, request: api_pb2.BanClanUsersRequest) -> None:
    bans = gateway.world.bans.get((request.clan_id, request.channel_id), {})
    for banned_id in request.user_ids:
        bans.pop(banned_id, None)


@method(api_pb2.BannedUserListRequest)
def list_banned_users(gateway: GatewayCore, user_id: int, request: api_pb2.BannedUserListRequest) -> Message:
    bans = gateway.world.bans.get((request.clan_id, request.channel_id), {})
    return api_pb2.BannedUserList(banned_users=bans.values())


@method(api_pb2.PinMessageRequest)
def get_pin_messages_list(gateway: GatewayCore, user_id: int, request: api_pb2.PinMessageRequest) -> Message:
    channel = _channel(gateway, user_id, request.channel_id)
    return api_pb2.PinMessagesList(pin_messages_list=gateway.world.pins.get(channel.id, {}).values())


@method(api_pb2.PinMessageRequest)
def create_pin_message(gateway: GatewayCore, user_id: int, request: api_pb2.PinMessageRequest) -> Message:
    channel = _channel(gateway, user_id, request.channel_id)
    message = gateway.world.message(request.message_id, channel.id)
    if message is None:
        raise RpcError(404, NOT_FOUND, f"no such message: {request.message_id}")
    gateway.world.pins.setdefault(channel.id, {})[message.message_id] = api_pb2.PinMessage(
        id=gateway.world.next_id(),
        message_id=message.message_id,
        channel_id=channel.id,
        sender_id=message.sender_id,
        content=message.content,
        username=message.username,
        create_time_seconds=int(time.time()),
    )
    return api_pb2.ChannelMessageHeader(id=message.message_id, sender_id=message.sender_id)


@method(api_pb2.DeletePinMessage)
def delete_pin_message(gateway: GatewayCore, user_id: int, request: api_pb2.DeletePinMessage) -> None:
    if gateway.world.pins.get(request.channel_id, {}).pop(request.message_id, None) is None:
        raise RpcError(404, NOT_FOUND, f"not pinned: {request.message_id}")


@method(api_pb2.NoParams)
def get_list_emojis_by_user_id(gateway: GatewayCore, user_id: int, request: api_pb2.NoParams) -> Message:
    return api_pb2.EmojiListedResponse(emoji_list=gateway.world.emojis)


@method(api_pb2.SearchMessageRequest)
def search_message(gateway: GatewayCore, user_id: int, request: api_pb2.SearchMessageRequest) -> Message:
    wanted = {item.field_name: item.field_value for item in request.filters}
    world = gateway.world
    found = [
        (channel, message)
        for channel in world.channels.values()
        if world.may_see(user_id, channel)
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
