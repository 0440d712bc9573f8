"""What all sends into a channel share: the upload of files, the channel's fields, and the cached message."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mezon.errors import InvalidArgumentError
from mezon.models._outgoing import encode_content, mentions_of, require_content
from mezon.models.parts import ApiMessageAttachment
from mezon.utils.helper import convert_channeltype_to_channel_mode
from mezon.utils.own import is_own

if TYPE_CHECKING:
    from mezon.models import ApiMessageMention, ChannelMessageAck
    from mezon.models._outgoing import Content, File, OutgoingMessage
    from mezon.structures.text_channel import TextChannel

#: Keywords that mezon-sdk passes to ``write_chat_message`` only if they are set.
_OPTIONAL_KEYWORDS: Final = ("references", "avatar")


def channel_fields(channel: TextChannel) -> dict[str, Any]:
    """Return the keywords that identify a channel in every call about a message."""
    return {
        "clan_id": channel.clan.id,
        "channel_id": channel.id,
        "mode": convert_channeltype_to_channel_mode(channel.channel_type),
        "is_public": not channel.is_private,
    }


async def send_into(channel: TextChannel, message: OutgoingMessage) -> ChannelMessageAck:
    """Send a message and add it to ``channel.messages``.

    If the bot has replaced ``write_chat_message`` of the socket manager, call it with the keywords of mezon-sdk.

    Raises:
        MezonError: If the message cannot be sent.
    """
    require_content(message.content)
    manager = channel.socket_manager
    if not is_own(manager, "write_chat_message") and not _sends(manager):
        fields = vars(message).items()
        return await manager.write_chat_message(
            **{name: value for name, value in fields if value is not None or name not in _OPTIONAL_KEYWORDS}
        )
    ack, sent = await manager.send_message(message, channel.name)
    if sent is not None:
        channel.messages.add(sent)
    return ack


def _sends(manager: object) -> bool:
    """Return whether the bot's own class of socket manager has a ``send_message``; a mock has none."""
    return hasattr(type(manager), "send_message") and not is_own(manager, "send_message")


async def upload_files(
    client: Any,
    files: Sequence[File] | None,
    attachments: Sequence[ApiMessageAttachment] | None,
    content: Content,
    mentions: Sequence[ApiMessageMention] | None = None,
) -> list[ApiMessageAttachment] | None:
    """Upload files; returns the attachments of the message: the given ones, then the files in order.

    ``content`` and ``mentions`` are those of the message, whose limits are checked before the upload.

    Raises:
        InvalidArgumentError: If a file is invalid, or the message exceeds a limit.
        OSError: If a file cannot be read.
        MezonError: If a file cannot be uploaded.
    """
    if not files:
        return list(attachments) if attachments is not None else None
    if isinstance(files, str | bytes | PathLike) or _is_pair(files):
        raise InvalidArgumentError("files must be a list, such as files=['cat.png', ('notes.txt', b'bytes')]")
    named = [_named(file) for file in files]
    require_content(content)
    if (limits := getattr(client, "limits", None)) is not None:
        limits.check(encode_content(content), mentions_of(content, mentions), [*(attachments or ()), *named])
    uploads = [asyncio.ensure_future(_upload(client, *one)) for one in named]
    try:
        return [*(attachments or ()), *(await asyncio.gather(*uploads))]
    except BaseException:
        for upload in uploads:
            upload.cancel()
        await asyncio.wait(uploads)
        raise


def _named(file: File) -> tuple[str, str | bytes]:
    if isinstance(file, str | PathLike):
        return Path(file).name, fspath(file)
    if isinstance(file, bytes | bytearray | memoryview):
        return "file", bytes(file)
    if _is_pair(file):
        return str(file[0]), bytes(file[1])
    raise InvalidArgumentError(
        f"a file must be a path, bytes, or a pair of a name and bytes, not {type(file).__name__}"
    )


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], bytes | bytearray | memoryview)
    )


async def _upload(client: Any, name: str, source: str | bytes) -> ApiMessageAttachment:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    size = (
        len(source)
        if isinstance(source, bytes)
        else await asyncio.to_thread(lambda: Path(source).stat().st_size)
    )
    answer = await client.upload_file(source, filename=name, content_type=kind)
    return ApiMessageAttachment(filename=name, filetype=kind, size=size, url=answer.url)
