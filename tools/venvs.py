"""Where an environment keeps its Python: the one place for `tools/` and `benches/` that knows of Scripts and bin."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def python_of(folder: Path) -> Path:
    """Find the interpreter of the virtual environment in `folder`."""
    scripts = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)}))
    return scripts / ("python.exe" if scripts.name == "Scripts" else "python")
