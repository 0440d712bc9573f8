"""Uploads: request an upload URL, then send the file to it."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from mezon import errors, protobuf
from mezon._http.address import check_address
from mezon._http.reply import Reply, too_long
from mezon.api._rpc import RpcCaller
from mezon.errors import InvalidArgumentError, MezonError
from mezon.models import ApiMessageAttachment
from mezon.ports import AnswerTooLongError, HttpFailure, HttpRequest
from mezon.utils.logger import get_logger

__all__ = ["UploadCalls", "UploadPlace"]

logger = get_logger("mezon.http")

_MAX_SIZE = 2**31 - 1
#: The minimum rate of an upload in bytes per second; slower uploads time out.
_MIN_RATE = 32 * 1024

_SIGNATURES = ("x-amz-", "signature=", "sig=", "x-goog-")


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """The target of an upload. A signed URL permits writing, so the URL is not in the repr."""

    filename: str
    url: str = field(repr=False)

    @property
    def public_url(self) -> str:
        """The URL without a signature in its query."""
        parts = urlsplit(self.url)
        signed = any(mark in parts.query.lower() for mark in _SIGNATURES)
        return urlunsplit(parts._replace(query="", fragment="")) if signed else self.url


class UploadCalls(RpcCaller):
    """The upload calls of `mezon.api.MezonApi`."""

    async def upload_attachment_file(
        self,
        token: str,
        filename: str,
        filetype: str,
        size: int,
        width: int | None = None,
        height: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> UploadPlace:
        """Request an upload URL for a file with this name, MIME type, size in bytes and image size in pixels."""
        if not 0 <= size <= _MAX_SIZE:
            raise InvalidArgumentError(
                f"{filename}: {size} bytes are too many, the server accepts up to {_MAX_SIZE}"
            )
        request = protobuf.api_pb2.UploadAttachmentRequest(
            filename=filename, filetype=filetype, size=size, width=width or 0, height=height or 0
        )
        answer = await self._rpc(
            "UploadAttachmentFile", token, request, protobuf.api_pb2.UploadAttachment, options=options
        )
        return UploadPlace(answer.filename, answer.url)

    async def upload_file(
        self,
        token: str,
        file_path: str | os.PathLike[str] | bytes,
        filename: str | None = None,
        content_type: str | None = None,
        width: int | None = None,
        height: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> ApiMessageAttachment:
        """Upload bytes, or a file that is read while it is sent.

        The file is sent to the URL from the server, without the token of the bot. That request does not count towards
        the rate limit. Its timeout is that of the client plus one second for each 32 KiB.

        Args:
            token: The token of the session.
            file_path: The file, or its bytes.
            filename: The name in the chat; required for bytes, by default the name of the file.
            content_type: The MIME type; by default derived from the name.
            width: The width of an image in pixels.
            height: The height of an image in pixels.
            options: See `MezonApi`.

        Returns:
            An attachment (``url``, ``filename``, ``filetype``, ``size``) for ``attachments=[...]`` of a message.

        Raises:
            InvalidArgumentError: If bytes have no name, or the file is too large.
            OSError: If the file cannot be read.
            ApiError, MezonTimeoutError, MezonConnectionError: See `MezonApi`.
        """
        source: bytes | IO[bytes]
        if isinstance(file_path, bytes):
            if not filename:
                raise InvalidArgumentError("bytes have no name: pass filename=")
            source, size = file_path, len(file_path)
        else:
            filename = filename or os.path.basename(os.fspath(file_path))
            source, size = await asyncio.to_thread(_open, file_path)
        kind = content_type or mimetypes.guess_type(filename)[0] or "application/octet-stream"
        try:
            place = await self.upload_attachment_file(token, filename, kind, size, width, height, options)
            await self._put(place, source, size, kind)
        finally:
            if not isinstance(source, bytes):
                source.close()
        return ApiMessageAttachment(
            filename=filename, filetype=kind, size=size, url=place.public_url, width=width, height=height
        )

    async def _put(self, place: UploadPlace, source: bytes | IO[bytes], size: int, kind: str) -> None:
        host = self._upload_host(place.url)
        limit = self.timeout_ms / 1000 + size / _MIN_RATE if self.timeout_ms else None
        request = HttpRequest(
            "upload",
            "PUT",
            place.url,
            {"Content-Type": kind, "Content-Length": str(size)},
            body=source,
            timeout=limit,
            exact=True,
        )
        signature = tuple(urlsplit(place.url).query.replace("&", "=").split("="))
        try:
            reply = Reply(await self.http.send(request), request, (*self._secrets(), *signature))
        except AnswerTooLongError as error:
            failure: MezonError = too_long(error.answer, request, signature)
        except HttpFailure as error:
            failure = errors.ApiConnectionError(str(error), sent=error.sent)
        else:
            logger.debug("upload: %d bytes to %s, %d", size, host, reply.status)
            if 200 <= reply.status < 300:
                return
            hint = "The storage did not accept the file; upload it again"
            failure = reply.error(errors.ApiError, body=reply.text(), hint=hint)
        raise failure

    def _upload_host(self, url: str) -> str:
        """Validate an upload URL and return its host.

        Raises:
            MezonError: If the URL is invalid, or has no TLS although the API has.
        """
        if not url:
            raise MezonError("upload: the server returned no URL for the file; try again later")
        try:
            parts = check_address(url, ("https", "http"))
        except ValueError as error:
            raise MezonError(f"upload: the URL from the server is invalid: {error}") from None
        if parts.scheme != "https" and self.base_url.lower().startswith("https:"):
            raise MezonError(
                f"upload: the URL from the server is http://{parts.hostname}, without TLS, so others could read and"
                " change the file in transit; it was not sent"
            )
        return parts.hostname or ""


def _open(path: str | os.PathLike[str]) -> tuple[IO[bytes], int]:
    file = open(path, "rb")  # noqa: SIM115 - closed by the caller once it is sent
    try:
        return file, os.fstat(file.fileno()).st_size
    except BaseException:
        file.close()
        raise
