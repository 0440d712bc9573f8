"""What a message shows of its channel and its sender, for when nobody has asked the server for more yet.

In a large bot most messages show one of both for the first time: these are not models, whose checks cost five times
as much and find nothing in what the core has made.
"""

from __future__ import annotations

from typing import Any, Final

from mezon.models._lazy import sender_looks
from mezon.utils.helper import channel_type_of_mode


class ChannelSeen:
    """The channel of a message, or of the acknowledgement of one, as far as it shows.

    Its attributes are those of an ``ApiChannelDescription`` that a channel takes over; what no message shows is None.
    """

    __slots__ = ("category_name", "channel_id", "channel_label", "channel_private", "type")

    category_id: Final = None
    parent_id: Final = None
    meeting_code: Final = None

    def __init__(self, message: Any) -> None:
        # An acknowledgement has no category, and a model answers `getattr` for what it lacks by way of an exception.
        values = message.__dict__
        self.channel_id: int | None = message.channel_id
        self.channel_label: str | None = values.get("channel_label")
        self.category_name: str | None = values.get("category_name")
        self.channel_private = 0 if message.is_public else 1
        self.type = channel_type_of_mode(message.mode)


class SenderSeen:
    """The sender of a message as it shows them. Its attributes are those of a ``UserInitData``.

    Args:
        message: The message.
        dms: The channel ids of the DMs that are known, by user id.
    """

    __slots__ = ("avatar", "clan_avatar", "clan_nick", "display_name", "dm_channel_id", "id", "username")

    def __init__(self, message: Any, dms: dict[int, int] | None) -> None:
        self.id: int = message.sender_id
        looks = sender_looks(message)
        self.username, self.display_name, self.clan_nick, self.avatar, self.clan_avatar = looks
        self.dm_channel_id = dms.get(self.id, 0) if dms else 0
