"""The events that handlers receive, except messages.

Every field of an event defaults to zero, as in its protobuf message.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from mezon import protobuf
from mezon.models._answers import ChoiceAnswers, chosen_value
from mezon.models._base import MezonBaseModel, Model
from mezon.models._origin import KEY, held
from mezon.models.api import ApiChannelDescription


class FCMTokens(Model):
    """A push token of a user's device."""

    device_id: str = ""
    token_id: str = Field(default="", repr=False)
    platform: str = ""


class UserProfileRedis(Model):
    """A user in a membership event."""

    user_id: int = 0
    username: str | None = None
    avatar: str | None = None
    display_name: str | None = None
    user_status: str | None = None
    status: str | None = None
    online: bool | None = None
    fcm_tokens: list[FCMTokens] = Field(default_factory=list)
    joined_clans: list[int] = Field(default_factory=list)
    app_token: str | None = Field(default=None, repr=False)
    create_time_second: int | None = None
    app_url: str | None = None
    is_bot: bool | None = None
    voip_token: str | None = Field(default=None, repr=False)


class AddUsers(Model):
    """A user added to a clan."""

    user_id: int = 0
    avatar: str = ""
    username: str = ""
    display_name: str = ""


class UserChannelAddedEvent(Model):
    """Users were added to a channel. ``channel_desc`` and ``caller`` can be None."""

    clan_id: int = 0
    channel_desc: ApiChannelDescription | None = None
    users: list[UserProfileRedis] = Field(default_factory=list)
    status: str | None = None
    caller: UserProfileRedis | None = None
    create_time_seconds: int | None = None
    active: int | None = None


class UserChannelRemoved(Model):
    """Users were removed from a channel."""

    channel_id: int = 0
    user_ids: list[int] = Field(default_factory=list)
    channel_type: int = 0
    clan_id: int = 0

    badge_counts: list[int] = Field(default_factory=list)


class UserClanRemovedEvent(Model):
    """Users left a clan or were removed from it."""

    clan_id: int = 0
    user_ids: list[int] = Field(default_factory=list)


class LastPinMessageEvent(Model):
    """A message was pinned or unpinned."""

    channel_id: int = 0
    mode: int = 0
    channel_label: str = ""
    message_id: int = 0
    user_id: int = 0
    operation: int = 0
    is_public: bool = False

    clan_id: int = 0
    timestamp_seconds: int = 0
    message_sender_avatar: str = ""
    message_sender_id: str = ""
    message_sender_username: str = ""
    message_content: str = ""
    message_attachment: str = ""
    message_created_time: str = ""


class LastSeenMessageEvent(Model):
    """A user has seen a channel up to a message. ``timestamp_seconds`` is a UNIX time."""

    channel_id: int = 0
    mode: int = 0
    channel_label: str = ""
    message_id: int = 0
    timestamp_seconds: int = 0

    clan_id: int = 0
    badge_count: int = 0


class MessageTypingEvent(Model):
    """A user is typing."""

    channel_id: int = 0
    sender_id: int = 0
    sender_username: str | None = None
    sender_display_name: str | None = None
    mode: int | None = None
    is_public: bool | None = None
    clan_id: int | None = None
    channel_label: str | None = None

    topic_id: int = 0


class TokenSentEvent(Model):
    """Tokens were sent."""

    receiver_id: int = 0
    sender_id: int | None = None
    sender_name: str | None = None
    amount: int = 0
    note: str | None = None
    extra_attribute: str | None = None
    transaction_id: str | None = None


class UserProfileUpdatedEvent(Model):
    """A user's profile changed."""

    user_id: int = 0
    display_name: str | None = None
    avatar: str | None = None
    about_me: str | None = None
    channel_id: int | None = None
    clan_id: int = 0

    encrypt_private_key: str = Field(default="", repr=False)


class VoiceJoinedEvent(Model):
    """A user joined a voice channel."""

    clan_id: int = 0
    user_id: int = 0
    voice_channel_id: int = 0
    clan_name: str | None = None
    id: str | None = None
    participant: str | None = None
    voice_channel_label: str | None = None
    last_screenshot: str | None = None


class VoiceLeavedEvent(Model):
    """A user left a voice channel."""

    clan_id: int = 0
    voice_channel_id: int = 0
    voice_user_id: int = 0
    id: str | None = None


class VoiceStartedEvent(Model):
    """The first user joined a voice channel."""

    id: str = ""
    clan_id: int = 0
    voice_channel_id: int = 0


class VoiceEndedEvent(Model):
    """The last user left a voice channel. The server sends ``voice_channel_id`` as a string here."""

    id: int = 0
    clan_id: int = 0
    voice_channel_id: str = ""


class StreamingJoinedEvent(Model):
    """A user joined a stream."""

    clan_id: int = 0
    clan_name: str = ""
    id: int = 0
    participant: str = ""
    user_id: int = 0
    streaming_channel_label: str = ""
    streaming_channel_id: int = 0


class StreamingLeavedEvent(Model):
    """A user left a stream. The server sends the channel and the user as strings here."""

    id: int = 0
    clan_id: int = 0
    streaming_channel_id: str = ""
    streaming_user_id: str = ""


class CustomStatusEvent(Model):
    """A user's custom status changed."""

    clan_id: int = 0
    user_id: int = 0
    username: str = ""
    status: str = ""

    time_reset: int = 0
    no_clear: bool = False


class ChannelUpdatedEvent(Model):
    """A channel changed."""

    clan_id: int = 0
    channel_id: int = 0
    category_id: int | None = None
    creator_id: int | None = None
    parent_id: int | None = None
    channel_label: str | None = None
    channel_type: int | None = None
    status: int | None = None
    meeting_code: str | None = None
    is_error: bool | None = None
    channel_private: bool | None = None
    app_id: int | None = None
    e2ee: int | None = None
    topic: str | None = None
    age_restricted: int | None = None
    active: int | None = None
    count_mess_unread: int | None = None
    user_ids: list[int] = Field(default_factory=list)
    role_ids: list[int] = Field(default_factory=list)
    channel_avatar: str | list[str] | None = None


class ChannelCreatedEvent(Model):
    """A channel was created."""

    clan_id: int = 0
    channel_id: int = 0
    category_id: int | None = None
    creator_id: int | None = None
    parent_id: int | None = None
    channel_label: str | None = None
    channel_private: int | None = None
    channel_type: int | None = None
    status: int | None = None
    app_id: int | None = None
    clan_name: str | None = None
    channel_avatar: str | list[str] | None = None


class ChannelDeletedEvent(Model):
    """A channel was deleted."""

    clan_id: int = 0
    channel_id: int = 0
    category_id: int | None = None
    parent_id: int | None = None
    deletor: str | None = None


class ClanUpdatedEvent(Model):
    """A clan changed. ``clan_logo`` and ``logo`` are equal."""

    proto_fields: ClassVar[Mapping[str, str]] = {"clan_logo": "logo"}

    clan_id: int = 0
    clan_name: str = ""
    clan_logo: str = ""

    logo: str = ""
    banner: str = ""
    status: int = 0
    is_onboarding: bool = False
    welcome_channel_id: int = 0
    onboarding_banner: str = ""
    community_banner: str = ""
    is_community: bool = False
    about: str = ""
    description: str = ""
    prevent_anonymous: bool = False


class ClanProfileUpdatedEvent(Model):
    """A user's profile inside a clan changed."""

    user_id: int = 0
    clan_nick: str = ""
    clan_avatar: str = ""
    clan_id: int = 0


class GiveCoffeeEvent(Model):
    """A user gave another user a coffee."""

    sender_id: int = 0
    receiver_id: int = 0
    token_count: int = 0
    message_ref_id: int = 0
    channel_id: int = 0
    clan_id: int = 0


class ClanNameExistedEvent(Model):
    """Whether a name is taken. ``clan_name`` and ``name`` are equal."""

    proto_fields: ClassVar[Mapping[str, str]] = {"clan_name": "name"}

    clan_name: str = ""
    exist: bool = False

    name: str = ""
    condition_id: int = 0
    type: int = 0
    clan_id: int = 0


class DropdownBoxSelected(ChoiceAnswers, Model):
    """A user chose values in a select box."""

    message_id: int = 0
    channel_id: int = 0
    selectbox_id: str = ""
    sender_id: int = 0
    user_id: int = 0
    values: list[str] = Field(default_factory=list)


def choice_of(click: Any) -> DropdownBoxSelected | None:
    """Return a click on a select box as a ``DropdownBoxSelected``, or None for a click on a button."""
    chosen = chosen_value(click.extra_data)
    if chosen is None:
        return None
    choice = DropdownBoxSelected(
        message_id=click.message_id,
        channel_id=click.channel_id,
        selectbox_id=click.button_id,
        sender_id=click.sender_id,
        user_id=click.user_id,
        values=[chosen],
    )
    choice.__dict__[KEY] = held.get(click)
    return choice


class ApiNotification(MezonBaseModel):
    """A notification. ``code`` is its kind (-2: a friend request); times are UNIX seconds."""

    id: int = 0
    subject: str = ""
    content: bytes = b""
    code: int = 0
    sender_id: int = 0
    create_time_seconds: int = 0
    persistent: bool = False
    clan_id: int = 0
    channel_id: int = 0
    channel_type: int = 0
    avatar_url: str = ""
    channel: ApiChannelDescription | None = None
    topic_id: int = 0
    category: int = 0

    @property
    def decoded_content(self) -> Any:
        """The content as a JSON value or a ``mezon.api.DirectFcmProto``; None if it is empty or neither."""
        if not self.content:
            return None
        if self.content[:1] in (b"{", b"["):
            try:
                return json.loads(self.content)
            except (ValueError, RecursionError):
                pass
        try:
            return protobuf.api_pb2.DirectFcmProto.FromString(self.content)
        except protobuf.DecodeError:
            return None


class NotificationEvent(MezonBaseModel):
    """Notifications for the bot, one or more at a time."""

    notifications: list[ApiNotification] = Field(default_factory=list)
