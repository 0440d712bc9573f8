"""The URL of the socket (docs/protocol.md, "WebSocket")."""

from __future__ import annotations

from urllib.parse import quote

from mezon._http.address import check_address
from mezon.errors import AuthenticationError

_SCHEMES = ("wss", "ws", "https", "http", "tcps", "tcp")


def socket_url(ws_url: str, use_ssl: bool, token: str, *, status: bool = True) -> str:
    """The URL to connect to, from what a session says.

    Without a scheme it is ``wss``. A server that says ``ws://`` is not followed down to plain text unless
    ``use_ssl`` is off. The result carries the token: never log it.

    Raises:
        AuthenticationError: If nobody can be connected to there.
    """
    try:
        parts = check_address(ws_url if "://" in ws_url else f"wss://{ws_url}", _SCHEMES)
    except ValueError as error:
        raise AuthenticationError(
            f"the server's session names a ws_url that cannot be used: {error}; check host and port"
        ) from None
    scheme = "ws" if parts.scheme in ("ws", "http") and not use_ssl else "wss"
    netloc = parts.netloc.rpartition("@")[2]
    flag = "true" if status else "false"
    return f"{scheme}://{netloc}/ws?lang=en&status={flag}&token={quote(token, safe='')}&format=protobuf"
