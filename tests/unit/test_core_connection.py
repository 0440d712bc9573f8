"""The core's connection by itself: in a forked child, without descriptors, and what it tells its logger."""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import textwrap
import time

import pytest
from mezon import _core
from mezon._gateway.connection import core_log_level, core_logger
from patience import patient

KIND = _core.ItemKind


def drained(gateway: _core.Gateway, until: str, seconds: float = 20.0) -> list[tuple[int, int, object]]:
    """Everything up to the state `until`."""
    seen: list[tuple[int, int, object]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        items, more = gateway.drain(100)
        seen += items
        if any(kind == KIND.STATE and value[0] == until for kind, _, value in items):
            return seen
        if not more:
            select.select([gateway.fileno()], [], [], 1.0)
            gateway.clear_wake()
    raise AssertionError(f"no state {until}: {seen}")


def test_each_step_is_told_from_the_level_on_that_is_asked_for() -> None:
    gateway = _core.Gateway()
    gateway.set_log_level(logging.DEBUG)
    gateway.connect(["gopher://nowhere?token=secret-token", "tcp://127.0.0.1:1?token=secret-token"], False)
    items = drained(gateway, "closed")
    told = [(level, text) for kind, level, text in items if kind == KIND.LOG]
    assert any("no connection to 127.0.0.1:1 by tcp" in str(text) for _, text in told)
    assert {level for level, _ in told} <= {logging.DEBUG, logging.INFO, logging.WARNING}
    assert "secret" not in repr(items)
    # Another one: the first may log once more after its last state.
    quiet = _core.Gateway()
    quiet.set_log_level(255)
    quiet.connect(["tcp://127.0.0.1:1?token=secret-token"], False)
    assert not [item for item in drained(quiet, "closed") if item[0] == KIND.LOG]


def test_the_level_is_that_of_the_logger() -> None:
    logger = core_logger
    assert logger.name == "mezon.core"
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        assert core_log_level() == logging.DEBUG
        logger.setLevel(1000)
        assert core_log_level() == 255
        logging.disable(logging.CRITICAL)
        logger.setLevel(logging.DEBUG)
        assert core_log_level() == 255, "no record would be shown"
    finally:
        logging.disable(logging.NOTSET)
        logger.setLevel(before)


def test_urls_are_a_list_and_an_empty_one_ends_with_a_sentence() -> None:
    gateway = _core.Gateway()
    with pytest.raises(TypeError):
        gateway.connect("ws://127.0.0.1:1", False)  # type: ignore[arg-type]
    gateway.connect([], False)
    [(_, _, reason)] = [
        item for item in drained(gateway, "closed") if item[0] == KIND.STATE and item[2][0] == "closed"
    ]  # type: ignore[index]
    assert "no socket URL" in str(reason)
    assert gateway.stats()["transport"] == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_touches_none_of_its_parents_descriptors() -> None:
    gateway = _core.Gateway()
    gateway.drain(1)
    gateway.connect(["tcp://127.0.0.1:1?token=t"], False)
    assert select.select([gateway.fileno()], [], [], 20.0)[0], "something happened"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            refused = 0
            for touch in (gateway.clear_wake, lambda: gateway.drain(1), lambda: gateway.connect([], False)):
                try:
                    touch()
                except _core.GatewayError as error:
                    refused += error.args[0] == "forked"
            silent = [gateway.close(), gateway.reconnect(), gateway.ping()]
            code = 0 if refused == 3 and silent == [False, False, False] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert select.select([gateway.fileno()], [], [], 0)[0], "the wake-up is still there for the parent"
    assert drained(gateway, "closed")


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on descriptors")
def test_a_process_without_descriptors_gets_an_error_and_may_try_again() -> None:
    script = """
        import os, resource
        from mezon import _core
        gateway = _core.Gateway()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        used = max(int(name) for name in os.listdir("/dev/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
        try:
            gateway.connect(["tcp://127.0.0.1:1?token=t"], False)
        except _core.GatewayError as error:
            print(error.args[0])
        try:
            _core.Gateway()
        except _core.GatewayError as error:
            print(error.args[0])
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        gateway.connect(["tcp://127.0.0.1:1?token=t"], False)
        print(gateway.state)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    refused, no_wake, state = done.stdout.split()
    assert (refused, no_wake) == ("no_resources", "no_resources"), done.stderr
    assert state in ("connecting", "closed")


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no limit on descriptors")
def test_a_connection_without_descriptors_says_what_to_do() -> None:
    script = """
        import asyncio, os, resource
        from mezon._gateway.connection import CoreConnection
        from mezon.errors import MezonConnectionError

        async def main():
            connection = CoreConnection()
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            used = max(int(name) for name in os.listdir("/dev/fd"))
            resource.setrlimit(resource.RLIMIT_NOFILE, (used, hard))
            try:
                await connection.open(["tcp://127.0.0.1:1?token=t"], False)
            except MezonConnectionError as error:
                print(error)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            try:
                await connection.open(["tcp://127.0.0.1:1?token=t"], False)
            except MezonConnectionError as error:
                print(error)
            await connection.close()

        asyncio.run(main())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=patient(60),
        check=False,
    )
    first, second = done.stdout.splitlines()
    assert "ulimit -n" in first, done.stderr
    assert "cannot connect to 127.0.0.1:1" in second, "with descriptors again it is tried"
