"""Deadlines for this machine, and the order of the files."""

import asyncio.constants
import contextlib
import gc
import itertools
import logging
import os
import signal
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import pytest
from patience import PATIENCE, patient

with contextlib.suppress(
    ImportError
):  # the environment of mezon-sdk, in which tests/compat run too, has none
    from hypothesis import HealthCheck, settings

    # Properties are not about speed: on a busy machine an example may take its time.
    settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any-machine")

# A shell starts background processes with SIGINT ignored, and these tests and their children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# In its debug mode, which pyproject.toml enables, asyncio stores the stack of every task, future and callback, which
# takes a third of the CPU time of tests over the local gateway. MEZON_TEST_STACK=10 has it store ten frames, not one.
_STORED_FRAMES = int(os.environ.get("MEZON_TEST_STACK") or 1)
asyncio.constants.DEBUG_STACK_DEPTH = _STORED_FRAMES
# What asyncio's C code calls without arguments.
traceback.extract_stack.__defaults__ = (None, _STORED_FRAMES)

# On a busy machine, asyncio's debug mode logs callbacks of more than 0.1 s, among the records that a test counts.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing "))


def _extract(
    frames: Iterable[tuple[FrameType, int]], *, limit: int | None = None, **_: bool
) -> traceback.StackSummary:
    """Replace `StackSummary.extract` by one that reads a line when it is shown."""
    stack = traceback.StackSummary()
    for frame, line in itertools.islice(frames, limit if limit is None or limit >= 0 else None):
        code = frame.f_code
        stack.append(traceback.FrameSummary(code.co_filename, line, code.co_name, lookup_line=False))
    return stack


traceback.StackSummary.extract = _extract  # type: ignore[method-assign,assignment]

#: Folders whose tests start processes or wait for real time, the slowest first.
SLOW = ("cluster", "cli", "faults", "examples", "newcomer", "playground", "docs", "state", "integration")


def _in_turns(files: list[str]) -> dict[str, int]:
    """Return the place of each file: one that waits, one that computes, and so on.

    `make test-python` gives whole files to its processes in this order. A process that waits leaves its core to one
    that computes, and no long file is left when everything else is done.
    """
    waits: list[list[str]] = [[] for _ in SLOW]
    computes: list[str] = []
    for file in files:
        folder = Path(file).parent.name
        (waits[SLOW.index(folder)] if folder in SLOW else computes).append(file)
    turns = itertools.zip_longest(itertools.chain(*waits), computes)
    return {file: place for place, file in enumerate(file for turn in turns for file in turn if file)}


def pytest_collection_finish() -> None:
    """Exempt the modules and the 10,000 tests from garbage collections, which some tests ask for."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files, and scale the deadline of each test, which pytest-timeout enforces."""
    places = _in_turns(list(dict.fromkeys(item.nodeid.partition("::")[0] for item in items)))
    items.sort(key=lambda item: places[item.nodeid.partition("::")[0]])
    if PATIENCE == 1 or not config.pluginmanager.has_plugin("timeout"):
        return
    default = float(config.getini("timeout") or 0)
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = float(marker.args[0]) if marker is not None and marker.args else default
        item.add_marker(pytest.mark.timeout(patient(seconds)), append=False)
