"""``mezon new``: create the folder of a bot, with a test that passes."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import mezon
from mezon.cli.output import WRONG_USE, fail, say


def make(name: str, template: str) -> None:
    """Create the folder ``name`` in the current directory. Exits with an error message if that fails."""
    folder = Path(name)
    project = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    if not project:
        fail(f"{name!r} is not a valid name: use letters, digits and hyphens, such as lunch-bot", WRONG_USE)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail(f"{folder} exists and is not empty: choose another name", WRONG_USE)
    files = render(project, template)
    folder.mkdir(parents=True, exist_ok=True)
    for place, text in files.items():
        (folder / place).write_text(text, encoding="utf-8")
    say(f"{folder}: {', '.join(sorted(files))}")
    say("")
    say("Next:")
    say(f"  cd {folder}")
    say("  pytest       run the bot's test")
    say("  mezon dev    talk to the bot in the browser; it restarts when you save bot.py")
    say("  mezon chat   talk to the bot in the terminal")


def render(project: str, template: str) -> dict[str, str]:
    """Return the rendered files of a template by name."""
    root = resources.files("mezon.cli") / "templates"
    values = tomllib.loads((root / template / "about.toml").read_text(encoding="utf-8"))
    values |= {"name": project, "version": mezon.__version__}
    files = {}
    for place in ("common", template):
        for file in (root / place).iterdir():
            if file.name.endswith(".tmpl"):
                text = file.read_text(encoding="utf-8")
                # Packaging tools may leave out dotfiles, so dot.gitignore becomes .gitignore here.
                name = file.name.removesuffix(".tmpl").removeprefix("dot")
                files[name] = re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match[1]]), text)
    return files
