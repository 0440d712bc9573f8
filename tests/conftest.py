"""Deadlines for this machine, and the order of the files: those that wait for real time come first."""

import asyncio.constants
import contextlib
import itertools
import traceback
from pathlib import Path

import pytest
from patience import PATIENCE, patient

with contextlib.suppress(
    ImportError
):  # the environment of mezon-sdk, in which tests/compat run too, has none
    from hypothesis import HealthCheck, settings

    # Properties are not about speed: on a busy machine an example may take its time.
    settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any-machine")

# In its debug mode, which pyproject.toml enables, asyncio stores the stack of every task, future and callback. Most of
# its frames are those of pytest, and storing them took a third of the CPU time of tests over the local gateway.
_STORED_FRAMES = 12
_walk_stack = traceback.walk_stack
traceback.walk_stack = lambda frame: itertools.islice(_walk_stack(frame), _STORED_FRAMES)
asyncio.constants.DEBUG_STACK_DEPTH = 3

#: Folders whose tests start processes or wait for real time, the slowest first. `make test-python` gives whole files
#: to its processes in this order, so that no long file is left when everything else is done.
SLOW = ("cli", "cluster", "faults", "examples", "newcomer", "playground", "docs", "state", "integration")


def _rank(item: pytest.Item) -> int:
    folder = Path(item.nodeid).parts[1:2]
    return SLOW.index(folder[0]) if folder and folder[0] in SLOW else len(SLOW)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the files, and scale the deadline of each test, which pytest-timeout enforces."""
    items.sort(key=_rank)
    if PATIENCE == 1 or not config.pluginmanager.has_plugin("timeout"):
        return
    default = float(config.getini("timeout") or 0)
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = float(marker.args[0]) if marker is not None and marker.args else default
        item.add_marker(pytest.mark.timeout(patient(seconds)), append=False)
