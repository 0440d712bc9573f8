"""Decides which events the relay publishes: those some worker wants, and messages with news for the workers' caches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.directory import profile_of
from mezon._gateway.filtering import core_filter
from mezon.errors import InvalidArgumentError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mezon._core import EventFilter

logger = get_logger("mezon.cluster")

#: Channels and senders to remember. When there are more, all are forgotten, and their next message is published.
_MAX_REMEMBERED: Final = 50_000


class InterestFilter:
    """The combined filters of all workers.

    Attributes:
        dropped: The number of events that no worker wanted.
    """

    def __init__(self) -> None:
        self._filters: dict[str, list[EventFilter]] = {}
        self._channels: set[int] = set()
        self._profiles: dict[int, tuple[object, ...]] = {}
        self.dropped = 0

    def set(self, filters: Mapping[str, Iterable[str]]) -> None:
        """Replace the filters. An event passes if one of its filters matches, or if it has no filters.

        Args:
            filters: By event, the filters as JSON.
        """
        self._filters = {}
        for name, texts in filters.items():
            try:
                self._filters[name] = [core_filter(name, json.loads(text)) for text in texts]
            except (InvalidArgumentError, ValueError, RecursionError) as error:
                # A worker of another version. Its handlers filter the events themselves.
                logger.warning(
                    "A worker's filter cannot be read, so every %s event is published: %s", name, error
                )
        self._channels.clear()
        self._profiles.clear()

    def passes(self, name: str, body: bytes, message: Mapping[str, Any] | None = None) -> bool:
        """Return whether an event must be published.

        Args:
            name: The envelope field.
            body: The encoded event.
            message: The fields of a channel message.
        """
        filters = self._filters.get(name)
        if filters is None:
            return True
        new = message is not None and self._is_new(message)
        if new or any(one.matches(body) is not False for one in filters):
            return True
        self.dropped += 1
        return False

    def _is_new(self, message: Mapping[str, Any]) -> bool:
        """Return whether a message shows a channel for the first time, or a changed profile of its sender."""
        channel, sender = message["channel_id"], message["sender_id"]
        profile = profile_of(message)
        new = channel not in self._channels or self._profiles.get(sender) != profile
        if len(self._channels) >= _MAX_REMEMBERED or len(self._profiles) >= _MAX_REMEMBERED:
            self._channels.clear()
            self._profiles.clear()
        self._channels.add(channel)
        self._profiles[sender] = profile
        return new
