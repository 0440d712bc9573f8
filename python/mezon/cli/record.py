"""``mezon record`` and ``mezon replay``: the trace of a running bot, and a bot that handles it offline."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from mezon.cli.find import find, load_env_file
from mezon.cli.output import WRONG_USE, fail, say
from mezon.testing.bots import BotError
from mezon.testing.replay import Step, replay_steps
from mezon.traces import Trace, TraceError, read_trace
from mezon.utils.instance_mark import InstanceMark

#: Seconds the bot may take to write a trace.
_WRITE_TIMEOUT: Final = 30.0
_POLL: Final = 0.05
#: The length of a text in a line of a replay.
_SHOWN: Final = 100


def record(trace: Path | None, env_file: Path | None) -> None:
    """Ask the bot that records to a file for its trace, and wait until the file is written."""
    load_env_file(env_file, Path.cwd())
    path = trace or Path(os.environ.get("MEZON_RECORD", ""))
    if not path.name:
        fail("which trace? Name the file of MEZON_RECORD: mezon record trace.mzt", WRONG_USE)
    if not hasattr(signal, "SIGUSR2"):
        fail("this system has no SIGUSR2: the bot writes its trace only on an error")
    process = InstanceMark("record", path.absolute()).holder()
    if process is None:
        fail(f"no running bot of this user records to {path}: start it with MEZON_RECORD={path}")
    before = _identity(path)
    try:
        os.kill(process, signal.SIGUSR2)
    except OSError as error:
        fail(f"process {process} cannot be signalled: {error.strerror or error}")
    deadline = time.monotonic() + _WRITE_TIMEOUT
    while _identity(path) == before:
        if time.monotonic() > deadline:
            fail(f"process {process} has not written {path} within {_WRITE_TIMEOUT:g} s; see its log")
        time.sleep(_POLL)
    say(_summary(path, _read(path)))


def _identity(path: Path) -> tuple[int, int] | None:
    # A trace replaces the file, so its inode changes.
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def replay(trace: Path, named: str | None, env_file: Path | None) -> None:
    """Replay a trace and print each event with what the bot sent. Exits with code 1 if a handler failed."""
    load_env_file(env_file, Path.cwd())
    found, target = _read(trace), find(named)
    say(_summary(trace, found))
    if not found.header.get("texts"):
        say(
            "Texts were redacted: commands are not recognized. Record with MEZON_RECORD_TEXTS=1 to keep them."
        )
    errors: list[tuple[BaseException, str]] = []
    logging.basicConfig(
        level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )

    async def main() -> None:
        async for step in replay_steps(found, target, errors):
            for line in _lines(step):
                say(line)

    try:
        asyncio.run(main())
    except BotError as error:
        fail(str(error), WRONG_USE)
    if errors:
        fail(f"{len(errors)} handlers failed")


def _read(path: Path) -> Trace:
    try:
        return read_trace(path)
    except TraceError as error:
        fail(str(error))


def _summary(path: Path, trace: Trace) -> str:
    seconds = trace.records[-1].at - trace.records[0].at if trace.records else 0.0
    events = sum(1 for _ in trace.events())
    kept = "texts kept" if trace.header.get("texts") else "texts redacted"
    count, reason = len(trace.records), trace.header["reason"]
    return f"{path}: {count} records of {seconds:.0f} s, {events} events, {kept} ({reason})"


def _lines(step: Step) -> list[str]:
    at = datetime.fromtimestamp(step.record.at).strftime("%H:%M:%S.%f")[:-3]
    message = step.record.fields.get("message", {})
    lines = [f"{at} <- {step.record.event}{_place(message)}{_shown(message.get('content'))}"]
    lines += [f"{'':12} -> {sent.name}{_shown(sent.text)}" for sent in step.sent]
    return lines


def _place(message: dict[str, Any]) -> str:
    channel = message.get("channel_label") or message.get("channel_id")
    user = message.get("username") or message.get("sender_id") or message.get("user_id")
    return "".join(
        f" {word}" for word in (f"#{channel}" if channel else "", f"{user}" if user else "") if word
    )


def _shown(content: Any) -> str:
    text = str(content or "")
    return f": {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}" if text else ""
