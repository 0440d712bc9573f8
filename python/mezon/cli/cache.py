"""``mezon cache``: a look into the message store, also while the bot runs.

Reading goes through Python's sqlite3 and the core's own search, both read-only: neither the file nor anything beside
it changes. Only ``prune`` opens the file as a store. The file is never open in both SQLite libraries at once: two of
them on one file in one process drop each other's locks.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from mezon.cli.output import DONE, WRONG_USE, as_json, fail, json_line, out, say
from mezon.cli.output import size as human

if TYPE_CHECKING:
    import sqlite3

DEFAULT: Final = Path("mezon-cache") / "mezon-messages-cache.db"
_COLUMNS: Final = (
    *("id", "channel_id", "clan_id", "sender_id", "content", "mentions", "attachments", "reactions"),
    *("topic_id", "create_time_seconds", "msg_references"),
)
# As the store itself names them in what it gives to a bot.
_NAMES: Final = (*_COLUMNS[:-1], "references")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

app: typer.Typer = typer.Typer(
    help="Look into the message store of a bot, also while the bot runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FILE = typer.Option("--file", help="The store.", show_default=str(DEFAULT))
_JSON = typer.Option("--json", help="JSON: one object a line where there are many.")
_LIMIT = typer.Option("--limit", help="How many at most.", min=1, max=2**31 - 1)
_CHANNEL = typer.Option("--channel", help="Only the channel with this id.", min=-(2**63), max=2**63 - 1)

#: What is nested more deeply than this stays text: `_exact` recurses, and so does the JSON encoder.
_NESTING: Final = 200


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the store read-only, once it is certain to be one."""
    import sqlite3

    _must_be_there(path)
    uri = _read_only(path)
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as store:
            # As the core reads what another program has written.
            store.text_factory = lambda text: text.decode("utf-8", "replace")
            columns = {row[1] for row in store.execute("PRAGMA table_info(messages)")}
            missing = [name for name in _COLUMNS if name not in columns]
            if missing:
                fail(
                    f"{path} cannot be read as a message store: "
                    + (
                        f"its table messages has no {missing[0]}"
                        if columns
                        else "it has no table of messages"
                    )
                )
            yield store
    except sqlite3.DatabaseError as error:
        fail(f"{path} cannot be read as a message store: {error}")


def _read_only(path: Path) -> str:
    """Return the URI that opens a database and leaves the file and its folder as they are."""
    try:
        with path.open("rb") as stream:
            header = stream.read(20)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")
    if not header.startswith(b"SQLite format 3\0"):
        fail(f"{path} cannot be read as a message store: it is not an SQLite database")
    # To read a file in WAL mode SQLite makes a log and its index beside it, and leaves them there. Without a log nobody
    # has such a file open, and it can be read as it is.
    wal = header[18:20] == b"\2\2" and not path.with_name(path.name + "-wal").exists()
    return f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if wal else ''}"


def _must_be_a_store(path: Path) -> None:
    with _reading(path):
        pass


def _must_be_there(path: Path) -> None:
    if not path.is_file():
        fail(
            f"there is no {path}: run this in the bot's folder, or name the store with --file. A bot makes it when it "
            "hears its first message",
            WRONG_USE,
        )


@app.command(short_help="Count messages, channels and bytes.", epilog="Example: mezon cache stats --json")
def stats(file: Annotated[Path, _FILE] = DEFAULT, json_output: Annotated[bool, _JSON] = False) -> None:
    """Count what is in it: messages, channels, size on disk, the oldest and the newest."""
    with _reading(file) as store:
        messages, channels, senders, oldest, newest = store.execute(
            "SELECT count(*), count(DISTINCT channel_id), count(DISTINCT sender_id), "
            "min(nullif(create_time_seconds, 0)), max(create_time_seconds) FROM messages"
        ).fetchone()
        busiest = store.execute(
            "SELECT channel_id, count(*) FROM messages GROUP BY channel_id ORDER BY 2 DESC, 1 LIMIT 5"
        ).fetchall()
        indexed = (
            store.execute("SELECT 1 FROM sqlite_master WHERE name GLOB 'messages_search*'").fetchone()
            is not None
        )
    size = sum(part.stat().st_size for part in _parts(file))
    found = {
        "file": str(file),
        "bytes": size,
        "messages": messages,
        "channels": channels,
        "senders": senders,
        "oldest": oldest,
        "newest": newest,
        "search_index": indexed,
        "busiest_channels": [{"channel_id": channel, "messages": count} for channel, count in busiest],
    }
    if json_output:
        as_json(found)
        return
    say(f"file      {file}, {human(size)}")
    say(f"messages  {messages:,} in {channels:,} channels, of {senders:,} senders")
    say(f"time      {_when(oldest)} to {_when(newest)}")
    say(f"search    {'has its index' if indexed else 'no index yet: a search of the bot makes it'}")
    for channel, count in busiest:
        say(f"          channel {channel}: {count:,}")


def _parts(file: Path) -> list[Path]:
    return [path for path in (file, file.with_name(file.name + "-wal")) if path.is_file()]


def _when(seconds: int | None) -> str:
    if not seconds:
        return "-"
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, TypeError, ValueError):  # no time that a calendar has
        return "-"


def _show(rows: list[dict[str, Any]], json_output: bool) -> None:
    for row in rows:
        if json_output:
            as_json(row)
        else:
            text = row["content"].get("t") if isinstance(row["content"], dict) else None
            when = _when(row.get("create_time_seconds"))
            line = f"{when}  {row['channel_id']}  {row.get('sender_id') or '-'}: {text or _other(row)}"
            out.print(line.encode("utf-8", "replace").decode(), markup=False)
    if not rows and not json_output:
        say("nothing found")


def _other(row: dict[str, Any]) -> str:
    content = row["content"] if isinstance(row["content"], dict) else {}
    kinds = [name for name in ("embed", "components") if content.get(name)]
    return f"({', '.join(kinds) or 'no text'})"


@app.command(epilog="Example: mezon cache search 'duong ve' --channel 1840000000000000002")
def search(
    text: Annotated[
        str, typer.Argument(help="Words; the last may be a beginning. Case and diacritics do not matter.")
    ],
    channel: Annotated[int | None, _CHANNEL] = None,
    limit: Annotated[int, _LIMIT] = 50,
    file: Annotated[Path, _FILE] = DEFAULT,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Find messages by their words, the newest first. It takes seconds where no search of the bot has made an index."""
    import sqlite3

    from mezon.messages.db import search_file

    _must_be_a_store(file)
    try:
        found = search_file(file, text, channel, limit)
    except sqlite3.Error as error:
        fail(f"{file} cannot be read as a message store: {error}")
    _show([_row(tuple(row[name] for name in _COLUMNS)) for row in found], json_output)


def _store(file: Path, **bounds: Any) -> Any:
    from mezon.messages import MessageDB

    # Without bounds of its own, or it would prune by them.
    return MessageDB(
        file, **{"max_messages": None, "max_age": None, "memory_messages_per_channel": 0, **bounds}
    )


@app.command(epilog="Example: mezon cache history 1840000000000000002 --limit 20")
def history(
    channel: Annotated[int, typer.Argument(help="The channel's id; mezon cache stats names the busiest.")],
    limit: Annotated[int, _LIMIT] = 50,
    file: Annotated[Path, _FILE] = DEFAULT,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Give the last messages of a channel, the oldest of them first."""
    with _reading(file) as store:
        rows = store.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM messages WHERE channel_id = ? "
            "ORDER BY create_time_seconds DESC, rowid DESC LIMIT ?",
            (str(channel), limit),
        ).fetchall()
    _show([_row(values) for values in reversed(rows)], json_output)


def _row(values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row by its names, its JSON parsed. What is no JSON, or nested too deeply, stays text."""
    row = dict(zip(_NAMES, values, strict=True))
    for name in ("content", "mentions", "attachments", "reactions", "references"):
        with contextlib.suppress(ValueError, RecursionError):
            row[name] = _exact(json.loads(row[name])) if row[name] is not None else None
    return row


def _exact(value: Any, nesting: int = _NESTING) -> Any:
    """Write ids inside what is stored as text, as those of the row are: JavaScript and jq round such numbers.

    Raises:
        RecursionError: If the value is nested more deeply than `nesting`.
    """
    if isinstance(value, dict | list):
        if nesting == 0:
            raise RecursionError
        if isinstance(value, dict):
            return {name: _exact(item, nesting - 1) for name, item in value.items()}
        return [_exact(item, nesting - 1) for item in value]
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


@app.command(epilog="Examples: mezon cache prune --older-than 30d; mezon cache prune --keep 100000 --yes")
def prune(
    keep: Annotated[int | None, typer.Option(help="Keep so many messages, those stored last.", min=0)] = None,
    older_than: Annotated[str | None, typer.Option(help="Remove what is older: 12h, 30d, 8w.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    file: Annotated[Path, _FILE] = DEFAULT,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Remove old messages. The file does not shrink: SQLite uses the room again."""
    _must_be_a_store(file)
    if keep is None and older_than is None:
        fail("say what may go: --keep 100000 or --older-than 30d", WRONG_USE)
    age = _seconds(older_than) if older_than is not None else None
    if not yes:
        if not sys.stdin.isatty():
            fail("nobody is there to ask: add --yes", WRONG_USE)
        typer.confirm(f"Remove messages from {file}?", abort=True)
    removed, left = asyncio.run(_prune(file, keep, age))
    if json_output:
        as_json({"removed": removed, "left": left})
    else:
        say(f"removed {removed:,} messages, {left:,} are left")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip())
    if match is None:
        fail(f"{text!r} is no age: a number and s, m, h, d or w, such as 30d", WRONG_USE)
    return float(match[1]) * _UNITS[match[2]]


async def _prune(file: Path, keep: int | None, age: float | None) -> tuple[int, int]:
    removed = 0
    async with _store(file) as store:
        before = await store.get_message_count()
    # One bound at a time: each is done when it removes nothing more.
    for bounds in (
        {"max_age": age} if age is not None else None,
        {"max_messages": keep} if keep is not None else None,
    ):
        if bounds is None:
            continue
        async with _store(file, **bounds) as store:
            # A call for the writer, which then looks at its bounds.
            await store.delete_message(0, 0)
            quiet, last = 0, -1
            deadline = time.monotonic() + 600
            while quiet < 5 and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
                pruned = store.stats()["pruned"]
                quiet, last = (quiet + 1, last) if pruned == last else (0, pruned)
            removed += max(last, 0)
    return removed, before - removed


@app.command(
    epilog="Examples: mezon cache export all.jsonl; mezon cache export lunch.csv --channel 184...; ... export -"
)
def export(
    target: Annotated[
        str, typer.Argument(metavar="FILE", help="A .jsonl or .csv file to write, or - for the output.")
    ],
    channel: Annotated[int | None, _CHANNEL] = None,
    file: Annotated[Path, _FILE] = DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write every message as JSON lines or CSV, in the order they were stored."""
    path = Path(target)
    if target != "-" and path.suffix not in (".jsonl", ".json", ".csv"):
        fail(
            f"the name {target} says no format: use .jsonl or .csv, or - for JSON lines on the output",
            WRONG_USE,
        )
    if target != "-" and path.exists() and not force:
        fail(f"{path} is there already: choose another name, or --force", WRONG_USE)
    with _reading(file) as store:
        rows = store.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM messages "
            "WHERE (:channel IS NULL OR channel_id = :channel) ORDER BY rowid",
            {"channel": None if channel is None else str(channel)},
        )
        if target == "-":
            for values in rows:
                as_json(_row(values))
            raise typer.Exit(DONE)
        try:
            opened = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            fail(f"{path} cannot be written: {error.strerror}")
        with opened as stream:
            count = 0
            writer = csv.writer(stream) if path.suffix == ".csv" else None
            if writer is not None:
                writer.writerow(_NAMES)
            for values in rows:
                count += 1
                if writer is not None:
                    writer.writerow(values)
                else:
                    stream.write(json_line(_row(values)))
    say(f"{path}: {count:,} messages")


@app.command(epilog="Example: mezon cache backup /backups/messages-$(date +%F).db")
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make, a store like the other.")],
    file: Annotated[Path, _FILE] = DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Copy the store as it is at one moment, also while the bot writes to it, into one file that only you can read."""
    _must_be_there(file)
    if target.exists():
        if target.is_dir() or target.samefile(file):
            fail(
                f"{target} is {'a folder' if target.is_dir() else 'the store itself'}: name another file",
                WRONG_USE,
            )
        if not force:
            fail(f"{target} is there already: choose another name, or --force", WRONG_USE)
    if not target.parent.is_dir():
        fail(f"there is no folder {target.parent}: make it first", WRONG_USE)
    # Under a name of its own until it is whole: a copy that was cut short is never taken for one.
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        messages = _copy(file, part)
        part.replace(target)
    except OSError as error:
        fail(f"{target} cannot be written: {error}")
    finally:
        for left in (part, part.with_name(part.name + "-journal"), part.with_name(part.name + "-wal")):
            left.unlink(missing_ok=True)
    size = target.stat().st_size
    if json_output:
        as_json({"file": str(target), "bytes": size, "messages": messages})
    else:
        say(f"{target}: {messages:,} messages, {human(size)}")


def _copy(file: Path, part: Path) -> int:
    """SQLite's online backup, checked. Gives the number of messages in the copy."""
    import sqlite3

    part.touch(mode=0o600, exist_ok=False)
    with _reading(file) as store:
        copy = sqlite3.connect(part)
        with contextlib.closing(copy):
            # In one step, which is one read of the store: the bot's writes go to the log, and wait for nothing.
            store.backup(copy)
            # One file: no log that would have to be moved along. The bot goes back to a log when it opens it.
            copy.execute("PRAGMA journal_mode=DELETE")
            broken = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if broken != "ok":
                fail(f"the copy of {file} is not whole ({broken}): is the store broken, or the disk?")
            messages: int = copy.execute("SELECT count(*) FROM messages").fetchone()[0]
    return messages
