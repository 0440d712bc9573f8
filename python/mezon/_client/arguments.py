"""The arguments of ``MezonClient``: defaults, environment variables and validation."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final, cast

from mezon.errors import InvalidArgumentError
from mezon.models._outgoing import MessageLimits
from mezon.options import GapOptions, GatewayOptions, RecordOptions
from mezon.utils.bounds import MOST_SECONDS, check_count, check_flag, check_number, shown
from mezon.utils.ids import required_id

if TYPE_CHECKING:
    from mezon.options import ApiRoute, TransportChoice

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})

_MAX_MS: Final = MOST_SECONDS * 1000
_EXAMPLE: Final = "such as host='gw.mezon.ai', port='443', use_ssl=True"


# ---- defaults that an environment variable overrides


class FromEnv:
    """Base class of defaults that an environment variable overrides.

    Such a default is an instance of a subclass of its type, which distinguishes it from the same value passed by the
    caller: only a parameter that was not passed is read from the environment.
    """

    variable: str

    @staticmethod
    def text(value: str, variable: str) -> _Text:
        """Return a default of type str."""
        default = _Text(value)
        default.variable = variable
        return default

    @staticmethod
    def flag(value: bool, variable: str) -> _Flag:
        """Return a default of type bool; bool cannot be subclassed, so it is an int with the repr of a bool."""
        default = _Flag(value)
        default.variable = variable
        return default


class _Text(str, FromEnv):
    # No __slots__: a subclass of str cannot have nonempty ones.
    pass


class _Flag(int, FromEnv):
    def __repr__(self) -> str:
        return repr(bool(self))


DEFAULT_HOST: Final = cast("str", FromEnv.text("gw.mezon.ai", "MEZON_HOST"))
DEFAULT_PORT: Final = cast("str", FromEnv.text("443", "MEZON_PORT"))
DEFAULT_API_KEY: Final = ""
DEFAULT_SSL: Final = cast("bool", FromEnv.flag(True, "MEZON_USE_SSL"))
DEFAULT_TIMEOUT_MS: Final = 7000
DEFAULT_EXPIRED_TIMESPAN_MS: Final = 5 * 60 * 1000
DEFAULT_SEND_BULK_INTERVAL: Final = 1000
DEFAULT_MESSAGE_PER_TIME: Final = 5
DEFAULT_MMN_API: Final = cast("str", FromEnv.text("https://dong.mezon.ai/mmn-api/", "MEZON_MMN_API_URL"))
DEFAULT_ZK_API: Final = cast("str", FromEnv.text("https://dong.mezon.ai/zk-api/", "MEZON_ZK_API_URL"))
DEFAULT_TRANSPORT: Final = cast("TransportChoice", FromEnv.text("auto", "MEZON_TRANSPORT"))
DEFAULT_API: Final = cast("ApiRoute", FromEnv.text("auto", "MEZON_API"))
DEFAULT_CONTENT_AS_JSON: Final = cast("bool", FromEnv.flag(False, "MEZON_CONTENT_AS_JSON"))
DEFAULT_HEALTH: Final = cast("str", FromEnv.text("", "MEZON_HEALTH"))
DEFAULT_RECORD: Final = cast("str", FromEnv.text("", "MEZON_RECORD"))
_RECORD_TEXTS: Final = FromEnv.flag(False, "MEZON_RECORD_TEXTS")


def resolve(value: Any) -> Any:
    """Return the value of a parameter: that of its environment variable if it was not passed and the variable is set.

    Raises:
        InvalidArgumentError: If the variable of a flag is neither true nor false.
    """
    if not isinstance(value, FromEnv):
        return value
    given = os.environ.get(value.variable)
    if isinstance(value, _Text):
        return str(value) if given is None else given
    if given is None or not given.strip():
        return bool(value)
    word = given.strip().lower()
    if word not in _TRUE | _FALSE:
        raise InvalidArgumentError(f"{value.variable} must be true or false, not {given!r}")
    return word in _TRUE


# ---- validation


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
    """Validate the arguments that name the server and the bot.

    Raises:
        InvalidArgumentError: The first invalid one. The text never contains the key.
    """
    if not isinstance(api_key, str) or not api_key.strip():
        given = "empty" if isinstance(api_key, str) else f"a {type(api_key).__name__}"
        raise InvalidArgumentError(
            f"api_key must be the bot's key, a str; here it is {given}. Is its environment variable set? "
            "(os.environ[...] raises if it is not, os.getenv(...) returns None)"
        )
    if not isinstance(host, str) or not host.strip():
        raise InvalidArgumentError(f"host must be the name of a server, {_EXAMPLE}, not {host!r}")
    if "/" in host or "@" in host:
        raise InvalidArgumentError(
            f"host must be a name without scheme and path, {_EXAMPLE}: use_ssl selects http:// or https://"
        )
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise InvalidArgumentError(
            f"host must be a name without a port, {_EXAMPLE}; enclose an IPv6 address in brackets"
        )
    if not _is_port(port):
        raise InvalidArgumentError(
            f"port must be a number from 1 to 65535 or its digits, {_EXAMPLE}, not {shown(port)}"
        )
    # A flag from the environment is an int and was validated by `resolve`.
    if not isinstance(use_ssl, bool):
        raise InvalidArgumentError(
            f"use_ssl must be True or False, not {use_ssl!r}; every nonempty str would count as True"
        )
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= _MAX_MS:
        raise InvalidArgumentError(
            f"timeout must be a number of milliseconds, such as 7000, not {shown(timeout)}"
        )
    if not isinstance(log_level, int) and logging.getLevelName(str(log_level)) == f"Level {log_level}":
        raise InvalidArgumentError(
            f"log_level must be a level of the logging module, such as logging.INFO, not {log_level!r}"
        )
    if message_db is True or (isinstance(message_db, int | float) and message_db is not False):
        raise InvalidArgumentError(
            "message_db must be a MessageDB, a path, False for none, or None for the default file, "
            f"not {message_db!r}"
        )
    if message_db == "" or (isinstance(message_db, os.PathLike) and not os.fspath(message_db)):
        raise InvalidArgumentError(
            "message_db is an empty path; omit it for the default file, or pass False for no store"
        )
    if gateway is not None and not isinstance(gateway, GatewayOptions):
        raise InvalidArgumentError(
            "gateway must be GatewayOptions(...), such as GatewayOptions(ca_file='ca.pem'), "
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
    """Validate limits and flags.

    Raises:
        InvalidArgumentError: The first invalid one.
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
            f"fill_gaps must be True, False or GapOptions(...), such as GapOptions(channels=50), not {fill_gaps!r}"
        )
    if limits is not None and not isinstance(limits, MessageLimits):
        raise InvalidArgumentError(
            f"limits must be MessageLimits(...), such as MessageLimits(content=4000), or None, not {limits!r}"
        )


def record_options(record: Any) -> RecordOptions | None:
    """Return the options of the flight recorder for the argument ``record``; None for none.

    Raises:
        InvalidArgumentError: If it is neither a path nor RecordOptions.
    """
    record = resolve(record)
    if record is None or isinstance(record, RecordOptions):
        return record
    if not isinstance(record, str | os.PathLike):
        raise InvalidArgumentError(
            f"record must be the path of a trace, such as 'trace.mzt', or RecordOptions(...), not {shown(record)}"
        )
    path = os.fspath(record)
    return RecordOptions(path=path, texts=resolve(_RECORD_TEXTS)) if path else None


def bot_id(client_id: Any) -> int:
    """Return the bot's id as an int.

    Raises:
        InvalidArgumentError: If it is not a positive number.
    """
    try:
        number = required_id("client_id", client_id.strip() if isinstance(client_id, str) else client_id)
    except InvalidArgumentError:
        number = 0
    if number <= 0 or isinstance(client_id, bool):
        raise InvalidArgumentError(f"client_id must be the bot's id, a number, not {shown(client_id)}")
    return number


def _is_port(port: Any) -> bool:
    # A port from the environment is a str. The slice keeps `int` from parsing an arbitrary number of digits.
    if isinstance(port, int):
        return not isinstance(port, bool) and 0 < port <= 65_535
    return isinstance(port, str) and port.isdecimal() and port.isascii() and 0 < int(port[:6]) <= 65_535
