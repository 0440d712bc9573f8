"""`Text`: text with mentions, channels, emoji, links and markup."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from mezon import models
from mezon.errors import InvalidArgumentError
from mezon.models._outgoing import encode_content
from mezon.text.splitting import TEXT_LIMIT, cut
from mezon.utils.text import TextBody, json_cost, utf16_cost, utf16_length

if TYPE_CHECKING:
    from mezon.models import ApiMessageMention

#: Kinds of spans in the list ``mk`` of the content; the other kinds have their own lists.
_MARKUP = frozenset({"b", "c", "pre", "lk"})

#: Kinds of spans that are never split.
_ATOMIC = frozenset({"mention", "hg", "ej", "c", "pre", "lk"})

#: The kind of a span that `Text.raw` made: it is not sent.
_RAW = "raw"

#: The beginning of a line that the web client draws as a heading, and the invisible character that prevents it.
_HEADING = re.compile(r"#{1,6}[^\S\n][^\n]")
_ZERO_WIDTH_SPACE = "\u200b"


class _Span(NamedTuple):
    """A part of the text, in characters."""

    kind: str
    start: int
    end: int
    fields: Mapping[str, Any]


class Text(TextBody):
    """Text with mentions, channels, emoji, links and markup. Every method returns the builder.

    ```python
    from mezon import Text

    await channel.send(Text("Hi ").mention(user).add(", lunch is in ").hashtag(channel).bold(" now"))
    ```

    A ``Text`` is accepted wherever content is. Text is sent literally: it is not parsed for markup, and nothing needs
    to be escaped. The web client turns a line that begins with ``# `` into a heading; an invisible character (U+200B)
    before the ``#`` prevents that, except in text added with ``raw``. Offsets count UTF-16 units with an exclusive end,
    as in Mezon's apps.

    Args:
        parts: Strings or other texts.
    """

    __slots__ = ("_extra", "_spans", "_text")

    def __init__(self, *parts: str | Text) -> None:
        self._text = ""
        self._spans: list[_Span] = []
        self._extra: dict[str, Any] = {}
        for part in parts:
            self.add(part)

    # ---- building

    def add(self, text: str | Text) -> Self:
        """Append literal text, or another text with its markup."""
        if isinstance(text, Text):
            shift = len(self._text)
            self._text += text._text
            self._spans += [
                span._replace(start=span.start + shift, end=span.end + shift) for span in text._spans
            ]
            for name, items in text._extra.items():
                self._extra.setdefault(name, []).extend(items)
            return self
        if not isinstance(text, str):
            raise InvalidArgumentError(f"text must be a str or a Text, not {type(text).__name__}")
        self._text += text
        return self

    def raw(self, text: str) -> Self:
        """Append text that is sent as it is: a line that begins with ``# `` is a heading in the web client."""
        if not isinstance(text, str):
            raise InvalidArgumentError(f"raw text must be a str, not {type(text).__name__}")
        return self._mark(_RAW, text)

    def line(self, text: str | Text = "") -> Self:
        """Append text and a line break."""
        return self.add(text).add("\n")

    def mention(self, user: Any, name: str | None = None) -> Self:
        """Mention a user: ``@name``.

        Args:
            user: A ``User``, a message (for its sender), an object with a user id, or the id.
            name: The name to show; by default the user's name, or the id if the name is unknown. Mezon's apps show the
                name they know.

        Raises:
            InvalidArgumentError: If ``user`` has no id.
        """
        user_id = _id_of(user, "user", ("user_id", "sender_id", "id"))
        known = _name_of(user, ("shown_name", "clan_nick", "display_name", "username"))
        shown = name or known or str(user_id)
        username = _name_of(user, ("username",)) or shown
        return self._mark("mention", f"@{shown}", {"user_id": user_id, "username": username})

    def mention_role(self, role: Any, name: str | None = None) -> Self:
        """Mention a role: ``@name``. ``role`` is a role of ``clan.list_roles()``, or an id with ``name``.

        Raises:
            InvalidArgumentError: If ``role`` has no id, or the name is missing.
        """
        role_id = _id_of(role, "role", ("role_id", "id"))
        shown = name or _name_of(role, ("title", "role_name", "name"))
        if not shown:
            raise InvalidArgumentError(
                f"the mention of a role needs its name: mention_role({role_id}, name=...)"
            )
        return self._mark("mention", f"@{shown}", {"role_id": role_id, "rolename": shown})

    def hashtag(self, channel: Any, name: str | None = None) -> Self:
        """Append a channel: ``#name``. ``channel`` is a ``TextChannel``, or an id with ``name``.

        Raises:
            InvalidArgumentError: If ``channel`` has no id, or the name is missing.
        """
        channel_id = _id_of(channel, "channel", ("channel_id", "id"))
        shown = name or _name_of(channel, ("name", "channel_label"))
        if not shown:
            raise InvalidArgumentError(
                f"a hashtag needs the name of the channel: hashtag({channel_id}, name=...)"
            )
        # Ids in the content are strings: JavaScript would round such a number.
        return self._mark("hg", f"#{shown}", {"channelId": str(channel_id)})

    def emoji(self, name: str, emoji_id: int | str) -> Self:
        """Append a custom emoji, such as ``emoji(":pepe:", 7386754253521)``. Unicode emoji are plain text."""
        emoji_id = _id_of(emoji_id, "emoji", ("id",))
        return self._mark("ej", f":{name.strip(':')}:", {"emojiid": str(emoji_id)})

    def link(self, url: str) -> Self:
        """Append a link, which is shown as its URL: the protocol has no label for links."""
        return self._mark("lk", url)

    def bold(self, text: str) -> Self:
        """Append bold text."""
        return self._mark("b", text)

    def code(self, text: str) -> Self:
        """Append inline code."""
        return self._mark("c", text)

    def code_block(self, text: str, language: str | None = None) -> Self:
        """Append a code block, highlighted for a language such as ``python``."""
        return self._mark("pre", text, {"language": language} if language else None)

    def embed(self, *embeds: Any) -> Self:
        """Add embeds, such as ``InteractiveBuilder.build()`` returns."""
        self._extra.setdefault("embed", []).extend(embeds)
        return self

    def components(self, *rows: Any) -> Self:
        """Add rows of components, such as ``{"components": ButtonBuilder().add_button(...).build()}``."""
        self._extra.setdefault("components", []).extend(rows)
        return self

    def _mark(self, kind: str, text: str, fields: Mapping[str, Any] | None = None) -> Self:
        start = len(self._text)
        self._text += text
        if text:
            self._spans.append(_Span(kind, start, len(self._text), fields or {}))
        return self

    # ---- sending

    @property
    def content(self) -> dict[str, Any]:
        """The content of the message, by wire names."""
        headings = self._accidental_headings()
        content: dict[str, Any] = {"t": self._sent_text(headings)}
        for span in self._spans:
            if span.kind in _MARKUP:
                markup = {"type": span.kind, **span.fields, **self._offsets(span, headings)}
                content.setdefault("mk", []).append(markup)
            elif span.kind not in ("mention", _RAW):
                content.setdefault(span.kind, []).append({**span.fields, **self._offsets(span, headings)})
        return {**content, **self._extra}

    @property
    def mentions(self) -> list[ApiMessageMention]:
        """The mentions, which are sent in a field of their own."""
        headings = self._accidental_headings()
        return [
            models.ApiMessageMention(**span.fields, **self._offsets(span, headings))
            for span in self._spans
            if span.kind == "mention"
        ]

    def _offsets(self, span: _Span, headings: list[int]) -> dict[str, int]:
        """Return the offsets of a span in the sent text. The headings, which get a character each, are in no span."""
        inserted = bisect(headings, span.start)
        start = utf16_length(self._text[: span.start]) + inserted
        return {"s": start, "e": start + utf16_length(self._text[span.start : span.end])}

    def _sent_text(self, headings: list[int]) -> str:
        """Return the text with an invisible character before each accidental heading."""
        pieces: list[str] = []
        done = 0
        for position in headings:
            pieces += [self._text[done:position], _ZERO_WIDTH_SPACE]
            done = position
        return "".join([*pieces, self._text[done:]])

    def _accidental_headings(self) -> list[int]:
        """Return where the web client would begin a heading that nobody asked for.

        The client looks for headings in the text between two spans, at the beginning of it and of each of its lines.
        """
        if "#" not in self._text:
            return []
        sent = [(span.start, span.end) for span in self._spans if span.kind != _RAW]
        starts = {0, *(end for _, end in sent), *(found.end() for found in re.finditer("\n", self._text))}
        return [
            start
            for start in sorted(starts)
            if _HEADING.match(self._text, start)
            and not any(span.start <= start < span.end for span in self._spans)
        ]

    def split(self, limit: int | None = None) -> list[Text]:
        """Split the text into pieces that each fit into a message, like ``mezon.split_text``.

        Mentions, links, emoji and code are not split; a code block that exceeds the limit becomes several blocks. The
        last piece has the embeds and components.

        Args:
            limit: The maximum length of a piece in UTF-16 units, without markup. By default, the limit of a message,
                including markup.

        Raises:
            InvalidArgumentError: If the limit is smaller than 16.
        """
        if limit is not None and limit < 16:
            raise InvalidArgumentError(f"limit must be >= 16 UTF-16 units, not {limit}")
        cost = utf16_cost if limit is not None else json_cost
        atomic = [(span.start, span.end) for span in self._spans if span.kind in _ATOMIC]
        max_length = limit if limit is not None else TEXT_LIMIT
        while True:
            pieces = [self._slice(*span) for span in cut(self._text, max_length, cost, atomic, force=True)]
            longest = 0 if limit is not None else max((piece._body_length() for piece in pieces), default=0)
            if longest <= TEXT_LIMIT + 8 or max_length <= 64:
                break
            # A piece with its markup is too long: split again with shorter pieces.
            max_length = max(64, max_length - (longest - TEXT_LIMIT))
        if pieces:
            pieces[-1]._extra = {name: list(items) for name, items in self._extra.items()}
        return pieces

    def _body_length(self) -> int:
        return utf16_length(encode_content(self))

    def _slice(self, start: int, end: int) -> Text:
        piece = Text(self._text[start:end])
        for span in self._spans:
            first, last = max(span.start, start), min(span.end, end)
            if first < last:
                piece._spans.append(span._replace(start=first - start, end=last - start))
        return piece

    # ---- value semantics

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        """Return the length in UTF-16 units."""
        return utf16_length(self._text)

    def __bool__(self) -> bool:
        return bool(self._text or self._extra)

    def __add__(self, other: str | Text) -> Text:
        return Text(self, other)

    def __radd__(self, other: str) -> Text:
        return Text(other, self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Text):
            return NotImplemented
        return (self._text, self._spans, self._extra) == (other._text, other._spans, other._extra)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Text {self._text!r} with {len(self._spans)} spans>"


def _id_of(value: Any, what: str, names: tuple[str, ...]) -> int:
    if isinstance(value, str | int) and not isinstance(value, bool):
        found: Any = value
    else:
        found = next((got for name in names if (got := getattr(value, name, None))), None)
    try:
        number = int(found)
    except (TypeError, ValueError):
        number = 0
    if number <= 0:
        raise InvalidArgumentError(f"a {what} must be an id or an object with an id, not {value!r}")
    return number


def _name_of(value: Any, names: tuple[str, ...]) -> str:
    if isinstance(value, str | int):
        return ""
    return next((got for name in names if isinstance(got := getattr(value, name, None), str) and got), "")
