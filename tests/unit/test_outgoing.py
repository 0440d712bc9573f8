"""A message on its way out is one value; the public methods that send take it apart in the same order."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest
from mezon import (
    DirectOptions,
    EditOptions,
    EphemeralOptions,
    Message,
    MezonClient,
    ReactOptions,
    SendOptions,
    TextChannel,
    User,
)
from mezon.managers.socket import SocketManager
from mezon.models._outgoing import OutgoingMessage
from mezon.protobuf.rtapi.realtime_pb2 import ChannelMessageSend
from mezon.socket import Socket
from mezon.socket.message_builder import ChannelMessageBuilder, EphemeralMessageBuilder

#: The one method with other names for two of them, which the reference gave it.
RENAMED = {"msg": "content", "ref": "references"}


def parameters(method: Any) -> dict[str, Any]:
    found = inspect.signature(method).parameters.values()
    return {RENAMED.get(one.name, one.name): one.default for one in found if one.name != "self"}


def fields() -> dict[str, Any]:
    missing = {dataclasses.MISSING: inspect.Parameter.empty}
    return {one.name: missing.get(one.default, one.default) for one in dataclasses.fields(OutgoingMessage)}


@pytest.mark.parametrize(
    "method",
    [
        Socket.write_chat_message,
        SocketManager.write_chat_message,
        MezonClient.send_message,
        ChannelMessageBuilder.build,
    ],
    ids=lambda method: method.__qualname__,
)
def test_what_sends_takes_its_fields_in_their_order(method: Any) -> None:
    assert list(parameters(method).items()) == list(fields().items())


@pytest.mark.parametrize(
    "method",
    [Socket.write_ephemeral_message, SocketManager.write_ephemeral_message, EphemeralMessageBuilder.build],
    ids=lambda method: method.__qualname__,
)
def test_an_ephemeral_message_has_its_receivers_before_and_its_id_behind_them(method: Any) -> None:
    first, *between, last = parameters(method).items()
    assert first == ("receiver_ids", inspect.Parameter.empty)
    assert last == ("message_id", None)
    assert between == list(fields().items())


@pytest.mark.parametrize(
    ("options", "method"),
    [
        (SendOptions, TextChannel.send),
        (SendOptions, Message.reply),
        (EditOptions, Message.update),
        (ReactOptions, Message.react),
        (DirectOptions, User.send_dm_message),
        (EphemeralOptions, TextChannel.send_ephemeral),
    ],
    ids=lambda one: one.__qualname__,
)
def test_the_options_are_the_optional_parameters_of_the_method(options: Any, method: Any) -> None:
    given = [name for name, default in parameters(method).items() if default is not inspect.Parameter.empty]
    assert sorted(options.__annotations__) == sorted(set(given) - {"count"})


def test_the_names_are_those_of_the_schema() -> None:
    assert set(fields()) <= set(ChannelMessageSend.DESCRIPTOR.fields_by_name)
    assert set(OutgoingMessage(1, 2, 3, True, "x").fields()) == set(fields())
