"""The HTTP server: login, RPCs, uploads, media, token services, and the routes of the other parts."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from mezon.testing import rpc
from mezon.testing.agent_events import AgentEvents
from mezon.testing.connection import ConnectionRegistry
from mezon.testing.faults import RPC_PREFIX
from mezon.testing.records import Handshake, Request
from mezon.testing.tokens import Node
from mezon.testing.webhooks import Webhooks
from mezon.testing.websocket import WebSocketServer

__all__ = ["HttpServer"]

_Handler = Callable[[web.Request, Request], Awaitable[web.StreamResponse]]

SOCKET_PATH = "/ws"
SWITCHING = 101
_BODY_LIMIT = 64 * 1024 * 1024
_MMN_BODY_LIMIT = 128 * 1024


class HttpServer:
    """The routes. One object serves a gateway over all restarts; each start creates an application."""

    def __init__(
        self,
        registry: ConnectionRegistry,
        *,
        websockets: WebSocketServer,
        agent_events: AgentEvents,
        webhooks: Webhooks,
        mmn: Node,
    ) -> None:
        self._registry = registry
        self._state = registry.state
        self._recorder = registry.recorder
        self._faults = registry.faults
        self._websockets = websockets
        self._agent_events = agent_events
        self._webhooks = webhooks
        self._mmn = mmn

    def application(self) -> web.Application:
        """Return an application with all routes."""
        app = web.Application(client_max_size=_BODY_LIMIT)

        def route(method: str, path: str, handler: _Handler) -> None:
            async def recorded(request: web.Request) -> web.StreamResponse:
                return await self._record(request, handler)

            app.router.add_route(method, path, recorded)

        route("POST", "/v2/apps/authenticate/token", self._authenticate)
        route("POST", RPC_PREFIX + "{method}", self._rpc)
        route("GET", SOCKET_PATH, self._websocket)
        route("PUT", "/upload/{key}/{filename}", self._put_upload)
        route("GET", "/upload/{key}/{filename}", self._get_upload)
        route("GET", "/cdn/{folder}/{filename}", self._get_cdn_file)
        route("POST", "/api/playmedia", self._play_media)
        route("GET", "/api/sse/metadata", self._events)
        route("POST", r"/webhooks/{channel:\d+}/{token}", self._webhooks.post_to_channel)
        route("POST", "/clanwebhooks/{token}/{user}", self._webhooks.post_to_member)
        route("POST", "/mmn-api{slash:/?}", self._mmn_rpc)
        # The TypeScript SDK joins the base URL and the path with an extra slash.
        route("POST", "/zk-api{slashes:/+}prove", self._prove)
        route("*", "/{rest:.*}", self._not_found)
        return app

    async def _record(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Record a request and its response."""
        name = request.path.removeprefix(RPC_PREFIX) if request.path.startswith(RPC_PREFIX) else request.path
        record = Request(
            method=request.method,
            path=request.path,
            name=name,
            time=time.monotonic(),
            query=dict(request.query),
            headers=dict(request.headers),
            body=await request.read() if request.can_read_body else b"",
        )
        self._recorder.record_request(record)
        try:
            response = await self._answer(request, record, handler)
            record.status = response.status
        except web.HTTPException as refusal:
            record.status = refusal.status
            raise
        finally:
            self._recorder.record_response(record)
            if request.path == SOCKET_PATH and record.status != SWITCHING:
                refused = Handshake("websocket", False, time.monotonic(), record.status)
                self._recorder.record_handshake(refused)
        return response

    async def _answer(self, request: web.Request, record: Request, handler: _Handler) -> web.StreamResponse:
        """Apply the fault rules, then call the handler."""
        seconds, fault = self._faults.for_http(record.path, record.name)
        if seconds:
            await asyncio.sleep(seconds)
        if fault is not None and fault.drop:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable
        if fault is not None and fault.status is not None:
            headers = dict(fault.headers)
            if fault.status >= 400:
                headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            return web.Response(status=fault.status, headers=headers, body=fault.body)
        return await handler(request, record)

    def _message(self, request: web.Request, answer: Message, name: str = "") -> web.Response:
        """Encode a message as protobuf, or as JSON if the client accepts only JSON or ``json_answers`` has the name."""
        accepted = request.headers.get("Accept", "")
        settings = self._state.settings
        if name in settings.json_answers or ("json" in accepted and "proto" not in accepted):
            text = MessageToJson(answer, preserving_proto_field_name=True)
            return web.Response(text=text, content_type="application/json")
        return web.Response(body=answer.SerializeToString(), content_type=settings.content_type)

    async def _authenticate(self, request: web.Request, record: Request) -> web.Response:
        try:
            record.message = json.loads(record.body)
            account = record.message["account"]
            appid, token = account["appid"], account["token"]
        except (ValueError, KeyError, TypeError):
            raise web.HTTPBadRequest(
                text='the body must be {"account": {"appid": ..., "token": ...}}'
            ) from None
        bot_id = self._state.sessions.login(appid, token)
        if bot_id is None:
            raise web.HTTPUnauthorized(text="the app id or token is not valid")
        return self._message(request, self._state.new_session(bot_id))

    def _bearer(self, request: web.Request) -> int:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user_id = self._state.sessions.check(token) if scheme == "Bearer" else None
        if user_id is None:
            raise web.HTTPUnauthorized(text="the token is unknown or expired")
        return user_id

    async def _rpc(self, request: web.Request, record: Request) -> web.Response:
        caller = rpc.Caller(self._registry, self._bearer(request))
        try:
            record.message, answer = rpc.call(caller, record.name, record.body)
        except rpc.RpcError as refusal:
            return web.Response(status=refusal.status, text=refusal.message)
        return self._message(request, answer, record.name)

    async def _websocket(self, request: web.Request, record: Request) -> web.StreamResponse:
        return await self._websockets.handle(request)

    async def _events(self, request: web.Request, record: Request) -> web.StreamResponse:
        return await self._agent_events.handle(request)

    async def _put_upload(self, request: web.Request, record: Request) -> web.Response:
        if self._state.receive_upload(request.match_info["key"], record.body) is None:
            raise web.HTTPForbidden(text="no client has announced this upload")
        self._recorder.notify()
        return web.Response()

    async def _get_upload(self, request: web.Request, record: Request) -> web.Response:
        place = f"/upload/{request.match_info['key']}/"
        upload = next((u for u in self._state.uploads.values() if place in u.url), None)
        if upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.body, content_type=upload.filetype or "application/octet-stream")

    async def _get_cdn_file(self, request: web.Request, record: Request) -> web.Response:
        folder, filename = request.match_info["folder"], request.match_info["filename"]
        found = self._state.cdn_files.get((folder, filename))
        if found is None:
            raise web.HTTPNotFound
        signature = self._state.cdn_signatures.get(int(folder, 16))
        # The signature is compared byte for byte: re-encoding it would invalidate it.
        if signature is None or request.raw_path.partition("?")[2] != signature:
            raise web.HTTPForbidden(text="the URL is not signed, or its signature has expired")
        return web.Response(body=found.body, content_type=found.filetype or "application/octet-stream")

    async def _play_media(self, request: web.Request, record: Request) -> web.Response:
        try:
            record.message = json.loads(record.body)
            missing = {"room_name", "url"} - set(record.message)
        except (ValueError, TypeError):
            raise web.HTTPBadRequest(text="the body is not a JSON object") from None
        if missing:
            raise web.HTTPBadRequest(text=f"missing: {', '.join(sorted(missing))}")
        return web.json_response({"status": "ok"})

    async def _mmn_rpc(self, request: web.Request, record: Request) -> web.Response:
        if len(record.body) > _MMN_BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(_MMN_BODY_LIMIT, len(record.body))
        try:
            record.message = json.loads(record.body)
        except ValueError:
            error = {"code": -32700, "message": "the body is not valid JSON"}
            return web.json_response({"jsonrpc": "2.0", "id": None, "error": error})
        return web.json_response(self._mmn.rpc(record.message))

    async def _prove(self, request: web.Request, record: Request) -> web.Response:
        try:
            record.message = json.loads(record.body)
        except ValueError:
            raise web.HTTPBadRequest(text="the body is not valid JSON") from None
        answer = self._mmn.prove(record.message)
        if answer is None:
            raise web.HTTPBadRequest(text="a key of the proof request is missing or invalid")
        return web.json_response(answer)

    async def _not_found(self, request: web.Request, record: Request) -> web.Response:
        text = f"the local gateway has no {request.method} {request.path}"
        if request.path.startswith("/v2/"):
            text += (
                ": calls are RPCs, such as POST /mezon.api.Mezon/ListClanDescs. TypeScript SDKs that request this "
                "path, such as mezon-sdk 2.8.33, also use a different protocol on the socket; use mezon-sdk 2.8.53"
            )
        raise web.HTTPNotFound(text=text)
