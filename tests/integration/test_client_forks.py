"""A forked child that uses its parent's client gets an error, and the parent keeps receiving."""

from __future__ import annotations

import pytest
from bot_process import HEAD, bot
from mezon.testing import LocalGateway

#: In the parent: log in, fork, let the child act, then receive a message.
PARENT = HEAD + (
    "import gc\n"
    "from mezon.errors import ForkError\n"
    "async def main():\n"
    "    global client\n"
    "    heard = asyncio.Queue()\n"
    "    client.on_channel_message(heard.put)\n"
    "    await client.login()\n"
    "    channel = await client.channels.fetch(int(os.environ['CHANNEL']))\n"
    "    print('in', flush=True)\n"
    "    assert (await heard.get()).content['t'] == 'before'\n"
    "    child = os.fork()\n"
    "    if child == 0:\n"
    "        try:\n"
    "            {in_child}\n"
    "            print('nothing was said', flush=True)\n"
    "        except ForkError as error:\n"
    "            print(f'ForkError: {{error}}', flush=True)\n"
    "        del channel\n"
    "        client = None\n"
    "        gc.collect()\n"
    "        os._exit(0)\n"
    "    os.waitpid(child, 0)\n"
    "    print('waited', flush=True)\n"
    "    assert (await heard.get()).content['t'] == 'after'\n"
    "    await channel.send('the parent goes on')\n"
    "    await client.disconnect()\n"
    "asyncio.run(main())\n"
)


@pytest.mark.parametrize(
    "in_child",
    [
        "await client.login()",
        "await client.disconnect()",
        "await client.close_socket()",
        "await channel.send('child')",
        "client.socket_manager.socket.connection.reconnect()",
        "await client.socket_manager.socket.update_status('x')",
        "await client.socket_manager.socket.list_channel_by_user_id()",
        "await client.wait_closed()",
        "client.run()",
    ],
)
async def test_the_child_gets_an_error_and_the_parent_keeps_receiving(
    gateway: LocalGateway, in_child: str
) -> None:
    channel = gateway.world.channel("general").id
    async with bot(PARENT.format(in_child=in_child), gateway, CHANNEL=str(channel)) as child:
        assert await child.line() == "in"
        await gateway.say("general", "alice", "before")
        said = await child.line()
        assert said.startswith("ForkError: ")
        assert "create and log in the client in the child process" in said
        assert await child.line() == "waited"
        await gateway.say("general", "alice", "after")
        assert await child.end() == (0, "", "")
    assert gateway.world.messages("general")[-1].content == '{"t":"the parent goes on"}'
    assert gateway.connections.total == 1


async def test_a_child_with_a_loop_of_its_own(gateway: LocalGateway) -> None:
    """As in ``multiprocessing`` with fork: the child has another event loop."""
    source = HEAD + (
        "import threading\n"
        "from mezon.errors import ForkError\n"
        "loop = asyncio.new_event_loop()\n"
        "heard = []\n"
        "client.on_channel_message(lambda message: heard.append(message.content['t']))\n"
        "loop.run_until_complete(client.login())\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    for call in (client.login, client.disconnect, client.close_socket):\n"
        "        try:\n"
        "            asyncio.run(call())\n"
        "        except ForkError as error:\n"
        "            print('ForkError', flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print('waited', flush=True)\n"
        "async def main():\n"
        "    while heard != ['after']:\n"
        "        await asyncio.sleep(0.01)\n"
        "    await client.disconnect()\n"
        "loop.run_until_complete(main())\n"
        "loop.close()\n"
    )
    async with bot(source, gateway) as child:
        assert [await child.line() for _ in range(4)] == ["ForkError"] * 3 + ["waited"]
        await gateway.say("general", "alice", "after")
        assert await child.end() == (0, "", "")
