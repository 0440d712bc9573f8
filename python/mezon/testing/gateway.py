"""The local gateway as a test sees it: what users do, what is pushed, what is blasted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.blast import Blast, BlastResult, build_blast
from mezon.testing.connection import Connection
from mezon.testing.frames import TEXT, Chunk, websocket_frame
from mezon.testing.messages import (
    CHAT,
    REMOVED,
    UPDATED,
    build_message,
    content_text,
    make_attachments,
    make_mentions,
    make_reference,
)
from mezon.testing.weather import Weather
from mezon.testing.world import Channel, User

__all__ = ["LocalGateway"]


class LocalGateway(Weather):
    """A Mezon server on a loopback port, for development and tests.

    ``async with LocalGateway() as gateway: ...`` or ``await gateway.start()`` and ``await gateway.aclose()``.

    Args:
        host: A loopback address.
        port: 0 for a free one; ``gateway.port`` tells which.
        tls: Speak https and wss with a certificate made at start; trust ``gateway.ca_file``.
        websocket: Serve the WebSocket. Both transports share the port; a client of one that is off is turned away
            (404 here, a close without a word on TCP), though sessions still tell its URL.
        tcp: Serve abridged TCP.
        tcp_refusal: What a bad token gets on TCP: ``http``, a 401 as text, or ``silent``, a close.
        frame_limit: The greatest frame taken on TCP, in bytes; a longer one ends the connection.
        silence_limit: Seconds after which a socket that says nothing is closed; None for never.
        wire: In which pieces and forms the gateway writes, see :class:`WireForm`.
        limits: How much a bot may send, see :class:`Limits`; nothing is limited by default.
        bot_id: The one bot that may log in (``add_bot`` lets in more).
        api_key: Its key.
        bot_username: Its name.
        world: A world of your own; by default one clan, two channels, three users.
        require_join: Refuse messages to channels the bot has not joined.
        joined_only: Deliver messages only to connections that joined the clan or channel. By default every
            connection gets every message, so that a test need not wait for joins.
        echo_own_messages: Send a bot its own messages too, as the real server does.
        token_lifetime: Seconds a session token is good for.
        chunk_size: Raw API answers are cut into chunks of so many bytes.
        chunk_count: Or into so many chunks.
        max_records: How many entries ``sent`` and ``requests`` keep; the oldest go first.
        max_uploads: How many uploaded files are kept.

    Attributes:
        sent: Every envelope the bot sent, as :class:`Sent`.
        requests: Every HTTP request, as :class:`Request`.
        uploads: Uploaded files by URL.
        connections: Counts of sockets: ``live``, ``total``, ``max_live``.
        handshakes: Every attempt to open a socket, as :class:`Handshake`.
        live: The open connections; each says its ``transport``.
        meter: ``meter.busiest_second`` is the most frames a bot sent within one second.
        world: Clans, channels, users, messages.
        mmn: The token node, its accounts and ``transactions``.
        agent_events: Server-sent events: ``await gateway.agent_events.send("room_started")``.
        session_fields: What the next sessions say instead, such as ``{"ws_url": ...}``.
    """

    # What users do

    async def say(
        self,
        channel: Channel | int | str,
        user: User | int | str,
        content: str | Mapping[str, Any],
        *,
        mentions: Iterable[User | int | str | api_pb2.MessageMention | Mapping[str, Any]] = (),
        reply_to: int | api_pb2.ChannelMessage | None = None,
        attachments: Iterable[str | api_pb2.MessageAttachment | Mapping[str, Any]] = (),
        topic_id: int = 0,
        code: int = CHAT,
        created: int = 0,
    ) -> int:
        """A user says something; every connected bot hears it. Returns the message id.

        Args:
            channel: The channel, its id, or its name.
            user: Who speaks: the user, their id, or their name.
            content: Text, or the content object (``{"t": ..., "embed": [...]}``).
            mentions: Users mentioned; ``@username`` in the text gives the offsets.
            reply_to: The message (or its id) this answers.
            attachments: URLs or field mappings.
            created: Unix time of the message in seconds; 0 for now.

        Raises:
            LookupError: No such channel, user or message.
        """
        world = self.world
        text = content if isinstance(content, str) else str(content.get("t") or "")
        references: Sequence[api_pb2.MessageRef] = ()
        if reply_to is not None:
            references = [make_reference(self._message(reply_to))]
        message = build_message(
            world,
            world.channel(channel),
            world.user(user),
            content_text(content),
            message_id=world.next_message_id(),
            code=code,
            mentions=make_mentions(world, text, mentions),
            attachments=make_attachments(attachments),
            references=references,
            topic_id=topic_id,
            created=created,
        )
        world.remember(message)
        self.broadcast(channel_message=message)
        await self._drain()
        return message.message_id

    async def say_dm(self, user: User | int | str, content: str | Mapping[str, Any], **options: Any) -> int:
        """A user writes to the bot directly; options as for ``say``."""
        return await self.say(self.world.dm(user), user, content, **options)

    async def edit(self, message_id: int, content: str | Mapping[str, Any]) -> None:
        """The sender changes a message (an event with code 1)."""
        message = self._message(message_id)
        self.apply_update(message, content_text(content))
        self.broadcast_change(message, UPDATED)
        await self._drain()

    async def remove(self, message_id: int) -> None:
        """A message is deleted (an event with code 2)."""
        message = self._message(message_id)
        self.world.forget(message)
        self.broadcast_change(message, REMOVED)
        await self._drain()

    async def react(
        self, message_id: int, user: User | int | str, emoji: str, *, emoji_id: int = 1, remove: bool = False
    ) -> None:
        """A user puts a reaction on a message, or takes it back."""
        message, sender = self._message(message_id), self.world.user(user)
        reaction = api_pb2.MessageReaction(
            id=self.world.next_id(),
            emoji_id=emoji_id,
            emoji=emoji,
            sender_id=sender.id,
            sender_name=sender.username,
            sender_avatar=sender.avatar_url,
            action=remove,
            count=1,
            channel_id=message.channel_id,
            message_id=message.message_id,
            clan_id=message.clan_id,
            mode=message.mode,
            message_sender_id=message.sender_id,
            is_public=message.is_public,
            topic_id=message.topic_id,
        )
        await self.push(message_reaction_event=reaction)

    async def typing(self, channel: Channel | int | str, user: User | int | str) -> None:
        """A user is typing."""
        room, sender = self.world.channel(channel), self.world.user(user)
        event = realtime_pb2.MessageTypingEvent(
            clan_id=room.clan_id,
            channel_id=room.id,
            sender_id=sender.id,
            mode=room.mode,
            is_public=not room.private,
            sender_username=sender.username,
            sender_display_name=sender.display_name,
        )
        await self.push(message_typing_event=event)

    async def click(
        self, message_id: int, user: User | int | str, button_id: str, *, extra_data: str = ""
    ) -> None:
        """A user clicks a button of a message."""
        message = self._message(message_id)
        event = realtime_pb2.MessageButtonClicked(
            message_id=message_id,
            channel_id=message.channel_id,
            button_id=button_id,
            sender_id=message.sender_id,
            user_id=self.world.user(user).id,
            extra_data=extra_data,
        )
        await self.push(message_button_clicked=event)

    async def select(
        self, message_id: int, user: User | int | str, selectbox_id: str, values: Sequence[str]
    ) -> None:
        """A user chooses in a drop-down box of a message."""
        message = self._message(message_id)
        event = realtime_pb2.DropdownBoxSelected(
            message_id=message_id,
            channel_id=message.channel_id,
            selectbox_id=selectbox_id,
            sender_id=message.sender_id,
            user_id=self.world.user(user).id,
            values=values,
        )
        await self.push(dropdown_box_selected=event)

    def _message(self, message: int | api_pb2.ChannelMessage) -> api_pb2.ChannelMessage:
        if not isinstance(message, int):
            return message
        found = self.world.message(message)
        if found is None:
            raise LookupError(f"there is no message {message} in the world")
        return found

    # Pushing

    async def push(self, envelope: realtime_pb2.Envelope | None = None, **field: Any) -> int:
        """Sends an envelope, or an event by name (``push(channel_message=...)``), to every connection.

        Returns how many connections it went to.
        """
        if (envelope is None) == (not field):
            raise TypeError("push() takes an envelope, or one field by name")
        if envelope is None:
            envelope = realtime_pb2.Envelope(**field)
        payload = envelope.SerializeToString()
        for tap in self.taps:
            tap.told(envelope)
        for connection in self.live:
            connection.tell_taps(envelope, len(payload))
        return await self.push_raw(payload)

    async def push_raw(self, data: bytes, *, fragments: int = 1) -> int:
        """Sends these bytes as one message; on the WebSocket cut into ``fragments`` frames."""
        return await self._to_all(lambda connection: connection.push(data, fragments=fragments))

    async def push_chunks(self, chunks: Iterable[Chunk]) -> int:
        """Sends pieces of a raw API answer (``mezon.testing.frames.raw_answer`` makes them)."""
        pieces = list(chunks)

        def send(connection: Connection) -> None:
            for chunk in pieces:
                connection.write_chunk(chunk)

        return await self._to_all(send)

    async def push_text(self, text: str) -> int:
        """Sends a text WebSocket message."""
        return await self.push_wire(websocket_frame(text.encode(), TEXT))

    async def push_wire(self, data: bytes) -> int:
        """Puts these bytes on the TCP connection as they are: broken frames, half frames, anything."""
        return await self._to_all(lambda connection: connection.write(data))

    async def _to_all(self, send: Callable[[Connection], None]) -> int:
        live = [c for c in self.live if c.is_open]
        for connection in live:
            send(connection)
        await self._drain()
        return len(live)

    async def _drain(self) -> None:
        # While stalled nothing moves, and what is said waits without holding the one who says it.
        if not self.stalled:
            for connection in list(self.live):
                await connection.drain()
        await asyncio.sleep(0)

    # Bursts

    def prepare_blast(self, n: int, **options: Any) -> Blast:
        """Builds the frames of a burst without sending them; options as for :func:`build_blast`."""
        return build_blast(self.world, n, **options)

    async def blast(
        self, burst: int | Blast, *, progress: Callable[[int], None] | None = None, **options: Any
    ) -> BlastResult:
        """Sends N prepared messages to every connection as fast as the sockets take them.

        Args:
            burst: How many messages, or what ``prepare_blast`` made (send it as often as you like).
            progress: Called now and then with the number of messages handed to the socket so far.
            options: For :func:`build_blast`: ``seed``, ``channels``, ``senders``, ``mix``.

        Returns:
            How many messages and bytes went out in which time, and whether no connection was lost meanwhile.
        """
        prepared = self.prepare_blast(burst, **options) if isinstance(burst, int) else burst
        live = [c for c in self.live if c.is_open]
        if not live:
            raise ConnectionError("no bot is connected; await gateway.wait_connected() first")
        start, done = time.perf_counter(), 0
        for chunk, count in prepared.chunks:
            await self.flowing()
            for connection in live:
                connection.write(chunk)
            # One turn for pings and calls of the bot, then the back pressure of the slowest.
            await asyncio.sleep(0)
            for connection in live:
                await connection.drain()
            done += count
            if progress is not None:
                progress(done)
        for connection in live:
            await connection.drain(below=1)
        seconds = time.perf_counter() - start
        return BlastResult(done, prepared.size, seconds, complete=all(c.is_open for c in live))
