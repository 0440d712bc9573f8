"""The WebSocket side: one ``Connection`` a bot, answers by the table of docs/protocol.md, "Envelopes and cids"."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import rpc
from mezon.testing.frames import BINARY, raw_answer, websocket_frame
from mezon.testing.records import Sent
from mezon.testing.tap import Answer

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["Connection", "WebSocketSide"]

UNRECOGNIZED_PAYLOAD: Final = 1
MISSING_PAYLOAD: Final = 2
BAD_INPUT: Final = 3

MUST_JOIN: Final = "Must join channel before sending messages"

# Answered with the same field, as they came.
_ECHOED: Final = frozenset(
    {
        "clan_join",
        "message_reaction_event",
        "message_typing_event",
        "last_seen_message_event",
        "last_pin_message_event",
        "custom_status_event",
        "voice_joined_event",
        "voice_leaved_event",
    }
)

HIGH_WATER: Final = 4 * 1024 * 1024
"""Bytes waiting in a connection's buffer above which a writer waits."""

_MESSAGE_LIMIT: Final = 64 * 1024 * 1024
_HELD_LIMIT: Final = 64 * 1024 * 1024
_DELAYED_LIMIT: Final = 10_000


class WebSocketSide:
    """The route ``/ws`` and the connections that live."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway
        self.live: list[Connection] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Takes a connection in, checks its token and serves it to its end."""
        gateway = self._gateway
        user_id = gateway.sessions.check(request.query.get("token", ""))
        if user_id is None:
            raise web.HTTPUnauthorized(text="the token is unknown or expired")
        transport = request.transport
        # uvloop's transports are no asyncio.Transport.
        if transport is None:
            raise web.HTTPServiceUnavailable
        websocket = web.WebSocketResponse(
            protocols=("protobuf",),
            timeout=2.0,
            autoping=False,
            compress=False,
            max_msg_size=_MESSAGE_LIMIT,
        )
        await websocket.prepare(request)
        counts = gateway.connections
        counts.total += 1
        connection = Connection(gateway, websocket, transport, user_id, counts.total)
        self.live.append(connection)
        counts.live = len(self.live)
        counts.max_live = max(counts.max_live, counts.live)
        self._changed()
        try:
            await connection.serve()
        finally:
            connection.end()
            self.live.remove(connection)
            counts.live = len(self.live)
            self._changed()
        return websocket

    def _changed(self) -> None:
        self._gateway.notify()
        for tap in self._gateway.taps:
            tap.connected(len(self.live))


class Connection:
    """One open WebSocket.

    Attributes:
        number: Counted from 1 over the life of the gateway.
        user_id: The bot that is connected.
        clans: Ids of the clans it joined (0 stands for direct messages).
        channels: Ids of the channels it joined.
        protocol: The subprotocol agreed on, or None.
        close_code: The code of the close frame the client sent, or None.
    """

    def __init__(
        self,
        gateway: GatewayCore,
        websocket: web.WebSocketResponse,
        transport: asyncio.Transport,
        user_id: int,
        number: int,
    ) -> None:
        self._gateway = gateway
        self._websocket = websocket
        self._transport = transport
        self._delayed: set[asyncio.Task[None]] = set()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.number = number
        self.user_id = user_id
        self.clans: set[int] = set()
        self.channels: set[int] = set()
        self.protocol = websocket.ws_protocol
        self.close_code: int | None = None

    # Reading

    async def serve(self) -> None:
        """Reads until the connection ends."""
        while True:
            message = await self._websocket.receive()
            await self._flowing()
            if message.type is WSMsgType.BINARY:
                self._take(message.data)
            elif message.type is WSMsgType.PING:
                self.write(websocket_frame(bytes(message.data), 0xA))
            elif message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                self.close_code = self._websocket.close_code
                return

    async def _flowing(self) -> None:
        """Returns when the gateway is not stalled, or when this connection is gone."""
        # By the clock: nobody tells us that the TCP connection ended while we read nothing.
        while self._gateway.stalled and self.is_open:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def _take(self, data: bytes) -> None:
        envelope = realtime_pb2.Envelope()
        try:
            envelope.ParseFromString(data)
        except DecodeError:
            self.send_error(0, UNRECOGNIZED_PAYLOAD, "Unrecognized payload")
            return
        sent = Sent.from_envelope(envelope, time=time.monotonic(), connection=self.number)
        self._gateway.record_sent(sent)
        seconds, fault = self._gateway.faults.for_socket(sent)
        if fault is not None and fault.silent:
            return
        error = fault.error if fault is not None else None
        if seconds > 0:
            self._later(seconds, sent, error)
        else:
            self._answer(sent, error)

    def _later(self, seconds: float, sent: Sent, error: tuple[int, str, Mapping[str, str]] | None) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            await self._flowing()
            self._answer(sent, error)

        if len(self._delayed) >= _DELAYED_LIMIT:
            raise RuntimeError("too many answers are delayed; shorten the delay or send less")
        task = asyncio.get_running_loop().create_task(wait())
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)

    # Answering

    def _answer(self, sent: Sent, error: tuple[int, str, Mapping[str, str]] | None) -> None:
        if error is not None:
            code, text, context = error
            if sent.kind == "api_request_event":
                self._send_raw_answer(sent.cid, text.encode(), code)
            else:
                self.send_error(sent.cid, code, text, context)
            return
        handler = getattr(self, f"_on_{sent.kind}", None)
        if handler is not None:
            handler(sent)
        elif sent.kind in _ECHOED:
            self.send(sent.cid, **{sent.kind: sent.message})
        elif not sent.kind:
            self.send_error(sent.cid, MISSING_PAYLOAD, "Missing payload")
        else:
            self.send_error(sent.cid, UNRECOGNIZED_PAYLOAD, "Unrecognized payload")

    def _on_ping(self, sent: Sent) -> None:
        self.send(sent.cid, pong=realtime_pb2.Pong())

    def _on_clan_join(self, sent: Sent) -> None:
        clan_id = sent.message.clan_id
        if clan_id and clan_id not in self._gateway.world.clans:
            self.send_error(sent.cid, BAD_INPUT, "Clan not found")
            return
        self.clans.add(clan_id)
        self.send(sent.cid, clan_join=sent.message)
        self._gateway.notify()

    def _on_channel_join(self, sent: Sent) -> None:
        channel = self._gateway.world.channels.get(sent.message.channel_id)
        if channel is None:
            self.send_error(sent.cid, BAD_INPUT, "Channel not found")
            return
        self.channels.add(channel.id)
        bot = self._gateway.world.users[self.user_id]
        me = realtime_pb2.UserPresence(user_id=bot.id, session_id=self.number, username=bot.username)
        clan = self._gateway.world.clans.get(channel.clan_id)
        self.send(
            sent.cid,
            channel=realtime_pb2.Channel(
                id=channel.id,
                presences=[me],
                self=me,
                chanel_label=channel.label,
                clan_logo=clan.logo if clan is not None else "",
                category_name=channel.category_name,
            ),
        )
        self._gateway.notify()

    def _on_channel_leave(self, sent: Sent) -> None:
        self.channels.discard(sent.message.channel_id)
        self.send(sent.cid, channel_leave=sent.message)
        self._gateway.notify()

    def _on_channel_message_send(self, sent: Sent) -> None:
        request: realtime_pb2.ChannelMessageSend = sent.message
        if not self._may_send(sent.cid, request.channel_id):
            return
        ack, message = self._gateway.accept_message(self.user_id, request)
        self.send(sent.cid, channel_message_ack=ack)
        self._gateway.broadcast(channel_message=message)

    def _on_ephemeral_message_send(self, sent: Sent) -> None:
        request: realtime_pb2.ChannelMessageSend = sent.message.message
        if not self._may_send(sent.cid, request.channel_id):
            return
        # Only its receivers see it: no broadcast, no history.
        _, message = self._gateway.accept_message(self.user_id, request, remember=False)
        self.send(sent.cid, channel_message=message)
        receivers = list(sent.message.receiver_ids)
        for tap in self._gateway.taps:
            tap.told(realtime_pb2.Envelope(channel_message=message), receivers)

    def _on_message_reaction_event(self, sent: Sent) -> None:
        reaction = api_pb2.MessageReaction()
        reaction.CopyFrom(sent.message)
        reaction.id = reaction.id or self._gateway.world.next_id()
        reaction.sender_id = reaction.sender_id or self.user_id
        self.send(sent.cid, message_reaction_event=reaction)
        self._gateway.broadcast(message_reaction_event=reaction)

    def _on_check_name_existed_event(self, sent: Sent) -> None:
        event = realtime_pb2.CheckNameExistedEvent()
        event.CopyFrom(sent.message)
        event.exist = any(clan.name == event.name for clan in self._gateway.world.clans.values())
        self.send(sent.cid, check_name_existed_event=event)

    def _on_api_request_event(self, sent: Sent) -> None:
        event: realtime_pb2.ApiRequestEvent = sent.message
        try:
            _, body = rpc.call(self._gateway, self.user_id, event.api_name, event.body)
        except rpc.RpcError as refusal:
            self._send_raw_answer(sent.cid, refusal.message.encode(), refusal.code)
        else:
            self._send_raw_answer(sent.cid, body)

    def _may_send(self, cid: int, channel_id: int) -> bool:
        gateway = self._gateway
        if channel_id not in gateway.world.channels:
            self.send_error(cid, BAD_INPUT, "Channel not found")
        elif gateway.require_join and channel_id not in self.channels:
            self.send_error(cid, BAD_INPUT, MUST_JOIN)
        else:
            return True
        return False

    # Writing

    def send(self, cid: int, **field: Any) -> None:
        """Sends an envelope with this one field."""
        envelope = realtime_pb2.Envelope(cid=cid, **field)
        payload = envelope.SerializeToString()
        self.write(websocket_frame(payload))
        self.tell_taps(envelope, len(payload))

    def tell_taps(self, envelope: realtime_pb2.Envelope, size: int) -> None:
        """Tells who listens that this envelope was written here."""
        for tap in self._gateway.taps:
            tap.went(Answer(self.number, time.monotonic(), envelope.cid, size, envelope))

    def send_error(self, cid: int, code: int, message: str, context: Mapping[str, str] | None = None) -> None:
        """Sends an error envelope."""
        self.send(cid, error=realtime_pb2.Error(code=code, message=message, context=dict(context or {})))

    def _send_raw_answer(self, cid: int, body: bytes, code: int = 0) -> None:
        gateway = self._gateway
        for tap in gateway.taps:
            tap.went(Answer(self.number, time.monotonic(), cid, len(body), None, code, body))
        for chunk in raw_answer(
            cid & 0xFFFF, body, code=code, chunk_size=gateway.chunk_size, chunk_count=gateway.chunk_count
        ):
            self.write(websocket_frame(chunk, BINARY))

    def write(self, data: bytes) -> None:
        """Puts bytes (whole frames) on the wire; while the gateway is stalled they wait."""
        if self._transport.is_closing():
            return
        if not self._gateway.stalled:
            self._transport.write(data)
            return
        self._held_bytes += len(data)
        if self._held_bytes > _HELD_LIMIT:
            raise RuntimeError("too much waits behind stall(); call resume() before sending more")
        self._held.append(data)

    async def drain(self, below: int = HIGH_WATER) -> None:
        """Waits until fewer than ``below`` bytes wait for the peer, or the connection is gone."""
        # Asked by the clock, not told by an event: aiohttp keeps the write callbacks to itself, and at this
        # buffer size one look a millisecond keeps the pipe full.
        while not self._transport.is_closing() and self._transport.get_write_buffer_size() >= below:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    @property
    def is_open(self) -> bool:
        """Whether the TCP connection stands."""
        return not self._transport.is_closing()

    # Ending

    def release(self) -> None:
        """Sends what waited for the end of a stall."""
        held, self._held, self._held_bytes = self._held, [], 0
        for data in held:
            self.write(data)

    def abort(self, *, reset: bool = False) -> None:
        """Cuts the TCP connection without a close frame; with ``reset`` the peer sees a reset."""
        raw = self._transport.get_extra_info("socket")
        if reset and raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def close(self, code: int, reason: str = "") -> None:
        """Says goodbye with a close frame."""
        await self._websocket.close(code=code, message=reason.encode())

    def end(self) -> None:
        """Stops everything that still runs for this connection."""
        for task in self._delayed:
            task.cancel()
        self._held.clear()
