"""The messages as a person sees them: by channel, with edits, reactions, deletions and typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.gateway import LocalGateway
from mezon.testing.messages import REMOVED, UPDATED
from mezon.testing.playground.views import content_of, message_view, plain
from mezon.testing.records import Sent, Tap

__all__ = ["Conversation"]

MESSAGES_PER_CHANNEL: Final = 500


class Conversation(Tap):
    """Tracks messages. Calls ``publish`` with ``{"event": "message", ...}`` for each new or changed message."""

    def __init__(self, gateway: LocalGateway, publish: Callable[[dict[str, Any]], None]) -> None:
        self._gateway = gateway
        self._publish = publish
        self._channels: dict[int, dict[int, dict[str, Any]]] = {}

    def clear(self) -> None:
        """Discard every message."""
        self._channels.clear()

    def messages(self) -> list[dict[str, Any]]:
        """Return every tracked message, by channel, oldest first."""
        return [view for channel in self._channels.values() for view in channel.values()]

    def find(self, message_id: int) -> dict[str, Any] | None:
        """Return a message by its id, or None."""
        for channel in self._channels.values():
            if message_id in channel:
                return channel[message_id]
        return None

    # Implementation of Tap

    def on_published(self, envelope: realtime_pb2.Envelope, receivers: Sequence[int] = ()) -> None:
        """Track a message, an edit, a deletion or a reaction."""
        match envelope.WhichOneof("message"):
            case "channel_message":
                self._update(envelope.channel_message, receivers)
            case "message_reaction_event":
                self._react(envelope.message_reaction_event)

    def on_sent(self, sent: Sent) -> None:
        """Show that the bot is typing."""
        if sent.kind == "message_typing_event":
            bot = self._gateway.world.bot
            self._publish({"event": "typing", "channel": str(sent.channel_id), "name": bot.display_name})

    def _update(self, message: api_pb2.ChannelMessage, receivers: Sequence[int]) -> None:
        channel = self._channels.setdefault(message.channel_id, {})
        view = channel.get(message.message_id)
        if message.code == REMOVED:
            if view is None:
                return
            view["removed"] = True
        elif view is not None:
            fields = plain(message)
            view["content"] = content_of(message.content)
            view["mentions"] = fields.get("mentions") or []
            view["attachments"] = fields.get("attachments") or []
            view["edited"] = view["edited"] or (message.code == UPDATED and not message.hide_editted)
        elif message.code == UPDATED:
            return  # an edit of a message that was sent before the playground was started
        else:
            bots = {user.id for user in self._gateway.world.users.values() if user.is_bot}
            view = channel[message.message_id] = message_view(message, receivers, bots)
            while len(channel) > MESSAGES_PER_CHANNEL:
                del channel[next(iter(channel))]
        self._publish({"event": "message", "message": view})

    def _react(self, reaction: api_pb2.MessageReaction) -> None:
        view = self.find(reaction.message_id)
        if view is None:
            return
        who = str(reaction.sender_id)
        found = next((one for one in view["reactions"] if one["emoji"] == reaction.emoji), None)
        if reaction.action:
            if found is not None and who in found["users"]:
                found["users"].remove(who)
                if not found["users"]:
                    view["reactions"].remove(found)
        elif found is None:
            view["reactions"].append({"emoji": reaction.emoji, "users": [who]})
        elif who not in found["users"]:
            found["users"].append(who)
        self._publish({"event": "message", "message": view})
