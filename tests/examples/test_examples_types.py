"""The examples as an editor sees them: mypy --strict and pyright find nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from example_kit import EXAMPLES

ROOT = EXAMPLES.parent
FILES = sorted(str(path.relative_to(ROOT)) for path in EXAMPLES.glob("*.py"))


@pytest.mark.timeout(300)
def test_mypy_strict_is_content() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *FILES], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_pyright_is_content(tmp_path: Path) -> None:
    settings = {"extraPaths": [str(ROOT / "python")], "include": [str(ROOT / name) for name in FILES]}
    settings["include"].append(str(ROOT / "python" / "mezon" / "ext"))
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "-p",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.skip(f"pyright needs Node.js, which is not here: {done.stdout[-300:]}{done.stderr[-300:]}")
    assert report["summary"]["filesAnalyzed"] >= len(FILES)
    found = [
        f"{one['file']}:{one['range']['start']['line'] + 1} {one['message']}"
        for one in report["generalDiagnostics"]
    ]
    assert found == []
