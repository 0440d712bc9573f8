"""Fast Python SDK for Mezon bots: a drop-in ``import mezon`` with a Rust core.

The import loads the core and pydantic. HTTP, protobuf and the models are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pydantic as _pydantic  # noqa: F401 (all models need it: load it now, not with the first message)

from mezon import _core
from mezon.utils.installation import warn_at_import as _warn_at_import

if TYPE_CHECKING:
    from mezon._events.waiting import EventStream
    from mezon.api.mezon_api import MezonApi
    from mezon.channel_apps import AppData, AppDataError, verify_app_data
    from mezon.client import ClientOptions, MezonClient
    from mezon.constants.enum import (
        ChannelStreamMode,
        ChannelType,
        Events,
        SSEConnectionState,
        SSEEvents,
        TypeMessage,
    )
    from mezon.errors import (
        AuthenticationError,
        ConnectionLostError,
        DeliveryUnknownError,
        InvalidArgumentError,
        MezonConnectionError,
        MezonError,
        MezonTimeoutError,
        ServerError,
    )
    from mezon.managers.cache import CacheManager, Collection
    from mezon.managers.channel import ChannelManager
    from mezon.managers.event import EventManager
    from mezon.managers.session import SessionManager
    from mezon.managers.socket import SocketManager
    from mezon.messages.db import MessageDB
    from mezon.models import (
        ApiChannelDescList,
        ApiChannelDescription,
        ApiClanDesc,
        ApiClanDescList,
        ApiMessageAttachment,
        ApiMessageMention,
        ApiMessageReaction,
        ApiMessageRef,
        ApiSession,
        ApiVoiceChannelUserList,
        ButtonMessageStyle,
        Channel,
        ChannelMessage,
        ChannelMessageAck,
        ChannelMessageContent,
        MessagePayLoad,
        Presence,
        SSEConfig,
        SSEMessage,
    )
    from mezon.models._answers import ButtonClicked, parse_extra_data
    from mezon.models._outgoing import (
        DirectOptions,
        EditOptions,
        EphemeralOptions,
        MessageLimits,
        ReactOptions,
        SendOptions,
    )
    from mezon.options import Disconnect, Gap, GapOptions, GatewayOptions, RecordOptions, Stats, UnfilledGap
    from mezon.session import Session
    from mezon.socket.default_socket import Socket
    from mezon.socket.websocket_adapter import WebSocketAdapter, WebSocketAdapterPb
    from mezon.structures import (
        ButtonBuilder,
        Clan,
        InteractiveBuilder,
        Message,
        MessageHandle,
        TextChannel,
        User,
    )
    from mezon.text import Text, split_text
    from mezon.utils.installation import version as version
    from mezon.utils.logger import disable_logging, enable_logging, get_logger, setup_logger
    from mezon.utils.observer import Observer
    from mezon.webhook import Webhook

__version__: str = _core.__version__

#: Checked by `mezon.models`: an __init__.py of another package in place of this file has no such name.
__distribution__ = "mezon-rs"

#: The module of each name, which is imported on first use.
_HOMES = {
    "mezon.options": (
        "Disconnect",
        "Gap",
        "GapOptions",
        "GatewayOptions",
        "RecordOptions",
        "Stats",
        "UnfilledGap",
    ),
    "mezon.api.mezon_api": ("MezonApi",),
    "mezon.channel_apps": ("AppData", "AppDataError", "verify_app_data"),
    "mezon.client": ("ClientOptions", "MezonClient"),
    "mezon.constants.enum": (
        "ChannelStreamMode",
        "ChannelType",
        "Events",
        "SSEConnectionState",
        "SSEEvents",
        "TypeMessage",
    ),
    "mezon.errors": (
        "AuthenticationError",
        "ConnectionLostError",
        "DeliveryUnknownError",
        "InvalidArgumentError",
        "MezonConnectionError",
        "MezonError",
        "MezonTimeoutError",
        "ServerError",
    ),
    "mezon.managers.cache": ("CacheManager", "Collection"),
    "mezon.managers.channel": ("ChannelManager",),
    "mezon.managers.event": ("EventManager",),
    "mezon.managers.session": ("SessionManager",),
    "mezon.managers.socket": ("SocketManager",),
    "mezon.messages.db": ("MessageDB",),
    "mezon.models": (
        "ApiChannelDescList",
        "ApiChannelDescription",
        "ApiClanDesc",
        "ApiClanDescList",
        "ApiMessageAttachment",
        "ApiMessageMention",
        "ApiMessageReaction",
        "ApiMessageRef",
        "ApiSession",
        "ApiVoiceChannelUserList",
        "ButtonMessageStyle",
        "Channel",
        "ChannelMessage",
        "ChannelMessageAck",
        "ChannelMessageContent",
        "MessagePayLoad",
        "Observer",
        "Presence",
        "SSEConfig",
        "SSEMessage",
    ),
    "mezon._events.waiting": ("EventStream",),
    "mezon.models._answers": ("ButtonClicked", "parse_extra_data"),
    "mezon.models._outgoing": (
        "DirectOptions",
        "EditOptions",
        "EphemeralOptions",
        "MessageLimits",
        "ReactOptions",
        "SendOptions",
    ),
    "mezon.session": ("Session",),
    "mezon.socket.default_socket": ("Socket",),
    "mezon.socket.websocket_adapter": ("WebSocketAdapter", "WebSocketAdapterPb"),
    "mezon.structures": (
        "ButtonBuilder",
        "Clan",
        "InteractiveBuilder",
        "Message",
        "MessageHandle",
        "TextChannel",
        "User",
    ),
    "mezon.text": ("Text", "split_text"),
    "mezon.utils.installation": ("version",),
    "mezon.utils.observer": ("Observer",),
    "mezon.webhook": ("Webhook",),
    "mezon.utils.logger": ("disable_logging", "enable_logging", "get_logger", "setup_logger"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ApiChannelDescList",
    "ApiChannelDescription",
    "ApiClanDesc",
    "ApiClanDescList",
    "ApiMessageAttachment",
    "ApiMessageMention",
    "ApiMessageReaction",
    "ApiMessageRef",
    "ApiSession",
    "ApiVoiceChannelUserList",
    "AppData",
    "AppDataError",
    "AuthenticationError",
    "ButtonBuilder",
    "ButtonClicked",
    "ButtonMessageStyle",
    "CacheManager",
    "Channel",
    "ChannelManager",
    "ChannelMessage",
    "ChannelMessageAck",
    "ChannelMessageContent",
    "ChannelStreamMode",
    "ChannelType",
    "Clan",
    "ClientOptions",
    "Collection",
    "ConnectionLostError",
    "DeliveryUnknownError",
    "DirectOptions",
    "Disconnect",
    "EditOptions",
    "EphemeralOptions",
    "EventManager",
    "EventStream",
    "Events",
    "Gap",
    "GapOptions",
    "GatewayOptions",
    "InteractiveBuilder",
    "InvalidArgumentError",
    "Message",
    "MessageDB",
    "MessageHandle",
    "MessageLimits",
    "MessagePayLoad",
    "MezonApi",
    "MezonClient",
    "MezonConnectionError",
    "MezonError",
    "MezonTimeoutError",
    "Observer",
    "Presence",
    "ReactOptions",
    "RecordOptions",
    "SSEConfig",
    "SSEConnectionState",
    "SSEEvents",
    "SSEMessage",
    "SendOptions",
    "ServerError",
    "Session",
    "SessionManager",
    "Socket",
    "SocketManager",
    "Stats",
    "Text",
    "TextChannel",
    "TypeMessage",
    "UnfilledGap",
    "User",
    "WebSocketAdapter",
    "WebSocketAdapterPb",
    "Webhook",
    "__version__",
    "disable_logging",
    "enable_logging",
    "get_logger",
    "parse_extra_data",
    "setup_logger",
    "split_text",
    "verify_app_data",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})


_warn_at_import()
