"""Models of AI agent events, which arrive as server-sent events."""

from typing import Any, Literal

from pydantic import Field

from mezon.models._base import MezonBaseModel


class SSEConfig(MezonBaseModel):
    """The options of the event stream. The repr omits the key and the headers."""

    url: str
    app_id: str
    token: str = Field(repr=False)
    auto_reconnect: bool | None = True
    reconnect_delay: int | None = None
    max_reconnect_attempts: int | None = None
    headers: dict[str, str] | None = Field(default=None, repr=False)


class SSEMessage(MezonBaseModel):
    """One message of the stream. ``timestamp`` is in milliseconds."""

    id: str | None = None
    event: str | None = None
    data: str
    timestamp: int


class RoomInfo(MezonBaseModel):
    """The room of an AI agent."""

    room_id: str
    room_name: str


class RoomMetadataEvent(MezonBaseModel):
    """An event of an AI agent."""

    event_id: str
    event_type: str
    timestamp: str
    room: RoomInfo
    metadata: dict[str, Any] = Field(default_factory=dict)


class AIAgentSessionStartedEvent(RoomMetadataEvent):
    """An AI agent entered a room."""

    event_type: Literal["room_started"] = "room_started"


class AIAgentSessionEndedEvent(RoomMetadataEvent):
    """An AI agent left a room."""

    event_type: Literal["room_ended"] = "room_ended"


class AIAgentSessionSummaryDoneEvent(RoomMetadataEvent):
    """The summary of a room is ready."""

    event_type: Literal["room_summary_done"] = "room_summary_done"
