"""``mezon state``: inspect, change, export and import the stored records of bots, also while a bot runs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from mezon import MezonError
from mezon.cli.cluster import CaFile, Credentials, Nkey
from mezon.cli.output import FAILED, WRONG_USE, as_json, fail, json_line, say
from mezon.ext._state_backends import encode_fields, stored_fields

if TYPE_CHECKING:
    from mezon.ext.state import Backend, Entry, StateStore

T = TypeVar("T")

DEFAULT: Final = Path("mezon-cache") / "mezon-state.db"
#: Where the leases of running edits are: they are neither shown nor exported.
_LEASES: Final = "_lease."

app: typer.Typer = typer.Typer(
    help="Inspect and change the stored records of a bot, also while the bot runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_FILE = typer.Option("--file", help="The SQLite file.", show_default=str(DEFAULT))
_URL = typer.Option(
    "--url",
    envvar="MEZON_STATE_URL",
    show_envvar=True,
    help="URL of Redis, instead of a file.",
    show_default=False,
)
_BOT = typer.Option(
    "--bot-id",
    help="The bot. Default: the only bot with records; with --nats, MEZON_BOT_ID.",
    show_default=False,
)
_NATS = typer.Option(
    "--nats", help="Address of NATS, for a bot on many machines, instead of a file.", show_default=False
)
_JSON = typer.Option("--json", help="Print JSON, one object a line.")
_KEY = typer.Argument(help="The key of the record; mezon state list prints the keys.")


@app.command("list", epilog="Examples: mezon state list; mezon state list Score --json")
def list_records(
    prefix: Annotated[
        str, typer.Argument(help="First parts of the keys, such as Score or Score.user.", show_default=False)
    ] = "",
    file: Annotated[Path, _FILE] = DEFAULT,
    url: Annotated[str | None, _URL] = None,
    nats: Annotated[str | None, _NATS] = None,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    bot_id: Annotated[int | None, _BOT] = None,
    json_output: Annotated[bool, _JSON] = False,
) -> None:
    """List the records by key."""
    where = _where(file, url, bot_id, nats, creds, nkey, ca_file)

    async def work() -> list[tuple[str, Entry]]:
        async with _records(where) as records:
            return await records.keys(f"{prefix.removesuffix('.')}." if prefix else "")

    found = _run(work())
    for key, entry in found:
        if json_output:
            as_json({"key": key, **_shown(entry)})
        else:
            say(f"{key}  {_text(entry)}")
    if not found and not json_output:
        say("nothing found")


@app.command(epilog="Example: mezon state get Score.user_in_clan.10.30 --json")
def get(
    key: Annotated[str, _KEY],
    file: Annotated[Path, _FILE] = DEFAULT,
    url: Annotated[str | None, _URL] = None,
    nats: Annotated[str | None, _NATS] = None,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    bot_id: Annotated[int | None, _BOT] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print version and expiry as well, in one JSON object.")
    ] = False,
) -> None:
    """Print the fields of a record as JSON. Exits with 1 if there is no such record."""
    where = _where(file, url, bot_id, nats, creds, nkey, ca_file)

    async def work() -> Entry | None:
        async with _records(where) as records:
            return await records.get(key)

    entry = _run(work())
    if entry is None:
        fail(f"there is no record {key}: mezon state list prints the keys")
    if json_output:
        as_json({"key": key, **_shown(entry)})
    else:
        sys.stdout.write(_text(entry) + "\n")


@app.command("set", epilog="""Example: mezon state set Score.user_in_clan.10.30 '{"points": 7}'""")
def set_record(
    key: Annotated[str, _KEY],
    value: Annotated[str, typer.Argument(metavar="JSON", help="The fields, as a JSON object.")],
    version: Annotated[
        int | None,
        typer.Option(
            "--version",
            min=1,
            help="Version of the class. Default: that of the stored record, else 1.",
            show_default=False,
        ),
    ] = None,
    ttl: Annotated[
        float | None, typer.Option(help="Seconds until the record expires.", show_default=False)
    ] = None,
    file: Annotated[Path, _FILE] = DEFAULT,
    url: Annotated[str | None, _URL] = None,
    nats: Annotated[str | None, _NATS] = None,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    bot_id: Annotated[int | None, _BOT] = None,
) -> None:
    """Store the fields of a record. The class checks them when the bot reads the record."""
    if not _is_key(key):
        fail(f"{key!r} is no key: mezon state list prints the keys", WRONG_USE)
    if ttl is not None and not ttl > 0:
        fail(f"--ttl must be > 0, not {ttl:g}", WRONG_USE)
    try:
        fields = json.loads(value)
    except ValueError as error:
        fail(f"the value is not valid JSON: {error}", WRONG_USE)
    if not isinstance(fields, dict):
        fail(f"the value must be a JSON object of fields, such as {{}}, not {value}", WRONG_USE)

    where = _where(file, url, bot_id, nats, creds, nkey, ca_file)

    async def work() -> None:
        async with _records(where) as records, records.lease(key):
            entry = await records.get(key)
            stored = stored_fields(entry.value) if entry is not None else None
            used = version or (stored or {}).get("v", 1)
            await records.put(key, encode_fields(used, fields), None, ttl)

    _run(work())
    say(f"{key} is stored")


@app.command(epilog="Example: mezon state delete Score.user_in_clan.10.30")
def delete(
    key: Annotated[str, _KEY],
    file: Annotated[Path, _FILE] = DEFAULT,
    url: Annotated[str | None, _URL] = None,
    nats: Annotated[str | None, _NATS] = None,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    bot_id: Annotated[int | None, _BOT] = None,
) -> None:
    """Delete a record. Exits with 1 if there is no such record."""

    where = _where(file, url, bot_id, nats, creds, nkey, ca_file)

    async def work() -> bool:
        async with _records(where) as records, records.lease(key):
            return await records.delete(key)

    if not _run(work()):
        fail(f"there is no record {key}: mezon state list prints the keys")
    say(f"{key} is deleted")


@app.command(epilog="Examples: mezon state export state.jsonl; mezon state export - --url redis://127.0.0.1")
def export(
    target: Annotated[
        str, typer.Argument(metavar="FILE", help="The file to write, or - for standard output.")
    ],
    file: Annotated[Path, _FILE] = DEFAULT,
    url: Annotated[str | None, _URL] = None,
    nats: Annotated[str | None, _NATS] = None,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    bot_id: Annotated[
        int | None, typer.Option("--bot-id", help="Only this bot. Default: all bots.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write all records as JSON lines, which import reads into any backend."""
    path = Path(target)
    if target != "-" and path.exists() and not force:
        fail(f"{path} exists: choose another name, or use --force", WRONG_USE)

    where = _where(file, url, bot_id, nats, creds, nkey, ca_file)

    async def work() -> list[tuple[str, Entry]]:
        async with _backend(where) as backend:
            return await backend.entries("" if where.bot_id is None else f"{where.bot_id}.")

    lines = []
    for full, entry in _run(work()):
        bot, _, key = full.partition(".")
        if not key.startswith(_LEASES):
            stored = stored_fields(entry.value)
            content = {"base64": base64.b64encode(entry.value).decode()} if stored is None else stored
            lines.append(json_line({"bot_id": bot, "key": key, **content, "expires": entry.expires}))
    if target == "-":
        sys.stdout.writelines(lines)
        return
    try:
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(lines)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
    say(f"{path}: {len(lines):,} records")


@app.command("import", epilog="Examples: mezon state import state.jsonl; mezon state import - --keep")
def import_records(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A file that export wrote, or - for standard input.")
    ],
    file: Annotated[Path, _FILE] = DEFAULT,
    url: Annotated[str | None, _URL] = None,
    nats: Annotated[str | None, _NATS] = None,
    creds: Credentials = None,
    nkey: Nkey = None,
    ca_file: CaFile = None,
    bot_id: Annotated[
        int | None,
        typer.Option(
            "--bot-id", help="Store the records for this bot. Default: as exported.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep records that exist; else they are overwritten.")
    ] = False,
) -> None:
    """Store exported records. Nothing is stored if a line is invalid. Stop the bot before you overwrite its records."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        fail(f"{source} cannot be read: {error.strerror}", WRONG_USE)
    except UnicodeDecodeError as error:
        fail(f"{source} is not UTF-8: {error}")
    # Not splitlines(), which also splits at separators that JSON texts may contain.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    where = _where(file, url, bot_id, nats, creds, nkey, ca_file)
    parsed = [_parsed(line, f"{source}, line {number}", bot_id) for number, line in lines]
    if where.broker is not None:
        others = sorted({key.partition(".")[0] for key, _, _ in parsed} - {str(where.bot_id)})
        if others:
            fail(
                f"{source} has records of {', '.join(others)}: name the bot with --bot-id to store them for it"
            )

    async def work() -> int:
        count = 0
        async with _backend(where, create=True) as backend:
            for key, value, expires in parsed:
                ttl = None if expires is None else expires - time.time()
                if ttl is None or ttl > 0:
                    count += await backend.put(key, value, 0 if keep else None, ttl) is not None
        return count

    count = _run(work())
    rest = len(parsed) - count
    say(f"{count:,} records stored" + (f", {rest:,} left out (existing or expired)" if rest else ""))


# ---- the backend


@dataclass(frozen=True, slots=True)
class _Where:
    """Where the records are.

    Attributes:
        file, url: The options.
        bot_id: The bot; None for the only one in the file or in Redis.
        broker: Address and credentials of NATS; None for the file or Redis.
    """

    file: Path
    url: str | None
    bot_id: int | None
    broker: dict[str, Any] | None


def _where(
    file: Path,
    url: str | None,
    bot_id: int | None,
    nats: str | None,
    creds: Path | None,
    nkey: Path | None,
    ca_file: Path | None,
) -> _Where:
    if nats is None:
        if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
            fail("--url must begin with redis://, rediss:// or unix://; use --file for a file", WRONG_USE)
        return _Where(file, url, bot_id, None)
    if bot_id is None:
        text = os.environ.get("MEZON_BOT_ID") or os.environ.get("MEZON_CLIENT_ID", "")
        if not text.isdigit():
            fail("the bot's id is missing: use --bot-id, or set MEZON_BOT_ID", WRONG_USE)
        bot_id = int(text)
    return _Where(
        file, None, bot_id, {"urls": nats, "credentials": creds, "nkey_seed": nkey, "ca_file": ca_file}
    )


@contextlib.asynccontextmanager
async def _backend(where: _Where, *, create: bool = False) -> AsyncIterator[Backend]:
    """Open the file, Redis or the bucket in NATS; without ``create``, the file must exist."""
    from mezon.ext.state import StateStore

    if where.broker is not None:
        from mezon.cli.cluster_commands import open_state

        assert where.bot_id is not None
        async with open_state(where.broker, where.bot_id) as backend:
            yield backend
        return
    if where.url is None and not create and not where.file.is_file():
        fail(
            f"there is no {where.file}: run this in the bot's folder, or name the file with --file. A bot creates it "
            "at its first edit. The records of a bot on many machines are in NATS: use --nats",
            WRONG_USE,
        )
    async with StateStore(0, where.file if where.url is None else where.url) as store:
        yield store.backend


@contextlib.asynccontextmanager
async def _records(where: _Where) -> AsyncIterator[StateStore]:
    """Open the records of a bot: of the only one, if none is named."""
    from mezon.ext.state import StateStore

    async with _backend(where) as backend:
        bot_id = where.bot_id
        if bot_id is None:
            bots = sorted({key.partition(".")[0] for key, _ in await backend.entries("")})
            if len(bots) != 1:
                what = f"there are records of the bots {', '.join(bots)}" if bots else "there are no records"
                fail(f"{what}: name the bot with --bot-id", WRONG_USE)
            bot_id = int(bots[0])
        yield StateStore(bot_id, backend)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except (MezonError, ImportError) as error:
        fail(str(error), FAILED)


# ---- records as text


def _is_key(key: str) -> bool:
    return bool(key) and all(part.isascii() and part.replace("_", "a").isalnum() for part in key.split("."))


def _shown(entry: Entry) -> dict[str, Any]:
    stored = stored_fields(entry.value)
    if stored is None:
        return {"base64": base64.b64encode(entry.value).decode(), "expires": entry.expires}
    return {"version": stored["v"], "value": stored["d"], "expires": entry.expires}


def _text(entry: Entry) -> str:
    stored = stored_fields(entry.value)
    return repr(entry.value) if stored is None else json_line(stored["d"]).removesuffix("\n")


def _parsed(line: str, where: str, bot_id: int | None) -> tuple[str, bytes, float | None]:
    """Return key, value and expiry of an exported line; exits if the line is invalid."""
    try:
        row = json.loads(line)
        bot = int(row["bot_id"]) if bot_id is None else bot_id
        key, expires = row["key"], row.get("expires")
        if "base64" in row:
            value = base64.b64decode(row["base64"], validate=True)
        else:
            value = encode_fields(int(row["v"]), dict(row["d"]))
        if not _is_key(key):
            raise ValueError(f"{key!r} is no key")
        return f"{bot}.{key}", value, None if expires is None else float(expires)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fail(f"{where}: not a record that mezon state export wrote ({error}); nothing is stored")
