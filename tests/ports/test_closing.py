"""Every step of a close is taken, whatever an earlier one raises; and a close that was cancelled itself is finished."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from mezon import MezonClient
from port_fakes import FakePorts, turns


async def refuse(*arguments: Any) -> None:
    raise OSError("the disk is gone")


async def test_an_error_of_one_step_is_raised_after_the_others(ports: FakePorts, client: MezonClient) -> None:
    await client.login()
    assert client.message_db is not None
    ports.the_http.close = refuse  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the disk is gone"):
        await client.disconnect()
    assert (client.state, ports.the_store.closed) == ("closed", 1)
    await client.wait_closed()
    del ports.the_http.close
    await client.login()
    assert client.state == "ready"


async def test_an_error_of_the_connection_does_not_keep_the_store_open(
    ports: FakePorts, client: MezonClient
) -> None:
    await client.login()
    assert client.message_db is not None
    ports.the_connection.close = refuse  # type: ignore[method-assign]
    with pytest.raises(OSError, match="the disk is gone"):
        await client.disconnect()
    assert (ports.the_http.closed, ports.the_store.closed) == (1, 1)
    await client.wait_closed()
    del ports.the_connection.close


async def test_an_error_that_nobody_waits_for_is_logged(
    ports: FakePorts, client: MezonClient, caplog: pytest.LogCaptureFixture
) -> None:
    await client.login()
    ports.the_http.close = refuse  # type: ignore[method-assign]
    closing = asyncio.ensure_future(client.disconnect())
    await turns(1)
    closing.cancel()
    await client.wait_closed()
    await turns()
    assert closing.cancelled()
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [(record.getMessage(), str(record.exc_info[1])) for record in records if record.exc_info] == [
        ("The client was closed with an error", "the disk is gone")
    ]
    del ports.the_http.close


@pytest.mark.parametrize("count", range(12))
async def test_a_close_whose_own_task_is_cancelled_is_finished(
    ports: FakePorts, client: MezonClient, count: int
) -> None:
    """Somebody cancels every task and goes on, as some test kits do."""
    await client.login()
    assert client.message_db is not None
    closing = asyncio.ensure_future(client.disconnect(3600))
    await turns(1)
    for _ in range(count):
        await turns(1)
    for task in asyncio.all_tasks():
        if task.get_name() == "mezon-close":
            task.cancel()
    await closing
    assert (client.state, ports.the_http.closed, ports.the_store.closed) == ("closed", 1, 1)
    await client.wait_closed()
    await client.login()
    assert client.state == "ready"


async def test_a_failed_login_raises_its_own_error(
    ports: FakePorts, client: MezonClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise LookupError("no configuration")

    client.setup_hook = fail  # type: ignore[method-assign]
    ports.the_http.close = refuse  # type: ignore[method-assign]
    with pytest.raises(LookupError, match="no configuration"):
        await client.login()
    with pytest.raises(LookupError, match="no configuration"):
        await client.wait_closed()
    assert "the disk is gone" in caplog.text
    del ports.the_http.close


async def test_a_handler_that_ignores_its_cancellation_is_waited_for_once(
    ports: FakePorts, client: MezonClient
) -> None:
    """The close asks it to end once; the handlers of ``disconnect`` do not wait for it a second time."""
    await client.login()
    cancellations: list[str] = []
    gate = asyncio.Event()

    @client.on_channel_message
    async def stubborn(message: Any) -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                cancellations.append(message.content["t"])

    ports.the_connection.say("work")
    await turns()
    await client.disconnect()
    assert cancellations == ["work"]
    gate.set()
    await turns()
