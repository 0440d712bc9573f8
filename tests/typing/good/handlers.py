"""Handlers as bots write them; all of this must type-check."""

from __future__ import annotations

import functools
from typing import Any

from mezon import Disconnect, Events, Gap, MezonClient, UnfilledGap
from mezon.models import (
    AIAgentSessionStartedEvent,
    ChannelCreatedEvent,
    ChannelMessage,
    NotificationEvent,
    TokenSentEvent,
    UserChannelAddedEvent,
)
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2

client = MezonClient("1", "key")


@client.on_channel_message
async def hello(message: ChannelMessage) -> None:
    text: str = message.username or ""
    number: int = message.message_id
    await client.channels.fetch(number)
    print(text, message.raw_content)


@client.on_channel_message
def sync(message: ChannelMessage) -> None:
    print(message.sender_id)


@client.on_channel_message
def untyped(message):  # type: ignore[no-untyped-def]
    return message


def wide(event: object) -> None: ...


def anything(event: Any) -> Any:
    return event


client.on_channel_message(wide)
client.on_channel_message(anything)
client.on_channel_message(lambda message: print(message.message_id))
client.on_channel_message(functools.partial(anything))


class Bot:
    async def on_message(self, message: ChannelMessage) -> None: ...

    def __call__(self, message: ChannelMessage) -> None: ...


client.on_channel_message(Bot().on_message)
client.on_channel_message(Bot())
client.on(Events.CHANNEL_MESSAGE, hello)
client.on("channel_message", hello)
client.on("message_typing_event", anything)
client.off("channel_message", hello)
client.off(Events.CHANNEL_MESSAGE)


@client.on("role_event")
def role(event: realtime_pb2.RoleEvent) -> None: ...


@client.on_channel_created
async def created(event: ChannelCreatedEvent) -> None: ...


@client.on_token_send
async def paid(event: TokenSentEvent) -> None: ...


@client.on_message_reaction
async def reacted(event: api_pb2.MessageReaction) -> None: ...


@client.on_message_button_clicked
async def clicked(event: realtime_pb2.MessageButtonClicked) -> None:
    print(event.button_id)


@client.on_user_channel_added
async def added(event: UserChannelAddedEvent) -> None: ...


@client.on_notification
async def notified(event: NotificationEvent) -> None:
    for notification in event.notifications:
        print(notification.subject)


@client.on_ai_agent_session_started
async def started(event: AIAgentSessionStartedEvent) -> None: ...


@client.on_ready
async def ready() -> None: ...


@client.on_ready
async def ready_with_client(bot: MezonClient) -> None: ...


@client.on_disconnect
def lost(event: Disconnect) -> None:
    print(event.reason, event.will_reconnect)


@client.on_reconnected
def back(gap: Gap) -> None:
    print(gap.seconds)


@client.on_gap_unfilled
def incomplete(gap: UnfilledGap) -> None:
    print(gap.channel_ids, gap.reason, gap.final)


@client.on_error
def failed(error: Exception, event_name: str) -> None: ...


# What a decorator gives back is the handler itself, with its own type.
async def direct(message: ChannelMessage) -> None:
    await hello(message)
    sync(message)
    await client.on_channel_message(hello)(message)
