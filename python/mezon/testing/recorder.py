"""Record what a bot does, and wait for it: ``next_sent``, ``expect`` and ``wait_until``.

An expectation that is not met raises an AssertionError that lists what the bot did instead.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.records import HOUSEKEEPING, Answer, Connections, Handshake, Request, Sent, Tap, keep
from mezon.testing.world import Channel, World

__all__ = ["Recorder"]

#: The factor of every time limit of an expectation: more than 1 for busy machines.
_TIMEOUT_FACTOR: Final = float(os.environ.get("MEZON_TEST_PATIENCE") or 1)


def is_unmet_expectation(caught: Any) -> bool:
    """Return whether pytest leaves out the frames of a module with this ``__tracebackhide__``.

    What an expectation has to say is in its error: the failed line of the test is shown, not the code below it.

    Args:
        caught: pytest's ``ExceptionInfo``.
    """
    return isinstance(caught.value, AssertionError | TimeoutError)


__tracebackhide__ = is_unmet_expectation

_ANSWERS = ("message", "ephemeral")
_SHOWN = 12


class Recorder:
    """The records of one gateway, and its observers.

    Args:
        world: Resolves channels by name in expectations.
        max_records: Maximum length of each list; the oldest entries are dropped first.

    Attributes:
        on_sent: Called for every envelope that the bot sends.
        on_made: Called when an envelope created a message: its ``message_id`` is known now.
        taps: Observers of all traffic.
        untaken: Envelopes that ``next_sent`` and ``expect`` have not returned yet.
        breaches: What the live service would have refused, one sentence each.
        connections: Counts of sockets.
    """

    def __init__(self, world: World, max_records: int = 100_000) -> None:
        self.max_records = max_records
        self.on_sent: Callable[[Sent], None] | None = None
        self.on_made: Callable[[Sent], None] | None = None
        self.taps: list[Tap] = []
        self.sent: list[Sent] = []
        self.untaken: list[Sent] = []
        self.requests: list[Request] = []
        self.handshakes: list[Handshake] = []
        self.breaches: list[str] = []
        self.connections: Connections = Connections()
        self._world = world
        self._waiters: list[asyncio.Future[None]] = []

    # Recording: called by the connections and the HTTP server

    def record_sent(self, sent: Sent) -> None:
        """Record an envelope from a bot."""
        keep(self.sent, sent, self.max_records)
        keep(self.untaken, sent, self.max_records)
        if self.on_sent is not None:
            self.on_sent(sent)
        for tap in self.taps:
            tap.on_sent(sent)
        self.notify()

    def record_made(self, sent: Sent, message_id: int) -> None:
        """Record the id of the message that an envelope created."""
        sent.made.append(message_id)
        if self.on_made is not None:
            self.on_made(sent)

    def record_breach(self, text: str) -> None:
        """Record what the live service would have refused."""
        keep(self.breaches, text, self.max_records)

    def record_handshake(self, handshake: Handshake) -> None:
        """Record an attempt to open a socket."""
        keep(self.handshakes, handshake, self.max_records)
        self.notify()

    def record_request(self, request: Request) -> None:
        """Record an HTTP request before it is answered."""
        keep(self.requests, request, self.max_records)
        self.notify()

    def record_response(self, request: Request) -> None:
        """Record that an HTTP request was answered."""
        for tap in self.taps:
            tap.on_request(request)

    def record_connections(self, live: int) -> None:
        """Record the number of open sockets."""
        self.connections.live = live
        self.connections.max_live = max(self.connections.max_live, live)
        self.notify()
        for tap in self.taps:
            tap.on_connections(live)

    def record_published(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        """Record an event, visible to everyone or only to ``receivers``."""
        for tap in self.taps:
            tap.on_published(envelope, receivers)

    def record_written(self, answer: Answer) -> None:
        """Record what the gateway wrote to a connection."""
        for tap in self.taps:
            tap.on_written(answer)

    # Waiting

    def notify(self) -> None:
        """Make waiting tasks re-check their conditions."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(
        self, condition: Callable[[], bool], *, timeout: float = 5.0, what: str = "the condition"
    ) -> None:
        """Wait until ``condition`` is true, re-checked at each ``notify``. Raises TimeoutError."""
        timeout *= _TIMEOUT_FACTOR
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
        """Return the latest records as text for an error message."""
        kinds = [sent.api_name or sent.kind for sent in self.sent[-8:]]
        paths = [f"{request.name} {request.status}" for request in self.requests[-5:]]
        return (
            f"{self.connections.live} connections are open ({self.connections.total} in total), "
            f"the bot's last envelopes: {', '.join(kinds) or 'none'}; "
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
            lambda: self.connections.live == 0, timeout=timeout, what="the connections to close"
        )

    async def next_sent(
        self, kind: str | None = None, *, timeout: float = 5.0, match: Callable[[Sent], bool] | None = None
    ) -> Sent:
        """Wait for the next envelope of a kind, or of any kind except ``HOUSEKEEPING``."""

        def fits(sent: Sent) -> bool:
            if not (sent.is_a(kind) if kind is not None else sent.kind not in HOUSEKEEPING):
                return False
            return match is None or match(sent)

        what = f"the bot to send {kind}" if kind else "the bot to send an envelope"
        return await self.take_sent(fits, timeout=timeout, what=what)

    async def take_sent(self, fits: Callable[[Sent], bool], *, timeout: float, what: str) -> Sent:
        """Wait for the first untaken envelope that fits, and take it. Raises TimeoutError."""
        await self.wait_until(lambda: any(fits(s) for s in self.untaken), timeout=timeout, what=what)
        found = next(s for s in self.untaken if fits(s))
        self.untaken = [s for s in self.untaken if s is not found]
        return found

    # Expecting

    async def expect(
        self,
        text: str | re.Pattern[str] | None = None,
        *,
        kind: str | None = None,
        channel: Channel | int | str | None = None,
        match: Callable[[Sent], bool] | None = None,
        since: float | None = None,
        timeout: float = 5.0,
    ) -> Sent:
        """Wait for an envelope. Raises AssertionError with what the bot did instead."""
        room = self._world.channel(channel) if channel is not None else None
        kinds = _ANSWERS if kind is None else (kind,)

        def fits(sent: Sent) -> bool:
            return (
                any(sent.is_a(one) for one in kinds)
                and (room is None or sent.channel_id == room.id)
                and (text is None or _has_text(sent, text))
                and (since is None or sent.time >= since)
                and (match is None or match(sent))
            )

        try:
            return await self.take_sent(fits, timeout=timeout, what="the expected envelope")
        except TimeoutError:
            wanted = f"{'a message' if kind is None else kind}{_conditions(text, room, match)}"
        raise AssertionError(
            f"the bot was expected to send {wanted} within {timeout:g} s; {self._sent_instead()}"
        ) from None

    async def expect_update(self, text: str | re.Pattern[str] | None = None, *, timeout: float = 5.0) -> Sent:
        """Expect the bot to update a message."""
        return await self.expect(text, kind="update", timeout=timeout)

    async def expect_delete(self, message: Sent | int | None = None, *, timeout: float = 5.0) -> Sent:
        """Expect the bot to delete a message."""
        wanted = message.message_id if isinstance(message, Sent) else message
        return await self.expect(
            kind="delete",
            match=None if wanted is None else lambda sent: sent.message_id == wanted,
            timeout=timeout,
        )

    async def expect_reaction(self, emoji: str | None = None, *, timeout: float = 5.0) -> Sent:
        """Expect the bot to react to a message."""
        return await self.expect(
            kind="reaction",
            match=None if emoji is None else lambda sent: bool(sent.payload.emoji == emoji),
            timeout=timeout,
        )

    async def expect_nothing(self, kind: str | None = None, *, seconds: float = 0.2) -> None:
        """Expect that nothing is untaken and nothing arrives for ``seconds`` seconds."""
        await asyncio.sleep(seconds)
        found = [
            sent
            for sent in self.untaken
            if (sent.kind not in HOUSEKEEPING if kind is None else sent.is_a(kind))
        ]
        if found:
            listed = "\n".join(f"  {self.describe(sent)}" for sent in found[:_SHOWN])
            raise AssertionError(f"the bot was expected to send nothing, but it sent:\n{listed}")

    def describe(self, sent: Sent) -> str:
        """Return a readable line about an envelope."""
        room = self._world.channels.get(sent.channel_id)
        where = f" in {room.label}" if room is not None else ""
        text = f": {sent.text!r}" if sent.text else ""
        if not text and sent.content:
            text = f": {sent.content!r:.100}"
        if sent.is_a("reaction"):
            text = f" {sent.payload.emoji} to message {sent.message_id}"
        elif sent.is_a("update") or sent.is_a("delete"):
            text = f" of message {sent.message_id}{text}"
        return f"{sent.name}{where}{text}"

    def _sent_instead(self) -> str:
        lines = [
            self.describe(sent)
            + ("" if any(sent is one for one in self.untaken) else " (taken by an earlier line of the test)")
            for sent in self.sent
            if sent.kind not in HOUSEKEEPING
        ]
        if not lines:
            return f"it sent nothing; {self.seen()}"
        return "it sent instead:\n" + "\n".join(f"  {line}" for line in lines[-_SHOWN:])


def _has_text(sent: Sent, text: str | re.Pattern[str]) -> bool:
    return sent.text == text if isinstance(text, str) else text.search(sent.text) is not None


def _conditions(text: str | re.Pattern[str] | None, room: Channel | None, match: object) -> str:
    with_text = ""
    if isinstance(text, str):
        with_text = f" with the text {text!r}"
    elif text is not None:
        with_text = f" with a text that matches {text.pattern!r}"
    where = f" in {room.label}" if room is not None else ""
    return f"{where}{with_text}{' that fulfils the condition' if match is not None else ''}"
