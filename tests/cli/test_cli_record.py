"""``mezon record`` asks a running bot for its trace; ``mezon replay`` lets a bot handle it offline."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from cli_kit import BOT, mezon_command, running
from mezon.testing import LocalGateway
from mezon.traces import read_trace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGUSR2")


async def test_record_and_replay(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    record = {"MEZON_RECORD": "trace.mzt", "MEZON_RECORD_TEXTS": "true"}
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path / "runtime")}
    (tmp_path / "runtime").mkdir(mode=0o700)
    async with running("run", folder=tmp_path, **gateway.environment(), **record, **runtime) as command:
        await command.until("is logged in")
        await gateway.say("general", "alice", "hi there")
        await gateway.next_sent("message")
        written = await asyncio.to_thread(mezon_command, "record", folder=tmp_path, **record, **runtime)
        assert (written.returncode, written.stderr) == (0, "")
        assert written.stdout.startswith("trace.mzt: ")
        assert written.stdout.endswith(" events, texts kept (SIGUSR2)\n")
        await command.until("A trace of")
        again = await asyncio.to_thread(mezon_command, "record", "trace.mzt", folder=tmp_path, **runtime)
        assert again.returncode == 0
        assert await command.end(signal.SIGINT) == 0
    assert gateway.api_key.encode() not in (tmp_path / "trace.mzt").read_bytes()

    replayed = await asyncio.to_thread(mezon_command, "replay", "trace.mzt", "bot.py", folder=tmp_path)
    assert (replayed.returncode, replayed.stderr) == (0, "")
    lines = replayed.stdout.splitlines()
    assert lines[0].startswith("trace.mzt: ")
    at = next(
        number
        for number, line in enumerate(lines)
        if '<- channel_message #general alice: {"t":"hi there"}' in line
    )
    assert lines[at + 1].strip() == "-> message: one: hi there"

    gone = await asyncio.to_thread(mezon_command, "record", "trace.mzt", folder=tmp_path, **runtime)
    assert gone.returncode == 1
    assert (
        "no running bot of this user records to trace.mzt: start it with MEZON_RECORD=trace.mzt"
        in gone.stderr
    )


async def test_a_handler_that_fails_in_a_replay_is_shown(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT + "        raise ValueError('ouch')\n")
    async with running("run", folder=tmp_path, **gateway.environment(), MEZON_RECORD="trace.mzt") as command:
        await command.until("is logged in")
        await gateway.say("general", "alice", "hi there")
        await command.until("A trace of")
        assert await command.end(signal.SIGINT) == 0
    assert read_trace(tmp_path / "trace.mzt").header["reason"] == "ValueError in channel_message"
    replayed = await asyncio.to_thread(mezon_command, "replay", "trace.mzt", folder=tmp_path)
    assert replayed.returncode == 1
    assert "Texts were redacted" in replayed.stdout
    assert "-> message: one: xx xxxxx" in replayed.stdout
    assert "ValueError: ouch" in replayed.stderr
    assert replayed.stderr.endswith("1 handlers failed\n")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("record",), 2, "which trace? Name the file of MEZON_RECORD: mezon record trace.mzt"),
        (("replay", "none.mzt", "bot.py"), 1, "none.mzt cannot be read: No such file or directory"),
        (("replay", "bot.py", "bot.py"), 1, "bot.py is not a trace of mezon-rs"),
    ],
)
def test_wrong_use_is_a_one_line_error(
    tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    done = mezon_command(*arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (code, sentence + "\n")
