"""The other side of `soak.py`, in a process of its own so that the bots' memory is measured alone.

Prints where it listens, waits for a line, then lets users talk and things go wrong for so many seconds, and prints
what was said and what was done.

    python soak_world.py SECONDS SEED
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable

from mezon.testing import LocalGateway

CHANNELS = 5
RATE = 150  # messages a second, all channels together

#: The times at which the messages of each channel were said; a message is its number.
Said = dict[int, "array[float]"]


def faults(gateway: LocalGateway, dice: random.Random) -> dict[str, Callable[[], Awaitable[object]]]:
    """What may go wrong, by name."""

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


async def talk(gateway: LocalGateway, said: Said, dice: random.Random, until: float) -> None:
    """Users talk at a steady rate."""
    channels = list(said)
    while time.time() < until:
        for _ in range(RATE // 50):
            channel = dice.choice(channels)
            times = said[channel]
            # Noted first: it may be heard before this returns.
            times.append(time.time())
            try:
                async with asyncio.timeout(1):
                    await gateway.say(channel, dice.choice(["alice", "bob", "chi"]), str(len(times) - 1))
            except TimeoutError:
                pass  # a connection that takes nothing; it was said all the same
        await asyncio.sleep(1 / 50)


async def trouble(gateway: LocalGateway, dice: random.Random, until: float) -> Counter[str]:
    """One fault after another."""
    book, done = faults(gateway, dice), Counter[str]()
    while time.time() < until:
        await asyncio.sleep(dice.uniform(0.2, 2.5))
        name = dice.choice(list(book))
        done[name] += 1
        await book[name]()
    gateway.clear_faults()
    return done


async def main(seconds: float, seed: int) -> None:
    dice = random.Random(seed)
    gateway = LocalGateway(max_records=500)
    second = gateway.add_bot(gateway.bot_id + 1, "second-key", "second")
    said: Said = {gateway.world.add_channel(f"room {n}").id: array("d") for n in range(CHANNELS)}
    async with gateway:
        options = gateway.client_options()
        del options["message_db"]
        bots = [{}, {"client_id": second.id, "api_key": "second-key"}]
        print(json.dumps({"bots": [options | bot for bot in bots], "rooms": list(said)}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        for room, times in said.items():
            # A channel is watched from its first message on.
            times.append(time.time())
            await gateway.say(room, "alice", "0")
        await asyncio.sleep(1)
        until = time.time() + seconds
        talking = asyncio.ensure_future(talk(gateway, said, random.Random(dice.random()), until))
        done = await trouble(gateway, random.Random(dice.random()), until)
        await talking
        print(
            json.dumps({"faults": done, "said": {room: list(times) for room, times in said.items()}}),
            flush=True,
        )
        # The bots have an end of their own to come to.
        await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2])))
