"""The bot of docs/tutorial.md, assembled from its steps, behaves as described."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from docs_pages import DOCS, blocks
from mezon import MezonClient
from mezon.testing import LocalGateway, running_bot

ANSWER = "channel_message_send"
_STEP = re.compile(r"^<!-- lunch -->\n```python\n(.*?)^```$", re.M | re.S)


def steps(page: Path) -> list[str]:
    return _STEP.findall(page.read_text("utf-8"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bot of the tutorial: all steps concatenated."""
    path = tmp_path_factory.mktemp("tutorial") / "lunch.py"
    path.write_text("\n\n".join(steps(DOCS / "tutorial.md")), "utf-8")
    return path


@pytest.fixture
async def bot(
    gateway: LocalGateway, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MezonClient]:
    monkeypatch.chdir(tmp_path)
    gateway.world.add_role("Chef", users=["bob"])
    async with running_bot(str(file), gateway) as client:
        yield client


async def answer(gateway: LocalGateway, text: str, user: str = "alice") -> Any:
    await gateway.say("general", user, text)
    return await gateway.next_sent(ANSWER)


def test_there_are_eight_steps() -> None:
    text = (DOCS / "tutorial.md").read_text("utf-8")
    assert re.findall(r"^## (\d)\. ", text, re.M) == list("12345678")
    assert len(steps(DOCS / "tutorial.md")) == 7, "the second is the test"


def test_the_vietnamese_page_has_the_same_bot() -> None:
    assert steps(DOCS / "vi" / "tutorial.md") == steps(DOCS / "tutorial.md")


@pytest.mark.parametrize("page", ["tutorial.md", "vi/tutorial.md"])
async def test_the_tests_of_the_page_pass(page: str, file: Path, gateway: LocalGateway) -> None:
    """Each imports what it needs, and runs the bot from the folder."""
    tests = [block.text for block in blocks(DOCS / page) if "async def test_" in block.text]
    assert len(tests) == 2
    names: dict[str, Any] = {}
    for text in tests:
        exec(text, names)
    with contextlib.chdir(file.parent):
        await names["test_hello"](gateway)
        await names["test_only_a_chef_closes"](gateway)


async def test_it_says_hello_and_helps(gateway: LocalGateway, bot: MezonClient) -> None:
    assert (await answer(gateway, "*hello")).text == "Hello Alice, hungry?"
    shown = (await answer(gateway, "*help")).text
    for name in ("hello", "order", "lunch", "team", "cancel", "close"):
        assert f"*{name}" in shown


async def test_an_argument(gateway: LocalGateway, bot: MezonClient) -> None:
    assert (await answer(gateway, "*order pho")).text == "Phở bò for Alice."
    assert "banh-mi" in (await answer(gateway, "*order pizza")).text


async def test_a_restart_keeps_the_orders(gateway: LocalGateway, file: Path, bot: MezonClient) -> None:
    await answer(gateway, "*order pho")
    await bot.disconnect()
    async with running_bot(str(file), gateway):
        assert (await answer(gateway, "*cancel")).text == "No Phở bò for you? yes or no"


async def test_buttons(gateway: LocalGateway, bot: MezonClient) -> None:
    sent = await answer(gateway, "*lunch")
    assert "Cơm tấm: 0" in sent.text
    await gateway.click(sent.message_id, "alice", "dish/com")
    assert "Cơm tấm: 1" in (await gateway.next_sent("UpdateChannelMessage")).text
    assert (await gateway.next_sent("ephemeral_message_send")).text.startswith("Cơm tấm it is.")


async def test_a_form(gateway: LocalGateway, bot: MezonClient) -> None:
    sent = await answer(gateway, "*team")
    (button,) = sent.content["components"][0]["components"]
    values = json.dumps({"dish": "pho", "people": "4", "note": "no onions"})
    await gateway.click(sent.message_id, "alice", button["id"], extra_data=values)
    assert (await gateway.next_sent(ANSWER)).text == "4 x Phở bò (no onions)"


async def test_a_question(gateway: LocalGateway, bot: MezonClient) -> None:
    assert (await answer(gateway, "*cancel")).text == "You have ordered nothing."
    await answer(gateway, "*order pho")
    assert (await answer(gateway, "*cancel")).text == "No Phở bò for you? yes or no"
    assert "answer" in (await answer(gateway, "perhaps")).text.lower()
    assert (await answer(gateway, "yes")).text == "Cancelled."


async def test_a_reminder(
    gateway: LocalGateway, file: Path, monkeypatch: pytest.MonkeyPatch, bot: MezonClient
) -> None:
    (task,) = bot.tasks  # type: ignore[attr-defined]
    assert task.started
    await task()  # without a channel it says nothing
    for page in (DOCS / "tutorial.md", DOCS / "vi" / "tutorial.md"):
        assert f"LUNCH_CHANNEL={gateway.world.channel('general').id} " in page.read_text("utf-8")
    monkeypatch.setenv("LUNCH_CHANNEL", str(gateway.world.channel("general").id))
    await bot.disconnect()
    async with running_bot(str(file), gateway) as again:
        await again.tasks[0]()  # type: ignore[attr-defined]
        assert (await gateway.next_sent(ANSWER)).text.startswith("Orders close at eleven")


async def test_who_may_close(gateway: LocalGateway, bot: MezonClient) -> None:
    await answer(gateway, "*order pho", "chi")
    assert "Chef" in (await answer(gateway, "*close", "alice")).text
    await gateway.say("general", "bob", "*close")
    assert (await gateway.next_sent(ANSWER)).text == "Your Phở bò is on its way."
    assert (await gateway.next_sent(ANSWER)).text == "1 orders are closed."
