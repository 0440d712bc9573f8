"""Imports in a thread, ahead of a login: a help, and never what a login fails by."""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

import pytest
from mezon._client.warm import warm_up


@pytest.fixture(params=["in a thread", "on the loop"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where it imports: on the loop where pytest reads what is imported, which is here."""
    if request.param == "in a thread":
        others = [one for one in sys.meta_path if not type(one).__module__.startswith("_pytest.")]
        monkeypatch.setattr(sys, "meta_path", others)
    return str(request.param)


@pytest.mark.usefixtures("place")
async def test_an_import_that_fails_is_left_to_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fail(name: str) -> ModuleType:
        asked.append(name)
        raise SystemError("AST constructor recursion depth mismatch")

    import mezon.structures

    monkeypatch.delitem(sys.modules, "mezon.structures")
    monkeypatch.setattr(importlib, "import_module", fail)
    rest = await warm_up()
    assert await rest is None
    assert "mezon.structures" in asked
    monkeypatch.undo()
    assert sys.modules["mezon.structures"] is mezon.structures


async def test_pytest_reads_no_two_modules_at_once(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import mezon.structures

    where: list[int] = []

    def note(name: str) -> ModuleType:
        where.append(threading.get_ident())
        return mezon.structures

    monkeypatch.delitem(sys.modules, "mezon.structures")
    monkeypatch.setattr(importlib, "import_module", note)
    await (await warm_up())
    assert where
    assert (set(where) == {threading.get_ident()}) == (place == "on the loop")
