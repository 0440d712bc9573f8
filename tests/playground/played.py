"""Run a saved test as its author would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from patience import patient
from preloaded import PYTEST


def passes(path: Path) -> None:
    """Check that the test file passes in a separate pytest run."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MEZON_"))
    }
    done = subprocess.run(
        [*PYTEST, path.name],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=patient(60),
    )
    assert done.returncode == 0, path.read_text() + done.stdout
    assert "1 passed" in done.stdout
