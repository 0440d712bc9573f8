"""The classes of google.protobuf cost megabytes and a stop of the loop: a bot that uses none of them imports none."""

from __future__ import annotations

import sys

import pytest
from bot_process import HEAD, bot
from mezon.testing import LocalGateway

BOT = (
    HEAD
    + """
def loaded():
    return [name for name in sys.modules if name.partition(".")[0] == "google" or name.endswith("_pb2")]

async def main():
    heard = asyncio.Event()
    client.on_channel_message(lambda message: heard.set())
    LISTEN
    await client.login()
    print(bool(loaded()), flush=True)
    await heard.wait()
    await (await client.channels.fetch(int(os.environ["CHANNEL"]))).send({"t": "hello"})
    await client.disconnect()
    print(bool(loaded()), flush=True)

asyncio.run(main())
"""
)


@pytest.mark.parametrize("listens", [False, True])
async def test_a_login_imports_protobuf_only_for_events_without_a_model(
    gateway: LocalGateway, listens: bool
) -> None:
    listen = 'client.on("message_button_clicked", print)' if listens else ""
    channel = gateway.world.channel("general")
    source = BOT.replace("LISTEN", listen)
    async with bot(source, gateway, python=sys.executable, CHANNEL=str(channel.id)) as child:
        assert await child.line() == str(listens), "after the login"
        await gateway.say("general", "alice", "hi")
        assert (await gateway.next_sent()).content == {"t": "hello"}
        assert await child.end() == (0, f"{listens}\n", "")
