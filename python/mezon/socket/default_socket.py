"""The calls of a bot over the socket.

Each method sends one envelope and returns its answer. The core assigns numbers, enforces rate limit and timeout, and
encodes. Ids may be ints or digit strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from mezon._gateway.codec import model_plan
from mezon._gateway.failures import must_join
from mezon.errors import ServerError
from mezon.models._outgoing import OutgoingMessage, encode_content, mentions_of
from mezon.models.parts import ApiMessageReaction
from mezon.models.realtime import ChannelJoin, ChannelLeave, ChannelMessageAck, ClanJoin
from mezon.socket._caller import SocketCaller
from mezon.utils.helper import channel_type_of_mode
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageRef
    from mezon.models._outgoing import Content

logger: Final = get_logger("mezon.gateway")

#: The first byte of a raw API chunk, the length of its header, and the flag of the last chunk.
PREFIX_RAW: Final = 0xFF
RAW_HEADER_LENGTH: Final = 7
CODE_FIN: Final = 0x00FF


class Socket(SocketCaller):
    """The socket of one client.

    Args:
        ws_url: The URL of the gateway if a session has none.
        use_ssl: Whether a plain-text URL is refused.
        adapter: The transport of the envelopes; the core by default.
        send_timeout_ms: The timeout of a call in milliseconds.
        event_manager: The registry of event handlers if the socket has no client.
        transport: ``websocket`` or ``tcp`` to use that transport only.
    """

    # ---- joins

    async def join_clan_chat(self, clan_id: int) -> ClanJoin:
        """Join a clan to receive its events, also after a reconnect.

        Raises:
            ServerError, MezonTimeoutError, MezonConnectionError: Like every call of this class.
        """
        await self._call("clan_join", {"clan_id": clan_id})
        return ClanJoin(clan_id=int(clan_id))

    async def join_chat(
        self, clan_id: int, channel_id: int, channel_type: int, is_public: bool = True
    ) -> ChannelJoin:
        """Join a channel, thread or DM, also after a reconnect."""
        join = {
            "clan_id": int(clan_id or 0),
            "channel_id": int(channel_id),
            "channel_type": int(channel_type or 0),
            "is_public": bool(is_public),
        }
        await self._call("channel_join", join)
        return ChannelJoin(channel_join=join, **join)

    async def leave_chat(
        self, clan_id: int, channel_id: int, channel_type: int, is_public: bool
    ) -> ChannelLeave:
        """Leave a channel, thread or DM."""
        leave = {
            "clan_id": int(clan_id or 0),
            "channel_id": int(channel_id),
            "channel_type": int(channel_type or 0),
            "is_public": bool(is_public),
        }
        await self._call("channel_leave", leave)
        return ChannelLeave(channel_leave=leave, **leave)

    # ---- messages

    async def write_chat_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        content: Content,
        mentions: Sequence[ApiMessageMention] | None = None,
        attachments: Sequence[ApiMessageAttachment] | None = None,
        references: Sequence[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
    ) -> ChannelMessageAck:
        """Send a message and wait for its acknowledgement.

        If the server refuses the message because the channel was not joined, the channel is joined and the message is
        sent again.

        Args:
            content: A str, a ``Text``, a dict, or a ``ChannelMessageContent``.

        Raises:
            ServerError: If the server refuses it.
            MezonTimeoutError: If no acknowledgement comes in time.
            DeliveryUnknownError: If the connection is lost before it comes.
            MezonConnectionError: If the socket is not connected.
            InvalidArgumentError: If a value does not fit its field.
        """
        return await self.send_message(
            OutgoingMessage(
                clan_id,
                channel_id,
                mode,
                is_public,
                content,
                mentions,
                attachments,
                references,
                anonymous_message,
                mention_everyone,
                avatar,
                code,
                topic_id,
            )
        )

    async def send_message(self, message: OutgoingMessage) -> ChannelMessageAck:
        """Send a message and wait for its acknowledgement, see `write_chat_message`."""
        fields = message.fields()
        self._check(fields)
        _, ack = await self._call_joined("channel_message_send", fields, fields)
        return complete(ack, fields)

    async def write_ephemeral_message(
        self,
        receiver_ids: Sequence[int],
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        content: Content,
        mentions: Sequence[ApiMessageMention] | None = None,
        attachments: Sequence[ApiMessageAttachment] | None = None,
        references: Sequence[ApiMessageRef] | None = None,
        anonymous_message: bool | None = None,
        mention_everyone: bool | None = None,
        avatar: str | None = None,
        code: int | None = None,
        topic_id: int | None = None,
        message_id: int | None = None,
    ) -> ChannelMessageAck:
        """Send a message that only ``receiver_ids`` see, or update the message ``message_id``."""
        message = OutgoingMessage(
            clan_id,
            channel_id,
            mode,
            is_public,
            content,
            mentions,
            attachments,
            references,
            anonymous_message,
            mention_everyone,
            avatar,
            code,
            topic_id,
        ).fields()
        message["id"] = message_id
        self._check(message)
        value = {"message": message, "receiver_ids": list(receiver_ids)}
        _, answer = await self._call_joined("ephemeral_message_send", value, message)
        ack = ChannelMessageAck(
            channel_id=answer.channel_id,
            message_id=answer.message_id,
            code=answer.code,
            username=answer.username,
            create_time_seconds=getattr(answer, "create_time_seconds", 0),
            update_time_seconds=getattr(answer, "update_time_seconds", 0),
        )
        return complete(ack, message)

    def _check(self, message: dict[str, Any]) -> None:
        if self.limits is not None:
            self.limits.check(message["content"], message["mentions"], message["attachments"])

    async def _call_joined(
        self, name: str, value: dict[str, Any], message: dict[str, Any]
    ) -> tuple[str, Any]:
        try:
            return await self._call(name, value)
        except ServerError as error:
            if not must_join(error):
                raise
            logger.info("Channel %s must be joined before sending; joining it", message["channel_id"])
            await self.join_chat(
                message["clan_id"],
                message["channel_id"],
                channel_type_of_mode(message["mode"]),
                bool(message["is_public"]),
            )
            return await self._call(name, value)

    async def update_chat_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        content: Content,
        mentions: Sequence[ApiMessageMention] | None = None,
        attachments: Sequence[ApiMessageAttachment] | None = None,
        hide_editted: bool = False,
        topic_id: int | None = None,
        is_update_msg_topic: bool | None = None,
        create_time_seconds: int | None = None,
    ) -> ChannelMessageAck:
        """Update a message. The acknowledgement has code 1.

        Args:
            hide_editted: Whether to hide that the message was edited.
            create_time_seconds: The UNIX time of the message, if it is known.
        """
        update = {
            "clan_id": clan_id,
            "channel_id": channel_id,
            "message_id": message_id,
            "content": encode_content(content),
            "mentions": mentions_of(content, mentions),
            "attachments": attachments,
            "mode": mode,
            "is_public": is_public,
            "hide_editted": hide_editted,
            "topic_id": topic_id,
            "is_update_msg_topic": is_update_msg_topic,
            "create_time_seconds": create_time_seconds,
        }
        self._check(update)
        await self._rpc("UpdateChannelMessage", update)
        return api_ack(update, 1)

    async def remove_chat_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        topic_id: int | None = None,
    ) -> ChannelMessageAck:
        """Delete a message. The acknowledgement has code 2."""
        remove = {
            "clan_id": clan_id,
            "channel_id": channel_id,
            "message_id": message_id,
            "mode": mode,
            "is_public": is_public,
            "topic_id": topic_id,
        }
        await self._rpc("DeleteChannelMessage", remove)
        return api_ack(remove, 2)

    async def write_message_reaction(
        self,
        id: int,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        emoji_id: int,
        emoji: str,
        count: int,
        message_sender_id: int,
        action_delete: bool = False,
    ) -> ApiMessageReaction:
        """Add a reaction to a message, or remove it with ``action_delete``."""
        reaction = {
            "id": id,
            "emoji_id": emoji_id,
            "emoji": emoji,
            "action": action_delete,
            "count": count,
            "channel_id": channel_id,
            "message_id": message_id,
            "clan_id": clan_id,
            "mode": mode,
            "message_sender_id": message_sender_id,
            "is_public": is_public,
        }
        kind, answer = await self._call("message_reaction_event", reaction)
        result: ApiMessageReaction
        if kind == "message_reaction_event":
            result = model_plan(ApiMessageReaction, "mezon.api.MessageReaction").decode(answer)
        else:
            result = ApiMessageReaction.model_validate(
                {key: reaction[key] for key in ("id", "emoji_id", "emoji", "action", "count")}
            )
        # The plan is that of the reactions in a message, which do not contain these fields.
        result.channel_id, result.message_id, result.mode = int(channel_id), int(message_id), int(mode)
        return result

    # ---- presence and status

    async def write_message_typing(
        self, clan_id: int, channel_id: int, mode: int, is_public: bool
    ) -> dict[str, Any]:
        """Show the bot as typing."""
        value = {"clan_id": clan_id, "channel_id": channel_id, "mode": mode, "is_public": is_public}
        return await self._call_for_dict("message_typing_event", value)

    async def write_last_seen_message(
        self, clan_id: int, channel_id: int, mode: int, message_id: int, timestamp_seconds: int
    ) -> dict[str, Any]:
        """Mark all messages up to ``message_id`` as read. ``timestamp_seconds`` is a UNIX time."""
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
        """Announce that a user joined a voice channel."""
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
        """Announce that a user left a voice channel."""
        value = {
            "id": id,
            "clan_id": clan_id,
            "voice_channel_id": voice_channel_id,
            "voice_user_id": voice_user_id,
        }
        return await self._call_for_dict("voice_leaved_event", value)

    async def update_status(self, status: str | None = None) -> None:
        """Set the online status of the bot; None to appear offline. Does not wait for an answer."""
        self.connection.post("status_update", {"status": status}, self._timeout)

    # ---- lookups

    async def check_duplicate_clan_name(self, clan_name: str) -> dict[str, Any]:
        """Return whether a clan of that name exists, as ``exist`` in the answer."""
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
        """Raise: the API of the gateway does not offer this call.

        Raises:
            NotImplementedError: Always.
        """
        _not_offered("hashtag_dm_list", "use list_channel_by_user_id()")

    async def get_notification_channel_setting(self, channel_id: int) -> dict[str, Any]:
        """Return the bot's notification setting for a channel (RPC GetNotificationChannel)."""
        return await self._rpc("GetNotificationChannel", {"channel_id": channel_id})

    async def get_notification_category_setting(self, category_id: int) -> dict[str, Any]:
        """Return the bot's notification setting for a category (RPC GetNotificationCategory)."""
        return await self._rpc("GetNotificationCategory", {"category_id": category_id})

    async def get_notification_clan_setting(self, clan_id: int) -> dict[str, Any]:
        """Return the bot's notification setting for a clan (RPC GetNotificationClan)."""
        return await self._rpc("GetNotificationClan", {"clan_id": clan_id})

    async def get_notification_react_message(self, channel_id: int) -> dict[str, Any]:
        """Raise: the API of the gateway does not offer this call.

        Raises:
            NotImplementedError: Always.
        """
        _not_offered("get_notification_react_message", "use get_notification_channel_setting()")


def _not_offered(name: str, instead: str) -> NoReturn:
    raise NotImplementedError(f"{name}: the API of the gateway does not offer this call; {instead}")


def complete(ack: Any, sent: dict[str, Any]) -> ChannelMessageAck:
    """Add the fields of the call that the server omits in its acknowledgement."""
    if not isinstance(ack, ChannelMessageAck):
        # An answer of another kind also means that the server accepted the message.
        ack = ChannelMessageAck(code=sent.get("code") or 0)
    answer: ChannelMessageAck = ack
    values = answer.__dict__
    values["channel_id"] = values["channel_id"] or int(sent["channel_id"])
    values["clan_id"] = values["clan_id"] or int(sent["clan_id"] or 0)
    values["mode"] = values["mode"] or sent["mode"]
    values["is_public"] = bool(sent["is_public"])
    return answer


def api_ack(sent: dict[str, Any], code: int) -> ChannelMessageAck:
    """Return the acknowledgement of an update or removal over the API, whose response is empty."""
    return ChannelMessageAck(
        channel_id=int(sent["channel_id"]),
        mode=sent["mode"],
        message_id=int(sent["message_id"]),
        code=code,
        username="",
        clan_id=int(sent["clan_id"] or 0),
        is_public=bool(sent["is_public"]),
    )
