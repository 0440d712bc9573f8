"""Seeing what the bot does: records, and waiting for what is to come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from mezon.testing.limits import Meter
from mezon.testing.records import HOUSEKEEPING, Connections, Handshake, Request, Sent, keep
from mezon.testing.tap import Tap
from mezon.testing.world import World

__all__ = ["Watch"]


class Watch:
    """The eyes of a gateway.

    Args:
        world: Its clans are what a bot is expected to join.
        max_records: How many entries ``sent`` and ``requests`` keep; the oldest go first.
    """

    def __init__(self, world: World, max_records: int) -> None:
        self.world = world
        self.max_records = max_records
        self.on_sent: Callable[[Sent], None] | None = None
        """Called for every envelope the bot sends."""
        self.on_made: Callable[[Sent], None] | None = None
        """Called when a message came of what the bot sent: its ``message_id`` is there now."""
        self.taps: list[Tap] = []
        """Who is told of everything that passes; see ``mezon.testing.tap.Tap``."""
        self.breaches: list[str] = []
        """What the live service would have refused, and this gateway did not, one sentence each."""
        self.sent: list[Sent] = []
        self.requests: list[Request] = []
        self.handshakes: list[Handshake] = []
        self.meter: Meter = Meter()
        self.connections: Connections = Connections()
        self.joined: Callable[[], Iterable[set[int]]] = lambda: ()
        """The clans each live connection has joined."""
        self.untaken: list[Sent] = []
        """What the bot sent that ``next_sent`` and ``expect`` have not given to a test yet."""
        self._waiters: list[asyncio.Future[None]] = []

    def notify(self) -> None:
        """Let those who wait look again: something changed."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(
        self, condition: Callable[[], bool], *, timeout: float = 5.0, what: str = "it"
    ) -> None:
        """Wait until something the gateway sees is so. Raises TimeoutError after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while not condition():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    await waiter
            except TimeoutError:
                raise TimeoutError(f"waited {timeout:g} s for {what}; {self.seen()}") from None
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)

    def seen(self) -> str:
        """Give what was seen last, for the text of an error."""
        kinds = [sent.api_name or sent.kind for sent in self.sent[-8:]]
        paths = [f"{request.name} {request.status}" for request in self.requests[-5:]]
        return (
            f"{self.connections.live} connections are open ({self.connections.total} in all), "
            f"the bot sent last: {', '.join(kinds) or 'nothing'}; "
            f"the last HTTP requests: {', '.join(paths) or 'none'}"
        )

    async def wait_connected(self, n: int = 1, *, timeout: float = 5.0) -> None:
        """Wait until at least ``n`` sockets are open."""
        await self.wait_until(
            lambda: self.connections.live >= n, timeout=timeout, what=f"{n} open connections"
        )

    async def wait_disconnected(self, *, timeout: float = 5.0) -> None:
        """Wait until no socket is open."""
        await self.wait_until(
            lambda: self.connections.live == 0, timeout=timeout, what="the connections to end"
        )

    async def wait_joined(self, clan_ids: Iterable[int] | None = None, *, timeout: float = 5.0) -> None:
        """Wait until an open connection joined these clans (default: clan 0 and every clan of the world)."""
        wanted = {0, *self.world.clans} if clan_ids is None else set(clan_ids)
        await self.wait_until(
            lambda: any(wanted <= clans for clans in self.joined()),
            timeout=timeout,
            what=f"the bot to join {len(wanted)} clans",
        )

    async def next_sent(
        self, kind: str | None = None, *, timeout: float = 5.0, match: Callable[[Sent], bool] | None = None
    ) -> Sent:
        """Wait for the next thing the bot sent that was not taken by this method before.

        ```python
        await channel.send("hello")
        sent = await gateway.next_sent("channel_message_send")
        assert sent.text == "hello"
        ```

        Args:
            kind: ``message``, ``ephemeral``, ``update``, ``delete``, ``reaction`` or ``typing``; an envelope field
                such as ``channel_message_send``; or an API name such as ``UpdateChannelMessage``, for changes and
                deletions are API calls. None: anything but pings and joins.
            match: Further condition.
        """

        def fits(sent: Sent) -> bool:
            if not (sent.is_a(kind) if kind is not None else sent.kind not in HOUSEKEEPING):
                return False
            return match is None or match(sent)

        what = f"the bot to send {kind}" if kind else "the bot to send something"
        return await self.take_sent(fits, timeout=timeout, what=what)

    async def take_sent(self, fits: Callable[[Sent], bool], *, timeout: float, what: str) -> Sent:
        """Wait for the first thing the bot sent that fits and was not taken before. Raises TimeoutError."""
        await self.wait_until(lambda: any(fits(s) for s in self.untaken), timeout=timeout, what=what)
        found = next(s for s in self.untaken if fits(s))
        self.untaken = [s for s in self.untaken if s is not found]
        return found

    def record_breach(self, text: str) -> None:
        """Record what the live service is said to refuse."""
        keep(self.breaches, text, self.max_records)

    def record_handshake(self, handshake: Handshake) -> None:
        """Record an attempt to open a socket."""
        keep(self.handshakes, handshake, self.max_records)
        self.notify()

    def record_made(self, sent: Sent, message_id: int) -> None:
        """Record what came of an envelope: called by a connection when a message came of an envelope."""
        sent.made.append(message_id)
        if self.on_made is not None:
            self.on_made(sent)

    def record_sent(self, sent: Sent) -> None:
        """Record an envelope. Called by a connection for every one."""
        keep(self.sent, sent, self.max_records)
        keep(self.untaken, sent, self.max_records)
        if self.on_sent is not None:
            self.on_sent(sent)
        for tap in self.taps:
            tap.came(sent)
        self.notify()
