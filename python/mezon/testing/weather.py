"""Everything that can go wrong, on order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mezon.testing.core import GatewayCore
from mezon.testing.faults import HttpFault, SocketFault, TcpFault

__all__ = ["Weather"]


class Weather(GatewayCore):
    """The faults of a ``mezon.testing.LocalGateway``."""

    async def drop(self, *, reset: bool = False) -> int:
        """Cut every bot's connection: no close frame. With ``reset`` the bot sees a reset.

        Returns how many were cut.
        """
        live = list(self.live)
        for connection in live:
            connection.abort(reset=reset)
        await self.wait_until(lambda: not set(live) & set(self.live), what="the connections to end")
        return len(live)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close every WebSocket with a close frame, such as 4006 (session expired). TCP has none and just ends."""
        live = list(self.live)
        for connection in live:
            await connection.close(code, reason)
        await self.wait_until(lambda: not set(live) & set(self.live), what="the connections to end")

    def stall(self) -> None:
        """Go silent: read and answer nothing on any socket, old or new, pings neither.

        What is said meanwhile waits for ``resume()``. As with a server that hangs, the system goes on taking
        bytes until its buffers are full, and a connection that the bot ends is seen to end.
        """
        if self._flow is None:
            raise RuntimeError("start the gateway before you stall it")
        self._flow.clear()

    def resume(self) -> None:
        """End ``stall()``."""
        if self._flow is not None:
            self._flow.set()
        for connection in list(self.live):
            connection.release()

    def answer_with_error(
        self,
        kind: str,
        code: int,
        message: str = "refused by the test",
        *,
        times: int | None = 1,
        context: Mapping[str, str] | None = None,
        match: Callable[[Any], bool] | None = None,
    ) -> None:
        """Refuse the next ``times`` (None: all) socket calls of a kind; they are not carried out.

        Args:
            kind: An envelope field, an API name, or ``"*"``.
            code: Error code of the envelope; for API calls the response code of the raw answer.
            match: Refuse only calls whose payload (the protobuf message) this is true for.
        """
        self.faults.socket.append(SocketFault(kind, times, match, error=(code, message, dict(context or {}))))

    def silence(
        self, kind: str, *, times: int | None = None, match: Callable[[Any], bool] | None = None
    ) -> None:
        """Take socket calls of a kind and neither answer nor carry them out."""
        self.faults.socket.append(SocketFault(kind, times, match, silent=True))

    def delay(
        self,
        kind: str,
        seconds: float,
        *,
        times: int | None = None,
        match: Callable[[Any], bool] | None = None,
    ) -> None:
        """Let socket calls of a kind wait before they are carried out and answered; later ones overtake."""
        self.faults.socket.append(SocketFault(kind, times, match, seconds=seconds))

    def http_status(
        self,
        target: str,
        status: int,
        *,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
    ) -> None:
        """Answer the next ``times`` (None: all) HTTP requests with this status, header fields and body.

        Args:
            target: A path (``/v2/apps/authenticate/token``, ``/ws``), an RPC's name (``ListClanDescs``)
                , ``"rpc"`` for every RPC, or ``"*"``.
        """
        data = body.encode() if isinstance(body, str) else body
        self.faults.http.append(
            HttpFault(target, times, status=status, headers=dict(headers or {}), body=data)
        )

    def refuse_tcp(self, *, times: int | None = 1, status: int | None = None) -> None:
        """Refuse the next ``times`` (None: all) TCP connections.

        Args:
            status: What the refusal says, as text of HTTP; None closes without a word, as the live gateway is
                seen to do.
        """
        self.faults.tcp.append(TcpFault(times, status))

    def http_delay(self, target: str, seconds: float, *, times: int | None = None) -> None:
        """Let HTTP requests wait before they are carried out and answered."""
        self.faults.http.append(HttpFault(target, times, seconds=seconds))

    def http_drop(self, target: str, *, times: int | None = 1) -> None:
        """Cut the connection of the next HTTP requests instead of answering."""
        self.faults.http.append(HttpFault(target, times, drop=True))

    def clear_faults(self) -> None:
        """Make good weather again: forget every rule and end a stall."""
        self.faults.clear()
        self.resume()

    def expire_tokens(self) -> None:
        """Refuse every token given out so far from now on (401). Open sockets stay open."""
        self.sessions.expire_all()
