"""A message that the bot does not answer: ``gateway.command`` and ``mezon chat`` say why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mezon.testing import LocalGateway, running_bot
from mezon.testing.silence import BotSilence, explain

HEAD = """
import asyncio
import os
from mezon import MezonClient, filters
from mezon.ext.commands import Bot, Context

ID, KEY = os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"]
"""
COMMANDS = """
bot = Bot(ID, KEY)

@bot.command()
async def hello(ctx: Context) -> None:
    await ctx.reply("hi")

@bot.command()
async def mute(ctx: Context) -> None: ...
"""
HANDLERS = """
client = MezonClient(ID, KEY)

@client.on_channel_message(filter=filters.equals("hi"))
async def greet(message):
    await message.reply("hello")

@client.on_channel_message(filter=filters.equals("hush"))
async def hush(message): ...
"""
BELOW_MAIN = """
client = MezonClient(ID, KEY)
if __name__ == "__main__":
    @client.on_channel_message
    async def answer(message): ...
"""
IN_A_FUNCTION = """
bot = Bot(ID, KEY)
async def main():
    @bot.command()
    async def ping(ctx): ...
    await bot.login()
if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bot, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("bot", "text", "reason"),
    [
        (COMMANDS, "!helo", "there is no command 'helo'; did you mean !hello?"),
        (COMMANDS, "!zzz", "there is no command 'zzz'"),
        (COMMANDS, "hello", "it calls no command: the text does not begin with '!'"),
        (COMMANDS, "! ", "the prefix is not followed by the name of a command"),
        (COMMANDS.replace("KEY)", "KEY, prefix=('?', '!!'))"), "hello", "does not begin with '?' or '!!'"),
        (HANDLERS, "ho", "the filter of greet (bot.py:11) and hush (bot.py:15) does not let it through"),
        ("client = MezonClient(ID, KEY)\n", "hi", "the bot has no handler of messages"),
        (BELOW_MAIN, "hi", "bot.py:12 is not run when the file is imported: this line is below if __name__"),
        (IN_A_FUNCTION, "!ping", "no handlers: they are in main() (line 11), which an import does not run."),
    ],
)
async def test_command_fails_at_once_where_nothing_can_answer(
    bot: str, text: str, reason: str, folder: Path, gateway: LocalGateway
) -> None:
    (folder / "bot.py").write_text(HEAD + bot)
    async with running_bot("bot.py", gateway):
        # A time limit far above that of the test: the failure does not wait for it.
        sentence = re.escape(f"the bot does not answer {text!r}: ") + ".*" + re.escape(reason)
        with pytest.raises(AssertionError, match=sentence):
            await gateway.command("alice", text, timeout=10_000)


@pytest.mark.parametrize(
    ("bot", "text", "reason"),
    [
        (COMMANDS, "!mute", "handled by mute (bot.py:15), which sent nothing"),
        (HANDLERS, "hush", "handled by hush (bot.py:15), which sent nothing"),
    ],
)
async def test_a_handler_that_sends_nothing_is_named_in_the_end(
    bot: str, text: str, reason: str, folder: Path, gateway: LocalGateway
) -> None:
    """It may have left the answer to a task in the background, so the time limit counts."""
    (folder / "bot.py").write_text(HEAD + bot)
    async with running_bot("bot.py", gateway):
        with pytest.raises(AssertionError, match=re.escape(f"no answer to {text!r}: {reason}")) as failed:
            await gateway.command("alice", text, timeout=0.5)
        assert "the bot was expected to send a message" in str(failed.value)


LATE = """
client = MezonClient(ID, KEY)
go = asyncio.Event()

async def answer_later(message):
    await go.wait()
    await message.reply("late")

@client.on_channel_message(ignore_self=True)
async def greet(message):
    asyncio.ensure_future(answer_later(message)).add_done_callback(print)
"""
STREAM = """
class Mine(MezonClient):
    async def setup_hook(self):
        self.reader = asyncio.ensure_future(self.read())

    async def read(self):
        async for message in self.stream("channel_message", lambda one: one.sender_id != self.client_id):
            await asyncio.sleep(0.5)
            await message.reply("late")

client = Mine(ID, KEY)
"""
EDITED = """
bot = Bot(ID, KEY)

@bot.error_handler
async def explain(ctx, error):
    await asyncio.sleep(0.5)
    await ctx.reply("late")
"""


@pytest.mark.parametrize("bot", [STREAM, EDITED], ids=["stream", "error handler"])
async def test_a_late_answer_is_waited_for(bot: str, folder: Path, gateway: LocalGateway) -> None:
    (folder / "bot.py").write_text(HEAD + bot)
    async with running_bot("bot.py", gateway):
        assert (await gateway.command("alice", "!hi", timeout=60)).text == "late"


async def test_an_answer_of_a_task_in_the_background(folder: Path, gateway: LocalGateway) -> None:
    (folder / "bot.py").write_text(HEAD + LATE)
    async with running_bot("bot.py", gateway) as client:
        silence = BotSilence(client, folder / "bot.py")
        message = gateway.state.find_message(await gateway.say("general", "alice", "hi"))
        await silence.delivered()
        assert not silence.explain(message).final


async def test_a_message_of_the_bot_itself(folder: Path, gateway: LocalGateway) -> None:
    (folder / "bot.py").write_text(HEAD + COMMANDS)
    async with running_bot("bot.py", gateway) as client:
        channel = await client.channels.fetch(gateway.world.channel("general").id)
        sent = await channel.send("!hello")
        message = gateway.state.find_message(sent.message_id)
        assert explain(client, message).reason == "it is a message of the bot itself"


async def test_another_client_may_answer(folder: Path, gateway: LocalGateway) -> None:
    """Of a bot that was not started by ``running_bot``, nothing is known."""
    from mezon import MezonClient

    (folder / "bot.py").write_text(HEAD + COMMANDS)
    async with running_bot("bot.py", gateway):
        other = MezonClient(**gateway.client_options())
        await other.login()
        with pytest.raises(AssertionError, match=r"within 0\.5 s"):
            await gateway.command("alice", "!helo", timeout=0.5)
        await other.disconnect()
