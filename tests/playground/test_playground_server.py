"""The server of the playground: access checks, events, limits, and where it is not imported."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from mezon import MezonClient
from mezon.ext.state import MemoryBackend, State, StateStore
from mezon.testing import GatewayProcess, LocalGateway, running_bot
from mezon.testing.playground import Playground
from mezon.testing.playground.recording import quoted
from mezon.testing.playground.server import __file__ as server_file
from patience import patient
from played import passes

PAGE = Path(server_file).parent / "page"


@pytest.fixture
async def http() -> Any:
    async with aiohttp.ClientSession() as session:
        yield session


def base(playground: Playground) -> str:
    return f"http://127.0.0.1:{playground.port}"


class Page:
    """The client side of the page's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self._number = 0

    async def until(self, fits: Any) -> dict[str, Any]:
        async with asyncio.timeout(patient(10)):
            while True:
                event = json.loads((await self.socket.receive()).data)
                self.events.append(event)
                if fits(event):
                    return event

    async def ask(self, what: str, **details: Any) -> Any:
        self._number += 1
        await self.socket.send_json({"id": self._number, "do": what, "with": details})
        event = await self.until(lambda event: event.get("id") == self._number)
        if "error" in event:
            raise AssertionError(event["error"])
        return event["result"]


@pytest.fixture
async def page(playground: Playground, http: aiohttp.ClientSession) -> Any:
    socket = await http.ws_connect(playground.url.replace("/?", "/socket?").replace("http", "ws"))
    page = Page(socket)
    await page.until(lambda event: event["event"] == "hello")
    yield page
    await socket.close()


# ---- who may talk to it


@pytest.mark.parametrize("path", ["/", "/socket", "/file?url=x"])
async def test_without_the_token_nothing_opens(
    playground: Playground, http: aiohttp.ClientSession, path: str
) -> None:
    for query in ("", "token=wrong", "token=%F0%9F%98%80"):
        joint = "&" if "?" in path else "?"
        async with http.get(base(playground) + path + joint + query) as answer:
            assert answer.status == 403
            assert "Use the URL that mezon dev printed" in await answer.text()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", ""])
async def test_another_host_name_is_refused(
    playground: Playground, http: aiohttp.ClientSession, host: str
) -> None:
    """A foreign name that resolves to this machine (DNS rebinding) is refused, even with the token."""
    async with http.get(playground.url, headers={"Host": host}) as answer:
        assert answer.status in (400, 403)
    async with http.get(base(playground) + "/page/app.js", headers={"Host": host}) as answer:
        assert answer.status in (400, 403)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
async def test_another_page_is_refused(
    playground: Playground, http: aiohttp.ClientSession, origin: str
) -> None:
    url = playground.url.replace("/?", "/socket?").replace("http", "ws")
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(url, headers={"Origin": origin})
    assert refused.value.status == 403
    own = await http.ws_connect(url, headers={"Origin": base(playground)})
    await own.close()


async def test_the_policy_of_the_page(playground: Playground, http: aiohttp.ClientSession) -> None:
    async with http.get(playground.url) as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    # Nothing inline, nothing from elsewhere.
    assert re.findall(r"<script(?![^>]*src=)| style=| on\w+=|https?://", text) == []
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_files_stay_inside(playground: Playground, http: aiohttp.ClientSession) -> None:
    for path in ("/page/../server.py", "/page/..%2fserver.py", "/page/vendor/README.md", "/page/nothing.js"):
        async with http.get(aiohttp.client.URL(base(playground) + path, encoded=True)) as answer:
            assert answer.status == 404, path
    async with http.get(base(playground) + "/page/vendor/preact.mjs") as answer:
        assert answer.content_type == "text/javascript"


def test_what_is_vendored_is_what_the_table_says() -> None:
    rows = re.findall(
        r"^\| `(\S+)` .*? `([0-9a-f]{64})` \|", (PAGE / "vendor" / "README.md").read_text(), re.M
    )
    assert {name for name, _ in rows} == {"preact.mjs", "htm.mjs"}
    for name, digest in rows:
        assert hashlib.sha256((PAGE / "vendor" / name).read_bytes()).hexdigest() == digest
    for script in PAGE.glob("*.js"):
        assert re.findall(r'from "(?!\./)', script.read_text()) == [], script.name


def test_importing_mezon_brings_no_playground() -> None:
    code = "import sys, mezon, mezon.testing; print([name for name in sys.modules if 'playground' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=patient(50))
    assert done.stdout.strip() == "[]"


# ---- what it sends


async def test_a_page_hears_what_happens(bot: MezonClient, page: Page, gateway: LocalGateway) -> None:
    alice, general = str(gateway.world.user("alice").id), str(gateway.world.channel("general").id)
    said = await page.ask("say", channel=general, user=alice, text="hi @bob")
    event = await page.until(lambda event: event["event"] == "message" and event["message"]["bot"])
    assert event["message"]["content"] == {"t": "You said: hi @bob"}
    mine = next(e["message"] for e in page.events if e["event"] == "message" and e["message"]["id"] == said)
    assert mine["mentions"][0]["username"] == "bob"
    frames = [e["frame"] for e in page.events if e["event"] == "frame"]
    sends = [frame for frame in frames if frame["kind"] == "channel_message_send"]
    assert sends[0]["direction"] == "in"
    assert sends[0]["latency"] > 0
    ack = next(frame for frame in frames if frame["kind"] == "channel_message_ack")
    assert ack["note"] == "answer to channel_message_send"
    details = await page.ask("frame", number=sends[0]["n"])
    assert details["json"]["content"] == {"t": "You said: hi @bob"}


async def test_a_later_page_gets_everything_at_once(
    bot: MezonClient, page: Page, playground: Playground, http: aiohttp.ClientSession, gateway: LocalGateway
) -> None:
    await gateway.say("general", "alice", "early")
    await page.until(lambda event: event["event"] == "message" and event["message"]["bot"])
    socket = await http.ws_connect(playground.url.replace("/?", "/socket?").replace("http", "ws"))
    hello = json.loads((await socket.receive()).data)
    assert [message["content"]["t"] for message in hello["messages"]] == ["early", "You said: early"]
    assert hello["connected"] == 1
    assert hello["frames"]
    await socket.close()


async def test_errors_reach_who_pressed_the_button(page: Page) -> None:
    for what, details, sentence in (
        ("fly", {}, "the playground has no action fly"),
        ("say", {"channel": "nowhere", "user": "alice", "text": "x"}, "there is no channel 'nowhere'"),
        ("say", {"channel": "general", "user": "alice", "text": " "}, "the message is empty"),
        ("click", {"message": "1", "user": "alice", "button": "x"}, "this message was deleted"),
        ("fault", {"name": "earthquake"}, "there is no fault earthquake"),
        ("frame", {"number": 99999}, "this frame is no longer recorded"),
        ("add_user", {"username": "<b>"}, "a username has 1 to 32"),
        ("say", {"wrong": 1}, "unexpected keyword"),
    ):
        with pytest.raises(AssertionError, match=re.escape(sentence)):
            await page.ask(what, **details)
    await page.socket.send_str("no JSON")
    assert "error" in await page.until(lambda event: event["event"] == "result")


async def test_roles_and_tasks(
    bot: MezonClient, page: Page, playground: Playground, gateway: LocalGateway
) -> None:
    alice = gateway.world.user("alice")
    assert await page.ask("toggle_role", user=str(alice.id), title="Cook") is True
    event = next((one for one in reversed(page.events) if one["event"] == "world"), None)
    if event is None:
        event = await page.until(lambda one: one["event"] == "world")
    assert [one["roles"] for one in event["world"]["users"] if one["id"] == str(alice.id)] == [["Cook"]]
    assert await page.ask("toggle_role", user=str(alice.id), title="Cook") is False
    assert [role.user_ids for role in gateway.world.roles.values()] == [set()]
    assert 'await gateway.take_role("alice", "Cook")' in await page.ask("pytest")

    await page.ask("run_task", name="report")
    assert playground.bot is not None
    assert playground.bot.ran == ["report"]  # type: ignore[attr-defined]


async def test_the_login_is_not_shown(
    bot: MezonClient, playground: Playground, gateway: LocalGateway
) -> None:
    shown = json.dumps([playground.inspector.details(one["n"]) for one in playground.inspector.summaries()])
    assert "authenticate" in shown
    assert gateway.api_key not in shown


async def test_a_file_of_a_user_arrives(bot: MezonClient, page: Page, gateway: LocalGateway) -> None:
    general, alice = str(gateway.world.channel("general").id), str(gateway.world.user("alice").id)
    files = [{"name": "a.txt", "type": "text/plain", "data": "aGVsbG8="}]
    await page.ask("say", channel=general, user=alice, text="", files=files)
    (upload,) = gateway.uploads.values()
    assert (upload.filename, upload.body) == ("a.txt", b"hello")
    broken = [{"name": "a.txt", "type": "text/plain", "data": "no base64!"}]
    with pytest.raises(AssertionError, match="is incomplete"):
        await page.ask("say", channel=general, user=alice, text="x", files=broken)


async def test_an_uploaded_page_is_no_page(
    playground: Playground, gateway: LocalGateway, http: aiohttp.ClientSession
) -> None:
    """Uploads of a bot are downloaded and not displayed, unless they are images."""
    from mezon.testing.records import Upload

    for kind, shown in (("text/html", False), ("image/svg+xml", False), ("image/png", True)):
        url = f"{gateway.url}/upload/1/x"
        gateway.uploads[url] = Upload("x", kind, url, b"<script>alert(1)</script>")
        token = playground.url.partition("token=")[2]
        async with http.get(base(playground) + "/file", params={"token": token, "url": url}) as answer:
            assert answer.content_type == (kind if shown else "application/octet-stream")
            assert ("Content-Disposition" in answer.headers) is not shown
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_is_remembered_is_bounded(gateway: LocalGateway, playground: Playground) -> None:
    from mezon.testing.playground.conversation import MESSAGES_PER_CHANNEL

    for number in range(MESSAGES_PER_CHANNEL + 20):
        await gateway.say("general", "alice", str(number))
    messages = playground.conversation.messages()
    assert len(messages) == MESSAGES_PER_CHANNEL
    assert messages[0]["content"] == {"t": "20"}


@pytest.mark.parametrize(
    "text", ['plain "quotes"', "null", "\\d{3}", "\0 nul", "\ud800 lone", "Đường\nnew line", "{1}"]
)
def test_a_text_in_a_saved_test_means_itself(text: str) -> None:
    assert eval(quoted(text)) == text
    assert eval(quoted([text, None, True])) == [text, None, True]


FORM_BOT = """
import os
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button, Click, Form

bot = Bot(os.environ["MEZON_BOT_ID"], os.environ["MEZON_API_KEY"])


class Lunch(Form):
    wish: str


@bot.command()
async def lunch(ctx: Context) -> None:
    order = await ctx.send_form(Lunch, title="Lunch", submit="Order")
    await ctx.send(f"one {order.wish}")


async def thank(click: Click) -> None:
    await click.reply("thank you")


@bot.command()
async def ask(ctx: Context) -> None:
    await ctx.send("Good?", buttons=[Button("Yes", callback=thank), Button("Yes", callback=thank)])
"""


async def test_a_saved_test_presses_buttons_whose_ids_are_made_up_each_time(
    playground: Playground, page: Page, gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "form_bot.py"
    path.write_text(FORM_BOT, encoding="utf-8")
    general = str(gateway.world.channel("general").id)

    async def press(number: int, **values: str) -> None:
        event = await page.until(
            lambda event: event["event"] == "message" and event["message"]["content"].get("components")
        )
        rows = event["message"]["content"]["components"]
        button = rows[0]["components"][number]["id"]
        assert "-" in button or len(button) > 10, "a made up id"
        await page.ask("click", message=event["message"]["id"], user="alice", button=button, values=values)

    def says(text: str) -> Any:
        return lambda event: event["event"] == "message" and event["message"]["content"].get("t") == text

    async with running_bot(str(path), gateway):
        await page.ask("say", channel=general, user="alice", text="!lunch")
        await press(0, wish="pho")
        await page.until(says("one pho"))
        await page.ask("say", channel=general, user="alice", text="!ask")
        await press(1)
        await page.until(says("thank you"))
    saved = playground.recording.python(str(path))
    assert '"alice", "Order"' in saved
    assert '"alice", 1)' in saved, "two buttons say the same: the place"
    assert '.buttons == ["Yes", "Yes"]' in saved
    (tmp_path / "test_played.py").write_text(saved, encoding="utf-8")
    await asyncio.to_thread(passes, tmp_path / "test_played.py")


async def test_a_busy_port_is_an_os_error(playground: Playground, gateway: LocalGateway) -> None:
    other = Playground(gateway, port=playground.port)
    with pytest.raises(OSError, match="address already in use"):
        await other.start()
    await other.aclose()


async def test_the_gateway_in_a_process_serves_it_too(http: aiohttp.ClientSession) -> None:
    async with GatewayProcess("--playground") as process, http.get(process.info["playground"]) as answer:
        assert answer.status == 200


# ---- the bot's state


class Score(State):
    points: int = 0


async def test_the_state_of_a_bot(playground: Playground, page: Page, gateway: LocalGateway) -> None:
    place = str(gateway.state_file)
    assert await page.ask("records") == {"place": place, "records": []}
    # A look creates no file.
    assert not gateway.state_file.exists()
    async with StateStore(gateway.bot_id, place) as store:
        async with store.at(clan_id=2**60 + 1, user_id=30).edit(Score, ttl=3600) as score:
            score.points = 2**60 + 1
        await store.put("_click.x", b"1")
        (record, _) = (await page.ask("records"))["records"]
        assert (record["type"], record["scope"], record["ids"]) == (
            "Score",
            "user_in_clan",
            [str(2**60 + 1), "30"],
        )
        assert json.loads(record["text"]) == {"points": 2**60 + 1}
        key, revision = record["key"], record["revision"]
        await page.ask("set_record", key=key, text='{"points": 7}', revision=revision)
        assert (await store.at(clan_id=2**60 + 1, user_id=30)(Score)).points == 7
        changed = (await page.ask("records"))["records"][0]
        assert (changed["version"], changed["expires"] == pytest.approx(record["expires"], abs=60)) == (
            1,
            True,
        )
        for what, details, sentence in (
            (
                "set_record",
                {"key": key, "text": "{}", "revision": revision},
                "was changed or deleted meanwhile",
            ),
            ("delete_record", {"key": key, "revision": revision}, "was changed or deleted meanwhile"),
            ("set_record", {"key": key, "text": "{", "revision": changed["revision"]}, "not valid JSON"),
            ("set_record", {"key": key, "text": "[]", "revision": changed["revision"]}, "a JSON object"),
            (
                "set_record",
                {"key": "Score.bot", "text": "{}", "revision": 0},
                "was changed or deleted meanwhile",
            ),
        ):
            with pytest.raises(AssertionError, match=sentence):
                await page.ask(what, **details)
        await page.ask("delete_record", key=key, revision=changed["revision"])
        assert [one for one, _ in await store.keys()] == ["_click.x"]


async def test_state_that_the_page_cannot_open(playground: Playground, page: Page, tmp_path: Path) -> None:
    playground.records.address = None
    assert await page.ask("records") == {"place": None, "records": []}
    (tmp_path / "broken.db").write_text("no database" * 1000)
    playground.records.address = str(tmp_path / "broken.db")
    with pytest.raises(AssertionError, match="is damaged or no database"):
        await page.ask("records")
    playground.records.address = "redis://user:secret@127.0.0.1:1/0"
    assert playground.records._place() == "redis://127.0.0.1:1/0"
    with pytest.raises(AssertionError) as refused:
        await page.ask("records")
    assert "secret" not in str(refused.value)


def test_the_address_of_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    addresses = [
        StateStore(1, given).address
        for given in (None, "x.db", "redis://127.0.0.1", ":memory:", MemoryBackend())
    ]
    default = tmp_path / "mezon-cache" / "mezon-state.db"
    assert addresses == [str(default), str(tmp_path / "x.db"), "redis://127.0.0.1", None, None]


def test_the_records_of_a_bot_of_another_shell(gateway: LocalGateway) -> None:
    """It does not know the file of the gateway."""
    playground = Playground(gateway)
    playground.records.use_default_file()
    assert playground.records.address == str(Path("mezon-cache") / "mezon-state.db")
