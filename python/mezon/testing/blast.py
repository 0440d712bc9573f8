"""Bursts of prepared messages: a fixed mix, with the same bytes for the same seed."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.frames import websocket_frame
from mezon.testing.messages import build_message, make_reference
from mezon.testing.world import Channel, User, World

__all__ = ["Blast", "BlastResult", "Mix", "build_blast", "join_frames", "send_blast"]

Mix = Literal["messages", "plain", "typing", "presence"]

CHUNK_BYTES = 256 * 1024
"""Approximate size of a chunk of joined frames, which is sent as one write."""

_CREATED = 1_767_225_600
_WORDS = (
    *("xin", "chào", "mọi", "người", "hôm", "nay", "trời", "đẹp", "quá", "cảm", "ơn", "bạn", "nhiều", "nhé"),
    *("the", "build", "is", "green", "again", "thanks", "for", "quick", "review", "see", "you", "tomorrow"),
    *("deploy", "xong", "rồi", "check", "giúp", "mình", "với", "🎉", "👍", "ok", "nha"),
)


@dataclass(slots=True, frozen=True)
class Blast:
    """Frames ready to send.

    Attributes:
        count: Number of messages.
        size: Bytes on the wire.
        chunks: Joined frames, each with its number of messages.
        per_channel: Number of messages by channel id.
        first_message_id: The first of the strictly increasing ids; 0 for other mixes.
        last_message_id: The last of them.
    """

    count: int
    size: int
    chunks: list[tuple[bytes, int]] = field(repr=False)
    per_channel: dict[int, int] = field(repr=False)
    first_message_id: int = 0
    last_message_id: int = 0


@dataclass(slots=True, frozen=True)
class BlastResult:
    """The result of sending a burst."""

    messages: int
    size: int
    """Bytes on the wire for each connection."""
    seconds: float
    """Time until the last byte had left the process."""
    complete: bool
    """Whether every connection is still open."""


def build_blast(
    world: World,
    n: int,
    *,
    seed: int = 1,
    channels: int = 30,
    senders: int = 500,
    mix: Mix = "messages",
) -> Blast:
    """Build a burst. Add channels and users to the world if it has too few.

    The text of a message is ``burst <number> <number in its channel> <words>``, counted from 0, so that a
    receiver can detect loss and reordering. The messages are not added to the history of the world.

    Args:
        n: The number of messages.
        seed: The same seed and the same world produce the same bytes.
        mix: ``messages``: about 400 bytes each, 15 % with mentions, 10 % replies, 5 % with an attachment and
            an embed. ``plain``: the same without these. ``typing``, ``presence``: events that few bots handle.
    """
    if n < 1:
        raise ValueError("n must be at least 1")
    dice = random.Random(seed)
    rooms, users = world.ensure_senders(channels, senders)
    per_channel: dict[int, int] = {}
    make: Callable[[int, Channel, User], realtime_pb2.Envelope]
    first = last = 0
    if mix in ("messages", "plain"):
        ids = world.reserve_message_ids(n)
        first, last = ids[0], ids[-1]
        previous: dict[int, api_pb2.ChannelMessage] = {}

        def make(number: int, room: Channel, sender: User) -> realtime_pb2.Envelope:
            message = _message(
                world, dice, mix, number, per_channel[room.id], room, sender, users, previous, ids
            )
            return realtime_pb2.Envelope(channel_message=message)

    elif mix == "typing":

        def make(number: int, room: Channel, sender: User) -> realtime_pb2.Envelope:
            event = realtime_pb2.MessageTypingEvent(
                clan_id=room.clan_id, channel_id=room.id, sender_id=sender.id, mode=room.mode, is_public=True
            )
            return realtime_pb2.Envelope(message_typing_event=event)

    else:

        def make(number: int, room: Channel, sender: User) -> realtime_pb2.Envelope:
            event = realtime_pb2.StatusPresenceEvent()
            side = event.joins if number % 2 else event.leaves
            side.add(user_id=sender.id, session_id=number % 1000, username=sender.username)
            return realtime_pb2.Envelope(status_presence_event=event)

    def frames() -> Iterator[bytes]:
        for number in range(n):
            room, sender = dice.choice(rooms), dice.choice(users)
            per_channel.setdefault(room.id, 0)
            yield websocket_frame(make(number, room, sender).SerializeToString())
            per_channel[room.id] += 1

    chunks = list(join_frames(frames()))
    return Blast(n, sum(len(chunk) for chunk, _ in chunks), chunks, per_channel, first, last)


def join_frames(frames: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Join frames to chunks of about ``CHUNK_BYTES``. Yield each chunk with its number of frames."""
    chunk, held = bytearray(), 0
    for frame in frames:
        chunk += frame
        held += 1
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk), held
            chunk.clear()
            held = 0
    if held:
        yield bytes(chunk), held


async def send_blast(
    registry: ConnectionRegistry, blast: Blast, progress: Callable[[int], None] | None = None
) -> BlastResult:
    """Send a burst to every open connection as fast as the sockets accept it."""
    live = [c for c in registry.live if c.is_open]
    if not live:
        raise ConnectionError("no bot is connected; await gateway.wait_connected() first")
    start, done = time.perf_counter(), 0
    for chunk, count in blast.chunks:
        await registry.faults.flowing()
        for connection in live:
            connection.write(chunk)
        # One iteration for pings and calls of the bot, then wait for the slowest connection.
        await asyncio.sleep(0)
        for connection in live:
            await connection.drain()
        done += count
        if progress is not None:
            progress(done)
    for connection in live:
        await connection.drain(below=1)
    seconds = time.perf_counter() - start
    return BlastResult(done, blast.size, seconds, complete=all(c.is_open for c in live))


def _message(
    world: World,
    dice: random.Random,
    mix: Mix,
    number: int,
    in_channel: int,
    room: Channel,
    sender: User,
    users: list[User],
    previous: dict[int, api_pb2.ChannelMessage],
    ids: range,
) -> api_pb2.ChannelMessage:
    text = f"burst {number} {in_channel} {' '.join(dice.choices(_WORDS, k=dice.randint(16, 38)))}"
    content: dict[str, object] = {"t": text}
    mentions: list[api_pb2.MessageMention] = []
    attachments: list[api_pb2.MessageAttachment] = []
    references: list[api_pb2.MessageRef] = []
    luck = dice.random() if mix == "messages" else 1.0
    if luck < 0.15:
        for other in dice.sample(users, min(len(users), dice.randint(1, 2))):
            start = len(str(content["t"]).encode("utf-16-le")) // 2 + 1
            content["t"] = f"{content['t']} @{other.username}"
            end = start + len(other.username) + 1
            mentions.append(api_pb2.MessageMention(user_id=other.id, username=other.username, s=start, e=end))
    elif luck < 0.25 and room.id in previous:
        references.append(make_reference(previous[room.id]))
    elif luck >= 0.25 and luck < 0.30:
        attachments.append(
            api_pb2.MessageAttachment(
                filename=f"image-{number}.png",
                size=dice.randint(1_000, 900_000),
                url=f"https://cdn.example/{number}/image.png",
                filetype="image/png",
                width=640,
                height=480,
            )
        )
        content["embed"] = [
            {"title": f"Build {number}", "color": "#00ff88", "description": "All checks passed"}
        ]
    message = build_message(
        world,
        room,
        sender,
        json.dumps(content, ensure_ascii=False),
        message_id=ids[number],
        mentions=mentions,
        attachments=attachments,
        references=references,
        avatar=f"https://cdn.example/avatars/{sender.id}.webp",
        created=_CREATED + number // 1000,
    )
    # Replies quote only plain messages: quotes of quotes would grow.
    if not references:
        previous[room.id] = message
    return message
