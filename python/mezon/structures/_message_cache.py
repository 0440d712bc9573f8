"""The messages a channel remembers.

The core keeps what comes as bytes; this takes it over, and makes objects of it, when somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from mezon.constants.enum import TypeMessage
from mezon.managers.cache import CacheManager, Collection
from mezon.structures.message import Message

if TYPE_CHECKING:
    from mezon.models import ChannelMessage
    from mezon.structures.text_channel import TextChannel

T = TypeVar("T")

_UPDATE = int(TypeMessage.CHAT_UPDATE)
_REMOVE = int(TypeMessage.CHAT_REMOVE)


class MessageCache(CacheManager[int, Message]):
    """The last messages of a channel by id, least recently used first; ``fetch`` looks into the store too."""

    __slots__ = ("_channel",)

    def __init__(self, channel: TextChannel, max_size: float | None) -> None:
        super().__init__(channel.message_fetcher, max_size)
        self._channel = channel

    def _catch_up(self) -> None:
        """Take over what came since the last look: new messages, edits, removals."""
        channel = self._channel
        manager: Any = channel.socket_manager
        socket = getattr(manager, "socket", None)
        if socket is None:
            return
        for message in socket.connection.take_recent(channel.id):
            known = super().get(message.message_id)
            if message.code == _REMOVE:
                super().delete(message.message_id)
            elif known is None:
                super().set(message.message_id, Message(message, channel, manager))
            elif message.code == _UPDATE:
                known.update_from(message)

    def add(self, message: ChannelMessage) -> None:
        """Remember a message by what it says, unless it is here."""
        if not self.has(message.message_id):
            self.set(message.message_id, Message(message, self._channel, self._channel.socket_manager))

    @property
    def size(self) -> int:
        """How many messages there are."""
        self._catch_up()
        return super().size

    def get(self, id: int | str) -> Message | None:
        """Give the message if it is here, else None."""
        self._catch_up()
        return super().get(id)

    def set(self, id: int, value: Message) -> None:
        """Remember a message, at the cost of the least recently used one when there are too many."""
        self._catch_up()
        super().set(id, value)

    def first(self) -> Message | None:
        """Give the least recently used message, or None."""
        self._catch_up()
        return super().first()

    def filter(self, fn: Callable[[Message], bool]) -> Collection[int, Message]:
        """Give a collection of the messages that ``fn`` says True to."""
        self._catch_up()
        return super().filter(fn)

    def map(self, fn: Callable[[Message], T]) -> list[T]:
        """Give what ``fn`` makes of each message."""
        self._catch_up()
        return super().map(fn)

    def values(self) -> Iterator[Message]:
        """Give the messages, least recently used first."""
        self._catch_up()
        return super().values()

    def delete(self, id: int | str) -> bool:
        """Forget a message. False if it was not here."""
        self._catch_up()
        return super().delete(id)

    def clear(self) -> None:
        """Forget everything."""
        self._catch_up()
        super().clear()

    def has(self, id: int | str) -> bool:
        """Say whether a message is here."""
        self._catch_up()
        return super().has(id)

    def __contains__(self, id: object) -> bool:
        self._catch_up()
        return super().__contains__(id)

    def __len__(self) -> int:
        self._catch_up()
        return super().__len__()
