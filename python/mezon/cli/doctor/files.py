"""The bot's own files: credentials, message cache, a second instance, calls that block the loop."""

from __future__ import annotations

import ast
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mezon._client.instances import Instance
from mezon.cli.cache import DEFAULT
from mezon.cli.doctor.check import BAD, OK, SKIPPED, WARNING, Check
from mezon.cli.output import size
from mezon.testing.bots import BotError, locate

#: What blocks the loop when it is called in a coroutine, and what to write instead.
_BLOCKING: Final = {
    "time.sleep": "await asyncio.sleep(...)",
    "requests.get": "aiohttp, or await asyncio.to_thread(requests.get, ...)",
    "requests.post": "aiohttp, or await asyncio.to_thread(requests.post, ...)",
    "requests.request": "aiohttp, or await asyncio.to_thread(...)",
    "urllib.request.urlopen": "aiohttp, or await asyncio.to_thread(...)",
    "subprocess.run": "await asyncio.create_subprocess_exec(...)",
    "subprocess.check_output": "await asyncio.create_subprocess_exec(...)",
    "os.system": "await asyncio.create_subprocess_shell(...)",
    "input": "await asyncio.to_thread(input)",
}


def checks(bot: str | None) -> Iterator[Check]:
    """Check what is in this folder and in the environment."""
    yield from _credentials()
    yield _cache()
    yield _instance()
    yield _blocking(bot)


def _credentials() -> Iterator[Check]:
    bot_id, key = os.environ.get("MEZON_BOT_ID", ""), os.environ.get("MEZON_API_KEY", "")
    todo = "put MEZON_BOT_ID=... and MEZON_API_KEY=... into .env, or set them in the shell"
    if not bot_id or not key:
        names = " and ".join(n for n, v in (("MEZON_BOT_ID", bot_id), ("MEZON_API_KEY", key)) if not v)
        yield Check("credentials", WARNING, f"{names} not set; a bot may have its id and key elsewhere", todo)
    elif not bot_id.strip().isdecimal():
        yield Check(
            "credentials", BAD, f"MEZON_BOT_ID is {bot_id!r}", "it is the number that Mezon shows for the bot"
        )
    elif key != key.strip() or bot_id != bot_id.strip():
        yield Check("credentials", BAD, "id or key begins or ends with a blank", "take the blanks away")
    else:
        yield Check("credentials", OK, f"bot {bot_id}, and a key")


def _cache() -> Check:
    if not DEFAULT.exists():
        folder = Path.cwd()
        if not os.access(folder, os.W_OK):
            return Check(
                "cache", WARNING, f"{folder} cannot be written", "pass message_db=..., or run elsewhere"
            )
        return Check("cache", OK, f"none yet: {DEFAULT} is made at the first message")
    if not os.access(DEFAULT, os.W_OK) or not os.access(DEFAULT.parent, os.W_OK):
        return Check(
            "cache", BAD, f"{DEFAULT} cannot be written by this user", f"chown or chmod {DEFAULT.parent}"
        )
    try:
        uri = f"{DEFAULT.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5)) as store:
            count = store.execute("SELECT count(*) FROM messages").fetchone()[0]
    except sqlite3.DatabaseError as error:
        todo = "move the file away; the bot makes a new one"
        return Check("cache", BAD, f"{DEFAULT} cannot be read: {error}", todo)
    return Check("cache", OK, f"{DEFAULT}: {count:,} messages, {size(DEFAULT.stat().st_size)}")


def _instance() -> Check:
    bot_id = os.environ.get("MEZON_BOT_ID", "")
    if not bot_id.isdecimal():
        return Check("instances", SKIPPED, "no bot id to look for")
    mark = Instance(int(bot_id), login_url(), str(DEFAULT))
    other = mark.take()
    mark.release()
    if other is None:
        return Check("instances", OK, "this bot does not run here with this cache")
    who = f"process {other}" if other else "another process"
    return Check(
        "instances",
        WARNING,
        f"{who} runs this bot here",
        "start no second one: both would answer every message",
    )


def login_url() -> str:
    """Say where a client without arguments would log in."""
    from mezon import MezonClient

    return MezonClient(1, "unused", message_db=False).login_url


def _blocking(bot: str | None) -> Check:
    from mezon.cli.find import _configured, _usual, short

    home = Path.cwd()
    try:
        target = locate(bot or _configured(home) or _usual(home), home)
        tree = ast.parse(target.path.read_text(encoding="utf-8"))
    except BotError as error:
        return Check("blocking", SKIPPED, f"no bot to look into: {error}" if bot else "no bot in this folder")
    except (SyntaxError, UnicodeDecodeError) as error:
        return Check("blocking", BAD, f"the bot's file is no Python: {error}", "mend that line")
    found = list(_blocking_calls(tree))
    if not found:
        return Check(
            "blocking", OK, f"{short(target.path)} has no call in a coroutine that is known to block"
        )
    line, name = found[0]
    text = f"{short(target.path)}:{line} calls {name} in a coroutine" + (
        f", and {len(found) - 1} more" if found[1:] else ""
    )
    return Check("blocking", WARNING, text, f"everything waits meanwhile; write {_BLOCKING[name]}")


def _blocking_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in _BLOCKING:
                yield node.lineno, name
