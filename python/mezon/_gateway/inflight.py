"""Calls that wait for their answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mezon._gateway.failures import no_answer, server_error
from mezon._gateway.sending import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mezon import _core
    from mezon._gateway.secrets import Secrets


class InFlight:
    """The calls of one connection that were sent and not answered, by the core's number.

    Args:
        secrets: What the errors may not say.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.turn = Turn()
        self._calls: dict[int, tuple[str, asyncio.Future[Any]]] = {}

    def add(self, call: int, name: str, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
        """Wait for the answer to a call, on this loop."""
        future: asyncio.Future[Any] = loop.create_future()
        self._calls[call] = (name, future)
        return future

    async def ask(
        self,
        core: _core.Gateway | None,
        name: str,
        value: Mapping[str, Any] | bytes,
        timeout: float,
        loop: asyncio.AbstractEventLoop,
    ) -> Any:
        """Call and wait for the answer. A call that nobody waits for any more is taken back if it has not gone out.

        Raises:
            MezonError: As ``sending.send``.
            ServerError: The answer is an error.
        """
        core, call = self.turn.send(core, name, value, timeout, loop)
        try:
            answer = await self.add(call, name, loop)
        except asyncio.CancelledError:
            if self.forget(call):
                core.cancel(call)
            raise
        if type(answer) is tuple and answer[0] == "error":
            raise server_error(name, answer[1], self._secrets)
        return answer

    def forget(self, call: int) -> bool:
        """Forget who waits; False when the call is over already."""
        return self._calls.pop(call, None) is not None

    def futures(self) -> dict[int, asyncio.Future[Any]]:
        """Say who waits, by number."""
        return {call: future for call, (_, future) in self._calls.items()}

    def answered(self, call: int, answer: Any) -> None:
        """Hand over the answer."""
        _, future = self._calls.pop(call, ("", None))
        if future is not None and not future.done():
            future.set_result(answer)

    def failed(self, call: int, kind: str, detail: str, code: int) -> None:
        """Fail a call that gets no answer; the kinds are those of the core."""
        name, future = self._calls.pop(call, ("", None))
        if future is not None and not future.done():
            future.set_exception(no_answer(name, kind, self._secrets.hide(detail), code))

    def fail_all(self, reason: str) -> None:
        """Fail all calls: the connection is closed."""
        calls, self._calls = self._calls, {}
        for name, future in calls.values():
            if not future.done() and not future.get_loop().is_closed():
                future.set_exception(no_answer(name, "closed", reason))
