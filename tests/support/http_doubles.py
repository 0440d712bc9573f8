"""A small HTTP server that writes down what it is asked and answers as told, and clocks to turn."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from waiting import settle


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")


Answer = web.Response | Callable[[web.Request], Any]


@dataclass
class Server:
    """Answers come from `script` in order, then from `default`."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    script: list[Answer] = field(default_factory=list)
    default: Callable[[], Answer] = field(default=lambda: web.Response())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(
            Seen(
                request.method,
                request.path,
                dict(request.query),
                dict(request.headers),
                await request.read(),
            )
        )
        answer = self.script.pop(0) if self.script else self.default()
        if callable(answer):
            answer = await answer(request)
        return answer

    @property
    def paths(self) -> list[str]:
        return [seen.path.rpartition("/")[2] for seen in self.seen]


class FakeClock:
    """Time stands until it is advanced."""

    def __init__(self) -> None:
        self.time = 100.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self.time + delay, next(self._numbers), timer))
        return timer

    def next_timer(self) -> float | None:
        """When the next timer is due, or None."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    async def advance(self, seconds: float) -> None:
        """Turn the clock on, firing what is due on the way, and let the tasks run."""
        await settle()
        end = self.time + seconds
        while (due := self.next_timer()) is not None and due <= end:
            self.time = max(self.time, due)
            heapq.heappop(self._timers)[2].callback()
            await settle()
        self.time = end
        await settle()


@dataclass
class FakeTimer:
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class HastyClock:
    """Waits are written down and jump the clock instead of taking time."""

    def __init__(self) -> None:
        self.time = 100.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.Handle:
        self.waits.append(delay)
        self.time += delay
        return asyncio.get_running_loop().call_soon(callback)
