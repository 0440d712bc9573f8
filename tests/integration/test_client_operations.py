"""Operations: the health endpoint, systemd, and logs as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import MezonClient
from mezon._client import operations
from mezon.errors import ConnectionLostError, InvalidArgumentError, MezonError
from mezon.testing import LocalGateway
from mezon.utils.logger import JsonFormatter, setup_logger
from small import free_port
from waiting import until


async def ask(port: int, path: str, method: str = "GET") -> tuple[int, Any]:
    """Request the health endpoint. Return status and JSON; status 0 if the port is closed."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return 0, None
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), json.loads(body)


class TestHealth:
    async def test_it_reports_when_the_bot_is_ready(self, gateway: LocalGateway) -> None:
        port = free_port()
        client = MezonClient(**quiet_options(gateway), health=f"127.0.0.1:{port}")
        assert await ask(port, "/live") == (0, None)
        gateway.delay("clan_join", 0.5)
        login = asyncio.ensure_future(client.login())
        await until(lambda: client.state in ("connecting", "ready"), "a login under way")
        assert await ask(port, "/live") == (200, {"live": True})
        await login
        assert await ask(port, "/ready") == (200, {"ready": True})
        status, stats = await ask(port, "/stats")
        assert (status, stats["state"]) == (200, "ready")
        assert gateway.api_key not in json.dumps(stats)
        await client.close_socket()
        assert await ask(port, "/ready") == (503, {"ready": False})
        await client.disconnect()
        assert await ask(port, "/live") == (0, None)

    async def test_it_serves_three_paths_read_only(self, gateway: LocalGateway) -> None:
        port = free_port()
        client = MezonClient(**quiet_options(gateway), health=f"127.0.0.1:{port}")
        await client.login()
        assert (await ask(port, "/"))[0] == 404
        assert (await ask(port, "/ready", "POST"))[0] == 405
        # A silent or oversized request affects only its own connection.
        silent = socket.create_connection(("127.0.0.1", port))
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"x" * 100_000)
        assert (await ask(port, "/live"))[0] == 200
        silent.close()
        writer.close()
        await client.disconnect()

    async def test_idle_connections_exhaust_nothing(
        self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each excess connection aborts the oldest, so a probe is answered whatever else is open."""
        monkeypatch.setattr(operations, "_TIMEOUT", 600.0)
        port = free_port()
        client = MezonClient(**quiet_options(gateway), health=f"127.0.0.1:{port}")
        await client.login()
        idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        try:
            for _ in range(200):
                idle.append(await asyncio.open_connection("127.0.0.1", port))
                idle[-1][1].write(b"GET /live HTTP/1.1\r\n")
            assert (await ask(port, "/live"))[0] == 200

            def open_now() -> int:
                return sum(not (reader.at_eof() or reader.exception()) for reader, _ in idle)

            await until(lambda: open_now() <= operations.MAX_CONNECTIONS, "the end of all but a few")
            await client.disconnect()
            await until(lambda: open_now() == 0, "the end of the last ones")
        finally:
            for _, writer in idle:
                writer.transport.abort()
            await client.disconnect()

    async def test_a_client_that_is_dropped_leaves_the_port_to_the_next(self, gateway: LocalGateway) -> None:
        """Some bots create a new client after each loss and drop the old one without ``disconnect()``."""
        port = free_port()
        for _ in range(2):
            client = MezonClient(**quiet_options(gateway), health=f"127.0.0.1:{port}")
            await client.login(enable_auto_reconnect=False)
            assert await ask(port, "/ready") == (200, {"ready": True})
            await gateway.drop()
            with pytest.raises(ConnectionLostError):
                await client.wait_closed()
            assert await ask(port, "/live") == (0, None)
        await client.login()
        assert await ask(port, "/ready") == (200, {"ready": True})
        await client.disconnect()

    async def test_a_port_that_is_taken_is_an_error_of_the_login(self, gateway: LocalGateway) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            client = MezonClient(**quiet_options(gateway), health=f"127.0.0.1:{port}")
            with pytest.raises(MezonError, match=f"cannot listen on 127.0.0.1:{port}"):
                await client.login()
        await client.login()
        await client.disconnect()

    @pytest.mark.parametrize(
        "wrong", ["8080", "localhost", "localhost:", ":80", "localhost:99999", "localhost:http"]
    )
    def test_invalid_addresses_are_rejected(self, gateway: LocalGateway, wrong: str) -> None:
        with pytest.raises(InvalidArgumentError, match="host and port"):
            MezonClient(**quiet_options(gateway), health=wrong)

    async def test_the_environment_may_name_it(
        self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = free_port()
        monkeypatch.setenv("MEZON_HEALTH", f"127.0.0.1:{port}")
        client = MezonClient(**quiet_options(gateway))
        await client.login()
        assert (await ask(port, "/ready"))[0] == 200
        await client.disconnect()


class TestSystemd:
    async def test_it_is_notified_of_ready_watchdog_and_stopping(
        self, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(tmp_path / "notify"))
            systemd.setblocking(False)
            monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
            monkeypatch.setenv("WATCHDOG_USEC", "100000")
            client = MezonClient(**quiet_options(gateway))
            await client.login()
            told: list[bytes] = []

            def more() -> bool:
                try:
                    while True:
                        told.append(systemd.recv(100))
                except BlockingIOError:
                    return told.count(b"WATCHDOG=1") >= 3

            await until(more, "signs of life")
            assert told[0] == b"READY=1"
            await client.disconnect()
            more()
            assert b"STOPPING=1" in told
            count = told.count(b"WATCHDOG=1")
            await asyncio.sleep(0.2)
            more()
            assert told.count(b"WATCHDOG=1") == count


class TestJsonLogs:
    def test_a_line_is_an_object_with_the_fields_of_its_record(self) -> None:
        record = logging.LogRecord(
            "mezon.events", logging.ERROR, "x.py", 1, "The handler %s raised", ("f",), None
        )
        record.__dict__["event"] = "channel_message"
        line = json.loads(JsonFormatter().format(record))
        assert line.pop("time").endswith("+00:00")
        assert line == {
            "level": "ERROR",
            "logger": "mezon.events",
            "message": "The handler f raised",
            "event": "channel_message",
        }

    def test_the_environment_chooses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MEZON_LOG_FORMAT", "json")
        logger = setup_logger("mezon.test-json-logs")
        assert isinstance(logger.handlers[0].formatter, JsonFormatter)
        logger.handlers.clear()

    async def test_the_error_of_a_handler_names_the_handler(
        self, gateway: LocalGateway, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = MezonClient(**quiet_options(gateway))

        @client.on_channel_message
        async def fails(message: object) -> None:
            raise RuntimeError("on purpose")

        await client.login()
        await gateway.say("general", "alice", "hi")
        await until(lambda: client.stats().handler_errors, "the error")
        await client.disconnect()
        (record,) = [one for one in caplog.records if "failed" in one.getMessage()]
        line = json.loads(JsonFormatter().format(record))
        assert (line["event"], line["handler"].split(".")[-1]) == ("channel_message", "fails")
        assert "on purpose" in line["error"]
