"""A body that knows its own mentions, as what sends it sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TextBody"]


class TextBody(ABC):
    """The base of ``mezon.Text``, below the models that take it as the content of a message."""

    __slots__ = ()

    @property
    @abstractmethod
    def content(self) -> dict[str, Any]:
        """The body of the message, by wire names."""

    @property
    @abstractmethod
    def mentions(self) -> Sequence[Any]:
        """Who is mentioned: it is sent beside the body."""
