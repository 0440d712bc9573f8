"""What users do: they talk, edit, delete, react, click, fill forms in, come and go."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.inputs import SELECT, Part, fill_in, find_button, parts_of, wire_value
from mezon.testing.messages import (
    CHAT,
    REMOVED,
    UPDATED,
    build_message,
    content_of,
    content_text,
    make_attachments,
    make_mentions,
    make_reference,
)
from mezon.testing.pushing import Pushing
from mezon.testing.records import Sent
from mezon.testing.world import Channel, Clan, User

__all__ = ["Message", "People", "Who"]

Who = User | int | str
"""A user, their id, or their name."""

Message = Sent | int | api_pb2.ChannelMessage
"""A message: what the bot sent, its id, or the message itself."""


class People(Pushing):
    """The users of a ``mezon.testing.LocalGateway``."""

    # Talking

    async def say(
        self,
        channel: Channel | int | str,
        user: Who,
        content: str | Mapping[str, Any],
        *,
        mentions: Iterable[Who | api_pb2.MessageMention | Mapping[str, Any]] = (),
        reply_to: Message | None = None,
        attachments: Iterable[str | api_pb2.MessageAttachment | Mapping[str, Any]] = (),
        topic_id: int = 0,
        code: int = CHAT,
        created: int = 0,
    ) -> int:
        """Let a user say something; every connected bot hears it. Returns the message id.

        ```python
        await gateway.say("general", "alice", "hello @bob", mentions=["bob"])
        ```

        Args:
            channel: The channel, its id, or its name.
            user: Who speaks: the user, their id, or their name.
            content: Text, or the content object (``{"t": ..., "embed": [...]}``).
            mentions: Users mentioned; ``@username`` in the text gives the offsets.
            reply_to: The message this answers.
            attachments: URLs or field mappings.
            created: Unix time of the message in seconds; 0 for now.

        Raises:
            LookupError: No such channel, user or message.
        """
        world = self.world
        text = content if isinstance(content, str) else str(content.get("t") or "")
        references: Sequence[api_pb2.MessageRef] = ()
        if reply_to is not None:
            references = [make_reference(self._message(reply_to))]
        message = build_message(
            world,
            world.channel(channel),
            world.user(user),
            content_text(content),
            message_id=world.next_message_id(),
            code=code,
            mentions=make_mentions(world, text, mentions),
            attachments=make_attachments(attachments),
            references=references,
            topic_id=topic_id,
            created=created,
        )
        world.remember(message)
        self.broadcast(channel_message=message)
        await self._drain()
        return message.message_id

    async def say_dm(self, user: Who, content: str | Mapping[str, Any], **options: Any) -> int:
        """Let a user write to the bot directly; options as for ``say``."""
        return await self.say(self.world.dm(user), user, content, **options)

    async def command(
        self, user: Who, text: str, *, channel: Channel | int | str | None = None, timeout: float = 5.0
    ) -> Sent:
        """Let a user say something that the bot answers; give the answer, a message or an ephemeral one.

        Args:
            channel: Where; the first channel of the world when it is not said.
            timeout: Seconds the answer may take.

        Raises:
            AssertionError: No answer came; the text says what the bot did instead.
        """
        start = time.monotonic()
        await self.say(self.world.channel(channel), user, text)
        return await self.expect(since=start, timeout=timeout)

    async def edit(self, message: Message, content: str | Mapping[str, Any]) -> None:
        """Let the sender change a message (an event with code 1)."""
        changed = self._message(message)
        self.apply_update(changed, content_text(content))
        self.broadcast_change(changed, UPDATED)
        await self._drain()

    async def delete(self, message: Message) -> None:
        """Delete a message (an event with code 2)."""
        gone = self._message(message)
        self.world.forget(gone)
        self.broadcast_change(gone, REMOVED)
        await self._drain()

    async def remove(self, message: Message) -> None:
        """Do the same as ``delete``."""
        await self.delete(message)

    async def react(
        self, message: Message, user: Who, emoji: str, *, emoji_id: int = 1, remove: bool = False
    ) -> None:
        """Let a user put a reaction on a message, or take it back."""
        target, sender = self._message(message), self.world.user(user)
        reaction = api_pb2.MessageReaction(
            id=self.world.next_id(),
            emoji_id=emoji_id,
            emoji=emoji,
            sender_id=sender.id,
            sender_name=sender.username,
            sender_avatar=sender.avatar_url,
            action=remove,
            count=1,
            channel_id=target.channel_id,
            message_id=target.message_id,
            clan_id=target.clan_id,
            mode=target.mode,
            message_sender_id=target.sender_id,
            is_public=target.is_public,
            topic_id=target.topic_id,
        )
        await self.push(message_reaction_event=reaction)

    async def typing(self, channel: Channel | int | str, user: Who) -> None:
        """Show a user as typing."""
        room, sender = self.world.channel(channel), self.world.user(user)
        event = realtime_pb2.MessageTypingEvent(
            clan_id=room.clan_id,
            channel_id=room.id,
            sender_id=sender.id,
            mode=room.mode,
            is_public=not room.private,
            sender_username=sender.username,
            sender_display_name=sender.display_name,
        )
        await self.push(message_typing_event=event)

    # Forms

    async def click(
        self,
        message: Message,
        user_or_button: Who,
        button_id: str | int | None = None,
        *,
        user: Who | None = None,
        values: Mapping[str, Any] | None = None,
        extra_data: str = "",
    ) -> None:
        """Let a user click a button of a message: ``click(sent, "yes")``, or ``click(sent, "alice", "yes")``.

        ```python
        from mezon import ButtonBuilder, ButtonMessageStyle

        row = ButtonBuilder().add_button("ok", "OK", ButtonMessageStyle.SUCCESS).build()
        await channel.send({"t": "Sure?", "components": [{"components": row}]})
        sent = await gateway.expect("Sure?")
        await gateway.click(sent, "OK", user="bob")
        ```

        Args:
            message: What the bot sent; then the button has to be there. Or an id.
            user_or_button: Who clicks, or the button.
            button_id: The button, when who clicks stands before it: its id, what it says, or its place from 0.
            user: Who clicks; the first person of the world when it is not said.
            values: What was filled in before, by the ids of the fields: texts, numbers, dates, lists of options.
            extra_data: The same as the text that goes over the wire, for what ``values`` cannot say.

        Raises:
            LookupError: There is no such message, button or field.
            ValueError: A value is none of the field's options.
        """
        target = self._message(message)
        wanted: str | int
        if button_id is None:
            who, wanted = self._somebody(user), str(user_or_button)
        else:
            who, wanted = self.world.user(user_or_button), button_id
        pressed = self._button(message, target, wanted)
        if values:
            extra_data = fill_in(parts_of(content_of(target)), values)
        event = realtime_pb2.MessageButtonClicked(
            message_id=target.message_id,
            channel_id=target.channel_id,
            button_id=pressed,
            sender_id=target.sender_id,
            user_id=who.id,
            extra_data=extra_data,
        )
        await self.push(message_button_clicked=event)

    async def select(self, message: Message, *choice: Any, user: Who | None = None) -> None:
        """Let a user choose in a select box of a message.

        ``select(sent, "dish", "pho")``, ``select(sent, "dish", ["pho", "bun"], user="bob")``, or with the user
        before the box: ``select(sent, "bob", "dish", ["pho"])``.

        Raises:
            LookupError: There is no such message or select box.
            ValueError: It is none of the options.
        """
        if len(choice) not in (2, 3):
            raise TypeError("select() takes a message, the id of its select box, and what is chosen")
        *before, box_id, chosen = choice
        who = self.world.user(before[0]) if before else self._somebody(user)
        target = self._message(message)
        values = [chosen] if isinstance(chosen, str) or not isinstance(chosen, Iterable) else list(chosen)
        parts = self._parts(message, target)
        if parts is not None:
            fill_in(parts, {box_id: values})
        await self._chose(target, who, box_id, [str(wire_value(value)) for value in values])

    async def submit(
        self,
        message: Message,
        values: Mapping[str, Any] | None = None,
        *,
        button: str | int | None = None,
        user: Who | None = None,
    ) -> None:
        """Let a user fill a form in and press its button; each choice in a select box is told at once, as it is.

        Args:
            values: By the ids of the fields: texts, numbers, dates, lists of options.
            button: Which button, by its id, what it says, or its place from 0; needed when there are several.
            user: Who; the first person of the world when it is not said.

        Raises:
            LookupError: There is no such message, field or button.
            ValueError: A value is none of the field's options.
        """
        target, who = self._message(message), self._somebody(user)
        parts = parts_of(content_of(target))
        button_id = find_button(parts, button)
        values = values or {}
        extra_data = fill_in(parts, values)
        for part in parts:
            if part.kind == SELECT and part.id in values:
                chosen = wire_value(values[part.id])
                await self._chose(target, who, part.id, chosen if isinstance(chosen, list) else [chosen])
        await self.click(target, who, button_id, extra_data=extra_data)

    async def fill(self, message: Message, /, **values: Any) -> None:
        """As ``submit``, with the fields by name: ``await gateway.fill(form, dish="pho")``."""
        await self.submit(message, values)

    async def _chose(self, target: api_pb2.ChannelMessage, who: User, box_id: str, values: list[str]) -> None:
        event = realtime_pb2.DropdownBoxSelected(
            message_id=target.message_id,
            channel_id=target.channel_id,
            selectbox_id=box_id,
            sender_id=target.sender_id,
            user_id=who.id,
            values=values,
        )
        await self.push(dropdown_box_selected=event)

    # Coming and going

    async def join(self, user: Who, place: Channel | Clan | int | str | None = None) -> None:
        """Let a user join a clan (the first one when none is named) or a channel; bots hear of it."""
        who, home = self.world.user(user), self._home(place)
        profile = realtime_pb2.UserProfileRedis(
            user_id=who.id,
            username=who.username,
            avatar=who.avatar_url,
            display_name=who.display_name,
            online=who.online,
            is_bot=who.is_bot,
        )
        if isinstance(home, Clan):
            home.member_ids.add(who.id)
            event = realtime_pb2.AddClanUserEvent(clan_id=home.id, user=profile)
            await self.push(add_clan_user_event=event)
            return
        if who.id not in home.member_ids:
            home.member_ids.append(who.id)
        added = realtime_pb2.UserChannelAdded(
            channel_desc=self.world.describe(home), users=[profile], clan_id=home.clan_id, active=1
        )
        await self.push(user_channel_added_event=added)

    async def leave(self, user: Who, place: Channel | Clan | int | str | None = None) -> None:
        """Let a user leave a clan (the first one when none is named) or a channel; bots hear of it."""
        who, home = self.world.user(user), self._home(place)
        if isinstance(home, Clan):
            home.member_ids.discard(who.id)
            gone = realtime_pb2.UserClanRemoved(clan_id=home.id, user_ids=[who.id])
            await self.push(user_clan_removed_event=gone)
            return
        if who.id in home.member_ids:
            home.member_ids.remove(who.id)
        removed = realtime_pb2.UserChannelRemoved(
            channel_id=home.id, user_ids=[who.id], channel_type=home.type, clan_id=home.clan_id
        )
        await self.push(user_channel_removed_event=removed)

    # Finding

    def _home(self, place: Channel | Clan | int | str | None) -> Channel | Clan:
        if isinstance(place, Channel | Clan):
            return place
        try:
            return self.world.clan(place)
        except LookupError:
            return self.world.channel(place)

    def _somebody(self, user: Who | None) -> User:
        if user is not None:
            return self.world.user(user)
        found = next((u for u in self.world.users.values() if not u.is_bot), None)
        if found is None:
            raise LookupError("there is nobody in the world; add somebody with world.add_user(...)")
        return found

    def _message(self, message: Message) -> api_pb2.ChannelMessage:
        if isinstance(message, api_pb2.ChannelMessage):
            return message
        message_id = message.message_id if isinstance(message, Sent) else message
        found = self.world.message(message_id) or self.ephemerals.get(message_id)
        if found is None:
            raise LookupError(f"there is no message {message_id} in the world")
        return found

    def _button(self, message: Message, target: api_pb2.ChannelMessage, wanted: str | int) -> str:
        parts = parts_of(content_of(target))
        try:
            return find_button(parts, wanted)
        except LookupError:
            # Of a message by its id, one that is not there can be clicked: clients do when a bot was quicker.
            if isinstance(message, Sent) or isinstance(wanted, int):
                raise
            return wanted

    def _parts(self, message: Message, target: api_pb2.ChannelMessage) -> list[Part] | None:
        """Give the parts to check a click against; None for a message by its id: clients click what is not there."""
        return parts_of(content_of(target)) if isinstance(message, Sent) else None
