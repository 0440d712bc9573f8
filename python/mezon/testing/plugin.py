"""The pytest plugin: ``gateway``, ``gateway_factory``, ``client`` and ``clock``. Loaded by the entry point of mezon-rs.

Tests that use them need no configuration: in pytest-asyncio's strict mode they are marked for it here.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

# Nothing heavy here: this module is imported in every pytest run of an environment that has mezon-rs.
if TYPE_CHECKING:
    from mezon import MezonClient
    from mezon.testing.clock import MovableTime
    from mezon.testing.gateway import LocalGateway

FIXTURES: Final = frozenset(("gateway", "gateway_factory", "client", "clock"))

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:

    def _unusable() -> None:
        """Say that it needs pytest-asyncio."""
        pytest.fail(
            'the fixtures of mezon.testing need pytest-asyncio: pip install "mezon-rs[testing]" brings it',
            pytrace=False,
        )

    globals().update({name: pytest.fixture(name=name)(_unusable) for name in FIXTURES})

else:

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> None:
        """Mark the coroutine tests that use a fixture of this plugin, before pytest-asyncio looks at them."""
        if not inspect.iscoroutinefunction(obj) or not collector.funcnamefilter(name):
            return
        if FIXTURES.isdisjoint(inspect.signature(obj).parameters):
            return
        marks = getattr(obj, "pytestmark", [])
        if not any(mark.name in ("asyncio", "anyio", "trio") for mark in marks):
            pytest.mark.asyncio(obj)

    @_async_fixture
    async def gateway_factory() -> AsyncIterator[Callable[..., Awaitable[LocalGateway]]]:
        """Start gateways, closed after the test: ``gateway = await gateway_factory(tls=True)``."""
        from mezon.testing.gateway import LocalGateway

        async with AsyncExitStack() as stack:

            async def make(**options: Any) -> LocalGateway:
                return await stack.enter_async_context(LocalGateway(**options))

            yield make

    @_async_fixture
    async def gateway(gateway_factory: Callable[..., Awaitable[LocalGateway]]) -> LocalGateway:
        """Give a started gateway on a free loopback port, closed after the test."""
        return await gateway_factory()

    @_async_fixture
    async def client(gateway: LocalGateway) -> AsyncIterator[MezonClient]:
        """Give a client that is logged in at ``gateway`` and has joined its clans; logged out after the test."""
        from mezon import MezonClient

        made = MezonClient(**gateway.client_options())
        await made.login()
        await gateway.wait_joined()
        yield made
        await made.disconnect()

    @_async_fixture
    async def clock() -> AsyncIterator[MovableTime]:
        """Move the time of the test's event loop and ``time.time()``: ``await clock.advance(minutes=5)``."""
        from mezon.testing.clock import MovableTime

        with MovableTime() as moved:
            yield moved
