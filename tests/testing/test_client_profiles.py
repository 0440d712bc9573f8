"""What the bot receives from each of Mezon's clients, as docs/protocol.md, "Forms", describes it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from gateway_peer import Peer
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2 as rt
from mezon.testing import LocalGateway
from mezon.testing.profiles import CLIENTS, Client
from mezon.testing.records import Sent

OPTIONS = [{"label": "Phở", "value": "pho"}, {"label": "Bún", "value": "bun"}, {"label": "A", "value": "a"}]
TICKS = [
    {"label": "Egg", "name": "egg", "value": "egg"},
    {"label": "Herbs", "name": "herbs", "value": "herbs"},
]
BUTTONS = [
    {"id": "yes", "type": 1, "component": {"label": "Yes"}},
    {"id": "no", "type": 1, "component": {"label": "No", "disable": True}},
    {"id": "help", "type": 1, "component": {"label": "Help", "url": "https://example.com"}},
]


def field(name: str, kind: int, component: Any, **inputs: Any) -> dict[str, Any]:
    return {"name": name, "value": "", "inputs": {"id": name, "type": kind, "component": component, **inputs}}


def select(name: str = "dish", **component: Any) -> dict[str, Any]:
    return {"id": name, "type": 2, "component": {"options": OPTIONS, **component}}


def message(*fields: dict[str, Any], rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    rows = BUTTONS if rows is None else rows
    return {"t": "form", "embed": [{"fields": list(fields)}], "components": [{"components": rows}]}


async def sent_by_bot(gateway: LocalGateway, peer: Peer, content: dict[str, Any]) -> Sent:
    room = gateway.world.channel("general")
    await peer.call(
        channel_message_send=rt.ChannelMessageSend(
            clan_id=room.clan_id, channel_id=room.id, content=json.dumps(content)
        )
    )
    await peer.read()
    return await gateway.next_sent("message")


async def clicked(peer: Peer) -> tuple[str, str]:
    event = (await peer.read()).message_button_clicked
    return event.button_id, event.extra_data


@pytest.mark.parametrize(
    ("client", "untouched"), [("web", ""), ("android", ""), ("desktop", "{}"), ("ios", "{}")]
)
async def test_an_untouched_form(gateway: LocalGateway, peer: Peer, client: Client, untouched: str) -> None:
    sent = await sent_by_bot(gateway, peer, message(field("note", 3, {})))
    await gateway.click(sent, "yes", client=client)
    assert await clicked(peer) == ("yes", untouched)


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("web", {"text": "x", "number": 3, "dish": "pho", "many": ["bun"]}),
        ("android", {"text": "x", "number": "3", "dish": "pho", "many": ["bun"]}),
        ("ios", {"text": "x", "number": "3", "dish": "pho", "many": "bun"}),
        ("desktop", {"text": "x"}),
    ],
)
async def test_defaults_are_filled_in(
    gateway: LocalGateway, peer: Peer, client: Client, expected: dict[str, Any]
) -> None:
    chosen = {"label": "Phở", "value": "pho"}
    many = select("many", max_options=2, valueSelected={"label": "Bún", "value": "bun"})
    sent = await sent_by_bot(
        gateway,
        peer,
        message(
            field("text", 3, {"defaultValue": "x"}),
            field("number", 3, {"defaultValue": 3}),
            field("dish", 2, {"options": OPTIONS, "valueSelected": chosen}),
            {"name": "many", "inputs": many},
        ),
    )
    await gateway.click(sent, "yes", client=client)
    assert json.loads((await clicked(peer))[1]) == expected


async def test_web_keeps_the_values_of_removed_fields_and_the_others_do_not(
    gateway: LocalGateway, peer: Peer
) -> None:
    sent = await sent_by_bot(gateway, peer, message(field("note", 3, {}), field("old", 3, {})))
    clients: tuple[Client, ...] = ("web", "desktop")
    for client in clients:
        await gateway.click(sent, "yes", values={"note": "n", "old": "o"}, client=client)
        assert json.loads((await clicked(peer))[1]) == {"note": "n", "old": "o"}
    gateway.apply_update(gateway.state.find_message(sent), json.dumps(message(field("note", 3, {}))))
    await gateway.click(sent, "yes", client="desktop")
    assert json.loads((await clicked(peer))[1]) == {"note": "n"}
    await gateway.click(sent, "yes")
    assert json.loads((await clicked(peer))[1]) == {"note": "n", "old": "o"}
    # Each user and each message has a form of its own.
    await gateway.click(sent, "yes", user="bob")
    assert await clicked(peer) == ("yes", "")


@pytest.mark.parametrize(("client", "written"), [("web", "2026-02-05"), ("ios", "05/02/2026")])
@pytest.mark.parametrize("given", [date(2026, 2, 5), "2026-02-05"])
async def test_dates(
    gateway: LocalGateway, peer: Peer, client: Client, written: str, given: date | str
) -> None:
    sent = await sent_by_bot(gateway, peer, message(field("when", 4, {})))
    await gateway.submit(sent, {"when": given}, button="yes", client=client)
    assert json.loads((await clicked(peer))[1]) == {"when": written}


async def test_the_letters_of_the_web_client(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, message({"name": "dish", "inputs": select()}))
    for chosen, letters in (("pho", ["p", "h", "o"]), ("a", [])):
        await gateway.select(sent, "dish", chosen)
        assert await clicked(peer) == ("dish", chosen)
        await gateway.deselect(sent, "dish")
        await gateway.click(sent, "yes")
        assert await clicked(peer) == ("yes", json.dumps({"dish": letters}))
    with pytest.raises(LookupError, match="nothing is chosen"):
        await gateway.deselect(sent, "dish")
    with pytest.raises(ValueError, match="only web has a ✕"):
        await gateway.deselect(sent, "dish", client="desktop")


async def test_a_select_box_for_several_options_sends_each_one_once(
    gateway: LocalGateway, peer: Peer
) -> None:
    sent = await sent_by_bot(gateway, peer, message({"name": "dish", "inputs": select(max_options=2)}))
    await gateway.select(sent, "dish", ["pho"])
    await gateway.select(sent, "dish", ["pho", "bun"])
    assert [await clicked(peer), await clicked(peer)] == [("dish", "pho"), ("dish", "bun")]
    await gateway.click(sent, "yes")
    assert await clicked(peer) == ("yes", '{"dish": ["pho", "bun"]}')
    await gateway.deselect(sent, "dish", "pho")
    await gateway.click(sent, "yes")
    assert await clicked(peer) == ("yes", '{"dish": ["bun"]}')
    with pytest.raises(ValueError, match="at most 2 options, not 3"):
        await gateway.select(sent, "dish", ["pho", "bun", "a"])
    await gateway.select(sent, "dish", ["pho", "bun"], client="ios")  # sends nothing
    await gateway.click(sent, "yes", client="ios")
    assert await clicked(peer) == ("yes", '{"dish": "bun"}')


async def test_a_select_box_in_a_row_is_a_button_with_a_value(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, message(rows=[select(), *BUTTONS]))
    clients: tuple[Client, ...] = ("web", "desktop", "android")
    for client in clients:
        await gateway.select(sent, "bob", "dish", "pho", client=client)
        assert await clicked(peer) == ("dish", "pho")
        await gateway.click(sent, "yes", user="bob", client=client)
        assert await clicked(peer) == ("yes", CLIENTS[client].untouched)
    with pytest.raises(
        LookupError, match=r"the ios client does not draw 'dish': it has no select boxes in rows"
    ):
        await gateway.select(sent, "dish", "pho", client="ios")


async def test_radio_groups(gateway: LocalGateway, peer: Peer) -> None:
    same = [{**one, "name": "extras"} for one in TICKS]
    sent = await sent_by_bot(
        gateway,
        peer,
        message(field("extras", 5, TICKS, max_options=2), field("one", 5, same, max_options=2)),
    )
    await gateway.click(sent, "yes", values={"extras": ["egg", "herbs"], "one": "egg"})
    assert json.loads((await clicked(peer))[1]) == {"extras": ["egg", "herbs"], "one": "egg"}
    await gateway.click(sent, "yes", user="bob", values={"extras": "egg"})
    assert json.loads((await clicked(peer))[1]) == {"extras": ["egg"]}
    with pytest.raises(ValueError, match="takes one value on ios"):
        await gateway.click(sent, "yes", values={"extras": ["egg", "herbs"]}, client="ios")
    # Options with one name exclude each other.
    with pytest.raises(ValueError, match="takes one value on web"):
        await gateway.click(sent, "yes", values={"one": ["egg", "herbs"]})


async def test_what_a_client_does_not_draw_cannot_be_filled_in(gateway: LocalGateway, peer: Peer) -> None:
    row_input = {"id": "row", "type": 3, "component": {}}
    buttons = {"name": "b", "button": [{"id": "buy", "type": 1, "component": {"label": "Buy"}}]}
    sent = await sent_by_bot(
        gateway,
        peer,
        message(field("when", 4, {}), field("size", 5, TICKS), buttons, rows=[*BUTTONS, row_input]),
    )
    with pytest.raises(LookupError, match="has no date pickers in embeds; web, ios would"):
        await gateway.click(sent, "yes", values={"when": date(2026, 1, 1)}, client="desktop")
    with pytest.raises(LookupError, match="no date pickers in embeds"):
        await gateway.submit(sent, {"when": date(2026, 1, 1)}, button="yes", client="android")
    with pytest.raises(LookupError, match="no radio groups in embeds"):
        await gateway.click(sent, "yes", values={"size": "egg"}, client="desktop")
    with pytest.raises(LookupError, match="no inputs in rows; no client would"):
        await gateway.click(sent, "yes", values={"row": "x"})
    with pytest.raises(LookupError, match="no buttons in embeds; web would"):
        await gateway.click(sent, "buy", client="ios")
    await gateway.click(sent, "buy")
    assert await clicked(peer) == ("buy", "")


async def test_disabled_buttons_and_links(gateway: LocalGateway, peer: Peer) -> None:
    sent = await sent_by_bot(gateway, peer, message())
    clients: tuple[Client, ...] = ("web", "android")
    for client in clients:
        await gateway.click(sent, "no", client=client)
        assert (await clicked(peer))[0] == "no"
    clients = ("desktop", "ios")
    for client in clients:
        with pytest.raises(ValueError, match=f"disabled, and the {client} client does not press it"):
            await gateway.click(sent, "no", client=client)
    with pytest.raises(ValueError, match="opens a link"):
        await gateway.click(sent, "help")


async def test_only_the_author_of_the_message_receives_the_click(gateway: LocalGateway, peer: Peer) -> None:
    gateway.add_bot(99, "other key", "other")
    async with type(peer)(gateway) as other:
        other.session = gateway.new_session(99)
        await other.connect()
        sent = await sent_by_bot(gateway, peer, message({"name": "dish", "inputs": select()}))
        await other.read()  # the message itself
        await gateway.click(sent, "yes")
        await gateway.select(sent, "dish", "pho")
        assert [await clicked(peer), await clicked(peer)] == [("yes", ""), ("dish", "pho")]
        await gateway.say("general", "alice", "next")
        assert (await other.read()).channel_message.username == "alice"


async def test_the_gateway_has_a_default_client(gateway: LocalGateway, peer: Peer) -> None:
    assert gateway.client == "web"
    sent = await sent_by_bot(gateway, peer, message())
    gateway.client = "ios"
    await gateway.click(sent, "yes")
    assert await clicked(peer) == ("yes", "{}")
    await gateway.fill(await sent_by_bot(gateway, peer, message(rows=BUTTONS[:1])))
    assert await clicked(peer) == ("yes", "{}")
    with pytest.raises(
        ValueError, match="there is no client 'fax'; the clients are web, desktop, ios, android"
    ):
        LocalGateway(client="fax")  # type: ignore[arg-type]


async def test_quick_menus(gateway: LocalGateway, peer: Peer) -> None:
    general = gateway.world.channel("general")
    for number, (name, kind) in enumerate((("hello", 1), ("warn", 2)), start=1):
        gateway.world.menus[number] = gateway_menu(gateway, number, name, kind)
    message_id = await gateway.say("general", "bob", "spam spam")
    await peer.read()
    await gateway.choose_menu(message_id, "warn", user="alice")
    event = (await peer.read()).quick_menu_event
    alice, bob = gateway.world.user("alice"), gateway.world.user("bob")
    assert (event.menu_name, event.sender_id, event.message_sender_id) == ("warn", alice.id, bob.id)
    assert (event.message.id, event.message.channel_id) == (message_id, general.id)
    assert json.loads(event.message.content) == {"t": "spam spam"}
    await gateway.choose_menu(message_id, "hello", user="alice")
    said = (await peer.read()).channel_message
    assert (said.sender_id, json.loads(said.content)) == (alice.id, {"t": "*hello"})
    with pytest.raises(LookupError, match="no quick menu 'ban'; its menus are 'hello', 'warn'"):
        await gateway.choose_menu(message_id, "ban")


def gateway_menu(gateway: LocalGateway, number: int, name: str, kind: int) -> api_pb2.QuickMenuAccess:
    return api_pb2.QuickMenuAccess(
        id=number, bot_id=gateway.bot_id, menu_name=name, menu_type=kind, action_msg=f"*{name}"
    )
