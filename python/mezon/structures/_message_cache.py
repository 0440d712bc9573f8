"""The message cache of a channel.

The core keeps received messages as bytes. The cache takes them over and creates objects on access.
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
    """The collection of a `MessageCache`, which is brought up to date on each access."""

    def __init__(self, channel: TextChannel, max_size: float) -> None:
        self._channel = channel
        self._max_size = max_size
        self._messages: OrderedDict[int, Message] = OrderedDict()

    @property
    def _data(self) -> OrderedDict[int, Message]:  # type: ignore[override]
        """The current messages. A method should read this once: the next read can differ."""
        self._catch_up()
        return self._messages

    def _catch_up(self) -> None:
        """Apply the messages, edits and removals received since the last access."""
        channel, messages = self._channel, self._messages
        manager: Any = channel.socket_manager
        socket = getattr(manager, "socket", None)
        if not isinstance(socket, Socket):
            return  # a test double of the socket has no recent messages
        for message in socket.connection.take_recent(channel.id):
            known = messages.get(message.message_id)
            if message.code == _REMOVE:
                messages.pop(message.message_id, None)
            elif known is None:
                messages[message.message_id] = Message(message, channel, manager)
                if len(messages) > self._max_size:
                    messages.popitem(last=False)
            else:
                messages.move_to_end(message.message_id)
                if message.code == _UPDATE:
                    known.update_from(message)


class MessageCache(CacheManager[int, Message]):
    """The latest messages of a channel by id, least recently used first. ``fetch`` also reads the store."""

    def __init__(self, channel: TextChannel, max_size: float | None) -> None:
        super().__init__(channel.message_fetcher, max_size)
        self._channel = channel
        self.cache: _Messages = _Messages(channel, self._max_size)

    def add(self, message: ChannelMessage) -> None:
        """Add a message unless it is cached."""
        if not self.has(message.message_id):
            self.set(message.message_id, Message(message, self._channel, self._channel.socket_manager))
