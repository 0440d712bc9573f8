"""HTTP helpers: headers, URLs, bodies, and decoding of responses by their Content-Type."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunparse

from pydantic import BaseModel

from mezon import protobuf
from mezon._http.reply import BINARY_CONTENT_TYPES, Reply, decode, decode_binary, is_binary_response
from mezon.errors import InvalidArgumentError
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    import aiohttp

__all__ = [
    "BINARY_CONTENT_TYPES",
    "build_body",
    "build_headers",
    "build_params",
    "build_url",
    "is_binary_response",
    "is_schema_secure",
    "parse_binary_response",
    "parse_response",
    "parse_url_components",
]


def build_headers(
    bearer_token: str | None = None,
    basic_auth: tuple[str | int, str] | None = None,
    accept_binary: bool = False,
    send_binary: bool = False,
    additional_headers: dict[str, Any] = {},  # noqa: B006 - never changed; the default is part of the surface
) -> dict[str, Any]:
    """Return the headers of a call.

    Args:
        bearer_token: The token of the session; takes precedence over ``basic_auth``.
        basic_auth: Name and password.
        accept_binary: Whether to accept protobuf instead of JSON.
        send_binary: Whether the body is protobuf instead of JSON.
        additional_headers: Further headers; they take precedence over Accept and Content-Type.
    """
    bearer_token = masked(bearer_token)
    headers: dict[str, Any] = {
        "Accept": "application/proto" if accept_binary else "application/json",
        "Content-Type": "application/proto" if send_binary else "application/json",
        **additional_headers,
    }
    if bearer_token:
        headers["Authorization"] = masked(f"Bearer {bearer_token}")
    elif basic_auth:
        headers["Authorization"] = masked("Basic " + basic_credentials(*basic_auth))
    return headers


def basic_credentials(name: str | int, password: str) -> str:
    """Return name and password in the encoding of HTTP Basic authentication."""
    password = masked(password)
    return masked(base64.b64encode(f"{name}:{password}".encode()).decode("ascii"))


def build_url(
    scheme: str,
    host: str,
    port: str | int = "",
    path: str = "",
    params: str = "",
    query: dict[str, Any] = {},  # noqa: B006 - never changed; the default is part of the surface
    fragment: str = "",
) -> str:
    """Return a URL from its components. An empty port is omitted."""
    netloc = f"{host}:{port}" if port else host
    return urlunparse((scheme, netloc, path, params, urlencode(query), fragment))


def build_body(body: BaseModel | dict[str, Any]) -> str:
    """Return a model (without its None fields) or a dict as JSON.

    Raises:
        InvalidArgumentError: If it is neither (a ValueError).
    """
    if isinstance(body, BaseModel):
        return json.dumps(body.model_dump(mode="json", exclude_none=True))
    if isinstance(body, dict):
        return json.dumps(body)
    raise InvalidArgumentError(
        f"a request body must be a pydantic model or a dict, not {type(body).__name__}"
    )


def parse_url_components(url: str, use_ssl: bool = False) -> dict[str, Any]:
    """Split a URL into scheme, hostname, use_ssl and port (a str, by default 443 or 80)."""
    parts = urlsplit(url)
    secure = use_ssl or is_schema_secure(parts.scheme)
    port = parts.port
    return {
        "scheme": parts.scheme,
        "hostname": parts.hostname,
        "use_ssl": secure,
        "port": str(port) if port is not None else ("443" if secure else "80"),
    }


def is_schema_secure(schema: str) -> bool:
    """Return whether a scheme uses TLS."""
    return schema in ("https", "wss")


def build_params(params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the parameters without None values."""
    return {name: value for name, value in (params or {}).items() if value is not None}


async def parse_binary_response(resp: aiohttp.ClientResponse, response_proto_class: type) -> Any:
    """Decode a response as a protobuf message. An empty body is an empty message.

    Raises:
        ApiResponseError: If the body is not such a message (a ValueError).
    """
    if not _of_aiohttp(resp):
        return await _parse_other(resp, response_proto_class)
    return decode_binary(await Reply.read(resp), response_proto_class)


async def parse_response(
    resp: aiohttp.ClientResponse, accept_binary: bool, response_proto_class: type | None
) -> Any:
    """Decode a response by its Content-Type.

    Returns:
        The protobuf message if a class is given and the Content-Type is binary or missing. Otherwise the decoded JSON,
        None for an empty body, or, without a class, the text or bytes of a body that is not JSON.

    Raises:
        ApiResponseError: If the body cannot be decoded (a ValueError and an aiohttp.ClientResponseError).
    """
    if not _of_aiohttp(resp):
        binary = is_binary_response(resp.headers.get("Content-Type", ""))
        if binary and response_proto_class is not None:
            return await _parse_other(resp, response_proto_class)
        return await resp.json()
    return decode(await Reply.read(resp), response_proto_class)


def _of_aiohttp(resp: object) -> bool:
    """Return whether a response is one of aiohttp, and not a mock with ``read``, ``json`` and ``headers`` only."""
    from aiohttp import ClientResponse

    return issubclass(type(resp), ClientResponse)


async def _parse_other(resp: Any, response_proto_class: type) -> Any:
    message: Any = response_proto_class()
    try:
        message.ParseFromString(await resp.read())
    except protobuf.DecodeError as error:
        # The text of mezon-sdk.
        raise InvalidArgumentError(f"Invalid protobuf response: {error}") from error
    return message
