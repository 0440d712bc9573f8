"""Find the bot: the named one, the one in pyproject.toml, or a file with a usual name, in that order."""

from __future__ import annotations

import os
import tomllib
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import mezon
from mezon.cli.output import WRONG_USE, fail
from mezon.errors import MezonError
from mezon.testing.bots import BotError, Target, locate
from mezon.utils.user_code import format_for_user, involves_user_code, is_user_code

_USUAL: Final = ("bot.py", "main.py", "app.py", "client.py")


def find(named: str | None, folder: Path | None = None) -> Target:
    """Return the bot to run. Exits with an error message if there is none."""
    home = folder or Path.cwd()
    try:
        target = locate(named or default_bot(home), home)
        _check_name_of_package(home, target.folder)
    except BotError as error:
        fail(str(error), WRONG_USE)
    return target


def _check_name_of_package(*folders: Path) -> None:
    """Refuse a module that Python imports in place of this package.

    Raises:
        BotError: If there is one.
    """
    for folder in folders:
        for other in (folder / "mezon.py", folder / "mezon" / "__init__.py"):
            if other.is_file() and not other.samefile(mezon.__file__):
                raise BotError(
                    f"{short(other.resolve())} has the name of the package, so Python imports it for import mezon: "
                    "rename it"
                )


def default_bot(home: Path) -> str:
    """Return the bot of ``pyproject.toml``, or the first usual file that imports mezon.

    Raises:
        BotError: If there is none.
    """
    return _configured(home) or _usual(home)


def project_name(home: Path) -> str | None:
    """Return the name of the project in ``pyproject.toml``, or None."""
    try:
        name = _pyproject(home).get("project", {}).get("name")
    except BotError:
        return None  # find() reports it
    return name if isinstance(name, str) and name else None


def _pyproject(home: Path) -> dict[str, Any]:
    path = home / "pyproject.toml"
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BotError(f"pyproject.toml cannot be read: {error}") from None


def _configured(home: Path) -> str | None:
    bot = _pyproject(home).get("tool", {}).get("mezon", {}).get("bot")
    if bot is not None and not isinstance(bot, str):
        raise BotError('[tool.mezon] in pyproject.toml: bot must be a string, such as bot = "bot:client"')
    return bot


def _usual(home: Path) -> str:
    candidates = list(_candidates(home))
    for path in candidates:
        # A usual name is not enough: main.py may be any program.
        if "mezon" in path.read_text(encoding="utf-8", errors="replace"):
            return str(path.relative_to(home))
    looked = ", ".join(str(path.relative_to(home)) for path in candidates)
    raise BotError(
        f"no bot found in {home}"
        + (f" ({looked}: no import of mezon)" if looked else f" (looked for {', '.join(_USUAL)})")
        + ". Name its file, such as: mezon run my_bot.py. Or create a bot: mezon new my-bot"
    )


def _candidates(home: Path) -> Iterator[Path]:
    for place in (home, home / "src", home / "bot", home / "app"):
        for name in _USUAL:
            if (place / name).is_file():
                yield place / name
    packages = [home, home / "src"]
    for place in packages:
        for package in sorted(place.glob("*/__init__.py")) if place.is_dir() else ():
            for name in ("__main__.py", *_USUAL):
                if (path := package.parent / name).is_file() and path.parent not in (
                    home / "bot",
                    home / "app",
                ):
                    yield path


def load_env_file(path: Path | None, folder: Path) -> tuple[Path | None, list[str]]:
    """Set the variables of a .env file that the environment does not have; return the file and their names.

    Args:
        path: The file; None for ``.env`` in ``folder``, if it exists.
    """
    from dotenv import dotenv_values

    chosen = path or folder / ".env"
    if not chosen.is_file():
        if path is not None:
            fail(
                f"there is no file {path}; --env-file names a file with lines such as MEZON_BOT_ID=...",
                WRONG_USE,
            )
        return None, []
    names = []
    for name, value in dotenv_values(chosen).items():
        if value is not None and name not in os.environ:
            os.environ[name] = value
            names.append(name)
    return chosen, names


def reload_env(path: Path | None, folder: Path, names: set[str]) -> None:
    """Read the file again. Removes the variables in ``names`` first and updates ``names`` to the new ones."""
    for name in names:
        os.environ.pop(name, None)
    names.clear()
    if path is None or path.is_file():
        names.update(load_env_file(path, folder)[1])


def short(path: Path) -> str:
    """Return a path relative to the current directory if it is below it."""
    try:
        return str(path.relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)


def is_plain(error: Exception) -> bool:
    """Return whether an error needs no traceback: the SDK raised it and no code of the bot was involved."""
    return isinstance(error, MezonError) and not involves_user_code(error)


def trim_traceback(error: BaseException) -> str:
    """Return the traceback of the bot's own code, without the frames that import or run it."""
    trace = error.__traceback__
    while trace is not None and not is_user_code(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    if trace is None and isinstance(error, SyntaxError):
        # The message names file and line; all frames belong to the import.
        return "".join(traceback.format_exception_only(error))
    return format_for_user(error)
