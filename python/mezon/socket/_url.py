"""The URL of the socket (docs/protocol.md, "WebSocket")."""

from __future__ import annotations

from urllib.parse import quote, urlsplit


def socket_url(ws_url: str, use_ssl: bool, token: str, *, status: bool = True) -> str:
    """The URL to connect to, from what a session says.

    Without a scheme it is ``wss``. A server that says ``ws://`` is not followed down to plain text unless
    ``use_ssl`` is off. The result carries the token: never log it.
    """
    scheme, rest = "wss", ws_url
    if "://" in ws_url:
        given, rest = ws_url.split("://", 1)
        if given in ("ws", "http") and not use_ssl:
            scheme = "ws"
    netloc = urlsplit(f"//{rest}").netloc
    flag = "true" if status else "false"
    return f"{scheme}://{netloc}/ws?lang=en&status={flag}&token={quote(token, safe='')}&format=protobuf"
