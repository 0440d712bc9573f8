"""``mezon cache``: inspect and maintain the message store, also while the bot runs.

Reading uses Python's sqlite3 and the core's search, both read-only: neither the file nor its folder changes. Only
``prune`` opens the file as a store. The file is never open in both SQLite libraries at once: two libraries on one file
in one process drop each other's locks.
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
# The names the store uses in its results.
_NAMES: Final = (*_COLUMNS[:-1], "references")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

app: typer.Typer = typer.Typer(
    help="Inspect and maintain the message store of a bot, also while the bot runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FILE = typer.Option("--file", help="The store.", show_default=str(DEFAULT))
_JSON = typer.Option("--json", help="Print JSON, one object a line.")
_LIMIT = typer.Option("--limit", help="Maximum number of messages.", min=1, max=2**31 - 1)
_CHANNEL = typer.Option("--channel", help="Only the channel with this id.", min=-(2**63), max=2**63 - 1)

#: JSON nested more deeply than this stays text: `_ids_as_text` and the JSON encoder recurse.
_MAX_NESTING: Final = 200


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the store read-only, after checking that it is a message store."""
    import sqlite3

    _require_file(path)
    uri = _read_only(path)
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as store:
            # The core decodes text of other programs in the same way.
            store.text_factory = lambda text: text.decode("utf-8", "replace")
            columns = {row[1] for row in store.execute("PRAGMA table_info(messages)")}
            missing = [name for name in _COLUMNS if name not in columns]
            if missing:
                reason = (
                    f"its table messages has no {missing[0]}" if columns else "it has no table of messages"
                )
                fail(f"{path} cannot be read as a message store: {reason}")
            yield store
    except sqlite3.DatabaseError as error:
        fail(f"{path} cannot be read as a message store: {error}")


def _read_only(path: Path) -> str:
    """Return a URI that opens a database without changing the file or its folder."""
    try:
        with path.open("rb") as stream:
            header = stream.read(20)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}")
    if not header.startswith(b"SQLite format 3\0"):
        fail(f"{path} cannot be read as a message store: it is not an SQLite database")
    # To read a file in WAL mode SQLite creates a log and its index and leaves them behind. If there is no log, no
    # process has the file open, and it can be read as immutable.
    wal = header[18:20] == b"\2\2" and not path.with_name(path.name + "-wal").exists()
    return f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if wal else ''}"


def _require_store(path: Path) -> None:
    with _reading(path):
        pass


def _require_file(path: Path) -> None:
    if not path.is_file():
        fail(
            f"there is no {path}: run this in the bot's folder, or name the store with --file. A bot creates the store "
            "at its first message",
            WRONG_USE,
        )


@app.command(short_help="Count messages, channels and bytes.", epilog="Example: mezon cache stats --json")
def stats(file: Annotated[Path, _FILE] = DEFAULT, json_output: Annotated[bool, _JSON] = False) -> None:
    """Show the number of messages and channels, the size on disk, and the oldest and newest message."""
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
    say(f"messages  {messages:,} in {channels:,} channels from {senders:,} senders")
    say(f"time      {_when(oldest)} to {_when(newest)}")
    say(
        f"search    {'indexed' if indexed else 'not indexed yet: the first search of the bot creates the index'}"
    )
    for channel, count in busiest:
        say(f"          channel {channel}: {count:,}")


def _parts(file: Path) -> list[Path]:
    return [path for path in (file, file.with_name(file.name + "-wal")) if path.is_file()]


def _when(seconds: int | None) -> str:
    if not seconds:
        return "-"
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, TypeError, ValueError):  # out of range for a calendar
        return "-"


def _show(rows: list[dict[str, Any]], json_output: bool) -> None:
    for row in rows:
        if json_output:
            as_json(row)
        else:
            text = row["content"].get("t") if isinstance(row["content"], dict) else None
            when = _when(row.get("create_time_seconds"))
            line = f"{when}  {row['channel_id']}  {row.get('sender_id') or '-'}: {text or _summary(row)}"
            out.print(line.encode("utf-8", "replace").decode(), markup=False)
    if not rows and not json_output:
        say("nothing found")


def _summary(row: dict[str, Any]) -> str:
    content = row["content"] if isinstance(row["content"], dict) else {}
    kinds = [name for name in ("embed", "components") if content.get(name)]
    return f"({', '.join(kinds) or 'no text'})"


@app.command(epilog="Example: mezon cache search 'duong ve' --channel 1840000000000000002")
def search(
    text: Annotated[
        str, typer.Argument(help="Words; the last one may be a prefix. Case and diacritics are ignored.")
    ],
    channel: Annotated[int | None, _CHANNEL] = None,
    limit: Annotated[int, _LIMIT] = 50,
    file: Annotated[Path, _FILE] = DEFAULT,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Find messages by words, newest first. Without the index of an earlier search it may take seconds."""
    import sqlite3

    from mezon.messages.db import search_file

    _require_store(file)
    try:
        found = search_file(file, text, channel, limit)
    except sqlite3.Error as error:
        fail(f"{file} cannot be read as a message store: {error}")
    _show([_row(tuple(row[name] for name in _COLUMNS)) for row in found], json_output)


def _store(file: Path, **bounds: Any) -> Any:
    from mezon.messages import MessageDB

    # Without the default bounds, which would prune.
    return MessageDB(
        file, **{"max_messages": None, "max_age": None, "memory_messages_per_channel": 0, **bounds}
    )


@app.command(epilog="Example: mezon cache history 1840000000000000002 --limit 20")
def history(
    channel: Annotated[
        int, typer.Argument(help="The channel's id; mezon cache stats lists the busiest ones.")
    ],
    limit: Annotated[int, _LIMIT] = 50,
    file: Annotated[Path, _FILE] = DEFAULT,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Show the last messages of a channel, oldest first."""
    with _reading(file) as store:
        rows = store.execute(
            f"SELECT {', '.join(_COLUMNS)} FROM messages WHERE channel_id = ? "
            "ORDER BY create_time_seconds DESC, rowid DESC LIMIT ?",
            (str(channel), limit),
        ).fetchall()
    _show([_row(values) for values in reversed(rows)], json_output)


def _row(values: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row by column name with its JSON parsed. Invalid or too deeply nested JSON stays text."""
    row = dict(zip(_NAMES, values, strict=True))
    for name in ("content", "mentions", "attachments", "reactions", "references"):
        with contextlib.suppress(ValueError, RecursionError):
            row[name] = _ids_as_text(json.loads(row[name])) if row[name] is not None else None
    return row


def _ids_as_text(value: Any, nesting: int = _MAX_NESTING) -> Any:
    """Replace large integers by text, as in the columns: JavaScript and jq round such numbers.

    Raises:
        RecursionError: If the value is nested more deeply than `nesting`.
    """
    if isinstance(value, dict | list):
        if nesting == 0:
            raise RecursionError
        if isinstance(value, dict):
            return {name: _ids_as_text(item, nesting - 1) for name, item in value.items()}
        return [_ids_as_text(item, nesting - 1) for item in value]
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


@app.command(epilog="Examples: mezon cache prune --older-than 30d; mezon cache prune --keep 100000 --yes")
def prune(
    keep: Annotated[
        int | None, typer.Option(help="Keep this many messages, those stored last.", min=0)
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(help="Remove messages older than this age: 12h, 30d, 8w.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    file: Annotated[Path, _FILE] = DEFAULT,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Remove old messages. The file does not shrink; SQLite reuses the space."""
    _require_store(file)
    if keep is None and older_than is None:
        fail("no bound given: use --keep 100000 or --older-than 30d", WRONG_USE)
    age = _seconds(older_than) if older_than is not None else None
    if not yes:
        if not sys.stdin.isatty():
            fail("cannot ask for confirmation without a terminal: add --yes", WRONG_USE)
        typer.confirm(f"Remove messages from {file}?", abort=True)
    removed, left = asyncio.run(_prune(file, keep, age))
    if json_output:
        as_json({"removed": removed, "left": left})
    else:
        say(f"removed {removed:,} messages, {left:,} left")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)\s*([smhdw])", text.strip())
    if match is None:
        fail(f"{text!r} is not an age: use a number and s, m, h, d or w, such as 30d", WRONG_USE)
    return float(match[1]) * _UNITS[match[2]]


async def _prune(file: Path, keep: int | None, age: float | None) -> tuple[int, int]:
    removed = 0
    async with _store(file) as store:
        before = await store.get_message_count()
    # One bound at a time: a bound is applied when it removes nothing more.
    for bounds in (
        {"max_age": age} if age is not None else None,
        {"max_messages": keep} if keep is not None else None,
    ):
        if bounds is None:
            continue
        async with _store(file, **bounds) as store:
            # Any write makes the writer apply its bounds.
            await store.delete_message(0, 0)
            unchanged, last = 0, -1
            deadline = time.monotonic() + 600
            while unchanged < 5 and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
                pruned = store.stats()["pruned"]
                unchanged, last = (unchanged + 1, last) if pruned == last else (0, pruned)
            removed += max(last, 0)
    return removed, before - removed


@app.command(
    epilog="Examples: mezon cache export all.jsonl; mezon cache export lunch.csv --channel 184...; ... export -"
)
def export(
    target: Annotated[
        str,
        typer.Argument(metavar="FILE", help="The .jsonl or .csv file to write, or - for standard output."),
    ],
    channel: Annotated[int | None, _CHANNEL] = None,
    file: Annotated[Path, _FILE] = DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write all messages as JSON lines or CSV, in the order they were stored."""
    path = Path(target)
    if target != "-" and path.suffix not in (".jsonl", ".json", ".csv"):
        fail(
            f"unknown format of {target}: use .jsonl or .csv, or - for JSON lines on standard output",
            WRONG_USE,
        )
    if target != "-" and path.exists() and not force:
        fail(f"{path} exists: choose another name, or use --force", WRONG_USE)
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
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to create.")],
    file: Annotated[Path, _FILE] = DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """Copy the store at one point in time, also while the bot writes, into a single file with mode 0600."""
    _require_file(file)
    if target.exists():
        if target.is_dir() or target.samefile(file):
            fail(
                f"{target} is {'a folder' if target.is_dir() else 'the store itself'}: name another file",
                WRONG_USE,
            )
        if not force:
            fail(f"{target} exists: choose another name, or use --force", WRONG_USE)
    if not target.parent.is_dir():
        fail(f"there is no folder {target.parent}: create it first", WRONG_USE)
    # Write to a temporary name first: an interrupted copy must not look like a complete one.
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
    """Copy the store with SQLite's online backup, check the copy, and return its number of messages."""
    import sqlite3

    part.touch(mode=0o600, exist_ok=False)
    with _reading(file) as store:
        copy = sqlite3.connect(part)
        with contextlib.closing(copy):
            # One step is one read transaction: the bot keeps writing to the log meanwhile.
            store.backup(copy)
            # A single file without a log. The bot switches back to WAL mode when it opens the copy.
            copy.execute("PRAGMA journal_mode=DELETE")
            broken = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if broken != "ok":
                fail(f"the copy of {file} is damaged ({broken}): check the store and the disk")
            messages: int = copy.execute("SELECT count(*) FROM messages").fetchone()[0]
    return messages
