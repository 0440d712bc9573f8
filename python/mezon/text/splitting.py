"""Splitting of long texts: at paragraphs, otherwise at lines, sentences or words, and never inside a grapheme."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from mezon.errors import InvalidArgumentError
from mezon.utils.text import Cost, json_cost, utf16_cost

#: The maximum size of a message's content as JSON, in UTF-16 units: the limit of the official SDK.
CONTENT_LIMIT: Final = 4000

#: The maximum size of the text in content without other keys: ``{"t":"..."}``.
TEXT_LIMIT: Final = CONTENT_LIMIT - len('{"t":""}')

#: The boundaries to split at, the best first. The match ends a piece and is removed from it.
_BREAKS: Final = (
    re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n)+"),
    re.compile(r"[^\S\n]*\n"),
    re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
)

#: A fenced code block; one that is not closed extends to the end.
_FENCE: Final = re.compile(
    r"^[ ]{0,3}```[^\n`]*\n.*?(?:^[ ]{0,3}```[ ]*$|\Z)|```[^`]*```", re.DOTALL | re.MULTILINE
)

_EMPTY_LINES: Final = re.compile(r"(?:[^\S\n]*\n)*(?:\s+\Z)?")

Span = tuple[int, int]


def split_text(text: str, limit: int = TEXT_LIMIT, *, as_json: bool = False) -> list[str]:
    """Split a text into pieces that each fit into a message.

    The text is split after the last paragraph that fits, otherwise after the last line, sentence or word, otherwise
    between two graphemes: an emoji of several code points, or a letter with its accents, is not split. A code block
    between three backticks is not split unless it exceeds ``limit``; then it is split between lines into several
    blocks. White space at the boundaries is removed.

    ```python
    from mezon import split_text

    for piece in split_text("a long story. " * 1000):
        await channel.send(piece)
    ```

    Args:
        text: The text.
        limit: The maximum length of a piece in UTF-16 units.
        as_json: Count the length of a piece as a JSON string, as the limit of a message does.

    Returns:
        The pieces, none of which is empty; no pieces for a blank text.

    Raises:
        InvalidArgumentError: If the limit is smaller than 16.
    """
    if limit < 16:
        raise InvalidArgumentError(f"limit must be >= 16 UTF-16 units, not {limit}")
    cost = json_cost if as_json else utf16_cost
    blocks = [match.span() for match in _FENCE.finditer(text)]
    pieces: list[str] = []
    for start, end in cut(text, limit, cost, blocks):
        piece = text[start:end]
        if _cost_of(piece, cost) > limit:
            pieces += _cut_block(piece, limit, cost)
        else:
            pieces.append(piece)
    return pieces


def cut(text: str, limit: int, cost: Cost, atomic: Sequence[Span], *, force: bool = False) -> Iterator[Span]:
    """Yield the pieces of ``text`` as spans. The ``atomic`` spans (sorted, disjoint) are not split.

    An atomic span that exceeds the limit is a piece of its own; with ``force`` it is split.
    """
    ends = list(accumulate((cost(char) for char in text), initial=0))
    start, length = _skip(text, 0), len(text)
    while start < length:
        reach = _reach(ends, start, limit)
        if reach == length:
            end = following = length
        else:
            end, following = _best(text, start, reach, atomic, force)
        end = len(text[:end].rstrip()) if not text[start:end].isspace() else start
        if end > start:
            yield start, end
        start = _skip(text, following)


def _skip(text: str, start: int) -> int:
    """Return the position after the empty lines; the indentation of the first line is kept."""
    match = _EMPTY_LINES.match(text, start)
    return match.end() if match is not None else start


def _reach(ends: Sequence[int], start: int, limit: int) -> int:
    """Return the last index up to which the text from ``start`` fits."""
    return min(bisect_right(ends, ends[start] + limit) - 1, len(ends) - 1)


def _best(text: str, start: int, reach: int, atomic: Sequence[Span], force: bool) -> Span:
    """Return where the piece from ``start`` ends, and where the next piece begins."""
    for first, last in atomic:
        if first < reach < last:
            if first > start:
                reach = first
            elif not force:
                return last, last
            break
    for pattern in _BREAKS:
        found: Span | None = None
        # Include one more character: the space after the last sentence that fits.
        for match in pattern.finditer(text, start, min(reach + 1, len(text))):
            end = match.start() + len(match.group().rstrip())
            if start < end <= reach and not _inside(atomic, end) and not text[start:end].isspace():
                found = end, max(match.end(), end)
        if found is not None:
            return found
    end = _grapheme_end(text, start, reach)
    return end, end


def _inside(spans: Sequence[Span], index: int) -> bool:
    return any(first < index < last for first, last in spans)


def _grapheme_end(text: str, start: int, reach: int) -> int:
    """Return the last grapheme boundary up to ``reach``; a grapheme that exceeds the limit is split."""
    import regex

    end = start
    for match in regex.finditer(r"\X", text, pos=start, endpos=min(len(text), reach + 256)):
        if match.end() > reach:
            break
        end = match.end()
    return end if end > start else max(reach, start + 1)


def _cost_of(text: str, cost: Cost) -> int:
    return sum(map(cost, text))


def _cut_block(block: str, limit: int, cost: Cost) -> list[str]:
    """Split a code block into several blocks."""
    opening, _, body = block.strip().partition("\n")
    if not body or "```" in opening[3:]:
        opening, body = "```", block.strip().removeprefix("```")
    body = re.sub(r"\n?[ ]{0,3}```[ ]*\Z", "", body)
    overhead = _cost_of(f"{opening}\n\n```", cost)
    if overhead > limit // 2:
        opening, overhead = "```", _cost_of("```\n\n```", cost)
    return [
        f"{opening}\n{body[start:end]}\n```" for start, end in cut(body, max(limit - overhead, 1), cost, ())
    ]
