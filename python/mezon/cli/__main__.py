"""Entry point of the command ``mezon`` and of ``python -m mezon.cli``.

Imports only the standard library, so that it can report a missing ``cli`` extra.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Final

_REQUIRED: Final = ("typer", "rich", "watchfiles", "prompt_toolkit", "dotenv")


def main() -> None:
    """Run the command line. Exits with the codes listed in ``mezon.cli``."""
    missing = [name for name in _REQUIRED if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"The mezon command needs {', '.join(missing)}, which is not installed. Install the command with:\n\n"
            '    pip install "mezon-rs[cli]"\n\n'
            "Bots do not need it: python bot.py works without the command.",
            file=sys.stderr,
        )
        sys.exit(2)
    from mezon.cli.app import app

    app(prog_name="mezon")


if __name__ == "__main__":
    main()
