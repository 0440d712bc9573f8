"""What the server takes of one message, so that too much is known before it says no."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from mezon.errors import InvalidArgumentError
from mezon.utils.bounds import check_fields
from mezon.utils.text_units import utf16_length


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLimits:
    """The bounds of one message; None for no bound.

    The bound of the content is that of the official TypeScript SDK. What the server takes of files and mentions is
    not known: those two are far above what people send, and keep a slip in a loop from going out.

    ```python
    from mezon import MessageLimits, MezonClient

    client = MezonClient(bot_id, key, limits=MessageLimits(attachments=10))
    ```

    Attributes:
        content: UTF-16 units of the body's JSON: text, marks, embeds and components together.
        attachments: How many files.
        mentions: How many mentions.

    Raises:
        InvalidArgumentError: A bound that is below zero or no whole number.
    """

    content: int | None = 4000
    attachments: int | None = 50
    mentions: int | None = 100

    def __post_init__(self) -> None:
        check_fields(self, {"content", "attachments", "mentions"})

    def check(self, content: str, mentions: Sized | None, attachments: Sized | None) -> None:
        """Refuse a message that is over a bound. ``content`` is the encoded body.

        Raises:
            InvalidArgumentError: With what is too much, and what to do.
        """
        # A text of n characters has at least n units, and at most twice as many.
        if self.content is not None and 2 * len(content) > self.content:
            length = utf16_length(content)
            if length > self.content:
                raise InvalidArgumentError(
                    f"the content of a message may take {self.content} UTF-16 units as JSON, this takes {length}: "
                    "cut it with mezon.split_text, or send it with channel.send_long (the bound is "
                    "MessageLimits.content)"
                )
        _check_count("attachments", attachments, self.attachments)
        _check_count("mentions", mentions, self.mentions)


def _check_count(what: str, items: Any, limit: int | None) -> None:
    if limit is not None and items is not None and len(items) > limit:
        raise InvalidArgumentError(
            f"a message may have {limit} {what}, this has {len(items)}: send several messages (the bound is "
            f"MessageLimits.{what})"
        )
