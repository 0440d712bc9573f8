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

    To wake the I/O thread costs more than all else it does for a call, and many handlers of a batch may send. What the
    core has brought begins a turn, for nobody is told of its end: that would cost a callback. So a call that comes much
    later without anything in between is taken for a second one, and goes in the loop's next turn.
    """

    __slots__ = ("_begun", "_held")

    def __init__(self) -> None:
        self._begun = False
        #: The loop that is going to send what is held.
        self._held: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Let the next call go at once."""
        self._begun = False

    def send(
        self,
        core: _core.Gateway | None,
        name: str,
        value: Mapping[str, Any] | bytes,
        timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> tuple[_core.Gateway, int]:
        """Queue a call of this loop, as ``send`` does."""
        if not self._begun:
            sent = send(core, name, value, timeout)
            self._begun = True
            return sent
        sent = send(core, name, value, timeout, hold=True)
        if self._held is not loop:
            self._held = loop
            loop.call_soon(self._over, sent[0])
        return sent

    def _over(self, core: _core.Gateway) -> None:
        self._begun = False
        self._held = None
        core.flush()
