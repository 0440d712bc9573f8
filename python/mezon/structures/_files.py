"""Files that a send uploads first."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mezon.errors import InvalidArgumentError
from mezon.models._outgoing import encode_content, mentions_of, require_content

if TYPE_CHECKING:
    from mezon.models import ApiMessageAttachment, ApiMessageMention
    from mezon.models._outgoing import Content

#: A path, the bytes, or a name with the bytes.
File: TypeAlias = "str | PathLike[str] | bytes | tuple[str, bytes]"


async def upload_files(
    client: Any,
    files: Sequence[File] | None,
    attachments: Sequence[ApiMessageAttachment] | None,
    content: Content,
    mentions: Sequence[ApiMessageMention] | None = None,
) -> list[ApiMessageAttachment] | None:
    """Upload files; gives the attachments of a message: those there are, then the files in their order.

    Content and mentions are those of the message: what it would be refused for is refused before an upload.

    Raises:
        InvalidArgumentError: If a file is none, or the message cannot be sent.
        OSError: If one cannot be read.
        MezonError: If one cannot be uploaded; nothing is sent then.
    """
    if not files:
        return list(attachments) if attachments is not None else None
    if isinstance(files, str | bytes | PathLike) or _is_pair(files):
        raise InvalidArgumentError("files is a list, such as files=['cat.png', ('notes.txt', b'bytes')]")
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
        f"a file is a path, bytes, or a pair of a name and bytes, not {type(file).__name__}"
    )


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], bytes | bytearray | memoryview)
    )


async def _upload(client: Any, name: str, source: str | bytes) -> ApiMessageAttachment:
    from mezon.models.parts import ApiMessageAttachment

    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    size = (
        len(source)
        if isinstance(source, bytes)
        else await asyncio.to_thread(lambda: Path(source).stat().st_size)
    )
    answer = await client.upload_file(source, filename=name, content_type=kind)
    return ApiMessageAttachment(filename=name, filetype=kind, size=size, url=answer.url)
