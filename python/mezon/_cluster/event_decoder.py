"""Decodes the events and answers of a worker with the core's plans, into the same objects as in a single process."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final

from mezon._gateway.codec import MESSAGES, event_plan, protobuf_event
from mezon.constants.enum import Events
from mezon.options import UnfilledGap

if TYPE_CHECKING:
    from mezon._core import Plan
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin

_MESSAGE: Final = "channel_message"

#: The only event that is not from Mezon; its body is JSON.
UNFILLED: Final = Events.GAP_UNFILLED.value


class RecentMessages:
    """The last encoded messages of the most recently active channels.

    Args:
        per_channel: The number of messages of a channel; 0 for none.
        channels: The number of channels; 0 for none.
    """

    def __init__(self, per_channel: int, channels: int) -> None:
        self._per_channel = per_channel
        self._channels = channels
        self._bodies: OrderedDict[int, deque[bytes]] = OrderedDict()

    def add(self, channel: int, body: bytes) -> None:
        """Add a message."""
        if not self._per_channel or not self._channels:
            return
        bodies = self._bodies.get(channel)
        if bodies is None:
            bodies = self._bodies[channel] = deque(maxlen=self._per_channel)
            if len(self._bodies) > self._channels:
                self._bodies.popitem(last=False)
        self._bodies.move_to_end(channel)
        bodies.append(body)

    def take(self, channel: int) -> list[bytes]:
        """Remove and return the messages of a channel, oldest first."""
        return list(self._bodies.pop(channel, ()))


class EventDecoder:
    """Decodes the events and answers of one client.

    Args:
        plan: Decodes messages in place of the model's own plan.
        origin: The client, for events that can be answered.
        recent: Stores the messages that `take_recent` returns.
    """

    def __init__(self, plan: Plan | None, origin: Origin | None, recent: RecentMessages) -> None:
        self._origin = origin
        self._recent = recent
        self._plans: dict[str, Plan | None] = {} if plan is None else {_MESSAGE: plan}

    def decode(self, name: str, body: bytes, *, shared: bool = False) -> Any:
        """Decode an event; ``name`` is the envelope field. Return None, and log, for an unreadable protobuf event.

        Args:
            name: The envelope field.
            body: The encoded event.
            shared: The event is only for the caches of clans, channels and users.

        Raises:
            ValueError: The event of a model cannot be decoded.
        """
        if name == UNFILLED:
            values = json.loads(body)
            return UnfilledGap(tuple(values["channel_ids"]), values["reason"], values["final"])
        plan = self._plan_of(name)
        if plan is None:
            return protobuf_event(name, body, self._origin)
        event = plan.decode(body)
        if name == _MESSAGE and not shared:
            self._recent.add(event.channel_id, body)
        return event

    def decode_answer(self, field: str, body: bytes) -> Any:
        """Decode the answer to a call: a model, or the bytes if there is no model."""
        plan = self._plan_of(field) if field in MESSAGES else None
        return body if plan is None else plan.decode(body)

    def take_recent(self, channel_id: int) -> list[ChannelMessage]:
        """Remove and return the recent messages of a channel, oldest first."""
        plan = self._plan_of(_MESSAGE)
        assert plan is not None
        return [plan.decode(body) for body in self._recent.take(channel_id)]

    def _plan_of(self, name: str) -> Plan | None:
        if name not in self._plans:
            self._plans[name] = event_plan(name, self._origin)
        return self._plans[name]
