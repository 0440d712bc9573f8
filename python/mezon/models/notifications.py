"""Notifications and what they carry."""

import json
from typing import Any

from pydantic import Field

from mezon.models._base import MezonBaseModel
from mezon.models.api import ApiChannelDescription


class ApiNotification(MezonBaseModel):
    """A notification. ``code`` says what it is about (-2: a friend request); times are UNIX seconds."""

    id: int = 0
    subject: str = ""
    content: bytes = b""
    code: int = 0
    sender_id: int = 0
    create_time_seconds: int = 0
    persistent: bool = False
    clan_id: int = 0
    channel_id: int = 0
    channel_type: int = 0
    avatar_url: str = ""
    channel: ApiChannelDescription | None = None
    topic_id: int = 0
    category: int = 0

    @property
    def decoded_content(self) -> Any:
        """The content as a JSON value or a ``mezon.api.DirectFcmProto``; None when it is empty or neither."""
        if not self.content:
            return None
        if self.content[:1] in (b"{", b"["):
            try:
                return json.loads(self.content)
            except (ValueError, RecursionError):
                pass
        from google.protobuf.message import DecodeError

        from mezon.protobuf.api.api_pb2 import DirectFcmProto

        try:
            return DirectFcmProto.FromString(self.content)
        except DecodeError:
            return None


class NotificationEvent(MezonBaseModel):
    """Notifications for the bot, one or more at a time."""

    notifications: list[ApiNotification] = Field(default_factory=list)
