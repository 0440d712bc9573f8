"""The setting ``api``: which way the calls of the API go."""

from __future__ import annotations

from typing import Literal, get_args

from mezon.errors import InvalidArgumentError

__all__ = ["ApiRoute", "check_route"]

ApiRoute = Literal["auto", "http", "socket"]


def check_route(value: str) -> ApiRoute:
    """Give the setting ``api``.

    Raises:
        InvalidArgumentError: It is none of the three.
    """
    if value not in get_args(ApiRoute):
        raise InvalidArgumentError(f"api is one of {', '.join(get_args(ApiRoute))}, not {value!r}")
    return value  # type: ignore[return-value]
