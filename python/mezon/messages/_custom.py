"""Custom message stores, which may have only the methods that mezon-sdk calls: save, get by id, close."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Final, cast

from mezon.constants.enum import TypeMessage
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mezon.models import ChannelMessage
    from mezon.ports import MessageStore

#: The further methods that the package calls, and their results for a store without them.
_OPTIONAL: Final[dict[str, Callable[[], Any]]] = {
    "update_message": lambda: None,
    "delete_message": lambda: False,
    "get_messages_by_channel": list,
    "search_messages": list,
    "clear_channel_messages": lambda: 0,
    "get_message_count": lambda: 0,
    "flush": lambda: True,
}
_ALL: Final = ("attach_loop", "accept", "came", "stats", *_OPTIONAL)


def as_store(store: Any) -> MessageStore:
    """Return a store with every method of ``MessageStore``: the store itself if it has them."""
    if is_own(store, "save_message") or all(hasattr(store, name) for name in _ALL):
        return cast("MessageStore", store)
    return cast("MessageStore", PartialStore(store))


def core_of(store: Any) -> Any:
    """Return the core's store, which saves received messages; None if a custom ``save_message`` must be called."""
    return getattr(store, "core", None) if is_own(store, "save_message") else None


def as_saved(store: Any, message: ChannelMessage) -> ChannelMessage | Mapping[str, Any]:
    """Return the argument of ``save_message``: a custom store gets a dict, as from mezon-sdk."""
    return message if is_own(store, "save_message") else message.to_db_dict()


class PartialStore:
    """Adapts a custom store to `mezon.ports.MessageStore`. Missing methods do nothing."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do nothing: the store reports its errors itself."""

    def accept(self, body: bytes) -> None:
        """Do nothing: messages are saved when they are dispatched."""

    def came(self, channel_id: int, message_id: int) -> bool:
        """Return False: it is unknown."""
        return False

    def stats(self) -> Mapping[str, Any]:
        """Return no counters."""
        return {}

    async def close(self) -> None:
        """Close the store, if it can be closed."""
        await _call(self._store, "close", lambda: None)

    def __getattr__(self, name: str) -> Any:
        if name not in _OPTIONAL:
            return getattr(self._store, name)
        return lambda *args, **kwargs: _call(self._store, name, _OPTIONAL[name], *args, **kwargs)


async def _call(store: Any, name: str, default: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
    method = getattr(store, name, None)
    if method is None:
        return default()
    outcome = method(*args, **kwargs)
    return await outcome if inspect.isawaitable(outcome) else outcome


class Saver:
    """Saves received messages with a custom ``save_message``, before the handlers of the message start.

    The messages of a channel are saved sequentially, so that their handlers start in the order of reception.

    Args:
        store: The custom store.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        #: By channel, a future that is done when the last of its messages is saved.
        self._last: dict[int, asyncio.Future[None]] = {}

    async def save(self, message: ChannelMessage) -> None:
        """Save a message, or delete it if the event says that it was removed."""
        channel = message.channel_id
        before = self._last.get(channel)
        mine = self._last[channel] = asyncio.get_running_loop().create_future()
        try:
            if before is not None:
                await asyncio.wait([before])
            if message.code == TypeMessage.CHAT_REMOVE and hasattr(self._store, "delete_message"):
                outcome = self._store.delete_message(message.message_id, channel)
            else:
                outcome = self._store.save_message(message.to_db_dict())
            if inspect.isawaitable(outcome):
                await outcome
        finally:
            mine.set_result(None)
            if self._last.get(channel) is mine:
                del self._last[channel]
