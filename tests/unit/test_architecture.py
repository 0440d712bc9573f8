"""The structure of the package (ARCHITECTURE.md): what import-linter and ruff cannot check.

Each table named ``..._LEFT`` lists the parts of the package that do not comply yet, with the area of the consolidation
that removes them. The tables may only shrink.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import grimp
import mezon
import mezon.testing
import pytest

ROOT = Path(mezon.__file__).parent
REPOSITORY = Path(__file__).parents[2]
MODULES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted(ROOT.rglob("*.py"))
    if not path.name.endswith("_pb2.py")
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def import_graph(*, type_checking: bool) -> grimp.ImportGraph:
    return grimp.build_graph("mezon", cache_dir=None, exclude_type_checking_imports=not type_checking)


def package_of(module: str) -> str:
    """Return the package of ``mezon.package.module``, or of the path ``package/module.py``."""
    return module.split(".")[1] if module.startswith("mezon.") else module.split("/")[0].removesuffix(".py")


# ---- import cycles

#: The types of `event.client` and `message.channel`: users get the classes themselves, so that editors know them.
PUBLIC_TYPES = {
    ("mezon.models._origin", "mezon.client"),
    ("mezon.models._answers", "mezon.structures"),
}

#: Packages whose modules still import each other in a cycle.
CYCLES_LEFT = {
    "structures": "accepted: the objects refer to each other, as a channel to its clan and a clan to its channels",
}


def cycles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected components with more than one node."""

    def reachable(start: str) -> set[str]:
        found: set[str] = set()
        ahead = set(edges.get(start, ()))
        while ahead:
            found |= ahead
            ahead = {node for one in ahead for node in edges.get(one, ())} - found
        return found

    reached = {node: reachable(node) for node in edges}
    components = {
        frozenset(other for other in reached[node] if node in reached.get(other, ()))
        for node in edges
        if node in reached[node]
    }
    return [set(one) for one in components if len(one) > 1]


@pytest.mark.parametrize("package", sorted({package_of(module) for module in MODULES}))
def test_modules_of_a_package_do_not_import_each_other_in_a_cycle(package: str) -> None:
    graph = import_graph(type_checking=True)
    # The package itself re-exports what its modules define, some of it lazily or for type checkers only.
    members = {module for module in graph.modules if module.startswith(f"mezon.{package}.")}
    found = cycles({one: graph.find_modules_directly_imported_by(one) & members for one in members})
    if package not in CYCLES_LEFT:
        assert found == []


@pytest.mark.parametrize("type_checking", [False, True], ids=["at run time", "with types"])
def test_packages_do_not_import_each_other_in_a_cycle(type_checking: bool) -> None:
    graph = import_graph(type_checking=type_checking)
    edges: dict[str, set[str]] = {}
    for module in graph.modules - {"mezon"}:
        for other in graph.find_modules_directly_imported_by(module) - {"mezon"}:
            if (module, other) not in PUBLIC_TYPES and package_of(module) != package_of(other):
                edges.setdefault(package_of(module), set()).add(package_of(other))
    assert cycles(edges) == []


#: Packages on top of the public API, which import `mezon` as a user does.
USERS_OF_THE_API = {"cli", "ext", "testing"}


def test_packages_do_not_import_the_facade() -> None:
    graph = import_graph(type_checking=True)
    importers = {package_of(module) for module in graph.find_modules_that_directly_import("mezon")}
    assert importers - {"mezon"} - USERS_OF_THE_API == set()


def test_gateway_and_inbox_of_the_core_do_not_import_each_other() -> None:
    def imports(package: str, other: str) -> bool:
        files = (REPOSITORY / "src" / package).rglob("*.rs")
        return any(f"crate::{other}" in path.read_text(encoding="utf-8") for path in files)

    mutual = imports("gateway", "inbox") and imports("inbox", "gateway")
    assert not mutual


# ---- imports inside functions

#: Packages that may be imported inside functions, with the reason. The standard library may be for start-up time.
KINDS = {
    "mezon.protobuf": "start-up time: the generated protobuf classes take longer to import than the rest",
    **dict.fromkeys(
        ("cronsim", "cryptography", "nats", "nkeys", "opentelemetry", "prometheus_client", "redis"),
        "optional extra",
    ),
    **dict.fromkeys(("dotenv", "prompt_toolkit", "pytest", "rich", "typer", "watchfiles"), "optional extra"),
    **dict.fromkeys(("aiohttp", "google", "multidict", "pydantic", "regex", "yarl"), "start-up time"),
}

#: The maximum number of imports inside functions.
MAX_LOCAL_IMPORTS = 112

#: The maximum number of those that import other modules of `mezon`: only for start-up time, never to avoid a cycle.
MAX_LOCAL_IMPORTS_OF_MEZON = 70


def local_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that are imported inside functions."""
    seen: set[ast.AST] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if node in seen:
                    continue
                seen.add(node)
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield node.module or ""


def test_imports_inside_functions_are_few_and_explained() -> None:
    found = [imported for path in MODULES.values() for imported in local_imports(parsed(path))]
    of_mezon = [one for one in found if one.startswith("mezon") and not one.startswith("mezon.protobuf")]
    assert len(found) <= MAX_LOCAL_IMPORTS
    assert len(of_mezon) <= MAX_LOCAL_IMPORTS_OF_MEZON
    packages = {one.split(".")[0] for one in found if not one.startswith("mezon")}
    assert packages - KINDS.keys() - sys.stdlib_module_names == set()


# ---- names

#: Terms that STYLE.md replaces, as words of an identifier. A tuple is a sequence of words.
OLD_TERMS: set[str | tuple[str, ...]] = {
    *("beside", "bell", "bury", "complaints", "courier", "crowd", "desk", "entrance", "greeting", "harmless"),
    *("hurry", "life", "lookout", "looks", "news", "obey", "passengers", "patience", "people", "sieve"),
    *("suspects", "tap", "tell", "upkeep", "wants", "warden", "weather", "ways", "world"),
    *(("role", "book"), ("fault", "book"), ("rpc", "book"), ("in", "passing")),
}

#: Public names with such a word in another sense, and deprecated aliases.
ACCEPTED_NAMES = {"harmless", "patience", "ensure_crowd"}

#: Old terms that remain in a package, because they are part of its public names.
PUBLIC_TERMS: dict[str, set[str | tuple[str, ...]]] = {
    "testing": {"world", "tap"},  # World, LocalGateway.world; Tap, LocalGateway.taps
}


def identifiers(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg


def words_of(identifier: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", identifier)]


def has_old_term(identifier: str, accepted: Collection[str | tuple[str, ...]] = ()) -> bool:
    words = words_of(identifier)
    spans = {tuple(words[at : at + size]) for size in (1, 2) for at in range(len(words))}
    return any((one if isinstance(one, tuple) else (one,)) in spans for one in OLD_TERMS - set(accepted))


@pytest.mark.parametrize("module", MODULES)
def test_identifiers_use_standard_terms(module: str) -> None:
    names = {*identifiers(parsed(MODULES[module])), *module.removesuffix(".py").split("/")}
    accepted = PUBLIC_TERMS.get(package_of(module), set())
    old = {name for name in names if has_old_term(name, accepted)} - ACCEPTED_NAMES
    assert old == set()


def test_old_terms_are_recognised() -> None:
    assert all(map(has_old_term, ["RoleBook", "_courier", "on_life", "tell_all", "world"]))
    assert not any(map(has_old_term, ["RoleCache", "teller", "bellow", "Lifecycle", "book_role", "always"]))


# ---- short modules

#: The length from which a module needs no reason.
SHORT = 60

#: Modules below that length, with the reason why each is a module of its own.
SHORT_MODULES = {
    "cli/__main__.py": "entry point that imports nothing, to report a missing extra",
    "cli/new.py": "one command, imported when it runs",
    "cli/send.py": "one command, imported when it runs",
    "cli/output.py": "shared by all commands",
    "_cluster/log_throttle.py": "shared by the parts of relay and worker",
    "_client/rpc.py": "its generated stub has one overload for each RPC",
    "_client/view.py": "what every part of the client sees of it",
    "_http/address.py": "validation shared by the socket, uploads and webhooks",
    "constants/rate_limit.py": "public import path",
    "ext/components.py": "public import path",
    "socket/promise_executor.py": "public import path",
    **dict.fromkeys(
        (
            "utils/backoff.py",
            "utils/ids.py",
            "utils/local_state.py",
            "utils/observer.py",
            "utils/own.py",
            "utils/own_thread.py",
            "utils/partial_file.py",
            "utils/process.py",
            "utils/renamed.py",
            "utils/secrets.py",
            "utils/text.py",
        ),
        "one helper each, shared by several packages",
    ),
    "managers/_home.py": "interface of two layers: importing managers/socket.py imports all models",
    "managers/session.py": "public import path",
    "protobuf/reported.py": "messages that the generated modules do not contain yet",
}


@pytest.mark.parametrize("module", MODULES)
def test_short_modules_have_a_reason(module: str) -> None:
    lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    if lines >= SHORT or module.endswith("__init__.py"):
        return
    assert module in SHORT_MODULES


def test_each_reason_for_a_short_module_is_needed() -> None:
    assert [module for module in SHORT_MODULES if module not in MODULES] == []


# ---- classes

#: The maximum number of base classes of ours; the target is 1 for both.
BASES = [
    pytest.param(mezon.MezonClient, 1, id="MezonClient"),
    pytest.param(mezon.testing.LocalGateway, 1, id="LocalGateway"),
]


@pytest.mark.parametrize(("kind", "limit"), BASES)
def test_parts_are_held_not_inherited(kind: type, limit: int) -> None:
    assert sum(base.__module__.startswith("mezon") for base in kind.__mro__[1:]) <= limit


#: Private names of other packages that have no public equivalent, and marks that two modules set on a bot's functions.
PRIVATE_OF_OTHERS = {
    *("_exit", "_current_frames", "_getframe"),  # os, sys
    *(
        "_log_destroy_pending",
        "_io_reader",
        "_io_writer",
        "_ready",
        "_scheduled",
    ),  # asyncio
    *("_bare_io_reader", "_bare_io_writer", "_cb"),  # nats-py
    "_server",  # asyncio.Server of aiohttp's TestServer
    "_concrete_class",  # google.protobuf
    "_replace",  # named tuples
    *("_auto_bind_event", "_is_default_handler"),  # marks on a bot's functions
    "_socket",  # the attribute of the reference's adapter
    "_DISTRIBUTION",  # the mark of this distribution
}


def own_names(tree: ast.AST) -> set[str]:
    """Return the private names that a module defines: functions, classes, variables and attributes of ``self``."""
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
def test_private_attributes_stay_in_their_module(module: str) -> None:
    tree = parsed(MODULES[module])
    own = own_names(tree)
    read = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and is_private(node.attr)
        and not of_self(node.value)
        and node.attr not in own
        and node.attr not in PRIVATE_OF_OTHERS
    ]
    read_by_name = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("getattr", "setattr", "hasattr")
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
        and is_private(str(node.args[1].value))
        and not of_self(node.args[0])
        and node.args[1].value not in own
        and node.args[1].value not in PRIVATE_OF_OTHERS
    ]
    assert read + read_by_name == []


def test_classes_do_not_call_subclasses_through_stubs() -> None:
    """A method declared only for type checkers would have to come from a subclass."""
    declared = {
        f"{module}: {node.name}.{method.name}"
        for module, path in MODULES.items()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef)
        for block in node.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for method in block.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    # These declare what the class itself has, in more detail: a property, a constructor, forwarded attributes.
    assert declared == {
        "_client/assembly.py: ObservedConnection.__getattr__",
        "models/_origin.py: OfClient.client",
        "models/content.py: ChannelMessageContent.__init__",
    }


# ---- documentation and tests


def test_every_member_of_the_core_is_documented() -> None:
    text = (ROOT / "_core.pyi").read_text(encoding="utf-8")
    lines = text.splitlines()

    def undocumented(body: list[ast.stmt], owner: str = "") -> list[str]:
        found = []
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                # The docstring of the class covers its constructor; Python's own methods need none.
                if not ast.get_docstring(node) and not node.name.startswith("__"):
                    found.append(f"{owner}{node.name}")
                if isinstance(node, ast.ClassDef):
                    found += undocumented(node.body, f"{node.name}.")
            elif isinstance(node, ast.AnnAssign) and not lines[node.lineno - 2].strip().startswith("#: "):
                found.append(f"{owner}{ast.unparse(node.target)}")
        return found

    assert undocumented(ast.parse(text).body) == []


def test_helpers_of_tests_are_not_duplicated() -> None:
    where: dict[str, set[str]] = {}
    tests = Path(__file__).parents[1]
    for path in tests.rglob("*.py"):
        for node in parsed(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("test_"):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if len(text := "\n".join(map(ast.unparse, body))) > 60:
                    where.setdefault(text, set()).add(path.relative_to(tests).as_posix())
    assert len(where) > 100
    assert [sorted(files) for files in where.values() if len(files) > 2] == []
