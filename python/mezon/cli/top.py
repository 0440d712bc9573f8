"""``mezon top``: a live view of bots, from the ``/stats`` of their health endpoints."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mezon._client.operations import address_of
from mezon.cli.output import FAILED, WRONG_USE, as_json, fail, out, say
from mezon.errors import InvalidArgumentError

__all__ = ["Bot", "View", "watch"]

#: Seconds to wait for an answer.
_TIMEOUT: Final = 5.0

#: Kinds of events with a rate of their own, the most frequent first.
_KINDS_SHOWN: Final = 4


@dataclass
class Bot:
    """One bot: its address, and the last two samples of its counters."""

    host: str
    port: int
    problem: str = ""
    stats: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    #: Seconds between the samples; 0 after the first.
    seconds: float = 0.0
    _time: float = 0.0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def read(self) -> None:
        """Take a sample. A bot that restarts or does not answer has a ``problem``, and is asked again."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        try:
            with urllib.request.urlopen(f"http://{host}:{self.port}/stats", timeout=_TIMEOUT) as answer:
                stats = json.load(answer)
        except urllib.error.HTTPError as error:
            self.problem = f"answers {error.code}: is this the address of the bot's health endpoint?"
        except (OSError, ValueError) as error:
            self.problem = f"does not answer ({getattr(error, 'reason', error)})"
        else:
            self.problem = "" if isinstance(stats, dict) else "answers something else than counters"
        if self.problem:
            self.stats, self.before, self.seconds = {}, {}, 0.0
            return
        now = time.monotonic()
        # Counters that fell are those of a new process.
        restarted = stats.get("frames_received", 0) < self.stats.get("frames_received", 0)
        self.seconds = now - self._time if self.stats and not restarted else 0.0
        self.before, self.stats, self._time = self.stats, stats, now

    def rate(self, name: str) -> float:
        """Return how much a counter grew in a second."""
        return self._growth(self.stats.get(name), self.before.get(name))

    def event_rates(self) -> dict[str, float]:
        """Return the events in a second by kind, the most frequent first."""
        now, before = self._events(self.stats), self._events(self.before)
        rates = {kind: self._growth(count, before.get(kind)) for kind, count in now.items()}
        return dict(sorted(rates.items(), key=lambda one: (-one[1], one[0])))

    @staticmethod
    def _events(stats: Mapping[str, Any]) -> dict[str, Any]:
        events = stats.get("events")
        return events if isinstance(events, dict) else {}

    def _growth(self, now: Any, before: Any) -> float:
        return max((now or 0) - (before or 0), 0) / self.seconds if self.seconds else 0.0

    def lines(self) -> list[str]:
        """Return what is shown of the bot."""
        if self.problem:
            return [f"bot       {self.address}  {self.problem}"]
        stats, rates = self.stats, self.event_rates()
        latency = stats.get("latency")
        ping = "" if latency is None else f", latency {latency * 1000:.0f} ms"
        kinds = ", ".join(f"{kind} {rate:.1f}" for kind, rate in list(rates.items())[:_KINDS_SHOWN] if rate)

        def count(name: str) -> str:
            return f"{stats.get(name) or 0:,}"

        return [
            f"bot       {self.address}  {stats.get('state', '?')}{ping}"
            + (f", {stats['transport']}" if stats.get("transport") else ""),
            f"events    {sum(rates.values()):.1f}/s" + (f": {kinds}" if kinds else ""),
            f"queue     {count('queued')} events wait, {count('queue_high_water')} at most; "
            f"reading paused {count('pauses')} times",
            f"handlers  {count('handlers')} run, {count('handler_errors')} failed "
            f"({self.rate('handler_errors'):.1f}/s)",
            f"calls     {count('pending')} wait, {self.rate('frames_sent'):.1f} frames/s sent",
            f"http      {count('http_waiting')} requests wait for the rate limit",
            f"not used  {count('filtered')} filtered, {count('skipped')} without a handler, "
            f"{count('malformed')} malformed; {count('reconnects')} reconnects",
        ]

    def values(self) -> dict[str, Any]:
        """Return the bot as JSON values."""
        if self.problem:
            return {"bot": self.address, "problem": self.problem}
        rates = {
            "events": self.event_rates(),
            **{name: self.rate(name) for name in ("handler_errors", "frames_sent")},
        }
        return {"bot": self.address, "stats": self.stats, "per_second": rates}


class View:
    """Bots by the addresses of their health endpoints.

    Args:
        addresses: Addresses such as ``127.0.0.1:8080``.

    Raises:
        InvalidArgumentError: If one of them is not an address.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        parsed = [address_of(one.removeprefix("http://").rstrip("/")) for one in addresses]
        self._bots = [Bot(host, port) for host, port in parsed]

    async def read(self) -> None:
        """Take a sample of every bot."""
        await asyncio.gather(*(asyncio.to_thread(bot.read) for bot in self._bots))

    @property
    def failed(self) -> bool:
        """Whether a bot did not answer."""
        return any(bot.problem for bot in self._bots)

    def show(self, *, as_lines: bool) -> None:
        """Print the bots."""
        for number, bot in enumerate(self._bots):
            if not as_lines:
                as_json(bot.values())
                continue
            if number:
                say("")
            for line in bot.lines():
                say(line)


def watch(addresses: Sequence[str], *, interval: float, once: bool, json: bool) -> None:
    """Show bots until Ctrl-C, or once. With ``once``, exits with 1 if a bot does not answer."""
    try:
        view = View(addresses)
    except InvalidArgumentError as error:
        fail(str(error), WRONG_USE)

    async def follow() -> None:
        # Rates need two samples.
        await view.read()
        while True:
            await asyncio.sleep(interval)
            await view.read()
            if not once and not json:
                out.clear()
            view.show(as_lines=not json)
            if once:
                return

    asyncio.run(follow())
    if view.failed:
        fail("a bot does not answer: run it with mezon run --health 127.0.0.1:8080", FAILED)
