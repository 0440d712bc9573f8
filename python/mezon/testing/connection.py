"""One bot's connection, whatever carries it; answers by the table of docs/protocol.md, "Envelopes and cids"."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from google.protobuf.message import DecodeError

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import rpc
from mezon.testing.frames import Chunk, raw_answer
from mezon.testing.limits import BAD_INPUT, Limits, Warden
from mezon.testing.records import Sent, Transport
from mezon.testing.tap import Answer
from mezon.testing.wire import HIGH_WATER, Pipe

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["MUST_JOIN", "Connection"]

UNRECOGNIZED_PAYLOAD: Final = 1
MISSING_PAYLOAD: Final = 2

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

_DELAYED_LIMIT: Final = 10_000
_SERVICE: Final = Limits.of_the_service()


class Connection(ABC):
    """One open connection of a bot.

    Attributes:
        transport: ``websocket`` or ``tcp``.
        number: Counted from 1 over the life of the gateway; 0 until it is admitted.
        user_id: The bot that is connected.
        clans: Ids of the clans it joined (0 stands for direct messages).
        channels: Ids of the channels it joined.
        pipe: The way out.
    """

    transport: ClassVar[Transport]

    def __init__(self, gateway: GatewayCore, pipe: Pipe, user_id: int) -> None:
        self._gateway = gateway
        self._delayed: set[asyncio.Task[None]] = set()
        self._enforcing = Warden()
        self._watching = Warden()
        self.pipe = pipe
        self.number = 0
        self.user_id = user_id
        self.clans: set[int] = set()
        self.channels: set[int] = set()

    # What carries it

    @abstractmethod
    async def serve(self) -> None:
        """Read until the connection ends."""

    @abstractmethod
    async def close(self, code: int, reason: str = "") -> None:
        """Say goodbye as this transport can."""

    @abstractmethod
    def push(self, data: bytes, *, fragments: int = 1) -> None:
        """Send bytes, an envelope as a rule, that answer nothing."""

    @abstractmethod
    def _write_answer(self, envelope: bytes) -> None:
        """Send an envelope that answers a call."""

    @abstractmethod
    def write_chunk(self, chunk: Chunk) -> None:
        """Send a piece of a raw API answer."""

    # Reading

    async def flowing(self) -> None:
        """Return when the gateway is not stalled, or when this connection is gone."""
        # By the clock: nobody tells us that the TCP connection ended while we read nothing.
        while self._gateway.stalled and self.is_open:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def was_silent(self, since: float) -> bool:
        """Say whether the limit on silence is over, counted from a ``time.monotonic()``.

        False while the gateway is stalled, and when a test has only moved the clock of the loop.
        """
        limit = self._gateway.silence_limit
        return limit is not None and not self._gateway.stalled and time.monotonic() - since >= limit - 0.01

    def _take(self, data: bytes) -> bool:
        """Carry out what an envelope asks for; False when these bytes are none."""
        envelope = realtime_pb2.Envelope()
        try:
            envelope.ParseFromString(data)
        except DecodeError:
            return False
        now = time.monotonic()
        self._carry_out(
            Sent.from_envelope(envelope, time=now, connection=self.number, transport=self.transport)
        )
        return True

    def _carry_out(self, sent: Sent) -> None:
        self._gateway.record_sent(sent)
        self._gateway.meter.count(self.user_id, sent.time)
        if self._is_refused(sent):
            return
        seconds, fault = self._gateway.faults.for_socket(sent)
        if fault is not None and fault.silent:
            return
        error = fault.error if fault is not None else None
        if seconds > 0:
            self._later(seconds, sent, error)
        else:
            self._answer(sent, error)

    def _is_refused(self, sent: Sent) -> bool:
        """Refuse what is over the limits in force; note what the live service would refuse."""
        refusal = self._enforcing.judge(sent, self._gateway.limits)
        if refusal is not None:
            self._refuse(sent, refusal.code, refusal.text)
            return True
        breach = self._watching.judge(sent, _SERVICE)
        if breach is not None:
            self._gateway.record_breach(f"{self._gateway.describe(sent)}: {breach.text}")
        return False

    def _refuse(self, sent: Sent, code: int, text: str, context: Mapping[str, str] | None = None) -> None:
        if sent.kind == "api_request_event":
            self._send_raw_answer(sent.cid, text.encode(), code)
        else:
            self.send_error(sent.cid, code, text, context)

    def _later(self, seconds: float, sent: Sent, error: tuple[int, str, Mapping[str, str]] | None) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            await self.flowing()
            self._answer(sent, error)

        self._beside(wait())

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._delayed) >= _DELAYED_LIMIT:
            work.close()
            raise RuntimeError("too many answers are delayed; shorten the delay or send less")
        task = asyncio.get_running_loop().create_task(work)
        self._delayed.add(task)
        task.add_done_callback(self._delayed.discard)

    # Answering

    def _answer(self, sent: Sent, error: tuple[int, str, Mapping[str, str]] | None) -> None:
        if error is not None:
            self._refuse(sent, *error)
            return
        if sent.kind == "pong":  # answers a ping that a test has pushed
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
        self._gateway.record_made(sent, message.message_id)
        self.send(sent.cid, channel_message_ack=ack)
        self._gateway.broadcast(channel_message=message)

    def _on_ephemeral_message_send(self, sent: Sent) -> None:
        request: realtime_pb2.ChannelMessageSend = sent.message.message
        if not self._may_send(sent.cid, request.channel_id):
            return
        # Only its receivers see it: no broadcast, no history.
        _, message = self._gateway.accept_message(self.user_id, request, remember=False)
        self._gateway.record_made(sent, message.message_id)
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
            _, answer = rpc.call(self._gateway, self.user_id, event.api_name, event.body)
        except rpc.RpcError as refusal:
            self._send_raw_answer(sent.cid, refusal.message.encode(), refusal.code)
        else:
            self._send_raw_answer(sent.cid, answer.SerializeToString())

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
        """Send an envelope with this one field."""
        envelope = realtime_pb2.Envelope(cid=cid, **field)
        data = envelope.SerializeToString()
        if cid:
            self._write_answer(data)
        else:
            self.push(data)
        self.tell_taps(envelope, len(data))

    def tell_taps(self, envelope: realtime_pb2.Envelope, size: int) -> None:
        """Tell who listens that this envelope was written here."""
        for tap in self._gateway.taps:
            tap.went(Answer(self.number, time.monotonic(), envelope.cid, size, envelope))

    def send_error(self, cid: int, code: int, message: str, context: Mapping[str, str] | None = None) -> None:
        """Send an error envelope."""
        self.send(cid, error=realtime_pb2.Error(code=code, message=message, context=dict(context or {})))

    def _send_raw_answer(self, cid: int, body: bytes, code: int = 0) -> None:
        gateway = self._gateway
        for tap in gateway.taps:
            tap.went(Answer(self.number, time.monotonic(), cid, len(body), None, code, body))
        chunks = raw_answer(
            cid & 0xFFFF, body, code=code, chunk_size=gateway.chunk_size, chunk_count=gateway.chunk_count
        )
        if gateway.wire.interleave:
            self._beside(self._interleaved(chunks))
            return
        for chunk in chunks:
            self.write_chunk(chunk)

    async def _interleaved(self, chunks: list[Chunk]) -> None:
        """Send chunks with something else between any two: an event, and what other calls are answered."""
        for number, chunk in enumerate(chunks):
            if number:
                self.send(0, status_presence_event=realtime_pb2.StatusPresenceEvent())
                await asyncio.sleep(0)
            self.write_chunk(chunk)

    def write(self, data: bytes) -> None:
        """Put bytes on the wire as they are; while the gateway is stalled they wait."""
        self.pipe.write(data)

    async def drain(self, below: int = HIGH_WATER) -> None:
        """Wait until fewer than ``below`` bytes wait for the peer, or the connection is gone."""
        await self.pipe.drain(below)

    @property
    def is_open(self) -> bool:
        """Whether the TCP connection stands."""
        return self.pipe.is_open

    # Ending

    def release(self) -> None:
        """Send what waited for the end of a stall."""
        self.pipe.release()

    def abort(self, *, reset: bool = False) -> None:
        """Cut the TCP connection without a goodbye; with ``reset`` the peer sees a reset."""
        self.pipe.abort(reset=reset)

    def end(self) -> None:
        """Stop everything that still runs for this connection."""
        for task in self._delayed:
            task.cancel()
        self.pipe.end()
