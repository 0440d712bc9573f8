"""Bad weather on order: rules that make socket calls and HTTP requests fail, wait or stay unanswered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mezon.testing.records import Sent

__all__ = ["EVERYTHING", "RPC", "FaultBook", "HttpFault", "SocketFault", "TcpFault"]

EVERYTHING: Final = "*"
RPC: Final = "rpc"
"""Every RPC, and nothing else that HTTP carries."""

RPC_PREFIX: Final = "/mezon.api.Mezon/"


@dataclass(slots=True)
class SocketFault:
    """What to do with the next ``times`` (None: all) socket calls of a kind."""

    kind: str
    times: int | None = None
    match: Callable[[Any], bool] | None = None
    seconds: float = 0.0
    silent: bool = False
    error: tuple[int, str, Mapping[str, str]] | None = None

    def fits(self, sent: Sent) -> bool:
        """Say whether this rule is about that call."""
        if self.kind != EVERYTHING and not sent.is_a(self.kind):
            return False
        return self.match is None or self.match(sent.payload)


@dataclass(slots=True)
class HttpFault:
    """What to do with the next ``times`` (None: all) HTTP requests of a path or RPC name."""

    target: str
    times: int | None = None
    seconds: float = 0.0
    drop: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def fits(self, path: str, name: str) -> bool:
        """Say whether this rule is about that request."""
        if self.target == RPC:
            return path.startswith(RPC_PREFIX)
        return self.target in (EVERYTHING, path, name) or (self.target + "?") == path


@dataclass(slots=True)
class TcpFault:
    """Refuses the next ``times`` (None: all) TCP connections, with a status or without a word."""

    times: int | None = None
    status: int | None = None


@dataclass(slots=True)
class FaultBook:
    """The rules in force, oldest first. Delays add up; the first rule that ends a call ends it."""

    socket: list[SocketFault] = field(default_factory=list)
    http: list[HttpFault] = field(default_factory=list)
    tcp: list[TcpFault] = field(default_factory=list)

    def clear(self) -> None:
        """Make good weather again."""
        self.socket.clear()
        self.http.clear()
        self.tcp.clear()

    def for_socket(self, sent: Sent) -> tuple[float, SocketFault | None]:
        """Give the delay for a call, and the rule that ends it. Use the rules up."""
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
        """Give the rule that refuses a TCP connection. Use it up."""
        rule = next(iter(self.tcp), None)
        if rule is not None:
            _use(self.tcp, rule)
        return rule

    def for_http(self, path: str, name: str) -> tuple[float, HttpFault | None]:
        """Give the delay for a request, and the rule that ends it. Use the rules up."""
        seconds = 0.0
        for rule in list(self.http):
            if not rule.fits(path, name):
                continue
            _use(self.http, rule)
            seconds += rule.seconds
            if rule.drop or rule.status is not None:
                return seconds, rule
        return seconds, None


def _use(rules: list[Any], rule: SocketFault | HttpFault | TcpFault) -> None:
    if rule.times is None:
        return
    rule.times -= 1
    if rule.times <= 0:
        # By identity: two equal rules are two rules.
        rules[:] = [r for r in rules if r is not rule]
