"""A local Mezon server for tests and development, without an account or a network.

``LocalGateway`` implements the real protocol on a loopback port: login, the RPCs, the WebSocket and the abridged
TCP stream, token transfers, agent events. Connect a bot, talk to it as a user, and check what it sent::

    from mezon import MezonClient
    from mezon.testing import LocalGateway

    async def test_the_bot_greets_back(gateway: LocalGateway) -> None:  # the fixture of the pytest plugin
        client = MezonClient(**gateway.client_options())

        @client.on_channel_message
        async def greet(message):
            if message.sender_id != client.client_id:
                channel = await client.channels.fetch(message.channel_id)
                await channel.send("hello " + message.username)

        await client.login()
        answer = await gateway.command("alice", "hi")
        assert answer.text == "hello alice"
        await client.disconnect()

The world initially contains one clan (``Playground``), two channels (``general``, ``random``) and three users
(``alice``, ``bob``, ``chi``). Extend it with ``gateway.world.add_clan(...)``, ``add_channel`` and ``add_user``.
Inject faults with ``drop``, ``close``, ``stall``, ``silence``, ``delay``, ``answer_with_error``, ``http_status``,
``expire_tokens`` and ``restart``.

``GatewayThread`` runs the gateway in a thread with its own event loop, ``GatewayProcess`` in its own process (for
benchmarks, which must not count the server's CPU time), and ``python -m mezon.testing`` from a shell.

Requires ``pip install "mezon-rs[testing]"``. The gateway listens on loopback only and contains no real secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezon.testing.blast import Blast, BlastResult
    from mezon.testing.bots import running_bot
    from mezon.testing.gateway import LocalGateway
    from mezon.testing.limits import Limits
    from mezon.testing.process import GatewayProcess
    from mezon.testing.records import Connections, Handshake, Request, Sent, Upload
    from mezon.testing.thread import GatewayThread
    from mezon.testing.tokens import Transaction
    from mezon.testing.webhooks import WebhookPost
    from mezon.testing.wire import WireForm
    from mezon.testing.world import Channel, Clan, Role, User, World

__all__ = [
    "Blast",
    "BlastResult",
    "Channel",
    "Clan",
    "Connections",
    "GatewayProcess",
    "GatewayThread",
    "Handshake",
    "Limits",
    "LocalGateway",
    "Request",
    "Role",
    "Sent",
    "Transaction",
    "Upload",
    "User",
    "WebhookPost",
    "WireForm",
    "World",
    "running_bot",
]

# Loaded on first use, because every pytest run imports this package with the plugin: aiohttp and the protobuf modules
# would slow it down.
_HOMES = {
    "Blast": "blast",
    "BlastResult": "blast",
    "Channel": "world",
    "Clan": "world",
    "Connections": "records",
    "GatewayProcess": "process",
    "GatewayThread": "thread",
    "Handshake": "records",
    "Limits": "limits",
    "LocalGateway": "gateway",
    "Request": "records",
    "Role": "world",
    "Sent": "records",
    "Transaction": "tokens",
    "Upload": "records",
    "User": "world",
    "WebhookPost": "webhooks",
    "WireForm": "wire",
    "World": "world",
    "running_bot": "bots",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
