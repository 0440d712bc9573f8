"""``mezon new``: the folder is complete, its test passes, its types check."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import mezon
import pytest
from cli_kit import environment, mezon_command
from patience import patient
from preloaded import PYTEST

TEMPLATES = ("echo", "commands", "ai")
TYPES = Path(__file__).parents[2] / ".mypy_cache" / "templates"
FILES = {
    *("bot.py", "test_bot.py", "pyproject.toml", "Dockerfile", "README.md"),
    *(".env.example", ".gitignore", ".dockerignore"),
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_test_of_a_new_bot_passes(template: str, tmp_path: Path) -> None:
    made = mezon_command("new", "lunch-bot", "--template", template, folder=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    folder = tmp_path / "lunch-bot"
    assert {path.name for path in folder.iterdir()} == FILES
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "lunch-bot"
    extra = "" if template == "echo" else "[ext]"
    assert project["project"]["dependencies"] == [f"mezon-rs{extra}>={mezon.__version__}"]
    for path in folder.iterdir():
        assert "{{" not in path.read_text(), path
    tests = subprocess.run(
        [*PYTEST, "-W", "error"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=patient(50),
    )
    assert tests.returncode == 0, tests.stdout
    names = [
        node.name for node in ast.parse((folder / "test_bot.py").read_text()).body if hasattr(node, "name")
    ]
    count = sum(name.startswith("test_") for name in names)
    assert count >= 2
    assert f"{count} passed" in tests.stdout


def test_templates_pass_mypy(tmp_path: Path) -> None:
    for template in TEMPLATES:
        mezon_command("new", template, "--template", template, folder=tmp_path)
    paths = [str(tmp_path / template / "bot.py") for template in TEMPLATES]
    for path in paths:
        checked = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(TYPES), path],
            cwd=tmp_path,
            env={**environment(), "MYPYPATH": environment()["PYTHONPATH"]},
            capture_output=True,
            text=True,
            timeout=patient(300),
        )
        assert checked.returncode == 0, checked.stdout


def test_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "bot.py").write_text("mine")
    refused = mezon_command("new", "taken", folder=tmp_path)
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert (tmp_path / "taken" / "bot.py").read_text() == "mine"


def test_a_name_without_letters_is_refused(tmp_path: Path) -> None:
    assert mezon_command("new", "!!!", folder=tmp_path).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_elsewhere(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    made = mezon_command("new", "../lunch", folder=inside)
    assert (made.returncode, made.stderr) == (0, "")
    assert "  cd ../lunch\n" in made.stdout
    assert 'name = "lunch"' in (tmp_path / "lunch" / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", [".", ".."])
def test_a_folder_without_a_name(tmp_path: Path, name: str) -> None:
    made = mezon_command("new", name, folder=tmp_path)
    assert made.returncode == 2
    assert (
        made.stderr == f"'{name}' is not a valid name: use letters, digits and hyphens, such as lunch-bot\n"
    )
