"""The setting ``transport``: what carries the socket."""

from __future__ import annotations

from typing import Literal, get_args

from mezon.errors import InvalidArgumentError

__all__ = ["TransportChoice", "check_transport"]

TransportChoice = Literal["auto", "websocket", "tcp"]


def check_transport(value: str) -> TransportChoice:
    """Give the setting ``transport``.

    Raises:
        InvalidArgumentError: It is none of the three.
    """
    if value not in get_args(TransportChoice):
        raise InvalidArgumentError(
            f"transport is one of {', '.join(get_args(TransportChoice))}, not {value!r}"
        )
    return value  # type: ignore[return-value]
