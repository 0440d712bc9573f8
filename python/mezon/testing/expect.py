"""Saying what a bot should do; when it does not, the error says what it did instead."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from mezon.testing.records import HOUSEKEEPING, Sent
from mezon.testing.watch import Watch
from mezon.testing.world import Channel

__all__ = ["Expecting"]

_ANSWERS = ("message", "ephemeral")
_SHOWN = 12


class Expecting(Watch):
    """The expectations of a ``mezon.testing.LocalGateway``."""

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
        """Wait for what the bot does next, of what no test has taken yet.

        ```python
        await channel.send("hello")
        await gateway.expect("hello", channel="general")
        ```

        Args:
            text: The whole text of it, or a pattern found in it. None for any.
            kind: ``message``, ``ephemeral``, ``update``, ``delete``, ``reaction``, ``typing``, an envelope field or
                an API name. None: a message, to all or ephemeral.
            channel: Where.
            match: Further condition.
            since: Only what came at or after this ``time.monotonic()``.
            timeout: Seconds to wait.

        Raises:
            AssertionError: It did not; the text says what it did instead.
        """
        room = self.world.channel(channel) if channel is not None else None
        kinds = _ANSWERS if kind is None else (kind,)

        def fits(sent: Sent) -> bool:
            return (
                any(sent.is_a(one) for one in kinds)
                and (room is None or sent.channel_id == room.id)
                and (text is None or _says(sent, text))
                and (since is None or sent.time >= since)
                and (match is None or match(sent))
            )

        start = time.monotonic() if since is None else since
        try:
            return await self.take_sent(fits, timeout=timeout, what="it")
        except TimeoutError:
            wanted = f"{'a message' if kind is None else kind}{_wanted(text, room, match)}"
        raise AssertionError(
            f"the bot was to send {wanted} within {timeout:g} s; {self._did_instead(start)}"
        ) from None

    async def expect_update(self, text: str | re.Pattern[str] | None = None, *, timeout: float = 5.0) -> Sent:
        """Expect that the bot changes a message. Raises AssertionError with what it did instead."""
        return await self.expect(text, kind="update", timeout=timeout)

    async def expect_delete(self, message: Sent | int | None = None, *, timeout: float = 5.0) -> Sent:
        """Expect that the bot deletes a message, this one or any. Raises AssertionError with what it did instead."""
        wanted = message.message_id if isinstance(message, Sent) else message
        return await self.expect(
            kind="delete",
            match=None if wanted is None else lambda sent: sent.message_id == wanted,
            timeout=timeout,
        )

    async def expect_reaction(self, emoji: str | None = None, *, timeout: float = 5.0) -> Sent:
        """Expect that the bot reacts to a message. Raises AssertionError with what it did instead."""
        return await self.expect(
            kind="reaction",
            match=None if emoji is None else lambda sent: bool(sent.payload.emoji == emoji),
            timeout=timeout,
        )

    async def expect_nothing(self, kind: str | None = None, *, seconds: float = 0.2) -> None:
        """Expect that the bot has sent nothing that no test has taken, and sends nothing for so many seconds.

        Args:
            kind: As for ``expect``; None for anything but pings and joins.

        Raises:
            AssertionError: It did; the text says what.
        """
        await asyncio.sleep(seconds)
        did = [
            sent
            for sent in self.untaken
            if (sent.kind not in HOUSEKEEPING if kind is None else sent.is_a(kind))
        ]
        if did:
            listed = "\n".join(f"  {self.describe(sent)}" for sent in did[:_SHOWN])
            raise AssertionError(f"the bot was to send nothing, but it sent:\n{listed}")

    def describe(self, sent: Sent) -> str:
        """Give one line for people."""
        room = self.world.channels.get(sent.channel_id)
        where = f" in {room.label}" if room is not None else ""
        text = f": {sent.text!r}" if sent.text else ""
        if not text and sent.content:
            text = f": {sent.content!r:.100}"
        if sent.is_a("reaction"):
            text = f" {sent.payload.emoji} to message {sent.message_id}"
        elif sent.is_a("update") or sent.is_a("delete"):
            text = f" of message {sent.message_id}{text}"
        return f"{sent.name}{where}{text}"

    def _did_instead(self, start: float) -> str:
        lines = [
            self.describe(sent)
            + ("" if any(sent is one for one in self.untaken) else " (taken by an earlier line of the test)")
            for sent in self.sent
            if sent.kind not in HOUSEKEEPING
        ]
        if not lines:
            return f"it sent nothing at all; {self.seen()}"
        return "what it sent instead:\n" + "\n".join(f"  {line}" for line in lines[-_SHOWN:])


def _says(sent: Sent, text: str | re.Pattern[str]) -> bool:
    return sent.text == text if isinstance(text, str) else text.search(sent.text) is not None


def _wanted(text: str | re.Pattern[str] | None, room: Channel | None, match: object) -> str:
    said = ""
    if isinstance(text, str):
        said = f" that says {text!r}"
    elif text is not None:
        said = f" that fits {text.pattern!r}"
    where = f" in {room.label}" if room is not None else ""
    return f"{where}{said}{' and fits the condition' if match is not None else ''}"
