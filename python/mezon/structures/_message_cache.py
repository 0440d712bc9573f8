"""The messages a channel remembers.

The core keeps what comes as bytes; this takes it over, and makes objects of it, when somebody looks.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from mezon.constants.enum import TypeMessage
from mezon.managers.cache import CacheManager, Collection
from mezon.socket import Socket
from mezon.structures.message import Message

if TYPE_CHECKING:
    from mezon.models import ChannelMessage
    from mezon.structures.text_channel import TextChannel

_UPDATE = int(TypeMessage.CHAT_UPDATE)
_REMOVE = int(TypeMessage.CHAT_REMOVE)


class _Messages(Collection[int, Message]):
    """The collection behind a `MessageCache`, up to date whenever somebody looks into it."""

    def __init__(self, channel: TextChannel, max_size: float) -> None:
        self._channel = channel
        self._max_size = max_size
        self._kept: OrderedDict[int, Message] = OrderedDict()

    @property
    def _data(self) -> OrderedDict[int, Message]:  # type: ignore[override]
        """The messages as they are now. A method reads it once: the next read may show others."""
        self._catch_up()
        return self._kept

    def _catch_up(self) -> None:
        """Take over what came since the last look: new messages, edits, removals."""
        channel, kept = self._channel, self._kept
        manager: Any = channel.socket_manager
        socket = getattr(manager, "socket", None)
        if not isinstance(socket, Socket):
            return  # a stand-in of a bot's tests remembers nothing
        for message in socket.connection.take_recent(channel.id):
            known = kept.get(message.message_id)
            if message.code == _REMOVE:
                kept.pop(message.message_id, None)
            elif known is None:
                kept[message.message_id] = Message(message, channel, manager)
                if len(kept) > self._max_size:
                    kept.popitem(last=False)
            else:
                kept.move_to_end(message.message_id)
                if message.code == _UPDATE:
                    known.update_from(message)


class MessageCache(CacheManager[int, Message]):
    """The last messages of a channel by id, least recently used first; ``fetch`` looks into the store too."""

    def __init__(self, channel: TextChannel, max_size: float | None) -> None:
        super().__init__(channel.message_fetcher, max_size)
        self._channel = channel
        self.cache = _Messages(channel, self._max_size)

    def add(self, message: ChannelMessage) -> None:
        """Remember a message by what it says, unless it is here."""
        if not self.has(message.message_id):
            self.set(message.message_id, Message(message, self._channel, self._channel.socket_manager))
