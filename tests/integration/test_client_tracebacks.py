"""The log of a handler's error: the handler, the reason and the bot's own line, without frames of the package."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from bot_process import quiet_options
from mezon import ChannelMessage, MezonClient
from mezon.ext.commands import Bot, Context
from mezon.testing import LocalGateway
from mezon.utils.logger import ColoredFormatter
from waiting import until


def formatted(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = [one for one in caplog.records if " failed: " in one.getMessage()]
    return ColoredFormatter("%(message)s", use_colors=False).format(record)


async def fail(gateway: LocalGateway, client: MezonClient, text: str) -> None:
    await client.login()
    try:
        await gateway.wait_joined()
        await gateway.say("general", "alice", text)
        await until(lambda: client.stats().handler_errors, "the error")
    finally:
        await client.disconnect()


@pytest.mark.parametrize("full", [False, True])
async def test_a_handler_that_misuses_the_package(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    if full:
        monkeypatch.setenv("MEZON_TRACEBACK", "full")
    client = MezonClient(**quiet_options(gateway))

    @client.on_channel_message(ignore_self=True)
    async def parrot(message: ChannelMessage) -> None:
        await message.channel.send(object())  # type: ignore[arg-type]

    await fail(gateway, client, "hi")
    text = formatted(caplog)
    first, *rest = text.splitlines()
    assert "parrot of event 'channel_message' failed: InvalidArgumentError: the content of a message" in first
    assert "test_client_tracebacks.py:" in first
    assert first.endswith(" in parrot)")
    assert ("mezon/managers/_handlers.py" in text) == full
    assert ("mezon/models/_outgoing.py" in text) == full
    assert "message.channel.send(object())" in "\n".join(rest)


async def test_a_command_is_named(gateway: LocalGateway, caplog: pytest.LogCaptureFixture) -> None:
    bot = Bot(**{**quiet_options(gateway), "prefix": "!"})

    @bot.command()
    async def divide(ctx: Context) -> None:
        """Fail with a cause."""
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as error:
            raise LookupError("no result") from error

    await fail(gateway, bot, "!divide")
    text = formatted(caplog)
    assert text.startswith("Command !divide failed: LookupError: no result (")
    assert "ZeroDivisionError: division by zero" in text
    assert "direct cause" in text
    assert "mezon/ext/commands.py" not in text
    assert "mezon/managers" not in text


def test_an_error_without_code_of_the_bot_keeps_its_traceback() -> None:
    """An error inside the package needs its frames."""
    from mezon.utils.user_code import format_for_user

    scope: dict[str, Any] = {}
    exec(compile("def fails():\n    raise KeyError('x')\n", "<frozen own>", "exec"), scope)
    with pytest.raises(KeyError) as caught:
        scope["fails"]()
    trace = caught.value.__traceback__
    assert trace is not None
    assert "<frozen own>" in format_for_user(caught.value.with_traceback(trace.tb_next))


def test_the_traceback_for_other_handlers_is_complete() -> None:
    """A formatter of the bot must not get the shortened traceback that an earlier formatter cached."""
    try:
        raise ValueError("x")
    except ValueError as error:
        record = logging.LogRecord(
            "mezon", logging.ERROR, "x.py", 1, "m", (), (ValueError, error, error.__traceback__)
        )
    ColoredFormatter("%(message)s", use_colors=False).format(record)
    assert record.exc_text is None


async def test_a_method_of_str_on_the_content_is_explained(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    client = MezonClient(**quiet_options(gateway))

    @client.on_channel_message(ignore_self=True)
    async def greet(message: ChannelMessage) -> None:
        if message.content.startswith("hi"):  # type: ignore[attr-defined]
            await message.reply("hello")

    await fail(gateway, client, "hi")
    first = formatted(caplog).splitlines()[0]
    assert "'dict' object has no attribute 'startswith'" in first
    assert first.endswith("; the content of a message is a dict: write message.text.startswith")
