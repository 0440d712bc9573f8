"""The examples pass mypy --strict and pyright."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from example_kit import EXAMPLES

ROOT = EXAMPLES.parent
FILES = sorted(str(path.relative_to(ROOT)) for path in EXAMPLES.glob("*.py"))


@pytest.mark.timeout(300)
def test_mypy_strict() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *FILES], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_pyright() -> None:
    paths = [*FILES, "python/mezon/ext"]
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.skip(f"pyright needs Node.js, which is not here: {done.stdout[-300:]}{done.stderr[-300:]}")
    assert report["summary"]["filesAnalyzed"] > len(FILES)
    found = [f"{one['file']}: {one['message']}" for one in report["generalDiagnostics"]]
    assert found == []
