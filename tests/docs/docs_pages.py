"""Parsing of the documentation pages."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

DOCS: Final = ROOT / "docs"
PAGES: Final = [
    ROOT / "README.md",
    ROOT / "README.vi.md",
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
]
#: Where the site and the repository are on the web. The README names pages by these, for it is read elsewhere, too.
SITE: Final = "https://mezon-rs.github.io/mezon-rs/"
REPOSITORY: Final = "https://github.com/mezon-rs/mezon-rs/"

#: A comment on the line before a block that says it is executed by the tests.
RUN: Final = "<!-- run -->"
#: The first line of a block that is a whole bot.
BOT: Final = "# bot.py\n"

_FENCE = re.compile(
    r"(?P<mark><!-- [a-z ]+ -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$"
    r"(?P<drive>\n\n<!-- drive\n.*?^-->$)?",
    re.M | re.S,
)

_EXAMPLE = re.compile(r"^(?P<indent> *)```python\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    #: The comment on the line before it, such as ``<!-- run -->``; "" without one.
    mark: str
    #: The lines of the hidden comment ``<!-- drive ... -->`` below a bot, which the tests execute while it runs.
    drive: str = ""

    @property
    def run(self) -> bool:
        """Whether the tests execute the block."""
        return self.mark == RUN

    @property
    def bot(self) -> bool:
        """Whether the block is a whole bot, to be pasted into bot.py."""
        return self.text.startswith(BOT)

    @property
    def name(self) -> str:
        """Page and line, as a traceback shows them."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, language: str = "python") -> list[Block]:
    """Return the blocks of a language in the order of the page."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        if match["language"] == language:
            line = text.count("\n", 0, match.start("text"))
            drive = (match["drive"] or "").strip().removeprefix("<!-- drive\n").removesuffix("-->")
            found.append(Block(page, line, language, match["text"], (match["mark"] or "").strip(), drive))
    return found


def docstring_blocks() -> list[Block]:
    """Return the fenced examples in the docstrings of the package."""
    found = []
    for path in sorted((ROOT / "python" / "mezon").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for match in _EXAMPLE.finditer(text):
            line = text.count("\n", 0, match.start("text"))
            found.append(Block(path, line, "python", textwrap.dedent(match["text"]), ""))
    return found


def table(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without the header row."""
    text = page.read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    rows = []
    for line in rest.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> list[str]:
    """Return the headings of a page without markup."""
    found = re.findall(r"^#{1,6} +(.+?) *#*$", prose(page), re.M)
    return [re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading) for heading in found]


def anchor(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())
