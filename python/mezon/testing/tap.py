"""Being told what passes through a gateway while it passes: for the playground, ``mezon chat``, a live log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.records import Request, Sent

__all__ = ["Answer", "Tap"]


@dataclass(slots=True, frozen=True)
class Answer:
    """What the gateway wrote to one connection: an envelope, or the answer to an API call.

    Attributes:
        connection: Number of the connection, counted from 1.
        time: ``time.monotonic()``.
        cid: The number of the call it answers; 0 for a push.
        size: Bytes of the payload.
        envelope: The envelope; None for the answer to an API call.
        code, body: The response code and the whole body of an answer to an API call.
    """

    connection: int
    time: float
    cid: int
    size: int
    envelope: realtime_pb2.Envelope | None
    code: int = 0
    body: bytes = field(default=b"", repr=False)


class Tap:
    """Override what you want to be told of, and append an instance to ``gateway.taps``.

    The methods are called on the gateway's loop, in the middle of its work: be quick and do not raise.
    Bursts (``blast``) and garbage (``push_wire``) do not come by here.
    """

    def came(self, sent: Sent) -> None:
        """Hear that a bot sent an envelope."""

    def went(self, answer: Answer) -> None:
        """Hear that the gateway wrote to a bot."""

    def told(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        """Hear that something happened in the world, whether a bot is there to hear it or not.

        ``receivers``: who alone may see it (an ephemeral message); empty for everybody.
        """

    def requested(self, request: Request) -> None:
        """Hear that an HTTP request was answered."""

    def connected(self, live: int) -> None:
        """Hear that a socket came or went; ``live`` are open now."""
