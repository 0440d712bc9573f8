"""What every backend of state promises, each over its real file or server."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from mezon import InvalidArgumentError
from mezon.ext.state import (
    Backend,
    ScopedState,
    State,
    StateConflictError,
    StateFormatError,
    StateStore,
)
from preloaded import PRELOADED
from state_backends import open_backend

HERE = Path(__file__).parent
CHILD = HERE / "state_child.py"


class Score(State):
    points: int = 0
    name: str = ""


class Counter(State, scope="bot"):
    count: int = 0


@pytest.fixture
def store(backend: Backend) -> StateStore:
    return StateStore(1, backend)


@pytest.fixture
def state(store: StateStore) -> ScopedState:
    return store.at(clan_id=10, channel_id=20, user_id=30)


# ---- the backend


async def test_put_and_delete_compare_revisions(backend: Backend) -> None:
    assert await backend.get("a.b") is None
    first = await backend.put("a.b", b"one", 0)
    assert first is not None
    assert await backend.put("a.b", b"two", 0) is None
    second = await backend.put("a.b", b"two", first)
    assert second is not None
    assert second != first
    assert await backend.put("a.b", b"three", first) is None
    assert not await backend.delete("a.b", first)
    entry = await backend.get("a.b")
    assert entry is not None
    assert (entry.value, entry.revision, entry.expires) == (b"two", second, None)
    third = await backend.put("a.b", bytes(range(256)), None)
    entry = await backend.get("a.b")
    assert entry is not None
    assert (entry.value, entry.revision) == (bytes(range(256)), third)
    assert await backend.delete("a.b", third)
    assert not await backend.delete("a.b")
    assert await backend.get("a.b") is None


async def test_revision_of_a_deleted_key_is_not_used_again(backend: Backend) -> None:
    first = await backend.put("a.b", b"one", 0)
    assert await backend.delete("a.b")
    second = await backend.put("a.b", b"one", 0)
    assert second is not None
    assert second != first
    assert await backend.put("a.b", b"two", first) is None


async def test_entries_are_listed_by_prefix_in_order(backend: Backend) -> None:
    for key in ("1.A.2", "1.A.1", "1.AB.1", "1.B.1", "11.A.1"):
        await backend.put(key, key.encode(), 0)
    assert [key for key, _ in await backend.entries("1.A.")] == ["1.A.1", "1.A.2"]
    assert [entry.value for _, entry in await backend.entries("1.A.")] == [b"1.A.1", b"1.A.2"]
    assert [key for key, _ in await backend.entries("")] == ["1.A.1", "1.A.2", "1.AB.1", "1.B.1", "11.A.1"]
    assert await backend.entries("2.") == []


async def test_expired_entry_is_gone_everywhere(backend: Backend) -> None:
    revision = await backend.put("a.short", b"x", 0, ttl=0.05)
    await backend.put("a.long", b"x", 0, ttl=3600)
    while await backend.get("a.short") is not None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert [key for key, _ in await backend.entries("a.")] == ["a.long"]
    assert not await backend.delete("a.short", revision)
    assert await backend.put("a.short", b"y", 0) is not None
    await backend.expire()
    assert [key for key, _ in await backend.entries("a.")] == ["a.long", "a.short"]


async def test_a_cancelled_caller_gives_up_at_once(backend: Backend) -> None:
    """Clients of Redis and NATS can swallow a cancellation; who waited for the cancelled task waited forever."""

    async def use() -> None:
        while True:
            await backend.put("a.b", b"one", None)
            await backend.get("a.b")
            await asyncio.sleep(0)

    for number in range(100):
        task = asyncio.create_task(use())
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=10)
        assert done == {task}
        assert task.cancelled()


async def test_closed_backend_opens_again(kind: str, address: str) -> None:
    async with open_backend(kind, address) as backend:
        await backend.put("a.b", b"one", 0)
        await backend.close()
        await backend.close()
        entry = await backend.get("a.b")
        assert entry is not None
        assert entry.value == b"one"


# ---- records


async def test_first_read_returns_the_defaults_and_stores_nothing(
    store: StateStore, state: ScopedState
) -> None:
    assert await state(Score) == Score()
    assert await store.keys() == []


async def test_edit_stores_at_the_end_of_its_block(state: ScopedState) -> None:
    async with state.edit(Score) as score:
        score.points += 3
        assert (await state(Score)).points == 0
    assert (await state(Score)).points == 3


async def test_edit_that_raises_stores_nothing(store: StateStore, state: ScopedState) -> None:
    with pytest.raises(ZeroDivisionError):
        async with state.edit(Score) as score:
            score.points = 1 // 0
    assert await store.backend.entries("") == []


async def test_edits_of_one_record_do_not_overlap(state: ScopedState) -> None:
    async def add() -> None:
        async with state.edit(Score) as score:
            before = score.points
            await asyncio.sleep(0)
            score.points = before + 1

    await asyncio.gather(*(add() for _ in range(20)))
    assert (await state(Score)).points == 20


async def test_edits_of_two_connections_are_all_applied(kind: str, address: str, backend: Backend) -> None:
    if kind == "memory":
        pytest.skip("memory has one connection")

    async def add(state: ScopedState) -> None:
        async with state.edit(Counter) as counter:
            counter.count += 1

    async with open_backend(kind, address) as other:
        states = [StateStore(1, one).at() for one in (backend, other)]
        await asyncio.gather(*(add(state) for state in states for _ in range(20)))
        assert (await states[0](Counter)).count == 40


async def test_write_of_another_process_is_not_overwritten(store: StateStore, state: ScopedState) -> None:
    # Not by edit(): as a process writes whose lease has expired.
    key = "Score.user_in_clan.10.30"

    async def edit() -> None:
        async with state.edit(Score) as score:
            await store.put(key, b'{"v":1,"d":{"points":7}}')
            score.points = 1

    with pytest.raises(StateConflictError, match="was changed while it was edited"):
        await edit()
    assert (await state(Score)).points == 7


async def test_record_held_elsewhere_is_refused_in_time(kind: str, address: str, state: ScopedState) -> None:
    async with open_backend(kind, address) as other:
        if kind == "memory":
            other = state.store.backend
        theirs = StateStore(1, other).at(clan_id=10, user_id=30) if kind != "memory" else state
        async with theirs.edit(Score):
            with pytest.raises(StateConflictError, match="edited elsewhere"):
                async with state.edit(Score, timeout=0.05):
                    raise AssertionError
    async with state.edit(Score, timeout=5) as score:
        score.points = 1


async def test_scopes_have_records_of_their_own(store: StateStore, state: ScopedState) -> None:
    for number, scope in enumerate(("user_in_clan", "user", "channel", "clan", "bot"), 1):
        async with state.edit(Score, scope=scope) as score:  # type: ignore[arg-type]
            score.points = number
    assert [key for key, _ in await store.keys()] == [
        "Score.bot",
        "Score.channel.20",
        "Score.clan.10",
        "Score.user.30",
        "Score.user_in_clan.10.30",
    ]
    elsewhere = store.at(clan_id=11, channel_id=21, user_id=30)
    assert (await elsewhere(Score)).points == 0
    assert (await elsewhere(Score, scope="user")).points == 2
    assert (await elsewhere(Score, scope="bot")).points == 5
    assert await state.delete(Score, scope="user")
    assert not await state.delete(Score, scope="user")


async def test_bots_share_a_backend_and_no_records(backend: Backend) -> None:
    one, other = StateStore(1, backend), StateStore(11, backend)
    async with one.at().edit(Counter) as counter:
        counter.count = 1
    assert (await other.at()(Counter)).count == 0
    assert await other.keys() == []


async def test_top_and_all_of_a_clan(store: StateStore, state: ScopedState) -> None:
    for clan, user, points in [(10, 1, 5), (10, 2, 9), (10, 3, 7), (100, 4, 99)]:
        async with store.at(clan_id=clan, user_id=user).edit(Score) as score:
            score.points = points
    assert [(row.user_id, row.value.points) for row in await state.top(Score, by="points", n=2)] == [
        (2, 9),
        (3, 7),
    ]
    least = await state.top(Score, by=lambda score: -score.points, n=1)
    assert [(row.clan_id, row.user_id) for row in least] == [(10, 1)]
    assert len(await state.all(Score)) == 3
    with pytest.raises(InvalidArgumentError, match="no field 'point'"):
        await state.top(Score, by="point")


async def test_ttl_ends_a_record(state: ScopedState) -> None:
    async with state.edit(Score, ttl=0.05) as score:
        score.points = 1
    while (await state(Score)).points:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    async with state.edit(Score) as score:
        assert score.points == 0
        score.points = 2
    assert (await state(Score)).points == 2


async def test_schema_may_grow_and_shrink(state: ScopedState) -> None:
    class Old(State, name="Profile"):
        points: int = 3
        gone: str = "x"

    class New(State, name="Profile"):
        points: int = 0
        added: tuple[int, ...] = (1,)

    async with state.edit(Old) as old:
        old.points = 4
    new = await state(New)
    assert (new.points, new.added) == (4, (1,))


async def test_record_that_does_not_fit_names_key_and_version(state: ScopedState) -> None:
    class Old(State, name="Profile"):
        points: str = ""

    class New(State, name="Profile", version=2):
        points: int = 0

    class Newest(State, name="Profile", version=3):
        points: int = 0

        @State.migrate(from_version=1)
        def to_number(data: dict[str, object]) -> dict[str, object]:
            return {"points": len(str(data["points"]))}

    async with state.edit(Old) as old:
        old.points = "four"
    with pytest.raises(StateFormatError, match=r"Profile\.user_in_clan\.10\.30.*version 1.*points") as caught:
        await state(New)
    assert (caught.value.key, caught.value.version) == ("Profile.user_in_clan.10.30", 1)
    assert (await state(Newest)).points == 4
    async with state.edit(Newest) as newest:
        newest.points += 1
    with pytest.raises(StateFormatError, match="version 3 of Old, and this is version 1"):
        await state(Old)


async def test_bytes_of_another_program_are_named(store: StateStore, state: ScopedState) -> None:
    await store.put("Score.user_in_clan.10.30", b"\x00not json")
    with pytest.raises(StateFormatError, match="no stored State"):
        await state(Score)


# ---- processes


async def test_killed_processes_lose_no_edit(kind: str, address: str, backend: Backend) -> None:
    """Four processes edit one record; two are killed, and two others finish. No finished edit is lost."""
    if kind == "memory":
        pytest.skip("memory ends with its process")
    edits = int(os.environ.get("STATE_EDITS", "200"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    children = [
        await asyncio.create_subprocess_exec(
            PRELOADED,
            str(CHILD),
            kind,
            address,
            str(edits),
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        for _ in range(4)
    ]
    done = [0, 0, 0, 0]

    async def follow(index: int) -> None:
        stdout = children[index].stdout
        assert stdout is not None
        async for line in stdout:
            done[index] = int(line)
            if index < 2 and done[index] == edits // 2:
                children[index].kill()

    await asyncio.gather(*map(follow, range(4)))
    assert [await child.wait() for child in children] == [-9, -9, 0, 0]
    count = (await StateStore(1, backend).at()(Counter)).count
    # A killed process may have finished edits that it did not report any more.
    assert sum(done) <= count <= 4 * edits
    assert done[2:] == [edits, edits]
