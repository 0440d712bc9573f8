"""The errors of the HTTP API. They also derive from the aiohttp classes that bots may already catch.

No error may show a token: the request of an error has neither an ``Authorization`` header nor a query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mezon.errors._base import AuthenticationError, DeliveryUnknownError, MezonConnectionError, MezonError

if TYPE_CHECKING:
    from aiohttp.typedefs import StrOrURL

__all__ = [
    "ApiAuthenticationError",
    "ApiConnectionError",
    "ApiDeliveryUnknownError",
    "ApiError",
    "ApiResponseError",
    "safe_request_info",
]

_HIDDEN_REQUEST_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_HIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie"})
_URL_RESPONSE_HEADERS = frozenset({"location", "refresh", "content-location", "link"})


def safe_request_info(
    method: str, url: StrOrURL, headers: Mapping[str, Any] | None = None
) -> aiohttp.RequestInfo:
    """Describe a request without its credentials, user info, query and fragment."""
    clean = URL(str(url)).with_query(None).with_fragment(None).with_user(None)
    public_headers = CIMultiDict(
        (name, str(value))
        for name, value in (headers or {}).items()
        if name.lower() not in _HIDDEN_REQUEST_HEADERS
    )
    return aiohttp.RequestInfo(clean, method, CIMultiDictProxy(public_headers), clean)


class ApiError(MezonError, aiohttp.ClientResponseError):
    """The HTTP server refused a call, or its response cannot be used.

    Attributes:
        call: The name of the RPC, such as ``ListClanDescs``, or ``authenticate``.
        status: The HTTP status.
        message: The reason phrase of the response.
        body: The first part of the response, if it is text.
        retry_after: Seconds to wait before a retry, as the server asks; or None.
        headers: The headers of the response.
        request_info: URL (no query), method and headers (no credentials) of the request.
    """

    def __init__(
        self,
        request_info: aiohttp.RequestInfo,
        history: tuple[aiohttp.ClientResponse, ...] = (),
        *,
        status: int = 0,
        message: str = "",
        headers: Mapping[str, str] | None = None,
        call: str = "",
        body: str = "",
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        public_headers = CIMultiDict(
            (name, value.partition("?")[0] if name.lower() in _URL_RESPONSE_HEADERS else value)
            for name, value in (headers or {}).items()
            if name.lower() not in _HIDDEN_RESPONSE_HEADERS
        )
        super().__init__(
            request_info, history, status=status, message=message, headers=CIMultiDictProxy(public_headers)
        )
        self.call = call
        self.body = body
        self.hint = hint
        self.retry_after = retry_after
        self.args: tuple[Any, ...] = (self._text(),)

    def _text(self) -> str:
        text = (
            f"{self.call or 'the call'}: {self.request_info.url.host or 'the server'} answered {self.status}"
        )
        if self.message:
            text += f" {self.message}"
        if self.body:
            text += f" ({self.body})"
        if self.retry_after is not None:
            text += f", retry after {self.retry_after:g} s"
        return f"{text}. {self.hint}" if self.hint else text

    def __str__(self) -> str:
        return str(self.args[0])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.args[0]!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The header views cannot be pickled, but a worker process must be able to return the error.
        info = self.request_info
        return _rebuild, (
            type(self),
            (info.method, str(info.url), list(info.headers.items())),
            list((self.headers or {}).items()),
            {
                "status": self.status,
                "message": self.message,
                "call": self.call,
                "body": self.body,
                "hint": self.hint,
                "retry_after": self.retry_after,
            },
        )


def _rebuild(
    kind: type[ApiError],
    request: tuple[str, str, list[tuple[str, str]]],
    headers: list[tuple[str, str]],
    rest: dict[str, Any],
) -> ApiError:
    method, url, request_headers = request
    info = safe_request_info(method, url, CIMultiDict(request_headers))
    return kind(info, headers=CIMultiDict(headers), **rest)


class ApiAuthenticationError(ApiError, AuthenticationError):
    """The server refused the bot id and the API key."""


class ApiResponseError(ApiError, ValueError):
    """The call succeeded, but its response is too large, or neither the expected message nor JSON."""


class ApiConnectionError(MezonConnectionError, aiohttp.ClientConnectionError):
    """The server is unreachable. The call was not executed, or it is idempotent.

    Attributes:
        sent: Whether the server may have received the call.
    """

    def __init__(self, text: str = "", *, sent: bool = True) -> None:
        super().__init__(text)
        self.sent = sent


class ApiDeliveryUnknownError(ApiConnectionError, DeliveryUnknownError):
    """The connection was lost after a call was sent and before its response arrived."""


# Tracebacks and pickles show the public module.
for _error in (
    ApiError,
    ApiAuthenticationError,
    ApiResponseError,
    ApiConnectionError,
    ApiDeliveryUnknownError,
):
    _error.__module__ = "mezon.errors"
