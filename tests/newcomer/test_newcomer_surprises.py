"""Common mistakes raise a clear error where they are made, and a bot logs what it does."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import threading
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import mezon
import pytest
from mezon import (
    ChannelMessage,
    ChannelMessageContent,
    GatewayOptions,
    InvalidArgumentError,
    MezonClient,
    MezonConnectionError,
)
from mezon.testing import GatewayProcess, LocalGateway
from patience import patient
from preloaded import PRELOADED


def bot_run(
    folder: Path, env: dict[str, str], source: str = "", options: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a bot's file until it ends."""
    text = (
        "import os, threading\nfrom mezon import MezonClient\n"
        f"client = MezonClient(os.environ['MEZON_BOT_ID'], os.environ['MEZON_API_KEY'], {options})\n"
        f"{source}\nclient.run()\n"
    )
    (folder / "bot.py").write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MEZON_", "PYTEST_"))}
    root = os.path.dirname(os.path.dirname(mezon.__file__))
    return subprocess.run(
        [PRELOADED, "bot.py"],
        cwd=folder,
        env={**clean, "PYTHONPATH": root, **env},
        capture_output=True,
        text=True,
        timeout=patient(50),
    )


def frames(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("  File")]


STOP_WHEN_READY = """
@client.on_ready
async def ready(_):
    threading.Thread(target=client.stop).start()
"""


@pytest.fixture
async def process() -> AsyncIterator[GatewayProcess]:
    async with GatewayProcess() as process:
        yield process


def environment(process: GatewayProcess, **more: str) -> dict[str, str]:
    return {**process.info["environment"], **more}


# ---- the log of run()


async def test_run_shows_what_happens_and_stop_ends_it_from_a_thread(
    process: GatewayProcess, tmp_path: Path
) -> None:
    done = await asyncio.to_thread(bot_run, tmp_path, environment(process), STOP_WHEN_READY)
    assert done.returncode == 0, done.stderr
    assert f"[INFO] Bot {process.info['bot_id']} is logged in at {process.url}: 1 clan" in done.stderr
    assert process.info["api_key"] not in done.stderr


async def test_configured_logging_is_left_alone_and_prints_once(
    process: GatewayProcess, tmp_path: Path
) -> None:
    for options, source in (
        ("enable_logging=True", "import logging; logging.basicConfig(level=logging.INFO)"),
        ("", "import logging; logging.basicConfig(level=logging.INFO)"),
        ("enable_logging=True", ""),
    ):
        done = await asyncio.to_thread(
            bot_run, tmp_path, environment(process), source + STOP_WHEN_READY, options
        )
        assert done.stderr.count("is logged in") == 1, done.stderr
    quiet = "import logging; logging.basicConfig(level=logging.ERROR)"
    done = await asyncio.to_thread(bot_run, tmp_path, environment(process), quiet + STOP_WHEN_READY)
    assert done.stderr == ""


async def test_wrong_key_shows_only_the_error(process: GatewayProcess, tmp_path: Path) -> None:
    done = await asyncio.to_thread(bot_run, tmp_path, environment(process, MEZON_API_KEY="wrong"))
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert frames(done.stderr) == [f'  File "{tmp_path}/bot.py", line 5, in <module>'], "the bot's own line"
    assert lines[-1].startswith("mezon.errors.ApiAuthenticationError: ")
    assert "Check client_id and api_key" in lines[-1]
    assert "_http" not in done.stderr


async def test_no_network_shows_only_the_error(process: GatewayProcess, tmp_path: Path) -> None:
    done = await asyncio.to_thread(bot_run, tmp_path, environment(process, MEZON_PORT="1"))
    lines = done.stderr.splitlines()
    assert len(frames(done.stderr)) == 1
    assert lines[-1].startswith("mezon.errors.ApiConnectionError: authenticate: cannot connect to 127.0.0.1")


async def test_loss_attempts_and_reconnect_have_one_log_level(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    options = gateway.client_options() | {"gateway": GatewayOptions(backoff_base=0.05)}
    client = MezonClient(**options)
    await client.login()
    back = asyncio.Event()
    client.on_reconnected(lambda gap: back.set())
    await gateway.stop()
    async with asyncio.timeout(patient(20)):
        while "Reconnect attempt 2 " not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await gateway.start()
    async with asyncio.timeout(patient(20)):
        await back.wait()
    await client.disconnect()
    told = [
        record
        for record in caplog.records
        if record.name == "mezon.client" and record.levelno == logging.WARNING
    ]
    texts = [record.getMessage() for record in told]
    assert re.fullmatch(r"The connection was lost \(.+\); reconnecting at once", texts[0])
    assert "Reconnect attempt 1 failed: " in texts[1]
    assert texts[1].endswith("The next one follows within 0.05 s")
    assert texts[2].endswith("The next one follows within 0.1 s")
    assert texts[-1].startswith("The connection is back; no events arrived for ")


async def test_the_login_names_the_bot_when_its_token_does(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mezon")
    gateway.sessions.claims["usn"] = "echo"
    client = MezonClient(**gateway.client_options())
    await client.login()
    await client.disconnect()
    assert f"Bot echo ({gateway.bot_id}) is logged in at {gateway.url}: 1 clan" in caplog.text


async def test_run_inside_a_loop_names_login(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    with pytest.raises(RuntimeError, match=r"as in a notebook .* await client\.login\(\)"):
        client.run()


async def test_stop_disconnects_a_client_that_was_logged_in_by_hand(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    client.stop()  # nothing to stop yet
    await client.login()
    threading.Thread(target=client.stop).start()
    async with asyncio.timeout(patient(10)):
        await client.wait_closed()
    assert client.state == "closed"
    client.stop()


# ---- the constructor


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"api_key": None}, "api_key must be the bot's key, a str; here it is a NoneType"),
        ({"api_key": ""}, "here it is empty"),
        ({"host": "https://gw.mezon.ai"}, "host must be a name without scheme and path"),
        ({"host": ""}, "host must be the name of a server"),
        ({"host": "gw.mezon.ai:443"}, "host must be a name without a port"),
        ({"content_as_json": "false"}, "content_as_json must be True or False, not 'false'"),
        ({"client_id": 0}, "client_id must be the bot's id"),
        ({"use_ssl": "false"}, "every nonempty str would count as True"),
        ({"timeout": "7"}, "timeout must be a number of milliseconds"),
        ({"message_db": True}, "message_db must be a MessageDB"),
        ({"message_db": ""}, "message_db is an empty path"),
        ({"gateway": {"ca_file": "x"}}, "gateway must be GatewayOptions"),
        ({"client_id": "bot"}, "client_id must be the bot's id"),
    ],
)
def test_invalid_arguments_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgumentError, match=sentence):
        MezonClient(**{"client_id": 1, "api_key": "k", **options})


def test_a_key_is_in_no_message() -> None:
    with pytest.raises(InvalidArgumentError) as error:
        MezonClient(1, b"secret-key")  # type: ignore[arg-type]
    assert "secret-key" not in str(error.value)


def test_valid_arguments_are_accepted() -> None:
    MezonClient("1", "k", "localhost", 8080, False, 7000.0, message_db=Path("x.db"))  # type: ignore[arg-type]
    MezonClient(1, "k", message_db=False)
    MezonClient(1, "k", "[::1]", message_db=False)


async def test_tls_at_a_plain_port_and_the_other_way_round(gateway_factory: Any) -> None:
    plain, tls = await gateway_factory(), await gateway_factory(tls=True)
    with pytest.raises(MezonConnectionError, match=r"does not speak TLS.*use_ssl=False"):
        await MezonClient(**plain.client_options() | {"use_ssl": True}).login()
    with pytest.raises(MezonConnectionError, match=r"as a server does that speaks TLS.*use_ssl=True"):
        await MezonClient(**tls.client_options() | {"use_ssl": False}).login()


# ---- sending and handlers


async def test_empty_content_and_invalid_mentions_are_refused(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    await client.login()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    user_id = gateway.world.user("alice").id
    heard = asyncio.create_task(client.wait_for("channel_message", timeout=20))
    await asyncio.sleep(0)
    said = await gateway.say("general", "alice", "hi")
    await heard
    for call in (
        lambda: channel.send(None),  # type: ignore[arg-type]
        lambda: channel.send_ephemeral(user_id, None),  # type: ignore[arg-type]
        lambda: channel.update_ephemeral(user_id, said, None),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidArgumentError, match="the content is None"):
            await call()
    message = await channel.messages.fetch(said)
    with pytest.raises(InvalidArgumentError, match="the content is None"):
        await message.reply(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="the content is None"):
        await message.update(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="send_long takes a str or a Text, not NoneType"):
        await channel.send_long(None)  # type: ignore[arg-type]
    user = await client.users.fetch(user_id)
    with pytest.raises(InvalidArgumentError, match="the content is None"):
        await user.send_dm_message(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="not 'alice'"):
        await channel.send("hi @alice", mentions=["alice"])  # type: ignore[list-item]
    with pytest.raises(InvalidArgumentError, match="a message's content has no txt; it has t, "):
        ChannelMessageContent(txt="hi")  # type: ignore[call-arg]
    with pytest.raises(InvalidArgumentError, match="there is no user 404"):
        await client.users.fetch(404)
    await client.disconnect()
    assert [sent for sent in gateway.sent if sent.kind == "channel_message_send"] == []


def test_unknown_content_fields_are_ignored_with_a_warning() -> None:
    with pytest.warns(
        UserWarning, match=r"no mentions; it has t, .*; pass mentions to send\(\) or reply\(\)"
    ) as seen:
        content = ChannelMessageContent(t="hi", mentions=[])  # type: ignore[call-arg]
    assert seen[0].filename == __file__
    assert content.model_dump(exclude_none=True) == {"text": "hi"}
    with pytest.warns(UserWarning, match="ignored: a message's content has no isCard; it has t, ") as seen:
        ChannelMessageContent(text="hi", isCard=True)  # type: ignore[call-arg]
    assert "pass" not in str(seen[0].message)


def test_a_handler_that_cannot_be_called_is_refused_at_once() -> None:
    client = MezonClient(1, "k", message_db=False)

    def nothing() -> None: ...
    async def too_much(message: ChannelMessage, channel: object) -> None: ...
    def fine(message: ChannelMessage, again: bool = False) -> None: ...

    class Bot:
        async def on_message(self, message: ChannelMessage) -> None: ...

    with pytest.raises(
        InvalidArgumentError, match=r"gets one argument, the event; .*nothing\(\) does not take"
    ):
        client.on_channel_message(nothing)  # type: ignore[type-var]
    with pytest.raises(InvalidArgumentError, match=r"too_much\(message, channel\)"):
        client.on("channel_message", too_much)  # type: ignore[type-var]
    with pytest.raises(InvalidArgumentError, match=r"on_message\(self, message\)"):
        client.on_channel_message(Bot.on_message)
    for handler in (fine, Bot().on_message, print, lambda *args: None):
        client.on("channel_message", handler)
    client.event_manager.on("a_name_of_my_own", lambda first, second: None)


def test_misspelt_event_warns() -> None:
    client = MezonClient(1, "k", message_db=False)
    with pytest.warns(UserWarning, match="did you mean 'channel_message'") as told:
        client.on("chanel_message", print)
    assert [one.filename for one in told] == [__file__]  # and that once
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.on("my_own_event", print)
        client.on("sticker_create_event", print)


# ---- two instances of one bot


async def test_second_instance_with_one_cache_warns(
    gateway: LocalGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = gateway.client_options() | {"message_db": str(tmp_path / "cache.db")}
    first, second = MezonClient(**options), MezonClient(**options)
    await first.login()
    assert "both will answer" not in caplog.text
    await second.login()
    assert (
        f"is already running on this machine (process {os.getpid()}) with the same message cache"
        in caplog.text
    )
    await second.disconnect()
    await first.disconnect()
    caplog.clear()
    await second.login()
    await second.disconnect()
    other = MezonClient(**options | {"message_db": str(tmp_path / "other.db")})
    await first.login()
    await other.login()
    await other.disconnect()
    await first.disconnect()
    assert "both will answer" not in caplog.text


async def test_busy_port_of_the_gateway_is_a_one_line_error(gateway: LocalGateway) -> None:
    def start() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PRELOADED, "-m", "mezon.testing", "--port", str(gateway.port)],
            capture_output=True,
            text=True,
            timeout=patient(50),
        )

    done = await asyncio.to_thread(start)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"port {gateway.port} is taken: stop what listens there, or choose another with --port\n"
    )
