"""`Text`: what a message says, and which stretches of it are mentions, channels, emoji, links, bold or code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from mezon.errors import InvalidArgumentError
from mezon.utils.text import TextBody, json_cost, utf16_cost, utf16_length

if TYPE_CHECKING:
    from mezon.models import ApiMessageMention

#: Marks of the body's ``mk``; the others have lists of their own.
_MARKS = frozenset({"b", "c", "pre", "lk"})

#: What is never cut in two.
_WHOLE = frozenset({"mention", "hg", "ej", "c", "pre", "lk"})


class _Span(NamedTuple):
    """A stretch of the text, by characters."""

    kind: str
    start: int
    end: int
    fields: Mapping[str, Any]


class Text(TextBody):
    """Text with mentions, channels, emoji, links and marks. Every method gives the builder back.

    ```python
    from mezon import Text

    await channel.send(Text("Hi ").mention(user).add(", lunch is in ").hashtag(channel).bold(" now"))
    ```

    It is taken wherever content is. What it was told is written as it is: no markup is read out of it, and nothing
    in it needs to be escaped. The offsets it writes count UTF-16 units, the end exclusive, as Mezon's apps do.

    Args:
        parts: Strings, or other texts.
    """

    __slots__ = ("_extra", "_spans", "_text")

    def __init__(self, *parts: str | Text) -> None:
        self._text = ""
        self._spans: list[_Span] = []
        self._extra: dict[str, Any] = {}
        for part in parts:
            self.add(part)

    # ---- what it says

    def add(self, text: str | Text) -> Self:
        """Append text as it is, or another text with all its marks."""
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
            raise InvalidArgumentError(f"text is a str or a Text, not {type(text).__name__}")
        self._text += text
        return self

    def line(self, text: str | Text = "") -> Self:
        """Append text and end the line."""
        return self.add(text).add("\n")

    def mention(self, user: Any, name: str | None = None) -> Self:
        """Mention a user: ``@name``.

        Args:
            user: A ``User``, a message (its sender), anything with a user id, or the id itself.
            name: What is shown; the user's name if left out, and the id if that is not known. Mezon's apps show
                the name they know.

        Raises:
            InvalidArgumentError: If there is no id in it.
        """
        user_id = _id_of(user, "user", ("user_id", "sender_id", "id"))
        known = _name_of(user, ("shown_name", "clan_nick", "display_name", "username"))
        shown = name or known or str(user_id)
        username = _name_of(user, ("username",)) or shown
        return self._mark("mention", f"@{shown}", {"user_id": user_id, "username": username})

    def mention_role(self, role: Any, name: str | None = None) -> Self:
        """Mention a role: ``@name``. ``role`` is a role of ``clan.list_roles()`` or an id; then give the name.

        Raises:
            InvalidArgumentError: If there is no id in it, or no name for a bare id.
        """
        role_id = _id_of(role, "role", ("role_id", "id"))
        shown = name or _name_of(role, ("title", "role_name", "name"))
        if not shown:
            raise InvalidArgumentError(f"a mention shows a name: mention_role({role_id}, name=...)")
        return self._mark("mention", f"@{shown}", {"role_id": role_id, "rolename": shown})

    def hashtag(self, channel: Any, name: str | None = None) -> Self:
        """Name a channel: ``#name``. ``channel`` is a ``TextChannel`` or an id; then give the name.

        Raises:
            InvalidArgumentError: If there is no id in it, or no name for a bare id.
        """
        channel_id = _id_of(channel, "channel", ("channel_id", "id"))
        shown = name or _name_of(channel, ("name", "channel_label"))
        if not shown:
            raise InvalidArgumentError(f"a channel is shown by its name: hashtag({channel_id}, name=...)")
        # Ids inside the body are text: apps in JavaScript would round such a number.
        return self._mark("hg", f"#{shown}", {"channelid": str(channel_id)})

    def emoji(self, name: str, emoji_id: int | str) -> Self:
        """Append a custom emoji, such as ``emoji(":pepe:", 7386754253521)``. Unicode emoji are plain text."""
        emoji_id = _id_of(emoji_id, "emoji", ("id",))
        return self._mark("ej", f":{name.strip(':')}:", {"emojiid": str(emoji_id)})

    def link(self, url: str) -> Self:
        """Append a link. It is shown as its URL: the protocol has no other name for it."""
        return self._mark("lk", url)

    def bold(self, text: str) -> Self:
        """Append bold text."""
        return self._mark("b", text)

    def code(self, text: str) -> Self:
        """Append code inside a line."""
        return self._mark("c", text)

    def code_block(self, text: str) -> Self:
        """Append a block of code."""
        return self._mark("pre", text)

    def embed(self, *embeds: Any) -> Self:
        """Add embeds, as ``InteractiveBuilder.build()`` gives them."""
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

    # ---- what is sent

    @property
    def content(self) -> dict[str, Any]:
        """The body of the message, by wire names."""
        content: dict[str, Any] = {"t": self._text}
        for span in self._spans:
            if span.kind in _MARKS:
                content.setdefault("mk", []).append({"type": span.kind, **self._offsets(span)})
            elif span.kind != "mention":
                content.setdefault(span.kind, []).append({**span.fields, **self._offsets(span)})
        return {**content, **self._extra}

    @property
    def mentions(self) -> list[ApiMessageMention]:
        """Who is mentioned: it is sent beside the body."""
        from mezon.models.parts import ApiMessageMention

        return [
            ApiMessageMention(**span.fields, **self._offsets(span))
            for span in self._spans
            if span.kind == "mention"
        ]

    def _offsets(self, span: _Span) -> dict[str, int]:
        start = utf16_length(self._text[: span.start])
        return {"s": start, "e": start + utf16_length(self._text[span.start : span.end])}

    def split(self, limit: int | None = None) -> list[Text]:
        """Cut it into texts that each fit into a message, as ``mezon.split_text`` does.

        Mentions, links, emoji and code stay whole; a code block that is too long alone becomes two of them. Embeds
        and components go with the last.

        Args:
            limit: What a piece may have at most, in UTF-16 units of the text alone. If left out, what a message
                may have, marks included.

        Raises:
            InvalidArgumentError: If the limit is smaller than 16.
        """
        from mezon.text.splitting import TEXT_LIMIT, cut

        if limit is not None and limit < 16:
            raise InvalidArgumentError(
                f"the limit of a piece of text is 16 or more UTF-16 units, not {limit}"
            )
        cost = utf16_cost if limit is not None else json_cost
        whole = [(span.start, span.end) for span in self._spans if span.kind in _WHOLE]
        room = limit if limit is not None else TEXT_LIMIT
        while True:
            pieces = [self._slice(*span) for span in cut(self._text, room, cost, whole, force=True)]
            over = 0 if limit is not None else max((piece._body_length() for piece in pieces), default=0)
            if over <= TEXT_LIMIT + 8 or room <= 64:
                break
            # The marks take room, too: leave them some, and look again.
            room = max(64, room - (over - TEXT_LIMIT))
        if pieces:
            pieces[-1]._extra = {name: list(items) for name, items in self._extra.items()}
        return pieces

    def _body_length(self) -> int:
        from mezon.models._outgoing import encode_content

        return utf16_length(encode_content(self))

    def _slice(self, start: int, end: int) -> Text:
        piece = Text(self._text[start:end])
        for span in self._spans:
            first, last = max(span.start, start), min(span.end, end)
            if first < last:
                piece._spans.append(span._replace(start=first - start, end=last - start))
        return piece

    # ---- as a value

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        """Give the length in UTF-16 units."""
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
        return f"<Text {self._text!r} with {len(self._spans)} marks>"


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
        raise InvalidArgumentError(f"a {what} is named by its id or an object that has one, not by {value!r}")
    return number


def _name_of(value: Any, names: tuple[str, ...]) -> str:
    if isinstance(value, str | int):
        return ""
    return next((got for name in names if isinstance(got := getattr(value, name, None), str) and got), "")
