"""The protobuf builders and the promise executor, kept for bots that built on them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import mezon.models
import pytest
from google.protobuf.json_format import MessageToDict
from mezon.errors import MezonError
from mezon.models import ApiMessageAttachment, ApiMessageMention, ApiMessageRef
from mezon.protobuf.api import api_pb2
from mezon.protobuf.utils import encode_protobuf, parse_api_protobuf, parse_protobuf
from mezon.socket.message_builder import (
    ChannelMessageBuilder,
    ChannelMessageUpdateBuilder,
    EphemeralMessageBuilder,
    MessageReactionBuilder,
)
from mezon.socket.promise_executor import PromiseExecutor
from small import without_nulls

BUILDERS: dict[str, tuple[Any, str]] = {
    "write_chat_message": (ChannelMessageBuilder, "channel_message_send"),
    "write_ephemeral_message": (EphemeralMessageBuilder, "ephemeral_message_send"),
    "write_message_reaction": (MessageReactionBuilder, "message_reaction_event"),
    "update_chat_message": (ChannelMessageUpdateBuilder, "api_request_event"),
}
VECTORS = [
    vector
    for line in (Path(__file__).parents[1] / "vectors" / "outbound.jsonl").read_text("utf-8").splitlines()
    if (vector := json.loads(line))["call"] in BUILDERS
]


def as_model(value: Any) -> Any:
    if isinstance(value, list):
        return [as_model(item) for item in value]
    if isinstance(value, dict) and "__model__" in value:
        return getattr(mezon.models, value["__model__"]).model_validate(value["fields"])
    return value


def comparable(message: Any) -> dict[str, Any]:
    """The fields of a message, its content as JSON without nulls."""
    fields = MessageToDict(message, preserving_proto_field_name=True)
    holder = fields.get("message", fields)
    if "content" in holder:
        holder["content"] = without_nulls(json.loads(holder["content"]))
    return fields


def covers(recorded: Any, built: Any) -> bool:
    """Whether ``built`` has all that was recorded; it may have what the reference drops of a model."""
    if isinstance(recorded, dict):
        return all(key in built and covers(value, built[key]) for key, value in recorded.items())
    if isinstance(recorded, list):
        return len(recorded) == len(built) and all(map(covers, recorded, built))
    return bool(recorded == built)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["call"])
def test_recorded_calls(vector: dict[str, Any]) -> None:
    builder, field = BUILDERS[vector["call"]]
    arguments = {key: as_model(value) for key, value in vector["args"].items()}
    built = builder.build(**arguments)
    expected = getattr(parse_protobuf(bytes.fromhex(vector["frame"])), field)
    if field == "api_request_event":
        expected = parse_api_protobuf(expected.body, type(built))
    assert covers(comparable(expected), comparable(built))
    assert parse_api_protobuf(encode_protobuf(built), type(built)) == built


def test_every_field_of_a_part_is_sent() -> None:
    mention = ApiMessageMention(id=1, user_id=2, username="u", role_id=3, rolename="r", s=4, e=5)
    attachment = ApiMessageAttachment(url="u", thumbnail="t", duration=6, size=7)
    reference = ApiMessageRef(
        message_ref_id=1,
        message_sender_id=2,
        ref_type=3,
        message_sender_avatar="a",
        message_sender_clan_nick="n",
        message_sender_display_name="d",
    )
    built = ChannelMessageBuilder.build(1, 2, 2, True, "x", [mention], [attachment.model_dump()], [reference])
    assert built.content == '{"t": "x"}'
    assert built.mentions[0] == api_pb2.MessageMention(
        id=1, user_id=2, username="u", role_id=3, rolename="r", s=4, e=5
    )
    assert built.attachments[0] == api_pb2.MessageAttachment(url="u", thumbnail="t", duration=6, size=7)
    assert (built.references[0].message_sender_avatar, built.references[0].ref_type) == ("a", 3)
    assert built.references[0].message_sender_clan_nick == "n"
    assert built.references[0].message_sender_display_name == "d"


async def test_promise_executor() -> None:
    loop = asyncio.get_running_loop()
    done = PromiseExecutor(loop)
    done.resolve(1)
    done.reject("late")
    assert await done.future == 1
    failed = PromiseExecutor(loop)
    failed.set_timeout(60, failed.cancel)
    failed.reject("why")
    assert failed.timeout_handle is None
    with pytest.raises(MezonError, match="why"):
        await failed.future
    late = PromiseExecutor(loop)
    late.set_timeout(0, lambda: late.reject(ValueError("late")))
    with pytest.raises(ValueError, match="late"):
        await late.future
    given_up = PromiseExecutor(loop)
    given_up.cancel()
    assert given_up.future.cancelled()
