"""Finding and importing the bot, and the errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from cli_kit import BOT, environment, mezon_command
from mezon import MezonClient
from mezon.cli.find import find
from mezon.testing import LocalGateway, running_bot
from mezon.testing.bots import BotError, load_bot, locate, pointed_at
from patience import patient


def write(path: Path, text: str = BOT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))
    return path


def test_a_file_and_a_module_are_the_same_bot(tmp_path: Path) -> None:
    write(tmp_path / "shop" / "__init__.py", "")
    path = write(tmp_path / "shop" / "lunch.py")
    for text in ("shop/lunch.py", "shop.lunch"):
        target = locate(text, tmp_path)
        assert (target.path, target.module, target.folder) == (path, "shop.lunch", tmp_path)
    assert locate("shop.lunch:client", tmp_path).attribute == "client"
    with pytest.raises(BotError, match=r"there is no shop\.dinner\.py"):
        locate("shop.dinner", tmp_path)


def test_search_order(tmp_path: Path) -> None:
    write(tmp_path / "main.py", "print('no bot')")
    write(tmp_path / "src" / "app.py")
    assert find(None, tmp_path).path == tmp_path / "src" / "app.py"
    write(tmp_path / "bot.py")
    assert find(None, tmp_path).path == tmp_path / "bot.py"
    write(tmp_path / "other.py")
    write(tmp_path / "pyproject.toml", '[tool.mezon]\nbot = "other:client"\n')
    assert str(find(None, tmp_path)) == "other:client"
    assert find("bot.py", tmp_path).path == tmp_path / "bot.py"


def test_no_bot_is_a_one_line_error(tmp_path: Path) -> None:
    ended = mezon_command("run", folder=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("no bot found in")
    assert "mezon new" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def options(gateway: LocalGateway) -> dict[str, object]:
    return gateway.client_options()


def test_what_counts_as_a_client(tmp_path: Path, options: dict[str, object]) -> None:
    make = "from mezon import MezonClient\n"
    one = "MezonClient(1, 'k', message_db=False)"
    with pointed_at(options):
        assert isinstance(
            load_bot(locate(str(write(tmp_path / "a1.py", f"{make}lunch = {one}")))), MezonClient
        )
        two = write(tmp_path / "a2.py", f"{make}lunch = {one}\ndinner = {one}")
        with pytest.raises(BotError, match="a2:lunch or a2:dinner"):
            load_bot(locate(str(two)))
        assert load_bot(locate(f"{two}:dinner")) is not None
        maker = write(tmp_path / "a3.py", f"{make}def make_bot():\n    return {one}")
        assert isinstance(load_bot(locate(str(maker))), MezonClient)
        assert load_bot(locate(str(write(tmp_path / "a4.py", "x = 1")))) is None
        with pytest.raises(BotError, match="is a int"):
            load_bot(locate(f"{tmp_path / 'a4.py'}:x"))
        with pytest.raises(BotError, match="has no y"):
            load_bot(locate(f"{tmp_path / 'a4.py'}:y"))


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    write(tmp_path / "bot.py")
    ended = mezon_command("run", folder=tmp_path)
    assert ended.returncode == 1
    assert "reads the environment variable MEZON_BOT_ID, which is not set" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_traceback_starts_in_the_bots_file(tmp_path: Path) -> None:
    write(tmp_path / "bot.py", "import mezon\n\ndef deep():\n    raise ValueError('ouch')\n\ndeep()\n")
    ended = mezon_command("run", folder=tmp_path)
    assert ended.returncode == 1
    assert "bot.py ended with an error" in ended.stderr
    assert ended.stderr.count('  File "') == 2
    assert "ValueError: ouch" in ended.stderr


async def test_bot_with_the_real_host_talks_to_the_local_gateway(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "real_bot.py",
        """
        from mezon import MezonClient

        client = MezonClient("42", "the-real-key", "gw.example.invalid", port="443", use_ssl=True)
        """,
    )
    async with running_bot(str(path), gateway) as client:
        assert client.state == "ready"
    assert all("the-real-key" not in str(request.body) for request in gateway.requests)
    assert MezonClient(1, "k", message_db=False).client_id == 1


@pytest.mark.parametrize("name", ["two_of_a_name.py", "a_package_of_a_name/two_of_a_name.py"])
def test_bots_of_one_name_in_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A repository of several bots whose tests run together."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    text = 'from mezon import MezonClient\nclient = MezonClient(1, "key", message_db=False)\nwhich = "{}"\n'
    for folder in ("lunch", "poll"):
        path = write(tmp_path / folder / name, text.format(folder))
        if "/" in name:
            write(path.parent / "__init__.py", "")
    for folder in ("lunch", "poll", "lunch", "poll"):
        target = locate(name, tmp_path / folder)
        client = load_bot(target)
        assert sys.modules[target.module].which == folder
        assert sys.modules[target.module].client is client


def test_foreign_module_of_the_same_name_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", sys.path[:])
    write(tmp_path / "dedent_json.py")
    monkeypatch.setitem(sys.modules, "dedent_json", pytest)
    with pytest.raises(BotError, match="another module has the same name; rename the bot's file"):
        load_bot(locate("dedent_json.py", tmp_path))
    assert sys.modules["dedent_json"] is pytest


async def test_each_run_imports_the_bot_again(gateway: LocalGateway, tmp_path: Path) -> None:
    path = write(tmp_path / "twice_bot.py")
    for _ in range(2):
        async with running_bot(str(path), gateway):
            await gateway.say("general", "alice", "hi")
            assert (await gateway.next_sent("channel_message_send")).text == "one: hi"
    assert "twice_bot" in sys.modules


@pytest.mark.parametrize("name", ["mezon.py", "mezon/__init__.py"])
@pytest.mark.parametrize("command", ["run", "chat"])
def test_a_module_with_the_name_of_the_package(tmp_path: Path, name: str, command: str) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    # Like the console script, which does not look into the current folder.
    start = "import sys; sys.path.remove(''); from mezon.cli.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, command],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        input="",
        timeout=patient(50),
    )
    assert done.returncode == 2
    assert done.stderr == (
        f"{name} has the name of the package, so Python imports it for import mezon: rename it\n"
    )
