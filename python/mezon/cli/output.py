"""How the command speaks: colours on a terminal, plain text elsewhere, JSON where a machine reads."""

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

# rich obeys NO_COLOR and TERM=dumb by itself, and writes plain text when the stream is no terminal.
out: Final = Console(highlight=False, soft_wrap=True, emoji=False)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def say(text: str, style: str = "") -> None:
    """Print a line for a person; square brackets are text."""
    out.print(text, style=style or None, markup=False)


def complain(text: str) -> None:
    """Print a line on standard error."""
    err.print(text, style="red", markup=False)


def fail(text: str, code: int = FAILED) -> NoReturn:
    """Print the sentence, and end."""
    complain(text)
    raise typer.Exit(code)


def size(count: int) -> str:
    """Write a number of bytes for a person."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def json_line(value: Any) -> str:
    """Return a value as one line of JSON. A lone surrogate, which has no UTF-8, is escaped."""
    line = json.dumps(value, ensure_ascii=False, default=str)
    try:
        line.encode()
    except UnicodeEncodeError:
        line = json.dumps(value, default=str)
    return line + "\n"


def as_json(value: Any) -> None:
    """Print one JSON value on standard output, for a machine."""
    sys.stdout.write(json_line(value))
    sys.stdout.flush()
