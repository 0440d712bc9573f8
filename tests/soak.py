"""``make soak``: two bots, a talkative world and random faults from a seed, for minutes; then a report.

One bot fills gaps, the other does not. What must hold: per channel, messages come in order and none twice; nothing
is lost outside a gap, and nothing at all with gap filling; memory stays flat. The exit status says whether it did.

    SOAK_SECONDS=600 SOAK_SEED=1 python tests/soak.py
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
import sys
import time
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable

from mezon import GapOptions, GatewayOptions, MessageDB, MezonClient, MezonError
from mezon.models import ChannelMessage
from mezon.testing import GatewayThread, LocalGateway

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
CHANNELS = 5
RATE = 150  # messages a second, all channels together
OPTIONS = {"backoff_base": 0.05, "backoff_max": 1.0, "heartbeat_interval": 0.3, "heartbeat_timeout": 1.0}
#: A loss is noticed this much later than it began: a ping, its deadline, and a busy machine.
NOTICED_WITHIN = 3.0
WARM_UP = 60.0
#: How much memory may have grown after the warm-up. Allocators keep some; a leak of this load shows in minutes.
MAX_GROWTH = 48 << 20


class World:
    """What was said: a number and a time for each message of a channel."""

    def __init__(self, channels: list[int]) -> None:
        self.said: dict[int, array[float]] = {channel: array("d") for channel in channels}

    @property
    def total(self) -> int:
        return sum(map(len, self.said.values()))


class Listener:
    """A bot, and what it heard of each channel."""

    def __init__(self, world: World, client: MezonClient) -> None:
        self.client = client
        self.counts = {channel: bytearray() for channel in world.said}
        self.last = dict.fromkeys(world.said, -1)
        self.disorder = 0
        self.gaps: list[tuple[float, float]] = []
        self.sends: Counter[str] = Counter()
        client.on_channel_message(self.hear)
        client.on_reconnected(lambda gap: self.gaps.append((gap.lost_at, gap.back_at)))

    def hear(self, message: ChannelMessage) -> None:
        text = message.content.get("t", "")
        counts = self.counts.get(message.channel_id)
        if counts is None or not text.isdecimal():
            return
        number = int(text)
        if number >= len(counts):
            counts.extend(bytes(number + 1 - len(counts)))
        counts[number] = min(counts[number] + 1, 255)
        self.disorder += number <= self.last[message.channel_id]
        self.last[message.channel_id] = number

    async def talk(self, channel_id: int, until: float) -> None:
        """Send now and then, and note how it ended."""
        while time.time() < until:
            try:
                channel = await self.client.channels.fetch(channel_id)
                await channel.send("from the bot")
                self.sends["acknowledged"] += 1
            except MezonError as error:
                self.sends[type(error).__name__] += 1
            await asyncio.sleep(0.2)

    def report(self, world: World) -> dict[str, object]:
        delivered = twice = inside = outside = 0
        for channel, times in world.said.items():
            counts = self.counts[channel]
            for number, said_at in enumerate(times):
                count = counts[number] if number < len(counts) else 0
                delivered += count > 0
                twice += count > 1
                if count == 0:
                    gap = any(lost - NOTICED_WITHIN <= said_at <= back + 0.5 for lost, back in self.gaps)
                    inside, outside = inside + gap, outside + (not gap)
        stats = self.client.stats()
        return {
            "delivered": delivered,
            "duplicated": twice,
            "out of order": self.disorder,
            "lost in gaps": inside,
            "lost outside": outside,
            "filled": stats.gap_filled,
            "reconnects": stats.reconnects,
            "malformed frames": stats.malformed,
            "handlers left": stats.handlers,
            "calls left": stats.pending,
            "sends": dict(self.sends),
        }


def faults(gateway: LocalGateway, dice: random.Random) -> dict[str, Callable[[], Awaitable[object]]]:
    """What may go wrong, by name. Runs on the gateway's loop."""

    async def stall() -> None:
        gateway.stall()
        await asyncio.sleep(dice.uniform(0.1, 2.5))
        gateway.resume()

    async def refuse_login() -> None:
        gateway.http_status(
            "/v2/apps/authenticate/token", dice.choice([500, 503, 429]), times=dice.randint(1, 3)
        )
        await gateway.drop()

    async def slow_http() -> None:
        gateway.http_delay("*", dice.uniform(0.05, 0.5), times=5)

    async def history_trouble() -> None:
        gateway.http_status("ListChannelMessages", 503, times=1)
        await gateway.drop()

    async def refuse_a_join() -> None:
        gateway.answer_with_error("clan_join", 3, times=1)
        await gateway.drop()

    async def expire() -> None:
        gateway.expire_tokens()

    return {
        "cut": gateway.drop,
        "reset": lambda: gateway.drop(reset=True),
        "close 4006": lambda: gateway.close(4006, "session expired"),
        "restart": lambda: gateway.restart(downtime=dice.uniform(0, 1.0)),
        "stall": stall,
        "login refused": refuse_login,
        "slow HTTP": slow_http,
        "history refused once": history_trouble,
        "join refused": refuse_a_join,
        "tokens expire": expire,
        "garbage": lambda: gateway.push_raw(dice.randbytes(dice.randint(1, 200))),
        "raw garbage": lambda: gateway.push_raw(b"\xff" + dice.randbytes(dice.randint(0, 2000))),
        "broken frame": lambda: gateway.push_wire(dice.randbytes(30)),
    }


async def talk(gateway: LocalGateway, world: World, dice: random.Random, until: float) -> None:
    """Users talk at a steady rate. Runs on the gateway's loop."""
    channels = list(world.said)
    while time.time() < until:
        for _ in range(RATE // 50):
            channel = dice.choice(channels)
            times = world.said[channel]
            # Noted first: it may be heard before this returns.
            times.append(time.time())
            try:
                async with asyncio.timeout(1):
                    await gateway.say(channel, dice.choice(["alice", "bob", "chi"]), str(len(times) - 1))
            except TimeoutError:
                pass  # a connection that takes nothing; it was said all the same
        await asyncio.sleep(1 / 50)


async def trouble(gateway: LocalGateway, dice: random.Random, until: float) -> Counter[str]:
    """One fault after another. Runs on the gateway's loop."""
    book, done = faults(gateway, dice), Counter[str]()
    while time.time() < until:
        await asyncio.sleep(dice.uniform(0.2, 2.5))
        name = dice.choice(list(book))
        done[name] += 1
        await book[name]()
    gateway.clear_faults()
    return done


def rss() -> int:
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def main() -> int:
    dice = random.Random(SEED)
    gateway = LocalGateway(max_records=500)
    second = gateway.add_bot(gateway.bot_id + 1, "second-key", "second")
    rooms = [gateway.world.add_channel(f"room {number}").id for number in range(CHANNELS)]
    world = World(rooms)
    with GatewayThread(gateway) as server:
        # As files would be, the stores of both are bounded.
        options = gateway.client_options() | {"gateway": GatewayOptions(**OPTIONS), "timeout": 3000}  # type: ignore[arg-type]
        bounds = GapOptions(messages_per_channel=2000, remembered=5000, max_waiting=5000)
        store = {"message_db": MessageDB(":memory:", max_messages=2000, memory_bytes=1 << 20)}
        filling = Listener(world, MezonClient(**{**options, **store}, fill_gaps=bounds))
        store = {"message_db": MessageDB(":memory:", max_messages=2000, memory_bytes=1 << 20)}
        plain = Listener(
            world, MezonClient(**{**options, "client_id": second.id, "api_key": "second-key", **store})
        )
        listeners = {"with fill_gaps": filling, "without": plain}
        await asyncio.gather(*(listener.client.login() for listener in listeners.values()))
        for room in rooms:
            # A channel is watched from its first message on.
            world.said[room].append(time.time())
            await server.arun(gateway.say(room, "alice", "0"))
        await asyncio.sleep(1)
        began, until = time.time(), time.time() + SECONDS

        def there(coroutine: Awaitable[object]) -> asyncio.Future[object]:
            return asyncio.ensure_future(server.arun(coroutine))  # type: ignore[arg-type]

        talking = there(talk(gateway, world, random.Random(dice.random()), until))
        failing = there(trouble(gateway, random.Random(dice.random()), until))
        sending = [asyncio.ensure_future(listener.talk(rooms[0], until)) for listener in listeners.values()]
        await asyncio.sleep(min(WARM_UP, SECONDS / 4))
        before, highest = rss(), 0
        while time.time() < until:
            await asyncio.sleep(1)
            highest = max(highest, rss())
            if dice.random() < 0.03:
                time.sleep(dice.uniform(0.2, 1.5))  # noqa: ASYNC251 (a fault of the bot's own)
        done = await failing
        await asyncio.gather(talking, *sending)
        clients = [listener.client for listener in listeners.values()]
        for _ in range(300):
            if {client.state for client in clients} == {"ready"}:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(3)
        after = rss()
        report = {
            "seed": SEED,
            "seconds": round(time.time() - began),
            "sent": world.total,
            "faults": dict(done),
            **{name: listener.report(world) for name, listener in listeners.items()},
            "rss MiB at start, highest, at end": [
                round(size / (1 << 20), 1) for size in (before, highest, after)
            ],
        }
        await asyncio.gather(*(listener.client.disconnect(drain=2) for listener in listeners.values()))
    print(json.dumps(report, indent=2))
    wrong = [
        f"{name}: {listener.report(world)[what]} {what}"
        for name, listener in listeners.items()
        for what in ("duplicated", "out of order", "lost outside", "handlers left", "calls left")
        if listener.report(world)[what]
    ]
    if filling.report(world)["lost in gaps"]:
        wrong.append(f"with fill_gaps: {filling.report(world)['lost in gaps']} lost in gaps")
    if after - before > MAX_GROWTH:
        wrong.append(f"memory grew by {(after - before) / (1 << 20):.1f} MiB")
    print("\n".join(wrong) or "All that must hold held.")
    return 1 if wrong else 0


if __name__ == "__main__":
    level = os.environ.get("SOAK_LOG", "ERROR")
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(asyncio.run(main()))
