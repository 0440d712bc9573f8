"""tests/compat/sentences.md from a report of the reference's run: which sentences of the contract it fails.

python tests/compat/table.py reference.json > tests/compat/sentences.md
"""

from __future__ import annotations

import ast
import json
import pathlib
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent

#: The order of the sections, by test file.
FILES = (
    "test_compat_promises.py",
    "test_compat_payloads.py",
    "test_compat_inbound.py",
    "test_compat_outbound.py",
    "test_compat_dispatch.py",
    "test_compat_effects.py",
    "test_compat_objects.py",
    "test_compat_message_cache.py",
    "test_compat_answers.py",
    "test_compat_mocks.py",
    "test_compat_errors.py",
    "test_compat_life.py",
    "test_compat_tokens.py",
    "test_compat_extension_points.py",
)

INTRODUCTION = """\
# The contract, sentence by sentence

Each row is a sentence of what bots written for `mezon-sdk` rely on, and the test that proves it, in
[tests/compat](.). The tests run over real TCP against the local gateway, once with this project,
which passes all of them, and once with `mezon-sdk` 1.8.3 in an environment of its own (its rate limit switched
off). The third column has the result of that run: **yes**, or in how many cases it failed and how.

Made by `tests/compat/table.py`; see `tests/compat/conftest.py` for how to run the tests against the reference.
"""


def sentences(path: pathlib.Path) -> tuple[str, list[tuple[str, str]]]:
    """The title of a test file, and its tests with their sentences, in order."""
    tree = ast.parse(path.read_text("utf-8"))
    found = [
        (node.name, " ".join((ast.get_docstring(node) or "").split()))
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    return (ast.get_docstring(tree) or "").splitlines()[0], found


def heading(title: str) -> str:
    """The title of a test file with its citation, ``(docs/contract.md, "Objects")``, as a link."""
    plain, citation, rest = title.rstrip(".").partition(" (docs/")
    if not citation:
        return plain
    page, _, name = rest.rstrip(")").partition(", ")
    name = name.strip('"')
    return f"{plain}\n\nIn [{page}](../../docs/{page}#{name.lower().replace(' ', '-')}): {name}."


def verdict(entry: dict[str, Any] | None) -> str:
    """What the reference did."""
    if entry is None:
        return "not run"
    failures = entry["failures"]
    if not failures:
        return "yes"
    cases = max(entry["cases"], len(failures))
    many = f"{len(failures)} of {cases} cases: " if cases > 1 else ""
    text = failures[0].replace("|", "\\|").replace("`", "'")
    if len(text) > 90:
        text = text[:89] + "…"
    return f"**fails** {many}`{text}`"


def main() -> None:
    """Print the page."""
    report = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
    print(INTRODUCTION)
    total = failed = 0
    for name in FILES:
        title, tests = sentences(HERE / name)
        print(f"## {heading(title)}\n\n| sentence | test | mezon-sdk 1.8.3 |\n|---|---|---|")
        for test, sentence in tests:
            entry = report.get(f"{name}::{test}")
            total += 1
            failed += bool(entry and entry["failures"])
            escaped = sentence.replace("|", "\\|").replace("<", "&lt;")
            print(f"| {escaped} | `{test}` | {verdict(entry)} |")
        print()
    print(f"{total} sentences; the reference fails {failed} of them.")


if __name__ == "__main__":
    main()
