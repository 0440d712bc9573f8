"""What is wrong with the arguments of a client, said when it is made and not when something is lost."""

from __future__ import annotations

import logging
import os
from typing import Any

from mezon.errors import InvalidArgumentError
from mezon.models._outgoing import MessageLimits
from mezon.options import GapOptions, GatewayOptions
from mezon.utils.bounds import MOST_SECONDS, check_count, check_flag, check_number, shown
from mezon.utils.ids import required_id

_MOST_MS = MOST_SECONDS * 1000
_HERE = "such as host='gw.mezon.ai', port='443', use_ssl=True"


def check_arguments(
    *,
    api_key: Any,
    host: Any,
    port: Any,
    use_ssl: Any,
    timeout: Any,
    log_level: Any,
    message_db: Any,
    gateway: Any,
) -> None:
    """Refuse what can only be a mistake, with a sentence each.

    Raises:
        InvalidArgumentError: The first that is wrong. No key is in the text.
    """
    if not isinstance(api_key, str) or not api_key.strip():
        given = "empty" if isinstance(api_key, str) else f"a {type(api_key).__name__}"
        raise InvalidArgumentError(
            f"api_key is the bot's key, a text; here it is {given}. Is its environment variable set? (os.environ[...] "
            "says so, os.getenv(...) gives None)"
        )
    if not isinstance(host, str) or not host.strip():
        raise InvalidArgumentError(f"host is the name of a server, {_HERE}, not {host!r}")
    if "/" in host or "@" in host:
        raise InvalidArgumentError(
            f"host is a name alone, without scheme and path, {_HERE}: http:// or https:// is what use_ssl says"
        )
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise InvalidArgumentError(
            f"host is a name alone, and the port is given beside it, {_HERE}; an IPv6 address stands in brackets"
        )
    if not _is_port(port):
        raise InvalidArgumentError(
            f"port is a number from 1 to 65535 or its digits, {_HERE}, not {shown(port)}"
        )
    # A flag from the environment is an int already checked.
    if not isinstance(use_ssl, bool):
        raise InvalidArgumentError(
            f"use_ssl is True or False, not {use_ssl!r}; every text would count as True"
        )
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= _MOST_MS:
        raise InvalidArgumentError(f"timeout is a number of milliseconds, such as 7000, not {shown(timeout)}")
    if not isinstance(log_level, int) and logging.getLevelName(str(log_level)) == f"Level {log_level}":
        raise InvalidArgumentError(
            f"log_level is a level of the module logging, such as logging.INFO, not {log_level!r}"
        )
    if message_db is True or (isinstance(message_db, int | float) and message_db is not False):
        raise InvalidArgumentError(
            f"message_db is a MessageDB, a path, False for none, or None for the default file, not {message_db!r}"
        )
    if message_db == "" or (isinstance(message_db, os.PathLike) and not os.fspath(message_db)):
        raise InvalidArgumentError(
            "message_db is an empty path; leave it out for the default file, or pass False"
        )
    if gateway is not None and not isinstance(gateway, GatewayOptions):
        raise InvalidArgumentError(
            "gateway takes GatewayOptions(...), such as GatewayOptions(ca_file='ca.pem'), "
            f"not a {type(gateway).__name__}"
        )


def check_bounds(
    *,
    fill_gaps: Any,
    max_concurrent_handlers: Any,
    cache_size: Any,
    messages_per_channel: Any,
    http_rate_limit: Any,
    http_rate_period: Any,
    blocked_loop_warning: Any,
    limits: Any,
    flags: dict[str, Any],
) -> None:
    """Refuse numbers and flags that cannot be what they bound or say.

    Raises:
        InvalidArgumentError: The first that is wrong.
    """
    check_count("max_concurrent_handlers", max_concurrent_handlers, 100, zero=False, optional=True)
    check_count("cache_size", cache_size, 1000, optional=True)
    check_count("messages_per_channel", messages_per_channel, 200)
    check_count("http_rate_limit", http_rate_limit, 1)
    check_number("http_rate_period", http_rate_period, 1.25)
    check_number("blocked_loop_warning", blocked_loop_warning, 1.0)
    for name, value in flags.items():
        check_flag(name, value)
    if not isinstance(fill_gaps, bool | GapOptions):
        raise InvalidArgumentError(
            f"fill_gaps is True, False or the bounds, such as GapOptions(channels=50), not {fill_gaps!r}"
        )
    if limits is not None and not isinstance(limits, MessageLimits):
        raise InvalidArgumentError(
            f"limits is the bounds of a message, such as MessageLimits(content=4000), or None, not {limits!r}"
        )


def bot_id(client_id: Any) -> int:
    """Give the bot's id as a number.

    Raises:
        InvalidArgumentError: If it is none.
    """
    try:
        number = required_id("client_id", client_id.strip() if isinstance(client_id, str) else client_id)
    except InvalidArgumentError:
        number = 0
    if number <= 0 or isinstance(client_id, bool):
        raise InvalidArgumentError(f"client_id is the bot's id, a number, not {shown(client_id)}")
    return number


def _is_port(port: Any) -> bool:
    # The variable of the environment is a text. A number of many digits has none.
    if isinstance(port, int):
        return not isinstance(port, bool) and 0 < port <= 65_535
    return isinstance(port, str) and port.isdecimal() and port.isascii() and 0 < int(port[:6]) <= 65_535
