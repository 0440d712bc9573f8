"""Which model an envelope's field becomes, and where the fields of a model come from.

The core builds its plans from these two tables too: this is the one place that says it.
"""

from typing import Final, NamedTuple

from pydantic import BaseModel

from mezon.models import events, realtime
from mezon.models.message import ChannelMessage
from mezon.models.notifications import NotificationEvent
from mezon.models.parts import ApiMessageAttachment, ApiMessageMention, ApiMessageReaction, ApiMessageRef
from mezon.models.roles import ApiRoleListEventResponse

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
    "notifications": NotificationEvent,
    "ping": realtime.Ping,
    "pong": realtime.Pong,
    "rpc": realtime.Rpc,
    "error": realtime.SocketError,
}

#: The source of a field is all of the message, as a dict by field name.
WHOLE_MESSAGE: Final = "*"

#: The field has no source: the message has one of that name, but bots never got its value here.
NO_SOURCE: Final = ""

#: Model field -> protobuf field, for those whose names differ. Every other field comes from the protobuf
#: field of its own name, and has the model's default if there is none.
PROTO_FIELDS: Final[dict[type[BaseModel], dict[str, str]]] = {
    ApiMessageReaction: {"channel_id": NO_SOURCE, "mode": NO_SOURCE, "message_id": NO_SOURCE},
    ApiRoleListEventResponse: {"clan_id": "clanId"},
    events.ClanNameExistedEvent: {"clan_name": "name"},
    events.ClanUpdatedEvent: {"clan_logo": "logo"},
    realtime.ChannelJoin: {"channel_join": WHOLE_MESSAGE},
    realtime.ChannelLeave: {"channel_leave": WHOLE_MESSAGE},
}


class Parts(NamedTuple):
    """A list inside a bytes field of a message: protobuf, or JSON from older clients."""

    #: The list message of ``mezon.api``, its only field, and what its items become.
    message: str
    field: str
    item: type[BaseModel]


#: Field of ChannelMessage -> what lies in its bytes.
PARTS: Final[dict[str, Parts]] = {
    "mentions": Parts("MessageMentionList", "mentions", ApiMessageMention),
    "attachments": Parts("MessageAttachmentList", "attachments", ApiMessageAttachment),
    "reactions": Parts("MessageReactionList", "reactions", ApiMessageReaction),
    "references": Parts("MessageRefList", "refs", ApiMessageRef),
}
