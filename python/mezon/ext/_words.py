"""What was typed after a command's name, word by word: by the rules of shlex, with mentions as one word each."""

from __future__ import annotations

import io
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mezon.ext.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mezon.models import ChannelMessage

#: Private characters: around the number of a mark, and for an apostrophe inside a word.
_OPEN, _CLOSE, _APOSTROPHE = "\ue000", "\ue001", "\ue002"

_QUOTES: Final = {ord("“"): '"', ord("”"): '"', ord("„"): '"'}
#: Digits of the largest 64-bit id.
_MAX_ID_DIGITS: Final = 20

_PRIVATE: Final = {ord(char): None for char in (_OPEN, _CLOSE, _APOSTROPHE)}


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the text that names a user, a role or a channel; by characters."""

    start: int
    end: int
    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word, and what it names when it is nothing but a mention or a channel."""

    text: str
    mark: Mark | None = None


def id_of(text: str) -> int:
    """Return the id that a text of digits is; 0 for any other text, and for more digits than an id has."""
    return int(text) if len(text) <= _MAX_ID_DIGITS and text.isascii() and text.isdigit() else 0


def as_dict(content: Any) -> dict[str, Any]:
    """Return the content of a message as a dict; an empty one if it is no JSON object."""
    if isinstance(content, str):  # MezonClient(content_as_json=True)
        import json

        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return {}
    return content if isinstance(content, dict) else {}


def text_of(message: ChannelMessage) -> str:
    """Return what a message says."""
    text = as_dict(message.content).get("t")
    return text if isinstance(text, str) else ""


def marks_of(message: ChannelMessage, text: str) -> list[Mark]:
    """Give the users, roles and channels a message names, in the order of its text."""
    found: list[Mark] = []
    units = None if text.isascii() else text.encode("utf-16-le", "surrogatepass")

    def place(offset: Any) -> int:
        count = max(offset, 0) if isinstance(offset, int) else 0
        if units is None:
            return min(count, len(text))
        return len(units[: 2 * count].decode("utf-16-le", "replace"))

    for mention in message.mentions:
        kind = "user" if mention.user_id else "role"
        number = mention.user_id or mention.role_id
        if number and (mention.e or 0) > (mention.s or 0):
            found.append(Mark(place(mention.s), place(mention.e), kind, number))
    tags = message.content.get("hg") if isinstance(message.content, dict) else None
    found += [
        Mark(place(tag.get("s")), place(tag.get("e")), "channel", number)
        for tag in (tags if isinstance(tags, list) else ())
        if isinstance(tag, dict) and (number := id_of(str(tag.get("channelid", ""))))
    ]
    found.sort(key=lambda mark: mark.start)
    apart: list[Mark] = []
    for mark in found:
        if mark.end > mark.start and (not apart or mark.start >= apart[-1].end):
            apart.append(mark)
    return apart


class Words:
    """The words of a text from a place on, one at a time, so that what is left can be taken as it is."""

    def __init__(self, text: str, start: int, marks: Sequence[Mark]) -> None:
        parts: list[str] = []
        self._marks: list[tuple[str, Mark]] = []
        at = start
        for mark in marks:
            if mark.start < at:
                continue
            parts.append(text[at : mark.start].translate(_PRIVATE))
            parts.append(f"{_OPEN}{len(self._marks)}{_CLOSE}")
            self._marks.append((text[mark.start : mark.end], mark))
            at = mark.end
        parts.append(text[at:].translate(_PRIVATE))
        self._raw = "".join(parts)
        self._stream = io.StringIO(_regular(self._raw))
        self._lexer: Any = shlex.shlex(self._stream, posix=True)
        self._lexer.whitespace_split = True
        self._lexer.commenters = ""

    def next(self) -> Word | None:
        """Take the next word, or None.

        Raises:
            ArgumentError: If a quote is not closed, or nothing follows a backslash.
        """
        try:
            token = self._lexer.get_token()
        except ValueError:
            raise ArgumentError(
                'A quote is opened and not closed: put a second ", or a \\ before the one that is meant as it is.'
            ) from None
        return None if token is None else self._word(token)

    def rest(self) -> str:
        """Take all that is left, as it was typed."""
        left = self._raw[self._stream.tell() :]
        self._stream.seek(0, io.SEEK_END)
        return self._word(left).text.strip()

    def peek(self) -> Word | None:
        """Look at the next word; it stays."""
        place, state = self._stream.tell(), self._lexer.state
        word = self.next()
        self._stream.seek(place)
        self._lexer.state = state
        return word

    def _word(self, token: str) -> Word:
        if token.startswith(_OPEN) and token.endswith(_CLOSE) and token.count(_OPEN) == 1:
            shown, mark = self._marks[int(token[1:-1])]
            return Word(shown, mark)
        for number, (shown, _) in enumerate(self._marks):
            token = token.replace(f"{_OPEN}{number}{_CLOSE}", shown)
        return Word(token.replace(_APOSTROPHE, "'"))


def _regular(text: str) -> str:
    """Write ``text``, as long as it was, with plain quotes, and with letters for apostrophes that quote nothing."""
    out = list(text.translate(_QUOTES))
    quote, opened, before, escaped = "", 0, " ", False
    for place, char in enumerate(out):
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            if char == quote:
                quote = ""
        elif char == '"' or (char == "'" and before.isspace()):
            quote, opened = char, place
        elif char == "'":
            out[place] = _APOSTROPHE
        before = char
    if quote == "'":
        out[opened] = _APOSTROPHE
    return "".join(out)
