"""Simulated users: they send, edit and delete messages, react, type, join and leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.messages import (
    CHAT,
    REMOVED,
    UPDATED,
    build_message,
    content_text,
    make_attachments,
    make_mentions,
    make_reference,
)
from mezon.testing.recorder import is_unmet_expectation
from mezon.testing.records import Sent
from mezon.testing.state import MessageLike, UserLike
from mezon.testing.world import Channel, Clan, Role

__all__ = ["Silence", "SilenceExplainer", "SimulatedUsers"]

__tracebackhide__ = is_unmet_expectation


@dataclass(frozen=True, slots=True)
class Silence:
    """Why a bot does not answer a message.

    Attributes:
        reason: A sentence.
        final: Whether no code of the bot has seen the message, so that no answer can follow.
    """

    reason: str
    final: bool


class SilenceExplainer(Protocol):
    """Explains the silence of a bot in this process: ``mezon.testing.silence``, which needs the core of the bot."""

    async def delivered(self) -> None:
        """Wait until the bot has dispatched what was sent to it so far, and no handler is running."""

    def explain(self, sent: api_pb2.ChannelMessage) -> Silence:
        """Return why the bot does not answer a message that was delivered to it."""
        ...


class SimulatedUsers:
    """What the users of the world do. Clicks and forms are in ``mezon.testing.interactions``."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry
        self._state = registry.state
        self._world = registry.state.world

    # Messages

    async def say(
        self,
        channel: Channel | int | str,
        user: UserLike,
        content: str | Mapping[str, Any],
        *,
        mentions: Iterable[UserLike | api_pb2.MessageMention | Mapping[str, Any]] = (),
        reply_to: MessageLike | None = None,
        attachments: Iterable[str | api_pb2.MessageAttachment | Mapping[str, Any]] = (),
        topic_id: int = 0,
        code: int = CHAT,
        created: int = 0,
    ) -> int:
        """Send a message as a user. Return the message id."""
        world = self._world
        text = content if isinstance(content, str) else str(content.get("t") or "")
        references: Sequence[api_pb2.MessageRef] = ()
        if reply_to is not None:
            references = [make_reference(self._state.find_message(reply_to))]
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
        self._registry.broadcast(channel_message=message)
        await self._registry.drain()
        return message.message_id

    async def command(
        self,
        user: UserLike,
        text: str,
        *,
        channel: Channel | int | str | None = None,
        timeout: float = 5.0,
        explainers: Sequence[SilenceExplainer] = (),
    ) -> Sent:
        """Send a message as a user and return the bot's answer. Raises AssertionError if there is none.

        Args:
            user: The user.
            text: The text.
            channel: The channel; the first one of the world by default.
            timeout: Seconds to wait for the answer.
            explainers: Say why there is no answer; one for each bot.
        """
        start = time.monotonic()
        message = self._state.find_message(await self.say(self._world.channel(channel), user, text))
        expected = self._registry.recorder.expect(since=start, timeout=timeout)
        if not explainers:
            return await expected
        answer = asyncio.ensure_future(expected)
        handled = asyncio.create_task(_delivered(explainers))

        def reasons() -> str:
            return "; ".join(dict.fromkeys(one.explain(message).reason for one in explainers))

        try:
            await asyncio.wait((answer, handled), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and handled.done() and self._is_final(handled.result(), explainers, message):
                raise AssertionError(f"the bot does not answer {text!r}: {reasons()}")
            try:
                return await answer
            except AssertionError as error:
                raise AssertionError(f"{error}\nno answer to {text!r}: {reasons()}") from None
        finally:
            answer.cancel()
            handled.cancel()

    def _is_final(
        self, handled: list[Any], explainers: Sequence[SilenceExplainer], message: api_pb2.ChannelMessage
    ) -> bool:
        """Return whether no bot can answer a message any more."""
        is_complete = self._registry.recorder.connections.live == len(explainers)
        # A connection that was lost receives the message later.
        was_delivered = not any(isinstance(one, BaseException) for one in handled)
        return is_complete and was_delivered and all(one.explain(message).final for one in explainers)

    async def edit(self, message: MessageLike, content: str | Mapping[str, Any]) -> None:
        """Change a message as its sender (an event with code 1)."""
        changed = self._state.find_message(message)
        self._state.apply_update(changed, content_text(content))
        self._registry.broadcast_change(changed, UPDATED)
        await self._registry.drain()

    async def delete(self, message: MessageLike) -> None:
        """Delete a message (an event with code 2)."""
        deleted = self._state.find_message(message)
        self._world.forget(deleted)
        self._registry.broadcast_change(deleted, REMOVED)
        await self._registry.drain()

    async def react(
        self, message: MessageLike, user: UserLike, emoji: str, *, emoji_id: int = 1, remove: bool = False
    ) -> None:
        """Add or remove a user's reaction to a message."""
        target, sender = self._state.find_message(message), self._world.user(user)
        reaction = api_pb2.MessageReaction(
            id=self._world.next_id(),
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
        await self._registry.push(message_reaction_event=reaction)

    async def typing(self, channel: Channel | int | str, user: UserLike) -> None:
        """Show a user as typing."""
        room, sender = self._world.channel(channel), self._world.user(user)
        event = realtime_pb2.MessageTypingEvent(
            clan_id=room.clan_id,
            channel_id=room.id,
            sender_id=sender.id,
            mode=room.mode,
            is_public=not room.private,
            sender_username=sender.username,
            sender_display_name=sender.display_name,
        )
        await self._registry.push(message_typing_event=event)

    # Roles

    async def give_role(self, user: UserLike, title: str, clan: Clan | int | str | None = None) -> None:
        """Give a user a role, which is created if the clan has none of this title."""
        who, role = self._world.user(user), self._role(title, clan)
        role.user_ids.add(who.id)
        await self._announce_role(role, assigned=[who.id])

    async def take_role(self, user: UserLike, title: str, clan: Clan | int | str | None = None) -> None:
        """Take a role off a user."""
        who, role = self._world.user(user), self._role(title, clan)
        role.user_ids.discard(who.id)
        await self._announce_role(role, removed=[who.id])

    def _role(self, title: str, clan: Clan | int | str | None) -> Role:
        home, known = self._world.clan(clan), self._world.roles.values()
        found = next((one for one in known if one.clan_id == home.id and one.title == title), None)
        return found or self._world.add_role(title, home)

    async def _announce_role(
        self, role: Role, *, assigned: Sequence[int] = (), removed: Sequence[int] = ()
    ) -> None:
        event = realtime_pb2.RoleAssignedEvent(
            ClanId=str(role.clan_id), role_id=role.id, user_ids_assigned=assigned, user_ids_removed=removed
        )
        await self._registry.push(role_assign_event=event)

    # Membership

    async def join(self, user: UserLike, place: Channel | Clan | int | str | None = None) -> None:
        """Add a user to a clan or channel and announce it."""
        who, home = self._world.user(user), self._place(place)
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
            await self._registry.push(add_clan_user_event=event)
            return
        if who.id not in home.member_ids:
            home.member_ids.append(who.id)
        added = realtime_pb2.UserChannelAdded(
            channel_desc=self._world.describe(home), users=[profile], clan_id=home.clan_id, active=1
        )
        await self._registry.push(user_channel_added_event=added)

    async def leave(self, user: UserLike, place: Channel | Clan | int | str | None = None) -> None:
        """Remove a user from a clan or channel and announce it."""
        who, home = self._world.user(user), self._place(place)
        if isinstance(home, Clan):
            home.member_ids.discard(who.id)
            left = realtime_pb2.UserClanRemoved(clan_id=home.id, user_ids=[who.id])
            await self._registry.push(user_clan_removed_event=left)
            return
        if who.id in home.member_ids:
            home.member_ids.remove(who.id)
        removed = realtime_pb2.UserChannelRemoved(
            channel_id=home.id, user_ids=[who.id], channel_type=home.type, clan_id=home.clan_id
        )
        await self._registry.push(user_channel_removed_event=removed)

    def _place(self, place: Channel | Clan | int | str | None) -> Channel | Clan:
        """Return a clan, the first one by default, or a channel."""
        if isinstance(place, Channel | Clan):
            return place
        try:
            return self._world.clan(place)
        except LookupError:
            return self._world.channel(place)


async def _delivered(explainers: Sequence[SilenceExplainer]) -> list[Any]:
    """Wait for all bots; return the exceptions of those whose connection was lost."""
    return await asyncio.gather(*(one.delivered() for one in explainers), return_exceptions=True)
