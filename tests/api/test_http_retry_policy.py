"""When a refusal is tried again, and after how long."""

from __future__ import annotations

import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon._http.retry import Refusal, read_refusal, retry_after_seconds
from mezon.api import RetryPolicy
from multidict import CIMultiDict


@pytest.mark.parametrize(
    ("status", "headers", "text", "refusal"),
    [
        (429, {}, "", Refusal.RATE),
        (403, {"retry-after": "1"}, "", Refusal.RATE),
        (403, {}, "Rate limit exceeded", Refusal.RATE),
        (403, {}, "too many requests", Refusal.RATE),
        (403, {}, "", Refusal.MAYBE_RATE),
        (403, {}, "<html>403 Forbidden</html>", Refusal.MAYBE_RATE),
        (403, {}, '{"message": "Permission denied"}', Refusal.FINAL),
        (502, {}, "", Refusal.TROUBLE),
        (503, {}, "", Refusal.TROUBLE),
        (504, {}, "", Refusal.TROUBLE),
        (500, {}, "", Refusal.FINAL),
        (400, {}, "rate", Refusal.FINAL),
        (401, {}, "", Refusal.FINAL),
        (404, {}, "", Refusal.FINAL),
    ],
)
def test_reading_a_refusal(status: int, headers: dict[str, str], text: str, refusal: Refusal) -> None:
    assert read_refusal(status, CIMultiDict(headers), text) is refusal


NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 0.5 ", 0.5),
        ("Thu, 01 Jan 2026 00:00:07 GMT", 7.0),
        ("Thu, 01 Jan 2026 00:00:07 -0000", 7.0),
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("1e400", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_seconds(CIMultiDict({"Retry-After": value}), NOW) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    seconds = retry_after_seconds({"Retry-After": value}, NOW)
    assert seconds is None or seconds >= 0


@given(done=st.integers(0, 200), seed=st.integers())
def test_waits_grow_with_jitter_and_stay_bounded(done: int, seed: int) -> None:
    policy = RetryPolicy(base=1.0, max_wait=30.0)
    longest = min(2.0**done, 30.0)
    wait = policy.wait(done, None, random.Random(seed))
    assert wait is not None
    assert longest / 2 <= wait <= longest


def test_the_servers_delay_wins_unless_it_is_too_long() -> None:
    policy = RetryPolicy(max_wait=30.0)
    assert policy.wait(5, 30.0) == 30.0
    assert policy.wait(0, 30.1) is None


def test_attempts_are_bounded_by_kind() -> None:
    policy = RetryPolicy(rate=3, maybe_rate=1, trouble=2)

    def count(refusal: Refusal, idempotent: bool) -> int:
        return sum(policy.allowed(refusal, done, idempotent=idempotent) for done in range(100))

    assert count(Refusal.RATE, False) == 3
    assert count(Refusal.MAYBE_RATE, False) == 1
    assert count(Refusal.TROUBLE, True) == 2
    assert count(Refusal.TROUBLE, False) == 0
    assert count(Refusal.FINAL, True) == 0
