"""Fault injection: rules that delay, refuse or ignore socket calls, HTTP requests and connections; and stalls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mezon.testing.records import Sent

__all__ = ["EVERYTHING", "RPC", "RPC_PREFIX", "FaultRules", "HttpFault", "SocketFault", "TcpFault"]

EVERYTHING: Final = "*"
RPC: Final = "rpc"
"""The target of all RPCs over HTTP, and of no other request."""

RPC_PREFIX: Final = "/mezon.api.Mezon/"

Match = Callable[[Any], bool]


@dataclass(slots=True)
class SocketFault:
    """A fault of the next ``times`` (None: all) socket calls of a kind."""

    kind: str
    times: int | None = None
    match: Match | None = None
    seconds: float = 0.0
    silent: bool = False
    error: tuple[int, str, Mapping[str, str]] | None = None

    def fits(self, sent: Sent) -> bool:
        """Return whether this rule applies to a call."""
        if self.kind != EVERYTHING and not sent.is_a(self.kind):
            return False
        return self.match is None or self.match(sent.payload)


@dataclass(slots=True)
class HttpFault:
    """A fault of the next ``times`` (None: all) HTTP requests of a path or RPC name."""

    target: str
    times: int | None = None
    seconds: float = 0.0
    drop: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def fits(self, path: str, name: str) -> bool:
        """Return whether this rule applies to a request."""
        if self.target == RPC:
            return path.startswith(RPC_PREFIX)
        return self.target in (EVERYTHING, path, name) or (self.target + "?") == path


@dataclass(slots=True)
class TcpFault:
    """Refusal of the next ``times`` (None: all) TCP connections, with an HTTP status or without a response."""

    times: int | None = None
    status: int | None = None


class FaultRules:
    """The active rules, oldest first, and the stall. Delays add up; the first rule that ends a call wins.

    Attributes:
        socket, http, tcp: The rules by what they apply to.
    """

    def __init__(self) -> None:
        self.socket: list[SocketFault] = []
        self.http: list[HttpFault] = []
        self.tcp: list[TcpFault] = []
        self._flow: asyncio.Event | None = None

    def clear(self) -> None:
        """Remove every rule."""
        self.socket.clear()
        self.http.clear()
        self.tcp.clear()

    # Adding rules

    def answer_with_error(
        self,
        kind: str,
        code: int,
        message: str = "refused by the test",
        *,
        times: int | None = 1,
        context: Mapping[str, str] | None = None,
        match: Match | None = None,
    ) -> None:
        """Refuse socket calls of a kind with an error."""
        self.socket.append(SocketFault(kind, times, match, error=(code, message, dict(context or {}))))

    def silence(self, kind: str, *, times: int | None = None, match: Match | None = None) -> None:
        """Ignore socket calls of a kind."""
        self.socket.append(SocketFault(kind, times, match, silent=True))

    def delay(
        self, kind: str, seconds: float, *, times: int | None = None, match: Match | None = None
    ) -> None:
        """Delay socket calls of a kind. Later calls can overtake them."""
        self.socket.append(SocketFault(kind, times, match, seconds=seconds))

    def http_status(
        self,
        target: str,
        status: int,
        *,
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
    ) -> None:
        """Answer HTTP requests with this response."""
        data = body.encode() if isinstance(body, str) else body
        self.http.append(HttpFault(target, times, status=status, headers=dict(headers or {}), body=data))

    def http_delay(self, target: str, seconds: float, *, times: int | None = None) -> None:
        """Delay HTTP requests."""
        self.http.append(HttpFault(target, times, seconds=seconds))

    def http_drop(self, target: str, *, times: int | None = 1) -> None:
        """Cut the connections of HTTP requests."""
        self.http.append(HttpFault(target, times, drop=True))

    def refuse_tcp(self, *, times: int | None = 1, status: int | None = None) -> None:
        """Refuse TCP connections, with an HTTP status as text or without a response."""
        self.tcp.append(TcpFault(times, status))

    # Applying rules

    def for_socket(self, sent: Sent) -> tuple[float, SocketFault | None]:
        """Return the delay of a call and the rule that ends it. Count both as used."""
        seconds = 0.0
        for rule in list(self.socket):
            if not rule.fits(sent):
                continue
            _use(self.socket, rule)
            seconds += rule.seconds
            if rule.silent or rule.error is not None:
                return seconds, rule
        return seconds, None

    def for_tcp(self) -> TcpFault | None:
        """Return the rule that refuses a TCP connection. Count the rule as used."""
        rule = next(iter(self.tcp), None)
        if rule is not None:
            _use(self.tcp, rule)
        return rule

    def for_http(self, path: str, name: str) -> tuple[float, HttpFault | None]:
        """Return the delay of a request and the rule that ends it. Count both as used."""
        seconds = 0.0
        for rule in list(self.http):
            if not rule.fits(path, name):
                continue
            _use(self.http, rule)
            seconds += rule.seconds
            if rule.drop or rule.status is not None:
                return seconds, rule
        return seconds, None

    # Stalling

    def bind(self) -> None:
        """Bind the stall to the running event loop, and end it."""
        self._flow = asyncio.Event()
        self._flow.set()

    def stall(self) -> None:
        """Make connections stop reading and writing."""
        if self._flow is None:
            raise RuntimeError("the gateway is not started; call start() before stall()")
        self._flow.clear()

    def resume(self) -> None:
        """End a stall."""
        if self._flow is not None:
            self._flow.set()

    @property
    def stalled(self) -> bool:
        """Whether the gateway is stalled."""
        return self._flow is not None and not self._flow.is_set()

    async def flowing(self) -> None:
        """Wait while the gateway is stalled."""
        if self._flow is not None:
            await self._flow.wait()


def _use(rules: list[Any], rule: SocketFault | HttpFault | TcpFault) -> None:
    if rule.times is None:
        return
    rule.times -= 1
    if rule.times <= 0:
        # By identity: two equal rules are two rules.
        rules[:] = [r for r in rules if r is not rule]
