"""What every send into a channel has in common: where it goes, and that the channel knows the message then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon.models._outgoing import require_content
from mezon.utils.helper import convert_channeltype_to_channel_mode
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from mezon.models import ChannelMessageAck
    from mezon.models._outgoing import OutgoingMessage
    from mezon.structures.text_channel import TextChannel

#: What mezon-sdk names in ``write_chat_message`` only when there is something to say.
_NOT_OF_A_CHANNEL: Final = ("references", "avatar")


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

    By ``write_chat_message`` of the socket manager if that is the bot's own, with the keywords that mezon-sdk passes.

    Raises:
        MezonError: One of its kinds, if it cannot be sent.
    """
    require_content(message.content)
    manager = channel.socket_manager
    if not is_own(manager, "write_chat_message") and not _sends(manager):
        said = vars(message).items()
        return await manager.write_chat_message(
            **{name: value for name, value in said if value is not None or name not in _NOT_OF_A_CHANNEL}
        )
    ack, sent = await manager.send_message(message, channel.name)
    if sent is not None:
        channel.messages.add(sent)
    return ack


def _sends(manager: object) -> bool:
    """Return whether a manager that is not the package's own has a ``send_message`` of its own; a mock has not."""
    return hasattr(type(manager), "send_message") and not is_own(manager, "send_message")
