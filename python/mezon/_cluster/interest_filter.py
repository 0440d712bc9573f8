"""What the relay lets through: events some worker wants, and messages that show a cache something new."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mezon._gateway.filtering import core_filter
from mezon.errors import InvalidArgumentError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mezon import _core

logger = get_logger("mezon.cluster")

#: Channels and senders that are remembered; all are forgotten, and shown again, when there are more.
_REMEMBERED: Final = 50_000

#: How a sender looks.
_LOOKS: Final = ("username", "display_name", "clan_nick", "avatar", "clan_avatar")


class Sieve:
    """The filters of all workers together.

    Attributes:
        dropped: Events that nobody wanted.
    """

    def __init__(self) -> None:
        self._filters: dict[str, list[_core.EventFilter]] = {}
        self._channels: set[int] = set()
        self._senders: dict[int, tuple[object, ...]] = {}
        self.dropped = 0

    def set(self, wanted: Mapping[str, Iterable[str]]) -> None:
        """Let through of these events what one of the filters matches, and of all others everything.

        Args:
            wanted: By event, the filters as JSON.
        """
        self._filters = {}
        for name, texts in wanted.items():
            try:
                self._filters[name] = [core_filter(name, json.loads(text)) for text in texts]
            except (InvalidArgumentError, ValueError, RecursionError) as error:
                # A worker of another version: its events are all let through, its handlers have their filters.
                logger.warning("A worker's filter is not understood, so every %s is sent: %s", name, error)
        self._channels.clear()
        self._senders.clear()

    def passes(self, name: str, body: bytes, message: Mapping[str, Any] | None = None) -> bool:
        """Say whether somebody wants an event.

        Args:
            name: The envelope field.
            body: The encoded event.
            message: The fields of a channel message.
        """
        filters = self._filters.get(name)
        if filters is None:
            return True
        news = message is not None and self._is_news(message)
        if news or any(one.matches(body) is not False for one in filters):
            return True
        self.dropped += 1
        return False

    def _is_news(self, message: Mapping[str, Any]) -> bool:
        channel, sender = message["channel_id"], message["sender_id"]
        looks = tuple(message[name] for name in _LOOKS)
        news = channel not in self._channels or self._senders.get(sender) != looks
        if len(self._channels) >= _REMEMBERED or len(self._senders) >= _REMEMBERED:
            self._channels.clear()
            self._senders.clear()
        self._channels.add(channel)
        self._senders[sender] = looks
        return news
