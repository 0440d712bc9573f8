"""Handlers that must not type-check; each line with an error says which."""

from __future__ import annotations

from mezon import MezonClient
from mezon.models import ChannelCreatedEvent, ChannelMessage
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2

client = MezonClient("1", "key")


async def created(event: ChannelCreatedEvent) -> None: ...


async def message(event: ChannelMessage) -> None: ...


async def protobuf(event: api_pb2.ChannelMessage) -> None: ...


async def two(event: ChannelMessage, other: int) -> None: ...


async def none() -> None: ...


client.on_channel_message(created)  # E: type-var
client.on_channel_message(protobuf)  # E: type-var
client.on_channel_message(two)  # E: type-var
client.on_channel_message(none)  # E: type-var
client.on_channel_message("hello")  # E: call-overload
client.on_channel_created(message)  # E: type-var
client.on_message_reaction(message)  # E: type-var
client.on_token_send(message)  # E: type-var
client.on_role_event(message)  # E: type-var
client.on_notification(message)  # E: type-var
client.on_reconnected(message)  # E: type-var
client.on("channel_message", "hello")  # E: call-overload
client.on(5, message)  # E: call-overload


@client.on_channel_message  # E: type-var
async def attribute(event: realtime_pb2.RoleEvent) -> None: ...


@client.on_channel_message
async def typo(event: ChannelMessage) -> None:
    print(event.mesage_id)  # E: attr-defined


async def direct(event: api_pb2.ChannelMessage) -> None:
    await typo(event)  # E: arg-type
