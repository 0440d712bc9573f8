"""Collection and CacheManager: order, bounds, single flight, cancellation."""

import asyncio
import gc
import weakref
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon import MezonClient
from mezon.errors import InvalidArgumentError, MezonError
from mezon.managers.cache import CacheManager, Collection
from mezon.utils.single_flight import SingleFlight


async def no_fetch(id: Any) -> Any:
    raise AssertionError("nothing should be fetched here")


def test_collection() -> None:
    names: Collection[int, str] = Collection()
    assert (names.first(), names.first_key(), names.size) == (None, None, 0)
    names.set(1, "a")
    names.set(2, "b")
    names.set(1, "c")
    assert list(names.items()) == [(1, "c"), (2, "b")]
    names.move_to_end(1)
    names.move_to_end(7)
    assert (names.first(), names.first_key(), list(names), list(names.keys())) == ("b", 2, [2, 1], [2, 1])
    assert names.map(str.upper) == ["B", "C"]
    assert list(names.filter(lambda name: name == "c").items()) == [(1, "c")]
    assert names.get(3) is None
    assert 1 in names
    assert len(names) == 2
    assert names.delete(1)
    assert not names.delete(1)
    names.clear()
    assert list(names.values()) == []


def test_a_collection_can_change_while_it_is_walked() -> None:
    names: Collection[int, int] = Collection()
    for number in range(5):
        names.set(number, number)
    for number in names.values():
        names.delete(number)
        names.set(number + 10, number)
    assert list(names) == [10, 11, 12, 13, 14]


def test_least_recently_used_goes_first() -> None:
    cache: CacheManager[int, str] = CacheManager(no_fetch, 2)
    cache.set(1, "a")
    cache.set(2, "b")
    assert cache.get(1) == "a"
    cache.set(3, "c")
    assert list(cache.cache.items()) == [(1, "a"), (3, "c")]
    cache.set(1, "d")
    cache.set(4, "e")
    assert list(cache.values()) == ["d", "e"]
    assert cache.first() == "d"
    assert (cache.size, cache.has(3), cache.has(4)) == (2, False, True)


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.sampled_from(["get", "set", "delete"]), st.integers(0, 8)), max_size=60),
)
def test_cache_behaves_like_the_model(size: int, steps: list[tuple[str, int]]) -> None:
    cache: CacheManager[int, int] = CacheManager(no_fetch, size)
    model: list[int] = []  # least recently used first
    for step, key in steps:
        known = key in model
        if step != "set":
            assert (cache.get(key) if step == "get" else cache.delete(key)) == (
                (key + 1 if known else None) if step == "get" else known
            )
        else:
            cache.set(key, key + 1)
        if known:
            model.remove(key)
        if step == "set" or (step == "get" and known):
            model.append(key)
        del model[: max(0, len(model) - size)]
        assert list(cache.cache) == model


def test_no_bound_by_default() -> None:
    for cache in (CacheManager[int, int](no_fetch), CacheManager[int, int](no_fetch, None)):
        for number in range(5000):
            cache.set(number, number)
        assert (cache.size, cache.max_size) == (5000, inf)


def test_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="0 or more"):
        CacheManager(no_fetch, -1)


async def test_ids_may_be_digit_strings() -> None:
    asked = []

    async def fetch(id: Any) -> str:
        asked.append(id)
        return "fetched"

    cache: CacheManager[Any, str] = CacheManager(fetch)
    cache.set("123", "a")
    assert cache.get(123) == cache.get("123") == await cache.fetch("123") == "a"
    assert cache.has("123")
    assert "123" in cache
    assert list(cache.cache) == [123]
    assert cache.delete("123")
    assert await cache.fetch("9") == "fetched"
    cache.set("0123", "not a number")
    cache.set("x", "neither")
    assert cache.get("missing") is None
    assert asked == [9]
    assert list(cache.cache) == [9, "0123", "x"]


@pytest.mark.parametrize(
    ("cache", "name", "hint"),
    [
        (
            "channels",
            "general",
            "channel_id must be an id, .*; find a channel by its name with await clan.channel",
        ),
        ("users", "alice", "user_id must be an id, .*; find a member by name in await clan.members"),
        ("clans", "Playground", "clan_id must be an id, .*; the bot's clans are in client.clans.values"),
    ],
)
async def test_a_name_in_place_of_an_id(cache: str, name: str, hint: str) -> None:
    client = MezonClient(1, "key", message_db=False)
    known: CacheManager[Any, Any] = getattr(client, cache)
    with pytest.warns(UserWarning, match=rf"^get\('{name}'\) returns None: {hint}") as caught:
        assert known.get(name) is None
    assert [warning.filename for warning in caught] == [__file__]
    # Warnings are errors here.
    for id in (7, "7", "", None):
        assert known.get(id) is None
    with pytest.raises(MezonError):
        await known.fetch(name)
    known.set(name, "cached by its name")
    assert known.get(name) == await known.fetch(name) == "cached by its name"


async def test_size_zero_keeps_nothing_and_still_fetches() -> None:
    async def fetch(id: int) -> int:
        return id

    cache: CacheManager[int, int] = CacheManager(fetch, 0)
    cache.set(1, 1)
    assert cache.get(1) is None
    assert await cache.fetch(1) == 1
    assert cache.size == 0


class Fetcher:
    """Counts, and answers when told."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.cancelled = 0
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self, id: int) -> str:
        self.calls.append(id)
        try:
            return await asyncio.shield(self.answer)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def waiters(cache: CacheManager[int, str], count: int) -> list[asyncio.Task[str]]:
    tasks = [asyncio.ensure_future(cache.fetch(1)) for _ in range(count)]
    await asyncio.sleep(0.01)
    return tasks


async def test_concurrent_fetches_share_one_call() -> None:
    fetcher = Fetcher()
    cache = CacheManager(fetcher)
    tasks = await waiters(cache, 5)
    fetcher.answer.set_result("a")
    assert await asyncio.gather(*tasks) == ["a"] * 5
    assert await cache.fetch(1) == "a"
    assert fetcher.calls == [1]


async def test_cancelling_one_waiter_cancels_only_that_one() -> None:
    fetcher = Fetcher()
    cache = CacheManager(fetcher)
    tasks = await waiters(cache, 3)
    tasks[0].cancel()  # the one that started the fetch
    await asyncio.sleep(0.01)
    fetcher.answer.set_result("a")
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == ["a", "a"]
    assert (fetcher.calls, fetcher.cancelled) == ([1], 0)


async def test_the_last_waiter_takes_the_fetch_along_and_the_next_begins_anew() -> None:
    fetcher = Fetcher()
    cache = CacheManager(fetcher)
    tasks = await waiters(cache, 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    late = asyncio.ensure_future(cache.fetch(1))  # while the cancelled fetch is still ending
    await asyncio.sleep(0.01)
    assert fetcher.cancelled == 1
    fetcher.answer.set_result("b")
    assert await late == "b"
    assert fetcher.calls == [1, 1]


@pytest.mark.parametrize("count", [1, 3])
async def test_failures_reach_every_waiter_and_leave_no_log(
    count: int, caplog: pytest.LogCaptureFixture
) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    fetcher = Fetcher()
    cache = CacheManager(fetcher)
    tasks = await waiters(cache, count)
    fetcher.answer.set_exception(ValueError("unknown"))
    for task in tasks:
        with pytest.raises(ValueError, match="unknown"):
            await task
    assert cache.size == 0
    fetcher.answer = asyncio.get_running_loop().create_future()
    fetcher.answer.set_result("now")
    assert await cache.fetch(1) == "now"
    del tasks, task
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []
    assert caplog.records == []


async def test_an_object_that_came_meanwhile_keeps_its_identity() -> None:
    fetcher = Fetcher()
    cache = CacheManager(fetcher)
    [task] = await waiters(cache, 1)
    cache.set(1, "from an event")
    fetcher.answer.set_result("from the server")
    assert await task == cache.get(1) == "from an event"


async def test_single_flight_runs_again_after_the_first() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    runs = 0

    async def work() -> int:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0)
        return runs

    keys = ("a", "a", "b")
    assert await asyncio.gather(*(flights.run(key, work) for key in keys)) == [2, 2, 2]
    assert await flights.run("a", work) == 3


def test_single_flight_keeps_no_closed_loop() -> None:
    """An unfinished call refers to everything it uses, open connections among it."""
    flights: SingleFlight[str, int] = SingleFlight()

    async def begin() -> None:
        asyncio.ensure_future(flights.run("a", asyncio.Event().wait))  # noqa: RUF006 (it ends with its loop)
        await asyncio.sleep(0.0)
        await asyncio.sleep(0.0)

    async def one() -> int:
        return 1

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    dead = weakref.ref(loop)
    del loop, task
    assert asyncio.run(flights.run("a", one)) == 1
    gc.collect()
    assert dead() is None
