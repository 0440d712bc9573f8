"""Streamed replies: a message that is edited while its text is produced, for example by a language model.

::

    @bot.command()
    async def ask(ctx: Context, *, question: str) -> None:
        await ctx.stream_reply(model.answer(question))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict

from mezon import InvalidArgumentError, split_text
from mezon.ext.texts import Texts

if TYPE_CHECKING:
    from mezon import ChannelMessageAck

__all__ = ["StreamOptions", "stream_reply"]

#: Maximum size of a message as JSON, in UTF-16 units: the limit of a message body, with room for its other keys.
_LIMIT: Final = 3900

#: Seconds for marking the reply of a cancelled call as interrupted.
_CANCEL_TIMEOUT: Final = 1.0


class Destination(Protocol):
    """The target of a streamed reply: the context of a command, or a click. This module does not import them."""

    async def send(self, content: str) -> ChannelMessageAck:
        """Send a message to the channel."""
        raise NotImplementedError

    async def reply(self, content: str) -> ChannelMessageAck:
        """Reply to the message."""
        raise NotImplementedError


class StreamOptions(TypedDict, total=False):
    """The keyword arguments of ``stream_reply`` and of ``ctx.stream_reply``; see ``stream_reply``."""

    interval: float
    limit: int
    cursor: str
    failed: str | None
    empty: str


async def stream_reply(
    place: Destination,
    chunks: AsyncIterable[str],
    *,
    interval: float = 1.0,
    limit: int = _LIMIT,
    cursor: str = " ▌",
    failed: str | None = None,
    empty: str = "…",
) -> list[ChannelMessageAck]:
    """Reply with a text while it is produced: send the first text, then edit the message as more arrives.

    Each edit waits for the previous one, so a slow or rate-limited connection makes fewer edits with more text each.
    The last edit contains the whole text. A text that is too long for one message continues in further messages.

    Args:
        place: The context of a command, or a click.
        chunks: The pieces of the text.
        interval: Minimum number of seconds between two edits.
        limit: Maximum size of a message as JSON, in UTF-16 units.
        cursor: Text shown at the end until the reply is complete.
        failed: Text appended if ``chunks`` raises or the reply is cancelled, for example by a timeout; a sentence of
            ``mezon.ext.texts`` by default. Nothing is sent if there is no text before it.
        empty: Text sent if ``chunks`` produces no text.

    Returns:
        The acknowledgements of the messages, in order.

    Raises:
        InvalidArgumentError: If ``chunks`` is not an async iterator, or a limit is out of range.
        MezonError: If a message cannot be sent or edited.
        Exception: The exception raised by ``chunks``, after the reply was marked as interrupted.
    """
    if not isinstance(chunks, AsyncIterable):
        raise InvalidArgumentError(
            f"chunks must be an async iterator of str, such as an async generator returns, not {chunks!r}"
        )
    if interval < 0 or limit < 64:
        raise InvalidArgumentError(
            f"interval must be >= 0 seconds and limit >= 64 UTF-16 units, not {interval} and {limit}"
        )
    reply = _StreamedReply(place, interval, limit - 2 * len(cursor), cursor)
    writer = asyncio.create_task(reply.write(), name="mezon streamed reply")
    failure: BaseException | None = None
    try:
        async for chunk in chunks:
            reply.add(chunk)
            if writer.done():
                # The writer has failed: the rest of the text cannot be shown.
                break
    except BaseException as error:
        failure = error
        if reply.text.strip():
            bot = getattr(place, "bot", None)  # a destination of the bot's own may have none
            texts = bot.texts if bot is not None else Texts()
            reply.add(f"\n\n{texts('broken_off') if failed is None else failed}")
            reply.end(empty)
        else:
            # The caller reports the error: a message that nothing came would be a second one.
            reply.cancel()
    else:
        reply.end(empty)
    try:
        if failure is not None and not isinstance(failure, Exception):
            await _finish_cancelled(writer)
            raise failure
        await writer
    except BaseException as error:
        if failure is not None and failure is not error:
            raise failure from error
        raise
    finally:
        close: Any = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    if failure is not None:
        raise failure
    return reply.sent


async def _finish_cancelled(writer: asyncio.Task[None]) -> None:
    """Let the writer mark a cancelled reply as interrupted, within a timeout."""
    try:
        async with asyncio.timeout(_CANCEL_TIMEOUT):
            await writer
    except Exception:
        writer.cancel()
        await asyncio.wait([writer])


class _StreamedReply:
    """The messages of one reply."""

    def __init__(self, place: Destination, interval: float, limit: int, cursor: str) -> None:
        self._place = place
        self._interval = interval
        self._limit = limit
        self._cursor = cursor
        self.text = ""
        self._ended = False
        self._cancelled = False
        self._changed = asyncio.Event()
        #: The messages sent; only the last one is still growing.
        self.sent: list[ChannelMessageAck] = []
        self._shown: list[str] = []
        self._last = float("-inf")

    def add(self, chunk: str) -> None:
        """Append text."""
        if chunk:
            self.text += chunk
            self._changed.set()

    def cancel(self) -> None:
        """Send nothing."""
        self._cancelled = True
        self.end("")

    def end(self, empty: str) -> None:
        """Mark the text as complete."""
        if not self.text.strip():
            self.text = empty
        self._ended = True
        self._changed.set()

    async def write(self) -> None:
        """Send and edit the messages until the text is complete."""
        loop = asyncio.get_running_loop()
        while True:
            await self._changed.wait()
            while not self._ended and (left := self._last + self._interval - loop.time()) > 0:
                # The last edit does not wait for the interval.
                try:
                    async with asyncio.timeout(left):
                        await self._wait_for_end()
                except TimeoutError:
                    break
            self._changed.clear()
            ended = self._ended
            if not self._cancelled:
                await self._show(ended)
            self._last = loop.time()
            if ended:
                return

    async def _wait_for_end(self) -> None:
        while not self._ended:
            self._changed.clear()
            await self._changed.wait()

    async def _show(self, whole: bool) -> None:
        """Update the messages; earlier ones too, because the split can move while a code block grows."""
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
