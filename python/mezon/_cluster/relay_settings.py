"""The settings of relays from the command line and from a file of bots."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from mezon._cluster.settings import DEFAULT_BUFFER, Layout, Timing
from mezon.errors import InvalidArgumentError
from mezon.options import GapOptions, GatewayOptions
from mezon.utils.secrets import masked

#: Channels whose missed messages a relay fetches by default: it serves more handlers than one process.
_GAP_CHANNELS: Final = 1000

#: The shortest life of a lock in seconds: a relay needs several attempts to renew it.
_MIN_LOCK_TTL: Final = 3.0

#: Renewals in the life of a lock.
_RENEWALS: Final = 5

#: Keys of a bot in the file that are passed to the client.
_CLIENT: Final = frozenset({"host", "port", "use_ssl", "transport"})

_KEYS: Final = _CLIENT | {
    "id",
    "key_file",
    "key_env",
    "cache",
    "http_rate",
    "token_transfers",
    "lock_ttl",
    "partitions",
    "replicas",
    "max_bytes",
    "buffer",
    "gateway",
    "gap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """The settings of one relay that can be chosen.

    Attributes:
        layout: The streams and buckets to create.
        buffer: Bytes of events that the relay holds while NATS does not take them.
        message_db: As of :class:`mezon.MezonClient`.
        token_transfers: Give workers the identity token.
        http_rate: The number of calls in a period, and the seconds of a period; 0 for no limit.
        gateway: Settings of the connection.
        gap: The limits of gap filling; None turns it off.
        lock_ttl: Seconds after which another relay may take over from one that is silent.
        client: Other options of :class:`mezon.MezonClient`.
    """

    layout: Layout = field(default_factory=Layout)
    buffer: int = DEFAULT_BUFFER
    message_db: Any = None
    token_transfers: bool = True
    http_rate: tuple[int, float] = (1, 1.25)
    gateway: GatewayOptions = field(default_factory=GatewayOptions)
    gap: GapOptions | None = field(default_factory=lambda: GapOptions(channels=_GAP_CHANNELS))
    lock_ttl: float = 5.0
    client: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _MIN_LOCK_TTL <= self.lock_ttl < float("inf"):
            raise InvalidArgumentError(
                f"the life of the lock must be {_MIN_LOCK_TTL:g} seconds or more, not {self.lock_ttl:g}"
            )

    def for_relay(self) -> dict[str, Any]:
        """Return the arguments of `Relay`."""
        timing = Timing(lock_ttl=self.lock_ttl, lock_heartbeat=self.lock_ttl / _RENEWALS)
        return {
            "layout": self.layout,
            "timing": timing,
            "buffer": self.buffer,
            "gap": self.gap,
            "message_db": self.message_db,
            "http_rate": self.http_rate,
            "token_transfers": self.token_transfers,
            "gateway": self.gateway,
            **self.client,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """One bot of a file.

    Attributes:
        client_id: The bot's id.
        api_key: The bot's key.
        settings: The settings of its relay.
    """

    client_id: str
    api_key: str = field(repr=False)
    settings: RelaySettings


# ---- single values


def parse_rate(text: object) -> tuple[int, float]:
    """Parse a rate limit: "1/1.25" for one call in 1.25 seconds, "0" or a period of 0 for no limit."""
    count, _, period = str(text).partition("/")
    try:
        number = int(count)
        seconds = float(period) if number or period else 0.0
    except ValueError:
        number, seconds = -1, 0.0
    if number < 0 or not 0 <= seconds < float("inf"):
        raise InvalidArgumentError(
            f"{text!r} is no rate limit: write 1/1.25 for one call in 1.25 seconds, or 0 for no limit"
        )
    return (number, seconds) if number and seconds else (0, 0.0)


def rate_of_environment() -> tuple[int, float]:
    """Return the rate limit of the variable ``MEZON_HTTP_RATE_PERIOD``, or the default one.

    Raises:
        InvalidArgumentError: The variable is no number of seconds.
    """
    text = os.environ.get(_RATE_VARIABLE) or "1.25"
    try:
        return parse_rate(f"1/{text}")
    except InvalidArgumentError:
        raise InvalidArgumentError(
            f"{_RATE_VARIABLE} must be a number of seconds, such as 1.25, or 0 for no limit, not {text!r}"
        ) from None


def parse_pairs(option: str, pairs: Sequence[str]) -> dict[str, Any]:
    """Parse settings that are written as NAME=VALUE."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InvalidArgumentError(
                f"{option} takes NAME=VALUE, such as {option} {_EXAMPLES[option]}, not {pair!r}"
            )
        try:
            found[name.strip()] = json.loads(text)
        except ValueError:
            found[name.strip()] = text
    return found


_RATE_VARIABLE: Final = "MEZON_HTTP_RATE_PERIOD"

_EXAMPLES: Final = {"--gateway": "rate_limit=40", "--gap": "channels=50"}


def gateway_options(values: Mapping[str, Any], base: GatewayOptions | None = None) -> GatewayOptions:
    """Return the settings of the connection with these fields."""
    _check_names("the gateway", values, GatewayOptions)
    return replace(base or GatewayOptions(), **values)


def gap_options(values: Mapping[str, Any], base: GapOptions | None = None) -> GapOptions:
    """Return the limits of gap filling with these fields."""
    _check_names("gap filling", values, GapOptions)
    return replace(base or GapOptions(channels=_GAP_CHANNELS), **values)


def _check_names(what: str, values: Mapping[str, Any], kind: type[GatewayOptions] | type[GapOptions]) -> None:
    known = [one.name for one in fields(kind)]
    for name in values:
        if name not in known:
            raise InvalidArgumentError(f"{what} has no setting {name!r}: it has {', '.join(known)}")


# ---- the file of bots


def read_bots(path: Path, common: RelaySettings) -> list[BotSettings]:
    """Read a file of bots.

    Args:
        path: A TOML file with a table ``[[bots]]`` for each bot.
        common: The settings of bots that the file does not set.

    Raises:
        InvalidArgumentError: The file cannot be read, or is invalid.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path} is no TOML file: {error}") from None
    tables = content.get("bots")
    if not isinstance(tables, list) or not tables or not all(isinstance(one, dict) for one in tables):
        raise InvalidArgumentError(
            f"{path} has no bots: write a table [[bots]] for each, with id and key_file"
        )
    bots = [_read_bot(path, number, table, common) for number, table in enumerate(tables, 1)]
    ids = [bot.client_id for bot in bots]
    for client_id in ids:
        if ids.count(client_id) > 1:
            raise InvalidArgumentError(f"{path} has the bot {client_id} twice")
    return bots


def _read_bot(path: Path, number: int, table: dict[str, Any], common: RelaySettings) -> BotSettings:
    where = f"{path}, bot {number}"
    for name in table:
        if name not in _KEYS:
            raise InvalidArgumentError(
                f"{where} has an unknown key {name!r}: it may have {', '.join(sorted(_KEYS))}"
            )
    client_id = str(table.get("id", ""))
    if not client_id.isdigit():
        raise InvalidArgumentError(f"{where} has no id: write id = 1234567890")
    try:
        settings = _settings(table, common)
    except (InvalidArgumentError, TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{where}: {error}") from None
    return BotSettings(client_id=client_id, api_key=_read_key(path, where, table), settings=settings)


def _read_key(path: Path, where: str, table: dict[str, Any]) -> str:
    if ("key_file" in table) == ("key_env" in table):
        raise InvalidArgumentError(
            f"{where} needs key_file, a file with the key, or key_env, a variable with it"
        )
    if "key_env" in table:
        name = str(table["key_env"])
        key = os.environ.get(name, "")
        problem = f"the variable {name} is not set"
    else:
        # As the file writes it: relative to the file, not to where the relay was started.
        file = path.parent / str(table["key_file"])
        try:
            key = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"{where}: {file} cannot be read: {error}") from None
        problem = f"{file} is empty"
    if not key:
        raise InvalidArgumentError(f"{where} has no key: {problem}")
    return masked(key)


def _settings(table: dict[str, Any], common: RelaySettings) -> RelaySettings:
    changes: dict[str, Any] = {}
    layout: dict[str, Any] = {name: table[name] for name in ("partitions", "replicas") if name in table}
    if "max_bytes" in table:
        layout["max_bytes"] = parse_bytes(str(table["max_bytes"]))
    if layout:
        changes["layout"] = replace(common.layout, **layout)
    if "buffer" in table:
        changes["buffer"] = parse_bytes(str(table["buffer"]))
    if "cache" in table:
        changes["message_db"] = message_store(str(table["cache"]))
    if "http_rate" in table:
        changes["http_rate"] = parse_rate(table["http_rate"])
    if "token_transfers" in table:
        if not isinstance(table["token_transfers"], bool):
            raise InvalidArgumentError("token_transfers must be true or false")
        changes["token_transfers"] = table["token_transfers"]
    if "lock_ttl" in table:
        changes["lock_ttl"] = float(table["lock_ttl"])
    if "gateway" in table:
        changes["gateway"] = gateway_options(table["gateway"], common.gateway)
    if "gap" in table:
        changes["gap"] = None if table["gap"] is False else gap_options(table["gap"], common.gap)
    client = {name: table[name] for name in _CLIENT if name in table}
    return replace(common, **changes, client={**common.client, **client})


def message_store(text: str) -> Any:
    """Return the message store of an option: "" for the default file, "none" for no store, or the path of a file."""
    return {"": None, "none": False}.get(text, text)


def parse_bytes(text: str) -> int:
    """Parse a size in bytes, as 1048576, 256MiB or 1GiB."""
    found = re.fullmatch(r"(\d+) ?([KMGT]i?B?)?", text.strip(), re.IGNORECASE | re.ASCII)
    if found is None:
        raise InvalidArgumentError(f"{text!r} is no size: write a number of bytes, or 256MiB, 1GiB")
    unit = (found[2] or "").upper()
    base = 1000 if unit.endswith("B") and "I" not in unit else 1024
    exponent: int = " KMGT".index(unit[0]) if unit else 0
    return int(int(found[1]) * base**exponent)
