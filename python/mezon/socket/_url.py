"""Where the socket is, from what a session says, best first (docs/protocol.md, "Which transport first")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote

from mezon._http.address import check_address
from mezon.errors import AuthenticationError
from mezon.utils.masked import masked

if TYPE_CHECKING:
    from mezon.options import TransportChoice
    from mezon.session import Session

__all__ = ["socket_url", "socket_urls", "with_plain_scheme"]

_SCHEMES: Final = ("wss", "ws", "https", "http", "tcps", "tcp")
_PLAIN: Final = frozenset(("ws", "http", "tcp"))
_TCP_PORT: Final = 443


def socket_url(ws_url: str, use_ssl: bool, token: str, *, status: bool = True) -> str:
    """Give the WebSocket's URL, from what a session says.

    Without a scheme it is ``wss``. A server that says ``ws://`` is not followed down to plain text unless
    ``use_ssl`` is off. The result carries the token: never log it.

    Raises:
        AuthenticationError: If nobody can be connected to there.
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
    """Give every address of the socket, the best first, as ``Connection.open`` takes them.

    The WebSocket comes first where the session names one: with a session that names TCP alone, it is TCP. Each
    transport's address stands in for the other's where that is missing. After an address with TLS comes none without.
    The results carry the token: never log them.

    Args:
        session: Its ``ws_url`` and ``tcp_url``; the latter may be a bare host, have a port, or a scheme.
        use_ssl: Whether plain text is out of the question.
        transport: ``websocket`` or ``tcp`` for that one alone.
        fallback: The ``ws_url`` when the session names nothing at all.

    Raises:
        AuthenticationError: If nobody can be connected to at any of them.
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

    ways = {
        "websocket": [websocket],
        "tcp": [tcp],
        "auto": [websocket, tcp] if ws_url else [tcp],
    }[transport]
    for way in ways:
        try:
            urls.append(way())
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
        # It does not say: as safe as the WebSocket of the same session, else as HTTP.
        plain = not ws_url or ws_url.partition("://")[0] in _PLAIN
    netloc = _netloc(parts)
    if parts.port is None:
        netloc = f"{netloc.rstrip(':')}:{_TCP_PORT}"
    return masked(f"{'tcp' if plain and not use_ssl else 'tcps'}://{netloc}?token={quote(token, safe='')}")


def with_plain_scheme(ws_url: str, login_url: str) -> str:
    """Give a bare ``ws_url`` of a server without TLS its scheme, and the login's port where it has none.

    One that cannot be used stays as it is: `socket_urls` may do without it.
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
            f"the server's session names a {name} that cannot be used: {error}; check host and port"
        ) from None


def _netloc(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
