"""``mezon dev``: gateway, page and bot in one, with reload; ``mezon gateway``: the gateway with a log."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cli_kit import BOT, environment, mezon_command, running
from patience import patient
from preloaded import PRELOADED

pytestmark = pytest.mark.timeout(120)

REAL = BOT.replace('os.environ["MEZON_API_KEY"]', '"a-real-key", host="gw.example.invalid", use_ssl=True')


class Page:
    """A client of the playground's WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def until(self, fits: Any) -> dict[str, Any]:
        async with asyncio.timeout(patient(30)):
            while True:
                event = json.loads((await self.socket.receive()).data)
                if fits(event):
                    return event

    async def do(self, what: str, **details: Any) -> None:
        await self.socket.send_json({"id": 0, "do": what, "with": details})


def is_answer(text: str) -> Any:
    def fits(event: dict[str, Any]) -> bool:
        return event["event"] == "message" and event["message"]["content"].get("t") == text

    return fits


def is_report(kind: str) -> Any:
    return lambda event: event["event"] == "report" and event["report"]["kind"] == kind


async def test_dev_round_trip(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        REAL + "    if message.content['t'] == '!fail':\n        raise ValueError('ouch')\n"
    )
    async with (
        running("dev", folder=tmp_path, python=sys.executable) as command,
        aiohttp.ClientSession() as http,
        contextlib.AsyncExitStack() as stack,
    ):
        url = (await command.until("page    ")).split()[1]
        socket_url = url.replace("/?", "/socket?").replace("http", "ws")
        page = Page(await stack.enter_async_context(http.ws_connect(socket_url)))
        hello = await page.until(lambda event: event["event"] == "hello")
        assert hello["bot"] == "bot.py"
        if not hello["connected"]:
            await page.until(lambda event: event["event"] == "connected" and event["live"])
        # The bot passes a real host and key; it is redirected, and a message says so.
        await command.until("bot.py passes host, use_ssl; its client uses the local gateway instead")
        # The log of run() appears here and on the page.
        await command.until("is logged in at http://127.0.0.1")
        await page.until(lambda event: is_report("log")(event) and "is logged in" in event["report"]["text"])
        await page.until(is_report("stats"))

        await page.do("say", channel="general", user="alice", text="hi")
        await page.until(is_answer("one: hi"))
        await page.do("say", channel="general", user="alice", text="!fail")
        error = (await page.until(is_report("error")))["report"]
        assert "ValueError: ouch" in error["traceback"]
        assert error["text"].endswith("failed: ValueError: ouch (bot.py:12 in answer)")
        await command.until("failed: ValueError: ouch (bot.py:12 in answer)")

        # What the bot prints is in the terminal and on the page.
        (tmp_path / "bot.py").write_text(REAL.replace("one:", "two:") + "\nprint('printed by the bot')\n")
        await command.until("bot.py was saved")
        await command.until("printed by the bot")
        await page.until(lambda event: event["event"] == "connected" and event["live"] == 0)
        await page.until(lambda event: event["event"] == "connected" and event["live"] == 1)
        await page.until(is_report("stats"))
        await page.do("say", channel="general", user="alice", text="hi")
        await page.until(is_answer("two: hi"))

        await page.do("save")
        assert (await page.until(lambda event: event["event"] == "result" and "test_" in str(event)))[
            "result"
        ]
        assert 'running_bot("bot.py", gateway)' in (tmp_path / "test_played_1.py").read_text()

        (tmp_path / "bot.py").write_text("import mezon\nnonsense\n")
        crash = (await page.until(is_report("crash")))["report"]
        assert "NameError" in crash["text"]
        await command.until("it restarts when a file changes")
        assert await command.end(signal.SIGINT) == 0
    assert not (tmp_path / "mezon-cache").exists()


SCORING = """
import os
from mezon.ext.commands import Bot, Context
from mezon.ext.state import State

class Score(State):
    points: int = 0

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], state="data/records.db")

@bot.command()
async def win(ctx: Context) -> None:
    async with ctx.state.edit(Score) as score:
        score.points += 1
    await ctx.reply(f"{score.points} points")
"""


async def test_the_page_of_dev_shows_the_state_of_the_bot(tmp_path: Path) -> None:
    """The bot chooses where its state is, and the page finds it there."""
    (tmp_path / "bot.py").write_text(SCORING)
    async with running("dev", folder=tmp_path) as command, aiohttp.ClientSession() as http:
        url = (await command.until("page    ")).split()[1]
        async with http.ws_connect(url.replace("/?", "/socket?").replace("http", "ws")) as socket:
            page = Page(socket)
            await command.until("is logged in at")

            async def ask(what: str, **details: Any) -> Any:
                await page.do(what, **details)
                return (await page.until(lambda event: event["event"] == "result"))["result"]

            await page.do("say", channel="general", user="alice", text="!win")
            await page.until(is_answer("1 points"))
            found = await ask("records")
            assert found["place"] == str(tmp_path / "data" / "records.db")
            (record,) = found["records"]
            await ask("set_record", key=record["key"], text='{"points": 7}', revision=record["revision"])
            await page.do("say", channel="general", user="alice", text="!win")
            await page.until(is_answer("8 points"))
        assert await command.end(signal.SIGINT) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Windows are other ones")
async def test_hotkeys(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    terminal, inner = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(PRELOADED, "-m", "mezon.cli", "dev", "--no-reload"),
        cwd=tmp_path,
        env=environment(NO_COLOR="1", BROWSER="true"),
        stdin=inner,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    os.close(inner)
    assert process.stdout is not None

    async def until(text: str) -> None:
        async with asyncio.timeout(patient(30)):
            while line := await process.stdout.readline():
                if text in line.decode():
                    return
        raise AssertionError(text)

    try:
        await until("keys    o open the page")
        os.write(terminal, b"r")
        await until("restart requested")
        await until("started")
        os.write(terminal, b"d")
        await until("connection")
        os.write(terminal, b"q")
        async with asyncio.timeout(patient(20)):
            await process.communicate()
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
        os.close(terminal)


def test_busy_port_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments in (
            ("dev", "--port", port),
            ("gateway", "--port", port),
            ("dev", "--playground-port", port),
        ):
            done = mezon_command(*arguments, folder=tmp_path)
            assert done.returncode == 1
            assert re.fullmatch(rf"port {port} is taken: .*\n", done.stderr), done.stderr


async def test_gateway_logs_traffic(tmp_path: Path) -> None:
    (tmp_path / "world.json").write_text(
        json.dumps({"bot": "helper", "users": ["lan"], "clans": [{"name": "Home", "channels": ["kitchen"]}]})
    )
    (tmp_path / "bot.py").write_text(BOT)
    async with running("gateway", "--world", "world.json", "--playground", folder=tmp_path) as command:
        url = (await command.until("gateway http")).split()[1]
        page_url = (await command.until("page    ")).split()[1]
        assert "#kitchen; lan" in await command.until("world   ")
        port = url.rpartition(":")[2]
        lines = (
            await asyncio.to_thread(mezon_command, "gateway", "--port", port, "--export", folder=tmp_path)
        ).stdout
        env = dict(line.removeprefix("export ").split("=", 1) for line in lines.splitlines())
        assert env["MEZON_PORT"] == port
        async with running("run", folder=tmp_path, **env), aiohttp.ClientSession() as http:
            await command.until("POST /v2/apps/authenticate/token 200")
            await command.until("socket   1 open")
            async with http.ws_connect(page_url.replace("/?", "/socket?").replace("http", "ws")) as line:
                await Page(line).do("say", channel="kitchen", user="lan", text="hi")
                await command.until("world    channel_message lan hi")
                await command.until("bot      channel_message_send one: hi")
        assert await command.end(signal.SIGTERM) == 0


async def test_gateway_log_as_json(tmp_path: Path) -> None:
    async with running("gateway", "--json", "--tls", folder=tmp_path) as command:
        hello = json.loads(await command.until("{"))
        assert hello["kind"] == "hello"
        assert hello["url"].startswith("https://")
        assert await asyncio.to_thread(Path(hello["ca_file"]).is_file)
        assert await command.end(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not valid JSON"),
        ("[]", "must be an object"),
        ('{"users": [1]}', "must be a name"),
        ('{"clans": []}', "has no channel"),
        (
            '{"clans": [{"name": "a", "channels": [{"label": "b", "members": ["nobody"]}]}]}',
            "no user 'nobody'",
        ),
        ('{"clans": [{"name": "a", "colour": 1}]}', "unexpected keyword"),
    ],
)
def test_invalid_state_file_is_a_one_line_error(text: str, sentence: str, tmp_path: Path) -> None:
    from mezon.testing.world import load_world

    path = tmp_path / "world.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        load_world(path)


def test_export_needs_a_port(tmp_path: Path) -> None:
    done = mezon_command("gateway", "--export", folder=tmp_path)
    assert done.returncode == 2
    assert "--export needs --port" in done.stderr


def test_invalid_port_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    for arguments in (("gateway", "--port", "99999"), ("dev", "--playground-port", "-1")):
        done = mezon_command(*arguments, folder=tmp_path)
        assert done.returncode == 2
        assert "Invalid value for" in done.stderr
