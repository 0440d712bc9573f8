"""`make demo`: a conversation with the echo bot, then a burst of 50,000 messages to the burst bot.

Both bots run unchanged as separate processes; environment variables point them at the local gateway, which has its own
process. The exit code is 0 only if every check of the final table passes.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import GatewayProcess, Sent

EXAMPLES: Final = Path(__file__).parent
MESSAGES: Final = 50_000
PATIENCE: Final = 20.0
STORE: Final = Path("mezon-cache") / "mezon-messages-cache.db"

TTY: Final = sys.stdout.isatty()

# Windows has no SIGTERM: terminate() ends a process there immediately, without flushing its output.
POSIX: Final = os.name == "posix"
ACTIVATE: Final = ". .venv/bin/activate" if POSIX else r".venv\Scripts\activate"

NEXT: Final = f"""
Next, create a bot and talk to it in the browser:
  {ACTIVATE}
  mezon new my-bot --template commands && cd my-bot
  mezon dev"""


class DemoError(Exception):
    """A check of the demo failed; the message says which."""


def paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if TTY else text


def line(who: str, text: str, color: str, note: str = "") -> None:
    now = paint(datetime.now().strftime("%H:%M:%S"), "2")
    print(f"  {now}  {paint(f'{who:>6}', color)}  {text}{paint(note, '2')}", flush=True)


def title(text: str) -> None:
    print(f"\n{paint(text, '1')}", flush=True)


def make_folder(home: str, name: str) -> Path:
    folder = Path(home) / name
    folder.mkdir()
    return folder


# Processes


@contextlib.asynccontextmanager
async def bot(name: str, gateway: GatewayProcess, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run an example as a child process in its own folder, for the duration of the block.

    What it logs would stand in the middle of the conversation: it is shown when something does not hold.
    """
    log = folder / "bot.log"
    with log.open("wb") as stderr:
        process = await _start(name, gateway, folder, stderr)
    try:
        await connected(name, gateway, process)
        yield process
    except DemoError:
        print(log.read_text(encoding="utf-8", errors="replace"), file=sys.stderr)
        raise
    finally:
        await end(process)


async def _start(
    name: str, gateway: GatewayProcess, folder: Path, stderr: BinaryIO
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        cwd=folder,
        env={**gateway.environment(), "PYTHONUNBUFFERED": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        # The demo handles Ctrl-C and ends the bot.
        start_new_session=POSIX,
    )


async def connected(name: str, gateway: GatewayProcess, process: asyncio.subprocess.Process) -> None:
    joined = asyncio.create_task(gateway.wait_joined(timeout=PATIENCE))
    gone = asyncio.create_task(process.wait())
    try:
        await asyncio.wait((joined, gone), return_when=asyncio.FIRST_COMPLETED)
        if not joined.done():
            raise DemoError(f"{name} ended with code {gone.result()} before it was online")
        await joined
    except RuntimeError as error:
        raise DemoError(f"{name} did not come online: {error}") from None
    finally:
        for task in (joined, gone):
            task.cancel()
        await asyncio.gather(joined, gone, return_exceptions=True)


async def end(process: asyncio.subprocess.Process) -> int:
    """Terminate the process; kill it if it does not end."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
    return await process.wait()


# The conversation


async def conversation(gateway: GatewayProcess) -> None:
    title("A conversation with examples/echo_bot.py in #general")

    async def talk(user: str, text: str, expected: str, *, mention: str = "") -> Sent:
        line(user, text, "36")
        mentions = [mention] if mention else []
        message_id = await gateway.say("general", user, text, mentions=mentions)
        try:
            sent = await gateway.next_sent("channel_message_send", timeout=PATIENCE)
        except TimeoutError as error:
            raise DemoError(f"the bot did not answer {text!r}: {error}") from None
        send: realtime_pb2.ChannelMessageSend = sent.message
        is_reply = [ref.message_ref_id for ref in send.references] == [message_id]
        line("echo", sent.text, "32", "  (a reply)" if is_reply else "")
        if sent.text != expected:
            raise DemoError(f"the bot sent {sent.text!r} instead of {expected!r}")
        if text.endswith("?") and not is_reply:
            raise DemoError("the bot answered the question without a reference to it")
        return sent

    await talk("alice", "Hello!", "You said: Hello!")
    await talk("bob", "Is it fast?", "Good question, bob! I only know: Is it fast?")
    await talk("alice", "Ask @chi about it", "You called @chi", mention="chi")
    await talk("chi", "🎉👍", "You said: 🎉👍")
    await talk(
        "chi", "Chào buổi sáng, hôm nay trời đẹp quá", "You said: Chào buổi sáng, hôm nay trời đẹp quá"
    )


# The burst


class Progress:
    """Progress: a bar on a terminal, otherwise one line per fifth."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.told = 0

    def show(self, done: int) -> None:
        part = done / self.total
        if TTY:
            full = int(part * 40)
            bar = "█" * full + "░" * (40 - full)
            print(f"\r  {paint(bar, '32')} {done:>7,} of {self.total:,}", end="", flush=True)
            if done >= self.total:
                print()
        elif done * 5 // self.total > self.told:
            self.told = done * 5 // self.total
            print(f"  {done:>7,} of {self.total:,}", flush=True)


async def follow(process: asyncio.subprocess.Process) -> None:
    """Show the progress that the bot prints; print its other lines."""
    progress = Progress(MESSAGES)
    assert process.stdout is not None
    async for raw in process.stdout:
        text = raw.decode(errors="replace").rstrip()
        if match := re.fullmatch(r"received (\d+)", text):
            progress.show(int(match[1]))
        else:
            print(f"  {text}", flush=True)


def cpu_seconds(pid: int) -> float | None:
    """Return user and system time of a running process, or None without /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_cpu_seconds() -> float | None:
    """Return user and system time of ended child processes, or None on Windows."""
    times = os.times()
    return times.children_user + times.children_system if POSIX else None


def cpu_per_message(before: float | None, idle: float | None) -> str:
    """Return the CPU time since the start of the burst, including the last commits and the shutdown."""
    after = children_cpu_seconds()
    if before is None or after is None:
        return "not known on this system"
    micros = (after - before - (idle or 0.0)) / MESSAGES * 1e6
    return f"{micros:.1f} µs, user and system{'' if idle is not None else ', with the start'}"


def stored_burst_messages(folder: Path) -> int:
    """Return the number of messages of the burst in the bot's message store."""
    path = folder / STORE
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as store:
        rows = store.execute("SELECT content FROM messages").fetchall()
    return sum(json.loads(content).get("t", "").startswith("burst ") for (content,) in rows)


async def written(folder: Path) -> None:
    """Wait, with a limit, until the burst is in the bot's store. The final table shows missing messages."""
    for _ in range(100):
        if stored_burst_messages(folder) == MESSAGES:
            return
        await asyncio.sleep(PATIENCE / 100)


async def burst(gateway: GatewayProcess, folder: Path) -> bool:
    title(f"A burst of {MESSAGES:,} messages to examples/burst_bot.py")
    before_all = children_cpu_seconds()
    async with bot("burst_bot.py", gateway, folder) as process:
        prepared = await gateway.prepare_blast(MESSAGES, seed=7)
        idle = cpu_seconds(process.pid)
        following = asyncio.create_task(follow(process))
        start = time.perf_counter()
        result = await gateway.blast(prepared)
        await gateway.say("general", "alice", "end of burst")
        try:
            sent = await gateway.next_sent(
                "channel_message_send", timeout=60, match=lambda s: s.text.startswith("received")
            )
        except TimeoutError as error:
            raise DemoError(f"the bot did not report after the burst: {error}") from None
        seconds = time.perf_counter() - start
        if not POSIX:
            await written(folder)
        code = await end(process)
        await following
    if not result.complete:
        raise DemoError("the connection was lost during the burst")
    received, wrong, channels = map(int, re.findall(r"\d+", sent.text))
    cpu = cpu_per_message(before_all, idle)
    stored = stored_burst_messages(folder)
    checks = [
        ("order kept", f"yes, in {channels} channels" if wrong == 0 else f"NO, {wrong:,} times", wrong == 0),
        ("received", f"{received:,} of {MESSAGES:,}", received == MESSAGES),
        ("in the message store", f"{stored:,} of {MESSAGES:,}", stored == MESSAGES),
    ]
    if POSIX:
        checks.append(("clean exit after SIGTERM", f"code {code}", code in (0, -signal.SIGTERM)))
    title("Result")
    rows = [
        ("messages a second", f"{received / seconds:,.0f}", True),
        ("on the wire", f"{result.size / 1e6:.1f} MB, {result.size / MESSAGES:.0f} bytes a message", True),
        ("CPU time per message", cpu, True),
        *checks,
    ]
    for name, value, good in rows:
        mark = paint("✓", "32") if good else paint("✗", "31")
        print(f"  {mark} {name:<26} {value}")
    return all(good for _, _, good in checks)


async def main() -> int:
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mezon-demo-") as home:
        async with GatewayProcess() as gateway:
            print(f"A local Mezon gateway listens on {gateway.url} (process {gateway.pid}).")
            async with bot("echo_bot.py", gateway, make_folder(home, "echo")):
                await conversation(gateway)
            await gateway.call("wait_disconnected")
            good = await burst(gateway, make_folder(home, "burst"))
    print(f"\n{'All checks passed' if good else 'Some checks FAILED'}, {time.perf_counter() - start:.1f} s.")
    if good:
        print(NEXT)
    return 0 if good else 1


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A pipe on Windows may not support Unicode.
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.exit(asyncio.run(main()))
    except DemoError as error:
        sys.exit(f"\nThe demo failed: {error}.")
    except KeyboardInterrupt:
        sys.exit(130)
