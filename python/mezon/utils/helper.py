"""Helpers for bots: channel modes, ids, URLs."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from mezon.constants.enum import ChannelStreamMode, ChannelType

#: The epoch of snowflake ids, 2020-01-01, in milliseconds since 1970.
_EPOCH_MS = 1_577_836_800_000
_DATACENTER = 1
_WORKER = 1
_SEQUENCE_BITS = 12

_MODES: dict[int, int] = {
    ChannelType.CHANNEL_TYPE_CHANNEL: ChannelStreamMode.STREAM_MODE_CHANNEL,
    ChannelType.CHANNEL_TYPE_GROUP: ChannelStreamMode.STREAM_MODE_GROUP,
    ChannelType.CHANNEL_TYPE_DM: ChannelStreamMode.STREAM_MODE_DM,
    ChannelType.CHANNEL_TYPE_THREAD: ChannelStreamMode.STREAM_MODE_THREAD,
    ChannelType.CHANNEL_TYPE_APP: ChannelStreamMode.STREAM_MODE_CHANNEL,
    ChannelType.CHANNEL_TYPE_MEZON_VOICE: ChannelStreamMode.STREAM_MODE_CHANNEL,
}

#: The reverse; a mode of several types maps to the plain type.
_TYPES: dict[int, int] = {
    ChannelStreamMode.STREAM_MODE_CHANNEL: ChannelType.CHANNEL_TYPE_CHANNEL,
    ChannelStreamMode.STREAM_MODE_GROUP: ChannelType.CHANNEL_TYPE_GROUP,
    ChannelStreamMode.STREAM_MODE_DM: ChannelType.CHANNEL_TYPE_DM,
    ChannelStreamMode.STREAM_MODE_THREAD: ChannelType.CHANNEL_TYPE_THREAD,
}

_snowflake_lock = threading.Lock()
_last_snowflake = 0


def convert_channeltype_to_channel_mode(channel_type: int | None) -> int:
    """Return the message mode of a channel type; 0 for a type without messages."""
    return _MODES.get(channel_type, 0) if channel_type is not None else 0


def channel_type_of_mode(mode: int | None) -> int:
    """Return the type of a channel with messages of this mode; an ordinary channel if the mode is unknown."""
    return _TYPES.get(mode or 0, ChannelType.CHANNEL_TYPE_CHANNEL)


def is_valid_user_id(user_id: Any) -> bool:
    """Return whether ``user_id`` can be an id: a non-negative int or a str of digits."""
    if isinstance(user_id, bool):
        return False
    if isinstance(user_id, int):
        return user_id >= 0
    return isinstance(user_id, str) and user_id.isascii() and user_id.isdigit()


async def sleep(ms: float) -> None:
    """Sleep for ``ms`` milliseconds."""
    await asyncio.sleep(ms / 1000)


def parse_url_to_host_and_ssl(url_str: str) -> dict[str, Any]:
    """Split a URL into ``{"host": str | None, "port": str, "useSSL": bool}``."""
    parts = urlsplit(url_str)
    secure = parts.scheme in ("https", "wss")
    port = parts.port or (443 if secure else 80)
    return {"host": parts.hostname, "port": str(port), "useSSL": secure}


def generate_snowflake_id() -> int:
    """Return a new id, unique in this process and increasing with time."""
    global _last_snowflake
    node = (_DATACENTER << 17) | (_WORKER << _SEQUENCE_BITS)
    base = ((time.time_ns() // 1_000_000 - _EPOCH_MS) << 22) | node
    with _snowflake_lock:
        # Within one millisecond, or after the clock was set back, the sequence number increases. When it is exhausted,
        # the id takes the next millisecond.
        if base <= _last_snowflake:
            base = _last_snowflake + 1
            if not base & ((1 << _SEQUENCE_BITS) - 1):
                base = (((_last_snowflake >> 22) + 1) << 22) | node
        _last_snowflake = base
    return base
