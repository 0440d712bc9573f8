"""How the house is built (ARCHITECTURE.md, "Parts"): what import-linter cannot see."""

from __future__ import annotations

import ast
from pathlib import Path

import mezon
import pytest

ROOT = Path(mezon.__file__).parent
MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted(ROOT.rglob("*.py"))
    if not path.name.endswith("_pb2.py")
}

#: What asks for an attribute of the standard library or of protobuf that has no public name.
OF_OTHERS = {
    ("_client/watchdog.py", "_current_frames"),
    ("_events/workers.py", "_callbacks"),
    ("_events/workers.py", "_must_cancel"),
    ("api/_upload.py", "_replace"),
    ("cli/bench/bot_script.py", "_exit"),
    ("managers/_registering.py", "_getframe"),
    ("models/_convert.py", "_concrete_class"),
    ("testing/clock.py", "_ready"),
    ("testing/clock.py", "_scheduled"),
    ("text/builder.py", "_replace"),
}


def own_names(tree: ast.AST) -> set[str]:
    """Give every name with an underscore that this file makes: an attribute of `self`, a method, a slot, a variable."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and of_self(node.value):
            found.add(node.attr)
    return found


def of_self(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "super"
    return isinstance(value, ast.Name) and value.id in ("self", "cls")


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("module", MODULES)
def test_no_part_reads_anothers_underscore_attributes(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    mine = own_names(tree)
    foreign = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and not of_self(node.value)
        and node.attr not in mine
        and (module, node.attr) not in OF_OTHERS
    ]
    asked = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "setattr", "hasattr")
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and is_private(str(node.args[1].value))
        and not of_self(node.args[0])
        and node.args[1].value not in mine
    ]
    assert foreign + asked == []


def test_no_file_of_the_product_is_longer_than_400_lines() -> None:
    generated = {"protobuf/_rpc_table.py", "_client/rpc_door.pyi"}
    files = [path for ending in ("*.py", "*.pyi") for path in ROOT.rglob(ending) if "_pb2" not in path.name]
    sources = Path(__file__).parents[2] / "src"
    # The tests of a part of the core lie beside it.
    rust = [path for path in sources.rglob("*.rs") if path.name != "tests.rs" and "tests" not in path.parts]
    assert rust
    long = {
        path.as_posix(): lines
        for path in (*files, *rust)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
        and path.relative_to(ROOT if path in files else sources).as_posix() not in generated
    }
    assert long == {}
