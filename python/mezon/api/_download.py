"""Downloading a file: sign its URL if the CDN requires it, and read it within a size and a time."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from mezon import errors
from mezon._http.address import check_address
from mezon._http.call import Call
from mezon._http.reply import Reply
from mezon.api._rpc import RpcCaller
from mezon.api.utils import build_headers
from mezon.errors import InvalidArgumentError, MezonError, MezonTimeoutError
from mezon.ports import HttpAnswer, HttpFailure, HttpRequest, HttpStream
from mezon.utils.logger import get_logger
from mezon.utils.single_flight import SingleFlight

__all__ = ["CDN_HOSTS", "CdnSigner", "DownloadCalls", "Progress", "channel_of_url"]

logger: Final = get_logger("mezon.http")

#: The hosts from which files are downloaded, besides that of the API.
CDN_HOSTS: Final = frozenset({"cdn.mezon.ai", "cdn.mezon.vn", "cdn.komu.vn", "cdn.komu.ai"})

#: Called with the number of received bytes, and the size of the file or None if the server does not state it.
Progress = Callable[[int, int | None], object]

_CHANNEL: Final = re.compile(r"[0-9a-f]{16}")
_EXPIRY: Final = re.compile(r"(\d{9,11})-")

_RENEW_BEFORE: Final = 300.0
_DEFAULT_LIFETIME: Final = 3 * 3600.0
_MAX_LIFETIME: Final = 5 * 3600.0
#: Seconds before another attempt after a refusal, and after a 403 for a new signature.
_RETRY_AFTER: Final = 60.0
_RENEW_AFTER: Final = 30.0
_SIGNATURE_TIMEOUT_MS: Final = 10_000
_MAX_SIGNATURES: Final = 1_000


def channel_of_url(url: str) -> int | None:
    """Return the channel whose signature a URL of the CDN needs, or None.

    The channel is the last folder (the first one in older URLs), 16 hexadecimal digits. A URL with a query is signed
    already.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or url.endswith("?"):
        return None
    folders = parts.path.split("/")[1:-1]
    for folder in (folders[-1:] + folders[:1]) if folders else ():
        if _CHANNEL.fullmatch(folder) and (channel_id := int(folder, 16)):
            return channel_id
    return None


@dataclass(slots=True)
class _Signature:
    """What the server answered for a channel; an empty text if it refused."""

    text: str
    asked: float
    expires: float


#: Requests the signature of a channel; raises MezonError.
Fetch = Callable[[int], Awaitable[str]]


class CdnSigner:
    """Signatures of channels, cached until shortly before they expire.

    Args:
        now: UNIX time.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._cache: OrderedDict[int, _Signature] = OrderedDict()
        self._flights: SingleFlight[int, str] = SingleFlight()

    async def signature(self, channel_id: int, fetch: Fetch) -> str:
        """Return the signature of a channel, or "" if there is none: the file is then requested without it."""
        cached = self._cache.get(channel_id)
        if cached is not None and self._now() < cached.expires:
            return cached.text
        return await self._flights.run(channel_id, lambda: self._request(channel_id, fetch))

    async def renewed(self, channel_id: int, refused: str, fetch: Fetch) -> str:
        """Return another signature than the refused one, or "" if the refused one is too recent to be replaced."""
        cached = self._cache.get(channel_id)
        if cached is not None and cached.text == refused:
            if self._now() - cached.asked < _RENEW_AFTER:
                return ""
            del self._cache[channel_id]
        renewed = await self.signature(channel_id, fetch)
        return renewed if renewed != refused else ""

    async def _request(self, channel_id: int, fetch: Fetch) -> str:
        try:
            text = (await fetch(channel_id)).removeprefix("?")
        except MezonError as error:
            # Denied, unknown to the server, or not reachable: the CDN decides whether the bare URL suffices.
            logger.debug("download: no CDN signature for channel %d: %s", channel_id, error)
            text = ""
        now = self._now()
        self._cache[channel_id] = _Signature(text, now, self._expiry(text, now))
        self._cache.move_to_end(channel_id)
        if len(self._cache) > _MAX_SIGNATURES:
            self._cache.popitem(last=False)
        return text

    @staticmethod
    def _expiry(text: str, now: float) -> float:
        if not text:
            return now + _RETRY_AFTER
        stated = _EXPIRY.match(text)
        if stated is None:
            return now + _DEFAULT_LIFETIME
        return min(float(stated[1]) - _RENEW_BEFORE, now + _MAX_LIFETIME)


class DownloadCalls(RpcCaller):
    """The calls about downloads, as a part of `mezon.api.MezonApi`."""

    cdn: CdnSigner

    async def generate_cdn_signature(
        self, token: str, channel_id: int, options: dict[str, Any] | None = None
    ) -> str:
        """Request the query that signs the URLs of a channel's files on the CDN."""
        from mezon.protobuf.reported import CDNSignature, CDNSignatureRequest

        call = Call(
            "GenerateCDNSignature",
            "POST",
            self._url("/mezon.api.Mezon/GenerateCDNSignature"),
            body=CDNSignatureRequest(channel_id=channel_id).SerializeToString(),
            headers=build_headers(bearer_token=token, accept_binary=True, send_binary=True),
            idempotent=True,
        )
        return str((await self._make(self._with(call, options), CDNSignature)).signature)

    async def download(
        self,
        token: str,
        url: str,
        write: Callable[[bytes], Awaitable[None]],
        *,
        max_size: int,
        timeout: float | None,
        progress: Progress | None = None,
        hosts: Collection[str] = (),
    ) -> None:
        """Pass the bytes of a file to ``write`` as they arrive.

        Args:
            token: The token of the session, for signatures. It is not sent to the CDN.
            url: The URL of the file, on a host of the CDN, the API's own address, or one of ``hosts``.
            write: Called with each part, only for a status of 200.
            max_size: Maximum size in bytes.
            timeout: Maximum number of seconds for the whole file; None for no limit.
            progress: Called with the number of received bytes and the size.
            hosts: Further trusted host names.

        Raises:
            InvalidArgumentError: The URL cannot be used, or its host is not trusted.
            MezonError: The file is larger than ``max_size``.
            ApiError, MezonTimeoutError, MezonConnectionError: As every call.
        """
        self._check_host(url, hosts)
        channel_id = channel_of_url(url) if self._on_cdn(url) else None

        async def fetch(channel: int) -> str:
            return await self.generate_cdn_signature(token, channel, {"timeout_ms": _SIGNATURE_TIMEOUT_MS})

        async def get(signature: str) -> bool:
            """Download the file. Return whether another signature can help."""
            address = f"{url}?{signature}" if signature else url
            request = HttpRequest("download", "GET", address, timeout=timeout, exact=True)
            async with self.http.stream(request) as stream:
                if stream.status == 403 and signature:
                    return True
                if stream.status != 200:
                    raise _refusal(request, stream.status, signature)
                await _receive(stream, write, max_size, progress)
            return False

        try:
            async with asyncio.timeout(timeout):
                signature = "" if channel_id is None else await self.cdn.signature(channel_id, fetch)
                if await get(signature) and channel_id is not None:
                    renewed = await self.cdn.renewed(channel_id, signature, fetch)
                    if not renewed or await get(renewed):
                        raise _refusal(HttpRequest("download", "GET", url), 403, signature)
        except HttpFailure as error:
            failure: MezonError = errors.ApiConnectionError(str(error), sent=error.sent)
        except TimeoutError as error:
            if isinstance(error, MezonError):
                raise
            failure = MezonTimeoutError(f"download: the file did not arrive within {timeout:g} s")
        else:
            return
        # Outside of the blocks above: the error of the library must not be the context of this one.
        raise failure

    def _check_host(self, url: str, hosts: Collection[str]) -> None:
        try:
            parts = check_address(url, ("https", "http"))
        except ValueError as error:
            raise InvalidArgumentError(f"download: the URL of the file cannot be used: {error}") from None
        if self._on_cdn(url) or (parts.scheme == "https" and parts.hostname in hosts):
            return
        raise InvalidArgumentError(
            f"download: {parts.scheme}://{parts.hostname} is not a trusted host. Anyone can send a message with any "
            "URL; pass hosts={...} to download from further hosts over https"
        )

    def _on_cdn(self, url: str) -> bool:
        """Return whether a URL is on Mezon's CDN, or at the address of the API, as with the local gateway."""
        parts, api = urlsplit(url), urlsplit(self.base_url)
        return (parts.scheme == "https" and parts.hostname in CDN_HOSTS) or (
            (parts.scheme, parts.netloc) == (api.scheme, api.netloc)
        )


async def _receive(
    stream: HttpStream,
    write: Callable[[bytes], Awaitable[None]],
    max_size: int,
    progress: Progress | None,
) -> None:
    stated = stream.headers.get("Content-Length", "")
    # The length of a compressed body is not the size of the file.
    encoded = stream.headers.get("Content-Encoding", "identity") != "identity"
    size = int(stated) if stated.isdecimal() and len(stated) < 20 and not encoded else None
    received = 0
    if size is not None and size > max_size:
        raise _too_large(max_size)
    async for part in stream.chunks():
        received += len(part)
        if received > max_size:
            raise _too_large(max_size)
        await write(part)
        if progress is not None:
            progress(received, size)


def _too_large(max_size: int) -> MezonError:
    return MezonError(f"download: the file is larger than {max_size} bytes; pass a larger max_size")


def _refusal(request: HttpRequest, status: int, signature: str) -> MezonError:
    hint = {
        403: "The bot has no access to the channel of this file",
        404: "The file was deleted",
    }.get(status, "The file could not be downloaded; try again later")
    return Reply(HttpAnswer(status), request, (signature,) if signature else ()).error(
        errors.ApiError, hint=hint
    )
