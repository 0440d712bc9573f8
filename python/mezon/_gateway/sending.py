"""One step into the core: a call is encoded, queued and numbered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mezon import _core
from mezon._gateway.codec import MESSAGES, TAGS, dict_plan
from mezon._gateway.failures import does_not_fit, no_answer, not_taken


def send(
    core: _core.Gateway | None, name: str, value: Mapping[str, Any] | bytes, timeout: float
) -> tuple[_core.Gateway, int]:
    """Queue a call; gives the core that has it, and the call's number.

    Args:
        core: The core, if there is one yet.
        name: The envelope field.
        value: The fields by their protobuf names, or the encoded message.
        timeout: Seconds, the wait for its turn included.

    Raises:
        MezonConnectionError: If there is no connection, or too many calls wait.
        InvalidArgumentError: If a value does not fit its field.
    """
    if core is None:
        raise no_answer(name, "not_connected")
    try:
        if isinstance(value, bytes):
            return core, core.call(TAGS[name], value, timeout)
        return core, core.call_with(TAGS[name], dict_plan(MESSAGES[name]), value, timeout)
    except _core.GatewayError as error:
        raise not_taken(error, name) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise does_not_fit(name, error) from error
