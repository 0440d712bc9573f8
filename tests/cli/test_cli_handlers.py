"""A client that was imported without its handlers: they are in a function that only ``__main__`` calls."""

from __future__ import annotations

import signal
from pathlib import Path

import aiohttp
import pytest
from cli_kit import mezon_command, running
from mezon.testing import LocalGateway
from mezon.testing.bots import load_bot, locate, pointed_at
from mezon.testing.unregistered import has_handlers, warn_about_handlers

HEAD = """
import asyncio
import os
from mezon import MezonClient
from mezon.ext.commands import Bot, Router

ID, KEY = os.environ.get("MEZON_BOT_ID", "1"), os.environ.get("MEZON_API_KEY", "x")
"""
TAIL = """
if __name__ == "__main__":
    asyncio.run(main())
"""
IN_MAIN = """
client = MezonClient(ID, KEY)

async def main():
    @client.on_channel_message
    async def answer(message):
        await message.reply("hi")

    await client.login()
    await asyncio.Event().wait()
"""
SENTENCE = (
    "bot.py was imported, but its client has no handlers: they are in main() (line 12), which an import"
)

DEAF = {
    "decorator": IN_MAIN,
    "call": """
client = MezonClient(ID, KEY)
async def answer(message): ...
async def main():
    client.on("channel_message", answer)
""",
    "commands": """
bot = Bot(ID, KEY)
async def main():
    @bot.command()
    async def ping(ctx): ...
""",
    "loop": """
client = MezonClient(ID, KEY)
async def main():
    await client.login()
    async for message in client.stream("channel_message"):
        print(message.text)
""",
    "indirect": """
client = MezonClient(ID, KEY)
def register():
    @client.on_channel_message
    async def answer(message): ...
async def main():
    register()
    await client.login()
""",
}

HEARING = {
    "top level": """
client = MezonClient(ID, KEY)
@client.on_channel_message
async def answer(message): ...
async def main():
    await client.wait_for("ready")
""",
    "called by the import": """
client = MezonClient(ID, KEY)
def register():
    @client.on_channel_message
    async def answer(message): ...
register()
async def main():
    await client.login()
""",
    "setup_hook": """
class Mine(Bot):
    async def setup_hook(self):
        self.on("channel_message", print)
client = Mine(ID, KEY)
async def main():
    client.on("ready", print)
""",
    "tasks": """
bot = Bot(ID, KEY)
@bot.every(hours=1)
async def tick(): ...
async def main():
    bot.on("ready", print)
""",
    "router": """
router = Router()
bot = Bot(ID, KEY)
@router.command()
async def ping(ctx): ...
bot.include(router)
async def main():
    bot.on("ready", print)
""",
    "batches": """
client = MezonClient(ID, KEY)
@client.on_batch("channel_message")
async def several(messages): ...
async def main():
    client.on("ready", print)
""",
}


@pytest.mark.parametrize("name", [*DEAF, *HEARING])
def test_what_counts_as_no_handlers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bot.py").write_text(HEAD + (DEAF | HEARING)[name] + TAIL)
    with pointed_at({"message_db": False}):
        client = load_bot(locate("bot.py"))
    assert client is not None
    assert has_handlers(client) is (name in HEARING)
    warned = warn_about_handlers(tmp_path / "bot.py", local=True) is not None
    # What an import did is known exactly; of `setup_hook` and the like the file alone says too little.
    assert warned or name in HEARING


@pytest.mark.parametrize("text", ["client = MezonClient(ID, KEY)\n", "bot = Bot(ID, KEY)\nbot.run\n", "("])
def test_a_client_without_handlers_anywhere_gets_no_warning(text: str, tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(HEAD + text + 'if __name__ == "__main__":\n    client.run()\n')
    assert warn_about_handlers(tmp_path / "bot.py", local=True) is None


def test_chat_says_it(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(HEAD + IN_MAIN + TAIL)
    done = mezon_command("chat", folder=tmp_path, given="hi\n")
    said = done.stdout + done.stderr
    assert f"mezon: {SENTENCE}" in said
    assert 'eval "$(mezon gateway --port 7350 --export)"; python bot.py' in said


def test_doctor_says_it(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(HEAD + IN_MAIN + TAIL)
    said = mezon_command("doctor", "--offline", folder=tmp_path).stdout
    assert SENTENCE in said
    assert "-> Move them to the top level of the file, or run the file itself: python bot.py\n" in said


async def test_run_says_it(tmp_path: Path, gateway: LocalGateway) -> None:
    (tmp_path / "bot.py").write_text(HEAD + IN_MAIN + TAIL)
    async with running("run", folder=tmp_path, **gateway.environment()) as command:
        assert "or run the file itself: python bot.py" in await command.until(f"warning {SENTENCE}")
        await gateway.wait_joined()
        assert await command.end(signal.SIGINT) == 0


async def test_dev_says_it_on_the_page_too(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(HEAD + IN_MAIN + TAIL)
    async with running("dev", folder=tmp_path) as command, aiohttp.ClientSession() as http:
        url = (await command.until("page    ")).split()[1]
        async with http.ws_connect(url.replace("/?", "/socket?").replace("http", "ws")) as socket:
            await command.until(f"mezon: {SENTENCE}")
            async for event in socket:
                if SENTENCE in event.data:
                    break
            else:
                raise AssertionError("the page was not told")
        assert await command.end(signal.SIGINT) == 0
