"""Parsing of messages: whether a message calls a command, and the words after the command's name."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from mezon import InvalidArgumentError, TypeMessage, filters
from mezon.ext.errors import ArgumentError
from mezon.ext.texts import sentence

if TYPE_CHECKING:
    from mezon.models import ChannelMessage

__all__ = ["Mark", "Triggers", "Word", "Words", "as_dict", "id_of", "marks_of", "text_of"]

#: Private-use characters: the delimiters of a mark's number, and an apostrophe inside a word.
_OPEN, _CLOSE, _APOSTROPHE = "\ue000", "\ue001", "\ue002"
_PRIVATE: Final = {ord(char): None for char in (_OPEN, _CLOSE, _APOSTROPHE)}

_QUOTES: Final = {ord("“"): '"', ord("”"): '"', ord("„"): '"'}

#: Digits of the largest 64-bit id.
_MAX_ID_DIGITS: Final = 20

#: Codes of messages that users write; the other codes are notices of the service.
_WRITTEN: Final = frozenset({TypeMessage.CHAT, TypeMessage.TOPIC, TypeMessage.MESSAGE_BUZZ})


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of the text, in characters, that names a user, a role or a channel."""

    start: int
    end: int
    kind: str
    id: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word, with its mark if the whole word is a mention or a channel tag."""

    text: str
    mark: Mark | None = None


def id_of(text: str) -> int:
    """Return the id that the text consists of, or 0 if the text is not an id."""
    return int(text) if len(text) <= _MAX_ID_DIGITS and text.isascii() and text.isdigit() else 0


def as_dict(content: Any) -> dict[str, Any]:
    """Return the content of a message as a dict; empty if the content is not a JSON object."""
    if isinstance(content, str):  # MezonClient(content_as_json=True)
        try:
            content = json.loads(content)
        except (ValueError, RecursionError):
            return {}
    return content if isinstance(content, dict) else {}


def text_of(message: ChannelMessage) -> str:
    """Return the text of a message."""
    text = as_dict(message.content).get("t")
    return text if isinstance(text, str) else ""


def marks_of(message: ChannelMessage, text: str) -> list[Mark]:
    """Return the users, roles and channels that a message names, in the order of its text, without overlaps."""
    found: list[Mark] = []
    units = None if text.isascii() else text.encode("utf-16-le", "surrogatepass")

    def position(offset: Any) -> int:
        """Convert an offset in UTF-16 units to one in characters."""
        count = max(offset, 0) if isinstance(offset, int) else 0
        if units is None:
            return min(count, len(text))
        return len(units[: 2 * count].decode("utf-16-le", "replace"))

    for mention in message.mentions:
        kind = "user" if mention.user_id else "role"
        number = mention.user_id or mention.role_id
        if number and (mention.e or 0) > (mention.s or 0):
            found.append(Mark(position(mention.s), position(mention.e), kind, number))
    tags = as_dict(message.content).get("hg")
    found += [
        Mark(position(tag.get("s")), position(tag.get("e")), "channel", number)
        for tag in (tags if isinstance(tags, list) else ())
        # Mezon's apps write channelId, some bots channelid.
        if isinstance(tag, dict)
        and (number := id_of(str(tag.get("channelId") or tag.get("channelid") or "")))
    ]
    found.sort(key=lambda mark: mark.start)
    separate: list[Mark] = []
    for mark in found:
        if mark.end > mark.start and (not separate or mark.start >= separate[-1].end):
            separate.append(mark)
    return separate


class Words:
    """Split a text into words by the rules of shlex, one word at a time.

    A mark is a word of its own. The unread text can be taken as it was typed at any point.
    """

    def __init__(self, text: str, start: int, marks: Sequence[Mark]) -> None:
        parts: list[str] = []
        self._marks: list[tuple[str, Mark]] = []
        position = start
        for mark in marks:
            if mark.start < position:
                continue
            parts.append(text[position : mark.start].translate(_PRIVATE))
            parts.append(f"{_OPEN}{len(self._marks)}{_CLOSE}")
            self._marks.append((text[mark.start : mark.end], mark))
            position = mark.end
        parts.append(text[position:].translate(_PRIVATE))
        self._raw = "".join(parts)
        self._stream = io.StringIO(_normalize_quotes(self._raw))
        self._lexer: Any = shlex.shlex(self._stream, posix=True)
        self._lexer.whitespace_split = True
        self._lexer.commenters = ""

    def next(self) -> Word | None:
        """Take the next word; None at the end.

        Raises:
            ArgumentError: If a quote is not closed, or the text ends with a backslash.
        """
        try:
            token = self._lexer.get_token()
        except ValueError:
            raise ArgumentError(sentence("open_quotation")) from None
        return None if token is None else self._word(token)

    def rest(self) -> str:
        """Take the unread text as it was typed."""
        left = self._raw[self._stream.tell() :]
        self._stream.seek(0, io.SEEK_END)
        return self._word(left).text.strip()

    def peek(self) -> Word | None:
        """Return the next word without taking it."""
        position, state = self._stream.tell(), self._lexer.state
        word = self.next()
        self._stream.seek(position)
        self._lexer.state = state
        return word

    def _word(self, token: str) -> Word:
        if token.startswith(_OPEN) and token.endswith(_CLOSE) and token.count(_OPEN) == 1:
            shown, mark = self._marks[int(token[1:-1])]
            return Word(shown, mark)
        for number, (shown, _) in enumerate(self._marks):
            token = token.replace(f"{_OPEN}{number}{_CLOSE}", shown)
        return Word(token.replace(_APOSTROPHE, "'"))


def _normalize_quotes(text: str) -> str:
    """Replace typographic quotes, and apostrophes that quote nothing; the length of the text stays the same."""
    out = list(text.translate(_QUOTES))
    quote, opened, before, escaped = "", 0, " ", False
    for index, char in enumerate(out):
        if escaped:
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote:
            if char == quote:
                quote = ""
        elif char == '"' or (char == "'" and before.isspace()):
            quote, opened = char, index
        elif char == "'":
            out[index] = _APOSTROPHE
        before = char
    if quote == "'":
        out[opened] = _APOSTROPHE
    return "".join(out)


class Triggers:
    """Decide which messages call a command.

    Attributes:
        prefixes: The prefixes of commands; the longest one that matches is used.
        mention: Whether a mention of the bot works as a prefix.
        own_messages: Whether the bot's own messages can call commands.
        edits: Whether an edited message can call commands.
    """

    def __init__(
        self, bot_id: int, prefix: str | Sequence[str], mention: bool, own_messages: bool, edits: bool
    ) -> None:
        given = [prefix] if isinstance(prefix, str) else list(prefix or ())
        if any(not isinstance(one, str) for one in given) or not (any(given) or mention):
            raise InvalidArgumentError(
                f"the prefix of commands must be a str such as '!', or several, not {prefix!r}"
            )
        self.prefixes: list[str] = [one for one in given if one]
        self.mention = mention
        self.own_messages = own_messages
        self.edits = edits
        self._bot_id = bot_id
        self._by_length = sorted(self.prefixes, key=len, reverse=True)

    def check_names(self, names: Sequence[str]) -> None:
        """Refuse a command name that includes the prefix.

        Raises:
            InvalidArgumentError: With the name to use instead.
        """
        for prefix in self.prefixes:
            for name in names:
                if not prefix.isalnum() and name.startswith(prefix):
                    raise InvalidArgumentError(
                        f"a command is named without the prefix: {name.removeprefix(prefix)!r}, not {name!r}"
                    )

    def filter(self) -> filters.Filter:
        """Return the filter of messages that may call a command; `start_of` decides for each of them."""
        codes = _WRITTEN | ({TypeMessage.CHAT_UPDATE} if self.edits else frozenset())
        prefixes = [filters.prefix(*self.prefixes)] if self.prefixes else []
        mentions = [filters.mentions_me] if self.mention else []
        wanted = reduce(or_, prefixes + mentions) & filters.code(*codes)
        return wanted if self.own_messages else wanted & ~filters.own

    def start_of(self, message: ChannelMessage, text: str) -> int | None:
        """Return where the command's name begins in the text; None if the message calls no command."""
        start = next((len(one) for one in self._by_length if text.startswith(one)), None)
        if start is None and self.mention and message.mentions:
            start = self._after_mention(message, text)
        if start is None or start >= len(text) or text[start:].isspace():
            return None
        code = message.code or 0
        if code not in _WRITTEN and not (self.edits and code == TypeMessage.CHAT_UPDATE):
            return None
        if message.sender_id == self._bot_id and not self.own_messages:
            return None
        return start

    def _after_mention(self, message: ChannelMessage, text: str) -> int | None:
        if not any(one.user_id == self._bot_id for one in message.mentions):
            return None
        start = len(text) - len(text.lstrip())
        for mark in marks_of(message, text):
            if mark.start == start and mark.kind == "user" and mark.id == self._bot_id:
                return mark.end
        return None
