"""An answer that has been read whole, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mezon._http.content_types import is_binary_response
from mezon.ports import MAX_ANSWER, HttpAnswer, HttpRequest
from mezon.utils.masked import masked
from mezon.utils.secrets import hide, hide_in_headers

if TYPE_CHECKING:
    import aiohttp

    from mezon.errors._api import ApiError

__all__ = ["Reply", "decode", "decode_binary", "decode_message"]

_SHOWN = 200
_SEARCHED = 64 * 1024
_SCHEMES = ("Bearer ", "Basic ")


class Reply:
    """An answer, the request it answers, and the secrets that must not show even if the server sends them back.

    Args:
        secrets: Further ones than the credentials in the request's headers.
    """

    def __init__(self, answer: HttpAnswer, request: HttpRequest, secrets: Iterable[str] = ()) -> None:
        self.status = answer.status
        self.body = answer.body
        self.request = request
        self.secrets = (*secrets, *_credentials(request.headers))
        self._answer = answer

    @classmethod
    async def read(cls, resp: aiohttp.ClientResponse, max_body: int = MAX_ANSWER) -> Reply:
        """Read an answer of aiohttp, up to ``max_body`` bytes.

        Raises:
            ApiResponseError: It is longer.
        """
        from mezon._http.transport import read_whole
        from mezon.ports import AnswerTooLongError

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
        """The headers, as the server sent them."""
        return self._answer.headers

    @property
    def content_type(self) -> str:
        """The Content-Type, or "" when the server sent none."""
        return self.headers.get("Content-Type", "")

    def text(self) -> str:
        """Give the start of the body on one line when it is text; "" when it is not. Secrets are hidden."""
        if b"\0" in self.body[:_SHOWN]:
            return ""
        # Before the text is cut: half a token would not be found any more.
        text = hide(self.body[:_SEARCHED].decode("utf-8", "replace"), self.secrets)[: _SHOWN * 2]
        if text.count("�") > 1 or any(ord(c) < 32 and c not in "\t\r\n" for c in text):
            return ""
        text = " ".join(text.split())
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

    def error(self, kind: type[ApiError], **said: Any) -> ApiError:
        """Make an error about this answer, without the secrets."""
        from multidict import CIMultiDict

        from mezon.errors._api import safe_request_info

        request = self.request
        said.setdefault("call", request.name)
        return kind(
            safe_request_info(request.method, hide(request.url, self.secrets), request.headers),
            status=self.status,
            message=hide(self._answer.reason, self.secrets)[:_SHOWN],
            headers=CIMultiDict(hide_in_headers(self.headers, self.secrets)),
            **said,
        )

    def unusable(self, why: str) -> ApiError:
        """Make the error for an answer that cannot be read as what it should be."""
        from mezon.errors._api import ApiResponseError

        hint = f"The answer {why}; check that host and port belong to a Mezon server"
        return self.error(ApiResponseError, hint=hide(hint, self.secrets))


def too_long(answer: HttpAnswer, request: HttpRequest, secrets: Iterable[str] = ()) -> ApiError:
    """Make the error for an answer that is longer than the request allows."""
    from mezon.errors._api import ApiResponseError

    hint = f"The answer is longer than {request.max_answer} bytes; ask for less at once"
    return Reply(answer, request, secrets).error(ApiResponseError, hint=hint)


def _credentials(headers: Mapping[str, Any]) -> list[str]:
    value = masked(str(headers.get("Authorization", "")))
    return [value[len(scheme) :] for scheme in _SCHEMES if value.startswith(scheme)]


def decode_binary(reply: Reply, message_class: type) -> Any:
    """Give the body as a protobuf message; an empty body is an empty message."""
    from google.protobuf.message import DecodeError

    message = message_class()
    try:
        message.ParseFromString(reply.body)
    except DecodeError:
        unusable = reply.unusable(f"is no {message_class.__name__} message")
    else:
        return message
    raise unusable


def decode(reply: Reply, message_class: type | None) -> Any:
    """Give the body by its content type, as `mezon.api.utils.parse_response` promises."""
    binary = not reply.content_type or is_binary_response(reply.content_type)
    if binary and message_class is not None:
        return decode_binary(reply, message_class)
    if not reply.body.strip():
        return None
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        unusable = reply.unusable(f"is {reply.content_type[:80]}, neither protobuf nor JSON")
    # Out of the block: a JSON error holds the whole text.
    if message_class is not None:
        raise unusable
    if reply.content_type.startswith("text/"):
        return reply.body.decode("utf-8", "replace")
    return reply.body


def decode_message(reply: Reply, message_class: type) -> Any:
    """Give the body as a protobuf message, also when the server answered in JSON."""
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
