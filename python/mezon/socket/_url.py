"""The URLs of the socket of a session, in order of preference (docs/protocol.md, "Which transport first")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote

from mezon._http.address import check_address
from mezon.errors import AuthenticationError
from mezon.utils.secrets import masked

if TYPE_CHECKING:
    from mezon.options import TransportChoice
    from mezon.session import Session

__all__ = ["socket_url", "socket_urls", "with_plain_scheme"]

_SCHEMES: Final = ("wss", "ws", "https", "http", "tcps", "tcp")
_PLAIN: Final = frozenset(("ws", "http", "tcp"))
_TCP_PORT: Final = 443


def socket_url(ws_url: str, use_ssl: bool, token: str, *, status: bool = True) -> str:
    """Return the URL of the WebSocket from the ``ws_url`` of a session.

    The default scheme is ``wss``. Plain text is not used unless ``use_ssl`` is off, even if the server requests it. The
    result contains the token: do not log it.

    Raises:
        AuthenticationError: If the URL is invalid.
    """
    token = masked(token)
    parts = _parts("ws_url", ws_url)
    scheme = "ws" if parts.scheme in ("ws", "http") and not use_ssl else "wss"
    flag = "true" if status else "false"
    return masked(
        f"{scheme}://{_netloc(parts)}/ws?lang=en&status={flag}&token={quote(token, safe='')}&format=protobuf"
    )


def socket_urls(
    session: Session,
    use_ssl: bool,
    transport: TransportChoice = "auto",
    *,
    fallback: str = "",
    status: bool = True,
) -> list[str]:
    """Return the URLs of the socket in order of preference, for ``Connection.open``.

    The WebSocket comes first if the session has a ``ws_url``; otherwise only TCP is used. A missing URL of the selected
    transport is derived from that of the other transport. No URL without TLS follows one with TLS. The results contain
    the token: do not log them.

    Args:
        session: The session; its ``tcp_url`` may be a host with or without a port and a scheme.
        use_ssl: Whether plain text is refused.
        transport: ``websocket`` or ``tcp`` to use that transport only.
        fallback: The ``ws_url`` if the session has neither URL.
        status: Whether the bot appears online.

    Raises:
        AuthenticationError: If no URL is valid.
    """
    ws_url, tcp_url = session.ws_url, session.tcp_url
    if not ws_url and not tcp_url:
        ws_url = fallback
    urls: list[str] = []
    refused: AuthenticationError | None = None

    def websocket() -> str:
        if ws_url:
            return socket_url(ws_url, use_ssl, session.token, status=status)
        scheme, given, rest = tcp_url.rpartition("://")
        plain = not use_ssl and (not given or scheme in _PLAIN)
        return socket_url(f"{'ws' if plain else 'wss'}://{rest}", use_ssl, session.token, status=status)

    def tcp() -> str:
        return _tcp_url(tcp_url, ws_url, use_ssl, session.token)

    candidates = {
        "websocket": [websocket],
        "tcp": [tcp],
        "auto": [websocket, tcp] if ws_url else [tcp],
    }[transport]
    for url_of in candidates:
        try:
            urls.append(url_of())
        except AuthenticationError as error:
            refused = refused or error
    if not urls and refused is not None:
        raise refused
    secure = urls[0].startswith(("wss:", "tcps:"))
    return [url for url in urls if not secure or url.startswith(("wss:", "tcps:"))]


def _tcp_url(tcp_url: str, ws_url: str, use_ssl: bool, token: str) -> str:
    parts = _parts("tcp_url" if tcp_url else "ws_url", tcp_url or ws_url)
    if "://" in (tcp_url or ws_url):
        plain = parts.scheme in _PLAIN
    else:
        # Without a scheme, use TLS like the WebSocket of the session, else like HTTP.
        plain = not ws_url or ws_url.partition("://")[0] in _PLAIN
    netloc = _netloc(parts)
    if parts.port is None:
        netloc = f"{netloc.rstrip(':')}:{_TCP_PORT}"
    return masked(f"{'tcp' if plain and not use_ssl else 'tcps'}://{netloc}?token={quote(token, safe='')}")


def with_plain_scheme(ws_url: str, login_url: str) -> str:
    """Return the ``ws_url`` of a server without TLS with its scheme, and with the port of the login if it has none.

    An invalid URL is returned unchanged, because `socket_urls` may not need it.
    """
    if not ws_url or "://" in ws_url:
        return ws_url
    url = f"ws://{ws_url}"
    try:
        parts, login = _parts("ws_url", url), _parts("host", login_url)
    except AuthenticationError:
        return url
    return url if parts.port is not None else f"ws://{_netloc(parts)}:{login.port or 80}"


def _parts(name: str, url: str) -> SplitResult:
    try:
        return check_address(url if "://" in url else f"wss://{url}", _SCHEMES)
    except ValueError as error:
        raise AuthenticationError(
            f"the server's session has an invalid {name}: {error}; check host and port"
        ) from None


def _netloc(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
