"""Methods of events and acknowledgements: reply, react, update, delete.

They are mixed into the models, and added to the protobuf class of a click. Each method finds the client through
``mezon/models/_origin.py``, and the client's directory creates the objects. The client and the structures stand above
this package and are imported for type checkers only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Unpack

from mezon import protobuf
from mezon.errors import InvalidArgumentError
from mezon.models._base import LEFT_OUT, Model, SentInt, json_or_none
from mezon.models._origin import OfClient

if TYPE_CHECKING:
    from mezon.models._outgoing import Content, EditOptions, ReactOptions, SendOptions
    from mezon.protobuf.rtapi.realtime_pb2 import MessageButtonClicked
    from mezon.structures import Clan, MessageHandle, TextChannel, User


class MessageAnswers(OfClient):
    """Methods of a received message. They raise MezonError for a message that no client has received."""

    @property
    def channel(self: Any) -> TextChannel:
        """The channel of the message."""
        channel: TextChannel = self.client.directory.channel_of(self)
        return channel

    @property
    def clan(self: Any) -> Clan:
        """The clan of the message; the clan with the id 0 for direct messages."""
        clan: Clan = self.channel.clan
        return clan

    @property
    def author(self: Any) -> User:
        """The author of the message."""
        author: User = self.client.directory.author_of(self)
        return author

    async def reply(self: Any, content: Content, **options: Unpack[SendOptions]) -> ChannelMessageAck:
        """Reply to the message; the options are those of ``Message.reply``.

        Raises:
            MezonError: If the reply cannot be sent.
        """
        ack: ChannelMessageAck = await self.client.directory.message_of(self).reply(content, **options)
        return ack

    async def react(
        self: Any, emoji_id: int, emoji: str, count: int = 1, **options: Unpack[ReactOptions]
    ) -> Any:
        """React to the message; the options are those of ``Message.react``.

        Raises:
            MezonError: If the server refuses the reaction.
        """
        return await self.client.directory.message_of(self).react(emoji_id, emoji, count, **options)

    async def update(self: Any, content: Content, **options: Unpack[EditOptions]) -> ChannelMessageAck:
        """Edit the message, which must be the bot's own; the options are those of ``Message.update``."""
        ack: ChannelMessageAck = await self.client.directory.message_of(self).update(content, **options)
        return ack

    async def delete(self: Any) -> Any:
        """Delete the message."""
        return await self.client.directory.message_of(self).delete()


class SentAnswers(OfClient):
    """Methods of an acknowledgement. They raise MezonError unless a client has sent the message."""

    @property
    def message(self: Any) -> MessageHandle:
        """A handle of the sent message."""
        handle: MessageHandle = self.client.directory.handle_of_ack(self)
        return handle

    async def update(self: Any, content: Content, **options: Unpack[EditOptions]) -> ChannelMessageAck:
        """Edit the sent message; the options are those of ``Message.update``."""
        ack: ChannelMessageAck = await self.message.update(content, **options)
        return ack

    async def delete(self: Any) -> Any:
        """Delete the sent message."""
        return await self.message.delete()

    async def react(
        self: Any, emoji_id: int, emoji: str, count: int = 1, **options: Unpack[ReactOptions]
    ) -> Any:
        """React to the sent message; the options are those of ``Message.react``."""
        return await self.message.react(emoji_id, emoji, count, **options)

    async def reply(self: Any, content: Content, **options: Unpack[SendOptions]) -> ChannelMessageAck:
        """Reply to the sent message; the options are those of ``Message.reply``."""
        ack: ChannelMessageAck = await self.message.reply(content, **options)
        return ack


class ChannelMessageAck(SentAnswers, Model):
    """The acknowledgement of a sent message. Times are UNIX seconds."""

    channel_id: SentInt = LEFT_OUT
    mode: int | None = None
    message_id: SentInt = LEFT_OUT
    code: int | None = 0
    username: str | None = None
    create_time: str | None = None
    update_time: str | None = None
    persistence: bool | None = None
    clan_id: int | None = None
    channel_label: str | None = None
    is_public: bool | None = None

    create_time_seconds: int | None = None
    update_time_seconds: int | None = None
    persistent: bool | None = None
    clan_logo: str | None = None
    category_name: str | None = None


class ChoiceAnswers(OfClient):
    """Methods of a click on a button, or of a choice in a select box."""

    @property
    def message(self: Any) -> MessageHandle:
        """A handle of the message with the component; ``await click.message.fetch()`` returns the message itself."""
        handle: MessageHandle = self.client.directory.handle_of(
            self.channel_id, self.message_id, self.sender_id
        )
        return handle

    async def reply(self: Any, content: Content, **options: Unpack[SendOptions]) -> ChannelMessageAck:
        """Reply to the message with the component; the options are those of ``Message.reply``.

        Raises:
            MezonError: If the reply cannot be sent.
        """
        ack: ChannelMessageAck = await self.message.reply(content, **options)
        return ack

    async def update(self: Any, content: Content, **options: Unpack[EditOptions]) -> ChannelMessageAck:
        """Edit the message with the component; the options are those of ``Message.update``.

        Raises:
            MezonError: If the server refuses the edit.
        """
        ack: ChannelMessageAck = await self.message.update(content, **options)
        return ack

    @property
    def author(self: Any) -> User:
        """The user who clicked, with the names that messages, lists of members or ``users.fetch`` have provided.

        The object has no names if the bot has not seen the user yet; ``await client.users.fetch(click.user_id)`` asks
        the server.
        """
        user: User = self.client.directory.user_of(self.user_id)
        return user


class FormAnswers(ChoiceAnswers):
    """Methods of a click on a button, which carries the values of the message's inputs."""

    @property
    def values(self: Any) -> dict[str, str | list[str]]:
        """The values of the message's inputs by id, or the choice in a select box by the id of the box."""
        chosen = chosen_value(self.extra_data)
        return parse_extra_data(self.extra_data) if chosen is None else {self.button_id: chosen}


def chosen_value(extra_data: str) -> str | None:
    """Return the value that a user chose in a select box, or None for a click on a button.

    Mezon's apps send a choice as a click with the bare value. The ``extra_data`` of a button is empty or a JSON object.
    """
    return extra_data if extra_data and not isinstance(json_or_none(extra_data), dict) else None


def parse_extra_data(extra_data: str, *, strict: bool = False) -> dict[str, str | list[str]]:
    """Return the values of a form in the ``extra_data`` of a click.

    Mezon's apps send a JSON object from the id of each input, select box, date picker and radio group to its value: the
    text as it was typed (also for numbers), the ``value`` of the chosen option, a date as ``YYYY-MM-DD`` or
    ``dd/MM/yyyy``, or a list for several choices. Untouched inputs can be missing, and values of removed inputs can
    remain. Any other text results in no values.

    Args:
        extra_data: The text of the event; "" or ``{}`` for an untouched form.
        strict: Raise for a text that no app sends, instead of returning no values.

    Raises:
        InvalidArgumentError: If ``strict``, and the text is not a JSON object of such values.
    """
    if not extra_data:
        return {}
    try:
        found = json.loads(extra_data)
        readable = isinstance(found, dict) and not (strict and any(map(_is_nested, found.values())))
        if readable:
            return {
                name: [_text(item) for item in value] if isinstance(value, list) else _text(value)
                for name, value in found.items()
                if value is not None
            }
    except (ValueError, RecursionError):
        pass
    if strict:
        raise InvalidArgumentError(
            "extra_data must be a JSON object from the id of each input to a text, a number or a list of them"
        )
    return {}


def _is_nested(value: Any) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, list | dict) for item in items)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def add_answers(kind: type) -> None:
    """Add the methods of a click to its protobuf class, which stays the class that protobuf made."""
    for name in ("author", "client", "message", "reply", "update", "values"):
        if not hasattr(kind, name):
            setattr(kind, name, getattr(FormAnswers, name))


if TYPE_CHECKING:

    class ButtonClicked(FormAnswers, MessageButtonClicked):
        """A click on a button: ``mezon.protobuf.rtapi.realtime_pb2.MessageButtonClicked`` with methods."""


def __getattr__(name: str) -> Any:
    # At run time ButtonClicked is the protobuf class itself, which is imported on first use.
    if name == "ButtonClicked":
        kind = protobuf.realtime_pb2.MessageButtonClicked
        add_answers(kind)
        return kind
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
