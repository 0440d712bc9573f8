"""Settings of relays: options of the command line, the file of several bots, and what a worker does with its bot's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mezon import GapOptions, GatewayOptions
from mezon._cluster.relay_settings import (
    RelaySettings,
    gap_options,
    gateway_options,
    parse_pairs,
    parse_rate,
    rate_of_environment,
    read_bots,
)
from mezon.errors import InvalidArgumentError
from mezon.testing import LocalGateway
from nats_servers import Child, NatsServer, needs_nats, worker_process
from patience import patient
from preloaded import PRELOADED

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("1/1.25", (1, 1.25)), ("5/1", (5, 1.0)), ("0", (0, 0.0)), ("0/3", (0, 0.0)), ("1/0", (0, 0.0))],
)
def test_a_rate_limit_is_read(text: str, rate: tuple[int, float]) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "1", "x/1", "1/", "-1/2", "1/-1", "1/inf", "1/nan"])
def test_a_rate_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"write 1/1\.25"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("2.5", (1, 2.5)), ("0", (0, 0.0)), ("0.0", (0, 0.0)), ("", (1, 1.25)), (None, (1, 1.25))],
)
def test_the_rate_limit_of_the_environment(
    text: str | None, rate: tuple[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is None:
        monkeypatch.delenv("MEZON_HTTP_RATE_PERIOD", raising=False)
    else:
        monkeypatch.setenv("MEZON_HTTP_RATE_PERIOD", text)
    assert rate_of_environment() == rate


def test_a_relay_names_the_variable_of_its_rate_limit(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key")
    done = subprocess.run(
        [
            PRELOADED,
            "-m",
            "mezon.cli",
            "relay",
            "--nats",
            "nats://127.0.0.1:1",
            "--api-key-file",
            str(key),
        ],
        env={**os.environ, "MEZON_BOT_ID": "1", "MEZON_HTTP_RATE_PERIOD": "often"},
        capture_output=True,
        text=True,
        timeout=patient(60),
    )
    assert done.returncode == 2
    assert "MEZON_HTTP_RATE_PERIOD must be a number of seconds" in done.stderr
    assert "Traceback" not in done.stderr


def test_fields_of_the_gateway_and_of_gap_filling_are_read() -> None:
    assert gateway_options(parse_pairs("--gateway", ["rate_limit=40", "ca_file=my.pem"])) == GatewayOptions(
        rate_limit=40, ca_file="my.pem"
    )
    # What is not given keeps the value of a relay.
    assert gap_options(parse_pairs("--gap", ["max_age=60"])) == GapOptions(channels=1000, max_age=60)
    with pytest.raises(InvalidArgumentError, match="the gateway has no setting 'rate'"):
        gateway_options({"rate": 1})
    with pytest.raises(InvalidArgumentError, match="NAME=VALUE, such as --gap channels=50"):
        parse_pairs("--gap", ["channels"])
    with pytest.raises(InvalidArgumentError, match="3 seconds or more"):
        RelaySettings(lock_ttl=1)


def written(folder: Path, text: str) -> Path:
    file = folder / "bots.toml"
    file.write_text(text)
    return file


def test_a_file_of_bots_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.key").write_text("the first key\n")
    monkeypatch.setenv("SECOND_KEY", "the second key")
    file = written(
        tmp_path,
        """
        [[bots]]
        id = 11
        key_file = "one.key"
        http_rate = "2/3"
        cache = "none"
        token_transfers = false
        gateway = { rate_limit = 40 }
        gap = false

        [[bots]]
        id = 12
        key_env = "SECOND_KEY"
        host = "example.org"
        max_bytes = "64MiB"
        gap = { channels = 5 }
        """,
    )
    one, two = read_bots(file, RelaySettings(lock_ttl=8))
    assert (one.client_id, one.api_key, two.client_id, two.api_key) == (
        "11",
        "the first key",
        "12",
        "the second key",
    )
    assert "key" not in repr([one, two]).replace("api_key", "")
    first, second = one.settings.for_relay(), two.settings.for_relay()
    assert (first["http_rate"], first["message_db"], first["token_transfers"]) == ((2, 3.0), False, False)
    assert (first["gateway"].rate_limit, first["gap"]) == (40, None)
    assert (second["http_rate"], second["host"]) == ((1, 1.25), "example.org")
    assert (second["layout"].max_bytes, second["gap"].channels) == (64 * 1024**2, 5)
    assert first["timing"].lock_ttl == second["timing"].lock_ttl == 8


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[bots]\n", "is no TOML file"),
        ("", "has no bots"),
        ("bots = 3", "has no bots"),
        ('[[bots]]\nkey_env = "K"', "has no id"),
        ("[[bots]]\nid = 1", "needs key_file"),
        ('[[bots]]\nid = 1\nkey_env = "NOT_SET_AT_ALL"', "the variable NOT_SET_AT_ALL is not set"),
        ('[[bots]]\nid = 1\nkey_file = "nowhere"', "nowhere cannot be read"),
        ('[[bots]]\nid = 1\nkey_env = "K"\nhost_name = "x"', "unknown key 'host_name'"),
        ('[[bots]]\nid = 1\nkey_env = "K"\ngateway = { rate = 1 }', "no setting 'rate'"),
        ('[[bots]]\nid = 1\nkey_env = "K"\nlock_ttl = 1', "3 seconds or more"),
        ('[[bots]]\nid = 1\nkey_env = "K"\n[[bots]]\nid = 1\nkey_env = "K"', "the bot 1 twice"),
    ],
)
def test_a_file_that_is_wrong_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    monkeypatch.setenv("K", "a key")
    with pytest.raises(InvalidArgumentError, match=sentence):
        read_bots(written(tmp_path, text), RelaySettings())


def relay(nats: NatsServer, gateway: LocalGateway, *arguments: str, **environment: str) -> Child:
    """The command, for one gateway or for several that a file names."""
    options = gateway.client_options()
    known: dict[str, Any] = {
        "MEZON_BOT_ID": options["client_id"],
        "MEZON_API_KEY": options["api_key"],
        "MEZON_HOST": options["host"],
        "MEZON_PORT": options["port"],
        "MEZON_USE_SSL": "false",
    }
    all_arguments = ("-m", "mezon.cli", "relay", "--nats", nats.url, "--cache", "none", *arguments)
    return Child(*all_arguments, environment={name: str(one) for name, one in known.items()} | environment)


@needs_nats
async def test_a_relay_with_another_life_of_the_lock_is_refused(
    gateway: LocalGateway, nats: NatsServer
) -> None:
    async with relay(nats, gateway, "--lock-ttl", "8", "--partitions", "4") as first:
        await first.ready()
        async with relay(nats, gateway) as second:
            assert second.process is not None
            assert await second.process.wait() == 1
            assert "lives 8 seconds, and 5 are requested: use --lock-ttl 8" in second.log()


@pytest.fixture
async def other_gateway() -> AsyncIterator[LocalGateway]:
    async with LocalGateway(bot_id=1830000000000000077) as gateway:
        yield gateway


@needs_nats
async def test_one_process_holds_several_bots(
    gateway: LocalGateway, other_gateway: LocalGateway, nats: NatsServer, bot: Path, tmp_path: Path
) -> None:
    gateways = (gateway, other_gateway)
    tables = []
    for number, one in enumerate(gateways):
        options = one.client_options()
        (tmp_path / f"{number}.key").write_text(options["api_key"])
        tables.append(
            f'[[bots]]\nid = {options["client_id"]}\nkey_file = "{number}.key"\nhost = "{options["host"]}"\n'
            f'port = "{options["port"]}"\nuse_ssl = false\npartitions = 4\nhttp_rate = "0"\n'
        )
    # A bot whose key is wrong does not keep the others from working.
    wrong = tables[0].replace(f"id = {gateway.bot_id}", "id = 1840000000000009999")
    file = written(tmp_path, "\n".join([*tables, wrong]))
    async with relay(nats, gateway, "--bots", str(file)) as process, contextlib.AsyncExitStack() as stack:
        ready = {await process.ready(), await process.ready()}
        assert {line.split()[3] for line in ready} == {str(one.bot_id) for one in gateways}
        for number, one in enumerate(gateways):
            ledger = tmp_path / f"ledger{number}"
            environment = {"BOT_ID": str(one.bot_id), "LEDGER": str(ledger)}
            worker = await stack.enter_async_context(worker_process(bot, nats.url, environment))
            await worker.ready()
            await one.say("general", "alice", f"?{number}")
            assert (await one.next_sent("channel_message_send", timeout=20)).text == f"!{number}"
        assert "The relay of bot 1840000000000009999 has ended" in process.log()
        assert not any(one.api_key in process.log() for one in gateways)
        assert await process.terminate() == 0


def give_settings(bot: Path, store: Path) -> None:
    """Let the bot's file set what only a relay can apply."""
    text = bot.read_text().replace(
        'host="nowhere.invalid",',
        'host="nowhere.invalid", gateway=GatewayOptions(rate_limit=40, ca_file=None), http_rate_limit=2,'
        f' message_db="{store}", transport="tcp", fill_gaps=GapOptions(channels=7),',
    )
    bot.write_text(text.replace("import MezonClient", "import GapOptions, GatewayOptions, MezonClient"))


@needs_nats
async def test_a_worker_says_which_settings_of_its_bot_are_those_of_the_relay(
    gateway: LocalGateway, nats: NatsServer, bot: Path, ledger: Path
) -> None:
    store = ledger.with_name("mine.db")
    give_settings(bot, store)
    environment = {"BOT_ID": str(gateway.bot_id), "LEDGER": str(ledger)}
    async with relay(nats, gateway, "--partitions", "4", "--gateway", "rate_limit=40") as process:
        await process.ready()
        async with worker_process(bot, nats.url, environment) as worker:
            await worker.ready()
            log = worker.log()
    for sentence in (
        "pass it as mezon relay --gateway rate_limit=40",
        "pass it as mezon relay --http-rate 2/1.25",
        "pass its path as mezon relay --cache",
        "set MEZON_TRANSPORT=tcp for the relay",
        "pass its fields as mezon relay --gap channels=7",
    ):
        assert sentence in log, log
    assert log.count("has no effect in a worker") == 5
    assert not await asyncio.to_thread(store.exists)
    assert gateway.api_key not in log
