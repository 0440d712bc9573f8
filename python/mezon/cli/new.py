"""``mezon new``: a folder with everything a bot needs, and a test that is green at once."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import mezon
from mezon.cli.output import WRONG_USE, fail, say


def make(name: str, template: str) -> None:
    """Make the folder ``name`` here. Ends the command with a sentence when that cannot be."""
    folder = Path(name)
    project = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    if not project:
        fail(f"{name!r} is no name for a bot; take letters, digits and hyphens, such as lunch-bot", WRONG_USE)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        fail(f"{folder} is there already and not empty; choose another name", WRONG_USE)
    files = render(project, template)
    folder.mkdir(parents=True, exist_ok=True)
    for place, text in files.items():
        (folder / place).write_text(text, encoding="utf-8")
    say(f"{folder}: {', '.join(sorted(files))}")
    say("")
    say("Next:")
    say(f"  cd {folder}")
    say("  pytest       the bot's test, green already")
    say("  mezon dev    talk to it in the browser; it starts again when you save bot.py")
    say("  mezon chat   talk to it here")


def render(project: str, template: str) -> dict[str, str]:
    """Read the files of a template by name."""
    root = resources.files("mezon.cli") / "templates"
    values = tomllib.loads((root / template / "about.toml").read_text(encoding="utf-8"))
    values |= {"name": project, "version": mezon.__version__}
    files = {}
    for place in ("common", template):
        for file in (root / place).iterdir():
            if file.name.endswith(".tmpl"):
                text = file.read_text(encoding="utf-8")
                # Packagers may leave files out that begin with a dot: dot.gitignore becomes .gitignore.
                name = file.name.removesuffix(".tmpl").removeprefix("dot")
                files[name] = re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match[1]]), text)
    return files
