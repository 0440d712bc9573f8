"""The counts of benches/promises.py: ledgers with a lost, a doubled and an overtaken event."""

from __future__ import annotations

import pytest
from ledgers import Handled, Said, overtaken, tally

#: Channel 1 has the even numbers and channel 2 the odd ones; one is sent each second from 100.
SAID = {number: Said(1 + number % 2, 100.0 + number) for number in range(6)}


def ledger(*numbers: int, begin: float = 110.0) -> list[Handled]:
    """Lines that were written a second apart."""
    return [Handled(begin + place, SAID[number].channel, number) for place, number in enumerate(numbers)]


def answered(*numbers: int) -> dict[int, int]:
    return {number: numbers.count(number) for number in numbers}


def test_nothing_happened() -> None:
    counts = tally(SAID, ledger(*range(6)), answered(*range(6)), since=109.0)
    assert (counts.events, counts.lost, counts.handled_twice, counts.answered_twice, counts.out_of_order) == (
        *(6, 0, 0, 0, 0),
    )


def test_lost_events() -> None:
    """3 got to no handler; 4 did, but its answer is missing."""
    counts = tally(SAID, ledger(0, 1, 2, 4, 5), answered(0, 1, 2, 5), since=109.0)
    assert (counts.unhandled, counts.unanswered, counts.lost) == (1, 1, 2)


def test_errors_in_handlers() -> None:
    """The handler of 4 got an error and has no answer; that of 5 did as well, but an answer arrived."""
    counts = tally(SAID, ledger(*range(6)), answered(0, 1, 2, 3, 5), since=109.0, failed=[4, 4, 5])
    assert (counts.errors, counts.lost) == (1, 0)


def test_no_ledger_at_all() -> None:
    counts = tally(SAID, [], {}, since=109.0)
    assert (counts.unhandled, counts.unanswered, counts.lost) == (6, 0, 6)


def test_doubled_events() -> None:
    """2 was handled three times, 3 twice; 1 was answered twice."""
    counts = tally(SAID, ledger(0, 1, 2, 3, 2, 4, 5, 2, 3), answered(0, 1, 1, 2, 3, 4, 5), since=109.0)
    assert (counts.handled_twice, counts.answered_twice) == (2, 1)
    assert counts.out_of_order == 0, "a repetition is no disorder"


def test_overtaken_events() -> None:
    """0 and 2 were overtaken by 4 in their channel, but not by what came in the other one."""
    late = ledger(1, 3, 5, 4, 0, 2)
    assert tally(SAID, late, answered(*range(6)), since=109.0).out_of_order == 2
    assert overtaken((one.channel, one.number) for one in late) == [(1, 0), (1, 2)]


@pytest.mark.parametrize(
    ("events", "fetched_late", "out_of_order"),
    [
        # The number, the sequence in the stream, and whether it is marked as repeated, as handled in channel 1.
        ([(4, 1, False), (0, 2, True), (2, 3, True)], 2, 0),
        # A worker has turned 2 round: it is before 4 in the stream.
        ([(4, 2, False), (0, 3, True), (2, 1, True)], 1, 1),
        # The relay has turned 2 round: it was not fetched.
        ([(4, 1, False), (0, 2, True), (2, 3, False)], 1, 1),
    ],
)
def test_messages_that_were_fetched_late(
    events: list[tuple[int, int, bool]], fetched_late: int, out_of_order: int
) -> None:
    handled = [Handled(110.0, 1, *event) for event in events]
    counts = tally(SAID, handled, answered(*range(6)), since=109.0)
    assert (counts.fetched_late, counts.out_of_order) == (fetched_late, out_of_order)


@pytest.mark.parametrize(
    ("since", "pause", "channel_pause"),
    [
        # All arrive at 110, 111, 112, then 3 at 130 and the others after it.
        (109.0, 18.0, 19.0),
        # Pauses count from the fault on.
        (120.0, 10.0, 11.0),
        (140.0, 0.0, 0.0),
    ],
)
def test_pauses(since: float, pause: float, channel_pause: float) -> None:
    """4 is the last to be handled in channel 1, whose last message before was handled at 112; 3 follows 1 of 111."""
    handled = [*ledger(0, 1, 2), *ledger(3, 4, 5, begin=130.0)]
    counts = tally(SAID, handled, answered(*range(6)), since=since)
    assert (counts.pause, counts.channel_pause) == (pause, channel_pause)


def test_a_channel_without_a_waiting_message_does_not_pause() -> None:
    said = {0: Said(1, 100.0), 1: Said(1, 120.0)}
    handled = [Handled(100.5, 1, 0), Handled(121.0, 1, 1)]
    counts = tally(said, handled, {0: 1, 1: 1}, since=100.0)
    assert (counts.pause, counts.channel_pause) == (20.5, 1.0)
