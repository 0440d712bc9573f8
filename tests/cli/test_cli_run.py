"""``mezon run``: output, shutdown and --reload."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from cli_kit import BOT, mezon_command, running
from mezon.testing import LocalGateway
from patience import patient


def settings(gateway: LocalGateway) -> str:
    return "".join(f"{name}={value}\n" for name, value in gateway.environment().items())


async def test_reads_the_env_file_and_prints_the_server(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / ".env").write_text(settings(gateway))
    async with running("run", folder=tmp_path) as command:
        await command.until(f"client  bot {gateway.bot_id} at {gateway.url}")
        await gateway.wait_joined(timeout=30)
        await gateway.say("general", "alice", "hi")
        assert (await gateway.next_sent("channel_message_send")).text == "one: hi"
        assert await command.end(signal.SIGINT) == 0
    said = "\n".join(command.said)
    assert "MEZON_API_KEY" in said
    assert gateway.api_key not in said
    assert "bot.py (import bot)" in said
    assert "Traceback" not in said


async def test_health_address(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    async with running("run", "--health", address, folder=tmp_path, **gateway.environment()) as command:
        await command.until("is logged in")
        async with aiohttp.ClientSession() as http, http.get(f"http://{address}/ready") as answer:
            assert answer.status == 200
        assert await command.end(signal.SIGINT) == 0


async def test_reload_restarts_the_process(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "my.env").write_text(settings(gateway))
    arguments = ("run", "bot.py", "--reload", "--env-file", "my.env")
    async with running(*arguments, folder=tmp_path, python=sys.executable) as command:
        await gateway.wait_joined(timeout=30)
        await gateway.say("general", "alice", "hi")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "one: hi"

        (tmp_path / "bot.py").write_text(BOT.replace("one:", "two:"))
        await command.until("bot.py was saved")
        await command.until("bot started")
        await gateway.wait_disconnected(timeout=20)
        await gateway.wait_joined(timeout=30)
        await gateway.say("general", "alice", "hi")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "two: hi"

        (tmp_path / "bot.py").write_text("import mezon\nraise SystemExit(3)\n")
        await command.until("ended with code 3")
        assert await command.end(signal.SIGINT) == 0
    assert gateway.connections.live == 0


async def test_bot_without_a_module_level_client_runs_as_a_script(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    lines = BOT.strip().splitlines()
    body = "\n".join("    " + line for line in lines[2:])
    (tmp_path / "bot.py").write_text(
        f"import os\nfrom mezon import MezonClient\n\ndef main():\n{body}\n    client.run()\n\n"
        'if __name__ == "__main__":\n    main()\n'
    )
    (tmp_path / ".env").write_text(settings(gateway))
    async with running("run", folder=tmp_path) as command:
        await command.until("runs as a script")
        await gateway.wait_joined(timeout=30)
        assert await command.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("reload", [False, True])
async def test_work_below_the_main_check_is_named(
    gateway: LocalGateway, tmp_path: Path, reload: bool
) -> None:
    main = 'if __name__ == "__main__":\n    client.on_channel_message(print)\n    client.run()\n'
    (tmp_path / "bot.py").write_text(BOT + main)
    (tmp_path / ".env").write_text(settings(gateway))
    async with running("run", *(["--reload"] if reload else []), folder=tmp_path) as command:
        line = await command.until("bot.py:12 is not run")
        # The bot runs on its own server here, so the local gateway is no advice.
        assert line.endswith("Move it to the top level, or run the file itself: python bot.py")
        await gateway.wait_joined(timeout=30)
        assert await command.end(signal.SIGTERM) == 0


async def test_wrong_key_is_a_one_line_error(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    env = {**gateway.environment(), "MEZON_API_KEY": "wrong"}
    ended = await asyncio.to_thread(mezon_command, "run", folder=tmp_path, **env)
    assert ended.returncode == 1
    assert "AuthenticationError: " in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_failing_setup_hook_is_shown_with_its_line(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        "import os\n"
        "from mezon import MezonClient\n"
        "class Bot(MezonClient):\n"
        "    async def setup_hook(self):\n"
        "        await self.clans.fetch(404)\n"
        'client = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], message_db=":memory:")\n'
    )
    ended = await asyncio.to_thread(mezon_command, "run", folder=tmp_path, **gateway.environment())
    assert ended.returncode == 1
    assert f'File "{tmp_path / "bot.py"}", line 5, in setup_hook' in ended.stderr
    assert "InvalidArgumentError: the bot is in no clan 404" in ended.stderr
    assert "bot.py ended with an error" in ended.stderr


async def test_handler_that_ignores_cancellation_does_not_block_the_exit(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    (tmp_path / "bot.py").write_text(
        BOT
        + """
import asyncio

@client.on_channel_message
async def stubborn(message):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
"""
    )
    async with running("run", folder=tmp_path, **gateway.environment()) as command:
        await command.until("is logged in")
        await gateway.say("general", "alice", "hi")
        await gateway.next_sent("channel_message_send")
        command.process.send_signal(signal.SIGTERM)
        await command.until("the client is closing")
        command.process.send_signal(signal.SIGINT)
        assert await command.end(signal.SIGINT, timeout=40) in (0, 128 + signal.SIGINT)
    assert "stubborn (" in "\n".join(command.said)


@pytest.mark.parametrize("command", [("run", "--reload"), ("dev",)])
async def test_a_handler_that_blocks_does_not_outlive_a_killed_command(
    gateway: LocalGateway, tmp_path: Path, command: tuple[str, ...]
) -> None:
    alive: asyncio.Queue[bytes] = asyncio.Queue()

    async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            alive.put_nowait(line)
        alive.put_nowait(b"")
        writer.close()

    server = await asyncio.start_server(follow, "127.0.0.1", 0)
    (tmp_path / "bot.py").write_text(
        BOT
        + f"""
import socket, time
alive = socket.create_connection(("127.0.0.1", {server.sockets[0].getsockname()[1]}))

@client.on_ready
def block():
    alive.sendall(b"blocks\\n")
    time.sleep(600)
"""
    )
    async with running(*command, folder=tmp_path, **gateway.environment()) as started:
        assert await asyncio.wait_for(alive.get(), patient(40)) == b"blocks\n"
        started.process.kill()
        # A bot that survives would keep it open for ten minutes.
        assert await asyncio.wait_for(alive.get(), patient(40)) == b""
        # The output, which the bot inherits, is closed.
        await started.process.communicate()
    server.close()


def test_syntax_error_shows_only_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT + "\nbroken(\n")
    ended = mezon_command("run", folder=tmp_path)
    assert ended.returncode == 1
    assert "SyntaxError: '(' was never closed" in ended.stderr
    assert f'File "{tmp_path / "bot.py"}", line ' in ended.stderr
    assert "importlib" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    ended = mezon_command("run", "--env-file", "prod.env", folder=tmp_path)
    assert ended.returncode == 2
    assert "there is no file prod.env" in ended.stderr


def test_missing_extra_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    from mezon.cli.__main__ import main

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "typer" else real(name))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert 'pip install "mezon-rs[cli]"' in capsys.readouterr().err


def test_importing_mezon_does_not_import_the_cli() -> None:
    import subprocess

    code = (
        "import sys, mezon, mezon.testing\n"
        "print([n for n in ('typer', 'rich', 'watchfiles', 'mezon.cli', 'aiohttp') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=patient(50))
    assert done.stdout.strip() == "[]"


def test_help_has_examples_and_exit_codes(tmp_path: Path) -> None:
    told = mezon_command("--help", folder=tmp_path).stdout
    assert "Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted." in told
    for command in ("new", "run", "dev", "chat", "gateway", "doctor", "bench"):
        assert (
            "mezon " + command
            in mezon_command(command, "--help", folder=tmp_path).stdout.partition("Example")[2]
        )
    assert mezon_command("fly", folder=tmp_path).returncode == 2
