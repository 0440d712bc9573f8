"""The errors of the HTTP side: ours, and still the aiohttp class a bot may already catch.

Nothing in here may show a token: the request kept on an error has no ``Authorization`` header and no query.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mezon.errors import AuthenticationError, DeliveryUnknownError, MezonConnectionError, MezonError

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
    """Say what a request was, without what must stay secret: credentials, user info, query and fragment."""
    clean = URL(str(url)).with_query(None).with_fragment(None).with_user(None)
    kept = CIMultiDict(
        (name, str(value))
        for name, value in (headers or {}).items()
        if name.lower() not in _HIDDEN_REQUEST_HEADERS
    )
    return aiohttp.RequestInfo(clean, method, CIMultiDictProxy(kept), clean)


class ApiError(MezonError, aiohttp.ClientResponseError):
    """The HTTP server refused a call, or its answer cannot be used.

    Attributes:
        call: The name of the call, as the RPC is named (``ListClanDescs``), or ``authenticate``.
        status: The HTTP status.
        message: The reason phrase of the answer.
        body: The first part of the server's own words, if it sent text.
        retry_after: Seconds the server asks to wait, or None.
        headers: The headers of the answer.
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
        kept = CIMultiDict(
            (name, value.partition("?")[0] if name.lower() in _URL_RESPONSE_HEADERS else value)
            for name, value in (headers or {}).items()
            if name.lower() not in _HIDDEN_RESPONSE_HEADERS
        )
        super().__init__(
            request_info, history, status=status, message=message, headers=CIMultiDictProxy(kept)
        )
        self.call = call
        self.body = body
        self.hint = hint
        self.retry_after = retry_after
        self.args = (self._text(),)

    def _text(self) -> str:
        text = (
            f"{self.call or 'the call'}: {self.request_info.url.host or 'the server'} answered {self.status}"
        )
        if self.message:
            text += f" {self.message}"
        if self.body:
            text += f" ({self.body})"
        if self.retry_after is not None:
            text += f", to be tried again after {self.retry_after:g} s"
        return f"{text}. {self.hint}" if self.hint else text

    def __str__(self) -> str:
        return str(self.args[0])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.args[0]!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The header views do not pickle; a worker process should still be able to hand the error over.
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
    """The server did not accept the bot id and the API key."""


class ApiResponseError(ApiError, ValueError):
    """The call went through and its answer is neither the expected message nor JSON, or is too large."""


class ApiConnectionError(MezonConnectionError, aiohttp.ClientConnectionError):
    """The server cannot be reached. The call was not carried out, or repeating it does no harm.

    Attributes:
        sent: Whether the server may have seen the call.
    """

    def __init__(self, text: str = "", *, sent: bool = True) -> None:
        super().__init__(text)
        self.sent = sent


class ApiDeliveryUnknownError(ApiConnectionError, DeliveryUnknownError):
    """The connection was lost after a call was sent and before its answer came."""


# As a traceback shows them: mezon.errors hands them out.
for _error in (
    ApiError,
    ApiAuthenticationError,
    ApiResponseError,
    ApiConnectionError,
    ApiDeliveryUnknownError,
):
    _error.__module__ = "mezon.errors"
