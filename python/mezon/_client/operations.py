"""What those who run a bot want to know of it: is the loop blocked, is the bot ready, does it live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from mezon._client.watchdog import Watchdog
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon._client.health import Health
    from mezon.options import Stats

logger = get_logger("mezon.client")


class Watched(Protocol):
    """Whose health it is: a :class:`mezon.MezonClient`."""

    @property
    def state(self) -> str: ...
    def stats(self) -> Stats: ...


class Operations:
    """Watches one client from the first line of its login to its end.

    Args:
        client: The client.
        blocked_loop_warning: Seconds the event loop may be blocked before a warning; 0 for none.
        health: Where to serve health, as ``"127.0.0.1:8080"``; None or "" for nowhere.

    Raises:
        InvalidArgumentError: If ``health`` is no such text.
    """

    def __init__(self, client: Watched, blocked_loop_warning: float, health: str | None) -> None:
        self._client = client
        self._watchdog = Watchdog(blocked_loop_warning) if blocked_loop_warning > 0 else None
        self._supervisor = Supervisor()
        self._health: Health | None = None
        if health:
            from mezon._client.health import Health

            self._health = Health(health, lambda: client.state == "ready", self._stats)

    def _stats(self) -> dict[str, Any]:
        return asdict(self._client.stats())

    async def begin(self) -> None:
        """Begin with a login.

        Raises:
            MezonError: If the port of ``health`` is taken.
        """
        if self._watchdog is not None:
            self._watchdog.start()
        if self._health is not None:
            await self._health.start()

    def ready(self) -> None:
        """Note that the client is logged in."""
        self._supervisor.ready()

    def connection_ended(self, *, lost: bool) -> None:
        """Tell nobody of a blocked loop any more.

        Args:
            lost: For good, and not by the client itself: nobody may close this one, and the next may want the port.
        """
        if self._watchdog is not None:
            self._watchdog.stop()
        if lost and self._health is not None:
            self._health.close()

    def stopping(self) -> None:
        """Note that the close of everything begins."""
        self._supervisor.stopping()
        self.connection_ended(lost=False)

    async def stop(self) -> None:
        """Note that the client is closed."""
        self._supervisor.stop()
        if self._health is not None:
            await self._health.stop()


class Supervisor:
    """Tells systemd, when it started this process with ``Type=notify``: READY, STOPPING, and WATCHDOG in between.

    The signs of life come from the event loop: a bot whose loop is blocked gives none, and is started again.
    """

    def __init__(self) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        self._timer: asyncio.TimerHandle | None = None

    def ready(self) -> None:
        """Say that the bot hears and can talk."""
        self._tell("READY=1")
        period = self._period()
        if period and self._timer is None:
            self._sign(asyncio.get_running_loop(), period)

    def stopping(self) -> None:
        """Say that it is about to end."""
        self._tell("STOPPING=1")

    def stop(self) -> None:
        """Give no further signs of life."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _sign(self, loop: asyncio.AbstractEventLoop, period: float) -> None:
        self._tell("WATCHDOG=1")
        self._timer = loop.call_later(period, self._sign, loop, period)

    def _period(self) -> float:
        """Give the seconds between two signs: half of what systemd waits for one."""
        if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return 0.0
        try:
            return int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
        except ValueError:
            return 0.0

    def _tell(self, text: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        # An abstract address is written with an @ in place of its zero byte.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            one.sendto(text.encode(), address)
