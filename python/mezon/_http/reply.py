"""An answer that has been read whole, and what it says. Imported with the first call: it needs aiohttp."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from mezon._http.errors import ApiResponseError, safe_request_info
from mezon.api.utils import is_binary_response

__all__ = ["MAX_BODY", "Reply", "decode", "decode_binary", "decode_message"]

MAX_BODY = 64 * 1024 * 1024
"""The largest answer that is read, in bytes after decompression."""

_SHOWN = 200
_SHORTEST_SECRET = 6
_SEARCHED = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of an answer, and the request it answers (without credentials)."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    request_info: aiohttp.RequestInfo

    @classmethod
    async def read(cls, resp: aiohttp.ClientResponse, max_body: int = MAX_BODY) -> Reply:
        """Read the body, up to ``max_body`` bytes.

        Raises:
            ApiResponseError: It is longer.
        """
        info = safe_request_info(resp.method, resp.request_info.real_url, resp.request_info.headers)
        parts: list[bytes] = []
        size = 0
        async for part in resp.content.iter_any():
            size += len(part)
            if size > max_body:
                resp.close()
                raise ApiResponseError(
                    info,
                    status=resp.status,
                    message=resp.reason or "",
                    call=_name(info),
                    hint=f"The answer is longer than {max_body} bytes; ask for less at once",
                )
            parts.append(part)
        return cls(resp.status, resp.reason or "", resp.headers, b"".join(parts), info)

    @property
    def content_type(self) -> str:
        """The Content-Type, or "" when the server sent none."""
        return self.headers.get("Content-Type", "")

    def text(self, secrets: Iterable[str] = ()) -> str:
        """The start of the body on one line when it is text; "" when it is not. Secrets are hidden."""
        if b"\0" in self.body[:_SHOWN]:
            return ""
        text = self.body[:_SEARCHED].decode("utf-8", "replace")
        # Before the text is cut: half a token would not be found any more.
        for secret in secrets:
            # A shorter one is a typo or a placeholder, and would be found inside words.
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "[hidden]")
        text = text[: _SHOWN * 2]
        if text.count("�") > 1 or any(ord(c) < 32 and c not in "\t\r\n" for c in text):
            return ""
        text = " ".join(text.split())
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

    def unusable(self, why: str) -> ApiResponseError:
        """The error for an answer that cannot be read as what it should be."""
        return ApiResponseError(
            self.request_info,
            status=self.status,
            message=self.reason,
            headers=self.headers,
            call=_name(self.request_info),
            hint=f"The answer {why}; check that host and port belong to a Mezon server",
        )


def _name(info: aiohttp.RequestInfo) -> str:
    return info.url.name or info.url.host or ""


def decode_binary(reply: Reply, message_class: type) -> Any:
    """The body as a protobuf message; an empty body is an empty message."""
    from google.protobuf.message import DecodeError

    message = message_class()
    try:
        message.ParseFromString(reply.body)
    except DecodeError:
        raise reply.unusable(f"is no {message_class.__name__} message") from None
    return message


def decode(reply: Reply, message_class: type | None) -> Any:
    """The body by its content type, as `mezon.api.utils.parse_response` promises."""
    binary = not reply.content_type or is_binary_response(reply.content_type)
    if binary and message_class is not None:
        return decode_binary(reply, message_class)
    if not reply.body.strip():
        return None
    try:
        return json.loads(reply.body)
    except ValueError:
        if message_class is not None:
            raise reply.unusable(f"is {reply.content_type}, neither protobuf nor JSON") from None
    if reply.content_type.startswith("text/"):
        return reply.body.decode("utf-8", "replace")
    return reply.body


def decode_message(reply: Reply, message_class: type) -> Any:
    """The body as a protobuf message, also when the server answered in JSON."""
    from google.protobuf import json_format

    value = decode(reply, message_class)
    if value is None:
        return message_class()
    if isinstance(value, message_class):
        return value
    try:
        return json_format.ParseDict(value, message_class(), ignore_unknown_fields=True)
    except (json_format.ParseError, AttributeError, TypeError):
        raise reply.unusable(f"is JSON that does not fit {message_class.__name__}") from None
