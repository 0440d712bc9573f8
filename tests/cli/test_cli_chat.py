"""``mezon chat``: a conversation through a pipe, every command of the prompt, completion, and the terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import BOT, environment, mezon_command
from patience import patient
from preloaded import PRELOADED, PYTEST
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from terminals import terminal

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def lunch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bot with a form."""
    folder = tmp_path_factory.mktemp("chat")
    mezon_command("new", "lunch", "--template", "commands", folder=folder)
    return folder / "lunch"


def test_a_conversation_through_a_pipe(lunch: Path) -> None:
    lines = [
        *("!lunch", '/fill dish="Phở bò" form.wish="no onions"', '/select dish "Cơm tấm"', "/click order"),
        *("/react :tada:", "/react 2 :tada:", "/reply thanks", "/edit thank you", "/delete", "/drop"),
        *("/as dora", "/in random", "!help", "/dm", "!help", "/save played.py"),
    ]
    done = mezon_command("chat", folder=lunch, python=sys.executable, given="\n".join(lines) + "\n")
    assert done.returncode == 0
    # /reply is no command, and /drop is the only reason for a warning.
    assert [line.split(" (")[0].split(";")[0] for line in done.stderr.splitlines()] == [
        "no answer: it calls no command: the text does not begin with '!'",
        "WARNING mezon.client: The connection was lost",
        "WARNING mezon.client: The connection is back",
    ]
    said = done.stdout
    for text in (
        "#1 alice: !lunch\n",
        "   == Lunch\n",
        '/fill dish=  select: "Phở bò", "Bánh mì", "Cơm tấm"',
        "   [Order]\n",
        "#2 lunch (edited): Ordered: Cơm tấm (no onions)",
        "reactions on #2: :tada: 1",
        "reactions on #2: none",
        "#3 alice (reply to Lunch): thanks",
        "#3 alice (reply to Lunch; edited): thank you",
        "#3 alice (reply to Lunch; deleted)",
        "#4 dora: !help",
        "#6 dora: !help",
    ):
        assert text in said, said
    assert "\x1b[" not in said
    test = subprocess.run(
        [*PYTEST, "played.py"],
        cwd=lunch,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=patient(60),
    )
    saved = (lunch / "played.py").read_text()
    assert 'running_bot("bot.py", gateway)' in saved
    assert 'next_sent("message")' in saved
    assert "channel_message_send" not in saved, "the names on the wire"
    assert "1 passed" in test.stdout, (lunch / "played.py").read_text() + test.stdout


#: What cannot be done, and the answer: before there is a form, and after.
REFUSED = [
    ("/fly", "there is no /fly"),
    ("/click order", "there is no message with a button here yet"),
    ("/click", "/click BUTTON: the name in square brackets"),
    ("/fill dish", "there is no form here yet"),
    (
        "/in nowhere",
        "there is no channel 'nowhere'; the channels are general, random. To add channels, define them in a file: "
        "mezon chat --world world.json\n",
    ),
    ("/edit x", "there is no message of yours here yet"),
    ("/click #9 order", "there is no message #9"),
    ('/click "Send it', "No closing quotation"),
    ('/select "dish', "No closing quotation"),
    ("/run nothing", "the bot has no task nothing; it has none"),
    ("/save", "nothing to save yet"),
]
REFUSED_BY_FORM = [
    (
        "/click Send",
        "there is no button Send here; of the last message with buttons, #2, the buttons are [Order]\n",
    ),
    ("/click #1 Order", "this message has no button Order; it has no buttons"),
    ("/fill dish=pizza", "dish offers Phở bò, Bánh mì, Cơm tấm, not pizza"),
    ("/fill drink=tea", "the form has no field drink; it has dish, wish\n"),
    ("/fill Phở bò", "/fill FIELD=VALUE ..., such as"),
    ('/fill dish="Phở bò', 'No closing quotation: write \\" for a literal quotation mark'),
]
FILLED = [
    ("dish=Phở bò wish=no onions", "dish=Phở bò, wish=no onions"),
    ("dish=pho", "dish=Phở bò"),
    ("dish=BANH", "dish=Bánh mì"),
    ("form.dish=com tam wish='a=b'", "dish=Cơm tấm, wish=a=b"),
]


@pytest.fixture(scope="module")
def refusals(lunch: Path) -> dict[str, str]:
    """What is said of each line that is refused, from one conversation without a form and one with it."""
    said: dict[str, str] = {}
    for lines in ([typed for typed, _ in REFUSED], ["!lunch", *(typed for typed, _ in REFUSED_BY_FORM)]):
        done = mezon_command("chat", folder=lunch, given="\n".join(lines) + "\n")
        assert done.returncode == 2
        for line in done.stderr.splitlines(keepends=True):
            number = re.match(r"line (\d+): ", line)
            assert number is not None, done.stderr
            said[lines[int(number[1]) - 1]] = line
    return said


@pytest.mark.parametrize(("typed", "sentence"), REFUSED + REFUSED_BY_FORM)
def test_invalid_input_is_a_one_line_error(typed: str, sentence: str, refusals: dict[str, str]) -> None:
    assert f": {sentence}" in refusals[typed]


@pytest.fixture(scope="module")
def orders(lunch: Path) -> list[str]:
    """What a conversation with an order for each of `FILLED` prints, by order."""
    typed = "".join(f"!lunch\n/fill {typed}\n/click order\n" for typed, _ in FILLED)
    done = mezon_command("chat", folder=lunch, given=typed)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split(" alice: !lunch\n")[1:]


@pytest.mark.parametrize("number", range(len(FILLED)))
def test_fill_accepts_prefixes_and_unquoted_values(number: int, orders: list[str]) -> None:
    filled = FILLED[number][1]
    assert f"   filled in: {filled}\n" in orders[number]
    dish, _, wish = filled.partition(", wish=")
    assert f"(edited): Ordered: {dish[5:]}" + (f" ({wish})" if wish else "") in orders[number]


def test_errors_of_the_bot_are_shown(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT + "        raise ValueError('ouch')\n")
    done = mezon_command("chat", folder=tmp_path, given="hi\n")
    assert "ValueError: ouch" in done.stderr
    assert "#2 echo: one: hi" in done.stdout


def test_a_message_without_an_answer_gets_a_reason(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        BOT.replace(
            "        channel = ", "        if message.text == 'hush':\n            return\n        channel = "
        )
    )
    done = mezon_command("chat", folder=tmp_path, given="hi\nhush\n")
    assert done.stderr == "no answer: handled by answer (bot.py:6), which sent nothing\n"
    assert "#2 echo: one: hi\n" in done.stdout


SCORES = """
import os
from mezon.ext.commands import Bot, Context
from mezon.ext.state import State

class Score(State):
    points: int = 0

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])

@bot.command()
async def win(ctx: Context) -> None:
    async with ctx.state.edit(Score) as score:
        score.points += 1
    await ctx.reply(f"{score.points} points")
"""


def test_state_lasts_as_long_as_the_chat(tmp_path: Path) -> None:
    """A restart of the bot keeps it; the next chat and the saved test begin without it."""
    (tmp_path / "bot.py").write_text(SCORES)
    for number in (1, 2):
        lines = ["!win", f"/save test_{number}.py", "/restart", "!win"]
        done = mezon_command("chat", folder=tmp_path, given="\n".join(lines) + "\n")
        assert [line for line in done.stdout.splitlines() if "points" in line] == [
            "#2 echo (reply to Alice): 1 points",
            "#4 echo (reply to Alice): 2 points",
        ], done.stdout + done.stderr
    test = subprocess.run(
        PYTEST,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=patient(60),
    )
    assert "2 passed" in test.stdout, test.stdout
    assert not (tmp_path / "mezon-cache").exists()


def test_a_bot_that_does_not_come_online(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import mezon\nraise SystemExit(4)\n")
    done = mezon_command("chat", folder=tmp_path, given="hi\n")
    assert done.returncode == 1
    assert "ended with code 4 before it was online" in done.stderr
    assert "restarts" not in done.stderr


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (
            "--as",
            "there is no user 'nobody'; the users are alice, bob, chi. In the chat, /as nobody creates the user\n",
        ),
        ("--in", "there is no channel 'nobody'; the channels are general, random. To add channels"),
    ],
)
def test_options_that_name_nothing(tmp_path: Path, option: str, sentence: str) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    done = mezon_command("chat", option, "nobody", folder=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr


async def test_the_prompt_in_a_terminal(lunch: Path, tmp_path: Path) -> None:
    command = (PRELOADED, "-m", "mezon.cli", "chat", "--as", "bob")
    async with terminal(*command, folder=lunch, env=environment(XDG_STATE_HOME=str(tmp_path))) as shown:
        await shown.until("bob@general>")
        shown.type("!lunch\r")
        await shown.until("Lunch")
        await shown.until("[Order]")
        shown.type("/click order\r")
        await shown.until("(only bob")
        shown.type("lunch\r")
        await shown.until("no answer: it calls no command")
        shown.type("/as chi\r")
        await shown.until("chi@general>")
        await shown.end()
    assert "+!lunch" in (tmp_path / "mezon" / "chat-history").read_text()


async def test_completion() -> None:
    from mezon.cli.chat import RoomCompleter
    from mezon.cli.chat.commands import Room
    from mezon.cli.chat.render import Renderer
    from mezon.testing import LocalGateway
    from mezon.testing.playground.conversation import Conversation
    from mezon.testing.playground.recording import Recording

    async with LocalGateway() as gateway:
        renderer = Renderer(gateway, fancy=False)
        conversation = Conversation(gateway, renderer.take)
        gateway.taps.append(conversation)
        room = Room(gateway, conversation, Recording(gateway), renderer, None, "alice", "general")  # type: ignore[arg-type]
        select = {"id": "dish", "type": 2, "component": {"options": [{"label": "Phở", "value": "pho"}]}}
        buttons = [{"components": [{"id": "order", "type": 1, "component": {"label": "Order"}}]}]
        content = {
            "embed": [{"fields": [{"name": "Dish", "value": "", "inputs": select}]}],
            "components": buttons,
        }
        await gateway.say("general", "bob", content)

        def completed(text: str) -> list[str]:
            document = Document(text, len(text))
            return [one.text for one in RoomCompleter(room).get_completions(document, CompleteEvent())]

        assert completed("/re") == ["/react", "/reply", "/restart", "/resume"]
        assert completed("/as b") == ["bob"]
        assert completed("/in ra") == ["random"]
        assert completed("/click o") == ["order"]
        assert completed("/fill d") == ["dish=", "dish=pho"]
        assert completed("hello @a") == ["@alice"]


NOISY = (
    BOT
    + """
        if message.content["t"] == "!fail":
            raise ValueError("ouch")
        if message.content["t"] == "!forget":
            asyncio.sleep(1)
        print("answered", message.content["t"])

import asyncio

@client.on("chanel_message")
async def misspelt(message): ...
"""
)


@pytest.mark.parametrize("logs", [False, True])
def test_what_the_bot_does_wrong_is_shown_without_a_flag(tmp_path: Path, logs: bool) -> None:
    (tmp_path / "bot.py").write_text(NOISY)
    flags = ["--logs"] if logs else []
    done = mezon_command("chat", *flags, folder=tmp_path, given="!hi\n!forget\n!fail\n")
    assert done.returncode == 0
    shown = done.stderr
    for text in (
        "there is no event 'chanel_message'",
        "did you mean 'channel_message'?",
        "answered !hi",
        "coroutine 'sleep' was never awaited",
        "Handler answer of event 'channel_message' failed: ValueError: ouch (bot.py:13 in answer)",
    ):
        assert shown.count(text) == 1, shown
    assert ("is logged in at" in shown) == logs
    assert "mezon/managers" not in shown


def test_a_bot_that_configures_logging_is_not_shown_twice(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text("import logging\nlogging.basicConfig()\n" + NOISY)
    done = mezon_command("chat", folder=tmp_path, given="!fail\n")
    assert done.returncode == 0
    assert done.stderr.count("Handler answer of event 'channel_message' failed") == 1


def test_an_error_of_the_import_keeps_the_line_of_the_bot(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT + "\nclient.on_channel_message(5)\n")
    done = mezon_command("chat", folder=tmp_path, given="!hi\n")
    assert done.returncode == 1
    assert f'File "{tmp_path / "bot.py"}", line 12, in <module>' in done.stderr
    assert done.stderr.count("InvalidArgumentError") == 1
    assert done.stderr.count('  File "') == 1


@pytest.mark.parametrize(
    ("main", "line"),
    [
        ("    client.run()\n", None),
        ("    import logging\n    logging.basicConfig()\n    asyncio.run(client.login())\n", None),
        ("    client.on_channel_message(print)\n    client.run()\n", 12),
    ],
)
def test_work_below_the_main_check_is_named(tmp_path: Path, main: str, line: int | None) -> None:
    (tmp_path / "bot.py").write_text(BOT + 'if __name__ == "__main__":\n' + main)
    done = mezon_command("chat", folder=tmp_path, given="hi\n")
    assert done.returncode == 0
    assert ("bot.py:12 is not run" in done.stderr) == (line is not None)
    assert ("mezon gateway --port 7350 --export" in done.stderr) == (line is not None)


TASKS = """
from mezon.ext.commands import Bot, Context, has_role
from mezon.ext.components import Button, Click

bot = Bot("1", "key")


@bot.cron("0 9 * * *")
async def report(bot: Bot) -> None:
    channel = next(iter([one for one in bot.channels.values() if one.name == "general"]))
    await channel.send("the report")


@bot.every(hours=5)
async def broken() -> None:
    raise RuntimeError("no data")


@bot.command(checks=[has_role("Cook")])
async def cook(ctx: Context) -> None:
    await ctx.reply("cooking")


@bot.button("don't")
async def dont(click: Click) -> None:
    await click.reply("not done")


@bot.command()
async def ask(ctx: Context) -> None:
    await ctx.reply("Do it?", buttons=[dont.button("Please don't")])
"""


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """The folder of a bot with tasks and roles."""
    (tmp_path / "bot.py").write_text(TASKS)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "office-bot"\n')
    return tmp_path


def test_a_task_runs_now(office: Path) -> None:
    done = mezon_command("chat", folder=office, given="hi\n/run\n/run report\n/run broken\n")
    assert "   tasks: report, broken\n" in done.stdout
    assert "   report runs\n" in done.stdout
    assert "office-bot: the report" in done.stdout
    assert "RuntimeError: no data" in done.stderr


def test_a_task_runs_on_the_first_line_of_a_pipe(tmp_path: Path) -> None:
    # The bot has joined its clans, but is not ready before its hook has ended.
    bot = """
import asyncio
from mezon.ext.commands import Bot

class Slow(Bot):
    async def setup_hook(self) -> None:
        await asyncio.sleep(0.5)

bot = Slow("1", "key")

@bot.every(hours=5)
async def report() -> None:
    print("the report")
"""
    (tmp_path / "bot.py").write_text(bot)
    done = mezon_command("chat", folder=tmp_path, given="/run report\n")
    assert "the report\n" in done.stderr
    assert "not ready" not in done.stderr


def test_roles_are_given_and_taken(office: Path) -> None:
    lines = ["/role", "!cook", "/role Cook", "!cook", "/role", "/role Cook", "!cook", "/save roles.py"]
    done = mezon_command("chat", folder=office, given="\n".join(lines))
    assert done.stdout.count("That needs the role Cook.") == 2
    assert done.stdout.count(": cooking") == 1
    shown = done.stdout.splitlines()
    assert "   there are no roles: /role NAME gives you one" in shown
    assert "   alice has the role Cook" in shown
    assert "   Cook: alice" in shown
    assert "   alice no longer has the role Cook" in shown
    saved = (office / "roles.py").read_text()
    assert 'await gateway.give_role("alice", "Cook")' in saved
    assert 'gateway.world.bot.username = "office-bot"' in saved


def test_roles_of_a_world_file(office: Path) -> None:
    clan = {
        "name": "Diner",
        "channels": ["general"],
        "roles": ["Waiter", {"title": "Cook", "users": ["bob"]}],
    }
    world = office / "world.json"
    world.write_text(json.dumps({"users": ["alice", "bob"], "clans": [clan]}))
    given = "!cook\n/as bob\n!cook\n/role\n"
    done = mezon_command("chat", "--world", "world.json", folder=office, given=given)
    assert done.stdout.count("That needs the role Cook.") == 1
    assert done.stdout.count(": cooking") == 1
    assert "   Waiter: nobody\n   Cook: bob\n" in done.stdout


@pytest.mark.parametrize("button", ['"Please don\'t"', "Please don't", "don't"])
def test_click_is_quoted_like_the_other_commands(office: Path, button: str) -> None:
    done = mezon_command("chat", folder=office, given=f"!ask\n/click {button}\n")
    assert "not done" in done.stdout


def test_a_blocked_loop_is_shown(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(
        "import time\n"
        "from mezon import MezonClient\n\n"
        'client = MezonClient("1", "key", blocked_loop_warning=0.3)\n\n\n'
        "@client.on_channel_message(ignore_self=True)\n"
        "async def slow(message):\n"
        "    time.sleep(2)\n"
        '    await message.reply("done")\n'
    )
    done = mezon_command("chat", folder=tmp_path, given="hi\n")
    assert "The event loop has been blocked for 0.3 s by bot.py:9 in slow: " in done.stderr
    assert "in slow\n    time.sleep(2)" in done.stderr
    # Neither the loop nor this package.
    assert done.stderr.count('  File "') == 1
    assert "done" in done.stdout


SLOW = """
import asyncio

from mezon.ext.commands import Bot, Context

bot = Bot("1", "key")


@bot.command()
async def order(ctx: Context) -> None:
    await ctx.reply("One moment.")
    await asyncio.sleep(1.5)
    dish = await ctx.ask("Which dish?")
    await asyncio.sleep(1.5)
    count = await ctx.ask("How many?")
    await ctx.reply(f"{count} x {dish}")
"""


def test_a_conversation_is_piped(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(SLOW)
    done = mezon_command("chat", folder=tmp_path, given="!order\npho\n2\n")
    assert (done.returncode, done.stderr) == (0, "")
    said = [line.partition(": ")[2] for line in done.stdout.splitlines()]
    assert said == ["!order", "One moment.", "Which dish?", "pho", "How many?", "2", "2 x pho"]


def test_a_bad_line_does_not_end_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT)
    done = mezon_command("chat", folder=tmp_path, given="/fly\nhi\n\n/click\nho\n")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "line 1: there is no /fly; /help lists the commands",
        "line 4: /click BUTTON: the name in square brackets, or the label",
    ]
    assert "echo: one: hi\n" in done.stdout
    assert "echo: one: ho\n" in done.stdout


def test_further_lines_of_a_message_are_indented(tmp_path: Path) -> None:
    (tmp_path / "bot.py").write_text(BOT.replace('"one: "', r'"first\nsecond\n"'))
    done = mezon_command("chat", folder=tmp_path, given="hi\n")
    assert done.stdout == "#1 alice: hi\n#2 echo: first\n   second\n   hi\n"
