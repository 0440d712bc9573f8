"""Text as message content: the base class of ``mezon.Text``, and lengths in UTF-16 units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Cost", "TextBody", "json_cost", "utf16_cost", "utf16_length"]

#: Returns the length of one character.
Cost: TypeAlias = "Callable[[str], int]"

#: Control characters with an escape of two characters in JSON; the other ones take six.
_SHORT_ESCAPES: Final = frozenset('"\\\b\f\n\r\t')


class TextBody(ABC):
    """The base class of ``mezon.Text``, for the models below it that accept it as content."""

    __slots__ = ()

    @property
    @abstractmethod
    def content(self) -> dict[str, Any]:
        """The content of the message, by wire names."""

    @property
    @abstractmethod
    def mentions(self) -> Sequence[Any]:
        """The mentions, which are sent in a field of their own."""


def utf16_length(text: str) -> int:
    """Return the length of ``text`` in UTF-16 units, in which the offsets of mentions and markup are counted.

    Vietnamese letters have one unit each, most emoji two or more.
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_cost(char: str) -> int:
    """Return the UTF-16 units of one character."""
    return 1 if char < "\U00010000" else 2


def json_cost(char: str) -> int:
    """Return the UTF-16 units of one character in a JSON string, as message content is encoded."""
    if char in _SHORT_ESCAPES:
        return 2
    if char < " ":
        return 6
    return 1 if char < "\U00010000" else 2
