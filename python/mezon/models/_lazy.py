"""Messages that are decoded on first access, and what a message shows of its channel and its sender.

The core's half is src/py/codec/lazy.rs. A message from the socket has the fields of `EAGER_FIELDS` in its ``__dict__``
and the bytes of the other fields. The class resolves a field that is not decoded yet, and reading ``__dict__`` decodes
all of them. Everything pydantic does goes through one of these two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon._core import LazyDict, LazyField, Senders, sender_profile
from mezon.utils.helper import channel_type_of_mode

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "EAGER_FIELDS",
    "SEPARATE_FIELD",
    "ChannelPreview",
    "LazyDict",
    "SenderPreview",
    "Senders",
    "decode_on_access",
    "sender_profile",
]

#: The fields of a message that are decoded at once: nearly every handler reads some of them, and they cost little.
EAGER_FIELDS: Final = (
    "message_id",
    "clan_id",
    "channel_id",
    "sender_id",
    "create_time_seconds",
    "topic_id",
    "code",
)

#: The field that is decoded separately, like each field of the sender's profile. Any other read decodes the rest.
SEPARATE_FIELD: Final = "content"


def decode_on_access(model: type[BaseModel]) -> None:
    """Let the core decode the fields of a class on first access. Its ``__dict__`` must be a `LazyDict`."""
    for name in model.model_fields:
        if name not in EAGER_FIELDS:
            setattr(model, name, LazyField(name, alone=name == SEPARATE_FIELD))


class ChannelPreview:
    """The channel of a message or of an acknowledgement, as far as it shows.

    The attributes are those of an ``ApiChannelDescription`` that a channel copies; None if messages do not show them.
    Not a model: validation would cost five times as much, and a busy bot builds one for most messages.
    """

    __slots__ = ("category_name", "channel_id", "channel_label", "channel_private", "type")

    category_id: Final = None
    parent_id: Final = None
    meeting_code: Final = None

    def __init__(self, message: Any) -> None:
        # Read from the dict: an acknowledgement has no category, and `getattr` on a model raises and catches for it.
        values = message.__dict__
        self.channel_id: int | None = message.channel_id
        self.channel_label: str | None = values.get("channel_label")
        self.category_name: str | None = values.get("category_name")
        self.channel_private = 0 if message.is_public else 1
        self.type: int = channel_type_of_mode(message.mode)


class SenderPreview:
    """The sender of a message, as far as it shows. The attributes are those of a ``UserInitData``.

    Args:
        message: The message.
        dms: The channel ids of the known DMs by user id.
    """

    __slots__ = ("avatar", "clan_avatar", "clan_nick", "display_name", "dm_channel_id", "id", "username")

    username: str
    display_name: str
    clan_nick: str
    avatar: str
    clan_avatar: str

    def __init__(self, message: Any, dms: dict[int, int] | None) -> None:
        self.id: int = message.sender_id
        profile = sender_profile(message)
        self.username, self.display_name, self.clan_nick, self.avatar, self.clan_avatar = profile
        self.dm_channel_id: int = dms.get(self.id, 0) if dms else 0
