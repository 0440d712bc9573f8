"""RPCs over the socket: ``api_request_event`` out, raw API chunks back (docs/protocol.md, "Raw API answers")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rpc:
    """An API name with its index (api_index.tsv) and its messages; "" is an empty body."""

    index: int
    name: str
    request: str
    response: str


UPDATE_CHANNEL_MESSAGE: Final = Rpc(
    181, "UpdateChannelMessage", "mezon.realtime.ChannelMessageUpdate", "mezon.realtime.ChannelMessageUpdate"
)
DELETE_CHANNEL_MESSAGE: Final = Rpc(
    182, "DeleteChannelMessage", "mezon.realtime.ChannelMessageRemove", "mezon.realtime.ChannelMessageRemove"
)
LIST_CHANNEL_BY_USER_ID: Final = Rpc(32, "ListChannelByUserId", "", "mezon.api.ChannelDescList")
GET_LIST_EMOJIS_BY_USER_ID: Final = Rpc(16, "GetListEmojisByUserId", "", "mezon.api.EmojiListedResponse")
GET_LIST_STICKERS_BY_USER_ID: Final = Rpc(
    25, "GetListStickersByUserId", "", "mezon.api.StickerListedResponse"
)
GET_NOTIFICATION_CHANNEL: Final = Rpc(
    13, "GetNotificationChannel", "mezon.api.NotificationChannel", "mezon.api.NotificationUserChannel"
)
GET_NOTIFICATION_CLAN: Final = Rpc(
    9, "GetNotificationClan", "mezon.api.DefaultNotificationClan", "mezon.api.NotificationSetting"
)
GET_NOTIFICATION_CATEGORY: Final = Rpc(
    204,
    "GetNotificationCategory",
    "mezon.api.DefaultNotificationCategory",
    "mezon.api.NotificationUserChannel",
)
