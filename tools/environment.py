"""Create a virtual environment and install dependency groups of pyproject.toml into it, pinned by requirements.lock.

    python tools/environment.py .venv develop --project --optional nats-server

Only the standard library is used, and no feature of a newer pip than the one that comes with Python 3.11.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from venvs import python_of

ROOT: Final = Path(__file__).resolve().parent.parent
LOCK: Final = ROOT / "requirements.lock"


def pyproject() -> dict[str, Any]:
    """Return the parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def project_requirements() -> list[str]:
    """Return what the package and all of its extras require, without the references of extras to each other."""
    project = pyproject()["project"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    return [
        text for text in [*project["dependencies"], *extras] if not text.startswith(f"{project['name']}[")
    ]


def group_requirements(*names: str) -> list[str]:
    """Return the requirements of dependency groups."""
    groups = pyproject()["dependency-groups"]
    return [text for name in names for text in groups[name]]


def locked() -> dict[str, str]:
    """Return the locked version of each distribution, by its normalised name; markers are ignored."""
    lines = (line.partition(";")[0].strip() for line in LOCK.read_text("utf-8").splitlines())
    return dict(line.split("==") for line in lines if "==" in line)


def install(python: Path, requirements: list[str], *, lock: bool = True) -> bool:
    """Install into the environment of ``python``; return whether pip succeeded."""
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, *(["-c", LOCK] if lock else []), *requirements], check=False)
    return done.returncode == 0


def main() -> None:
    """Parse the command line and build the environment."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", type=Path, help="the directory of the environment; created if it is missing")
    parser.add_argument("groups", nargs="*", help="dependency groups to install")
    parser.add_argument(
        "--project", action="store_true", help="also install what the package and its extras require"
    )
    parser.add_argument(
        "--optional", action="append", default=[], help="a group that may be unavailable here"
    )
    parser.add_argument(
        "--unlocked", action="store_true", help="ignore requirements.lock: the group pins its versions"
    )
    args = parser.parse_args()
    python = ROOT / python_of(args.place)
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", args.place], check=True)
    requirements = (project_requirements() if args.project else []) + group_requirements(*args.groups)
    if not install(python, requirements, lock=not args.unlocked):
        sys.exit(f"pip could not install the requirements of {args.place}; its output above says why")
    for group in args.optional:
        if not install(python, group_requirements(group)):
            print(f"The group {group!r} is not available for this machine; tests that need it are skipped.")


if __name__ == "__main__":
    main()
