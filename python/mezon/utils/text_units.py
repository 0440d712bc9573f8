"""How long a text is, in the units that count here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def utf16_length(text: str) -> int:
    """Give the length of ``text`` in UTF-16 units: what the offsets of mentions and marks count.

    Vietnamese letters count one each, most emoji two and more.
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf16_cost(char: str) -> int:
    """Give the UTF-16 units of one character."""
    return 1 if char < "\U00010000" else 2


#: Control characters that JSON writes with two characters; the others take six.
_SHORT: Final = frozenset('"\\\b\f\n\r\t')


def json_cost(char: str) -> int:
    """Give the UTF-16 units one character takes inside a JSON string, as message bodies are written."""
    if char in _SHORT:
        return 2
    if char < " ":
        return 6
    return 1 if char < "\U00010000" else 2


Cost = Callable[[str], int]
