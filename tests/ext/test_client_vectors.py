"""Payloads of Mezon's apps (tests/vectors/clients.jsonl), pushed to a bot, and what a bot sends for them to render.

Each vector has its source, for example docs/protocol.md, "Forms", and the app that sends or reads it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
from ext_kit import ANSWER
from mezon import InteractiveBuilder, Text, TextChannel, Webhook, verify_app_data
from mezon.ext.commands import Bot, Context
from mezon.ext.components import Button, Click, Form
from mezon.models import AnimationConfig, InputFieldOption
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from patience import patient

LINES = (Path(__file__).parents[1] / "vectors" / "clients.jsonl").read_text(encoding="utf-8").splitlines()
VECTORS = [json.loads(line) for line in LINES]
KINDS = {"app_data", "choice", "click", "content", "embed", "form", "hashtag", "webhook"}


def vectors(kind: str) -> Any:
    """The vectors of a kind, as parameters."""
    found = [pytest.param(one, id=one["name"]) for one in VECTORS if one["kind"] == kind]
    return pytest.mark.parametrize("vector", found)


def filled(value: Any, gateway: LocalGateway) -> Any:
    """Put the id of the channel into a vector."""
    return json.loads(json.dumps(value).replace("{general}", str(gateway.world.channel("general").id)))


def on_message(gateway: LocalGateway, message: int) -> dict[str, int]:
    """The fields that a click and a choice share."""
    return {
        "message_id": message,
        "channel_id": gateway.world.channel("general").id,
        "sender_id": gateway.bot_id,
        "user_id": gateway.world.user("alice").id,
    }


def test_every_vector_is_tested() -> None:
    assert {one["kind"] for one in VECTORS} == KINDS
    names = [(one["kind"], one["name"]) for one in VECTORS]
    assert len(names) == len(set(names))


@vectors("click")
async def test_click(gateway: LocalGateway, bot: Bot, vector: dict[str, Any]) -> None:
    values: asyncio.Queue[Any] = asyncio.Queue()
    bot.on_message_button_clicked(lambda event: values.put_nowait(event.values))
    await bot.login()
    event = realtime_pb2.MessageButtonClicked(
        button_id="go", extra_data=vector["extra_data"], **on_message(gateway, 1)
    )
    await gateway.push(message_button_clicked=event)
    assert await asyncio.wait_for(values.get(), patient(10)) == vector["values"]


@vectors("choice")
async def test_choice(gateway: LocalGateway, bot: Bot, vector: dict[str, Any]) -> None:
    chosen: asyncio.Queue[Any] = asyncio.Queue()

    @bot.select("dish")
    async def dish(click: Click) -> None:
        chosen.put_nowait((click.values["dish"], click.actor_verified))

    await bot.login()
    if vector["event"] == "message_button_clicked":
        clicked = realtime_pb2.MessageButtonClicked(
            button_id="dish", extra_data=vector["extra_data"], **on_message(gateway, 1)
        )
        await gateway.push(message_button_clicked=clicked)
    else:
        selected = realtime_pb2.DropdownBoxSelected(
            selectbox_id="dish", values=vector["values"], **on_message(gateway, 1)
        )
        await gateway.push(dropdown_box_selected=selected)
    verified = vector["event"] == "dropdown_box_selected"
    assert await asyncio.wait_for(chosen.get(), patient(10)) == (vector["values"], verified)


class Lunch(Form):
    dish: Literal["pho", "bun"] = "bun"
    extras: list[Literal["egg", "herbs"]] = []  # noqa: RUF012 (pydantic copies it)
    when: date = date(2026, 1, 1)
    count: int = 1


@vectors("form")
async def test_form(gateway: LocalGateway, bot: Bot, vector: dict[str, Any]) -> None:
    submitted: asyncio.Queue[Any] = asyncio.Queue()

    @bot.form(Lunch)
    async def lunch(click: Click, form: Lunch) -> None:
        submitted.put_nowait(form.model_dump(mode="json"))

    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    sent = await channel.send(Lunch.content(title="Lunch"))
    event = realtime_pb2.MessageButtonClicked(
        button_id=Lunch.submit_id(),
        extra_data=vector["extra_data"],
        **on_message(gateway, sent.message_id or 0),
    )
    await gateway.push(message_button_clicked=event)
    assert await asyncio.wait_for(submitted.get(), patient(10)) == vector["form"]


@pytest.mark.parametrize("as_json", [False, True])
@vectors("hashtag")
async def test_hashtag(gateway: LocalGateway, vector: dict[str, Any], as_json: bool) -> None:
    bot = Bot(**gateway.client_options() | {"content_as_json": as_json})

    @bot.command()
    async def where(ctx: Context, channel: TextChannel) -> None:
        await ctx.reply(str(channel.id))

    await bot.login()
    await gateway.say("general", "alice", filled(vector["content"], gateway))
    assert (await gateway.next_sent(ANSWER)).text == str(gateway.world.channel("general").id)
    await bot.disconnect()


@vectors("content")
async def test_content(gateway: LocalGateway, bot: Bot, vector: dict[str, Any]) -> None:
    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    ack = await channel.send(vector["given"])
    sent = await gateway.next_sent(ANSWER)
    assert json.loads(sent.message.content) == vector["content"]
    # The cache has what the server has.
    assert channel.messages.get(ack.message_id or 0).content == vector["content"]  # type: ignore[union-attr]


def argument(value: Any) -> Any:
    """Make the model that an argument in a vector names."""
    models = {"InputFieldOption": InputFieldOption, "AnimationConfig": AnimationConfig}
    name = next(iter(value), "") if isinstance(value, dict) else ""
    return models[name](**value[name]) if name in models else value


@vectors("embed")
async def test_embed(gateway: LocalGateway, bot: Bot, vector: dict[str, Any]) -> None:
    builder = InteractiveBuilder("Card")
    for name, arguments, named in vector["calls"]:
        getattr(builder, name)(*map(argument, arguments), **named)
    await bot.login()
    channel = await bot.channels.fetch(gateway.world.channel("general").id)
    await channel.send({"t": "", "embed": [builder.build()]})
    (embed,) = json.loads((await gateway.next_sent(ANSWER)).message.content)["embed"]
    assert embed["fields"] == vector["fields"]
    assert embed["timestamp"].endswith("Z")


@vectors("app_data")
def test_app_data(vector: dict[str, Any]) -> None:
    data = verify_app_data(vector["data"], vector["secret"], max_age=None)
    assert data.user_id == 123456789


@vectors("webhook")
async def test_webhook(gateway: LocalGateway, vector: dict[str, Any]) -> None:
    general = gateway.world.channel("general")
    if vector["webhook"] == "channel":
        url = gateway.webhooks.channel_url(general)
        text = Text().bold("b").add(" ").hashtag(general.id, "general")
    else:
        url = gateway.webhooks.clan_url(member="alice")
        text = Text().bold("b")
    await Webhook(url).send(text)
    assert (await gateway.next_webhook()).body == filled(vector["body"], gateway)


# ---- Text


async def test_text_is_drawn_as_it_was_written(gateway: LocalGateway, bot: Bot) -> None:
    """The web client draws lines that begin with # as headings, in the text between two spans."""

    @bot.command()
    async def draw(ctx: Context) -> None:
        text = Text("# no 😀\n####### seven\n#tag\n").bold("# b").add("## no\n### no").mention(7, "an")
        await ctx.send(text.code_block("# comment\n# too", "python").raw("\n# yes\n").link("https://a.vn"))

    await bot.login()
    await gateway.say("general", "alice", "!draw")
    sent = await gateway.next_sent(ANSWER)
    content = json.loads(sent.message.content)
    zero = "\u200b"
    assert content["t"] == (
        f"{zero}# no 😀\n####### seven\n#tag\n# b{zero}## no\n{zero}### no@an# comment\n# too\n# yes\nhttps://a.vn"
    )
    units = content["t"].encode("utf-16-le")

    def span(one: Any) -> str:
        return units[2 * one["s"] : 2 * one["e"]].decode("utf-16-le")

    assert [(one["type"], span(one)) for one in content["mk"]] == [
        ("b", "# b"),
        ("pre", "# comment\n# too"),
        ("lk", "https://a.vn"),
    ]
    assert content["mk"][1]["language"] == "python"
    assert "lk" not in content
    (mention,) = sent.message.mentions
    assert units[2 * mention.s : 2 * mention.e].decode("utf-16-le") == "@an"


async def test_a_plain_text_is_sent_as_it_is(gateway: LocalGateway, bot: Bot) -> None:
    @bot.command()
    async def title(ctx: Context) -> None:
        await ctx.send("# yes")
        await ctx.send("# yes", buttons=[])
        await ctx.send("# yes", buttons=[Button("x", id="x")])
        for piece in Text("# no\n").raw("# yes " * 4).split(limit=16):
            await ctx.send(piece)

    await bot.login()
    await gateway.say("general", "alice", "!title")
    for text in ("# yes", "# yes", "# yes", "\u200b# no"):
        assert (await gateway.next_sent(ANSWER)).text == text
    assert str((await gateway.next_sent(ANSWER)).text).startswith("# yes")
