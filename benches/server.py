"""The server of the benchmark: a local gateway in its own process that sends prepared frames on command.

Orders are JSON lines on stdin, answers JSON lines on stdout. Times are `time.monotonic()`, which on Linux is the
same clock in every process, so a bot's times and the server's may be subtracted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from typing import Any, Final

import mixes
from bots._limits import raise_file_limit
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import Blast, LocalGateway
from mezon.testing.address import Shape
from mezon.testing.frames import websocket_frame
from mezon.testing.messages import build_message
from mezon.testing.world import Channel

#: Placeholder in a stamped frame; the time in nanoseconds, with as many digits, replaces it when the frame is sent.
PLACE: Final = b"0" * 19


class Server:
    """The commands of the benchmark."""

    def __init__(self, gateway: LocalGateway) -> None:
        self.gateway = gateway
        self.blasts: dict[tuple[int, str, int], Blast] = {}
        self.streaming: asyncio.Future[None] | None = None
        self.repeated: dict[tuple[int, int, int], mixes.Again] = {}

    async def announce(self, shape: Shape) -> None:
        """Set the format of the WebSocket address in new sessions."""
        self.gateway.announce(ws_url=shape)

    async def prepare(self, n: int, mix: str, channels: int = 30, times: int = 1) -> dict[str, int]:
        """Build a burst in advance, so that the next command only sends it. Return the number of its messages."""
        if times > 1:
            if (n, channels, times) not in self.repeated:
                self.repeated[n, channels, times] = mixes.Again(self.gateway, n, times, channels)
        elif (n, mix, channels) not in self.blasts:
            self.blasts[n, mix, channels] = self._build(n, mix, channels)
        if times > 1:
            return {"messages": n * times}
        return {"messages": sum(self.blasts[n, mix, channels].per_channel.values())}

    def _build(self, n: int, mix: str, channels: int) -> Blast:
        if mix == "busy":
            return mixes.busy_day(self.gateway, n)
        if mix == "everywhere":
            return mixes.everywhere(self.gateway, n)
        if mix in ("attachments", "log", "long"):
            return mixes.heavy(self.gateway, n, mix)
        return self.gateway.prepare_blast(n, mix=mix, channels=channels)

    async def blast(
        self, n: int, mix: str = "messages", channels: int = 30, times: int = 1
    ) -> dict[str, float]:
        """Send a burst as fast as the bot reads it, ``times`` times with new ids."""
        await self.prepare(n, mix, channels, times)
        start = time.monotonic()
        complete = True
        for number in range(times):
            burst = (
                self.repeated[n, channels, times].time(number) if times > 1 else self.blasts[n, mix, channels]
            )
            complete &= (await self.gateway.blast(burst)).complete
        return {"start": start, "sent": time.monotonic(), "complete": complete}

    async def paced(self, n: int, rate: float) -> None:
        """Send stamped messages, `rate` per second."""
        frame = self._stamped(self.gateway.world.channel("general"))
        begin = time.monotonic()
        for number in range(n):
            if (pause := begin + number / rate - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            self._send(frame)

    async def stream(self, rate: float) -> None:
        """Start sending stamped messages, `rate` per second."""
        self.streaming = asyncio.ensure_future(self.paced(sys.maxsize, rate))

    async def still(self) -> None:
        """Stop sending stamped messages."""
        if self.streaming is not None:
            self.streaming.cancel()

    async def one_each(self) -> dict[str, int]:
        """Send one stamped message to a channel of each clan."""
        channels: dict[int, Channel] = {}
        for channel in self.gateway.world.channels.values():
            if channel.clan_id:
                channels.setdefault(channel.clan_id, channel)
        for frame in [self._stamped(channel) for channel in channels.values()]:
            self._send(frame)
        return {"messages": len(channels)}

    def _stamped(self, channel: Channel) -> bytes:
        world = self.gateway.world
        message = build_message(
            world,
            channel,
            world.user("alice"),
            json.dumps({"t": PLACE.decode()}),
            message_id=world.next_message_id(),
        )
        return websocket_frame(realtime_pb2.Envelope(channel_message=message).SerializeToString())

    def _send(self, frame: bytes) -> None:
        stamp = f"{time.monotonic_ns():019d}".encode()
        data = frame.replace(PLACE, stamp)
        for connection in self.gateway.live:
            connection.write(data)


def populate(
    gateway: LocalGateway, clans: int, channels: int, users: int, bots: int
) -> list[tuple[int, str]]:
    """Create clans, channels, users and bots; return id and key of each bot."""
    world = gateway.world
    known = [world.clan(None)]
    for number in range(1, clans):
        known.append(world.add_clan(f"Clan {number + 1}"))
        world.add_channel(f"general-{number + 1}", known[-1])
    for number in range(len(world.channels), channels):
        world.add_channel(f"room-{number}", known[number % clans])
    for number in range(len(world.users), users):
        # One clan per user: all users in all clans would take too much memory.
        world.add_user(f"user{number}", display_name=f"Người dùng {number}", clans=[known[number % clans]])
    keys = []
    for number in range(bots):
        bot = gateway.add_bot(world.next_id(), f"key-{number}", f"bot{number}")
        keys.append((bot.id, f"key-{number}"))
    return keys


async def serve(clans: int, channels: int, users: int, bots: int) -> None:
    raise_file_limit()
    gateway = LocalGateway()
    keys = populate(gateway, clans, channels, users, bots)
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        for line in sys.stdin.buffer:
            loop.call_soon_threadsafe(orders.put_nowait, line)
        loop.call_soon_threadsafe(orders.put_nowait, b"")

    async with gateway:
        hello = {
            "environment": gateway.environment(),
            "channel": gateway.world.channel("general").id,
            "bots": keys,
        }
        print(json.dumps(hello), flush=True)
        threading.Thread(target=read, daemon=True).start()
        server = Server(gateway)
        while line := await orders.get():
            order: dict[str, Any] = json.loads(line)
            answer = await getattr(server, order.pop("do"))(**order)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clans", type=int, default=1)
    for name in ("--channels", "--users", "--bots"):
        parser.add_argument(name, type=int, default=0)
    asyncio.run(serve(**vars(parser.parse_args())))
