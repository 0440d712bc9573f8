"""Every recorded call on the socket, and what the gateway gets (docs/protocol.md, "Sending")."""

from __future__ import annotations

import asyncio
import json
import pathlib
from typing import Any

import mezon.models
import pytest
from google.protobuf.message import Message
from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageRef
from mezon.protobuf.rtapi import realtime_pb2
from peer import API_BODIES, Gateway, Inbox
from small import without_nulls
from waiting import until

VECTORS: dict[str, list[dict[str, Any]]] = {}
for _line in (
    (pathlib.Path(__file__).parents[1] / "vectors" / "outbound.jsonl").read_text("utf-8").splitlines()
):
    _vector = json.loads(_line)
    VECTORS.setdefault(_vector["call"], []).append(_vector)


def argument(value: Any) -> Any:
    """A recorded argument: models are written by name and alias."""
    if isinstance(value, dict) and "__model__" in value:
        return getattr(mezon.models, value["__model__"]).model_validate(value["fields"])
    if isinstance(value, dict):
        return {key: argument(item) for key, item in value.items()}
    return [argument(item) for item in value] if isinstance(value, list) else value


def normal(envelope: realtime_pb2.Envelope) -> tuple[Message, Message | None]:
    """Without the cid, content as JSON with sorted keys and without nulls, the body of an API call beside."""
    envelope = realtime_pb2.Envelope.FromString(envelope.SerializeToString())
    envelope.cid = 0
    body = None
    kind = envelope.WhichOneof("message")
    holder: Any = getattr(envelope, str(kind))
    if kind == "api_request_event":
        body = holder = API_BODIES[holder.api_name].FromString(holder.body)
        envelope.api_request_event.body = b""
    elif kind == "ephemeral_message_send":
        holder = holder.message
    if "content" in holder.DESCRIPTOR.fields_by_name:
        holder.content = json.dumps(without_nulls(json.loads(holder.content)), sort_keys=True)
    return envelope, body


@pytest.mark.parametrize("through", ["socket_manager", "get_socket"])
@pytest.mark.parametrize("call", sorted(VECTORS))
async def test_calls(gateway: Gateway, client: Any, call: str, through: str) -> None:
    """Every call on client.socket_manager and get_socket() sends the recorded envelope (content without nulls)."""
    owner = client.socket_manager
    if through == "get_socket" or not hasattr(owner, call):
        owner = owner.get_socket()
    await gateway.call("silence", "*")
    seen = len(gateway.sent)
    for vector in VECTORS[call]:
        arguments = {name: argument(value) for name, value in vector["args"].items()}
        task = asyncio.ensure_future(getattr(owner, call)(**arguments))
        await until(lambda: len(gateway.sent) > seen)  # noqa: B023 (awaited here)
        task.cancel()
        await asyncio.wait([task])
        expected = realtime_pb2.Envelope.FromString(bytes.fromhex(vector["frame"]))
        assert normal(gateway.sent[seen].envelope) == normal(expected), vector
        seen += 1


MENTION = {"user_id": 1, "username": "bob", "role_id": 2, "rolename": "mod", "s": 3, "e": 4}
ATTACHMENT = {
    "filename": "a.mp4",
    "filetype": "video/mp4",
    "height": 1,
    "width": 2,
    "size": 3,
    "url": "https://x.example/a",
    "thumbnail": "https://x.example/t",
    "duration": 4,
}
REFERENCE = {
    "message_ref_id": 1,
    "content": "{}",
    "has_attachment": True,
    "message_sender_id": 2,
    "message_sender_username": "bob",
    "message_sender_avatar": "https://x.example/b",
    "message_sender_clan_nick": "Bobby",
    "message_sender_display_name": "Bob",
}


@pytest.mark.parametrize("call", ["write_chat_message", "write_ephemeral_message", "update_chat_message"])
async def test_every_field_is_sent(gateway: Gateway, client: Any, call: str) -> None:
    """Every field a model carries is sent: thumbnail, duration, rolename, the avatar and names of a reference."""
    channel = await gateway.channel_id("general")
    arguments: dict[str, Any] = {
        "clan_id": await gateway.clan_id(),
        "channel_id": channel,
        "mode": 2,
        "is_public": True,
        "content": {"t": "x"},
        "mentions": [ApiMessageMention(**MENTION)],
        "attachments": [ApiMessageAttachment(**ATTACHMENT)],
    }
    if call == "update_chat_message":
        room = await client.channels.fetch(channel)
        arguments["message_id"] = (await room.send({"t": "first"})).message_id
        await gateway.next_sent("channel_message_send")
    else:
        arguments["references"] = [ApiMessageRef(**REFERENCE)]
    if call == "write_ephemeral_message":
        arguments["receiver_ids"] = [await gateway.user_id("alice")]
    await getattr(client.socket_manager, call)(**arguments)
    sent = (await gateway.next_sent()).message
    sent = sent.message if call == "write_ephemeral_message" else sent
    assert {name: getattr(sent.mentions[0], name) for name in MENTION} == MENTION
    assert {name: getattr(sent.attachments[0], name) for name in ATTACHMENT} == ATTACHMENT
    if call != "update_chat_message":
        assert {name: getattr(sent.references[0], name) for name in REFERENCE} == REFERENCE


async def test_content_on_the_wire(gateway: Gateway, client: Any) -> None:
    """Content is sent as compact UTF-8 JSON without nulls."""
    from mezon.models import ChannelMessageContent

    channel = await client.channels.fetch(await gateway.channel_id("general"))
    await channel.send(ChannelMessageContent(t="xin chào 🎉"))
    assert (await gateway.next_sent("channel_message_send")).message.content == '{"t":"xin chào 🎉"}'


async def test_every_cid_is_its_own(gateway: Gateway, client: Any) -> None:
    """Calls that are made at the same time each get their own answer."""
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    acks = await asyncio.gather(*(channel.send({"t": str(number)}) for number in range(50)))
    for number, ack in enumerate(acks):
        message = await gateway.call("world.message", ack.message_id)
        assert json.loads(message.content) == {"t": str(number)}


async def test_raw_answers_of_many_chunks(make_gateway: Any, make_client: Any) -> None:
    """An API answer of many chunks is put together (it kills the connection of the reference)."""
    gateway = await make_gateway(chunk_count=50)
    client = make_client(host=gateway.info["host"], port=gateway.info["port"])
    await client.login()
    inbox = Inbox()
    client.on_channel_message(inbox)
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    ack = await channel.send({"t": "before"})
    await inbox.next()
    message = await channel.messages.fetch(ack.message_id)
    await message.update({"t": "after " + "x" * 500})
    assert json.loads((await gateway.call("world.message", ack.message_id)).content)["t"].startswith("after")
    assert await client.socket_manager.is_connected()


async def test_a_late_answer_is_nobodys(gateway: Gateway, make_client: Any) -> None:
    """A call that times out raises a TimeoutError; its late answer disturbs nobody."""
    client = make_client(timeout=300)
    await client.login()
    await gateway.call("delay", "channel_message_send", 0.6, times=1)
    channel = await client.channels.fetch(await gateway.channel_id("general"))
    with pytest.raises(TimeoutError):
        await channel.send({"t": "slow"})
    for number in range(3):
        ack = await channel.send({"t": str(number)})
        assert ack.message_id
    await asyncio.sleep(0.5)
    assert (await channel.send({"t": "later"})).message_id
