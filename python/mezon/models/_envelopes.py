"""The model of each field of an envelope. The core builds its decoding plans from these tables too."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from pydantic import BaseModel

from mezon.models import events, realtime
from mezon.models._base import build
from mezon.models.message import ChannelMessage
from mezon.models.parts import ApiMessageReaction
from mezon.models.roles import ApiRoleListEventResponse

_M = TypeVar("_M", bound=BaseModel)

ENVELOPE_TO_PYDANTIC_MAP: Final[dict[str, type[BaseModel]]] = {
    "channel_message": ChannelMessage,
    "channel_message_ack": realtime.ChannelMessageAck,
    "channel_message_send": realtime.ChannelMessageSend,
    "channel_message_update": realtime.ChannelMessageUpdate,
    "channel_message_remove": realtime.ChannelMessageRemove,
    "channel_join": realtime.ChannelJoin,
    "channel_leave": realtime.ChannelLeave,
    "clan_join": realtime.ClanJoin,
    "channel_created_event": events.ChannelCreatedEvent,
    "channel_deleted_event": events.ChannelDeletedEvent,
    "channel_updated_event": events.ChannelUpdatedEvent,
    "clan_updated_event": events.ClanUpdatedEvent,
    "clan_profile_updated_event": events.ClanProfileUpdatedEvent,
    "custom_status_event": events.CustomStatusEvent,
    "message_typing_event": events.MessageTypingEvent,
    "last_seen_message_event": events.LastSeenMessageEvent,
    "last_pin_message_event": events.LastPinMessageEvent,
    "voice_joined_event": events.VoiceJoinedEvent,
    "voice_leaved_event": events.VoiceLeavedEvent,
    "voice_started_event": events.VoiceStartedEvent,
    "voice_ended_event": events.VoiceEndedEvent,
    "streaming_joined_event": events.StreamingJoinedEvent,
    "streaming_leaved_event": events.StreamingLeavedEvent,
    "user_channel_added_event": events.UserChannelAddedEvent,
    "user_channel_removed_event": events.UserChannelRemoved,
    "user_clan_removed_event": events.UserClanRemovedEvent,
    "user_profile_updated_event": events.UserProfileUpdatedEvent,
    "check_name_existed_event": events.ClanNameExistedEvent,
    "give_coffee_event": events.GiveCoffeeEvent,
    "token_sent_event": events.TokenSentEvent,
    "dropdown_box_selected": events.DropdownBoxSelected,
    "notifications": events.NotificationEvent,
    "ping": realtime.Ping,
    "pong": realtime.Pong,
    "rpc": realtime.Rpc,
    "error": realtime.SocketError,
}

#: Model field -> protobuf field, for the models with fields whose names differ. Every other field comes from the
#: protobuf field of the same name, or has the model's default if there is none.
PROTO_FIELDS: Final[dict[type[BaseModel], dict[str, str]]] = {
    model: dict(model.proto_fields)
    for model in (
        ApiMessageReaction,
        ApiRoleListEventResponse,
        events.ClanNameExistedEvent,
        events.ClanUpdatedEvent,
        realtime.ChannelJoin,
        realtime.ChannelLeave,
    )
}


def protobuf_to_pydantic(proto_message: Any, pydantic_class: type[_M]) -> _M:
    """Convert a ``google.protobuf`` message to a model.

    A field that is zero in the message is zero in the model, so the conversion always succeeds for the models of this
    package. Other classes receive the fields by their protobuf names and validate them.

    Raises:
        pydantic.ValidationError: If a class outside this package refuses the values.
    """
    if issubclass(pydantic_class, ChannelMessage) and pydantic_class.__module__.startswith("mezon.models"):
        return pydantic_class.from_protobuf(proto_message)
    return build(pydantic_class, proto_message, zeros=True)


def convert_envelope_to_pydantic(field_name: str, protobuf_message: Any) -> Any:
    """Convert the payload of an envelope to the object that handlers receive.

    The result is a model if ``ENVELOPE_TO_PYDANTIC_MAP`` has one for ``field_name``, otherwise the protobuf message.
    """
    model = ENVELOPE_TO_PYDANTIC_MAP.get(field_name)
    return protobuf_message if model is None else protobuf_to_pydantic(protobuf_message, model)
