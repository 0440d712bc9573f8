"""Clicks, choices and forms as Mezon's apps send them: docs/protocol.md, "Forms"."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any, Literal

import pytest
from ext_kit import ANSWER, last_message
from mezon import InvalidArgumentError
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button, Click, Form, Radio, Select, TextInput, form_content
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway

SECRET = "ephemeral_message_send"


async def click(
    gateway: LocalGateway, component: str, extra_data: str = "", *, user: str = "alice", message: int = 0
) -> None:
    """Send a click as the apps do; by default on the last message of the bot."""
    general = gateway.world.channel("general")
    event = realtime_pb2.MessageButtonClicked(
        message_id=message or last_message(gateway),
        channel_id=general.id,
        button_id=component,
        sender_id=gateway.bot_id,
        user_id=gateway.world.user(user).id,
        extra_data=extra_data,
    )
    await gateway.push(message_button_clicked=event)


def row_select(component: str, **settings: Any) -> dict[str, Any]:
    """A row with a select box."""
    options = [{"label": one, "value": one} for one in ("pho", "bun", '{"a": 1}')]
    return {
        "components": [{"id": component, "type": 2, "component": {"options": options, **settings}}],
    }


@pytest.fixture
def greedy(bot: Bot) -> Bot:
    """A bot whose button handler takes every id."""

    @bot.button("{x:path}")
    async def button(pressed: Click, x: str) -> None:
        await pressed.whisper(f"button {x} {json.dumps(pressed.values)}")

    @bot.select("dish/{day}")
    async def dish(chosen: Click, day: str) -> None:
        await chosen.whisper(f"{day}: {chosen.values[chosen.id]}")

    @bot.command()
    async def menu(ctx: Context) -> None:
        await ctx.send({"t": "Menu", "components": [row_select("dish/mo"), row_select("other")]})

    return bot


# ---- choices


async def test_a_choice_that_arrives_as_a_click_calls_the_select_handler(
    gateway: LocalGateway, greedy: Bot
) -> None:
    await greedy.login()
    await gateway.command("alice", "!menu")
    for value in ("pho", "bun", "pho", '{"a": 1}'):
        await click(gateway, "dish/mo", value)
        await gateway.expect(f"mo: {[value]}", kind="ephemeral")


async def test_both_events_of_a_choice_have_one_meaning(gateway: LocalGateway, greedy: Bot) -> None:
    await greedy.login()
    await gateway.command("alice", "!menu")
    general, alice = gateway.world.channel("general").id, gateway.world.user("alice").id
    event = realtime_pb2.DropdownBoxSelected(
        message_id=last_message(gateway),
        channel_id=general,
        selectbox_id="dish/mo",
        sender_id=gateway.bot_id,
        user_id=alice,
        values=["pho"],
    )
    # The desktop app has a tool that sends the event without values: nothing was chosen.
    empty = realtime_pb2.DropdownBoxSelected()
    empty.CopyFrom(event)
    del empty.values[:]
    await gateway.push(dropdown_box_selected=empty)
    await gateway.push(dropdown_box_selected=event)
    await gateway.expect("mo: ['pho']", kind="ephemeral")
    await click(gateway, "dish/mo", "pho")
    await gateway.expect("mo: ['pho']", kind="ephemeral")


@pytest.mark.parametrize("message", [0, 1])
async def test_a_button_handler_for_every_id_gets_no_choices(
    gateway: LocalGateway, greedy: Bot, message: int
) -> None:
    """Known messages tell buttons from select boxes; for the unknown message 1, the form of the values does."""
    await greedy.login()
    await gateway.command("alice", "!menu")
    await click(gateway, "other", "pho", message=message)
    await click(gateway, "dish/mo", "bun", message=message)
    await gateway.expect("mo: ['bun']", kind="ephemeral")
    await click(gateway, "ok", message=message)
    await gateway.expect("button ok {}", kind="ephemeral")


async def test_a_button_with_the_id_of_a_select_pattern_is_a_button(
    gateway: LocalGateway, greedy: Bot
) -> None:
    @greedy.command()
    async def ask(ctx: Context) -> None:
        await ctx.send("Sure?", buttons=[Button("Yes", id="dish/yes")])

    await greedy.login()
    await gateway.command("alice", "!ask")
    await click(gateway, "dish/yes", "{}")
    await gateway.expect("button dish/yes {}", kind="ephemeral")


async def test_wait_for_a_choice_takes_both_events(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def menu(ctx: Context) -> None:
        async with bot.stream("dropdown_box_selected") as choices:
            # The wait begins before the message is sent: the test clicks at once.
            waiting = asyncio.create_task(
                ctx.wait_for("dropdown_box_selected", lambda event: event.selectbox_id == "dish", timeout=5)
            )
            sent = await ctx.send({"t": "Menu", "components": [row_select("dish")]})
            chosen = await waiting
            assert chosen.message_id == sent.message_id
            await chosen.reply(f"{chosen.values} {(await choices.next(5)).values}")

    await bot.login()
    await gateway.say("general", "alice", "!menu")
    await gateway.next_sent(ANSWER)
    await click(gateway, "ok", "{}")
    await click(gateway, "other-dish", "x")
    await click(gateway, "dish", "pho")
    await gateway.expect("['pho'] ['x']")


async def test_values_of_an_event_are_the_bare_value(gateway: LocalGateway, bot: Bot) -> None:
    @bot.on_message_button_clicked
    async def clicked(event: Any) -> None:
        await event.reply(json.dumps(event.values))

    await bot.login()
    message = await gateway.say("general", "alice", "x")
    await click(gateway, "dish", "phở bò", message=message)
    await gateway.expect('{"dish": "ph\\u1edf b\\u00f2"}')
    await click(gateway, "ok", '{"dish": "pho"}', message=message)
    await gateway.expect('{"dish": "pho"}')


# ---- forms


class Lunch(Form):
    dish: Literal["pho", "bun"] = "bun"
    extras: list[Literal["egg", "herbs, fresh"]] = []  # noqa: RUF012 (pydantic copies it)
    when: date = date(2026, 2, 5)
    count: int = 1


FILLED = [
    ("", ("bun", [], date(2026, 2, 5), 1)),
    ("{}", ("bun", [], date(2026, 2, 5), 1)),
    ('{"when": "2026-03-01", "count": 3}', ("bun", [], date(2026, 3, 1), 3)),  # web
    (
        '{"when": "01/03/2026", "extras": "herbs, fresh"}',
        ("bun", ["herbs, fresh"], date(2026, 3, 1), 1),
    ),  # ios
    ('{"when": "1/3/2026", "extras": ["egg"]}', ("bun", ["egg"], date(2026, 3, 1), 1)),
    ('{"dish": ["p", "h", "o"]}', ("pho", [], date(2026, 2, 5), 1)),  # web, after the choice was removed
    ('{"dish": []}', ("bun", [], date(2026, 2, 5), 1)),
    ('{"dish": "pho", "removed": "x", "old": ["y"]}', ("pho", [], date(2026, 2, 5), 1)),  # web, stale values
]


@pytest.mark.parametrize("registered", [False, True])
async def test_every_app_can_fill_in_a_form(gateway: LocalGateway, bot: Bot, registered: bool) -> None:
    async def answer(where: Any, lunch: Lunch) -> None:
        await where.whisper(f"{lunch.dish} {lunch.extras} {lunch.when} {lunch.count}")

    if registered:
        bot.form(Lunch)(answer)

    @bot.button("{x:path}")
    async def other(pressed: Click, x: str) -> None:
        await pressed.whisper("the button handler")

    @bot.command()
    async def lunch(ctx: Context) -> None:
        if registered:
            await ctx.send(Lunch.content(title="Lunch"))
        else:
            await answer(ctx, await ctx.send_form(Lunch, title="Lunch"))

    await bot.login()
    for extra_data, (dish, extras, when, count) in FILLED:
        sent = await gateway.command("alice", "!lunch")
        (button,) = sent.content["components"][0]["components"]
        # A choice in the select box of a form is sent as a click as well, which nobody handles.
        await click(gateway, "dish", "pho")
        await click(gateway, button["id"], extra_data)
        await gateway.expect(f"{dish} {extras} {when} {count}", kind="ephemeral")


async def test_a_form_has_only_inputs_that_every_app_draws(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def lunch(ctx: Context) -> None:
        await ctx.send(Lunch.content(title="Lunch"))

    await bot.login()
    sent = await gateway.command("alice", "!lunch")
    inputs = {one["inputs"]["id"]: one["inputs"] for one in sent.content["embed"][0]["fields"]}
    assert {one["type"] for one in inputs.values()} == {2, 3}
    assert inputs["extras"]["component"]["max_options"] == 2
    assert "max_options" not in inputs["dish"]["component"]
    assert inputs["when"]["component"]["type"] == "date"
    assert inputs["when"]["component"]["defaultValue"] == "2026-02-05"
    assert inputs["count"]["component"]["defaultValue"] == "1"
    assert sent.content["embed"][0]["timestamp"].endswith("Z")


async def test_values_without_a_form_class_are_current_and_whole(gateway: LocalGateway, bot: Bot) -> None:
    @bot.button("order")
    async def order(pressed: Click) -> None:
        await pressed.whisper(json.dumps(pressed.values))

    @bot.command()
    async def menu(ctx: Context) -> None:
        several = Select("extras", options=["a", "b", "ab"], max_options=2, placeholder="None")
        sides = Radio("sides", options=["x", "y"], most=2)
        inputs = [Select("dish", options=["pho", "bun"]), several, TextInput("note", required=True), sides]
        await ctx.send(form_content("Menu", inputs, [Button("Order", id="order", icon="PLAY")]))

    await bot.login()
    sent = await gateway.command("alice", "!menu")
    assert sent.content["embed"][0]["fields"][1]["inputs"]["component"]["placeholder"] == "None"
    assert sent.content["embed"][0]["fields"][2]["inputs"]["component"]["required"] is True
    assert sent.content["components"][0]["components"][0]["component"]["icon"] == "PLAY"
    # The apps allow several choices in a radio group only if the names of its options differ.
    sides = sent.content["embed"][0]["fields"][3]["inputs"]
    assert [one["name"] for one in sides["component"]] == ["x", "y"]
    assert sides["max_options"] == 2
    await click(gateway, "order", '{"dish": ["p", "h", "o"], "extras": ["a", "b"], "removed": "x"}')
    await gateway.expect('{"dish": "pho", "extras": ["a", "b"]}', kind="ephemeral")


# ---- who clicked


async def test_a_button_for_one_user_refuses_others_and_forged_ids(gateway: LocalGateway, bot: Bot) -> None:
    @bot.button("ban/{user:int}", signed=True)
    async def ban(pressed: Click, user: int) -> None:
        await pressed.whisper(f"banned {user}, verified: {pressed.actor_verified}")

    async def pay(pressed: Click) -> None:
        await pressed.whisper(f"paid, verified: {pressed.actor_verified}")

    @bot.command()
    async def moderate(ctx: Context, where: str) -> None:
        buttons = [ban.button("Ban", user=7, only_for=ctx), Button("Pay", callback=pay, only_for=ctx.user_id)]
        await getattr(ctx, where)("Moderate", buttons=buttons)

    with pytest.raises(InvalidArgumentError, match="only_for"):
        ban.button("Ban", user=7)
    await bot.login()
    for where, kind in (("whisper", SECRET), ("send", ANSWER)):
        await gateway.say("general", "alice", f"!moderate {where}")
        sent = await gateway.next_sent(kind)
        content = sent.content or json.loads(sent.message.message.content)
        signed, callback = (one["id"] for one in content["components"][0]["components"])
        verified = where == "whisper"
        await click(gateway, signed, user="alice", message=1)
        await gateway.expect(f"banned 7, verified: {verified}", kind="ephemeral")
        await click(gateway, callback, user="alice", message=1)
        await gateway.expect(f"paid, verified: {verified}", kind="ephemeral")
        await click(gateway, signed, user="bob", message=1)
        await gateway.expect("This button is for another user.", kind="ephemeral")
        # What a modified client can make of the id: another user, another target, no signature at all.
        alice, bob = gateway.world.user("alice").id, gateway.world.user("bob").id
        for forged in (signed.replace(str(alice), str(bob)), signed.replace("ban/7", "ban/8"), f"{signed}0"):
            await click(gateway, forged, user="bob", message=1)
            await gateway.expect("This button does not work any more.", kind="ephemeral")
        await click(gateway, "ban/7", message=1)
        await click(gateway, callback.rpartition("~cb/")[1] + callback.rpartition("~cb/")[2], message=1)
        await gateway.say("general", "alice", "!help nothing")
        assert "There is no command" in str((await gateway.next_sent()).text)


async def test_signed_ids_survive_a_restart_and_belong_to_one_key(gateway: LocalGateway) -> None:
    options = gateway.client_options()

    def ids(api_key: str) -> str:
        bot = Bot(**options | {"api_key": api_key})
        row = bot.body("x", [Button("x", id="x", only_for=5)], private_to=5).content["components"]  # type: ignore[union-attr]
        return str(row[0]["components"][0]["id"])

    first, again, other = (
        Bot(**options | {"api_key": key}) for key in ("first-api-key", "first-api-key", "second-api-key")
    )
    made = ids("first-api-key")
    signed = first.signer.verify(made)
    assert signed is not None
    assert (signed.id, signed.user_id, signed.private) == ("x", 5, True)
    assert again.signer.verify(made) == signed
    assert other.signer.verify(made) is None
    assert made != ids("first-api-key")  # the ids of two messages differ
    assert "first-api-key" not in made
    for text in ("~for/", "~for/5/a/p/b", "~for/5/a/p/\udcff/x", "x/5/a/p/b/x"):
        assert first.signer.verify(text) is None


@pytest.mark.parametrize("user", [0, "x", object(), -5])
def test_only_for_takes_a_user(user: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="only_for"):
        Button("x", id="x", only_for=user)
