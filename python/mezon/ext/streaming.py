"""An answer that grows while its text comes: what an AI bot needs.

::

    @bot.command()
    async def ask(ctx: Context, *, question: str) -> None:
        await ctx.stream_reply(model.answer(question))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any, Final

from mezon import InvalidArgumentError, split_text

if TYPE_CHECKING:
    from mezon import ChannelMessageAck
    from mezon.ext._context import Place

__all__ = ["stream_reply"]

#: UTF-16 units of JSON a message of the answer may take: what a message body may have, with room for the marks.
_LIMIT: Final = 3900

#: Seconds a reply that is cancelled may take to say so.
_LAST_WORDS: Final = 1.0


async def stream_reply(
    place: Place,
    chunks: AsyncIterable[str],
    *,
    interval: float = 1.0,
    limit: int = _LIMIT,
    cursor: str = " ▌",
    failed: str = "⚠ The answer broke off here.",
    empty: str = "…",
) -> list[ChannelMessageAck]:
    """Reply with a text that is not there yet, and let the reply grow by edits.

    The first edit comes with the first text. An edit waits for the one before, so that a slow or limited connection
    makes fewer of them; what comes meanwhile goes into the next. The last edit has the whole text. When the text is
    too long for one message, it goes on in another one.

    Args:
        place: The context of a command, or a click.
        chunks: The text, piece by piece.
        interval: Seconds between two edits, at least.
        limit: What a message may take as JSON, in UTF-16 units.
        cursor: What stands at the end while it grows.
        failed: What is put at the end if ``chunks`` raises, or the reply is cancelled, as by a timeout.
        empty: What is sent if there was no text at all.

    Returns:
        The acknowledgements of the messages, in order.

    Raises:
        InvalidArgumentError: If ``chunks`` is no async iterator, or a bound is none.
        MezonError: One of its kinds, if a message cannot be sent or changed.
        Exception: What ``chunks`` raises, after the reply has been marked.
    """
    if not isinstance(chunks, AsyncIterable):
        raise InvalidArgumentError(
            f"the chunks are an async iterator of str, such as what an async generator gives, not {chunks!r}"
        )
    if interval < 0 or limit < 64:
        raise InvalidArgumentError("the interval is 0 or more seconds, and the limit 64 or more UTF-16 units")
    growing = _Growing(place, interval, limit - 2 * len(cursor), cursor)
    writer = asyncio.create_task(growing.write(), name="mezon: a streamed reply")
    broken: BaseException | None = None
    try:
        async for chunk in chunks:
            growing.add(chunk)
            if writer.done():
                # It cannot be written any more: no use in reading on.
                break
    except BaseException as error:
        broken = error
        growing.add(f"\n\n{failed}" if growing.text else failed)
    growing.end(empty)
    try:
        if broken is not None and not isinstance(broken, Exception):
            await _last_words(growing, writer)
            raise broken
        await writer
    except BaseException as error:
        if broken is not None and broken is not error:
            raise broken from error
        raise
    finally:
        close: Any = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    if broken is not None:
        raise broken
    return growing.sent


async def _last_words(growing: _Growing, writer: asyncio.Task[None]) -> None:
    """Mark what is shown as broken off, when the reply was cancelled: for a moment, and if it can be done."""
    try:
        async with asyncio.timeout(_LAST_WORDS):
            await writer
    except Exception:
        writer.cancel()
        await asyncio.wait([writer])


class _Growing:
    """The messages of one answer."""

    def __init__(self, place: Place, interval: float, limit: int, cursor: str) -> None:
        self._place = place
        self._interval = interval
        self._limit = limit
        self._cursor = cursor
        self.text = ""
        self._ended = False
        self._news = asyncio.Event()
        #: The last one grows.
        self.sent: list[ChannelMessageAck] = []
        self._shown: list[str] = []
        self._last = float("-inf")

    def add(self, chunk: str) -> None:
        """Add text."""
        if chunk:
            self.text += chunk
            self._news.set()

    def end(self, empty: str) -> None:
        """End it: no more text comes."""
        if not self.text.strip():
            self.text = empty
        self._ended = True
        self._news.set()

    async def write(self) -> None:
        """Show the text as it comes, until it has ended."""
        loop = asyncio.get_running_loop()
        while True:
            await self._news.wait()
            while not self._ended and (left := self._last + self._interval - loop.time()) > 0:
                # The end does not wait for its turn.
                try:
                    async with asyncio.timeout(left):
                        await self._wait_for_end()
                except TimeoutError:
                    break
            self._news.clear()
            ended = self._ended
            await self._show(ended)
            self._last = loop.time()
            if ended:
                return

    async def _wait_for_end(self) -> None:
        while not self._ended:
            self._news.clear()
            await self._news.wait()

    async def _show(self, whole: bool) -> None:
        """Bring the messages up to date. Where the text is cut may move while a code block grows: they follow."""
        pieces = split_text(self.text, self._limit, as_json=True)
        for number, piece in enumerate(pieces):
            last = number == len(pieces) - 1
            await self._put(number, piece if whole or not last else piece + self._cursor)

    async def _put(self, number: int, text: str) -> None:
        if number < len(self.sent):
            if self._shown[number] != text:
                await self.sent[number].update(text, hide_edited=True)
                self._shown[number] = text
            return
        send = self._place.send if self.sent else self._place.reply
        self.sent.append(await send(text))
        self._shown.append(text)
