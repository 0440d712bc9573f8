"""Managers: caches, channels, events, the session and the socket of a client."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mezon.managers.cache import CacheManager, Collection
from mezon.managers.event import EventManager

if TYPE_CHECKING:
    from mezon.managers.channel import ChannelManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager

__all__ = ["CacheManager", "ChannelManager", "Collection", "EventManager", "SessionManager", "SocketManager"]

# Start-up time: these modules import all models.
_LATER = {
    "ChannelManager": "mezon.managers.channel",
    "SessionManager": "mezon.managers.session",
    "SocketManager": "mezon.managers.socket",
}


def __getattr__(name: str) -> Any:
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
