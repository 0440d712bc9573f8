"""Imports in a thread, ahead of a login: a help, and never what a login fails by."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
from mezon._client.warm import warm_up


async def test_an_import_that_fails_in_the_thread_is_left_to_who_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
