"""The socket as the objects of a client use it: connect, join, write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from mezon.managers._home import home_of
from mezon.managers._joins import join_clans
from mezon.messages._foreign import as_store, core_of
from mezon.models._origin import KEY, RECEIVERS, Origin
from mezon.models._outgoing import OutgoingMessage, mentions_of, received_content
from mezon.socket import Socket, WebSocketAdapterPb
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from mezon._gateway.transport import TransportChoice
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
    from mezon.ports import Connection, MessageStore
    from mezon.session import Session

logger: Final = get_logger("mezon.gateway")


class Sender(Protocol):
    """The client, as far as messages it sends are concerned."""

    client_id: int


class Sent(NamedTuple):
    """A message that was sent.

    Attributes:
        ack: The server's acknowledgement.
        message: What was sent, as it would have come back; None when the server's own copy has come already.
    """

    ack: ChannelMessageAck
    message: ChannelMessage | None


class SocketManager:
    """The socket of a client.

    Its events reach the handlers of ``mezon_client`` when that is a ``mezon.MezonClient``; otherwise ``emit`` of
    ``event_manager`` is called for each, and nothing else of a client follows them.

    Args:
        ws_url: Where to connect when a session does not say.
        use_ssl: Whether a plain-text URL is refused.
        api_client: The HTTP API.
        event_manager: Who listens to what.
        mezon_client: The client.
        message_db: The message store, or None.
        options: Settings of the core, by the names of ``mezon.GatewayOptions``.
        send_timeout_ms: How long a call waits for its answer, in milliseconds.
        connection: What carries the calls; one of the core unless it is given.
        know_clan: Called with the description of each clan the bot is in, and the session's token.
        transport: ``websocket`` or ``tcp`` for that transport alone.
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
        #: Put what is sent into the store at once; False if each message is saved when the server's copy comes.
        self.saves_sent = True
        #: Clans that were joined: the core joins them again after a loss.
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
        """Give the socket."""
        return self.socket

    async def connect(self, api_session: Session, *, auto_reconnect: bool | None = None) -> Session:
        """Connect with a session. A connection that is open is closed first.

        Args:
            auto_reconnect: Connect again when the connection is lost; None for what the client's login was told.

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
        """Say whether the socket is connected and ready for calls."""
        return self.socket.is_open()

    async def connect_socket(self, token: str, *, listing: Awaitable[ApiClanDescList] | None = None) -> None:
        """Get the list of the bot's clans and join them all, and the clan 0 of direct messages.

        Args:
            token: The session's token.
            listing: The list, when it has been asked for already.

        Raises:
            MezonError: If the list cannot be had. One clan that cannot be joined is a warning.
        """
        from mezon.models import ApiClanDesc

        clans = await (listing if listing is not None else self.api_client.list_clans_descs(token))
        everything = [*(clans.clandesc or ()), ApiClanDesc(clan_id=0, clan_name="")]
        await self.join_all_clans(everything, token)
        if self._home is not None:
            self._home.clans_are_joined()

    async def join_all_clans(self, clans: list[ApiClanDesc], token: str) -> None:
        """Put the clans into the client's cache and join them, as `join_clans` does."""
        if self._know_clan is not None:
            for description in clans:
                self._know_clan(description, token)
        await self.join_clans({description.clan_id or 0 for description in clans})

    async def join_clans(self, clan_ids: Iterable[int]) -> None:
        """Join clans, some at a time. One that cannot be joined is a warning, and is tried at the next reconnect."""
        self.joined_clans |= await join_clans(self.socket, clan_ids)

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
        """As ``Socket.write_ephemeral_message``."""
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
        # Whoever changes it later has to say again who sees it.
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
        """As ``Socket.write_chat_message``; the message is in the store when this returns."""
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
        """Send a message; it is in the store when this returns, and in the answer as it was sent.

        Args:
            message: The message.
            channel_label: The channel's name, for the message in the answer.

        Raises:
            MezonError: One of its kinds, as ``Socket.write_chat_message``.
        """
        ack = await self.socket.write_chat_message(**vars(message))
        store = None if self.message_db is None else as_store(self.message_db)
        # The acknowledgement of a bot's own socket, or of a mock, may be anything.
        message_id = getattr(ack, "message_id", None)
        if not message_id or (store is not None and store.came(ack.channel_id or 0, message_id)):
            # The server's own copy says more, and the connection has it for `channel.messages`, too.
            return Sent(ack, None)
        from mezon.models.message import sent_message

        sent = sent_message(ack, self.mezon_client.client_id, message, channel_label)
        if store is not None and self.saves_sent:
            await store.save_message(sent)
        return Sent(ack, sent)

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
        """As ``Socket.update_chat_message``; the store follows."""
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
        """As ``Socket.write_message_reaction``."""
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
        """As ``Socket.remove_chat_message``; the store follows."""
        ack = await self.socket.remove_chat_message(
            clan_id, channel_id, mode, is_public, message_id, topic_id
        )
        if self.message_db is not None:
            await as_store(self.message_db).delete_message(message_id, channel_id)
        return ack

    async def disconnect(self) -> None:
        """Close the socket. Safe at any time, and twice."""
        await self.socket.close()
