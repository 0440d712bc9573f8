"""The flight recorder of a client, and the replay of its trace."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bot_process import bot as bot_process
from client_types import Connect
from mezon import MezonClient, RecordOptions
from mezon.errors import InvalidArgumentError
from mezon.testing import LocalGateway, running_bot
from mezon.testing.replay import Replayed
from mezon.traces import Trace, TraceError, read_trace
from waiting import until

Replay = Callable[..., Awaitable[Replayed]]

BOT = """
import os
from mezon import MezonClient

client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])
handled = []

@client.on_channel_message(ignore_self=True)
async def answer(message):
    text = message.content["t"]
    handled.append(("message", message.message_id, text))
    if text == "fail":
        raise ValueError("about " + text)
    await message.reply("heard " + text)

@client.on_message_reaction
async def reaction(event):
    handled.append(("reaction", event.message_id, event.emoji))

@client.on_message_button_clicked
async def clicked(event):
    handled.append(("click", event.message_id, event.button_id))
"""


@pytest.fixture
def bot_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "recorded_bot.py"
    path.write_text(BOT)
    return path


def handled() -> list[tuple[Any, ...]]:
    import sys

    found: list[tuple[Any, ...]] = sys.modules["recorded_bot"].handled  # type: ignore[attr-defined]
    return list(found)


async def converse(gateway: LocalGateway) -> None:
    """Messages of two users, a reaction and an error."""
    first = await gateway.say("general", "alice", "hello @bob", mentions=["bob"])
    await gateway.next_sent("message")
    await gateway.react(first, "bob", ":tada:")
    await gateway.say_dm("chi", "số 12, đường Lê Lợi 💥")
    sent = await gateway.next_sent("message")
    assert sent.text == "heard số 12, đường Lê Lợi 💥"


async def test_a_trace_is_written_on_an_error_and_replays_in_order(
    gateway: LocalGateway, bot_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay: Replay
) -> None:
    trace = tmp_path / "trace.mzt"
    monkeypatch.setenv("MEZON_RECORD", str(trace))
    monkeypatch.setenv("MEZON_RECORD_TEXTS", "1")
    async with running_bot(str(bot_file), gateway):
        await converse(gateway)
        assert not trace.exists(), "nothing is written without a reason"
        await gateway.say("random", "alice", "fail")
        await until(trace.exists)
        await until(lambda: len(handled()) == 4)
    before = handled()
    assert [kind for kind, *_ in before] == ["message", "reaction", "message", "message"]
    found = read_trace(trace)
    assert found.header["reason"] == "ValueError in channel_message"
    assert found.bot_id == gateway.bot_id
    kinds = {record.kind for record in found.records}
    assert kinds == {"http", "opened", "received", "sent"}
    assert any(record.event == "channel_message_send" for record in found.records if record.kind == "sent")

    monkeypatch.delenv("MEZON_RECORD")
    replayed = await replay(trace, str(bot_file))
    assert handled() == before
    assert replayed.texts == ["heard hello @bob", "heard số 12, đường Lê Lợi 💥"]
    assert [(type(error).__name__, name) for error, name in replayed.errors] == [
        ("ValueError", "channel_message")
    ]


async def test_a_trace_holds_no_secret_and_no_text(
    gateway: LocalGateway, bot_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay: Replay
) -> None:
    trace = tmp_path / "trace.mzt"
    monkeypatch.setenv("MEZON_RECORD", str(trace))
    async with running_bot(str(bot_file), gateway) as client:
        session = client.session_manager.get_session()
        secrets = [gateway.api_key, session.token, session.refresh_token or session.token]
        await converse(gateway)
        # The reconnect has a session of its own.
        await gateway.drop()
        await gateway.wait_joined()
        await until(lambda: client.stats().reconnects == 1)
        session = client.session_manager.get_session()
        secrets += [session.token, session.refresh_token or session.token]
        await gateway.say("random", "alice", "fail")
        await until(trace.exists)
        await until(lambda: len(handled()) == 4)
    before = handled()
    data = trace.read_bytes()
    for secret in secrets:
        assert secret.encode() not in data
        assert secret[-20:].encode() not in data
    for text in ("hello", "Lê Lợi", "số 12", "heard", "fail", "Playground", "general", "Alice", "💥"):
        assert text.encode() not in data, text

    monkeypatch.delenv("MEZON_RECORD")
    replayed = await replay(trace, str(bot_file))
    assert [(kind, number) for kind, number, *_ in handled()] == [
        (kind, number) for kind, number, *_ in before
    ]
    assert [text for kind, _, text in handled() if kind == "message"] == [
        "xxxxx @xxx", "xx 00, xxxxx xx xxx 🟦", "xxxx",
    ]  # fmt: skip
    assert replayed.errors == []


@pytest.mark.skipif(not hasattr(signal, "SIGUSR2"), reason="Windows has no SIGUSR2")
async def test_a_signal_writes_a_trace_while_the_loop_is_blocked(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.mzt"
    source = """
import asyncio, os, time
from mezon import MezonClient

async def main():
    client = MezonClient(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"], message_db=False,
                         blocked_loop_warning=0)
    await client.login()
    print("ready", flush=True)
    time.sleep(60)

asyncio.run(main())
"""
    async with bot_process(source, gateway, MEZON_RECORD=str(trace)) as child:
        assert await child.line() == "ready"
        child.process.send_signal(signal.SIGUSR2)
        await until(trace.exists)
    assert read_trace(trace).header["reason"] == "SIGUSR2"


async def test_the_signal_is_released_with_the_client(
    gateway: LocalGateway, connect: Connect, tmp_path: Path
) -> None:
    if not hasattr(signal, "SIGUSR2"):
        pytest.skip("Windows has no SIGUSR2")
    before = signal.getsignal(signal.SIGUSR2)
    one = await connect(record=str(tmp_path / "one.mzt"))
    two = await connect(record=RecordOptions(path=str(tmp_path / "two.mzt")))
    os.kill(os.getpid(), signal.SIGUSR2)
    await until(lambda: (tmp_path / "one.mzt").exists() and (tmp_path / "two.mzt").exists())
    await one.disconnect()
    assert signal.getsignal(signal.SIGUSR2) != before
    await two.disconnect()
    assert signal.getsignal(signal.SIGUSR2) == before


async def test_a_login_that_fails_leaves_a_trace(gateway: LocalGateway, tmp_path: Path) -> None:
    trace = tmp_path / "trace.mzt"
    options = {**gateway.client_options(), "api_key": "a-wrong-key-0123456789", "record": trace}
    client = MezonClient(**options)
    with pytest.raises(Exception, match="Check client_id and api_key"):
        await client.login()
    await until(trace.exists)
    found = read_trace(trace)
    assert found.header["reason"].endswith("in the connection")
    (exchange,) = [record for record in found.records if record.kind == "http"]
    assert (exchange.fields["name"], exchange.fields["status"]) == ("authenticate", 401)
    assert b"a-wrong-key" not in trace.read_bytes()


async def test_the_ring_keeps_the_latest(gateway: LocalGateway, connect: Connect, tmp_path: Path) -> None:
    heard = 0

    def hear(message: Any) -> None:
        nonlocal heard
        heard += 1

    trace = tmp_path / "trace.mzt"
    client = await connect(hear, record=RecordOptions(path=str(trace), max_bytes=12_000, texts=True))
    for number in range(200):
        await gateway.say("general", "alice", f"message {number}")
    await until(lambda: heard == 200)
    recorder = client._ports.recorder
    assert recorder is not None
    await asyncio.to_thread(recorder.write, "a test")
    found: Trace = read_trace(trace)
    assert 10 < len(found.records) < 200
    assert found.header["dropped"] > 100
    assert "message 199" in str(found.records[-1].fields) or "message 199" in str(found.records[-2].fields)


async def test_without_a_recorder_there_is_none(connect: Connect) -> None:
    client = await connect()
    assert client._ports.recorder is None
    assert type(client._ports.http()._inner).__name__ == "AiohttpTransport"
    assert threading.active_count() >= 1


def test_wrong_options_are_named() -> None:
    with pytest.raises(InvalidArgumentError, match=r"record must be the path of a trace"):
        MezonClient(1, "key", record=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r"RecordOptions.seconds"):
        RecordOptions(path="x", seconds=0)
    with pytest.raises(InvalidArgumentError, match=r"RecordOptions.path"):
        RecordOptions(path="")


async def test_replay_of_a_file_that_is_no_trace(replay: Replay, bot_file: Path) -> None:
    with pytest.raises(TraceError, match="is not a trace"):
        await replay(bot_file, str(bot_file))
