"""A client leaves nothing behind, however it ends, and also without a close."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import GatewayOptions, MezonClient
from mezon.errors import ConnectionLostError, MezonConnectionError
from mezon.testing import GatewayThread, LocalGateway
from vanished_loops import vanish
from waiting import until


def descriptors() -> set[tuple[str, str]]:
    """Return the open descriptors of this process."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add((name, os.readlink(f"/proc/self/fd/{name}")))
    return {(name, target) for name, target in found if not target.startswith("/proc")}


async def test_a_client_dropped_after_a_loss(gateway: LocalGateway) -> None:
    """Some bots create a new client after each loss and drop the old one without ``disconnect()``."""

    async def life() -> None:
        client = MezonClient(**quiet_options(gateway))
        client.on_channel_message(lambda message: None)
        await client.login(enable_auto_reconnect=False)
        await gateway.drop()
        with pytest.raises(ConnectionLostError):
            await client.wait_closed()

    def collect() -> bool:
        gc.collect()
        return gateway.connections.total > 0

    # The core's thread and its descriptors are created with the first client and stay.
    await life()
    await until(collect)
    tasks, files, threads = asyncio.all_tasks(), descriptors(), threading.active_count()
    for _ in range(3):
        await life()

    def nothing_is_left() -> bool:
        gc.collect()
        # The gateway's tasks, one for each connection, do not belong to the client.
        left = [task for task in asyncio.all_tasks() - tasks if "web_protocol" not in repr(task)]
        return not left and not descriptors() - files and threading.active_count() <= threads

    await until(nothing_is_left)


class TestClosedLoop:
    """``loop.close()`` without ``disconnect()``, as in scripts and in tests of bots."""

    @pytest.fixture(autouse=True)
    def _collected(self) -> Iterator[None]:
        yield
        gc.collect()

    @staticmethod
    def abandoned(client: MezonClient) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.login())
        assert client.state == "ready"
        vanish(loop)

    def test_disconnect_is_safe_and_a_new_login_receives(self) -> None:
        with GatewayThread() as server:
            client = MezonClient(**quiet_options(server.gateway))
            heard: list[str] = []
            client.on_channel_message(lambda message: heard.append(message.content["t"]))
            self.abandoned(client)
            assert client.state == "closed"

            async def main() -> None:
                await client.disconnect()
                await client.disconnect()
                await client.login()
                await server.arun(server.gateway.say("general", "alice", "hello"))
                await until(lambda: heard == ["hello"])
                await client.disconnect()

            asyncio.run(main())

    def test_a_new_login_receives_without_a_disconnect(self) -> None:
        with GatewayThread() as server:
            client = MezonClient(**quiet_options(server.gateway))
            heard: list[str] = []
            client.on_channel_message(lambda message: heard.append(message.content["t"]))
            self.abandoned(client)

            async def main() -> None:
                await client.login()
                assert client.state == "ready"
                await server.arun(server.gateway.say("general", "alice", "hello"))
                await until(lambda: heard == ["hello"])
                channel = await client.channels.fetch(server.gateway.world.channel("general").id)
                await channel.send("and back")
                await client.disconnect()

            asyncio.run(main())

    def test_calls_raise_an_explanation(self) -> None:
        with GatewayThread() as server:
            client = MezonClient(**quiet_options(server.gateway))
            self.abandoned(client)
            channel = server.gateway.world.channel("general")
            with pytest.raises(MezonConnectionError, match="another event loop"):
                asyncio.run(client.send_message(channel.clan_id, channel.id, 2, True, "hello"))
            assert server.gateway.world.messages("general") == []
            asyncio.run(client.disconnect())

    def test_with_running_handlers_and_agent_events(self) -> None:
        with GatewayThread() as server:
            gateway = server.gateway
            client = MezonClient(**quiet_options(gateway) | {"agent_event_url": gateway.url})
            began = threading.Event()

            async def handle(message: Any) -> None:
                began.set()
                await asyncio.sleep(3600)

            client.on_channel_message(handle)
            loop = asyncio.new_event_loop()

            async def main() -> None:
                await client.login()
                await client.connect_ai_agent_sse()
                await server.arun(gateway.say("general", "alice", "hello"))
                await until(began.is_set)

            loop.run_until_complete(main())
            vanish(loop)
            asyncio.run(client.disconnect())
            assert client.stats().handlers == 0
            asyncio.run(client.disconnect())


class TestDisconnectInEveryState:
    async def test_before_any_login(self, gateway: LocalGateway) -> None:
        client = MezonClient(**quiet_options(gateway))
        await client.disconnect()
        await client.disconnect()
        await client.login()
        assert client.state == "ready"
        await client.disconnect()

    async def test_after_a_permanent_loss(self, gateway: LocalGateway) -> None:
        client = MezonClient(**quiet_options(gateway))
        await client.login(enable_auto_reconnect=False)
        await gateway.drop()
        await until(lambda: client.state == "closed")
        await client.disconnect()
        await client.login()
        await client.disconnect()
        assert client.state == "closed"

    async def test_while_it_waits_for_the_next_attempt(self, gateway: LocalGateway) -> None:
        client = MezonClient(**quiet_options(gateway) | {"gateway": GatewayOptions(backoff_base=60.0)})
        await client.login()
        await gateway.stop()
        await until(lambda: client.state in ("backoff", "authenticating", "connecting"))
        await client.disconnect()
        assert client.state == "closed"


async def test_a_login_cancelled_at_any_step_leaves_nothing(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Cancelled after each number of loop iterations. Every exception is retrieved, and the next login works."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    gateway.world.add_clan("second")
    for turns in [*range(12), *range(12, 160, 7)]:
        client = MezonClient(**quiet_options(gateway))
        # If the list of clans fails while the socket connects, its exception must be retrieved.
        gateway.http_status("ListClanDescs", 400, times=1)
        login = asyncio.ensure_future(client.login())
        for _ in range(turns):
            await asyncio.sleep(0)
        login.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await login
        await client.disconnect()
        del client, login
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
    assert "never retrieved" not in caplog.text
