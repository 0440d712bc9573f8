"""Uploading a file: ask for a place, put the bytes there."""

from __future__ import annotations

import asyncio
import mimetypes
import os
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from mezon._http.address import check_address
from mezon.api._rpc import RpcCaller
from mezon.errors import InvalidArgumentError, MezonError
from mezon.ports import AnswerTooLongError, HttpFailure, HttpRequest
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon.models import ApiMessageAttachment

__all__ = ["UploadCalls", "UploadPlace"]

logger = get_logger("mezon.http")

_MAX_SIZE = 2**31 - 1
_SLOWEST = 32 * 1024
"""Bytes a second an upload may take at least; slower ones run into the timeout."""

_SIGNATURES = ("x-amz-", "signature=", "sig=", "x-goog-")


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """Where a file goes. The URL may be signed: whoever has it can write there, so it stays out of the
    repr."""

    filename: str
    url: str = field(repr=False)

    @property
    def public_url(self) -> str:
        """The URL without a signature in its query."""
        parts = urlsplit(self.url)
        signed = any(mark in parts.query.lower() for mark in _SIGNATURES)
        return urlunsplit(parts._replace(query="", fragment="")) if signed else self.url


class UploadCalls(RpcCaller):
    """The calls about uploads, as a part of `mezon.api.MezonApi`."""

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
        """Ask where a file of this name, MIME type, size (bytes) and picture size (pixels) is to be put."""
        from mezon.protobuf.api import api_pb2

        if not 0 <= size <= _MAX_SIZE:
            raise InvalidArgumentError(
                f"{filename}: {size} bytes are too many, the server takes up to {_MAX_SIZE}"
            )
        request = api_pb2.UploadAttachmentRequest(
            filename=filename, filetype=filetype, size=size, width=width or 0, height=height or 0
        )
        answer = await self._rpc(
            "UploadAttachmentFile", token, request, api_pb2.UploadAttachment, options=options
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
        """Upload a file, read from disk as it is sent, or bytes.

        The bytes go to the URL the server names, without the bot's token. That request has no part in the
        rate limit, and its time limit grows with the size: the client's timeout plus one second for every
        32 KiB.

        Args:
            file_path: The file, or its bytes.
            filename: Its name in the chat; needed for bytes, else by default the name of the file.
            content_type: Its MIME type; by default what the name says.

        Returns:
            An attachment (``url``, ``filename``, ``filetype``, ``size``), ready for ``attachments=[...]``
            of a send.

        Raises:
            InvalidArgumentError: Bytes without a name, or a file that is too large.
            OSError: The file cannot be read.
            ApiError, MezonTimeoutError, MezonConnectionError: As every call.
        """
        from mezon.models import ApiMessageAttachment

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
        limit = self.timeout_ms / 1000 + size / _SLOWEST if self.timeout_ms else None
        request = HttpRequest(
            "upload",
            "PUT",
            place.url,
            {"Content-Type": kind, "Content-Length": str(size)},
            body=source,
            timeout=limit,
            exact=True,
        )
        from mezon._http.reply import Reply, too_long

        signature = tuple(urlsplit(place.url).query.replace("&", "=").split("="))
        try:
            reply = Reply(await self.http.send(request), request, (*self._secrets(), *signature))
        except AnswerTooLongError as error:
            failure: MezonError = too_long(error.answer, request, signature)
        except HttpFailure as error:
            from mezon.errors._api import ApiConnectionError

            failure = ApiConnectionError(str(error), sent=error.sent)
        else:
            logger.debug("upload: %d bytes to %s, %d", size, host, reply.status)
            if 200 <= reply.status < 300:
                return
            from mezon.errors._api import ApiError

            hint = "The storage did not take the file; upload it again"
            failure = reply.error(ApiError, body=reply.text(), hint=hint)
        raise failure

    def _upload_host(self, url: str) -> str:
        """Give the host of a place to upload to, once it is looked at: the server's word is not believed.

        Raises:
            MezonError: Nothing can be uploaded there, or it would leave TLS.
        """
        if not url:
            raise MezonError("upload: the server named no place for the file; try again later")
        try:
            parts = check_address(url, ("https", "http"))
        except ValueError as error:
            raise MezonError(f"upload: the server's place for the file cannot be used: {error}") from None
        if parts.scheme != "https" and self.base_url.lower().startswith("https:"):
            raise MezonError(
                f"upload: the server's place for the file is http://{parts.hostname}, without TLS, so anybody on the"
                " way could read and change the file; it was not sent"
            )
        return parts.hostname or ""


def _open(path: str | os.PathLike[str]) -> tuple[IO[bytes], int]:
    file = open(path, "rb")  # noqa: SIM115 - closed by the caller once it is sent
    try:
        return file, os.fstat(file.fileno()).st_size
    except BaseException:
        file.close()
        raise
