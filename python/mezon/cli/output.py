"""Output of the commands: colours on a terminal, plain text elsewhere, JSON on request."""

from __future__ import annotations

import json
import sys
from typing import Any, Final, NoReturn

import typer
from rich.console import Console

DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
INTERRUPTED: Final = 130

# rich respects NO_COLOR and TERM=dumb, and writes plain text if the stream is not a terminal.
out: Final = Console(highlight=False, soft_wrap=True, emoji=False)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str, style: str = "") -> None:
    """Print a line without interpreting markup."""
    out.print(text, style=style or None, markup=False)


def print_error(text: str) -> None:
    """Print a line on standard error."""
    err.print(text, style="red", markup=False)


def fail(text: str, code: int = FAILED) -> NoReturn:
    """Print an error message and exit with ``code``."""
    print_error(text)
    raise typer.Exit(code)


def size(count: int) -> str:
    """Format a number of bytes."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def json_line(value: Any) -> str:
    """Return a value as one line of JSON. Lone surrogates, which UTF-8 cannot encode, are escaped."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    try:
        line.encode()
    except UnicodeEncodeError:
        line = json.dumps(value, default=str)
    return line + "\n"


def as_json(value: Any) -> None:
    """Print one line of JSON on standard output."""
    sys.stdout.write(json_line(value))
    sys.stdout.flush()
