"""The socket of a client: connecting, joining clans, and calls that also update the message store."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from mezon import models
from mezon.errors import MezonConnectionError, MezonError, MezonTimeoutError
from mezon.managers._home import home_of
from mezon.messages._custom import as_store, core_of
from mezon.models._origin import KEY, RECEIVERS, Origin
from mezon.models._outgoing import OutgoingMessage, mentions_of, received_content
from mezon.models.message import sent_message
from mezon.socket import Socket, WebSocketAdapterPb
from mezon.utils.logger import MISTAKE, get_logger
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from mezon.api import MezonApi
    from mezon.managers.event import EventManager
    from mezon.models import (
        ApiClanDesc,
        ApiClanDescList,
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageReaction,
        ApiMessageRef,
        ChannelMessage,
        ChannelMessageAck,
    )
    from mezon.models._outgoing import Content
    from mezon.options import TransportChoice
    from mezon.ports import Connection, MessageStore
    from mezon.session import Session

logger: Final = get_logger("mezon.gateway")

#: The number of attempts to join a clan when the call is lost.
_JOIN_ATTEMPTS: Final = 3

#: The number of concurrent joins: the frame limit lets each of them pass well before its deadline.
_CONCURRENT_JOINS: Final = 80

#: A bot that replies to so many of its own messages within so many seconds is reported.
_LOOP_REPLIES: Final = 5
_LOOP_SECONDS: Final = 5.0

#: The states in which no clan can be joined.
_CLOSED_STATES: Final = ("idle", "closed")


class Sender(Protocol):
    """The sender of messages: a ``MezonClient``, or any object with a ``client_id``."""

    client_id: int


class Sent(NamedTuple):
    """A message that was sent.

    Attributes:
        ack: The acknowledgement of the server.
        message: The sent message as it would be received; None if the server's copy was already received.
    """

    ack: ChannelMessageAck
    message: ChannelMessage | None


class SocketManager:
    """The socket of a client.

    Its events are dispatched by ``mezon_client`` if that is a ``mezon.MezonClient``. Otherwise ``emit`` of
    ``event_manager`` is called for each event, without caches, waiters and gap filling.

    Args:
        ws_url: The URL of the gateway if a session has none.
        use_ssl: Whether a plain-text URL is refused.
        api_client: The HTTP API.
        event_manager: The registry of event handlers.
        mezon_client: The client.
        message_db: The message store, or None.
        options: Settings of the core, by the names of ``mezon.GatewayOptions``.
        send_timeout_ms: The timeout of a call in milliseconds.
        connection: The connection; None for that of the client, or a new one of the core.
        know_clan: Called with the description of each clan of the bot and the token of the session.
        transport: ``websocket`` or ``tcp`` to use that transport only.
    """

    def __init__(
        self,
        ws_url: str,
        use_ssl: bool,
        api_client: MezonApi,
        event_manager: EventManager,
        mezon_client: Sender,
        message_db: MessageStore | None,
        *,
        options: dict[str, Any] | None = None,
        send_timeout_ms: int = Socket.DEFAULT_SEND_TIMEOUT_MS,
        connection: Connection | None = None,
        know_clan: Callable[[ApiClanDesc, str], object] | None = None,
        transport: TransportChoice = "auto",
    ) -> None:
        self.ws_url = ws_url
        self.use_ssl = use_ssl
        self.api_client = api_client
        self.event_manager = event_manager
        self.mezon_client = mezon_client
        self.message_db = message_db
        self._home = home_of(mezon_client)
        if self._home is not None:
            know_clan = know_clan or self._home.know_clan
            connection = connection or self._home.socket_port()
        self._know_clan = know_clan
        #: Whether a sent message is saved at once; False if messages are saved when the server's copy is received.
        self.saves_sent = True
        #: The times of the last replies to own messages, and the message of the last one.
        self._own_replies: deque[float] = deque(maxlen=_LOOP_REPLIES)
        self._replied_to: int | None = None
        self._loop_reported = False
        #: The joined clans. The core joins them again after a reconnect.
        self.joined_clans: set[int] = set()
        self.adapter: WebSocketAdapterPb = WebSocketAdapterPb(
            options=options, store=core_of(message_db), connection=connection
        )
        self.origin: Origin = Origin(mezon_client)
        self.socket: Socket = Socket(
            ws_url,
            use_ssl,
            adapter=self.adapter,
            send_timeout_ms=send_timeout_ms,
            event_manager=event_manager,
            transport=transport,
        )

    def get_socket(self) -> Socket:
        """Return the socket."""
        return self.socket

    async def connect(self, api_session: Session, *, auto_reconnect: bool | None = None) -> Session:
        """Connect with a session. An open connection is closed first.

        Args:
            api_session: The session.
            auto_reconnect: Whether to reconnect after a loss; None for the value that was passed to the login.

        Raises:
            MezonConnectionError: If the gateway cannot be reached.
        """
        if self.socket.is_open() or self.socket.connection.state not in ("idle", "closed"):
            await self.socket.close()
        home = self._home
        if home is not None:
            home.socket_opens(self)
            if auto_reconnect is None:
                auto_reconnect = home.auto_reconnect
        self.socket.auto_reconnect = bool(auto_reconnect)
        session = await self.socket.connect(api_session, create_status=True)
        if home is not None:
            home.socket_is_open(session)
        return session

    async def is_connected(self) -> bool:
        """Return whether the socket is connected and ready for calls."""
        return self.socket.is_open()

    async def connect_socket(self, token: str, *, listing: Awaitable[ApiClanDescList] | None = None) -> None:
        """List the clans of the bot and join them, and clan 0 for direct messages.

        Args:
            token: The token of the session.
            listing: The list of clans, if it was requested already.

        Raises:
            MezonError: If the clans cannot be listed. A clan that cannot be joined is logged as a warning.
        """
        clans = await (listing if listing is not None else self.api_client.list_clans_descs(token))
        everything = [*(clans.clandesc or ()), models.ApiClanDesc(clan_id=0, clan_name="")]
        await self.join_all_clans(everything, token)
        if self._home is not None:
            self._home.clans_are_joined()

    async def join_all_clans(self, clans: list[ApiClanDesc], token: str) -> None:
        """Cache the clans and join them, see `join_clans`."""
        if self._know_clan is not None:
            for description in clans:
                self._know_clan(description, token)
        await self.join_clans({description.clan_id or 0 for description in clans})

    async def join_clans(self, clan_ids: Iterable[int]) -> None:
        """Join clans, some of them concurrently.

        A clan that cannot be joined is logged as a warning, and is joined at the next reconnect.
        """
        left = sorted(clan_ids)
        for _ in range(_JOIN_ATTEMPTS):
            lost: list[int] = []
            for start in range(0, len(left), _CONCURRENT_JOINS):
                lost += await self._join(left[start : start + _CONCURRENT_JOINS])
                if self.socket.connection.state in _CLOSED_STATES:
                    lost += left[start + _CONCURRENT_JOINS :]
                    break
            left = lost
            if not left or self.socket.connection.state in _CLOSED_STATES:
                break
        if left:
            logger.warning(
                "Clans %s could not be joined: their events are received after the next reconnect", left
            )

    async def _join(self, clan_ids: list[int]) -> list[int]:
        """Join clans concurrently. Return those whose call was lost."""
        outcomes = await asyncio.gather(
            *(self.socket.join_clan_chat(clan_id) for clan_id in clan_ids), return_exceptions=True
        )
        lost: list[int] = []
        for clan_id, outcome in zip(clan_ids, outcomes, strict=True):
            if isinstance(outcome, MezonConnectionError | MezonTimeoutError):
                # Joining is idempotent.
                lost.append(clan_id)
            elif isinstance(outcome, MezonError):
                logger.warning(
                    "Clan %s could not be joined: its events are not received: %s", clan_id, outcome
                )
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                self.joined_clans.add(clan_id)
        return lost

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
        """Send a message that only some users see, see ``Socket.write_ephemeral_message``."""
        ack = await self.socket.write_ephemeral_message(
            receiver_ids,
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
            message_id,
        )
        # An update of the message has to name the receivers again.
        ack.__dict__.update({KEY: self.origin, RECEIVERS: tuple(receiver_ids)})
        return ack

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
        """Send a message, see ``Socket.write_chat_message``, and save it to the store."""
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
        )
        return (await self.send_message(message)).ack

    async def send_message(self, message: OutgoingMessage, channel_label: str | None = None) -> Sent:
        """Send a message and save it to the store.

        Args:
            message: The message.
            channel_label: The name of the channel, for the message in the result.

        Raises:
            MezonError: See ``Socket.write_chat_message``.
        """
        if message.references and not self._loop_reported:
            self._watch_for_loop(message)
        socket = self.socket
        if is_own(socket, "write_chat_message"):
            ack = await socket.send_message(message)
        else:
            ack = await socket.write_chat_message(**vars(message))
        store = None if self.message_db is None else as_store(self.message_db)
        # A custom socket or a mock may return any object.
        message_id = getattr(ack, "message_id", None)
        if not message_id or (store is not None and store.came(ack.channel_id or 0, message_id)):
            # The server's copy has more fields, and is already in `channel.messages`.
            return Sent(ack, None)
        sent = sent_message(ack, self.mezon_client.client_id, message, channel_label)
        if store is not None and self.saves_sent:
            await store.save_message(sent)
        return Sent(ack, sent)

    def _watch_for_loop(self, message: OutgoingMessage) -> None:
        """Log once that the bot answers itself, after some replies to its own messages within a few seconds."""
        own = self.mezon_client.client_id
        replied_to = [one.message_ref_id for one in message.references or () if one.message_sender_id == own]
        # Several replies to one message, such as the steps of some work, are no answers to each other.
        if not replied_to or replied_to[0] == self._replied_to:
            return
        self._replied_to = replied_to[0]
        now = time.monotonic()
        self._own_replies.append(now)
        if len(self._own_replies) == _LOOP_REPLIES and now - self._own_replies[0] <= _LOOP_SECONDS:
            self._loop_reported = True
            logger.warning(
                "The bot answers itself: it replied to its own messages %d times in %g s. Handlers of "
                "channel_message receive the bot's messages, too; skip them with "
                "@client.on_channel_message(ignore_self=True)",
                _LOOP_REPLIES,
                _LOOP_SECONDS,
                extra={MISTAKE: "own_replies", "channel_id": message.channel_id},
            )

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
        """Update a message, see ``Socket.update_chat_message``, and update the store."""
        ack = await self.socket.update_chat_message(
            clan_id,
            channel_id,
            mode,
            is_public,
            message_id,
            content,
            mentions,
            attachments,
            hide_editted,
            topic_id,
            is_update_msg_topic,
            create_time_seconds,
        )
        ack.__dict__[KEY] = self.origin
        if self.message_db is not None:
            await as_store(self.message_db).update_message(
                message_id,
                channel_id,
                received_content(content),
                mentions_of(content, mentions),
                attachments,
            )
        return ack

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
        """Add or remove a reaction, see ``Socket.write_message_reaction``."""
        return await self.socket.write_message_reaction(
            id,
            clan_id,
            channel_id,
            mode,
            is_public,
            message_id,
            emoji_id,
            emoji,
            count,
            message_sender_id,
            action_delete,
        )

    async def remove_chat_message(
        self,
        clan_id: int,
        channel_id: int,
        mode: int,
        is_public: bool,
        message_id: int,
        topic_id: int | None = None,
    ) -> ChannelMessageAck:
        """Delete a message, see ``Socket.remove_chat_message``, and update the store."""
        ack = await self.socket.remove_chat_message(
            clan_id, channel_id, mode, is_public, message_id, topic_id
        )
        if self.message_db is not None:
            await as_store(self.message_db).delete_message(message_id, channel_id)
        return ack

    async def disconnect(self) -> None:
        """Close the socket. Idempotent."""
        await self.socket.close()
