"""The code of the documentation runs, and its tables and links are correct."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from docs_pages import (
    DOCS,
    PAGES,
    REPOSITORY,
    ROOT,
    SITE,
    Block,
    blocks,
    docstring_blocks,
    prose,
    table,
)
from mezon import (
    ButtonBuilder,
    CacheManager,
    ChannelMessage,
    ChannelMessageContent,
    Clan,
    Events,
    GapOptions,
    GatewayOptions,
    InteractiveBuilder,
    Message,
    MessageDB,
    MessageLimits,
    MezonClient,
    Text,
    TextChannel,
    User,
    split_text,
)
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button
from mezon.testing import LocalGateway, running_bot
from patience import patient
from preloaded import PRELOADED, PYTEST
from terminals import terminal

README = ROOT / "README.md"
CODE = [block for page in PAGES for block in blocks(page)]
RUNNABLE = [block for block in CODE if block.run]
BOTS = [block for block in CODE if block.bot]


def named(block: Block) -> str:
    return block.name


def compiled(block: Block) -> Any:
    # The blank lines make a traceback point at the line of the page.
    text = "\n" * block.line + block.text
    return compile(text, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@pytest.mark.parametrize("block", CODE, ids=named)
def test_every_block_compiles(block: Block) -> None:
    compiled(block)


# ---- snippets


@asynccontextmanager
async def stage(gateway: LocalGateway) -> AsyncIterator[dict[str, Any]]:
    """What a snippet finds: a client that is logged in (a bot, too), a channel, a user, and a message of that user."""
    client = Bot(**gateway.client_options())
    await client.login()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    heard = asyncio.Event()
    handler = client.on_channel_message(lambda message: heard.set())
    message_id = await gateway.say("general", "alice", "hello")
    async with asyncio.timeout(patient(5)):
        await heard.wait()
    client.off("channel_message", handler)
    try:
        yield {
            "__name__": "snippet",
            "gateway": gateway,
            "client": client,
            "bot": client,
            "channel": channel,
            "message": await channel.messages.fetch(message_id),
            "user": await client.users.fetch(gateway.world.user("alice").id),
        }
    finally:
        await client.disconnect()


@pytest.mark.parametrize("block", RUNNABLE, ids=named)
async def test_snippet_runs(
    block: Block, gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(b"not quite a picture")
    errors: list[Exception] = []
    async with stage(gateway) as names:
        names["client"].on_error(lambda error, event: errors.append(error))
        code = compiled(block)
        if code.co_flags & inspect.CO_COROUTINE:
            # Executed like the asyncio REPL does.
            await eval(code, names)
        else:
            exec(code, names)
        for name, test in list(names.items()):
            if name.startswith("test_"):
                await test(gateway)
    assert errors == []


# ---- bots


@pytest.mark.parametrize("block", BOTS, ids=named)
async def test_a_bot_runs(
    block: Block, gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Save the block as bot.py, start it as `mezon run` does, and execute the hidden lines below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "docs" / "stubs"))
    for name in NEEDED.findall(block.text):
        monkeypatch.setenv(name, "1")
    # The blank lines make a traceback point at the line of the page.
    (tmp_path / "bot.py").write_text("\n" * block.line + block.text, encoding="utf-8")
    errors: list[Exception] = []
    async with running_bot("bot.py", gateway) as client:
        client.on_error(lambda error, event: errors.append(error))
        names: dict[str, Any] = {"gateway": gateway, "bot": client, "errors": errors, "pytest": pytest}
        drive = compile(
            "\n" * (block.line + block.text.count("\n") + 3) + block.drive,
            str(block.page),
            "exec",
            ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        done = eval(drive, names)
        if done is not None:
            await done
    assert errors == []


#: Variables of the environment that a bot reads, besides those that the local gateway sets.
NEEDED = re.compile(r'os\.environ\["(?!MEZON_)(\w+)"\]')


@pytest.mark.parametrize("block", BOTS, ids=named)
def test_a_bot_is_complete(block: Block) -> None:
    """It takes id and key from the environment, and runs the client that it made."""
    *_, last = ast.parse(block.text).body
    match = re.fullmatch(r"if __name__ == '__main__':\n    (\w+)\.run\(\)", ast.unparse(last))
    assert match, "the last lines are: if __name__ == '__main__': bot.run()"
    made = re.search(
        rf'^{match[1]} = \w+\(os\.environ\["MEZON_BOT_ID"\], os\.environ\["MEZON_API_KEY"\]', block.text, re.M
    )
    assert made, f"{match[1]} is made with the id and the key of the environment"
    assert block.drive or block.page in (
        README,
        ROOT / "README.vi.md",
        DOCS / "start.md",
        DOCS / "vi" / "start.md",
    )


#: Registers a handler, a command or a task.
REGISTERS = re.compile(r"^@(?:bot|client)\.", re.M)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_what_registers_handlers_is_a_whole_bot(page: Path) -> None:
    """A reader can paste it into bot.py. The tutorial builds its bot in marked pieces."""
    parts = [
        block.name
        for block in blocks(page)
        if REGISTERS.search(block.text) and not block.bot and block.mark != "<!-- lunch -->"
    ]
    assert parts == []


def test_a_bot_is_named_as_agreed() -> None:
    """A misspelt first line or comment would silently disable the tests of a block."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert len(re.findall("^<!-- drive", text, re.M)) == sum(
            bool(block.drive) for block in blocks(page) if block.bot
        ), page


# ---- the installation

INSTALL = """\
python3 -m venv .venv
. .venv/bin/activate
pip install --find-links . "mezon-rs[cli]"
"""
FIRST_PAGES = [README, DOCS / "index.md", DOCS / "start.md"]
VIETNAMESE = [ROOT / "README.vi.md", DOCS / "vi" / "start.md"]


@pytest.mark.parametrize("page", [*FIRST_PAGES, *VIETNAMESE], ids=lambda page: str(page.relative_to(ROOT)))
def test_the_installation_is_the_same_everywhere(page: Path) -> None:
    assert [block.text for block in blocks(page, "sh") if "pip" in block.text] == [INSTALL]
    text = " ".join(page.read_text(encoding="utf-8").split())
    said = {
        False: [
            "The package is not on PyPI yet. Download the wheel for your system from the",
            "Tested on Linux; the code and the CI workflow cover macOS and Windows, but have not been run there yet.",
        ],
        True: [
            "Gói chưa có trên PyPI. Hãy tải file wheel cho hệ điều hành của bạn",
            "Đã kiểm thử trên Linux; mã và quy trình CI có macOS và Windows nhưng chưa được chạy ở đó.",
        ],
    }[page in VIETNAMESE]
    assert [sentence for sentence in said if sentence not in text] == []


def test_the_installation_can_be_pasted(tmp_path: Path) -> None:
    """Into the folder with the wheel; here an empty one of the same name."""
    info = "mezon_rs-0.0.1.dist-info"
    with zipfile.ZipFile(tmp_path / "mezon_rs-0.0.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mezon-rs\nVersion: 0.0.1\nProvides-Extra: cli\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    done = subprocess.run(
        ["bash", "-e"],
        input=INSTALL + "pip show mezon-rs\n",
        cwd=tmp_path,
        env=clean_environment()
        | {"PIP_NO_INDEX": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Version: 0.0.1" in done.stdout


def test_what_is_said_of_systems_and_pypi() -> None:
    """No other page says something else; the workflow of CI has the systems that the sentence names."""
    for page in PAGES:
        if page.name in ("CHANGELOG.md", "releasing.md"):
            continue
        text = " ".join(page.read_text(encoding="utf-8").split())
        assert prose(page).count("PyPI") == (page in (*FIRST_PAGES, *VIETNAMESE)), page
        for command in re.findall(r"pip install [^`\n]*mezon-rs[^`\n]*", page.read_text(encoding="utf-8")):
            assert "--find-links ." in command, page
        if (
            re.search(r"\bCI\b.{0,60}(?:macOS|Windows)|(?:macOS|Windows).{0,60}\bCI\b", text)
            and page not in VIETNAMESE
        ):
            assert "Tested on Linux; the code and the CI workflow cover macOS and Windows" in text, page
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "ubuntu" in workflow
    assert "macos" in workflow
    assert "windows" in workflow


# ---- examples in docstrings

#: What bots use most. Each shows in an editor how it is used.
MOST_USED: list[Any] = [
    *(MezonClient, MezonClient.run, MezonClient.on, MezonClient.on_channel_message),
    *(
        MezonClient.on_message_button_clicked,
        MezonClient.wait_for,
        MezonClient.stream,
        MezonClient.send_message,
    ),
    *(MezonClient.upload_file, TextChannel.send, TextChannel.send_ephemeral, TextChannel.send_long),
    *(TextChannel.history, TextChannel.typing, Message.reply, Message.update, Message.react, Message.delete),
    *(User.send_dm_message, Clan.channel, Clan.members, CacheManager.fetch, CacheManager.get, Events),
    *(
        ChannelMessage,
        ChannelMessageContent,
        MessageDB,
        GatewayOptions,
        GapOptions,
        MessageLimits,
        Text,
        split_text,
    ),
    *(InteractiveBuilder, ButtonBuilder, Bot.command, Context.reply, Context.ask, Context.send_form, Button),
    *(LocalGateway.say, LocalGateway.next_sent, LocalGateway.expect, LocalGateway.click),
]


@pytest.mark.parametrize("used", MOST_USED, ids=lambda used: used.__qualname__)
def test_most_used_names_have_an_example(used: Any) -> None:
    assert "```python\n" in (inspect.getdoc(used) or "")


@pytest.mark.parametrize("block", docstring_blocks(), ids=named)
async def test_an_example_in_a_docstring_runs(
    block: Block, gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run with a logged-in client, and alice, who keeps sending messages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(b"not quite a picture")
    errors: list[Exception] = []

    async def chat() -> None:
        while True:
            await gateway.say("general", "alice", "well")
            await asyncio.sleep(0.05)

    async with stage(gateway) as names:
        names |= {"bot_id": "1", "key": "k"}
        names["client"].on_error(lambda error, event: errors.append(error))
        monkeypatch.setattr(MezonClient, "run", lambda client: None)
        chatting = asyncio.create_task(chat())
        try:
            code = compiled(block)
            if code.co_flags & inspect.CO_COROUTINE:
                await eval(code, names)
            else:
                exec(code, names)
        finally:
            chatting.cancel()
    assert errors == []


def test_snippets_are_run_on_these_pages() -> None:
    """A misspelt mark would silently disable a snippet."""
    pages = {block.page.name for block in RUNNABLE}
    assert {"sending.md", "tokens.md", "testing.md", "errors.md"} <= pages
    assert {"clans.md", "files.md", "logging.md"} <= pages
    for page in PAGES:
        assert set(re.findall(r"^<!-- ?run.*", page.read_text(encoding="utf-8"), re.M)) <= {"<!-- run -->"}


# ---- the bots of the README and of the first page


@pytest.fixture
def bot_folder(tmp_path: Path) -> Path:
    """A folder with the README's bot, typed as shown."""
    (tmp_path / "bot.py").write_text(blocks(README)[0].text, encoding="utf-8")
    return tmp_path


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MEZON_", "PYTEST_"))}


async def test_the_bot_of_the_readme_answers(gateway: LocalGateway, bot_folder: Path) -> None:
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "bot.py",
        cwd=bot_folder,
        env=clean_environment() | gateway.environment(),
    )
    try:
        await gateway.wait_joined(timeout=20)
        await gateway.say("general", "alice", "hello everybody")
        await gateway.say("general", "alice", "!hello")
        sent = await gateway.next_sent("channel_message_send")
        bot.terminate()
        assert await bot.wait() == 0
    finally:
        if bot.returncode is None:
            bot.kill()
            await bot.wait()
    assert sent.text == "Hello, alice!"
    assert sent.channel_id == gateway.world.channel("general").id
    assert [one.kind for one in gateway.sent].count("channel_message_send") == 1
    assert (bot_folder / "mezon-cache" / "mezon-messages-cache.db").is_file()


@pytest.mark.parametrize("page", [DOCS / "start.md", DOCS / "vi" / "start.md"], ids=["en", "vi"])
async def test_the_test_of_the_first_page_passes(page: Path, tmp_path: Path) -> None:
    """Both files typed as shown."""
    bot, test = blocks(page)[:2]
    assert (bot.text.splitlines()[0], test.text.splitlines()[0]) == ("# bot.py", "# test_bot.py")
    (tmp_path / "bot.py").write_text(bot.text, encoding="utf-8")
    (tmp_path / "test_bot.py").write_text(test.text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(*PYTEST, "test_bot.py"),
        cwd=tmp_path,
        env=clean_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert b"1 passed" in said


@pytest.mark.parametrize(
    "page", [README, *VIETNAMESE, DOCS / "start.md"], ids=lambda page: str(page.relative_to(ROOT))
)
async def test_the_session_shown_is_that_of_a_terminal(page: Path, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(blocks(page)[0].text, encoding="utf-8")
    (session,) = [block.text for block in blocks(page, "text") if "@general>" in block.text]
    lines = [line for line in session.splitlines() if not line.startswith("$")]
    (typed,) = [line.partition("> ")[2] for line in lines if "> " in line]
    command = (PRELOADED, "-m", "mezon.cli", "chat", "bot.py")
    env = clean_environment() | {"XDG_STATE_HOME": str(tmp_path), "COLUMNS": "100"}
    async with terminal(*command, folder=tmp_path, env=env) as shown:
        await shown.until("alice@general>")
        shown.type(f"{typed}\r")
        # Before the next prompt the terminal is not in raw mode, and Ctrl-D is lost.
        await shown.until("alice@general>", after=lines[2])
        await shown.end()
    at = -1
    for line in lines:
        at = shown.text.find(line, at + 1)
        assert at >= 0, (line, shown.text)


async def test_the_vietnamese_test_passes(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of tests tests the bot of the page of forms."""
    monkeypatch.chdir(tmp_path)
    (bot,), (test,) = blocks(DOCS / "vi" / "forms.md"), blocks(DOCS / "vi" / "testing.md")
    (tmp_path / "bot.py").write_text(bot.text, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(test.text, names)
    await names["test_lunch"](gateway)


# ---- statements of the pages about the code


def helpers() -> dict[str, Any]:
    """The on_* methods of the client that register handlers, by name."""
    names = [name for name in dir(MezonClient) if name.startswith("on_") and hasattr(MezonClient, name)]
    found = {name: getattr(MezonClient, name) for name in names}
    del found["on_error"]
    return found


def test_the_table_of_events() -> None:
    """Every row names an event that is there, its decorator and the class its handlers get; none is left out."""
    from mezon._gateway.codec import MESSAGES
    from mezon.constants import Events
    from mezon.models._envelopes import ENVELOPE_TO_PYDANTIC_MAP

    page = ROOT / "docs" / "guide" / "events.md"
    rows = table(page, "## Events of the gateway")
    for member, name, decorator, payload in ([cell.strip("`") for cell in row[:4]] for row in rows):
        assert Events[member].value == name
        model = ENVELOPE_TO_PYDANTIC_MAP.get(name)
        expected = (
            model.__name__
            if model
            else MESSAGES[name].replace("mezon.api.", "api_pb2.").replace("mezon.realtime.", "realtime_pb2.")
        )
        assert payload == expected, name
        if decorator != "client.on":
            registered = MezonClient(client_id=1, api_key="k")
            getattr(registered, decorator.removeprefix("client."))(print)
            assert registered.event_manager.has_listeners(name), decorator
    lifecycle = table(page, "## The life of the connection")
    agents = table(page, "## AI agents")
    shown = {row[0].strip("`") for row in (*rows, *lifecycle, *agents)}
    names = {Events[member].value for member in shown}
    assert names == {event.value for event in Events}
    text = page.read_text(encoding="utf-8")
    assert [name for name in helpers() if f"`client.{name}`" not in text] == []


OPTIONS = DOCS / "options.md"


def shown_default(value: Any) -> str:
    return repr(value).replace("'", '"')


def test_the_table_of_parameters() -> None:
    """The table names every parameter of the constructor, in order, with its default."""
    from mezon._client.arguments import FromEnv

    text = OPTIONS.read_text(encoding="utf-8")
    shown = {row[0].strip("`"): row[1].strip("`") for row in table(OPTIONS, "## Parameters of `MezonClient`")}
    parameters = dict(inspect.signature(MezonClient).parameters)
    assert list(shown) == list(parameters)
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty:
            assert shown[name] == "required"
        elif name != "log_level":
            assert shown[name] == shown_default(parameter.default), name
        if isinstance(parameter.default, FromEnv):
            variable = parameter.default.variable
            row = next(row for row in table(OPTIONS, "## Environment variables") if row[0] == f"`{variable}`")
            assert row[1].startswith(f"`{name}`")
    assert text.count("| `MEZON_") == sum(isinstance(p.default, FromEnv) for p in parameters.values())


def test_the_tables_of_options() -> None:
    """The tables name every option of the connection, of gaps and of the store, in order, with its default."""
    from dataclasses import fields

    from mezon import GapOptions, GatewayOptions, MessageDB, MessageLimits

    for options in (GatewayOptions, GapOptions, MessageLimits):
        shown = [(row[0].strip("`"), row[1].strip("`")) for row in table(OPTIONS, f"## `{options.__name__}`")]
        assert shown == [(field.name, shown_default(field.default)) for field in fields(options)]
    shown = [(row[0].strip("`"), row[1].strip("`")) for row in table(OPTIONS, "## `MessageDB`")]
    parameters = inspect.signature(MessageDB).parameters.values()
    assert shown == [(parameter.name, shown_default(parameter.default)) for parameter in parameters]


def test_the_page_of_the_command_line() -> None:
    """docs/cli.md has a heading for every command, and a row for every command below it."""
    import typer.main
    from mezon.cli.app import app

    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert len(commands) >= 3
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    for name, command in commands.items():
        assert f"\n## `mezon {name}`\n" in text
        for below in getattr(command, "commands", {}):
            assert f"| `mezon {name} {below}" in text


def test_the_tree_of_errors() -> None:
    """docs/guide/errors.md names every public class of mezon.errors."""
    from mezon import errors

    text = (ROOT / "docs" / "guide" / "errors.md").read_text(encoding="utf-8")
    assert [name for name in errors.__all__ if f"`{name}`" not in text] == []


def test_the_page_of_deployment_has_the_dockerfile_of_new_bots() -> None:
    template = ROOT / "python" / "mezon" / "cli" / "templates" / "common" / "Dockerfile.tmpl"
    (shown,) = blocks(DOCS / "deployment.md", "dockerfile")
    assert shown.text == template.read_text(encoding="utf-8")


def test_the_files_of_deployment_can_be_read() -> None:
    import json
    import tomllib

    page = DOCS / "deployment.md"
    for read, language in ((tomllib.loads, "toml"), (json.loads, "json")):
        assert [read(block.text) for block in blocks(page, language)], language


# ---- links and names

_PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(#[\w-]+)?\)")
PROOFS = sorted({match for page in PAGES for match in _PROOF.findall(page.read_text(encoding="utf-8"))})


@pytest.mark.parametrize(("file", "test"), PROOFS)
def test_the_named_proof_is_there(file: str, test: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^ *(?:async )?def {test}\(", text, re.M)


def test_every_difference_from_mezon_sdk_has_a_proof() -> None:
    rows = table(DOCS / "guide" / "migrating.md", "## What changes")
    assert len(rows) >= 20
    assert [row[0] for row in rows if not _PROOF.search(row[-1])] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository(page: Path) -> None:
    assert [link for link, _ in _LINK.findall(prose(page)) if not (page.parent / link).exists()] == []


def test_links_of_the_readmes_are_absolute() -> None:
    """Package indexes show the README without its repository: every link is absolute, and leads to a page there is."""
    of_the_root = {
        path.with_suffix("").name.lower(): path
        for path in ROOT.glob("*.md")
        if not path.name.startswith("README")
    }
    for page in (README, ROOT / "README.vi.md"):
        text = prose(page)
        assert _LINK.findall(text) == []
        links = re.findall(r"\]\((https?://[^)#\s]+)", text)
        ours = [link.removeprefix(SITE) for link in links if link.startswith(SITE)]
        assert len(ours) >= 5
        for link in ours:
            name = link.removesuffix(".html")
            assert (DOCS / f"{name}.md").exists() or name in of_the_root, link


def test_links_to_the_repository_lead_to_files() -> None:
    found = [
        (page.name, kind, name)
        for page in PAGES
        for kind, name in re.findall(rf"\]\({re.escape(REPOSITORY)}(blob|tree)/main/([^)#\s]+)", prose(page))
    ]
    assert len(found) > 10
    for page, kind, name in found:
        path = ROOT / name
        assert path.is_file() if kind == "blob" else path.is_dir(), (page, name)


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    shown = re.findall(r": (\S+\.md)$", navigation, re.M)
    assert len(shown) == len(set(shown))
    assert {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} <= set(shown)


def test_every_public_name_is_in_the_reference() -> None:
    """A page of docs/api names each, or the module whose list of names has it."""
    import pkgutil

    import mezon

    shown = {
        line.removeprefix("::: ").strip()
        for page in (DOCS / "api").glob("*.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("::: ")
    }
    members = {
        name
        for page in (DOCS / "api").glob("*.md")
        for name in re.findall(
            r"^<!-- members: (\S+)(?: by name)?(?: without [\w ]+)? -->$",
            page.read_text(encoding="utf-8"),
            re.M,
        )
    }
    shown |= members
    options = re.findall(r"^## `(\w+)`$", OPTIONS.read_text(encoding="utf-8"), re.M)
    shown |= {f"mezon.{name}" for name in options}
    for path in shown:
        pkgutil.resolve_name(path)
    whole = [path for path in shown if inspect.ismodule(sys.modules.get(path))]
    listed = {
        name for path in whole for name in getattr(sys.modules[path], "__all__", dir(sys.modules[path]))
    }
    listed |= {path.rpartition(".")[2] for path in shown}
    from mezon import testing
    from mezon.ext import commands, components, jobs, metrics, state, streaming

    parts = (testing, commands, components, jobs, metrics, state, streaming)
    for module in (mezon, mezon.errors, mezon.constants, mezon.structures, *parts):
        left_out = {"__version__", "Content", "Scope"}  # aliases of types
        assert [name for name in module.__all__ if name not in listed | left_out] == []


@pytest.mark.parametrize("name", ["Bot", "ClientAction", "Context", "Click", "MenuChoice", "Router"])
def test_the_reference_has_inherited_members(name: str) -> None:
    """tools/docs.py replaces the comment by links, whose anchors it checks."""
    text = (DOCS / "api" / "commands.md").read_text(encoding="utf-8")
    shown = f"^::: mezon.ext.commands.{name}\n(?: .*\n)*\n<!-- inherited: mezon.ext.commands.{name} -->$"
    assert re.search(shown, text, re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_command_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named_targets = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M))
    assert named_targets <= targets


def test_readme_shows_two_make_commands() -> None:
    """`make demo` and `make test`, and no other, in the README's block for a clone."""
    (shell,) = [block.text for block in blocks(README, "sh") if "make" in block.text]
    assert re.findall(r"^make (\w+)", shell, re.M) == ["demo", "test"]


def test_the_speed_table_has_its_place() -> None:
    for page in (README, DOCS / "benchmark.md"):
        text = page.read_text(encoding="utf-8")
        assert text.count("<!-- bench:start -->") == text.count("<!-- bench:end -->") == 1
        assert text.index("<!-- bench:start -->") < text.index("<!-- bench:end -->")
        labels = re.findall(r"^\| (.+?) \|", text.partition("<!-- bench:start -->")[2], re.M)
        assert len(labels) == len(set(labels)) > 5


def test_the_table_of_measured_promises_has_every_fault() -> None:
    """`benches/promises.py --write-guide` writes it; the titles are those of the driver."""
    text = (DOCS / "guide" / "many-machines.md").read_text(encoding="utf-8")
    _, start, rest = text.partition("<!-- promises:start -->")
    block, end, _ = rest.partition("<!-- promises:end -->")
    assert start
    assert end
    measured = re.findall(r"^\| (.+?) \|", block, re.M)
    command = [sys.executable, str(ROOT / "benches" / "promises.py"), "--list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert measured == ["fault", *(line.partition(": ")[2] for line in listed)]


def test_the_changelog_knows_this_version() -> None:
    import mezon

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(mezon.__version__)}\]", text, re.M)


def test_the_readme_names_the_python_it_needs() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = project["requires-python"].removeprefix(">=")
    text = README.read_text(encoding="utf-8")
    assert f"Python {needed} or newer" in text
    rust = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["rust-version"]
    assert f"Rust {rust}+" in text


def test_the_table_of_loggers() -> None:
    """Every logger of the package is named after something public, and the guide lists it."""
    shown = {row[0].strip("`") for row in table(DOCS / "guide" / "logging.md", "## Logging")}
    package = ROOT / "python" / "mezon"
    made = set()
    for path in package.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert "Logger(__name__)" not in source, path
        assert "get_logger(__name__)" not in source, path
        made |= set(re.findall(r'(?:get_logger|getLogger)\("(mezon\.[a-z.]+)"\)', source))
    assert made == shown


def test_the_reference_can_read_the_docstrings() -> None:
    """An argument has a line of its own, named as in the signature; the site shows it beside its type."""
    wrong = []
    for path in sorted((ROOT / "python" / "mezon").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            _, _, rest = (ast.get_docstring(node) or "").partition("Args:\n")
            section = re.split(r"\n\S", rest)[0]
            wrong += [
                f"{path.relative_to(ROOT)}: {line.strip()[:60]}"
                for line in section.splitlines()
                if re.match(r" {4}\S", line) and not re.match(r" {4}\*{0,2}\w+(?: \([^)]*\))?: ", line)
            ]
    assert wrong == []
