"""The parts of a message: attachments, mentions, reactions, references."""

from mezon.models._base import Model


class ApiMessageAttachment(Model):
    """A file attached to a message. Sizes in bytes and pixels, duration in seconds."""

    filename: str | None = None
    filetype: str | None = None
    height: int | None = None
    size: int | None = None
    url: str | None = None
    width: int | None = None
    thumbnail: str | None = None
    duration: int | None = None
    channel_id: int | None = None
    mode: int | None = None
    channel_label: str | None = None
    message_id: int | None = None
    sender_id: int | None = None


class ApiMessageDeleted(Model):
    """A message that was deleted."""

    deletor: str | None = None
    message_id: int | None = None


class ApiMessageMention(Model):
    """A mention. ``s`` and ``e`` (exclusive) count UTF-16 units of the text."""

    create_time: str | None = None
    id: int | None = None
    user_id: int | None = None
    username: str | None = None
    role_id: int | None = None
    rolename: str | None = None
    s: int | None = None
    e: int | None = None
    channel_id: int | None = None
    mode: int | None = None
    channel_label: str | None = None
    message_id: int | None = None
    sender_id: int | None = None


class ApiMessageReaction(Model):
    """A reaction to a message."""

    action: bool | None = None
    emoji_id: int | None = None
    emoji: str | None = None
    id: int | None = None
    sender_id: int | None = None
    sender_name: str | None = None
    sender_avatar: str | None = None
    count: int | None = None
    channel_id: int | None = None
    mode: int | None = None
    channel_label: str | None = None
    message_id: int | None = None


class ApiMessageRef(Model):
    """A message that is replied to."""

    message_id: int | None = None
    message_ref_id: int
    ref_type: int | None = None
    message_sender_id: int
    message_sender_username: str | None = None
    message_sender_avatar: str | None = None
    message_sender_clan_nick: str | None = None
    message_sender_display_name: str | None = None
    content: str | None = None
    has_attachment: bool | None = None
    channel_id: int | None = None
    mode: int | None = None
    channel_label: str | None = None
