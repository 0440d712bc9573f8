"""Small helpers that bots use."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from mezon.constants.enum import ChannelStreamMode, ChannelType

#: Milliseconds since 1970 at which snowflake ids begin: 2020-01-01.
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

#: The other way: a mode of several types stands for the plain one.
_TYPES: dict[int, int] = {
    ChannelStreamMode.STREAM_MODE_CHANNEL: ChannelType.CHANNEL_TYPE_CHANNEL,
    ChannelStreamMode.STREAM_MODE_GROUP: ChannelType.CHANNEL_TYPE_GROUP,
    ChannelStreamMode.STREAM_MODE_DM: ChannelType.CHANNEL_TYPE_DM,
    ChannelStreamMode.STREAM_MODE_THREAD: ChannelType.CHANNEL_TYPE_THREAD,
}

_snowflake_lock = threading.Lock()
_last_snowflake = 0


def convert_channeltype_to_channel_mode(channel_type: int | None) -> int:
    """Give the mode in which messages of a channel type travel; 0 for a type that carries none."""
    return _MODES.get(channel_type, 0) if channel_type is not None else 0


def channel_type_of_mode(mode: int | None) -> int:
    """Give the type of the channel a message of this mode is in; an ordinary channel where the mode does not say."""
    return _TYPES.get(mode or 0, ChannelType.CHANNEL_TYPE_CHANNEL)


def is_valid_user_id(user_id: Any) -> bool:
    """Say whether ``user_id`` can be an id: digits only, as an int or a str."""
    if isinstance(user_id, bool):
        return False
    if isinstance(user_id, int):
        return user_id >= 0
    return isinstance(user_id, str) and user_id.isascii() and user_id.isdigit()


async def sleep(ms: float) -> None:
    """Sleep for ``ms`` milliseconds."""
    await asyncio.sleep(ms / 1000)


def parse_url_to_host_and_ssl(url_str: str) -> dict[str, Any]:
    """Take a URL apart: ``{"host": str | None, "port": str, "useSSL": bool}``."""
    parts = urlsplit(url_str)
    secure = parts.scheme in ("https", "wss")
    port = parts.port or (443 if secure else 80)
    return {"host": parts.hostname, "port": str(port), "useSSL": secure}


def generate_snowflake_id() -> int:
    """Give a new id that no other call in this process gets, growing with time."""
    global _last_snowflake
    place = (_DATACENTER << 17) | (_WORKER << _SEQUENCE_BITS)
    base = ((time.time_ns() // 1_000_000 - _EPOCH_MS) << 22) | place
    with _snowflake_lock:
        # Within one millisecond, and while the clock goes back, the sequence grows; when it is used up, the
        # id borrows the next millisecond.
        if base <= _last_snowflake:
            base = _last_snowflake + 1
            if not base & ((1 << _SEQUENCE_BITS) - 1):
                base = (((_last_snowflake >> 22) + 1) << 22) | place
        _last_snowflake = base
    return base
