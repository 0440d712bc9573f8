"""The files of state of local gateways, by the URL at which clients log in.

``mezon.testing`` owns the files and ``mezon.ext.state`` opens them; neither imports the other for it, because a gateway
in a process of its own loads no client.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["forget_state_file", "state_file_of", "use_state_file"]

_files: Final[dict[str, Callable[[], Path]]] = {}


def use_state_file(login_url: str, file: Callable[[], Path]) -> None:
    """Keep the state of clients of this server in a file, unless the bot chooses a backend.

    Args:
        login_url: The URL of the server.
        file: Returns the path; called when a client first needs it.
    """
    _files[login_url] = file


def forget_state_file(login_url: str, file: Callable[[], Path]) -> None:
    """Undo ``use_state_file``, unless another server has taken the URL meanwhile."""
    if _files.get(login_url) == file:
        del _files[login_url]


def state_file_of(login_url: str) -> Path | None:
    """Return the file for clients of this server; None for the default file."""
    file = _files.get(login_url)
    return file() if file is not None else None
