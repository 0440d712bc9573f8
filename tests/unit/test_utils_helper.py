"""Helpers and logging set-up."""

import io
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from mezon.constants import ChannelStreamMode, ChannelType
from mezon.utils import (
    convert_channeltype_to_channel_mode,
    disable_logging,
    enable_logging,
    generate_snowflake_id,
    get_logger,
    helper,
    is_valid_user_id,
    parse_url_to_host_and_ssl,
    setup_logger,
    sleep,
)
from mezon.utils.logger import ColoredFormatter


def test_modes_by_channel_type() -> None:
    modes = {kind: convert_channeltype_to_channel_mode(kind) for kind in range(1, 11)}
    assert modes == {1: 2, 2: 3, 3: 4, 4: 0, 5: 0, 6: 0, 7: 6, 8: 2, 9: 0, 10: 2}
    assert (
        convert_channeltype_to_channel_mode(ChannelType.CHANNEL_TYPE_DM) is ChannelStreamMode.STREAM_MODE_DM
    )
    assert convert_channeltype_to_channel_mode(None) == 0


@pytest.mark.parametrize("value", ["123", 5, 0, 1840000000000000000, "0"])
def test_user_ids(value: Any) -> None:
    assert is_valid_user_id(value)


@pytest.mark.parametrize("value", [-1, "", "12a", "1\n", "٣", None, 1.5, True])
def test_not_user_ids(value: Any) -> None:
    assert not is_valid_user_id(value)


@pytest.mark.parametrize(
    ("url", "host", "port", "ssl"),
    [
        ("https://gw.example/path", "gw.example", "443", True),
        ("http://gw.example", "gw.example", "80", False),
        ("https://gw.example:7305/", "gw.example", "7305", True),
        ("wss://gw.example", "gw.example", "443", True),
        ("http://[::1]:8080", "::1", "8080", False),
    ],
)
def test_urls(url: str, host: str, port: str, ssl: bool) -> None:
    assert parse_url_to_host_and_ssl(url) == {"host": host, "port": port, "useSSL": ssl}


def test_snowflakes_are_unique_across_threads_and_grow() -> None:
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: [generate_snowflake_id() for _ in range(5000)], range(4)))
    everything = [number for batch in batches for number in batch]
    assert len(set(everything)) == 20_000
    assert all(batch == sorted(batch) for batch in batches)


def test_snowflake_parts_stay_in_place_when_a_millisecond_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "_last_snowflake", 0)
    monkeypatch.setattr(helper.time, "time_ns", lambda: 1_790_000_000_000_000_000)
    numbers = [generate_snowflake_id() for _ in range(10_000)]
    assert len(set(numbers)) == 10_000
    assert {(number >> 12) & 0x3FF for number in numbers} == {(1 << 5) | 1}
    assert numbers[0] >> 22 == 1_790_000_000_000 - 1_577_836_800_000


async def test_sleep_takes_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def record(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(helper.asyncio, "sleep", record)
    await sleep(20)
    assert slept == [0.02]


@pytest.fixture
def name() -> Iterator[str]:
    name = "mezon.test_logging"
    yield name
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.disabled = False
    logger.setLevel(logging.NOTSET)


def test_setup_adds_one_handler(name: str) -> None:
    logger = setup_logger(name, logging.DEBUG)
    assert setup_logger(name, logging.WARNING) is logger is get_logger(name)
    assert len(logger.handlers) == 1
    assert logger.level == logging.WARNING
    assert isinstance(logger.handlers[0].formatter, ColoredFormatter)


def test_a_handler_of_the_bot_is_left_alone(name: str) -> None:
    mine = logging.NullHandler()
    logging.getLogger(name).addHandler(mine)
    assert setup_logger(name).handlers == [mine]


def test_disable_and_enable(name: str) -> None:
    logger = setup_logger(name)
    disable_logging(name)
    assert not logger.isEnabledFor(logging.CRITICAL)
    enable_logging(name, logging.ERROR)
    assert logger.isEnabledFor(logging.ERROR)
    assert not logger.isEnabledFor(logging.WARNING)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("broken", [False, True])
def test_the_console_of_windows_is_told_of_colours(monkeypatch: pytest.MonkeyPatch, broken: bool) -> None:
    asked: list[tuple[int, int]] = []

    def set_console_mode(handle: int, mode: int) -> int:
        asked.append((handle, mode))
        if broken:
            raise OSError("this console has no modes")
        return 1

    kernel = SimpleNamespace(GetStdHandle=lambda number: number * 10, SetConsoleMode=set_console_mode)
    monkeypatch.setitem(sys.modules, "ctypes", SimpleNamespace(windll=SimpleNamespace(kernel32=kernel)))
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert ColoredFormatter("%(levelname)s").use_colors
    assert asked == [(-120, 7)]
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not ColoredFormatter("%(levelname)s").use_colors
    assert len(asked) == 1


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    record = logging.LogRecord("mezon", logging.ERROR, "f", 1, "text %s", ("x",), None)
    assert ColoredFormatter("%(levelname)s %(message)s").format(record) == "ERROR text x"
    monkeypatch.setattr(sys, "stderr", Terminal())
    formatter = ColoredFormatter("%(levelname)s %(message)s")
    assert formatter.format(record) == "\033[31m\033[1mERROR\033[0m text x"
    assert record.levelname == "ERROR"
    assert ColoredFormatter("%(levelname)s", use_colors=False).format(record) == "ERROR"
