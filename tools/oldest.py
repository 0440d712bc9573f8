"""Run unit and integration tests on the oldest allowed dependencies. Used by `make test-oldest`.

The lower bounds are the versions: what stands in pyproject.toml is what is tested.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from environment import locked
from venvs import python_of

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv-oldest"
PYTHON = python_of(PLACE)
#: Dependencies of the tests; those of the project are installed at their lower bounds.
TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout", "hypothesis", "uvloop", "grimp", "ruff")
BOUND = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([0-9.]+)")


def lowest() -> list[str]:
    """Return the requirements of a bot and of the local gateway, each at its lower bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["testing"]]
    found = []
    for requirement in wanted:
        match = BOUND.match(requirement)
        if match is None:
            sys.exit(f"{requirement} in pyproject.toml has no lower bound")
        if match[1] not in TOOLS:
            found.append(f"{match[1]}=={match[2]}")
    return found


def tools() -> list[str]:
    """Return the locked versions of the test tools."""
    versions = locked()
    return [f"{tool}=={versions[tool]}" for tool in TOOLS]


def main() -> None:
    subprocess.run([sys.executable, "-m", "venv", PLACE], check=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    versions = lowest()
    print("the oldest dependencies:", *versions)
    subprocess.run([*pip, *versions, *tools()], check=True)
    tests = [PYTHON, "-m", "pytest", "-q", "-p", "mezon.testing.plugin", "tests/unit", "tests/integration"]
    done = subprocess.run(
        tests, check=False, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "python")}
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
