"""The documented limits of the live service (docs/protocol.md, "Limits"), and how the gateway enforces them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Self

from mezon.testing.records import KINDS, Sent

__all__ = ["BAD_INPUT", "TOO_MANY", "AnswerLoops", "LimitEnforcer", "Limits", "Meter", "Refusal"]

BAD_INPUT: Final = 3
TOO_MANY: Final = 429
#: The code for a bot that answers itself. Clients retry after 429, which would not end the loop.
FAILED_PRECONDITION: Final = 9

_SECOND: Final = 1.0
_MINUTE: Final = 60.0
#: A bot that answers its own messages is stopped after this many messages in this many seconds.
_LOOP_MESSAGES: Final = 50
_LOOP_SECONDS: Final = 5.0
_SENDS: Final = (KINDS["message"], KINDS["ephemeral"])
_CONTENTS: Final = (*_SENDS, KINDS["update"])


@dataclass(slots=True)
class Limits:
    """Limits of each connection; None for no limit. An envelope that exceeds a limit is refused.

    Attributes:
        sends_per_second: Channel and ephemeral messages; ``error{429}``.
        sends_per_minute: The same in a minute.
        frames_per_second: All frames, pings included; ``error{429}``.
        content_length: UTF-16 units of a message's JSON; ``error{3}``.
        uninterrupted_sends: Messages of a bot to one channel within 5 seconds and without a message of anyone else
            between them; ``error{9}``. ``mezon chat``, ``dev`` and ``gateway`` set 50, because such a bot most
            likely answers its own messages.
    """

    sends_per_second: int | None = None
    sends_per_minute: int | None = None
    frames_per_second: int | None = None
    content_length: int | None = None
    uninterrupted_sends: int | None = None

    @classmethod
    def of_the_service(cls) -> Self:
        """Return the documented limits of the live service."""
        return cls(sends_per_second=60, sends_per_minute=200, frames_per_second=80, content_length=4000)


@dataclass(slots=True, frozen=True)
class Refusal:
    """The code and text of the error envelope for a refused envelope."""

    code: int
    text: str


class _Window:
    """Timestamps within a sliding window."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def is_full(self, now: float, limit: int | None) -> bool:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return limit is not None and len(self._times) >= limit

    def count(self, now: float) -> int:
        self._times.append(now)
        return len(self._times)


class LimitEnforcer:
    """Check the envelopes of one connection against limits."""

    def __init__(self) -> None:
        self._frames = _Window(_SECOND)
        self._second = _Window(_SECOND)
        self._minute = _Window(_MINUTE)

    def check(self, sent: Sent, limits: Limits) -> Refusal | None:
        """Return why an envelope exceeds the limits. Otherwise count the envelope and return None."""
        now = sent.time
        if self._frames.is_full(now, limits.frames_per_second):
            return Refusal(TOO_MANY, f"more than {limits.frames_per_second} frames in a second")
        self._frames.count(now)
        exact = sent.api_name or sent.kind
        if exact in _CONTENTS and limits.content_length is not None:
            length = len(sent.payload.content.encode("utf-16-le", "surrogatepass")) // 2
            if length > limits.content_length:
                return Refusal(
                    BAD_INPUT, f"the content has {length} characters, the limit is {limits.content_length}"
                )
        if exact not in _SENDS:
            return None
        if self._second.is_full(now, limits.sends_per_second):
            return Refusal(TOO_MANY, f"more than {limits.sends_per_second} messages in a second")
        if self._minute.is_full(now, limits.sends_per_minute):
            return Refusal(TOO_MANY, f"more than {limits.sends_per_minute} messages in a minute")
        self._second.count(now)
        self._minute.count(now)
        return None


class AnswerLoops:
    """Find bots that answer their own messages.

    Replies to own messages are always counted, other messages if ``Limits.uninterrupted_sends`` is set. A message of
    anyone else in the channel starts a new count.
    """

    def __init__(self) -> None:
        self._recent: dict[tuple[int, int], _Window] = {}

    def check(self, bot_id: int, sent: Sent, limits: Limits, last_sender: int | None) -> Refusal | None:
        """Return why a message is refused. Otherwise count the message and return None.

        Args:
            bot_id: The sender.
            sent: The envelope.
            limits: The limits of the gateway.
            last_sender: The author of the last message of the channel, or None.
        """
        if sent.kind not in _SENDS:
            return None
        own_reply = any(one.message_sender_id == bot_id for one in sent.payload.references)
        limit = _LOOP_MESSAGES if own_reply else limits.uninterrupted_sends
        if limit is None:
            return None
        key = (bot_id, sent.channel_id)
        window = self._recent.get(key)
        if window is None or last_sender not in (None, bot_id):
            window = self._recent[key] = _Window(_LOOP_SECONDS)
        if window.is_full(sent.time, limit):
            what = "replied to its own messages" if own_reply else "sent messages that nobody else answered,"
            return Refusal(
                FAILED_PRECONDITION,
                f"the bot answers itself: it {what} {limit} times in {_LOOP_SECONDS:g} s. Ignore the bot's own "
                "messages: @client.on_channel_message(ignore_self=True)",
            )
        window.count(sent.time)
        return None


@dataclass(slots=True)
class Meter:
    """Count the frames of each bot over all of its connections.

    Attributes:
        busiest_second: The largest number of frames that one bot sent within one second, pings included.
    """

    busiest_second: int = 0
    _recent: dict[int, _Window] = field(default_factory=dict, repr=False)

    def count(self, bot_id: int, now: float) -> None:
        """Count a frame."""
        window = self._recent.setdefault(bot_id, _Window(_SECOND))
        window.is_full(now, None)
        self.busiest_second = max(self.busiest_second, window.count(now))
