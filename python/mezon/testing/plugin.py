"""The pytest plugin with the fixtures ``gateway``, ``gateway_factory``, ``client``, ``clock`` and ``replay``.

pytest loads it by the entry point of mezon-rs. Tests that use a fixture need no configuration: in the strict mode of
pytest-asyncio the plugin adds the asyncio mark.
"""

from __future__ import annotations

import inspect
import logging
import traceback
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

# No heavy imports: every pytest run in an environment with mezon-rs imports this module.
if TYPE_CHECKING:
    from types import FrameType

    from mezon import MezonClient
    from mezon.testing.clock import MovableTime
    from mezon.testing.gateway import LocalGateway
    from mezon.testing.replay import Replayed

#: The factory of log records before this plugin has replaced it.
_record_factory: Final = logging.getLogRecordFactory()


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Show errors of bots in captured logs as elsewhere: without the frames of this package."""
    logging.setLogRecordFactory(_make_record)
    # An option of pytest-asyncio is unset: the fixtures of this plugin do not depend on it.
    warnings.filterwarnings(
        "ignore",
        'The configuration option "asyncio_default_fixture_loop_scope" is unset',
        pytest.PytestDeprecationWarning,
    )


def pytest_unconfigure() -> None:
    """Restore the factory of log records."""
    logging.setLogRecordFactory(_record_factory)


def _make_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = _record_factory(*args, **kwargs)
    if record.exc_info and record.exc_info[1] is not None and record.name.startswith("mezon"):
        # Formatters use this text instead of formatting the exception.
        record.exc_text = _user_code().format_for_user(record.exc_info[1]).rstrip("\n")
    return record


def _user_code() -> Any:
    from mezon.utils import user_code

    return user_code


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show an error at the import of a bot by the lines of the test and of the bot, unless ``--full-trace`` is set."""
    error = call.excinfo.value if call.excinfo is not None else None
    frames = traceback.walk_tb(error.__traceback__) if error is not None else ()
    if (
        error is None
        or item.config.getoption("fulltrace", False)
        or not any(_imports_bot(one) for one, _ in frames)
    ):
        return (yield)
    _user_code().shorten_tracebacks(error)
    call.excinfo = pytest.ExceptionInfo.from_exception(error)
    report = yield
    if report.failed and item.config.getoption("tbstyle", "auto") == "auto":
        # pytest's own style shows the whole bot up to the line, because the line belongs to no function.
        report.longrepr = call.excinfo.getrepr(style="native")
    return report


def _imports_bot(frame: FrameType) -> bool:
    return frame.f_code.co_name == "load_bot" and frame.f_globals.get("__name__") == "mezon.testing.bots"


FIXTURES: Final = frozenset(("gateway", "gateway_factory", "client", "clock", "replay"))

try:
    from pytest_asyncio import fixture as _async_fixture
except ImportError:

    def _unusable() -> None:
        """Fail because pytest-asyncio is not installed."""
        pytest.fail(
            'the fixtures of mezon.testing need pytest-asyncio: run pip install "mezon-rs[testing]"',
            pytrace=False,
        )

    globals().update({name: pytest.fixture(name=name)(_unusable) for name in FIXTURES})

else:

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(collector: Any, name: str, obj: Any) -> None:
        """Mark coroutine tests that use a fixture of this plugin, before pytest-asyncio collects them."""
        if not inspect.iscoroutinefunction(obj) or not collector.funcnamefilter(name):
            return
        if FIXTURES.isdisjoint(inspect.signature(obj).parameters):
            return
        marks = getattr(obj, "pytestmark", [])
        if not any(mark.name in ("asyncio", "anyio", "trio") for mark in marks):
            pytest.mark.asyncio(obj)

    @_async_fixture
    async def gateway_factory() -> AsyncIterator[Callable[..., Awaitable[LocalGateway]]]:
        """Start gateways that are closed after the test: ``gateway = await gateway_factory(tls=True)``."""
        from mezon.testing.gateway import LocalGateway

        async with AsyncExitStack() as stack:

            async def make(**options: Any) -> LocalGateway:
                return await stack.enter_async_context(LocalGateway(**options))

            yield make

    @_async_fixture
    async def gateway(gateway_factory: Callable[..., Awaitable[LocalGateway]]) -> LocalGateway:
        """Return a started gateway on a free loopback port, closed after the test."""
        return await gateway_factory()

    @_async_fixture
    async def client(gateway: LocalGateway) -> AsyncIterator[MezonClient]:
        """Return a client that is logged in at ``gateway`` and has joined its clans, disconnected after the test."""
        from mezon import MezonClient

        made = MezonClient(**gateway.client_options())
        await made.login()
        await gateway.wait_joined()
        yield made
        await made.disconnect()

    @pytest.fixture
    def replay() -> Callable[..., Awaitable[Replayed]]:
        """Let a bot handle the events of a flight recorder: ``replayed = await replay("trace.mzt", "bot.py")``."""
        from mezon.testing.replay import replay

        return replay

    @_async_fixture
    async def clock() -> AsyncIterator[MovableTime]:
        """Advance the clock of the test's event loop and ``time.time()``: ``await clock.advance(minutes=5)``."""
        from mezon.testing.clock import MovableTime

        with MovableTime() as moved:
            yield moved
