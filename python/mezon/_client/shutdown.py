"""How a client ends: in order, once, whoever asks for it; a part of :class:`mezon.MezonClient`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from mezon._client.agents import ClientAgents
from mezon._client.life import ClientLife
from mezon.errors import NotLoggedInError

if TYPE_CHECKING:
    from mezon._tokens import TokenService
    from mezon.messages import MessageDB
    from mezon.ports import HttpTransport

#: Seconds the handlers of ``disconnect`` have when the client is closed without ``drain``.
_LAST_WORDS: Final = 1.0


class ClientEnd(ClientLife, ClientAgents):
    """Closes what a login has opened, and tells those who wait for the end."""

    _guard: asyncio.Future[None] | None
    _token_service: TokenService | None
    _message_db: MessageDB | None
    _http: HttpTransport

    async def close_socket(self) -> None:
        """Close the socket; it is not opened again by itself. Handlers stay registered. Safe at any time.

        The bot hears nothing from then on, so ``wait_closed`` returns and ``run`` ends. HTTP calls go on.
        """
        if self.socket_manager is not None:
            await self.socket_manager.disconnect()

    async def disconnect(self, drain: float = 0.0) -> None:
        """End everything: the socket, HTTP, agent events. A new login is possible. Safe at any time, and twice.

        No further event is dispatched. Handlers of ``disconnect`` run, and have ``drain`` seconds or one second.
        A handler may call it and is not waited for; when the client is being closed already, it returns at once.

        Args:
            drain: Seconds the running handlers may take to end, while the socket is still open for their last
                words; then they are cancelled.
        """
        running = self._logging_in
        if (
            running is not None
            and not running.done()
            and running is not asyncio.current_task()
            and running.get_loop() is asyncio.get_running_loop()
        ):
            running.cancel()
            await asyncio.wait([running])
        await self._close(drain)

    def _closing_now(self) -> asyncio.Future[None] | None:
        closing = self._closing
        if closing is None or closing.done() or closing.get_loop() is not asyncio.get_running_loop():
            return None
        return closing

    async def _close(self, drain: float) -> None:
        """Close everything, one at a time; who comes second waits, then looks that nothing is left."""
        while (closing := self._closing_now()) is not None:
            # One turn: an eager handler is known as one when it first waits.
            await asyncio.sleep(0)
            if self._dispatcher is not None and self._dispatcher.runs(asyncio.current_task()):
                # The first waits for the handlers: waiting for it in one would be waiting for oneself.
                return
            await asyncio.wait([closing])
        mine = self._closing = asyncio.get_running_loop().create_future()
        try:
            await self._close_everything(drain)
        finally:
            mine.set_result(None)
            if self._ended is not None:
                self._ended.set()

    async def _close_with_the_loop(self) -> None:
        """Close in order at the end of ``asyncio.run``, which cancels every task, this one too."""
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if self._guard is asyncio.current_task():
                await self._close(0.0)
            raise

    async def _close_everything(self, drain: float) -> None:
        guard, self._guard = self._guard, None
        if guard is not None and guard is not asyncio.current_task():
            guard.cancel()
        self._renewal.stop()
        if self._watchdog is not None:
            self._watchdog.stop()
        await self.disconnect_ai_agent_sse()
        dispatcher = self._dispatcher
        if dispatcher is not None and self.socket_manager is not None:
            # Handlers may need the socket for their last words: it closes after them.
            dispatcher.hold()
            await dispatcher.finish(drain)
        if self._gaps is not None:
            await self._gaps.stop()
        if self.socket_manager is not None:
            await self.socket_manager.disconnect()
        if dispatcher is not None:
            # Those that run now are those of the disconnect itself.
            await dispatcher.finish(max(drain, _LAST_WORDS))
        await asyncio.sleep(0)
        current, loop = asyncio.current_task(), asyncio.get_running_loop()
        rest = [task for task in self._tasks if task is not current and not task.done()]
        rest = [task for task in rest if task.get_loop() is loop]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=1.0)
        if self._token_service is not None:
            await self._token_service.close()
        if self.api_client is not None:
            await self.api_client.close()
        await self._http.close()
        if self._message_db is not None:
            await self._message_db.close()

    async def wait_closed(self) -> None:
        """Wait until the client is closed: by ``disconnect``, by ``close_socket``, or because it can not go on.

        Raises:
            AuthenticationError: If the server refused the credentials at a reconnect.
            ConnectionLostError: If the connection was lost and is not regained.
            NotLoggedInError: If there was no login.
        """
        if self._ended is None:
            raise NotLoggedInError("there is nothing to wait for: await client.login() first")
        await self._ended.wait()
        if self._end_error is not None:
            raise self._end_error
