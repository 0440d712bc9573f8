"""HTTP responses: reading them up to a size limit, decoding them, and the errors about them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mezon import errors, protobuf
from mezon.ports import MAX_ANSWER, AnswerTooLongError, HttpAnswer, HttpRequest
from mezon.utils.secrets import hide, hide_in_headers, masked

if TYPE_CHECKING:
    import aiohttp

    from mezon.errors._api import ApiError

__all__ = [
    "BINARY_CONTENT_TYPES",
    "Reply",
    "decode",
    "decode_binary",
    "decode_message",
    "is_binary_response",
    "read_whole",
    "too_long",
]

BINARY_CONTENT_TYPES = (
    "application/proto",
    "application/x-protobuf",
    "application/protobuf",
    "application/octet-stream",
    "text/plain; charset=utf-8",
)
_BINARY = frozenset(kind.replace(" ", "") for kind in BINARY_CONTENT_TYPES)

#: The length of a body in errors, and the length in which secrets are redacted before that.
_SHOWN = 200
_SEARCHED = 64 * 1024
_SCHEMES = ("Bearer ", "Basic ")


def is_binary_response(content_type: str) -> bool:
    """Return whether a response with this Content-Type is protobuf."""
    kind = content_type.lower().replace(" ", "").replace('"', "")
    return kind in _BINARY or kind.partition(";")[0] in _BINARY


async def read_whole(response: aiohttp.ClientResponse, request: HttpRequest) -> HttpAnswer:
    """Read the body of a response.

    Raises:
        AnswerTooLongError: If it is longer than ``request.max_answer`` bytes.
    """
    # Neither the repr of the buffer nor a local variable shows the body, which may contain a token.
    body = io.BytesIO()
    async for part in response.content.iter_any():
        body.write(part)
        del part
        if body.tell() > request.max_answer:
            response.close()
            raise AnswerTooLongError(
                f"{request.name}: the answer is longer than {request.max_answer} bytes; request less at once",
                HttpAnswer(response.status, response.reason or "", response.headers),
            )
    return HttpAnswer(response.status, response.reason or "", response.headers, body.getvalue())


class Reply:
    """A response with its request. Secrets that the server echoes are redacted in texts and errors.

    Args:
        answer: The response.
        request: The request.
        secrets: Secrets in addition to the credentials in the headers of the request.
    """

    def __init__(self, answer: HttpAnswer, request: HttpRequest, secrets: Iterable[str] = ()) -> None:
        self.status = answer.status
        self.body = answer.body
        self.request = request
        self.secrets = (*secrets, *_credentials(request.headers))
        self._answer = answer

    @classmethod
    async def read(cls, resp: aiohttp.ClientResponse, max_body: int = MAX_ANSWER) -> Reply:
        """Read a response of aiohttp, up to ``max_body`` bytes.

        Raises:
            ApiResponseError: If it is longer.
        """
        url = resp.request_info.real_url
        request = HttpRequest(
            url.name or url.host or "",
            resp.method,
            str(url),
            dict(resp.request_info.headers),
            max_answer=max_body,
        )
        try:
            return cls(await read_whole(resp, request), request)
        except AnswerTooLongError as error:
            raise too_long(error.answer, request) from None

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the response."""
        return self._answer.headers

    @property
    def content_type(self) -> str:
        """The Content-Type; "" if there is none."""
        return self.headers.get("Content-Type", "")

    def text(self) -> str:
        """Return the start of a text body on one line, with secrets redacted; "" if the body is not text."""
        if b"\0" in self.body[:_SHOWN]:
            return ""
        # Redact before truncating: half a token would not be recognized.
        text = hide(self.body[:_SEARCHED].decode("utf-8", "replace"), self.secrets)[: _SHOWN * 2]
        if text.count("�") > 1 or any(ord(c) < 32 and c not in "\t\r\n" for c in text):
            return ""
        text = " ".join(text.split())
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

    def error(self, kind: type[ApiError], **details: Any) -> ApiError:
        """Return an error about this response, with secrets redacted."""
        from multidict import CIMultiDict

        request = self.request
        details.setdefault("call", request.name)
        return kind(
            errors.safe_request_info(request.method, hide(request.url, self.secrets), request.headers),
            status=self.status,
            message=hide(self._answer.reason, self.secrets)[:_SHOWN],
            headers=CIMultiDict(hide_in_headers(self.headers, self.secrets)),
            **details,
        )

    def unusable(self, why: str) -> ApiError:
        """Return the error for a response with an unexpected body."""
        hint = f"The answer {why}; check that host and port belong to a Mezon server"
        return self.error(errors.ApiResponseError, hint=hide(hint, self.secrets))


def too_long(answer: HttpAnswer, request: HttpRequest, secrets: Iterable[str] = ()) -> ApiError:
    """Return the error for a response that is longer than the request allows."""
    hint = f"The answer is longer than {request.max_answer} bytes; request less at once"
    return Reply(answer, request, secrets).error(errors.ApiResponseError, hint=hint)


def _credentials(headers: Mapping[str, Any]) -> list[str]:
    value = masked(str(headers.get("Authorization", "")))
    return [value[len(scheme) :] for scheme in _SCHEMES if value.startswith(scheme)]


def decode_binary(reply: Reply, message_class: type) -> Any:
    """Decode the body as a protobuf message. An empty body is an empty message."""
    message = message_class()
    try:
        message.ParseFromString(reply.body)
    except protobuf.DecodeError:
        unusable = reply.unusable(f"is not a {message_class.__name__} message")
    else:
        return message
    raise unusable


def decode(reply: Reply, message_class: type | None) -> Any:
    """Decode the body by its Content-Type, see `mezon.api.utils.parse_response`."""
    binary = not reply.content_type or is_binary_response(reply.content_type)
    if binary and message_class is not None:
        return decode_binary(reply, message_class)
    if not reply.body.strip():
        return None
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        unusable = reply.unusable(f"is {reply.content_type[:80]}, neither protobuf nor JSON")
    # Raised outside of the block: a JSON error contains the whole text.
    if message_class is not None:
        raise unusable
    if reply.content_type.startswith("text/"):
        return reply.body.decode("utf-8", "replace")
    return reply.body


def decode_message(reply: Reply, message_class: type) -> Any:
    """Decode the body as a protobuf message, also from JSON."""
    from google.protobuf import json_format

    value = decode(reply, message_class)
    if value is None:
        return message_class()
    if isinstance(value, message_class):
        return value
    try:
        return json_format.ParseDict(value, message_class(), ignore_unknown_fields=True)
    except (json_format.ParseError, AttributeError, TypeError, ValueError, RecursionError):
        unusable = reply.unusable(f"is JSON that does not fit {message_class.__name__}")
    raise unusable
