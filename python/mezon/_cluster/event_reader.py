"""Makes objects of what comes to a worker, by the core's plans: the same objects that one process would make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon._gateway.codec import MESSAGES, event_plan
from mezon._gateway.protobuf_events import protobuf_event

if TYPE_CHECKING:
    from mezon import _core
    from mezon._cluster.recent import Recent
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin

_MESSAGE: Final = "channel_message"


class EventReader:
    """Reads the events and answers of one client.

    Args:
        plan: How messages are decoded when the model's own way is not wanted.
        origin: What events carry that can be answered: whose they are.
        recent: Remembers messages for who asks a channel for them.
    """

    def __init__(self, plan: _core.Plan | None, origin: Origin | None, recent: Recent) -> None:
        self._origin = origin
        self._recent = recent
        self._plans: dict[str, _core.Plan | None] = {} if plan is None else {_MESSAGE: plan}

    def read(self, name: str, body: bytes) -> Any:
        """Give the event of an envelope field; None, logged, when a protobuf event cannot be read.

        Raises:
            ValueError: If a model's event cannot be read.
        """
        plan = self._plan_of(name)
        if plan is None:
            return protobuf_event(name, body, self._origin)
        event = plan.decode(body)
        if name == _MESSAGE:
            self._recent.add(event.channel_id, body)
        return event

    def answer(self, field: str, body: bytes) -> Any:
        """Give the answer to a call: its model, or bytes when there is none."""
        plan = self._plan_of(field) if field in MESSAGES else None
        return body if plan is None else plan.decode(body)

    def take_recent(self, channel_id: int) -> list[ChannelMessage]:
        """Take the messages of a channel that came since it was last asked, oldest first."""
        plan = self._plan_of(_MESSAGE)
        assert plan is not None
        return [plan.decode(body) for body in self._recent.take(channel_id)]

    def _plan_of(self, name: str) -> _core.Plan | None:
        if name not in self._plans:
            self._plans[name] = event_plan(name, self._origin)
        return self._plans[name]
