"""The fixtures of the contract's tests. They run with the project's ``mezon``, and with the reference's:

    PYTHONPATH= COMPAT_PYTHON=.venv/bin/python <venv of mezon-sdk>/bin/python -m pytest \
        -c tests/compat/reference.ini --compat-report=reference.json tests/compat

``COMPAT_PYTHON`` is the Python that runs the gateways and has this project. ``table.py`` makes sentences.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from over_transports import over_this_transport, pytest_generate_tests  # noqa: F401
from patience import patient
from peer import CONNECTION, REFERENCE, Gateway

HERE = pathlib.Path(__file__).parent

#: The message store comes with its own package.
HAS_STORE = importlib.util.find_spec("mezon.messages") is not None

_report: dict[str, dict[str, Any]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--compat-report", help="write the outcome of each sentence to this file, as JSON")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = (yield).get_result()  # type: ignore[misc, func-returns-value]
    if item.path.parent != HERE or not (report.when == "call" or report.failed):
        return
    name = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"
    sentence = (getattr(item, "function", None).__doc__ or "").strip()
    entry = _report.setdefault(name, {"sentence": " ".join(sentence.split()), "cases": 0, "failures": []})
    entry["cases"] += report.when == "call"
    if report.failed:
        lines = [line for line in str(report.longrepr).splitlines() if line and not line[0].isspace()]
        entry["failures"].append(lines[-1][:300] if lines else "")


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--compat-report")
    if path:
        pathlib.Path(path).write_text(json.dumps(_report, indent=1, ensure_ascii=False))


@pytest.fixture(scope="session")
def host() -> Iterator[int]:
    """The port of the process that runs the gateways."""
    python = os.environ.get("COMPAT_PYTHON", sys.executable)
    environment = {
        **os.environ,
        "PYTHONPATH": os.environ.get("COMPAT_PYTHONPATH", os.environ.get("PYTHONPATH", "")),
    }
    process = subprocess.Popen(
        [python, str(HERE / "gateway_host.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(patient(10))
        process.stdout.close()


@pytest_asyncio.fixture
async def make_gateway(host: int) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """``await make_gateway(require_join=True)``: a gateway with options of ``LocalGateway``."""
    async with contextlib.AsyncExitStack() as stack:

        async def make(**options: Any) -> Gateway:
            gateway = await Gateway.open(host, **options)
            stack.push_async_callback(gateway.close)
            return gateway

        yield make


@pytest_asyncio.fixture
async def gateway(make_gateway: Callable[..., Awaitable[Gateway]]) -> Gateway:
    return await make_gateway()


@pytest_asyncio.fixture
async def make_client(
    gateway: Gateway, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Any]]:
    """``make_client(content_as_json=True)``: a client of ``gateway``, not yet logged in; ``kind`` is its class."""
    from mezon import MezonClient

    monkeypatch.chdir(tmp_path)
    if REFERENCE:
        _no_rate_limit(monkeypatch)
    clients: list[Any] = []

    def make(*, kind: Any = MezonClient, **options: Any) -> Any:
        settings = {key: gateway.info[key] for key in CONNECTION if key in gateway.info}
        if not REFERENCE:
            settings["http_rate_limit"] = 0
            if not HAS_STORE:
                settings["message_db"] = False
        client = kind(**{**settings, **options})
        clients.append(client)
        return client

    yield make
    for client in clients:
        with contextlib.suppress(AttributeError if REFERENCE else ()):
            await asyncio.wait_for(client.disconnect(), patient(5))


@pytest_asyncio.fixture
async def client(make_client: Callable[..., Any]) -> Any:
    """A client that is logged in, as most bots have it."""
    client = make_client()
    await client.login()
    return client


def _no_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    import aiolimiter

    async def acquire(self: Any, amount: float = 1) -> None:
        return None

    monkeypatch.setattr(aiolimiter.AsyncLimiter, "acquire", acquire)
