"""A Python with mezon-sdk: an environment of its own in the user's cache, made once."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Final

from mezon.cli.output import err

__all__ = ["NoReferenceError", "reference_python"]

REFERENCE: Final = "mezon-sdk==1.8.3"


class NoReferenceError(Exception):
    """There is no Python with mezon-sdk; the text says what to do."""


def reference_python(given: Path | None) -> str:
    """Find the interpreter. Makes the environment when none was given and none is there.

    Raises:
        NoReferenceError: It cannot be made, or the one given has no mezon-sdk.
    """
    if given is not None:
        done = subprocess.run([str(given), "-c", "import mezon"], capture_output=True, text=True)
        if done.returncode:
            raise NoReferenceError(f"{given} cannot import mezon: pip install {REFERENCE} there first")
        return str(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mezon"
    folder = (
        cache / f"bench-{REFERENCE.replace('==', '-')}-py{sys.version_info.major}.{sys.version_info.minor}"
    )
    python = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder)})) / "python"
    stamp = folder / ".complete"
    if not stamp.exists():
        err.print(f"Making {folder} with {REFERENCE}, once ...", markup=False)
        pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--ignore-requires-python",
            REFERENCE,
        ]
        for command in ([sys.executable, "-m", "venv", str(folder)], [str(python), *pip]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise NoReferenceError(
                    f"the environment for {REFERENCE} cannot be made ({' '.join(last)}). Name a Python that has it "
                    "with --python, or measure mezon-rs alone with --alone"
                )
        stamp.touch()
    return str(python)
