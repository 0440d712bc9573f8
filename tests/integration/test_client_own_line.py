"""The bot's own line comes first: in errors of ``run()``, and in the captured logs of pytest."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import mezon
import pytest
from mezon import MezonClient
from mezon.utils.user_code import format_for_user, summary
from patience import patient
from preloaded import PYTEST

ROOT = os.path.dirname(os.path.dirname(mezon.__file__))


async def test_run_in_a_running_loop() -> None:
    client = MezonClient("1", "key", message_db=False)
    with pytest.raises(RuntimeError) as caught:
        client.run()
    assert (
        "test_client_own_line.py:22 in test_run_in_a_running_loop: client.run() starts an event loop"
        in str(caught.value)
    )
    # As `mezon run` and the log of a handler show it.
    assert "mezon/client.py" not in format_for_user(caught.value)
    assert summary(caught.value).count("test_client_own_line.py:22") == 1


BOT = """
import os
from mezon import MezonClient

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])

@client.on_channel_message(ignore_self=True)
async def answer(message):
    raise ValueError("ouch")
"""
TEST = """
from mezon.testing import running_bot

async def test_it(gateway):
    async with running_bot("bot.py", gateway):
        await gateway.command("alice", "fail", timeout=0.5)
"""


@pytest.mark.parametrize("full", [False, True])
def test_the_captured_log_of_pytest(tmp_path: Path, full: bool) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / "test_bot.py").write_text(TEST)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "MEZON_"))}
    if full:
        environment["MEZON_TRACEBACK"] = "full"
    done = subprocess.run(
        PYTEST,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=patient(50),
    )
    log = done.stdout.partition("Captured log call")[2]
    assert "failed: ValueError: ouch (bot.py:9 in answer)" in log
    assert 'bot.py", line 9, in answer' in log
    assert ('_handlers.py", line' in log) is full
    # Nothing of the wait for the answer is left behind.
    assert "never retrieved" not in log
