"""What can be done with an event: answer it. Mixed into the models, and put on the protobuf class of a click.

The client is found when a method is called (``mezon/models/_origin.py``), and its directory makes the objects: what
stands above the models is named here for type checkers alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mezon.errors import InvalidArgumentError
from mezon.models._origin import KEY, RECEIVERS, client_of

if TYPE_CHECKING:
    from mezon.client import MezonClient
    from mezon.models._body import Content
    from mezon.models.realtime import ChannelMessageAck
    from mezon.structures import Clan, MessageHandle, TextChannel, User


class OfClient:
    """An event that knows its client; not in its dump, ``==``, ``repr`` or pickle."""

    if TYPE_CHECKING:

        @property
        def client(self) -> MezonClient:
            """The client it came to.

            Raises:
                MezonError: If it came to none, as one made by hand.
            """

    else:
        client = property(client_of, doc="The client it came to. A MezonError if there is none.")

    def __getstate__(self) -> dict[Any, Any]:
        state: dict[Any, Any] = super().__getstate__()  # type: ignore[assignment]
        values = state.get("__dict__")
        if values is not None and KEY in values:
            state["__dict__"] = {
                name: value for name, value in values.items() if name not in (KEY, RECEIVERS)
            }
        return state


class MessageAnswers(OfClient):
    """What a received message can do. Every method needs a message that a client has received."""

    @property
    def channel(self: Any) -> TextChannel:
        """Where it was written."""
        channel: TextChannel = self.client.directory.channel_of(self)
        return channel

    @property
    def clan(self: Any) -> Clan:
        """The clan it was written in; the clan with the id 0 for direct messages."""
        clan: Clan = self.channel.clan
        return clan

    @property
    def author(self: Any) -> User:
        """Who wrote it."""
        author: User = self.client.directory.author_of(self)
        return author

    async def reply(self: Any, content: Content, **options: Any) -> ChannelMessageAck:
        """Answer it; the options are those of ``Message.reply``.

        Raises:
            MezonError: One of its kinds, if it cannot be sent.
        """
        ack: ChannelMessageAck = await self.client.directory.message_of(self).reply(content, **options)
        return ack

    async def react(self: Any, emoji_id: int, emoji: str, count: int = 1, **options: Any) -> Any:
        """React to it; the options are those of ``Message.react``.

        Raises:
            MezonError: One of its kinds, if the server does not take it.
        """
        return await self.client.directory.message_of(self).react(emoji_id, emoji, count, **options)

    async def update(self: Any, content: Content, **options: Any) -> ChannelMessageAck:
        """Change it, if it is the bot's own; the options are those of ``Message.update``."""
        ack: ChannelMessageAck = await self.client.directory.message_of(self).update(content, **options)
        return ack

    async def delete(self: Any) -> Any:
        """Delete it."""
        return await self.client.directory.message_of(self).delete()


class SentAnswers(OfClient):
    """What can be done with what was sent. Every method needs the acknowledgement of a client's own send."""

    @property
    def message(self: Any) -> MessageHandle:
        """The message that was sent."""
        handle: MessageHandle = self.client.directory.handle_of_ack(self)
        return handle

    async def update(self: Any, content: Content, **options: Any) -> ChannelMessageAck:
        """Change what was sent; the options are those of ``Message.update``."""
        ack: ChannelMessageAck = await self.message.update(content, **options)
        return ack

    async def delete(self: Any) -> Any:
        """Delete what was sent."""
        return await self.message.delete()

    async def react(self: Any, emoji_id: int, emoji: str, count: int = 1, **options: Any) -> Any:
        """React to what was sent; the options are those of ``Message.react``."""
        return await self.message.react(emoji_id, emoji, count, **options)

    async def reply(self: Any, content: Content, **options: Any) -> ChannelMessageAck:
        """Answer what was sent; the options are those of ``Message.reply``."""
        ack: ChannelMessageAck = await self.message.reply(content, **options)
        return ack


class ChoiceAnswers(OfClient):
    """What a click on a button, or a choice from a select box, can do."""

    @property
    def message(self: Any) -> MessageHandle:
        """The message with the button: it can be updated, deleted and answered; ``await fetch()`` gets it whole."""
        handle: MessageHandle = self.client.directory.handle_of(
            self.channel_id, self.message_id, self.sender_id
        )
        return handle

    async def reply(self: Any, content: Content, **options: Any) -> ChannelMessageAck:
        """Answer the message with the button; the options are those of ``Message.reply``.

        Raises:
            MezonError: One of its kinds, if it cannot be sent.
        """
        ack: ChannelMessageAck = await self.message.reply(content, **options)
        return ack

    async def update(self: Any, content: Content, **options: Any) -> ChannelMessageAck:
        """Change the message with the button; the options are those of ``Message.update``.

        Raises:
            MezonError: One of its kinds, if the server does not take it.
        """
        ack: ChannelMessageAck = await self.message.update(content, **options)
        return ack


class FormAnswers(ChoiceAnswers):
    """A click, which brings what was put into the form of its message."""

    @property
    def values(self: Any) -> dict[str, str | list[str]]:
        """What was put into the inputs of the message, by their ids; see ``parse_extra_data``."""
        return parse_extra_data(self.extra_data)


def parse_extra_data(extra_data: str, *, strict: bool = False) -> dict[str, str | list[str]]:
    """Return the values of a form, out of a click's ``extra_data``.

    Mezon's apps send a JSON object there, from the id of each input, select box, date picker and radio group to its
    value: a text as it was typed (numbers too), the ``value`` of the chosen option, a date as ``d/m/yyyy``, a list
    for several. What nobody touched may be missing. Anything that is no JSON object gives no values.

    Args:
        extra_data: The text of the event; "" for a form that nobody touched.
        strict: Raise for a text that no client's form makes, instead of returning no values.

    Raises:
        InvalidArgumentError: If ``strict``, and the text is no JSON object of such values.
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


def equip(kind: type) -> None:
    """Give the protobuf class of a click what a click can do. It stays the class that protobuf made."""
    for name in ("client", "message", "reply", "update", "values"):
        if not hasattr(kind, name):
            setattr(kind, name, getattr(FormAnswers, name))
