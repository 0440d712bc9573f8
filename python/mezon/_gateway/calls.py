"""Calls of the core's connection: encoded and queued in one step into the core, then waiting for their answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon._core import GatewayError
from mezon._gateway.codec import MESSAGES, TAGS, dict_plan
from mezon._gateway.failures import does_not_fit, no_answer, not_taken, server_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mezon._core import Gateway
    from mezon._gateway.failures import Secrets


def send(
    core: Gateway | None,
    name: str,
    value: Mapping[str, Any] | bytes,
    timeout: float,
    hold: bool = False,
) -> tuple[Gateway, int]:
    """Queue a call. Return the core that queued it, and the number of the call.

    Args:
        core: The core, or None before the first connect.
        name: The envelope field.
        value: The fields by their protobuf names, or the encoded message.
        timeout: The deadline in seconds, including the time in the queue.
        hold: Delay the frame until the next call, or until ``core.flush()``.

    Raises:
        MezonConnectionError: If there is no connection, or too many calls are waiting.
        InvalidArgumentError: If a value does not fit its field.
    """
    if core is None:
        raise no_answer(name, "not_connected")
    try:
        if isinstance(value, bytes):
            return core, core.call(TAGS[name], value, timeout, hold)
        return core, core.call_with(TAGS[name], dict_plan(MESSAGES[name]), value, timeout, hold)
    except GatewayError as error:
        raise not_taken(error, name) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise does_not_fit(name, error) from error


class PendingCalls:
    """The calls of one connection that were sent and not answered, by the number that the core assigned.

    The first call after a batch of events is sent at once. The calls behind it are sent together at the end of the
    loop iteration: waking the I/O thread costs more than the rest of a call, and many handlers of a batch may send.
    A batch of events resets the state. The end of an iteration does not, because that would cost a callback for each
    call; a single call that follows much later, with no event in between, is therefore sent one iteration later.

    Args:
        secrets: Hidden in the errors.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._calls: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self._sent_one = False
        #: The loop that will flush the held calls.
        self._flushing_on: asyncio.AbstractEventLoop | None = None

    # ---- sending

    def begin_batch(self) -> None:
        """Send the next call at once."""
        self._sent_one = False

    async def ask(
        self,
        core: Gateway | None,
        name: str,
        value: Mapping[str, Any] | bytes,
        timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> Any:
        """Send a call and return its answer. A cancelled call is removed from the queue if it was not sent yet.

        Raises:
            MezonError: See `send`.
            ServerError: If the answer is an error.
        """
        core, call = self._send(core, name, value, timeout, loop)
        future: asyncio.Future[Any] = loop.create_future()
        self._calls[call] = (name, future)
        try:
            answer = await future
        except asyncio.CancelledError:
            if self._calls.pop(call, None) is not None:
                core.cancel(call)
            raise
        if type(answer) is tuple and answer[0] == "error":
            raise server_error(name, answer[1], self._secrets)
        return answer

    def _send(
        self,
        core: Gateway | None,
        name: str,
        value: Mapping[str, Any] | bytes,
        timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> tuple[Gateway, int]:
        if not self._sent_one:
            sent = send(core, name, value, timeout)
            self._sent_one = True
            return sent
        sent = send(core, name, value, timeout, hold=True)
        if self._flushing_on is not loop:
            self._flushing_on = loop
            loop.call_soon(self._flush, sent[0])
        return sent

    def _flush(self, core: Gateway) -> None:
        self._sent_one = False
        self._flushing_on = None
        core.flush()

    # ---- answers

    def futures(self) -> dict[int, asyncio.Future[Any]]:
        """Return the futures of the answers, by the number of the call."""
        return {call: future for call, (_, future) in self._calls.items()}

    def answered(self, call: int, answer: Any) -> None:
        """Resolve a call."""
        _, future = self._calls.pop(call, ("", None))
        if future is not None and not future.done():
            future.set_result(answer)

    def failed(self, call: int, kind: str, detail: str, code: int) -> None:
        """Fail a call without an answer. The kinds are those of ``failures.no_answer``."""
        name, future = self._calls.pop(call, ("", None))
        if future is not None and not future.done():
            future.set_exception(no_answer(name, kind, self._secrets.hide(detail), code))

    def fail_all(self, reason: str) -> None:
        """Fail all calls, because the connection is closed."""
        calls, self._calls = self._calls, {}
        for name, future in calls.values():
            if not future.done() and not future.get_loop().is_closed():
                future.set_exception(no_answer(name, "closed", reason))
