"""The example beside somebody's FastStream application."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from mezon.testing import LocalGateway
from nats_servers import NatsServer, needs_nats

EXAMPLE = Path(__file__).parents[2] / "examples" / "machines" / "faststream_bot.py"


@needs_nats
async def test_the_bot_asks_the_application(
    gateway: LocalGateway, nats: NatsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faststream = pytest.importorskip("faststream.nats", reason="FastStream is not installed")
    application = faststream.NatsBroker(nats.url)

    @application.subscriber("orders.new")
    async def new_order(order: dict[str, str]) -> str:
        return f"{order['dish']} for {order['user']}"

    monkeypatch.chdir(tmp_path)
    for name, value in {**gateway.environment(), "NATS_URL": nats.url}.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("faststream_bot", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    await application.start()
    try:
        await module.client.login()
        await gateway.say("general", "alice", "!order phở")
        assert (await gateway.next_sent("channel_message_send", timeout=20)).text == "phở for alice"
        await module.client.disconnect()
        await module.broker.stop()
    finally:
        await application.stop()
