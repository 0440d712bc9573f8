"""Every Python block of the documentation passes mypy without the pydantic plugin, and pyright."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from docs_pages import PAGES, ROOT, Block, blocks, docstring_blocks

CODE: Final = [*(block for page in PAGES for block in blocks(page)), *docstring_blocks()]

#: What a page says its snippets have at hand.
AT_HAND: Final = {
    "client": "mezon.MezonClient",
    "bot": "mezon.ext.commands.Bot",
    "channel": "mezon.TextChannel",
    "message": "mezon.Message",
    "user": "mezon.User",
    "gateway": "mezon.testing.LocalGateway",
    "bot_id": "str",
    "key": "str",
}

#: Packages of examples that this project does not install.
STUBS: Final = ROOT / "tests" / "docs" / "stubs"

MYPY: Final = f"""\
[mypy]
mypy_path = {STUBS}
python_version = 3.11
check_untyped_defs = true
[mypy-mezon.protobuf.*]
ignore_errors = true
"""

_SKIP = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


def parsed(block: Block) -> ast.Module:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST
    tree = compile(block.text, block.name, "exec", flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def awaits_at_the_top(tree: ast.Module) -> bool:
    """Return whether a block is input for the asyncio REPL."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if not isinstance(node, _SKIP):
            pending += ast.iter_child_nodes(node)
    return False


def module_of(block: Block) -> tuple[str, int]:
    """The block as a module, and how many lines stand before its own."""
    tree = parsed(block)
    names = {node.id: node.ctx for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used = [name for name in AT_HAND if name in names]
    if awaits_at_the_top(tree):
        parameters = ", ".join(f"{name}: {AT_HAND[name]}" for name in used)
        head = f"import mezon, mezon.testing, mezon.ext.commands\nasync def snippet({parameters}) -> None:\n"
        return head + "".join(f"    {line}" for line in block.text.splitlines(keepends=True)), 2
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    aliases = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    made = stored | {alias.asname or alias.name for alias in aliases}
    missing = [name for name in (*used, "MezonClient", "MessageDB") if name in names and name not in made]
    head = f"from at_hand import {', '.join(missing)}\n" if missing else "\n"
    return head + block.text, 1


def whole(found: list[Block]) -> list[Block]:
    """The blocks, and those of a file that a page shows in pieces (``<!-- lunch -->``) put together."""
    pieces: dict[Path, Block] = {}
    for block in found:
        if block.mark == "<!-- lunch -->":
            first = pieces.get(block.page, block)
            text = first.text + "\n" * max(0, block.line - first.line - first.text.count("\n")) + block.text
            pieces[block.page] = first if first is block else replace(first, text=text)
    return [*(block for block in found if block.mark != "<!-- lunch -->"), *pieces.values()]


class Folder:
    """The blocks as modules of a folder, with a mapping of their lines to lines of the pages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places: dict[str, tuple[Block, int]] = {}
        declared = "".join(f"{name}: {kind}\n" for name, kind in AT_HAND.items())
        at_hand = "import mezon, mezon.testing, mezon.ext.commands\n"
        at_hand += "from mezon import MessageDB as MessageDB, MezonClient as MezonClient\n"
        (path / "at_hand.py").write_text(at_hand + declared, "utf-8")
        for number, block in enumerate(whole(CODE)):
            text, before = module_of(block)
            name = f"block_{number}.py"
            (path / name).write_text(text, "utf-8")
            self.places[name] = (block, before)

    def told(self, file: str, line: int, text: str) -> str:
        """Return a message with the line of the page it refers to."""
        block, before = self.places[Path(file).name]
        return f"{block.page.relative_to(ROOT)}:{block.line + line - before}: {text}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("blocks"))


@pytest.mark.timeout(300)
def test_mypy(folder: Folder) -> None:
    settings = folder.path / "mypy.ini"
    settings.write_text(MYPY, "utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(settings),
        "--no-error-summary",
        "--no-color-output",
    ]
    ran = subprocess.run(
        [*command, "--cache-dir", str(ROOT / ".mypy_cache" / "docs"), *sorted(folder.places)],
        cwd=folder.path,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(\S+\.py):(\d+): error: (.*)$", ran.stdout, re.M)
    assert [folder.told(file, int(line), text) for file, line, text in found] == [], ran.stdout
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.timeout(300)
def test_pyright(folder: Folder) -> None:
    settings = {"pythonVersion": "3.11", "include": ["."], "extraPaths": [str(STUBS)]}
    settings["reportMissingModuleSource"] = False
    (folder.path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    ran = subprocess.run(command, cwd=folder.path, capture_output=True, text=True, check=False)
    report = json.loads(ran.stdout)
    found = [
        folder.told(one["file"], one["range"]["start"]["line"] + 1, one["message"])
        for one in report["generalDiagnostics"]
        if one["severity"] == "error"
    ]
    assert found == []
    assert report["summary"]["filesAnalyzed"] >= len(folder.places)
