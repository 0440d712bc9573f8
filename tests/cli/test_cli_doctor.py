"""``mezon doctor``: findings, fixes and exit code; ``mezon bench``."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_kit import BOT, mezon_command
from mezon import MezonClient
from mezon.cli import doctor
from mezon.testing import LocalGateway


async def found(folder: Path, *arguments: str, **env: str) -> tuple[int, dict[str, dict[str, str]]]:
    done = await asyncio.to_thread(mezon_command, "doctor", "--json", *arguments, folder=folder, **env)
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["ok"] is (done.returncode == 0)
    return done.returncode, {check["name"]: check for check in report["checks"]}


async def test_a_healthy_bot(gateway: LocalGateway, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / ".env").write_text(
        "".join(f"{name}={value}\n" for name, value in gateway.environment().items())
    )
    code, checks = await found(tmp_path)
    assert code == 0
    assert {check["status"] for check in checks.values()} <= {"ok"}
    assert checks["credentials"]["text"] == f"bot {gateway.bot_id}, with a key"
    assert checks["tcp"]["text"].endswith("answers, without TLS")
    assert checks["login"]["text"].startswith(f"bot {gateway.bot_id}, session valid for ")
    (clan,) = gateway.world.clans.values()
    assert checks["clans"]["text"] == f"the bot is in {clan.name}"
    assert checks["transport"]["text"] == "the server offers websocket and tcp"
    assert gateway.api_key not in str(checks)


async def test_problems_come_with_fixes(gateway: LocalGateway, tmp_path: Path) -> None:
    env = gateway.environment()
    code, checks = await found(tmp_path, **env | {"MEZON_API_KEY": "wrong"})
    assert code == 1
    assert checks["login"]["status"] == "bad"
    assert "compare id and key" in checks["login"]["todo"]
    assert "transport" not in checks

    code, checks = await found(tmp_path, **env | {"MEZON_USE_SSL": "true"})
    assert code == 1
    assert "MEZON_USE_SSL=false" in checks["tls"]["todo"]

    code, checks = await found(tmp_path, **env | {"MEZON_PORT": "1"})
    assert code == 1
    assert "cannot be reached" in checks["tcp"]["text"]

    code, checks = await found(tmp_path, **env | {"MEZON_HOST": "no.such.host.invalid"})
    assert code == 1
    assert checks["dns"]["status"] == "bad"

    code, checks = await found(tmp_path, "--offline", MEZON_BOT_ID="my bot", MEZON_API_KEY="k")
    assert code == 1
    assert "the number" in checks["credentials"]["todo"]

    code, checks = await found(tmp_path, "--offline")
    assert code == 0
    assert "MEZON_BOT_ID and MEZON_API_KEY not set" in checks["credentials"]["text"]


async def test_a_certificate_that_is_not_trusted(gateway_factory: Any, tmp_path: Path) -> None:
    gateway = await gateway_factory(tls=True)
    code, checks = await found(tmp_path, **gateway.environment())
    assert code == 1
    assert "is not trusted" in checks["tls"]["text"]
    assert "ca_file" in checks["tls"]["todo"]
    _, checks = await found(tmp_path, **gateway.environment(), SSL_CERT_FILE=gateway.ca_file)
    assert checks["tls"]["status"] == "ok"


async def test_checks_of_the_bots_files(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot.py").write_text(BOT + "        import time\n        time.sleep(1)\n")
    code, checks = await found(tmp_path, "--offline")
    assert code == 0
    assert "bot.py:12 calls time.sleep in a coroutine" in checks["blocking"]["text"]
    assert "await asyncio.sleep" in checks["blocking"]["todo"]
    (tmp_path / "mezon-cache").mkdir()
    (tmp_path / "mezon-cache" / "mezon-messages-cache.db").write_bytes(b"not a database at all" * 100)
    code, checks = await found(tmp_path, "--offline")
    assert code == 1
    assert "move the file away" in checks["cache"]["todo"]
    shutil.rmtree(tmp_path / "mezon-cache")

    monkeypatch.chdir(tmp_path)
    client = MezonClient(**gateway.client_options() | {"message_db": None})
    await client.login()
    _, checks = await found(tmp_path, "--offline", **gateway.environment())
    assert checks["instances"]["status"] == "look"
    await client.disconnect()
    _, checks = await found(tmp_path, "--offline", **gateway.environment())
    assert checks["instances"]["status"] == "ok"


def test_replaced_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mezon-sdk replaces some files, and its removal deletes some."""
    site = tmp_path / "site"
    (site / "mezon").mkdir(parents=True)
    (site / "mezon_rs-1.dist-info").mkdir()
    (site / "mezon" / "__init__.py").write_text("")
    (site / "mezon_rs-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mezon-rs\nVersion: 1\n"
    )
    empty = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    record = f"mezon/__init__.py,{empty},0\nmezon/client.py,{empty},0\n"
    (site / "mezon_rs-1.dist-info" / "RECORD").write_text(record)
    monkeypatch.setattr(sys, "path", [str(site)])
    check = doctor.check_installed_files()
    assert check.status == "bad"
    assert check.text.startswith("1 of 2 files are missing, 0 were replaced: mezon/client.py")
    (site / "mezon" / "client.py").write_text("# of another package")
    assert doctor.check_installed_files().text.startswith("0 of 2 files are missing, 1 were replaced")
    (site / "mezon" / "client.py").write_text("")
    assert doctor.check_installed_files().status == "ok"


def test_text_output(tmp_path: Path) -> None:
    done = mezon_command("doctor", "--offline", folder=tmp_path)
    assert done.returncode == 0
    assert "\x1b[" not in done.stdout
    assert "look    credentials  MEZON_BOT_ID and MEZON_API_KEY not set" in done.stdout
    assert "-> put MEZON_BOT_ID=..." in done.stdout
    assert done.stdout.rstrip().endswith("1 to look at")


def test_bench_prints_all_figures(tmp_path: Path) -> None:
    done = mezon_command("bench", "--quick", "--alone", "--json", folder=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "" or done.stderr.startswith("This machine is busy (load ")
    figures = json.loads(done.stdout)["figures"]["mezon-rs"]
    assert set(figures) == {"rate", "cpu", "send_p50", "login", "import", "rss"}
    assert all(value > 0 for value in figures.values())


def test_bench_warns_if_the_machine_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    from mezon.cli.bench import _busy

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.9, 9.0, 9.0), raising=False)
    assert _busy() is None
    monkeypatch.setattr(os, "getloadavg", lambda: (8.66, 0.0, 0.0))
    assert _busy() == "This machine is busy (load 8.7 on 2 cores): figures and ratios are unreliable."
    monkeypatch.delattr(os, "getloadavg")
    assert _busy() is None


def test_bench_compares_both_sides(tmp_path: Path) -> None:
    """Both sides run this package, so the test needs no network."""
    wrapper = tmp_path / "python"
    root = Path(mezon_file()).parents[1]
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    done = mezon_command("bench", "--quick", "--python", str(wrapper), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["figure", "mezon-sdk", "mezon-rs", "better"]
    assert len(rows) == 6
    assert all(row.endswith(" x") for row in rows)


def mezon_file() -> str:
    import mezon

    return mezon.__file__


def test_bench_without_mezon_sdk_says_what_to_do(tmp_path: Path) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text("#!/bin/sh\nexit 1\n")
    wrapper.chmod(0o755)
    done = mezon_command("bench", "--python", str(wrapper), folder=tmp_path)
    assert done.returncode == 1
    assert "pip install mezon-sdk==1.8.3 there first" in done.stderr
    assert subprocess.run([str(wrapper)]).returncode == 1


@pytest.mark.parametrize(
    ("decorator", "body", "status"),
    [
        ("@client.on_channel_message", "await message.reply('yes')", "look"),
        (
            "@client.on_channel_message",
            "if message.content['t'] == '!x':\n        await message.reply('y')",
            "ok",
        ),
        ("@client.on_channel_message(ignore_self=True)", "await message.reply('yes')", "ok"),
    ],
)
async def test_a_handler_that_answers_the_bot_itself_is_named(
    tmp_path: Path, decorator: str, body: str, status: str
) -> None:
    text = (
        "from mezon import MezonClient\nclient = MezonClient(1, 'k')\n"
        f"{decorator}\nasync def parrot(message):\n    {body}\n"
    )
    (tmp_path / "bot.py").write_text(text)
    _, checks = await found(tmp_path, "--offline")
    assert checks["own messages"]["status"] == status
    if status == "look":
        assert checks["own messages"]["text"].startswith("bot.py:4 parrot answers every message")
        assert "ignore_self=True" in checks["own messages"]["todo"]


async def test_a_bot_without_clans_and_work_below_the_main_check_are_named(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    gateway.world.clans.clear()
    (tmp_path / "bot.py").write_text(BOT + 'if __name__ == "__main__":\n    client.on_ready(print)\n')
    _, checks = await found(tmp_path, **gateway.environment())
    assert (checks["clans"]["status"], checks["clans"]["text"]) == ("look", "the bot is in no clan")
    assert checks["main"]["text"].startswith("bot.py:12 is not run")
    assert checks["main"]["todo"].startswith("Move it to the top level")


async def test_listening_counts_what_arrives(gateway: LocalGateway, tmp_path: Path) -> None:
    env = gateway.environment()
    examined = asyncio.create_task(found(tmp_path, "--listen", "5", **env))
    await gateway.wait_joined(timeout=40)
    await gateway.typing("general", "alice")
    await gateway.say("general", "alice", "hello?")
    code, checks = await examined
    assert (code, checks["events"]["status"]) == (0, "ok")
    assert "1 channel_message" in checks["events"]["text"]
    assert "1 message_typing_event" in checks["events"]["text"]

    code, checks = await found(tmp_path, "--listen", "0.1", **env)
    assert (code, checks["events"]["status"]) == (0, "look")
    assert "write in a channel that the bot is a member of" in checks["events"]["todo"]
