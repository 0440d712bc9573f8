"""Names and numbers of the protocol."""

from mezon.constants.enum import (
    ChannelStreamMode,
    ChannelType,
    Events,
    InternalAgentEvents,
    InternalEventsSocket,
    SSEConnectionState,
    SSEEvents,
    TypeMessage,
)

__all__ = [
    "ChannelStreamMode",
    "ChannelType",
    "Events",
    "InternalAgentEvents",
    "InternalEventsSocket",
    "SSEConnectionState",
    "SSEEvents",
    "TypeMessage",
]
