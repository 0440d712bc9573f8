"""The pytest plugin: the fixtures ``gateway`` and ``gateway_factory``. Loaded by the entry point of mezon-rs.

It needs pytest-asyncio for its async fixtures; without it the fixtures are not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

# Nothing heavy here: this module is imported in every pytest run of an environment that has mezon-rs.
try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:  # pragma: no cover - depends on the environment
    pass
else:
    if TYPE_CHECKING:
        from mezon.testing.gateway import LocalGateway

    @_async_fixture
    async def gateway_factory() -> AsyncIterator[Callable[..., Awaitable[LocalGateway]]]:
        """``gateway = await gateway_factory(tls=True)``: started gateways, closed after the test."""
        from mezon.testing.gateway import LocalGateway

        async with AsyncExitStack() as stack:

            async def make(**options: Any) -> LocalGateway:
                return await stack.enter_async_context(LocalGateway(**options))

            yield make

    @_async_fixture
    async def gateway(gateway_factory: Callable[..., Awaitable[LocalGateway]]) -> LocalGateway:
        """A started gateway on a free loopback port, closed after the test."""
        return await gateway_factory()
