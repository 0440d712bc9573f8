"""The parts of a message: attachments, mentions, reactions, references; and their decoding from bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from os import PathLike
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from mezon import protobuf
from mezon.models._base import NO_SOURCE, Model, build, json_or_none
from mezon.models._origin import OfClient

_M = TypeVar("_M", bound=BaseModel)

#: The default maximum size of a download in bytes.
MAX_DOWNLOAD: Final = 25 * 1024 * 1024


class ApiMessageAttachment(OfClient, Model):
    """A file attached to a message. Sizes are in bytes and pixels, the duration in seconds.

    ```python
    from mezon import ChannelMessage

    @client.on_channel_message
    async def archive(message: ChannelMessage) -> None:
        for number, attachment in enumerate(message.attachments):
            await attachment.save(f"archive/{message.id}-{number}")
    ```

    The URL, the name and the type are chosen by the sender: do not use them as a path, and do not trust the type.
    """

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

    async def read(
        self,
        *,
        max_size: int = MAX_DOWNLOAD,
        timeout: float | None = 60.0,
        progress: Callable[[int, int | None], object] | None = None,
        hosts: Collection[str] = (),
    ) -> bytes:
        """Download the file of a received attachment. See ``MezonClient.download`` for the arguments and errors."""
        content: bytes = await self.client.download(
            self.url or "", max_size=max_size, timeout=timeout, progress=progress, hosts=hosts
        )
        return content

    async def save(
        self,
        path: str | PathLike[str],
        *,
        max_size: int = MAX_DOWNLOAD,
        timeout: float | None = 60.0,
        progress: Callable[[int, int | None], object] | None = None,
        hosts: Collection[str] = (),
    ) -> int:
        """Download the file of a received attachment to ``path`` and return its size.

        The file gets its name when the last byte has arrived. See ``MezonClient.download_to`` for the arguments and
        errors.
        """
        size: int = await self.client.download_to(
            self.url or "", path, max_size=max_size, timeout=timeout, progress=progress, hosts=hosts
        )
        return size


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

    proto_fields: ClassVar[Mapping[str, str]] = {
        "channel_id": NO_SOURCE,
        "mode": NO_SOURCE,
        "message_id": NO_SOURCE,
    }

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
    """A reference to the message that is replied to."""

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


class Parts(NamedTuple):
    """A list inside a bytes field of a message: protobuf, or JSON from older clients."""

    #: The list message of ``mezon.api``, its only field, and the model of its items.
    message: str
    field: str
    item: type[BaseModel]


#: Field of ChannelMessage -> the list in its bytes.
PARTS: Final[dict[str, Parts]] = {
    "mentions": Parts("MessageMentionList", "mentions", ApiMessageMention),
    "attachments": Parts("MessageAttachmentList", "attachments", ApiMessageAttachment),
    "reactions": Parts("MessageReactionList", "reactions", ApiMessageReaction),
    "references": Parts("MessageRefList", "refs", ApiMessageRef),
}

_PARTS_OF: Final = {parts.item: parts for parts in PARTS.values()}


def read_parts(part: type[_M], data: bytes) -> list[_M]:
    """Return the mentions, attachments, reactions or references of a message.

    ``data`` is a serialized list message or JSON text. Invalid data results in an empty list.
    """
    if not data:
        return []
    list_name, field, _ = _PARTS_OF[part]
    container = getattr(protobuf.api_pb2, list_name)
    entry_type: Any = container.DESCRIPTOR.fields_by_name[field].message_type._concrete_class
    # A list message begins with the tag of its only field, a line feed, so these characters can only begin JSON.
    if data[:1] in (b"[", b"{"):
        value = json_or_none(data)
        entries: Any = value.get(field) if isinstance(value, dict) else value
        return _from_json(part, entry_type(), entries) if isinstance(entries, list) else []
    try:
        items: Iterable[Any] = getattr(container.FromString(data), field)
    except protobuf.DecodeError:
        return []
    return [build(part, item, zeros=True) for item in items]


def _from_json(part: type[_M], empty: Any, entries: list[Any]) -> list[_M]:
    """Read entries leniently: a value of the wrong type counts as absent."""
    zeros = build(part, empty, zeros=True).__dict__
    parts = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        given = {key: value for key, value in entry.items() if key in zeros and value is not None}
        try:
            parts.append(part.model_validate({**zeros, **given}))
        except ValidationError as error:
            wrong = {problem["loc"][0] for problem in error.errors()}
            valid = {key: value for key, value in given.items() if key not in wrong}
            parts.append(part.model_validate({**zeros, **valid}))
    return parts
