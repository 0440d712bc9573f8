"""`mezon.ext` stands on the public API alone: no private module, no private attribute of another object."""

from __future__ import annotations

import ast
from pathlib import Path

import mezon.ext
import pytest

MODULES = sorted(Path(mezon.ext.__file__).parent.glob("*.py"))


def private(path: str) -> bool:
    return path.startswith("mezon.") and not path.startswith("mezon.ext") and "._" in path


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_nothing_private_is_used(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if private(name.name)]
        elif isinstance(node, ast.ImportFrom):
            found += [path for name in node.names if private(path := f"{node.module or ''}.{name.name}")]
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ast.dump(node.value)
            if owner not in ("self", "cls", "target"):
                found.append(f"{owner}.{node.attr}")
    assert found == []


def test_it_is_a_whole() -> None:
    assert {"commands.py", "components.py", "metrics.py", "streaming.py", "tasks.py"} <= {
        one.name for one in MODULES
    }
