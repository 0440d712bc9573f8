"""The objects an event speaks of: from the caches, else made of what the event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.constants.enum import ChannelType
from mezon.structures.message import Message
from mezon.structures.text_channel import TextChannel
from mezon.structures.user import User

if TYPE_CHECKING:
    from mezon.client import MezonClient
    from mezon.models import ChannelMessage
    from mezon.structures.clan import Clan

#: Mode of a message -> type of its channel.
_TYPE_OF_MODE = {
    2: ChannelType.CHANNEL_TYPE_CHANNEL,
    3: ChannelType.CHANNEL_TYPE_GROUP,
    4: ChannelType.CHANNEL_TYPE_DM,
    6: ChannelType.CHANNEL_TYPE_THREAD,
}


def channel_as_seen(client: MezonClient, clan: Clan, message: Any) -> TextChannel:
    """A channel as a message, or the acknowledgement of one, shows it. It is in no cache yet."""
    from mezon.models.api import ApiChannelDescription

    seen = ApiChannelDescription(
        clan_id=message.clan_id,
        channel_id=message.channel_id,
        channel_label=getattr(message, "channel_label", None),
        category_name=getattr(message, "category_name", None),
        channel_private=0 if message.is_public else 1,
        type=_TYPE_OF_MODE.get(message.mode or 0, ChannelType.CHANNEL_TYPE_CHANNEL),
    )
    return TextChannel(seen, clan, client.socket_manager, client.message_db)


def channel_of_message(client: MezonClient, message: Any) -> TextChannel:
    """Where a message was written: the object the client knows, else one that shows what the message says."""
    channel = client.channels.get(message.channel_id)
    if channel is not None:
        return channel
    clan_id = message.clan_id or 0
    clan = client.clans.get(clan_id) or client._new_clan(clan_id)
    return clan.channels.get(message.channel_id) or channel_as_seen(client, clan, message)


def user_of_message(client: MezonClient, message: ChannelMessage) -> User:
    """Who wrote a message: the object the client knows, else one that shows what the message says."""
    from mezon.models.message import UserInitData

    user = client.users.get(message.sender_id)
    if user is not None:
        return user
    dms = client.channel_manager.get_all_dm_channels() or {}
    seen = UserInitData.from_protobuf(message, dms.get(message.sender_id, 0))
    return User(seen, client.socket_manager, client.channel_manager)


def as_message(client: MezonClient, message: ChannelMessage) -> Message:
    """A received message as one that can be answered."""
    return Message(message, channel_of_message(client, message), client.socket_manager)
