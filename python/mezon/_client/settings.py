"""Defaults that the environment may replace.

Such a default is a value of its own type, told apart from the same value passed by hand: only a parameter that
was not passed is read from the environment.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mezon._gateway.transport import TransportChoice
    from mezon._http.route import ApiRoute

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class FromEnv:
    """The two kinds of such defaults."""

    variable: str

    @staticmethod
    def text(value: str, variable: str) -> _Text:
        """Read a str."""
        made = _Text(value)
        made.variable = variable
        return made

    @staticmethod
    def flag(value: bool, variable: str) -> _Flag:
        """Read a bool; as bool cannot be subclassed, an int that looks like one."""
        made = _Flag(value)
        made.variable = variable
        return made


class _Text(str, FromEnv):
    # No __slots__: a str subclass with a variable-size layout takes none.
    pass


class _Flag(int, FromEnv):
    def __repr__(self) -> str:
        return repr(bool(self))


#: The defaults of the constructor. Those that may come from the environment say so by their type.
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


def resolve(value: Any) -> Any:
    """Take the value of a parameter: from the environment when it was not passed and the variable is set.

    Raises:
        InvalidArgumentError: If a variable for a flag holds anything but true or false.
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
