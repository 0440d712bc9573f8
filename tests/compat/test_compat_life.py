"""Login, disconnect, the end of the process, and what the log says (docs/contract.md, "Login and shutdown")."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from patience import patient
from peer import CONNECTION, REFERENCE, Gateway, Inbox
from waiting import until


@pytest.mark.parametrize("way", ["disconnect", "close_socket"])
async def test_before_login(make_client: Callable[..., Any], way: str) -> None:
    """disconnect() and close_socket() are safe before the login, and twice."""
    client = make_client()
    await getattr(client, way)()
    await getattr(client, way)()
    await client.login()
    assert await client.socket_manager.is_connected()


@pytest.mark.parametrize("way", ["disconnect", "close_socket"])
async def test_after_login(gateway: Gateway, client: Any, way: str) -> None:
    """disconnect() and close_socket() are safe after the login, and twice; the gateway sees the end."""
    await getattr(client, way)()
    await getattr(client, way)()
    await gateway.call("wait_disconnected")


@pytest.mark.parametrize("way", ["disconnect", "close_socket"])
@pytest.mark.parametrize("step", ["/v2/apps/authenticate/token", "ListClanDescs", "/zk-api/prove"])
async def test_during_login(gateway: Gateway, make_client: Callable[..., Any], way: str, step: str) -> None:
    """disconnect() and close_socket() are safe during the login: nothing hangs, no connection stays."""
    client = make_client()
    await gateway.call("http_delay", step, 0.3)
    login = asyncio.ensure_future(client.login())
    await gateway.wait_requests(step)
    await asyncio.wait_for(getattr(client, way)(), patient(5))
    await asyncio.wait([login], timeout=patient(5))
    assert login.done()
    if not login.cancelled():
        login.exception()
    await gateway.call("clear_faults")
    await client.disconnect()
    await gateway.call("wait_disconnected")
    await client.login()
    assert await client.socket_manager.is_connected()


async def test_login_again(gateway: Gateway, client: Any) -> None:
    """After disconnect() a new login is possible, and the handlers are still there."""
    inbox = Inbox()
    client.on_channel_message(inbox)
    await client.disconnect()
    await client.login()
    await gateway.say("general", "alice", "hi")
    assert (await inbox.next()).content == {"t": "hi"}


async def test_login_twice(gateway: Gateway, client: Any) -> None:
    """A second login on a connected client does nothing."""
    await client.login()
    assert (await gateway.call("connections"))["total"] == 1


async def test_login_at_the_same_time(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """Two logins at the same time are one."""
    client = make_client()
    await asyncio.gather(client.login(), client.login())
    assert (await gateway.call("connections"))["total"] == 1


async def test_cancelled_login(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """A login that is cancelled leaves nothing behind."""
    client = make_client()
    await gateway.call("http_delay", "ListClanDescs", 30)
    login = asyncio.ensure_future(client.login())
    await gateway.wait_requests("ListClanDescs")
    login.cancel()
    with pytest.raises(asyncio.CancelledError):
        await login
    await gateway.call("wait_disconnected")


async def test_login_joins_everything(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """login() joins every clan of the list and the clan 0, and lists the DMs."""
    await gateway.call("world.add_clan", "Second")
    client = make_client()
    await client.login()
    await gateway.call("wait_joined")
    joined = sorted(sent.message.clan_id for sent in gateway.sent if sent.kind == "clan_join")
    assert joined == sorted([0, *(clan.id for clan in client.clans.values() if clan.id)])
    assert len(joined) == 3
    (request,) = await gateway.requests("ListChannelDescs")
    assert request["message"].channel_type == 3


async def test_login_credentials(gateway: Gateway, client: Any) -> None:
    """The login sends what docs/protocol.md, "Login", says, with a well-formed Basic header."""
    import base64

    (request,) = await gateway.requests("/v2/apps/authenticate/token")
    assert request["method"] == "POST"
    account = request["message"]["account"]
    assert account == {"appid": str(client.client_id), "token": client.api_key}
    headers = {key.lower(): value for key, value in request["headers"].items()}
    kind, _, value = headers["authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(value, validate=True).decode() == f"{client.client_id}:{client.api_key}"


async def test_without_reconnect(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """login(enable_auto_reconnect=False): a lost connection stays lost."""
    client = make_client()
    await client.login(enable_auto_reconnect=False)
    await gateway.call("drop")

    async def lost() -> bool:
        return not await client.socket_manager.is_connected()

    await until(lost)
    await asyncio.sleep(0.2)
    assert (await gateway.call("connections"))["total"] == 1


SCRIPT = """
import asyncio, os, sys
from mezon import MezonClient

options = {options!r}

async def main():
    client = MezonClient(**options)
    client.on_channel_message(lambda message: None)
    await client.login()
    {more}
    print("done", flush=True)

asyncio.run(main())
"""


async def run_script(client: Any, gateway: Gateway, tmp_path: Any, more: str) -> tuple[int, str, str]:
    options = {key: gateway.info[key] for key in CONNECTION if key in gateway.info}
    if not REFERENCE:
        options |= {"http_rate_limit": 0, "blocked_loop_warning": 0}
    path = tmp_path / "bot.py"
    path.write_text(SCRIPT.format(options=options, more=textwrap.indent(more, "    ").strip()))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "always::ResourceWarning",
        str(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), patient(15))
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_process_exits(gateway: Gateway, make_client: Any, tmp_path: Any) -> None:
    """The process exits by itself at the end of asyncio.run, without disconnect()."""
    code, out, err = await run_script(None, gateway, tmp_path, "")
    assert (code, out) == (0, "done\n"), err


async def test_the_process_exits_quietly(gateway: Gateway, make_client: Any, tmp_path: Any) -> None:
    """A process whose client was disconnected ends without a word on stderr, unclosed resources included."""
    code, out, err = await run_script(None, gateway, tmp_path, "await client.disconnect()")
    assert (code, out, err) == (0, "done\n", "")


async def test_no_message_is_lost_from_the_store(gateway: Gateway, make_client: Any, tmp_path: Any) -> None:
    """No accepted message is lost from the store when the process ends without disconnect()."""
    import sqlite3

    channel = await gateway.channel_id("general")
    more = textwrap.dedent(
        f"""
        channel = await client.channels.fetch({channel})
        for number in range(20):
            ack = await channel.send({{"t": str(number)}})
        for _ in range(200):
            if client.channels.get(channel.id).messages.get(ack.message_id): break
            await asyncio.sleep(0.01)
        """
    )
    code, out, err = await run_script(None, gateway, tmp_path, more)
    assert (code, out) == (0, "done\n"), err
    path = tmp_path / "mezon-cache" / "mezon-messages-cache.db"
    with sqlite3.connect(path) as database:
        (count,) = database.execute("select count(*) from messages").fetchone()
    database.close()
    assert count == 20


async def test_the_store_is_made_at_the_first_message(
    gateway: Gateway, make_client: Callable[..., Any], tmp_path: Any
) -> None:
    """The store's file is made at the first write and not in the constructor."""
    path = tmp_path / "mezon-cache" / "mezon-messages-cache.db"
    client, inbox = make_client(), Inbox()
    client.on_channel_message(inbox)
    assert not path.exists()
    await client.login()
    assert not path.exists()
    await gateway.say("general", "alice", "hi")
    message = await inbox.next()
    assert await client.message_db.get_message_by_id(message.message_id, message.channel_id)
    await until(path.exists)


async def test_nothing_secret_in_the_log(
    gateway: Gateway, make_client: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens, keys and the query of the socket's URL never appear in the log, at any level, faults included."""
    from mezon.models import ApiSentTokenRequest

    with caplog.at_level(logging.DEBUG):
        client = make_client()
        inbox = Inbox()
        client.on_channel_message(inbox)
        await client.login()
        session = client.session_manager.get_session()
        secrets = [session.token, session.refresh_token, session.id_token, client.api_key]
        channel = await client.channels.fetch(await gateway.channel_id("general"))
        await channel.send({"t": "hi"})
        message = await inbox.next()
        await (await channel.messages.fetch(message.message_id)).reply({"t": "hello"})
        alice = await gateway.user_id("alice")
        await client.send_token(ApiSentTokenRequest(receiver_id=alice, amount=1, note="n"))
        pair = client.ephemeral_key_pair
        secrets += [str(pair.private_key), str(pair)]
        await client.connect_ai_agent_sse()
        await until(lambda: gateway.call("agent_events.live"))
        await client.disconnect_ai_agent_sse()
        await gateway.call("http_status", "ListChannelDetail", 500, times=None)
        with pytest.raises(Exception, match="500"):
            await client.channels.fetch(12345)
        await gateway.call("clear_faults")
        await gateway.call("expire_tokens")
        await client.channels.fetch(await gateway.channel_id("random"))
        secrets.append(client.session_manager.get_session().token)
        await gateway.call("http_drop", "/ws", times=2)
        await gateway.call("drop")
        await gateway.call("wait_joined", timeout=15)
        secrets.append(client.session_manager.get_session().token)
        await client.disconnect()
        with pytest.raises(Exception, match="401"):
            await make_client(api_key="another-secret-key").login()
        secrets.append("another-secret-key")
    text = "\n".join(
        logging.Formatter("%(name)s %(message)s").format(record) + repr(record.args)
        for record in caplog.records
        if record.name.startswith("mezon")
    )
    assert text
    for secret in secrets:
        assert secret
        assert secret not in text
        assert quote(secret, safe="") not in text
    assert "token=" not in text
    assert "appid=" not in text


async def test_loggers(gateway: Gateway, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """What is logged is logged under `mezon.*`."""

    def fails(message: Any) -> None:
        raise RuntimeError("oops")

    client.on_channel_message(fails)
    with caplog.at_level(logging.ERROR):
        await gateway.say("general", "alice", "hi")
        (record, *_) = await until(lambda: [r for r in caplog.records if r.exc_info])
    assert record.name.startswith("mezon.")
