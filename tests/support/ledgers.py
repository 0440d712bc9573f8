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
    """A line of the ledger: a handler began with this message at this time."""

    at: float
    channel: int
    number: int


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
        out_of_order: Messages that a handler got for the first time after a later one of their channel.
        pause: The longest time after the fault without any event.
        channel_pause: The longest time after the fault in which a channel with a waiting message got none.
    """

    events: int
    unhandled: int
    unanswered: int
    errors: int
    handled_twice: int
    answered_twice: int
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
    return Tally(
        events=len(said),
        unhandled=sum(number not in times for number in said),
        unanswered=sum(
            number in times and not answers.get(number) and number not in failed for number in said
        ),
        errors=sum(not answers.get(number) for number in set(failed)),
        handled_twice=sum(count > 1 for count in times.values()),
        answered_twice=sum(count > 1 for count in answers.values()),
        out_of_order=len(overtaken((one.channel, one.number) for one in handled)),
        pause=max((later - earlier for earlier, later in pairwise(after)), default=0.0),
        channel_pause=max(waits),
    )
