"""Cooldowns and repeated clicks that several processes of a bot count together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from mezon.ext.commands import Bot, Context, CooldownError, cooldown
from mezon.ext.components import Button, Click
from mezon.ext.state import Backend, StateStore
from mezon.testing import LocalGateway
from patience import patient
from state_backends import open_backend


def use(records: StateStore, user: int = 30) -> Any:
    return SimpleNamespace(
        user_id=user,
        channel=SimpleNamespace(id=20),
        clan=SimpleNamespace(id=10),
        bot=SimpleNamespace(records=records),
    )


async def command() -> None: ...


@contextlib.asynccontextmanager
async def two_stores(kind: str, address: str) -> AsyncIterator[list[StateStore]]:
    if kind == "memory":
        pytest.skip("memory belongs to one process")
    async with open_backend(kind, address) as one, open_backend(kind, address) as other:
        yield [StateStore(1, one), StateStore(1, other)]


async def test_concurrent_uses_are_all_counted(kind: str, address: str) -> None:
    async with two_stores(kind, address) as stores:
        limits = [cooldown(5, 3600, shared=True) for _ in stores]

        async def count(number: int) -> bool:
            pending = limits[number % 2].use(use(stores[number % 2]), command)
            assert pending is not None
            with contextlib.suppress(CooldownError):
                await pending
                return True
            return False

        assert sum(await asyncio.gather(*map(count, range(12)))) == 5
        # Another user, and another handler, have counts of their own.
        for usage, handler in ((use(stores[0], 31), command), (use(stores[1]), use)):
            pending = limits[0].use(usage, handler)
            assert pending is not None
            await pending


async def test_a_use_counts_for_its_period(backend: Backend) -> None:
    records, limit = StateStore(1, backend), cooldown(1, 0.05, "all", shared=True)
    for _ in range(2):
        while True:
            pending = limit.use(use(records), command)
            assert pending is not None
            with contextlib.suppress(CooldownError):
                await pending
                break
            await asyncio.sleep(0.01)
    ((key, _),) = await records.keys()
    assert key.endswith("_command.all.0")
    await records.put(key, b"damaged")
    pending = limit.use(use(records), command)
    assert pending is not None
    await pending


async def test_a_cooldown_holds_after_a_restart(gateway: LocalGateway, backend: Backend) -> None:
    answers: list[str] = []
    for _ in range(2):
        bot = Bot(**gateway.client_options(), state=backend)

        @bot.command(cooldown=cooldown(1, 3600, shared=True))
        async def daily(ctx: Context) -> None:
            await ctx.reply("done")

        await bot.login()
        await gateway.say("general", "alice", "!daily")
        answers.append((await gateway.next_sent("message")).text)
        await bot.disconnect()
        await gateway.wait_disconnected()
    assert answers[0] == "done"
    assert "again in" in answers[1]


async def test_a_click_that_two_processes_receive_is_handled_once(
    gateway: LocalGateway, kind: str, address: str
) -> None:
    if kind == "memory":
        pytest.skip("memory belongs to one process")
    handled: list[int] = []
    async with open_backend(kind, address) as one, open_backend(kind, address) as other:
        bots = [
            Bot(**gateway.client_options(), state=backend, shared_clicks=True) for backend in (one, other)
        ]
        for number, bot in enumerate(bots):

            @bot.button("vote/{choice:int}")
            async def vote(click: Click, choice: int) -> None:
                handled.append(choice)
                if choice == 3:
                    await click.reply("the last one")

            @bot.command()
            async def start(ctx: Context) -> None:
                await ctx.reply("vote", buttons=[Button(f"{n}", id=f"vote/{n}") for n in (1, 2, 3)])

            await bot.login()
            if number == 0:
                await gateway.say("general", "alice", "!start")
                sent = await gateway.next_sent("message")
        for choice, user in ((1, "alice"), (2, "alice"), (2, "bob"), (3, "alice")):
            await gateway.click(sent, f"vote/{choice}", user=user)
        assert (await gateway.next_sent("message")).text == "the last one"
        for bot in bots:
            await bot.disconnect(drain=5)
    assert sorted(handled) == [1, 2, 2, 3]


async def test_a_click_whose_handler_failed_is_no_repetition(gateway: LocalGateway, backend: Backend) -> None:
    bot = Bot(**gateway.client_options(), state=backend, shared_clicks=True)
    failed = asyncio.Event()

    @bot.button("flaky")
    async def flaky(click: Click) -> None:
        if not failed.is_set():
            raise RuntimeError("oops")
        await click.reply("second try")

    @bot.command()
    async def start(ctx: Context) -> None:
        await ctx.reply("vote", buttons=[Button("Flaky", id="flaky")])

    @bot.error_handler
    async def note(where: Any, error: Exception) -> None:
        failed.set()

    await bot.login()
    await gateway.say("general", "alice", "!start")
    sent = await gateway.next_sent("message")
    await gateway.click(sent, "flaky", user="alice")
    await asyncio.wait_for(failed.wait(), patient(20))
    await gateway.click(sent, "flaky", user="alice")
    assert (await gateway.next_sent("message")).text == "second try"
    await bot.disconnect()
