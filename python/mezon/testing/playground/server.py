"""The HTTP server of the playground: the page, and one WebSocket for each open page.

Only the page itself, opened on this machine with its token, may talk to the server. Since any web page can send
requests to a loopback port, ``Host`` must be a loopback name (against DNS rebinding), ``Origin`` must be the page's own
(against other pages), and the token must match.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from mezon.testing.gateway import LocalGateway
from mezon.testing.playground.actions import FAULTS, Actions
from mezon.testing.playground.conversation import Conversation
from mezon.testing.playground.inspector import Inspector
from mezon.testing.playground.recording import Recording
from mezon.testing.playground.records import Records
from mezon.testing.playground.views import clients_view, world_view
from mezon.testing.records import Tap

__all__ = ["BotControl", "Playground"]

#: Maximum size of a message from a page: a file of 8 MB fits as base64.
_MESSAGE_LIMIT: Final = 12 * 1024 * 1024
#: Maximum number of queued events of a page. A slower page reconnects and reloads everything.
_QUEUE: Final = 5_000
#: Maximum number of reports from the bot that are kept for new pages.
_REPORTS: Final = 200
#: Types of files that the browser may display; all others are downloaded.
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class BotControl(Protocol):
    """Controls the bot's process. Implemented by ``mezon dev``; the testing layer must not import the CLI."""

    @property
    def target(self) -> str:
        """The bot in the form that ``running_bot`` accepts."""
        ...

    async def restart(self, why: str) -> None:
        """Restart the bot's process."""
        ...

    def run_task(self, name: str) -> None:
        """Run a scheduled task of the bot now."""
        ...

    def save_test(self, text: str) -> str:
        """Write a test file next to the bot and return its name."""
        ...


class Playground:
    """Serve the page of a running gateway: ``async with Playground(gateway) as playground: print(playground.url)``.

    Args:
        gateway: A started gateway.
        port: A loopback port; 0 for a free port.
        bot: Controls the bot's process. Without it the page can neither restart the bot nor save a test.
    """

    def __init__(self, gateway: LocalGateway, *, port: int = 0, bot: BotControl | None = None) -> None:
        self.gateway = gateway
        self.bot = bot
        self.port: int = port
        self._guard = Guard()
        self._pages: set[asyncio.Queue[str | None]] = set()
        self._runner: web.AppRunner | None = None
        self._known_world = ""
        self.recording: Recording = Recording(gateway)
        self.conversation: Conversation = Conversation(gateway, self.publish)
        self.inspector: Inspector = Inspector(gateway.bot_id, self.publish)
        self.records: Records = Records(gateway.bot_id)
        self.actions: Actions = Actions(gateway, self.conversation, self.recording)
        self._taps: list[Tap] = [
            self.recording,
            self.conversation,
            self.inspector,
            _Connections(self.publish),
        ]
        self._reports: deque[dict[str, Any]] = deque(maxlen=_REPORTS)
        self._stats: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """URL of the page, including the token."""
        return f"http://127.0.0.1:{self.port}/?token={self._guard.token}"

    # Starting and stopping

    async def start(self) -> Self:
        """Listen, and observe the gateway."""
        if self.records.address is None:
            self.records.address = str(self.gateway.state_file)
        app = web.Application(middlewares=[self._guard.middleware])
        app.router.add_get("/", self._page)
        app.router.add_get("/socket", self._socket)
        app.router.add_get("/file", self._file)
        app.router.add_get("/page/{name:[a-z/_-]+[.](?:js|mjs|css|svg)}", self._static)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = int(runner.addresses[0][1])
        self.gateway.taps += self._taps
        return self

    async def aclose(self) -> None:
        """Close the WebSockets of all pages and stop."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for tap in self._taps:
            self.gateway.taps.remove(tap)
        for page in self._pages:
            page.put_nowait(None)
        await runner.cleanup()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    # Sending events to the pages

    def publish(self, event: dict[str, Any]) -> None:
        """Send an event to every open page."""
        if not self._pages:
            return
        world = json.dumps(world_view(self.gateway.world), ensure_ascii=False)
        if world != self._known_world:
            # Sent first, because the event may refer to a new channel.
            self._known_world = world
            self.publish({"event": "world", "world": json.loads(world)})
        text = json.dumps(event, ensure_ascii=False, default=str)
        for page in list(self._pages):
            if page.qsize() >= _QUEUE:
                page.put_nowait(None)  # the page reconnects and reloads everything
                self._pages.discard(page)
            else:
                page.put_nowait(text)

    def report(self, report: dict[str, Any]) -> None:
        """Publish a report of the bot's process. Only the latest ``stats`` are kept."""
        if report.get("kind") == "stats":
            self._stats = report
        else:
            if report.get("kind") in ("started", "gone"):
                self._stats = {}
            self._reports.append(report)
        self.publish({"event": "report", "report": report})

    def _hello(self) -> dict[str, Any]:
        gateway = self.gateway
        return {
            "event": "hello",
            "world": world_view(gateway.world),
            "messages": self.conversation.messages(),
            "frames": self.inspector.summaries(),
            "reports": list(self._reports),
            "stats": self._stats,
            "connected": gateway.connections.live,
            "gateway": gateway.url,
            "bot": self.bot.target if self.bot is not None else None,
            "clients": clients_view(),
            "client": gateway.client,
            "faults": list(FAULTS),
            "stalled": gateway.stalled,
        }

    # Routes

    async def _page(self, request: web.Request) -> web.Response:
        self._guard.check_token(request)
        text = (resources.files(__package__) / "page" / "index.html").read_text(encoding="utf-8")
        return web.Response(text=text, content_type="text/html")

    async def _static(self, request: web.Request) -> web.Response:
        place = resources.files(__package__) / "page"
        for part in request.match_info["name"].split("/"):
            place = place / part
        if not place.is_file():
            raise web.HTTPNotFound
        kind = "text/javascript" if place.name.endswith("js") else mimetypes.guess_type(place.name)[0]
        return web.Response(body=place.read_bytes(), content_type=kind or "text/plain", charset="utf-8")

    async def _file(self, request: web.Request) -> web.Response:
        self._guard.check_token(request)
        upload = self.gateway.uploads.get(request.query.get("url", ""))
        if upload is None:
            raise web.HTTPNotFound
        if upload.filetype in _PICTURES:
            return web.Response(body=upload.body, content_type=upload.filetype)
        return web.Response(
            body=upload.body,
            content_type="application/octet-stream",
            headers={"Content-Disposition": "attachment"},
        )

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self._guard.check_token(request)
        socket = web.WebSocketResponse(max_msg_size=_MESSAGE_LIMIT, heartbeat=20.0)
        await socket.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        queue.put_nowait(json.dumps(self._hello(), ensure_ascii=False, default=str))
        self._pages.add(queue)
        writer = asyncio.create_task(self._write(socket, queue))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    queue.put_nowait(
                        json.dumps(await self._execute(message.data), ensure_ascii=False, default=str)
                    )
        finally:
            self._pages.discard(queue)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket

    async def _write(self, socket: web.WebSocketResponse, queue: asyncio.Queue[str | None]) -> None:
        with contextlib.suppress(ConnectionError):
            while (text := await queue.get()) is not None:
                await socket.send_str(text)
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)

    # Requests of the pages

    async def _execute(self, text: str) -> dict[str, Any]:
        number: Any = None
        try:
            request = json.loads(text)
            number = request.get("id")
            name, arguments = request["do"], request.get("with", {})
            method = self._methods().get(name)
            if method is None:
                raise ValueError(f"the playground has no action {name}")
            result = method(**arguments)
            if asyncio.iscoroutine(result):
                result = await result
        except Exception as error:
            # Shown to the person who pressed the button, whatever it is.
            return {"event": "result", "id": number, "error": str(error.args[0] if error.args else error)}
        return {"event": "result", "id": number, "result": result}

    def _methods(self) -> dict[str, Callable[..., Any]]:
        actions = self.actions
        names = (
            "say",
            "dm",
            "add_user",
            "add_channel",
            "toggle_role",
            "edit",
            "delete",
            "react",
            "typing",
            "click",
            "select",
            "deselect",
            "choose_menu",
            "fault",
        )
        return {name: getattr(actions, name) for name in names} | {
            "frame": lambda number: self.inspector.details(int(number)),
            "records": self.records.list,
            "set_record": self.records.set,
            "delete_record": self.records.delete,
            "new": self._new,
            "restart": self._restart,
            "run_task": self._run_task,
            "pytest": self._pytest,
            "save": self._save,
        }

    def _new(self) -> None:
        """Start a new conversation: discard messages, frames and the recording."""
        for part in (self.conversation, self.inspector, self.recording):
            part.clear()
        self.gateway.world.forget_messages()
        self._reports.clear()
        self.publish({"event": "new"})

    async def _restart(self) -> None:
        if self.bot is None:
            raise ValueError(
                "the playground does not run the bot: start it with mezon dev, or restart it yourself"
            )
        await self.bot.restart("requested on the page")

    def _run_task(self, name: str) -> None:
        if self.bot is None:
            raise ValueError("the playground does not run the bot: start it with mezon dev")
        self.bot.run_task(name)

    def _pytest(self) -> str:
        if not len(self.recording):
            raise ValueError("nothing is recorded yet: send a message first")
        return self.recording.python(self.bot.target if self.bot is not None else "bot.py")

    def _save(self) -> str:
        if self.bot is None:
            raise ValueError("the playground does not know the bot's directory: copy the text instead")
        return self.bot.save_test(self._pytest())


class _Connections(Tap):
    """Publishes the number of open sockets."""

    def __init__(self, publish: Callable[[dict[str, Any]], None]) -> None:
        self._publish = publish

    def on_connections(self, live: int) -> None:
        self._publish({"event": "connected", "live": live})


_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Checks every request, and sets the security headers of every response."""

    def __init__(self) -> None:
        self.token: str = secrets.token_urlsafe(24)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests that are not from the page, and add the security headers."""
        port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
        allowed = {f"{name}:{port}" for name in _LOOPBACK}
        if request.headers.get("Host", "") not in allowed:
            raise web.HTTPForbidden(text="the playground is available on loopback names only")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            raise web.HTTPForbidden(text="other pages may not access the playground")
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
        """Raise 403 if the URL does not contain the token."""
        if not secrets.compare_digest(request.query.get("token", "").encode(), self.token.encode()):
            raise web.HTTPForbidden(
                text="The token in the URL is missing or outdated. Use the URL that mezon dev printed."
            )
