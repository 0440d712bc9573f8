"""The smaller calls of a socket: presence, small signs, lookups."""

from __future__ import annotations

from typing import Any, NoReturn

from mezon.socket._caller import SocketCaller


class SmallCalls(SocketCaller):
    """Calls with plain dicts for answers."""

    # ---- presence and small signs

    async def write_message_typing(
        self, clan_id: int, channel_id: int, mode: int, is_public: bool
    ) -> dict[str, Any]:
        """Show the bot as typing."""
        value = {"clan_id": clan_id, "channel_id": channel_id, "mode": mode, "is_public": is_public}
        return await self._call_for_dict("message_typing_event", value)

    async def write_last_seen_message(
        self, clan_id: int, channel_id: int, mode: int, message_id: int, timestamp_seconds: int
    ) -> dict[str, Any]:
        """Tell up to which message the bot has read. ``timestamp_seconds`` is a UNIX time."""
        value = {
            "clan_id": clan_id,
            "channel_id": channel_id,
            "mode": mode,
            "message_id": message_id,
            "timestamp_seconds": timestamp_seconds,
        }
        return await self._call_for_dict("last_seen_message_event", value)

    async def write_last_pin_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        timestamp_seconds: int,
        operation: int,
    ) -> dict[str, Any]:
        """Pin a message (``operation`` 1) or unpin it (0)."""
        value = {
            "clan_id": clan_id,
            "channel_id": channel_id,
            "mode": mode,
            "is_public": is_public,
            "message_id": message_id,
            "timestamp_seconds": timestamp_seconds,
            "operation": operation,
        }
        return await self._call_for_dict("last_pin_message_event", value)

    async def write_custom_status(self, clan_id: int, status: str) -> dict[str, Any]:
        """Set the bot's custom status in a clan."""
        return await self._call_for_dict("custom_status_event", {"clan_id": clan_id, "status": status})

    async def write_voice_joined(
        self,
        id: str,
        clan_id: int,
        clan_name: str,
        voice_channel_id: int,
        voice_channel_label: str,
        participant: str,
        last_screenshot: str = "",
    ) -> dict[str, Any]:
        """Announce that somebody joined a voice channel."""
        value = {
            "id": id,
            "clan_id": clan_id,
            "clan_name": clan_name,
            "voice_channel_id": voice_channel_id,
            "voice_channel_label": voice_channel_label,
            "participant": participant,
            "last_screenshot": last_screenshot,
        }
        return await self._call_for_dict("voice_joined_event", value)

    async def write_voice_leaved(
        self, id: str, clan_id: int, voice_channel_id: int, voice_user_id: int
    ) -> dict[str, Any]:
        """Announce that somebody left a voice channel."""
        value = {
            "id": id,
            "clan_id": clan_id,
            "voice_channel_id": voice_channel_id,
            "voice_user_id": voice_user_id,
        }
        return await self._call_for_dict("voice_leaved_event", value)

    async def update_status(self, status: str | None = None) -> None:
        """Set the bot's online status; None makes it appear offline. No answer is waited for."""
        self.connection.post("status_update", {"status": status}, self._timeout)

    # ---- lookups

    async def check_duplicate_clan_name(self, clan_name: str) -> dict[str, Any]:
        """Ask whether a clan of that name is there already. See ``exist`` in the answer."""
        return await self._call_for_dict("check_name_existed_event", {"name": clan_name})

    async def list_clan_emoji_by_clan_id(self, clan_id: str) -> dict[str, Any]:
        """Fetch the emojis of a clan, as ``{"emoji_list": [...]}`` (RPC GetListEmojisByUserId)."""
        found = await self._rpc("GetListEmojisByUserId", {})
        return {"emoji_list": [one for one in found["emoji_list"] if one["clan_id"] == int(clan_id)]}

    async def list_clan_stickers_by_clan_id(self, clan_id: str) -> dict[str, Any]:
        """Fetch the stickers of a clan, as ``{"stickers": [...]}`` (RPC GetListStickersByUserId)."""
        found = await self._rpc("GetListStickersByUserId", {})
        return {"stickers": [one for one in found["stickers"] if one["clan_id"] == int(clan_id)]}

    async def list_channel_by_user_id(self) -> dict[str, Any]:
        """List all channels the bot is in, as ``{"channeldesc": [...]}`` (RPC ListChannelByUserId)."""
        return await self._rpc("ListChannelByUserId", {})

    async def hashtag_dm_list(self, user_ids: list[str], limit: int) -> dict[str, Any]:
        """Raise: it is not offered by the gateway's API.

        Raises:
            NotImplementedError: Always.
        """
        _not_offered("hashtag_dm_list", "list_channel_by_user_id() gives the bot's channels")

    async def get_notification_channel_setting(self, channel_id: int) -> dict[str, Any]:
        """Give the bot's notification setting for a channel (RPC GetNotificationChannel)."""
        return await self._rpc("GetNotificationChannel", {"channel_id": channel_id})

    async def get_notification_category_setting(self, category_id: int) -> dict[str, Any]:
        """Give the bot's notification setting for a category (RPC GetNotificationCategory)."""
        return await self._rpc("GetNotificationCategory", {"category_id": category_id})

    async def get_notification_clan_setting(self, clan_id: int) -> dict[str, Any]:
        """Give the bot's notification setting for a clan (RPC GetNotificationClan)."""
        return await self._rpc("GetNotificationClan", {"clan_id": clan_id})

    async def get_notification_react_message(self, channel_id: int) -> dict[str, Any]:
        """Raise: it is not offered by the gateway's API.

        Raises:
            NotImplementedError: Always.
        """
        _not_offered(
            "get_notification_react_message", "get_notification_channel_setting() gives the channel's setting"
        )


def _not_offered(name: str, instead: str) -> NoReturn:
    raise NotImplementedError(
        f"{name} has no API behind it on the gateway, so there is nothing to ask; {instead}"
    )
