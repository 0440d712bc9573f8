"""The path of the interpreter in a virtual environment, for `tools/` and `benches/`."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def python_of(folder: Path) -> Path:
    """Return the interpreter of the virtual environment in `folder`."""
    scripts = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)}))
    return scripts / ("python.exe" if scripts.name == "Scripts" else "python")
