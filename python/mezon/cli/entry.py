"""The console script: says how to get the command when its libraries are not there."""

from __future__ import annotations

import importlib.util
import sys
from typing import Final

_NEEDED: Final = ("typer", "rich", "watchfiles", "prompt_toolkit", "dotenv")


def main() -> None:
    """Run the command line. Exits with the codes of ``mezon.cli``."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"The mezon command needs {', '.join(missing)}, which is not installed. Install the command with:\n\n"
            '    pip install "mezon-rs[cli]"\n\n'
            "A bot needs none of it: python bot.py runs as it is.",
            file=sys.stderr,
        )
        sys.exit(2)
    from mezon.cli.app import app

    app(prog_name="mezon")
