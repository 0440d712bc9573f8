"""Each recorded call of the reference: the same request goes out, the same value comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mezon.errors
import mezon.models
import pytest
from aiohttp import web
from google.protobuf import json_format
from google.protobuf.message import Message
from http_doubles import Server
from mezon.api import MezonApi
from mezon.protobuf.api import api_pb2
from mezon.protobuf.utils import is_repeated

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "vectors" / "http.jsonl").read_text().splitlines()
]


def argument(value: Any) -> Any:
    if isinstance(value, dict) and "__model__" in value:
        return getattr(mezon.models, value["__model__"]).model_validate(value["fields"])
    return value


def has_recorded(value: Any, recorded: Any) -> bool:
    """Whether a value holds what was recorded. Fields the reference has not are no matter.

    Inside lists the models put the zero where the reference has None for "not on the wire".
    """
    if isinstance(recorded, dict):
        return all(has_recorded(getattr(value, name), item) for name, item in recorded.items())
    if isinstance(recorded, list):
        return len(value) == len(recorded) and all(map(has_recorded, value, recorded))
    return value == recorded if recorded is not None else not value


def holds_message(value: Any, message: Message) -> bool:
    """Whether every field of the message is found in the model under its name."""
    for descriptor, item in message.ListFields():
        name = {"clanId": "clan_id"}.get(descriptor.name, descriptor.name)
        found = getattr(value, name)
        if is_repeated(descriptor) and descriptor.message_type:
            if len(found) != len(item) or not all(map(holds_message, found, item)):
                return False
        elif descriptor.message_type:
            if not holds_message(found, item):
                return False
        elif found != (list(item) if is_repeated(descriptor) else item):
            return False
    return True


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["call"])
async def test_vector(vector: dict[str, Any], server: Server, api: MezonApi) -> None:
    body = bytes.fromhex(vector["response"])
    server.script = [web.Response(body=body, content_type="application/proto")]
    arguments = {name: argument(value) for name, value in vector["args"].items()}

    message = getattr(api_pb2, vector["response_type"].rpartition(".")[2]).FromString(body)
    value = None
    if isinstance(message, api_pb2.Session) and not message.token:
        # The reference returns a session that cannot be used.
        with pytest.raises(mezon.errors.AuthenticationError, match="without a token"):
            await api.mezon_authenticate(**arguments)
    else:
        value = await getattr(api, vector["call"])(**arguments)

    [seen] = server.seen
    wanted = vector["request"]
    assert (seen.method, seen.path, seen.query) == (wanted["method"], wanted["path"], wanted["query"])
    # The reference writes the repr of the bytes there: "Basic b'MTprZXk='".
    right = wanted["headers"]["Authorization"].replace("b'", "").rstrip("'")
    headers = {**wanted["headers"], "Authorization": right}
    assert {name: seen.headers[name] for name in headers} == headers
    assert seen.body == bytes.fromhex(wanted["body"])

    if value is None:
        return
    if not isinstance(value, Message | mezon.models.ApiSession):
        assert holds_message(value, message)
    if vector["reference_error"] is None:
        assert type(value).__name__ == vector["returns"]
        if isinstance(value, Message):
            shown = json_format.MessageToDict(value, preserving_proto_field_name=True)
            assert shown == vector["value"]["value"]
        else:
            assert has_recorded(value, vector["value"])


def test_all_vectors_are_there() -> None:
    assert len(VECTORS) == 60
    assert {vector["call"] for vector in VECTORS} == {
        "mezon_authenticate",
        "list_clans_descs",
        "list_channel_descs",
        "create_channel_desc",
        "get_channel_detail",
        "list_channel_voice_users",
        "list_roles",
        "add_quick_menu_access",
        "list_quick_menu_access",
        "delete_quick_menu_access",
    }


def test_a_lost_field_is_noticed() -> None:
    message = api_pb2.Role(id=5, title="a", channel_ids=[1, 2])
    model = mezon.models.ApiRole.from_protobuf(message)
    assert holds_message(model, message)
    model.channel_ids = [1]
    assert not holds_message(model, message)
