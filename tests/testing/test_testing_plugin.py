"""The plugin in a project without configuration: in both modes of pytest-asyncio, and without pytest-asyncio."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import mezon
import pytest
from patience import patient
from preloaded import PYTEST

ROOT = os.path.dirname(os.path.dirname(mezon.__file__))

TESTS = """
import pytest

async def test_with_all_fixtures(gateway, client, clock):
    @client.on_channel_message
    async def answer(message):
        if message.sender_id != client.client_id:
            channel = await client.channels.fetch(message.channel_id)
            await channel.send("heard")
    assert (await gateway.command("alice", "hi")).text == "heard"
    await clock.advance(hours=1)

async def test_with_a_factory(gateway_factory):
    assert (await gateway_factory(tls=True)).url.startswith("https:")

class TestInAClass:
    async def test_the_gateway_is_there(self, gateway):
        assert gateway.port

@pytest.mark.asyncio
async def test_that_is_marked(gateway):
    assert gateway.connections.total == 0

def test_without_a_loop():
    pass
"""


UNMET = """
import os
import pytest
from mezon.testing import running_bot

async def test_command(gateway):
    async with running_bot("bot.py", gateway):
        await gateway.command("alice", "!hello")

async def test_expect(gateway):
    await gateway.expect("hello", timeout=0.01)

async def test_next_sent(gateway):
    await gateway.next_sent("message", timeout=0.01)
"""
BOT = """
import os
from mezon import MezonClient

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
"""


PARROT = (
    BOT
    + """
@client.on_channel_message
async def parrot(message):
    await message.reply("again")
"""
)
ANSWERED = """
from mezon.testing import running_bot

async def test_it(gateway):
    async with running_bot("bot.py", gateway):
        await gateway.command("alice", "hello")
"""
WITHOUT_PARENTHESES = """
import os
from mezon.ext.commands import Bot

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])

@bot.every
async def tick():
    pass
"""
WITHOUT_A_VARIABLE = """
import os

token = os.environ["WEATHER_TOKEN"]
"""


def run(
    folder: Path, *options: str, path: str = ROOT, tests: str = TESTS
) -> subprocess.CompletedProcess[str]:
    (folder / "test_bot.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "MEZON_"))}
    return subprocess.run(
        [*PYTEST, "-rA", *options, "test_bot.py"],
        cwd=folder,
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=patient(50),
    )


@pytest.mark.parametrize("options", [[], ["--asyncio-mode=strict"], ["--asyncio-mode=auto"]], ids=str)
def test_fixtures_without_configuration(tmp_path: Path, options: list[str]) -> None:
    done = run(tmp_path, *options)
    assert "Warning" not in done.stdout + done.stderr
    assert "5 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_without_pytest_asyncio_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "pytest_asyncio.py").write_text("raise ImportError('not installed')\n")
    done = run(tmp_path, "-p", "no:asyncio", path=f"{hidden}{os.pathsep}{ROOT}")
    assert done.returncode == 1
    assert 'need pytest-asyncio: run pip install "mezon-rs[testing]"' in done.stdout
    assert "4 errors" in done.stdout, done.stdout
    assert "1 passed" in done.stdout


def test_a_failed_expectation_is_shown_at_the_line_of_the_test(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    done = run(tmp_path, tests=UNMET)
    failures = done.stdout.partition("= FAILURES =")[2]
    assert "3 failed" in failures, done.stdout
    for line, error in (
        ('await gateway.command("alice", "!hello")', "AssertionError: the bot does not answer"),
        ('await gateway.expect("hello", timeout=0.01)', "AssertionError: the bot was expected to send"),
        ('await gateway.next_sent("message", timeout=0.01)', "TimeoutError: waited"),
    ):
        assert re.search(rf"^> +{re.escape(line)}\nE +{error}", failures, re.MULTILINE), failures
    assert "recorder.py" not in failures
    assert "users.py" not in failures


def test_a_mistake_is_shown_for_a_test_that_passes(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(PARROT)
    done = run(tmp_path, tests=ANSWERED)
    assert "1 passed, 1 warning" in done.stdout, done.stdout
    summary = done.stdout.partition("= warnings summary =")[2]
    assert re.search(r"test_bot\.py:5: UserWarning: The bot answers itself: it replied to its own", summary)
    failed = run(tmp_path, "-W", "error", tests=ANSWERED)
    assert "1 failed" in failed.stdout, failed.stdout


@pytest.mark.parametrize(
    ("bot", "line", "error"),
    [
        (WITHOUT_PARENTHESES, 7, "InvalidArgumentError: write @bot.every(minutes=5), with parentheses"),
        (
            WITHOUT_A_VARIABLE,
            4,
            "BotError: bot.py reads the environment variable WEATHER_TOKEN, which is not",
        ),
        ("import os\n\nfrom nowhere import anything\n", 3, "ModuleNotFoundError: No module named 'nowhere'"),
        ("import os\n\nclient = (\n", 3, "SyntaxError: '(' was never closed"),
    ],
    ids=["a decorator", "a variable", "a module", "syntax"],
)
def test_an_error_at_the_import_of_a_bot(tmp_path: Path, bot: str, line: int, error: str) -> None:
    (tmp_path / "bot.py").write_text(bot)
    done = run(tmp_path, tests=ANSWERED)
    failures = done.stdout.partition("= FAILURES =")[2].partition("= short test summary")[0]
    assert re.search(rf'bot\.py", line {line}\b', failures), done.stdout
    assert re.search(rf"^(\w+\.)*{re.escape(error)}", failures, re.MULTILINE), failures
    # Neither the package nor the machinery of imports.
    assert {os.path.basename(file) for file in re.findall(r'File "(.+?)"', failures)} <= {
        *("test_bot.py", "bot.py"),
        os.path.basename(os.__file__),
        "<frozen os>",
    }
    assert len(failures.splitlines()) < 30
    assert "bots.py" in run(tmp_path, "--full-trace", tests=ANSWERED).stdout
