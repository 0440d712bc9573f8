"""Bursts of the benchmark: a busy day, large messages, messages from all users and channels, repeated bursts."""

from __future__ import annotations

import json
import random
from typing import Final

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import Blast, LocalGateway
from mezon.testing.blast import join_frames
from mezon.testing.frames import websocket_frame
from mezon.testing.messages import build_message, make_attachments
from mezon.testing.world import World

ATTACHMENTS: Final = 50
CONTENT: Final = 60_000
ASCII: Final = (
    "the",
    "build",
    "is",
    "green",
    "again",
    "thanks",
    "for",
    "the",
    "quick",
    "review",
    "check",
    "you",
)
WORDS: Final = (
    "xin",
    "chào",
    "mọi",
    "người",
    "hôm",
    "nay",
    "deploy",
    "xong",
    "rồi",
    "check",
    "the",
    "log",
    "🎉",
)

#: Ids of a repeated burst differ in the low 21 bits, three bytes of a varint; the six bits above hold the repetition.
LOW: Final = 21
#: The field `message_id` of a ChannelMessage, as its tag.
ID_TAG: Final = b"\x18"


def heavy(gateway: LocalGateway, n: int, mix: str) -> Blast:
    """Build messages with 50 attachments each (``attachments``) or contents of 60 KB.

    ``log``: ASCII, as a log that somebody pastes. ``long``: Vietnamese with emojis. Both with an embed, so that the
    content is more than a text.
    """
    return _build(gateway.world, n, mix, *gateway.world.ensure_senders(30, 500))


#: The events of a busy day, in percent: clicks of buttons and forms, and commands. No command wants the others.
CLICKS: Final = 2
COMMANDS: Final = 8
#: The share of contents that are more than a text, and of senders that change their profile with each message.
RICH: Final = 30
CHANGING: Final = 1


def busy_day(gateway: LocalGateway, n: int) -> Blast:
    """Build the events of a busy day: mostly messages that no command wants, some commands, few clicks."""
    world, dice = gateway.world, random.Random(1)
    rooms, people = world.ensure_senders(30, 500)
    ids = world.reserve_message_ids(n)
    changing = {person.id for person in people[:: 100 // CHANGING]}
    per_channel: dict[int, int] = {}
    frames = []
    for number in range(n):
        room, sender, luck = dice.choice(rooms), dice.choice(people), dice.uniform(0, 100)
        if luck < CLICKS:
            form = {"extra_data": json.dumps({"name": "An", "size": "L"})} if dice.random() < 0.5 else {}
            click = realtime_pb2.MessageButtonClicked(
                message_id=ids[number],
                channel_id=room.id,
                button_id="order:send" if form else "vote:yes",
                sender_id=world.bot.id,
                user_id=sender.id,
                **form,
            )
            frames.append(
                websocket_frame(realtime_pb2.Envelope(message_button_clicked=click).SerializeToString())
            )
            continue
        per_channel[room.id] = per_channel.get(room.id, 0) + 1
        words = dice.choices(WORDS, k=dice.randint(3, 30))
        if luck < CLICKS + COMMANDS:
            words = ["!roll", str(dice.randint(2, 100)), *words[:2]]
        content: dict[str, object] = {"t": " ".join(words)}
        mentions: list[api_pb2.MessageMention] = []
        if dice.uniform(0, 100) < RICH:
            kind = dice.randrange(3)
            if kind == 0:
                content["mk"] = [{"type": "b", "s": 0, "e": len(words[0])}]
            elif kind == 1:
                content["ej"] = [{"emojiid": "7269361118391480000", "s": 0, "e": len(words[0])}]
            else:
                content["hg"] = [{"channelId": str(dice.choice(rooms).id), "s": 0, "e": len(words[0])}]
                other = dice.choice(people)
                mentions = [
                    api_pb2.MessageMention(user_id=other.id, username=other.username, s=0, e=len(words[0]))
                ]
        message = build_message(
            world,
            room,
            sender,
            json.dumps(content, ensure_ascii=False),
            message_id=ids[number],
            mentions=mentions,
            avatar=f"https://cdn.example/avatars/{sender.id}.webp",
        )
        if sender.id in changing:
            message.display_name = f"{sender.display_name} {number}"
        frames.append(websocket_frame(realtime_pb2.Envelope(channel_message=message).SerializeToString()))
    chunks = list(join_frames(frames))
    return Blast(n, sum(len(chunk) for chunk, _ in chunks), chunks, per_channel, ids[0], ids[-1])


def everywhere(gateway: LocalGateway, n: int) -> Blast:
    """Build messages from random users in random channels."""
    world = gateway.world
    rooms = [channel for channel in world.channels.values() if channel.clan_id]
    return _build(world, n, "everywhere", rooms, [user for user in world.users.values() if not user.is_bot])


def _build(world: World, n: int, mix: str, rooms: list, users: list) -> Blast:  # type: ignore[type-arg]
    dice = random.Random(1)
    ids = world.reserve_message_ids(n)
    per_channel: dict[int, int] = {}
    frames = []
    for number in range(n):
        room, sender = dice.choice(rooms), dice.choice(users)
        per_channel[room.id] = per_channel.get(room.id, 0) + 1
        content: dict[str, object] = {"t": f"burst {number} {' '.join(dice.choices(WORDS, k=20))}"}
        attachments: list[api_pb2.MessageAttachment] = []
        if mix == "attachments":
            attachments = make_attachments(
                {
                    "filename": f"image-{number}-{place}.png",
                    "size": 1_000 + number,
                    "url": f"https://cdn.example/{number}/{place}/image.png",
                    "filetype": "image/png",
                    "width": 640,
                    "height": 480,
                }
                for place in range(ATTACHMENTS)
            )
        elif mix in ("long", "log"):
            words = " ".join(dice.choices(WORDS if mix == "long" else ASCII, k=CONTENT // 4))
            content["t"] = words.encode()[:CONTENT].decode(errors="ignore")
            content["embed"] = [{"title": f"Build {number}", "color": "#00ff88", "description": "passed"}]
        message = build_message(
            world,
            room,
            sender,
            json.dumps(content, ensure_ascii=False),
            message_id=ids[number],
            attachments=attachments,
            avatar=f"https://cdn.example/avatars/{sender.id}.webp",
        )
        frames.append(websocket_frame(realtime_pb2.Envelope(channel_message=message).SerializeToString()))
    chunks = list(join_frames(frames))
    return Blast(n, sum(len(chunk) for chunk, _ in chunks), chunks, per_channel, ids[0], ids[-1])


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Again:
    """A burst of ordinary messages that is sent several times, each time with new ascending ids.

    So ten million messages need the memory and the building of a hundred thousand.
    """

    def __init__(self, gateway: LocalGateway, n: int, times: int, channels: int) -> None:
        world = gateway.world
        # The burst starts at an id whose low bits are zero; the next ids of the server are above its last repetition.
        ahead = world.reserve_message_ids(1)[0]
        world.reserve_message_ids(-(ahead + 1) % (1 << LOW))
        blast = gateway.prepare_blast(n, mix="messages", channels=channels)
        assert blast.first_message_id % (1 << LOW) == 0
        assert n < 1 << LOW
        world.reserve_message_ids(times << LOW)
        self.blast = blast
        self._high = blast.first_message_id >> LOW
        self._chunks: list[tuple[bytearray, int, list[int]]] = []
        number = blast.first_message_id
        for data, count in blast.chunks:
            places, at = [], 0
            for _ in range(count):
                # The first id in the frame belongs to the message; later ones to a quoted message.
                at = data.index(ID_TAG + _varint(number), at) + len(ID_TAG) + LOW // 7
                places.append(at)
                number += 1
            self._chunks.append((bytearray(data), count, places))

    def time(self, number: int) -> Blast:
        """Return the burst of a repetition, counted from 0."""
        mark = _varint(self._high + number)
        width = len(mark)
        for chunk, _, places in self._chunks:
            for at in places:
                chunk[at : at + width] = mark
        chunks = [(bytes(chunk), count) for chunk, count, _ in self._chunks]
        first = (self._high + number) << LOW
        old = self.blast
        return Blast(old.count, old.size, chunks, old.per_channel, first, first + old.count - 1)
