"""CPU time that the dispatcher needs per event, for handlers that suspend rarely, often or always.

    .venv/bin/python benches/dispatch.py [--events 20000] [--rounds 5]

No socket and no core: events are passed to the dispatcher in batches of 32, as the connection does. Microseconds of
the loop's thread per event, the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from mezon._events.dispatcher import Dispatcher
from mezon._gateway.connection import BATCH
from mezon.managers.event import EventManager

NAME = "channel_message"

#: One event per iteration of the loop, as in a bot with little traffic.
LONE = "one event at a time"


class NoConnection:
    """The part of a connection that the dispatcher uses."""

    around = None

    def want(self, name: str, wanted: bool = True) -> None: ...
    def resume(self) -> None: ...


def every(nth: int) -> Callable[[int], Awaitable[None]]:
    """Return a handler that suspends at every nth event; 0 for never."""

    async def handle(number: int) -> None:
        if nth and number % nth == 0:
            await asyncio.sleep(0)

    return handle


async def run(events: int, handlers: list[Callable[[int], Any]], together: int = BATCH) -> float:
    """Return the CPU time per event in microseconds."""
    manager = EventManager()
    dispatcher = Dispatcher(manager, lambda error, name: None)
    for handler in handlers:
        manager.on(NAME, handler)
    dispatcher.attach(NoConnection(), asyncio.get_running_loop())  # type: ignore[arg-type]
    begun = time.thread_time()
    for start in range(0, events, together):
        for number in range(start, start + together):
            dispatcher.on_event(NAME, number)
        await asyncio.sleep(0)
    while dispatcher.running:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return (time.thread_time() - begun) / events * 1e6


CASES: dict[str, tuple[int, list[Callable[[int], Any]]]] = {
    "one handler": (1, [every(0)]),
    LONE: (4, [every(0)]),
    "2 % suspend": (1, [every(50)]),
    "half suspend": (1, [every(2)]),
    "it suspends": (1, [every(1)]),
    "one of two suspends": (1, [every(0), every(1)]),
    "20 handlers": (10, [every(0)] * 20),
    "100 handlers": (50, [every(0)] * 100),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(
        f"Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}; us an event, median of {args.rounds}"
    )
    for name, (fewer, handlers) in CASES.items():
        each = [
            asyncio.run(run(args.events // fewer, handlers, 1 if name == LONE else BATCH))
            for _ in range(args.rounds)
        ]
        print(f"{name:20} {statistics.median(each):7.2f}")


if __name__ == "__main__":
    main()
