"""Buttons, forms, select boxes: what is sent, and what a click brings."""

from __future__ import annotations

import asyncio
import json
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from ext_kit import ANSWER, answer_to, last_message, until
from mezon import ButtonMessageStyle, InvalidArgumentError, MezonTimeoutError, Text
from mezon.ext import _handlers
from mezon.ext.commands import Bot, Context
from mezon.ext.components import (
    Button,
    Click,
    DatePicker,
    Form,
    FormError,
    Radio,
    Select,
    TextInput,
    form_content,
)
from mezon.testing import LocalGateway
from pydantic import Field

SECRET = "ephemeral_message_send"


class Spice(Enum):
    MILD = "mild"
    HOT = "hot"


class Lunch(Form):
    dish: Literal["pho", "bun"] = Field(title="Món")
    when: date
    count: Annotated[int, Field(ge=1, le=9)] = 1
    spice: Spice = Spice.MILD
    extras: list[Literal["egg", "herbs"]] = Field(default_factory=list)
    takeaway: bool = False
    note: Annotated[str, TextInput(lines=True)] = Field("", description="Anything else?")


async def press(gateway: LocalGateway, button: str, user: str = "alice", **values: Any) -> None:
    await gateway.click(last_message(gateway), user, button, extra_data=json.dumps(values) if values else "")


def test_a_form_is_made_of_the_types_of_its_fields() -> None:
    content = Lunch.content(title="Lunch", state="7", text="Hungry?")
    (embed,) = content["embed"]
    inputs = {one["inputs"]["id"]: one["inputs"] for one in embed["fields"]}
    assert [(name, one["type"]) for name, one in inputs.items()] == [
        ("dish", 2),
        ("when", 3),
        ("count", 3),
        ("spice", 2),
        ("extras", 2),
        ("takeaway", 2),
        ("note", 3),
    ]
    assert [one["name"] for one in embed["fields"]][:2] == ["Món", "When"]
    assert [one["value"] for one in inputs["dish"]["component"]["options"]] == ["pho", "bun"]
    assert inputs["spice"]["component"]["valueSelected"] == {"label": "mild", "value": "mild"}
    assert (inputs["count"]["component"]["type"], inputs["count"]["component"]["defaultValue"]) == (
        "number",
        "1",
    )
    assert inputs["when"]["component"]["type"] == "date"
    assert (inputs["note"]["component"]["textarea"], inputs["note"]["component"]["placeholder"]) == (
        True,
        "Anything else?",
    )
    assert inputs["extras"]["component"]["max_options"] == 2
    assert [one["label"] for one in inputs["takeaway"]["component"]["options"]] == ["Yes", "No"]
    (row,) = content["components"]
    assert [(one["id"], one["component"]["label"]) for one in row["components"]] == [
        ("~form/Lunch/7", "Send")
    ]


def test_what_is_filled_in_is_validated() -> None:
    filled = Lunch.parse(
        {
            "dish": "pho",
            "when": "5/2/2026",
            "count": "3",
            "spice": "hot",
            "extras": ["egg"],
            "takeaway": "true",
        }
    )
    assert filled == Lunch(
        dish="pho", when=date(2026, 2, 5), count=3, spice=Spice.HOT, extras=["egg"], takeaway=True
    )
    # What nobody touched: absent, empty, or a list.
    plain = Lunch.parse(
        {
            "dish": ["bun"],
            "when": "2026-02-05",
            "count": "",
            "spice": [],
            "extras": "egg, herbs",
            "takeaway": "[]",
        }
    )
    assert (plain.dish, plain.count, plain.spice, plain.extras) == ("bun", 1, Spice.MILD, ["egg", "herbs"])
    with pytest.raises(FormError) as refused:
        Lunch.parse({"dish": "pizza", "count": "12"})
    assert list(refused.value.problems) == ["Món", "When", "Count"]
    assert "When: is missing" in str(refused.value)


def test_what_no_input_is_made_for_is_refused() -> None:
    class Wrong(Form):
        names: list[str]

    class Empty(Form):
        name: Annotated[str, Select()]

    for form in (Wrong, Empty):
        with pytest.raises(InvalidArgumentError):
            form.content(title="x")
    for make in (lambda: Button("x"), lambda: Button("x", id="~cb/1"), lambda: Button("x", id="~form/1")):
        with pytest.raises(InvalidArgumentError):
            make()


def test_times_and_inputs_of_ones_own() -> None:
    class Meeting(Form):
        start: datetime
        room: Annotated[str, Radio(options={"a": "Room A", "b": "Room B"}, label="Where?")]
        end: Annotated[str, DatePicker()] = ""

    assert Meeting.parse({"start": "25/11/2026 09:30", "room": "b"}).start == datetime(2026, 11, 25, 9, 30)
    (embed,) = Meeting.content(title="Meeting")["embed"]
    room = embed["fields"][1]
    assert (room["name"], [one["label"] for one in room["inputs"]["component"]]) == (
        "Where?",
        ["Room A", "Room B"],
    )
    content = form_content(
        "Free", [TextInput("name"), Select("size", options=["s", "l"])], [Button("Go", id="go")]
    )
    assert [one["inputs"]["id"] for one in content["embed"][0]["fields"]] == ["name", "size"]


async def test_a_form_that_is_waited_for(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def lunch(ctx: Context) -> None:
        try:
            order = await ctx.send_form(Lunch, title="Lunch", timeout=5, done="Thank you.")
        except MezonTimeoutError as error:
            await ctx.send(str(error))
        else:
            await ctx.send(f"{order.count} {order.dish} on {order.when}")

    await bot.login()
    await gateway.say("general", "alice", "!lunch")
    form = await gateway.next_sent(ANSWER)
    button = form.content["components"][0]["components"][0]["id"]
    await press(gateway, button, "bob", dish="pho", when="1/1/2026")
    await press(gateway, button, dish="pho")
    secret = await gateway.next_sent(SECRET)
    assert (secret.text, list(secret.message.receiver_ids)) == (
        "When: is missing",
        [gateway.world.user("alice").id],
    )
    for _ in range(2):  # in a hurry
        await press(gateway, button, dish="pho", when="1/1/2026", count="2")
    assert (await gateway.next_sent(ANSWER)).text == "2 pho on 2026-01-01"
    assert (await gateway.next_sent("UpdateChannelMessage")).content == {"t": "Thank you."}


async def test_a_form_nobody_waits_for_any_more_says_so(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def lunch(ctx: Context) -> None:
        await ctx.send_form(Lunch, title="Lunch", timeout=0.2)

    await bot.login()
    form = await gateway.command("alice", "!lunch")
    await gateway.expect("The form 'Lunch' was not filled in within 0.2 s.")
    await gateway.fill(form, dish="pho", when="1/1/2026")
    await gateway.expect("This button does not work any more.", kind="ephemeral")
    await bot.disconnect()

    # After a restart, and however often, but not for what another bot has sent.
    again = Bot(**gateway.client_options())
    await again.login()
    await gateway.fill(form, dish="pho", when="2/1/2026")
    await gateway.expect("This button does not work any more.", kind="ephemeral")
    gateway.add_bot(1830000000000000002, "another key", "second")
    other = Bot(**gateway.client_options() | {"client_id": 1830000000000000002, "api_key": "another key"})
    await other.login()
    await again.disconnect()
    await gateway.fill(form, dish="pho", when="3/1/2026")
    await gateway.expect_nothing()
    await other.disconnect()


async def test_a_form_with_a_handler_outlives_a_restart(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def lunch(ctx: Context) -> None:
        await ctx.send(Lunch.content(title="Lunch", state="friday"))

    @bot.form(Lunch)
    async def ordered(click: Click, order: Lunch) -> None:
        await click.update(f"{click.user_id} wants {order.dish} for {click.form_state}")

    await bot.login()
    await gateway.say("general", "alice", "!lunch")
    await gateway.next_sent(ANSWER)
    bot.channels.clear()
    await press(gateway, "~form/Lunch/friday", "bob", dish="pizza", when="1/1/2026")
    assert "Món: " in (await gateway.next_sent(SECRET)).text
    await press(gateway, "~form/Lunch/friday", "bob", dish="bun", when="1/1/2026")
    bob = gateway.world.user("bob").id
    assert (await gateway.next_sent("UpdateChannelMessage")).text == f"{bob} wants bun for friday"


async def test_buttons_with_callbacks(gateway: LocalGateway, bot: Bot) -> None:
    presses: list[str] = []

    async def yes(click: Click) -> None:
        presses.append("yes")
        await click.reply(Text("by ").mention(await click.fetch_user()))

    def no(click: Click) -> None:
        presses.append("no")

    @bot.command()
    async def sure(ctx: Context) -> None:
        site = Button("Site", url="https://mezon.ai")
        await ctx.send("Sure?", buttons=[[Button("Yes", callback=yes)], [Button("No", callback=no), site]])

    @bot.command()
    async def sure_not(ctx: Context, seconds: float) -> None:
        await ctx.reply(
            {"t": "Sure?", "components": [{"components": []}]},
            buttons=[Button("Yes", callback=yes)],
            timeout=seconds,
        )

    await bot.login()
    await gateway.say("general", "alice", "!sure_not 60")
    rows = (await gateway.next_sent(ANSWER)).content["components"]
    assert len(rows) == 2
    button = rows[1]["components"][0]["id"]
    await press(gateway, button)
    await press(gateway, button)
    reply = await gateway.next_sent(ANSWER)
    assert reply.text == "by @Alice"
    assert reply.message.mentions[0].user_id == gateway.world.user("alice").id
    assert reply.message.references[0].message_ref_id
    await gateway.click(reply.message.references[0].message_ref_id, "bob", button)
    # Bob has not written yet: the name comes with the lookup.
    assert (await gateway.next_sent(ANSWER)).text == "by @Bob"
    assert presses == ["yes", "yes"]
    await gateway.say("general", "alice", "!sure")
    yes_row, no_row = (await gateway.next_sent(ANSWER)).content["components"]
    assert len(yes_row["components"]) == 1
    assert no_row["components"][1]["component"] == {"label": "Site", "style": 5, "url": "https://mezon.ai"}
    await press(gateway, no_row["components"][0]["id"])
    await until(lambda: presses == ["yes", "yes", "no"])
    await gateway.say("general", "alice", "!sure_not 0")
    over = (await gateway.next_sent(ANSWER)).content["components"][1]["components"][0]["id"]
    await press(gateway, over)
    assert (await gateway.next_sent(SECRET)).text == "This button does not work any more."
    await press(gateway, "unknown")
    await press(gateway, "~cb/of-an-earlier-life", "bob")
    assert (await gateway.next_sent(SECRET)).text == "This button does not work any more."


async def test_buttons_that_are_over_make_room_before_those_that_work(bot: Bot) -> None:
    async def callback(click: Click) -> None: ...

    def made(timeout: float) -> str:
        body = bot.body("x", [Button("x", callback=callback)], timeout)
        assert isinstance(body, Text)
        return str(body.content["components"][0]["components"][0]["id"])

    lasting = [made(1000) for _ in range(9)]
    for _ in range(20_000):
        made(0)
    assert all(bot.callbacks.get(one) is callback for one in lasting)


async def test_a_failing_callback_is_told_and_reported(gateway: LocalGateway, bot: Bot) -> None:
    reported: list[Exception] = []
    bot.on_error(lambda error, name: reported.append(error))

    @bot.button("break")
    async def broken(click: Click) -> None:
        raise RuntimeError("oops")

    @bot.command()
    async def show(ctx: Context) -> None:
        await ctx.send("x", buttons=[broken.button("Break", style=ButtonMessageStyle.DANGER)])

    await bot.login()
    await gateway.say("general", "alice", "!show")
    component = (await gateway.next_sent(ANSWER)).content["components"][0]["components"][0]
    assert component == {"id": "break", "type": 1, "component": {"label": "Break", "style": 4}}
    await press(gateway, "break")
    assert "Something went wrong" in (await gateway.next_sent(SECRET)).text
    await until(lambda: bool(reported))
    assert str(reported[0]) == "oops"


async def test_buttons_by_pattern(gateway: LocalGateway, bot: Bot) -> None:
    @bot.button("vote/{poll}/{choice:int}")
    async def vote(click: Click, poll: str, choice: int) -> None:
        await click.update(
            f"{poll!r} {choice!r}", buttons=[vote.button("Again", poll=poll, choice=choice + 1)]
        )

    @bot.button("file/{path:path}/{size}")
    async def file(click: Click, path: str, size: Literal["s", "l"]) -> None:
        await click.whisper(f"{path} {size}")

    assert vote.id(poll="lunch", choice=-3) == "vote/lunch/-3"
    for wrong in (
        {"poll": "a"},
        {"poll": "a/b", "choice": 1},
        {"poll": "a", "choice": "x"},
        {"poll": "", "choice": 1},
    ):
        with pytest.raises(InvalidArgumentError):
            vote.id(**wrong)
    for pattern in ("", "~x", "{a}/{a}", "{a:float}"):
        with pytest.raises(InvalidArgumentError):
            bot.button(pattern)(lambda click: None)

    @bot.command()
    async def poll(ctx: Context) -> None:
        await ctx.send("Vote", buttons=[vote.button("One", poll="lunch", choice=1)])

    await bot.login()
    await gateway.say("general", "alice", "!poll")
    await gateway.next_sent(ANSWER)
    await press(gateway, "vote/lunch/1")
    update = await gateway.next_sent("UpdateChannelMessage")
    assert update.text == "'lunch' 1"
    assert update.content["components"][0]["components"][0]["id"] == "vote/lunch/2"
    await press(gateway, "file/a/b.txt/x")
    await press(gateway, "file/a/b.txt/s")
    assert (await gateway.next_sent(SECRET)).text == "a/b.txt s"


async def test_double_clicks_are_one_click(
    gateway: LocalGateway, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_handlers, "SAME_CLICK", 0.3)
    count: list[int] = []

    @bot.button("more")
    async def more(click: Click) -> None:
        count.append(click.user_id)
        await asyncio.sleep(0.01)

    @bot.command()
    async def show(ctx: Context) -> None:
        await ctx.send("x", buttons=[more.button("More")])

    await bot.login()
    await gateway.say("general", "alice", "!show")
    await gateway.next_sent(ANSWER)
    for user in ("alice", "alice", "bob", "alice"):
        await press(gateway, "more", user)
    await until(lambda: len(count) >= 2)
    await asyncio.sleep(0.35)
    await press(gateway, "more")
    await until(lambda: len(count) >= 3)
    alice, bob = (gateway.world.user(name).id for name in ("alice", "bob"))
    assert count == [alice, bob, alice]


async def test_select_boxes(gateway: LocalGateway, bot: Bot) -> None:
    @bot.select("dish/{day}")
    async def dish(click: Click, day: str) -> None:
        await click.reply(f"{day}: {click.values[click.id]}")

    @bot.command()
    async def menu(ctx: Context) -> None:
        await ctx.send(form_content("Menu", [Select("dish/mo", options=["pho", "bun"])], []))

    await bot.login()
    await gateway.say("general", "alice", "!menu")
    await gateway.next_sent(ANSWER)
    await gateway.select(last_message(gateway), "alice", "other", ["x"])
    await gateway.select(last_message(gateway), "alice", "dish/mo", ["bun"])
    assert (await gateway.next_sent(ANSWER)).text == "mo: ['bun']"
    assert await answer_to(gateway, "!help menu") == "!menu"
