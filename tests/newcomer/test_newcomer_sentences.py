"""Typical mistakes of the first hour: each gets a sentence that says what to write instead."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import Any

import pytest
from mezon import InvalidArgumentError, MezonClient, MezonConnectionError
from mezon.ext.commands import Bot, Context, cooldown
from mezon.ext.components import Form
from mezon.testing import LocalGateway
from pydantic import BaseModel


async def ping(ctx: Context) -> None: ...


def slow(ctx: Context) -> None: ...


def test_a_bare_cooldown() -> None:
    with pytest.raises(InvalidArgumentError, match=r"write @cooldown\(1, 60\), with parentheses.*got ping"):
        cooldown(ping)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"per must be > 0, not 1 and 0"):
        cooldown(1)


@pytest.mark.parametrize("name", ["event", "listen"])
@pytest.mark.parametrize("client", [MezonClient("1", "key"), Bot("1", "key")], ids=["client", "bot"])
def test_decorators_of_other_packages(client: MezonClient, name: str) -> None:
    kind = type(client).__name__
    with pytest.raises(
        AttributeError, match=f"'{kind}' object has no attribute '{name}': write @client.on_channel_message"
    ):
        getattr(client, name)
    assert not hasattr(client, name)
    assert name not in dict(inspect.getmembers(client))


def test_a_synchronous_and_a_duplicate_command() -> None:
    bot = Bot("1", "key")
    with pytest.raises(
        InvalidArgumentError,
        match=r"the command slow must be a coroutine function: async def slow\(ctx, \.\.\.\)",
    ):
        bot.command()(slow)
    bot.command()(ping)
    with pytest.raises(
        InvalidArgumentError, match=r"the command 'ping' exists already \(ping\): choose another"
    ):
        bot.command("ping")(ping)


class Model(BaseModel):
    x: int


@dataclass
class Data:
    x: int


@pytest.mark.parametrize("kind", [Model, Data])
def test_a_field_that_no_input_can_hold(kind: Any) -> None:
    # Made at run time, as the annotation is a parameter.
    form: type[Form] = type("Trip", (Form,), {"__annotations__": {"where": kind}, "__module__": __name__})
    with pytest.raises(
        InvalidArgumentError,
        match=f"the field where is a {kind.__name__}, but an input holds one value: give the form the fields",
    ):
        form.content(title="Trip")


async def test_names_instead_of_ids(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    await client.login()
    with pytest.raises(
        InvalidArgumentError, match=r"not '#general'; find .* await clan\.channel\(\"general\""
    ):
        await client.channels.fetch("#general")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"not 'alice'; find a member by name"):
        await client.users.fetch("alice")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"not 'Home'; the bot's clans are in client\.clans"):
        await client.clans.fetch("Home")  # type: ignore[arg-type]
    await client.disconnect()


async def test_another_loop_and_a_closed_client(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    await client.login()
    channel = await client.channels.fetch(gateway.world.channel("general").id)

    def in_another_loop() -> None:
        with pytest.raises(
            MezonConnectionError, match=r"Run all of the bot in one asyncio\.run\(\), or create"
        ):
            asyncio.run(channel.send("hi"))

    await asyncio.to_thread(in_another_loop)
    await client.disconnect()
    with pytest.raises(
        MezonConnectionError, match=r"has not logged in, or disconnect\(\) has closed it; await"
    ):
        await channel.send("hi")
