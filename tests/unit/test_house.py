"""How the house is built (ARCHITECTURE.md, "Parts"): what import-linter cannot see."""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import mezon
import pytest

ROOT = Path(mezon.__file__).parent
MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted(ROOT.rglob("*.py"))
    if not path.name.endswith("_pb2.py")
}

#: Attributes of other packages that have no public name, and marks that two modules put on a bot's own functions.
OF_OTHERS = {
    ("_client/shutdown.py", "_log_destroy_pending"),
    ("_events/auto_bind.py", "_auto_bind_event"),
    ("managers/event.py", "_is_default_handler"),
    ("testing/core.py", "_server"),
    ("_client/forced_exit.py", "_current_frames"),
    ("_client/forced_exit.py", "_exit"),
    ("_client/run.py", "_log_destroy_pending"),
    ("_client/run.py", "_unregister_task"),
    ("_client/watchdog.py", "_current_frames"),
    ("_gateway/adapter.py", "_socket"),
    ("_events/workers.py", "_callbacks"),
    ("_events/workers.py", "_must_cancel"),
    ("api/_upload.py", "_replace"),
    ("cli/bench/bot_script.py", "_exit"),
    ("cli/report.py", "_exit"),
    ("managers/_registering.py", "_getframe"),
    ("models/_convert.py", "_concrete_class"),
    ("testing/clock.py", "_ready"),
    ("testing/clock.py", "_scheduled"),
    ("text/builder.py", "_replace"),
}

#: What a bot gets of an event by its public name: the class itself, so that an editor knows what it can do.
PUBLIC_TYPES = {
    ("mezon.models._answers", "mezon.client"),
    ("mezon.models._answers", "mezon.structures"),
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
        and (module, node.args[1].value) not in OF_OTHERS
    ]
    assert foreign + asked == []


def test_no_parent_calls_its_child_by_a_stub() -> None:
    """What a class only declares for type checkers, somebody below it has to bring."""
    declared = {
        f"{module}: {node.name}.{method.name}"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for block in node.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for method in block.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    # These say more exactly what the class itself has: a property, pydantic's constructor, what is handed on.
    assert declared == {
        "_client/observing.py: ObservedConnection.__getattr__",
        "models/_answers.py: OfClient.client",
        "models/content.py: ChannelMessageContent.__init__",
    }


def circles(*, with_types: bool) -> list[set[str]]:
    """Find the rooms that import each other in a circle; the face, ``mezon`` itself, names every room and is none."""
    graph = grimp.build_graph("mezon", cache_dir=None, exclude_type_checking_imports=not with_types)
    knows: dict[str, set[str]] = {}
    for module in graph.modules - {"mezon"}:
        room = module.split(".")[1]
        for other in graph.find_modules_directly_imported_by(module) - {"mezon"}:
            if (module, other) not in PUBLIC_TYPES:
                knows.setdefault(room, set()).add(other.split(".")[1])

    def reached(room: str) -> set[str]:
        found: set[str] = set()
        ahead = knows.get(room, set()) - {room}
        while ahead:
            found |= ahead
            ahead = {further for one in ahead for further in knows.get(one, set()) - {one}} - found
        return found

    behind = {room: reached(room) for room in knows}
    return [{room, *behind[room]} for room in knows if room in behind[room]]


def test_no_rooms_import_each_other_in_a_circle() -> None:
    assert circles(with_types=False) == []


def test_what_stands_above_is_known_by_a_protocol_and_by_two_public_types() -> None:
    assert circles(with_types=True) == []


def test_every_member_of_the_core_has_its_sentence() -> None:
    text = (ROOT / "_core.pyi").read_text(encoding="utf-8")
    lines = text.splitlines()

    def silent(body: list[ast.stmt], holder: str = "") -> list[str]:
        found = []
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                # How one is made stands in the docstring of the class; what Python's own methods mean is known.
                if not ast.get_docstring(node) and not node.name.startswith("__"):
                    found.append(f"{holder}{node.name}")
                if isinstance(node, ast.ClassDef):
                    found += silent(node.body, f"{node.name}.")
            elif isinstance(node, ast.AnnAssign) and not lines[node.lineno - 2].strip().startswith("#: "):
                found.append(f"{holder}{ast.unparse(node.target)}")
        return found

    assert silent(ast.parse(text).body) == []


def test_no_helper_of_tests_is_written_three_times() -> None:
    where: dict[str, set[str]] = {}
    tests = Path(__file__).parents[1]
    for path in tests.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("test_"):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if len(text := "\n".join(map(ast.unparse, body))) > 60:
                    where.setdefault(text, set()).add(path.relative_to(tests).as_posix())
    assert len(where) > 100
    assert [sorted(files) for files in where.values() if len(files) > 2] == []
