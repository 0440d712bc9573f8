"""What every send into a channel has in common: where it goes, and that the channel knows the message then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.models._body import require_content
from mezon.utils.helper import convert_channeltype_to_channel_mode

if TYPE_CHECKING:
    from mezon.models import ChannelMessageAck
    from mezon.models._outgoing import OutgoingMessage
    from mezon.structures.text_channel import TextChannel


def place_of(channel: TextChannel) -> dict[str, Any]:
    """Give what every call about a message says of its channel, as keywords."""
    return {
        "clan_id": channel.clan.id,
        "channel_id": channel.id,
        "mode": convert_channeltype_to_channel_mode(channel.channel_type),
        "is_public": not channel.is_private,
    }


async def send_into(channel: TextChannel, message: OutgoingMessage) -> ChannelMessageAck:
    """Send a message; it is in ``channel.messages`` when this returns.

    Raises:
        MezonError: One of its kinds, if it cannot be sent.
    """
    require_content(message.content)
    ack, sent = await channel.socket_manager.send_message(message, channel.name)
    if sent is not None:
        channel.messages.add(sent)
    return ack
