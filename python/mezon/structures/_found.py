"""The objects an event speaks of: from the caches, else made of what the event says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.models._lazy import ChannelPreview, SenderPreview
from mezon.structures.message import Message

if TYPE_CHECKING:
    from mezon.models import ChannelMessage
    from mezon.structures._owner import Owner
    from mezon.structures.text_channel import TextChannel
    from mezon.structures.user import User


def channel_of_message(client: Owner, message: Any) -> TextChannel:
    """Find where a message was written: the object the client knows, else one that shows what the message says."""
    channel = client.channels.get(message.channel_id)
    if channel is not None:
        return channel
    clan_id = message.clan_id or 0
    clan = client.clans.get(clan_id) or client.directory.new_clan(clan_id)
    return clan.channels.get(message.channel_id) or client.directory.new_channel(
        ChannelPreview(message), clan
    )


def user_of_message(client: Owner, message: ChannelMessage) -> User:
    """Say who wrote a message: the object the client knows, else one that shows what the message says."""
    user = client.users.get(message.sender_id)
    if user is not None:
        return user
    return client.directory.new_user(SenderPreview(message, client.channel_manager.get_all_dm_channels()))


def as_message(client: Owner, message: ChannelMessage) -> Message:
    """Make a received message one that can be answered."""
    return Message(message, channel_of_message(client, message), client.socket_manager)
