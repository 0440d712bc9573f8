"""The calls a bot can make over the socket.

Every method is one envelope out and its answer back; the core numbers, limits, times out and encodes them.
Ids may be ints or digit strings everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from mezon.errors import InvalidArgumentError, NotLoggedInError, ServerError
from mezon.models._body import encode_content, mentions_of
from mezon.models.realtime import ChannelJoin, ChannelLeave, ChannelMessageAck, ClanJoin
from mezon.session import Session
from mezon.socket._url import socket_urls
from mezon.socket.websocket_adapter import WebSocketAdapter, WebSocketAdapterPb
from mezon.utils.helper import channel_type_of_mode
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon._gateway.transport import TransportChoice
    from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageReaction, ApiMessageRef
    from mezon.models._body import Content
    from mezon.models._limits import MessageLimits
    from mezon.ports import Connection

logger = get_logger("mezon.gateway")

#: The first byte of a raw API chunk, the length of its header, and the flag of the last one.
PREFIX_RAW: Final = 0xFF
RAW_HEADER_LENGTH: Final = 7
CODE_FIN: Final = 0x00FF


class Registry(Protocol):
    """Who listens to what: a :class:`mezon.EventManager`."""

    def on(self, event_name: str, handler: Any = None) -> Any: ...
    def off(self, event_name: str, handler: Any = None) -> None: ...
    def has_listeners(self, event_name: str) -> bool: ...


class Socket:
    """The socket of one client.

    Args:
        ws_url: Where to connect when a session does not say.
        use_ssl: Whether a plain-text URL is refused.
        adapter: What carries the envelopes; the core by default.
        send_timeout_ms: How long a call waits for its answer, in milliseconds.
        event_manager: Kept for bots that look at it; dispatch is the client's.
        transport: ``websocket`` or ``tcp`` for that transport alone.
    """

    DEFAULT_HEARTBEAT_TIMEOUT_MS = 10000
    DEFAULT_SEND_TIMEOUT_MS = 10000
    DEFAULT_CONNECT_TIMEOUT_MS = 30000
    RAW_STREAM_TIMEOUT_S = 30.0

    def __init__(
        self,
        ws_url: str,
        use_ssl: bool = False,
        adapter: WebSocketAdapter | None = None,
        send_timeout_ms: int = DEFAULT_SEND_TIMEOUT_MS,
        event_manager: Registry | None = None,
        *,
        transport: TransportChoice = "auto",
    ) -> None:
        self.ws_url = ws_url
        self.use_ssl = use_ssl
        self.adapter = adapter if adapter is not None else WebSocketAdapterPb()
        self.send_timeout_ms = send_timeout_ms
        self.event_manager = event_manager
        self.transport = transport
        self.session: Session | None = None
        #: What is refused before it is sent; None for nothing.
        self.limits: MessageLimits | None = None
        self._last_cid = 0

    @property
    def connection(self) -> Connection:
        """The connection that carries the calls.

        Raises:
            InvalidArgumentError: If the adapter is not the core's.
        """
        if not isinstance(self.adapter, WebSocketAdapterPb):
            raise InvalidArgumentError(
                "calls need the core's adapter: use WebSocketAdapterPb, or a subclass of it"
            )
        return self.adapter.connection

    @property
    def _timeout(self) -> float:
        return self.send_timeout_ms / 1000

    def generate_cid(self) -> str:
        """A number no other call of this method got. The core numbers the calls of this class itself."""
        self._last_cid += 1
        return str(self._last_cid)

    def is_open(self) -> bool:
        """Is the socket connected and ready for calls?"""
        return self.adapter.is_open()

    async def close(self) -> None:
        """Close the socket. Safe at any time, and twice."""
        await self.adapter.close()

    async def connect(
        self,
        session: Session,
        create_status: bool = False,
        connect_timeout_ms: int = DEFAULT_CONNECT_TIMEOUT_MS,
        *,
        auto_reconnect: bool = False,
    ) -> Session:
        """Connect with a session's token, to where it says.

        ``connect_timeout_ms`` is kept for its name; the core gives a connect 30 s (``GatewayOptions``).

        Raises:
            MezonConnectionError: If the gateway cannot be reached.
            NotLoggedInError: If the session has no token.
        """
        if not session.token:
            raise NotLoggedInError("the session has no token: authenticate first, as client.login() does")
        self.session = session
        await self.connection.open(self.urls(session, create_status=create_status), auto_reconnect)
        return session

    def urls(self, session: Session, *, create_status: bool = True) -> list[str]:
        """Where to connect with a session, the best first. They carry its token: never log them.

        Raises:
            AuthenticationError: If the session names nothing that can be connected to.
        """
        return socket_urls(session, self.use_ssl, self.transport, fallback=self.ws_url, status=create_status)

    async def _call(self, name: str, value: dict[str, Any]) -> tuple[str, Any]:
        return await self.connection.call(name, value, self._timeout)

    async def _call_for_dict(self, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """The answer's fields by name, or what was sent when the answer is of another kind."""
        from mezon._gateway.codec import MESSAGES, dict_plan

        kind, answer = await self._call(name, value)
        if kind != name:
            return value
        if isinstance(answer, bytes):
            fields: dict[str, Any] = dict_plan(MESSAGES[name]).decode(answer)
            return fields
        dumped: dict[str, Any] = answer.model_dump()
        return dumped

    async def _rpc(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an API over the socket; gives the answer's fields by name."""
        from mezon._gateway.codec import dict_plan
        from mezon.protobuf._rpcs import find_rpc

        rpc = find_rpc(name)
        body = dict_plan(rpc.request).encode(request) if rpc.request else b""
        event = {"api_index": rpc.index, "api_name": rpc.name, "body": body}
        try:
            answer = await self.connection.call_raw("api_request_event", event, self._timeout)
        except ServerError as error:
            raise ServerError(error.code, error.message, error.context, call=rpc.name) from None
        fields: dict[str, Any] = dict_plan(rpc.response).decode(answer)
        return fields

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
        message = _message(
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
        self._check(message)
        _, ack = await self._call_joined("channel_message_send", message, message)
        return _complete(ack, message)

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
        message = _message(
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
        return _complete(ack, message)

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
        return _api_ack(update, 1)

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
        return _api_ack(remove, 2)

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
        if kind != "message_reaction_event":
            return ApiMessageReaction.model_validate(
                {key: reaction[key] for key in ("id", "emoji_id", "emoji", "action", "count")}
            )
        made: ApiMessageReaction = model_plan(ApiMessageReaction, "mezon.api.MessageReaction").decode(answer)
        return made

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
        """Is a clan of that name there already? See ``exist`` in the answer."""
        return await self._call_for_dict("check_name_existed_event", {"name": clan_name})

    async def list_clan_emoji_by_clan_id(self, clan_id: str) -> dict[str, Any]:
        """The emojis of a clan, as ``{"emoji_list": [...]}`` (RPC GetListEmojisByUserId)."""
        found = await self._rpc("GetListEmojisByUserId", {})
        return {"emoji_list": [one for one in found["emoji_list"] if one["clan_id"] == int(clan_id)]}

    async def list_clan_stickers_by_clan_id(self, clan_id: str) -> dict[str, Any]:
        """The stickers of a clan, as ``{"stickers": [...]}`` (RPC GetListStickersByUserId)."""
        found = await self._rpc("GetListStickersByUserId", {})
        return {"stickers": [one for one in found["stickers"] if one["clan_id"] == int(clan_id)]}

    async def list_channel_by_user_id(self) -> dict[str, Any]:
        """All channels the bot is in, as ``{"channeldesc": [...]}`` (RPC ListChannelByUserId)."""
        return await self._rpc("ListChannelByUserId", {})

    async def hashtag_dm_list(self, user_ids: list[str], limit: int) -> dict[str, Any]:
        """Not offered by the gateway's API.

        Raises:
            NotImplementedError: Always.
        """
        _not_offered("hashtag_dm_list", "list_channel_by_user_id() gives the bot's channels")

    async def get_notification_channel_setting(self, channel_id: int) -> dict[str, Any]:
        """The bot's notification setting for a channel (RPC GetNotificationChannel)."""
        return await self._rpc("GetNotificationChannel", {"channel_id": channel_id})

    async def get_notification_category_setting(self, category_id: int) -> dict[str, Any]:
        """The bot's notification setting for a category (RPC GetNotificationCategory)."""
        return await self._rpc("GetNotificationCategory", {"category_id": category_id})

    async def get_notification_clan_setting(self, clan_id: int) -> dict[str, Any]:
        """The bot's notification setting for a clan (RPC GetNotificationClan)."""
        return await self._rpc("GetNotificationClan", {"clan_id": clan_id})

    async def get_notification_react_message(self, channel_id: int) -> dict[str, Any]:
        """Not offered by the gateway's API.

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


def _message(
    clan_id: int,
    channel_id: int,
    mode: int,
    is_public: bool,
    content: Content,
    mentions: Sequence[ApiMessageMention] | None,
    attachments: Sequence[ApiMessageAttachment] | None,
    references: Sequence[ApiMessageRef] | None,
    anonymous_message: bool | None,
    mention_everyone: bool | None,
    avatar: str | None,
    code: int | None,
    topic_id: int | None,
) -> dict[str, Any]:
    """A ``ChannelMessageSend`` by its field names."""
    return {
        "clan_id": clan_id,
        "channel_id": channel_id,
        "content": encode_content(content),
        "mentions": mentions_of(content, mentions),
        "attachments": attachments,
        "references": references,
        "mode": mode,
        "anonymous_message": anonymous_message,
        "mention_everyone": mention_everyone,
        "avatar": avatar,
        "is_public": is_public,
        "code": code,
        "topic_id": topic_id,
    }


def _complete(ack: Any, sent: dict[str, Any]) -> ChannelMessageAck:
    """An acknowledgement with what the server leaves out of it: it was in the call."""
    if not isinstance(ack, ChannelMessageAck):
        # A server that answers with something else has taken the message all the same.
        ack = ChannelMessageAck(code=sent.get("code") or 0)
    answer: ChannelMessageAck = ack
    values = answer.__dict__
    values["channel_id"] = values["channel_id"] or int(sent["channel_id"])
    values["clan_id"] = values["clan_id"] or int(sent["clan_id"] or 0)
    values["mode"] = values["mode"] or sent["mode"]
    values["is_public"] = bool(sent["is_public"])
    return answer


def _api_ack(sent: dict[str, Any], code: int) -> ChannelMessageAck:
    return ChannelMessageAck(
        channel_id=int(sent["channel_id"]),
        mode=sent["mode"],
        message_id=int(sent["message_id"]),
        code=code,
        username="",
        clan_id=int(sent["clan_id"] or 0),
        is_public=bool(sent["is_public"]),
    )
