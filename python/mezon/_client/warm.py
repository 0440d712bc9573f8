"""What a login needs is imported in a thread: it takes a tenth of a second, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from mezon.utils.own_thread import in_a_thread

__all__ = ["warm_up"]

#: What authenticating imports in its functions, and what comes after it. A name that is missing here is imported there,
#: on the loop, and nothing else is different.
_FIRST: Final = ("mezon.managers.session", "mezon.session", "mezon.api", "mezon.protobuf.api.api_pb2")
_THEN: Final = (
    "mezon.protobuf._rpc_table",
    "mezon._events.default_effects",
    "mezon.managers.channel",
    "mezon.managers.socket",
    "mezon.messages",
    "mezon.structures",
)


async def warm_up() -> asyncio.Future[None]:
    """Import what authenticating needs; gives the future of the rest, which is imported while the server answers."""
    run = _on_the_loop if _read_by_pytest() else in_a_thread
    if any(name not in sys.modules for name in _FIRST):
        await run(_begin)
    if any(name not in sys.modules for name in _THEN):
        return run(lambda: _import(_THEN))
    return _on_the_loop(lambda: None)


def _on_the_loop(call: Callable[[], None]) -> asyncio.Future[None]:
    """Run a function here and now; gives what ``in_a_thread`` does."""
    call()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def _read_by_pytest() -> bool:
    """Say whether pytest reads what is imported: it does so by `ast`, which fails with two threads at it at once."""
    return any(type(finder).__module__.startswith("_pytest.") for finder in sys.meta_path)


def _import(names: Iterable[str]) -> None:
    for name in names:
        # What fails here is imported again where it is needed, and raises there.
        with suppress(Exception):
            importlib.import_module(name)


def _begin() -> None:
    _import(_FIRST)
    from mezon.models import ApiAuthenticateRequest

    # The first model that is used has pydantic look for its plugins in every package that is installed.
    ApiAuthenticateRequest.model_rebuild()
