"""Where a long text may be cut: at paragraphs, else lines, sentences, words, and never inside a grapheme."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from mezon.errors import InvalidArgumentError
from mezon.utils.text import Cost, json_cost, utf16_cost

#: What a message body may have at most, in UTF-16 units of its JSON: what the official SDK refuses above.
CONTENT_LIMIT: Final = 4000

#: What is left of that for the text of a body that is a text alone: ``{"t":"..."}``.
TEXT_LIMIT: Final = CONTENT_LIMIT - len('{"t":""}')

#: The places to cut at, the best first. What matches ends a piece and is dropped from its end.
_BREAKS: Final = (
    re.compile(r"[^\S\n]*\n(?:[^\S\n]*\n)+"),
    re.compile(r"[^\S\n]*\n"),
    re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
)

#: A fenced code block; one that is not closed goes on to the end.
_FENCE: Final = re.compile(
    r"^[ ]{0,3}```[^\n`]*\n.*?(?:^[ ]{0,3}```[ ]*$|\Z)|```[^`]*```", re.DOTALL | re.MULTILINE
)

_EMPTY_LINES: Final = re.compile(r"(?:[^\S\n]*\n)*(?:\s+\Z)?")

Span = tuple[int, int]


def split_text(text: str, limit: int = TEXT_LIMIT, *, as_json: bool = False) -> list[str]:
    """Cut a text into pieces that each fit into a message.

    It is cut at the last paragraph that fits, else at the last line, sentence or word, and only then between two
    graphemes: an emoji of several code points or a letter with its accents stays whole. A code block between
    three backticks stays whole, too; one that is longer than ``limit`` itself is cut between lines, and closed and
    opened again. White space where it is cut is left out.

    ```python
    from mezon import split_text

    for piece in split_text("a long story. " * 1000):
        await channel.send(piece)
    ```

    Args:
        text: The text.
        limit: What a piece may have at most, in UTF-16 units.
        as_json: Count what the piece takes as a JSON string, as the limit of a message body does.

    Returns:
        The pieces, none of them empty; no piece for a text without anything in it.

    Raises:
        InvalidArgumentError: If the limit is smaller than 16.
    """
    if limit < 16:
        raise InvalidArgumentError(f"the limit of a piece of text is 16 or more UTF-16 units, not {limit}")
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


def cut(text: str, limit: int, cost: Cost, whole: Sequence[Span], *, force: bool = False) -> Iterator[Span]:
    """Give the pieces of ``text`` as spans. Those of ``whole`` (in order, apart) are not cut.

    One that is longer than the limit comes as a span of its own; with ``force`` it is cut all the same.
    """
    ends = list(accumulate((cost(char) for char in text), initial=0))
    start, length = _skip(text, 0), len(text)
    while start < length:
        reach = _reach(ends, start, limit)
        if reach == length:
            end = following = length
        else:
            end, following = _best(text, start, reach, whole, force)
        end = len(text[:end].rstrip()) if not text[start:end].isspace() else start
        if end > start:
            yield start, end
        start = _skip(text, following)


def _skip(text: str, start: int) -> int:
    """Go past the empty lines: the indentation of the first line is kept."""
    match = _EMPTY_LINES.match(text, start)
    return match.end() if match is not None else start


def _reach(ends: Sequence[int], start: int, limit: int) -> int:
    """Give the last index up to which the text from ``start`` fits."""
    return min(bisect_right(ends, ends[start] + limit) - 1, len(ends) - 1)


def _best(text: str, start: int, reach: int, whole: Sequence[Span], force: bool) -> Span:
    """Say where the piece from ``start`` ends, and where the next begins."""
    for first, last in whole:
        if first < reach < last:
            if first > start:
                reach = first
            elif not force:
                return last, last
            break
    for pattern in _BREAKS:
        found: Span | None = None
        # One more character, so that the space after the last sentence that fits is seen.
        for match in pattern.finditer(text, start, min(reach + 1, len(text))):
            place = match.start() + len(match.group().rstrip())
            if start < place <= reach and not _inside(whole, place) and not text[start:place].isspace():
                found = place, max(match.end(), place)
        if found is not None:
            return found
    place = _grapheme_end(text, start, reach)
    return place, place


def _inside(spans: Sequence[Span], place: int) -> bool:
    return any(first < place < last for first, last in spans)


def _grapheme_end(text: str, start: int, reach: int) -> int:
    """Give the last boundary between graphemes up to ``reach``; a grapheme that is too long alone is cut."""
    import regex

    place = start
    for match in regex.finditer(r"\X", text, pos=start, endpos=min(len(text), reach + 256)):
        if match.end() > reach:
            break
        place = match.end()
    return place if place > start else max(reach, start + 1)


def _cost_of(text: str, cost: Cost) -> int:
    return sum(map(cost, text))


def _cut_block(block: str, limit: int, cost: Cost) -> list[str]:
    """Cut a code block that is too long into blocks of their own."""
    opening, _, body = block.strip().partition("\n")
    if not body or "```" in opening[3:]:
        opening, body = "```", block.strip().removeprefix("```")
    body = re.sub(r"\n?[ ]{0,3}```[ ]*\Z", "", body)
    around = _cost_of(f"{opening}\n\n```", cost)
    if around > limit // 2:
        opening, around = "```", _cost_of("```\n\n```", cost)
    return [
        f"{opening}\n{body[start:end]}\n```" for start, end in cut(body, max(limit - around, 1), cost, ())
    ]
