"""Snippets of bots that must type-check, and snippets that must not, each line with its error."""

from __future__ import annotations

import pathlib
import re

import pytest
from mypy import api

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
GOOD = sorted((HERE / "good").glob("*.py"))
BAD = sorted((HERE / "bad").glob("*.py"))

_ERROR = re.compile(r"^(?P<path>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$")
_EXPECTED = re.compile(r"# E: ([\w-]+)$")


@pytest.fixture(scope="module")
def found() -> dict[str, set[tuple[int, str]]]:
    """By file, the lines and codes of mypy's errors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("MYPYPATH", str(ROOT / "python"))
        # A module for each path: the folders have files of the same names.
        out, err, _ = api.run(
            [
                "--config-file",
                str(ROOT / "pyproject.toml"),
                "--strict",
                "--no-error-summary",
                "--hide-error-context",
                "--no-color-output",
                "--explicit-package-bases",
                "--namespace-packages",
                *(str(path) for path in GOOD + BAD),
            ]
        )
    assert not err, err
    errors: dict[str, set[tuple[int, str]]] = {}
    for line in out.splitlines():
        match = _ERROR.match(line)
        if match is not None:
            path = (ROOT / match["path"]).resolve()
            errors.setdefault(str(path), set()).add((int(match["line"]), match["code"]))
        else:
            assert ": note: " in line, line
    return errors


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_good(found: dict[str, set[tuple[int, str]]], path: pathlib.Path) -> None:
    assert found.get(str(path), set()) == set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_bad(found: dict[str, set[tuple[int, str]]], path: pathlib.Path) -> None:
    expected = {
        (number, match[1])
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := _EXPECTED.search(line))
    }
    assert expected
    assert found.get(str(path), set()) == expected
