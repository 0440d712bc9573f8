"""Counts of a burst: which messages were lost, handled twice, answered twice or overtaken, and the longest pauses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the burst: its channel, and when it was sent."""

    channel: int
    at: float


@dataclass(frozen=True, slots=True)
class Handled:
    """A line of the ledger: a handler began with this message at this time.

    Attributes:
        at: The time.
        channel: The channel of the message.
        number: The number of the message.
        sequence: The sequence number of its event in the stream.
        repeated: Whether the relay has marked the event as one that it may have published before: it fetched the
            message from the history of the channel, or repeated an event that NATS had not confirmed.
    """

    at: float
    channel: int
    number: int
    sequence: int = 0
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of a burst.

    Attributes:
        events: Messages sent.
        unhandled: Messages that no handler got.
        unanswered: Messages that a handler got but whose answer did not arrive at the gateway, without an error.
        errors: Messages without an answer whose handler got an error from its call.
        handled_twice: Messages that a handler got more than once.
        answered_twice: Messages with more than one answer.
        fetched_late: Missed messages that the relay published after a later one of their channel, because it had not
            fetched them in time. Handlers got them in the order of the stream.
        out_of_order: Other messages that a handler got for the first time after a later one of their channel.
        pause: The longest time after the fault without any event.
        channel_pause: The longest time after the fault in which a channel with a waiting message got none.
    """

    events: int
    unhandled: int
    unanswered: int
    errors: int
    handled_twice: int
    answered_twice: int
    fetched_late: int
    out_of_order: int
    pause: float
    channel_pause: float

    @property
    def lost(self) -> int:
        """Messages without an answer and without an error in a handler."""
        return self.unhandled + self.unanswered


def overtaken(handled: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return each channel and number whose first handling came after that of a later number of the channel."""
    latest: dict[int, int] = {}
    late = []
    for channel, number in dict.fromkeys(handled):
        if number < latest.get(channel, number):
            late.append((channel, number))
        latest[channel] = max(number, latest.get(channel, number))
    return late


def _fetched_late(handled: Iterable[Handled]) -> set[int]:
    """Return the messages marked as repeated that a handler got in the order of the stream."""
    last: dict[int, int] = {}
    found = set()
    for one in handled:
        if one.repeated and one.sequence > last.get(one.channel, 0):
            found.add(one.number)
        last[one.channel] = max(one.sequence, last.get(one.channel, 0))
    return found


def tally(
    said: Mapping[int, Said],
    handled: Sequence[Handled],
    answers: Mapping[int, int],
    since: float,
    failed: Collection[int] = (),
) -> Tally:
    """Count what became of the messages.

    Args:
        said: The messages by number, ascending within each channel.
        handled: The ledger, in the order in which it was written.
        answers: How many answers to each message arrived.
        since: The time of the fault.
        failed: The messages whose handler got an error from its call.
    """
    times = Counter(one.number for one in handled)
    first: dict[int, Handled] = {}
    for one in handled:
        first.setdefault(one.number, one)
    after = sorted([since, *(one.at for one in handled if one.at > since)])
    channels: dict[int, list[Handled]] = defaultdict(list)
    for one in first.values():
        channels[one.channel].append(one)
    waits = [0.0]
    for each in channels.values():
        each.sort(key=lambda one: one.at)
        before = since
        for one in each:
            waits.append(one.at - max(before, said[one.number].at))
            before = max(before, one.at)
    late = {number for _, number in overtaken((one.channel, one.number) for one in handled)}
    fetched_late = late & _fetched_late(first.values())
    return Tally(
        events=len(said),
        unhandled=sum(number not in times for number in said),
        unanswered=sum(
            number in times and not answers.get(number) and number not in failed for number in said
        ),
        errors=sum(not answers.get(number) for number in set(failed)),
        handled_twice=sum(count > 1 for count in times.values()),
        answered_twice=sum(count > 1 for count in answers.values()),
        fetched_late=len(fetched_late),
        out_of_order=len(late - fetched_late),
        pause=max((later - earlier for earlier, later in pairwise(after)), default=0.0),
        channel_pause=max(waits),
    )
