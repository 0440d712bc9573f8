"""What a message shows of the channel it is in, for when nobody has asked the server for more yet."""

from __future__ import annotations

from typing import Any

from mezon.models.api import ApiChannelDescription
from mezon.utils.helper import channel_type_of_mode


def channel_seen_in(message: Any) -> ApiChannelDescription:
    """Give the channel of a message, or of the acknowledgement of one."""
    return ApiChannelDescription(
        clan_id=message.clan_id,
        channel_id=message.channel_id,
        channel_label=getattr(message, "channel_label", None),
        category_name=getattr(message, "category_name", None),
        channel_private=0 if message.is_public else 1,
        type=channel_type_of_mode(message.mode),
    )
