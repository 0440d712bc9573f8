"""Who may talk to the playground: this machine's own browser, on the page that has the token.

Any web page can send requests to a loopback port. So the name in ``Host`` must be loopback (against names that are
pointed here), ``Origin`` must be the page's own (against other pages), and the token must be known.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

__all__ = ["Guard"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """The checks and the header fields of every answer."""

    def __init__(self) -> None:
        self.token: str = secrets.token_urlsafe(24)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse whoever is not the page, and add what keeps the page to itself."""
        port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
        allowed = {f"{name}:{port}" for name in _LOOPBACK}
        if request.headers.get("Host", "") not in allowed:
            raise web.HTTPForbidden(text="the playground answers on loopback names only")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            raise web.HTTPForbidden(text="another page may not talk to the playground")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(
                {
                    "Content-Security-Policy": _POLICY,
                    "X-Content-Type-Options": "nosniff",
                    "Referrer-Policy": "no-referrer",
                    "Cross-Origin-Opener-Policy": "same-origin",
                    "Cross-Origin-Resource-Policy": "same-origin",
                    "Cache-Control": "no-store",
                }
            )
        return response

    def check_token(self, request: web.Request) -> None:
        """Raise 403 when the URL has not the token."""
        if not secrets.compare_digest(request.query.get("token", "").encode(), self.token.encode()):
            raise web.HTTPForbidden(
                text="The address is not whole: its token is missing or old. Take the one that mezon dev printed."
            )
