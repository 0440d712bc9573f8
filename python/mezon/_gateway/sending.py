"""One step into the core: a call is encoded, queued and numbered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from mezon import _core
from mezon._gateway.codec import MESSAGES, TAGS, dict_plan
from mezon._gateway.failures import does_not_fit, no_answer, not_taken


def send(
    core: _core.Gateway | None,
    name: str,
    value: Mapping[str, Any] | bytes,
    timeout: float,
    hold: bool = False,
) -> tuple[_core.Gateway, int]:
    """Queue a call; gives the core that has it, and the call's number.

    Args:
        core: The core, if there is one yet.
        name: The envelope field.
        value: The fields by their protobuf names, or the encoded message.
        timeout: Seconds, the wait for its turn included.
        hold: Let it go with the next one, or with ``core.flush()``.

    Raises:
        MezonConnectionError: If there is no connection, or too many calls wait.
        InvalidArgumentError: If a value does not fit its field.
    """
    if core is None:
        raise no_answer(name, "not_connected")
    try:
        if isinstance(value, bytes):
            return core, core.call(TAGS[name], value, timeout, hold)
        return core, core.call_with(TAGS[name], dict_plan(MESSAGES[name]), value, timeout, hold)
    except _core.GatewayError as error:
        raise not_taken(error, name) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise does_not_fit(name, error) from error


class Turn:
    """The calls of one turn of the loop: the first goes at once, those behind it together, at the turn's end.

    To wake the I/O thread costs more than all else it does for a call, and many handlers of a batch may send.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        #: The loop whose turn has had its first call; its end is on the way.
        self._begun: asyncio.AbstractEventLoop | None = None

    def send(
        self,
        core: _core.Gateway | None,
        name: str,
        value: Mapping[str, Any] | bytes,
        timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> tuple[_core.Gateway, int]:
        """Queue a call of this loop, as ``send`` does."""
        if self._begun is loop:
            return send(core, name, value, timeout, hold=True)
        sent = send(core, name, value, timeout)
        self._begun = loop
        loop.call_soon(self._over, sent[0])
        return sent

    def _over(self, core: _core.Gateway) -> None:
        self._begun = None
        core.flush()
