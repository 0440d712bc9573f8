"""``mezon doctor``: check the installation, the bot's files and the network; each problem comes with its fix."""

from __future__ import annotations

import ast
import asyncio
import base64
import contextlib
import csv
import hashlib
import os
import socket
import sqlite3
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import typer

from mezon import MezonClient, MezonError
from mezon.api import MezonApi
from mezon.cli.cache import DEFAULT
from mezon.cli.find import default_bot, load_env_file, short
from mezon.cli.output import DONE, FAILED, as_json, out, say, size
from mezon.testing.bots import BotError, locate
from mezon.testing.unregistered import warn_about_main
from mezon.utils.instance_mark import InstanceMark

OK: Final = "ok"
WARNING: Final = "look"
BAD: Final = "bad"
SKIPPED: Final = "skipped"
_STYLES: Final = {OK: "green", WARNING: "yellow", BAD: "red"}

REINSTALL: Final = "pip uninstall -y mezon-sdk, then pip install --force-reinstall mezon-rs"

#: Seconds to wait for the server.
_TIMEOUT: Final = 10.0
#: Maximum clock difference in seconds; sessions last for minutes to hours.
_CLOCK_TOLERANCE: Final = 30.0

#: Calls that block the event loop in a coroutine, and their replacements.
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


#: Methods that send a message to the place of an event.
_SENDS: Final = ("reply", "send")


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: ``text`` states the finding, ``todo`` the fix."""

    name: str
    status: str
    text: str
    todo: str = ""


def examine(
    bot: str | None, *, env_file: Path | None, offline: bool, json_output: bool, listen: float = 0.0
) -> None:
    """Run the checks and print each result. Exits with 1 if a check failed; warnings exit with 0."""
    load_env_file(env_file, Path.cwd())
    checks = []
    for check in _checks(bot, offline, listen):
        checks.append(check)
        if not json_output:
            out.print(f"{check.status:<8}", style=_STYLES.get(check.status), end="", markup=False)
            say(f"{check.name:<12} {check.text}")
            if check.todo:
                say(f"{'':<21}-> {check.todo}")
    bad = [check for check in checks if check.status == BAD]
    if json_output:
        as_json({"ok": not bad, "checks": [asdict(check) for check in checks]})
    else:
        say("")
        warned = sum(check.status == WARNING for check in checks)
        say(f"{len(checks)} checks, {len(bad)} bad, {warned} to look at")
    raise typer.Exit(FAILED if bad else DONE)


def _checks(bot: str | None, offline: bool, listen: float) -> Iterator[Check]:
    yield from _check_installation()
    try:
        yield from _check_environment(bot)
        yield from _check_network(offline, listen)
    except ImportError as error:
        # mezon-sdk removed parts of the package; report that instead of a traceback.
        yield Check("package", BAD, f"a part of mezon-rs cannot be imported: {error}", REINSTALL)


# ---- the installation. Imports the package inside functions, because parts of it may be missing.


def _check_installation() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    # pip refuses to install the package on older versions.
    yield Check("python", OK, f"{version} at {sys.executable}")
    yield _check_version()
    yield _check_mezon_sdk()
    yield check_installed_files()


def _check_version() -> Check:
    try:
        from mezon.utils.installation import core_version, is_debug_build
    except ImportError as error:
        return Check("package", BAD, f"the core cannot be imported: {error}", REINSTALL)
    try:
        installed = metadata.version("mezon-rs")
    except metadata.PackageNotFoundError:
        return Check("package", WARNING, f"core {core_version()}, found on the path but not installed")
    if installed != core_version():
        return Check("package", BAD, f"mezon-rs {installed} with a core of {core_version()}", REINSTALL)
    if is_debug_build():
        return Check("package", WARNING, f"mezon-rs {installed}, a slow debug build", "make build")
    return Check("package", OK, f"mezon-rs {installed}")


def _check_mezon_sdk() -> Check:
    try:
        version = metadata.version("mezon-sdk")
    except metadata.PackageNotFoundError:
        return Check("mezon-sdk", OK, "not installed")
    return Check(
        "mezon-sdk", BAD, f"{version} is installed too; both packages own the folder mezon", REINSTALL
    )


def check_installed_files() -> Check:
    """Compare the files with the installation record: mezon-sdk replaces some, and its removal deletes some."""
    recorded = _recorded_files()
    if not recorded:
        return Check("files", OK, "run from a clone: nothing to compare with")
    missing, changed = [], []
    for name, path, mode, expected in recorded:
        try:
            with open(path, "rb") as stream:
                digest = hashlib.new(mode, stream.read()).digest()
        except OSError:
            missing.append(name)
            continue
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != expected:
            changed.append(name)
    if not missing and not changed:
        return Check("files", OK, f"all {len(recorded)} are as installed")
    some = ", ".join((missing + changed)[:3])
    text = f"{len(missing)} of {len(recorded)} files are missing, {len(changed)} were replaced: {some} ..."
    return Check("files", BAD, text, REINSTALL)


def _recorded_files() -> list[tuple[str, str, str, str]]:
    """Return name, path, hash algorithm and hash of each installed file below ``mezon``.

    ``metadata.files`` cannot be used: from Python 3.12 on it leaves out missing files.
    """
    try:
        distribution = metadata.distribution("mezon-rs")
    except metadata.PackageNotFoundError:
        return []
    found = []
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        name, hashed = (*row, "", "")[:2]
        mode, equals, value = hashed.partition("=")
        if name.startswith("mezon/") and equals:
            found.append((name, str(distribution.locate_file(name)), mode, value))
    return found


# ---- the bot's files and environment


def _check_environment(bot: str | None) -> Iterator[Check]:
    yield _check_credentials()
    yield _check_cache()
    yield _check_instance()
    yield from _check_bot_file(bot)


def _check_credentials() -> Check:
    bot_id, key = os.environ.get("MEZON_BOT_ID", ""), os.environ.get("MEZON_API_KEY", "")
    if not bot_id or not key:
        names = " and ".join(n for n, v in (("MEZON_BOT_ID", bot_id), ("MEZON_API_KEY", key)) if not v)
        return Check(
            "credentials",
            WARNING,
            f"{names} not set; the bot may read its id and key from elsewhere",
            "put MEZON_BOT_ID=... and MEZON_API_KEY=... into .env, or set them in the shell",
        )
    if not bot_id.strip().isdecimal():
        return Check(
            "credentials", BAD, f"MEZON_BOT_ID is {bot_id!r}", "use the number that Mezon shows for the bot"
        )
    if key != key.strip() or bot_id != bot_id.strip():
        return Check(
            "credentials", BAD, "id or key has leading or trailing whitespace", "remove the whitespace"
        )
    return Check("credentials", OK, f"bot {bot_id}, with a key")


def _check_cache() -> Check:
    if not DEFAULT.exists():
        folder = Path.cwd()
        if not os.access(folder, os.W_OK):
            return Check(
                "cache", WARNING, f"{folder} is not writable", "pass message_db=..., or run elsewhere"
            )
        return Check("cache", OK, f"none yet: {DEFAULT} is created at the first message")
    if not os.access(DEFAULT, os.W_OK) or not os.access(DEFAULT.parent, os.W_OK):
        return Check(
            "cache", BAD, f"{DEFAULT} is not writable for this user", f"chown or chmod {DEFAULT.parent}"
        )
    try:
        uri = f"{DEFAULT.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5)) as store:
            count = store.execute("SELECT count(*) FROM messages").fetchone()[0]
    except sqlite3.DatabaseError as error:
        todo = "move the file away; the bot creates a new one"
        return Check("cache", BAD, f"{DEFAULT} cannot be read: {error}", todo)
    return Check("cache", OK, f"{DEFAULT}: {count:,} messages, {size(DEFAULT.stat().st_size)}")


def _check_instance() -> Check:
    bot_id = os.environ.get("MEZON_BOT_ID", "")
    if not bot_id.isdecimal():
        return Check("instances", SKIPPED, "MEZON_BOT_ID is not set")
    mark = InstanceMark(int(bot_id), _login_url(), str(DEFAULT.absolute()))
    other = mark.take()
    mark.release()
    if other is None:
        return Check("instances", OK, "no other process runs this bot with this cache")
    return Check(
        "instances",
        WARNING,
        f"{f'process {other}' if other else 'another process'} runs this bot with this cache",
        "do not start a second one: both would answer every message",
    )


def _login_url() -> str:
    """Return the URL where a client without arguments logs in."""
    return MezonClient(1, "unused", message_db=False).login_url


def _check_bot_file(bot: str | None) -> Iterator[Check]:
    home = Path.cwd()
    try:
        target = locate(bot or default_bot(home), home)
        tree = ast.parse(target.path.read_text(encoding="utf-8"))
    except BotError as error:
        yield Check("blocking", SKIPPED, f"no bot to check: {error}" if bot else "no bot in this folder")
    except (SyntaxError, UnicodeDecodeError) as error:
        yield Check("blocking", BAD, f"the bot's file is not valid Python: {error}", "fix that line")
    else:
        yield _check_blocking_calls(target.path, tree)
        yield _check_own_messages(target.path, tree)
        warning = warn_about_main(target.path, local=False)
        if warning is not None:
            found, _, todo = warning.partition(". ")
            yield Check("main", WARNING, found, todo)


def _check_blocking_calls(path: Path, tree: ast.AST) -> Check:
    found = list(_blocking_calls(tree))
    if not found:
        return Check("blocking", OK, f"no known blocking call in a coroutine of {short(path)}")
    line, name = found[0]
    text = f"{short(path)}:{line} calls {name} in a coroutine" + (
        f", and {len(found) - 1} more" if found[1:] else ""
    )
    return Check("blocking", WARNING, text, f"the call blocks the event loop; use {_BLOCKING[name]}")


def _check_own_messages(path: Path, tree: ast.AST) -> Check:
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and _answers_itself(function):
            return Check(
                "own messages",
                WARNING,
                f"{short(path)}:{function.lineno} {function.name} answers every message, also the bot's own",
                "@client.on_channel_message(ignore_self=True)",
            )
    return Check("own messages", OK, f"no handler of {short(path)} answers every message of the bot itself")


def _answers_itself(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a handler of all messages sends a message under no condition."""
    if not any(ast.unparse(one).endswith(".on_channel_message") for one in function.decorator_list):
        return False
    for statement in function.body:
        if isinstance(statement, (ast.If, ast.Match, ast.Try, ast.While)):
            # Most conditions are met by few messages.
            return False
        for node in ast.walk(statement):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in _SENDS
            ):
                return True
    return False


def _blocking_calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in _BLOCKING:
                yield node.lineno, name


# ---- the network


def _check_network(offline: bool, listen: float) -> Iterator[Check]:
    """Check in order of dependency: the first failure explains the rest, so later checks are left out."""
    if offline:
        yield Check("network", SKIPPED, "--offline")
        return
    parts = urlsplit(_login_url())
    host, port, tls = parts.hostname or "", parts.port or 443, parts.scheme == "https"
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        todo = "check the network, the name server, and MEZON_HOST"
        yield Check("dns", BAD, f"{host} is not found: {error.strerror or error}", todo)
        return
    took = time.monotonic() - began
    yield Check("dns", OK, f"{host} is {found[0][4][0]} ({took * 1000:.0f} ms)")
    reached = _check_connection(host, port, tls)
    yield reached
    if reached.status == BAD:
        return
    yield asyncio.run(_check_clock())
    results = asyncio.run(_check_login())
    yield from results
    if listen and results[0].status == OK:
        if sys.stdout.isatty():
            say(f"{'':<8} {'events':<12} listening for {listen:g} s: write a message to the bot now")
        yield asyncio.run(_check_events(listen))


def _check_connection(host: str, port: int, tls: bool) -> Check:
    name = "tls" if tls else "tcp"
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT) as plain:
            if not tls:
                return Check(name, OK, f"{host}:{port} answers, without TLS")
            with ssl.create_default_context().wrap_socket(plain, server_hostname=host) as connection:
                issuer = dict(entry[0] for entry in (connection.getpeercert() or {}).get("issuer", ()))  # type: ignore[misc]
                return Check(
                    name,
                    OK,
                    f"{host}:{port}, {connection.version()}, issued by {issuer.get('organizationName', '?')}",
                )
    except ssl.SSLCertVerificationError as error:
        return Check(
            name,
            BAD,
            f"the certificate of {host}:{port} is not trusted: {error.verify_message}",
            "for a private CA pass GatewayOptions(ca_file='ca.pem'), and set SSL_CERT_FILE=ca.pem for this check",
        )
    except ssl.SSLError as error:
        return Check(
            name,
            BAD,
            f"{host}:{port} does not speak TLS: {error.reason}",
            "set MEZON_USE_SSL=false for a local server",
        )
    except OSError as error:
        todo = "check MEZON_PORT and the firewall; proxies are not supported"
        return Check(name, BAD, f"{host}:{port} cannot be reached: {error.strerror or error}", todo)


async def _check_login() -> list[Check]:
    bot_id, key = os.environ.get("MEZON_BOT_ID", ""), os.environ.get("MEZON_API_KEY", "")
    if not bot_id.isdecimal() or not key:
        return [Check("login", SKIPPED, "MEZON_BOT_ID or MEZON_API_KEY is not set")]
    client = MezonClient(bot_id, key, message_db=False)
    try:
        async with asyncio.timeout(_TIMEOUT * 2):
            session = await client.get_session()
            api = MezonApi(bot_id, key, session.api_url or client.login_url, int(_TIMEOUT * 1000))
            try:
                clans = await api.list_clans_descs(session.token)
            finally:
                await api.close()
    except MezonError as error:
        return [Check("login", BAD, str(error), "compare id and key with what Mezon shows for the bot")]
    except TimeoutError:
        return [
            Check("login", BAD, f"no answer in {_TIMEOUT * 2:g} s", "try again; the server may be overloaded")
        ]
    finally:
        await client.disconnect()
    lifetime = (session.expires_at or 0) - time.time()
    login = Check("login", OK, f"bot {session.user_id}, session valid for {lifetime:.0f} s")
    names = ", ".join(one.clan_name or str(one.clan_id) for one in clans.clandesc or ())
    member = Check("clans", OK, f"the bot is in {names}")
    if not names:
        todo = "add the bot to a clan; it hears only clans, groups and DMs of which it is a member"
        member = Check("clans", WARNING, "the bot is in no clan", todo)
    offered = [name for name, url in (("websocket", session.ws_url), ("tcp", session.tcp_url)) if url]
    if offered:
        return [login, member, Check("transport", OK, f"the server offers {' and '.join(offered)}")]
    return [
        login,
        member,
        Check("transport", BAD, "the server offers no transport", "report it to the operator"),
    ]


async def _check_events(seconds: float) -> Check:
    """Connect for a while, without the bot's handlers, and count the events by kind."""
    client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], message_db=False)
    try:
        async with asyncio.timeout(_TIMEOUT * 2):
            await client.login()
        await asyncio.sleep(seconds)
        events = client.stats().events
    except (MezonError, TimeoutError) as error:
        return Check("events", BAD, f"the bot cannot connect: {error}", "check the network and try again")
    finally:
        await client.disconnect()
    counts = sorted(events.items(), key=lambda one: (-one[1], one[0]))
    text = ", ".join(f"{count} {kind}" for kind, count in counts)
    if "channel_message" in events:
        return Check("events", OK, f"received in {seconds:g} s: {text}")
    return Check(
        "events",
        WARNING,
        f"received in {seconds:g} s: {text or 'nothing'}; no message",
        "write in a channel that the bot is a member of; if a message arrives here but your handler is silent, "
        "mezon top shows what its filters reject",
    )


async def _check_clock() -> Check:
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(_login_url()) as answer:
            date: Any = answer.headers.get("Date")
        server_time = parsedate_to_datetime(date).timestamp()
    except (aiohttp.ClientError, TimeoutError, TypeError, ValueError):
        return Check("clock", SKIPPED, "the server sends no time")
    difference = time.time() - server_time
    if abs(difference) > _CLOCK_TOLERANCE:
        direction = "ahead of" if difference > 0 else "behind"
        text = f"this clock is {abs(difference):.0f} s {direction} the server's"
        return Check("clock", WARNING, text, "synchronize it (NTP): sessions would expire early or late")
    return Check("clock", OK, "within 30 s of the server's")
