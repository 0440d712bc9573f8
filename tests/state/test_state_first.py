"""Handlers that one process of several calls when the bot starts: ``on_ready(once=True)`` and ``Bot.is_first``."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mezon import MezonClient
from mezon.errors import InvalidArgumentError
from mezon.ext import _first
from mezon.ext.commands import Bot
from mezon.ext.state import Backend, StateError, StateStore
from mezon.testing import LocalGateway
from state_backends import open_backend
from waiting import until

KEY = "_processes"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_first, "RENEW", 0.1)
    monkeypatch.setattr(_first, "_POLL", 0.02)
    # A busy machine must not take a living process for dead.
    monkeypatch.setattr(_first, "DEAD", 3.0)


@contextlib.asynccontextmanager
async def two_backends(kind: str, address: str) -> AsyncIterator[list[Backend]]:
    if kind == "memory":
        pytest.skip("memory belongs to one process")
    async with open_backend(kind, address) as one, open_backend(kind, address) as other:
        yield [one, other]


def announcing(gateway: LocalGateway, backend: Backend | None, calls: list[str], name: str) -> Bot:
    bot = Bot(**gateway.client_options(), state=backend)

    @bot.on_ready(once=True)
    async def announce() -> None:
        calls.append(f"once in {name}")

    @bot.on_ready
    async def each(client: MezonClient) -> None:
        assert client is bot
        await bot.is_first()
        calls.append(f"each in {name}")

    return bot


async def test_one_process_calls_the_handler(gateway: LocalGateway, kind: str, address: str) -> None:
    calls: list[str] = []
    async with two_backends(kind, address) as backends:
        first, second = (announcing(gateway, backend, calls, str(n)) for n, backend in enumerate(backends))
        await first.login()
        await until(lambda: len(calls) == 2)
        await second.login()
        await until(lambda: "each in 1" in calls)
        # The first process stops; a third joins the second, which the bot has never been without.
        await first.disconnect()
        await first.login()
        await until(lambda: calls.count("each in 0") == 2)
        assert sorted(calls) == ["each in 0", "each in 0", "each in 1", "once in 0"]
        assert not await second.is_first()
        await second.disconnect()
        await first.disconnect()
        # Nobody runs: the next process starts the bot.
        await second.login()
        await until(lambda: calls.count("each in 1") == 2)
        assert calls.count("once in 1") == 1
        await second.disconnect()


async def test_processes_that_start_together(gateway: LocalGateway, kind: str, address: str) -> None:
    calls: list[str] = []
    async with two_backends(kind, address) as backends:
        bots = [announcing(gateway, backend, calls, str(n)) for n, backend in enumerate(backends)]
        await asyncio.gather(*(bot.login() for bot in bots))
        await until(lambda: len(calls) == 3)
        assert sum(call.startswith("once") for call in calls) == 1
        for bot in bots:
            await bot.disconnect()


async def test_a_killed_process_is_taken_for_dead(
    gateway: LocalGateway, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_first, "DEAD", 1.0)
    backend.shared = True
    calls: list[str] = []
    bot = announcing(gateway, backend, calls, "the next")
    await StateStore(bot.client_id, backend).put(KEY, json.dumps({"v": 1, "d": {"killed": "x"}}).encode())
    await bot.login()
    await until(lambda: len(calls) == 2)
    assert "once in the next" in calls
    entry = await bot.records.get(KEY)
    assert entry is not None
    assert list(json.loads(entry.value)["d"]) != ["killed"]
    await bot.disconnect()


async def test_a_dead_process_does_not_stay_in_the_list(
    gateway: LocalGateway, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.shared = True
    bot = announcing(gateway, backend, [], "one")
    await bot.login()
    await bot.is_first()
    monkeypatch.setattr(_first, "DEAD", 1.0)
    entry = await bot.records.get(KEY)
    assert entry is not None
    living = json.loads(entry.value)["d"]
    await bot.records.put(KEY, json.dumps({"v": 1, "d": {**living, "killed": "x"}}).encode())

    async def alone() -> bool:
        found = await bot.records.get(KEY)
        assert found is not None
        return list(json.loads(found.value)["d"]) == list(living)

    await until(alone)
    await bot.disconnect()


async def test_a_bot_without_shared_state_is_always_first(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[str] = []
    bot = announcing(gateway, None, calls, "the process")
    for logins in (1, 2):
        await bot.login()
        await until(lambda logins=logins: calls.count("once in the process") == logins)
        await bot.disconnect()
    assert list(tmp_path.rglob("*state*")) == []  # noqa: ASYNC240 (the bot has ended)


async def test_setup_asks_before_the_login_ends(gateway: LocalGateway, tmp_path: Path) -> None:
    answers: list[bool] = []

    class Setup(Bot):
        async def setup_hook(self) -> None:
            answers.append(await self.is_first())

    bots = [Setup(**gateway.client_options(), state=tmp_path / "state.db") for _ in range(2)]
    for bot in bots:
        await bot.login()
    assert answers == [True, False]
    for bot in bots:
        await bot.disconnect()


async def test_unusable_state_is_an_error_of_the_handler(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("no database" * 1000)
    bot = Bot(**gateway.client_options(), state=tmp_path / "state.db")
    reported: list[Exception] = []
    bot.on_error(lambda error, where: reported.append(error))

    @bot.on_ready(once=True)
    def announce() -> None:
        raise AssertionError

    await bot.login()
    await until(lambda: bool(reported))
    assert isinstance(reported[0], StateError)
    with pytest.raises(InvalidArgumentError, match="must be callable"):
        bot.on_ready(once=True)("announce")  # type: ignore[type-var]
    await bot.disconnect()
