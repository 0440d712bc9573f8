"""The calls a bot can make over the socket.

Every method is one envelope out and its answer back; the core numbers, limits, times out and encodes them.
Ids may be ints or digit strings everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon.errors import ServerError
from mezon.models._outgoing import OutgoingMessage, encode_content, mentions_of
from mezon.models.realtime import ChannelJoin, ChannelLeave, ChannelMessageAck, ClanJoin
from mezon.socket._messages import api_ack, complete
from mezon.socket._small_calls import SmallCalls
from mezon.utils.helper import channel_type_of_mode
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageReaction, ApiMessageRef
    from mezon.models._outgoing import Content

logger: Final = get_logger("mezon.gateway")

#: The first byte of a raw API chunk, the length of its header, and the flag of the last one.
PREFIX_RAW: Final = 0xFF
RAW_HEADER_LENGTH: Final = 7
CODE_FIN: Final = 0x00FF


class Socket(SmallCalls):
    """The socket of one client.

    Args:
        ws_url: Where to connect when a session does not say.
        use_ssl: Whether a plain-text URL is refused.
        adapter: What carries the envelopes; the core by default.
        send_timeout_ms: How long a call waits for its answer, in milliseconds.
        event_manager: Kept for bots that look at it; dispatch is the client's.
        transport: ``websocket`` or ``tcp`` for that transport alone.
    """

    # ---- joins

    async def join_clan_chat(self, clan_id: int) -> ClanJoin:
        """Join a clan; its events come from then on, also after a reconnect.

        Raises:
            ServerError, MezonTimeoutError, MezonConnectionError: As every call of this class.
        """
        await self._call("clan_join", {"clan_id": clan_id})
        return ClanJoin(clan_id=int(clan_id))

    async def join_chat(
        self, clan_id: int, channel_id: int, channel_type: int, is_public: bool = True
    ) -> ChannelJoin:
        """Join a channel, thread or DM; it is joined again after a reconnect."""
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

        A refusal because the channel was not joined joins it and sends once more.

        Args:
            content: A str, a ``Text``, a dict, or a ``ChannelMessageContent``.

        Raises:
            ServerError: If the server refuses it.
            MezonTimeoutError: If no acknowledgement comes in time.
            DeliveryUnknownError: If the connection is lost before it comes.
            MezonConnectionError: If the socket is not connected.
            InvalidArgumentError: If a value does not fit.
        """
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
        self._check(message)
        _, ack = await self._call_joined("channel_message_send", message, message)
        return complete(ack, message)

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
        """Send a message that only ``receiver_ids`` see. With ``message_id``, it changes that message."""
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
        from mezon._gateway.failures import must_join

        try:
            return await self._call(name, value)
        except ServerError as error:
            if not must_join(error):
                raise
            logger.info("Channel %s has to be joined before sending; joining it", message["channel_id"])
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
        """Change a message. The acknowledgement has code 1.

        Args:
            hide_editted: Do not show that it was edited.
            create_time_seconds: When the message was written, UNIX time, if that is known.
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
        """Add a reaction to a message, or take it away with ``action_delete``."""
        from mezon._gateway.codec import model_plan
        from mezon.models.parts import ApiMessageReaction

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
        made: ApiMessageReaction
        if kind == "message_reaction_event":
            made = model_plan(ApiMessageReaction, "mezon.api.MessageReaction").decode(answer)
        else:
            made = ApiMessageReaction.model_validate(
                {key: reaction[key] for key in ("id", "emoji_id", "emoji", "action", "count")}
            )
        # The plan is the one for the reactions inside a message, which do not repeat these.
        made.channel_id, made.message_id, made.mode = int(channel_id), int(message_id), int(mode)
        return made
