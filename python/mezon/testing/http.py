"""The HTTP side: login, RPCs, uploads, media, token services, agent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from mezon.testing import rpc
from mezon.testing.faults import RPC_PREFIX
from mezon.testing.records import Handshake, Request, keep

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["HttpSide"]

_Handler = Callable[[web.Request, Request], Awaitable[web.StreamResponse]]

SOCKET_PATH = "/ws"
SWITCHING = 101
_BODY_LIMIT = 64 * 1024 * 1024
_MMN_BODY_LIMIT = 128 * 1024


class HttpSide:
    """The routes: one object for the life of a gateway, a fresh application for every start."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway

    def application(self) -> web.Application:
        """Add all routes."""
        app = web.Application(client_max_size=_BODY_LIMIT)

        def route(method: str, path: str, handler: _Handler) -> None:
            async def watched(request: web.Request) -> web.StreamResponse:
                return await self._watch(request, handler)

            app.router.add_route(method, path, watched)

        route("POST", "/v2/apps/authenticate/token", self._authenticate)
        route("POST", RPC_PREFIX + "{method}", self._rpc)
        route("GET", SOCKET_PATH, self._websocket)
        route("PUT", "/upload/{key}/{filename}", self._put)
        route("GET", "/upload/{key}/{filename}", self._get)
        route("POST", "/api/playmedia", self._play_media)
        route("GET", "/api/sse/metadata", self._events)
        route("POST", r"/webhooks/{channel:\d+}/{token}", self._gateway.webhooks.post_to_channel)
        route("POST", "/clanwebhooks/{token}/{user}", self._gateway.webhooks.post_to_member)
        route("POST", "/mmn-api{slash:/?}", self._mmn)
        # The TypeScript SDK joins the base URL and the path with a slash too many.
        route("POST", "/zk-api{slashes:/+}prove", self._prove)
        route("*", "/{rest:.*}", self._nothing)
        return app

    async def _watch(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Record every request and carry out the faults ordered for it."""
        gateway = self._gateway
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
        keep(gateway.requests, record, gateway.max_records)
        gateway.notify()
        try:
            response = await self._answer(request, record, handler)
            record.status = response.status
        except web.HTTPException as refusal:
            record.status = refusal.status
            raise
        finally:
            for tap in gateway.taps:
                tap.requested(record)
            if request.path == SOCKET_PATH and record.status != SWITCHING:
                refused = Handshake("websocket", False, time.monotonic(), record.status)
                gateway.record_handshake(refused)
        return response

    async def _answer(self, request: web.Request, record: Request, handler: _Handler) -> web.StreamResponse:
        """Give the handler's answer, or what was ordered in its place."""
        seconds, fault = self._gateway.faults.for_http(record.path, record.name)
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
        """Write a message as the client takes it: protobuf, unless it or ``json_answers`` asks for JSON alone."""
        accepted = request.headers.get("Accept", "")
        if name in self._gateway.json_answers or ("json" in accepted and "proto" not in accepted):
            text = MessageToJson(answer, preserving_proto_field_name=True)
            return web.Response(text=text, content_type="application/json")
        return web.Response(body=answer.SerializeToString(), content_type=self._gateway.content_type)

    async def _authenticate(self, request: web.Request, record: Request) -> web.Response:
        gateway = self._gateway
        try:
            record.message = json.loads(record.body)
            account = record.message["account"]
            appid, token = account["appid"], account["token"]
        except (ValueError, KeyError, TypeError):
            raise web.HTTPBadRequest(
                text='the body must be {"account": {"appid": ..., "token": ...}}'
            ) from None
        bot_id = gateway.sessions.login(appid, token)
        if bot_id is None:
            raise web.HTTPUnauthorized(text="app id and token do not belong together")
        return self._message(request, gateway.new_session(bot_id))

    def _bearer(self, request: web.Request) -> int:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user_id = self._gateway.sessions.check(token) if scheme == "Bearer" else None
        if user_id is None:
            raise web.HTTPUnauthorized(text="the token is unknown or expired")
        return user_id

    async def _rpc(self, request: web.Request, record: Request) -> web.Response:
        user_id = self._bearer(request)
        try:
            record.message, answer = rpc.call(self._gateway, user_id, record.name, record.body)
        except rpc.RpcError as refusal:
            return web.Response(status=refusal.status, text=refusal.message)
        return self._message(request, answer, record.name)

    async def _websocket(self, request: web.Request, record: Request) -> web.StreamResponse:
        return await self._gateway.websockets.handle(request)

    async def _events(self, request: web.Request, record: Request) -> web.StreamResponse:
        return await self._gateway.agent_events.handle(request)

    async def _nothing(self, request: web.Request, record: Request) -> web.Response:
        text = f"the local gateway has no {request.method} {request.path}"
        if request.path.startswith("/v2/"):
            text += (
                ": calls are RPCs, such as POST /mezon.api.Mezon/ListClanDescs. A TypeScript SDK that asks for this, "
                "such as mezon-sdk 2.8.33, has another protocol on the socket too; use mezon-sdk 2.8.53"
            )
        raise web.HTTPNotFound(text=text)

    async def _put(self, request: web.Request, record: Request) -> web.Response:
        gateway = self._gateway
        expected = gateway.expected_uploads.pop(request.match_info["key"], None)
        if expected is None:
            raise web.HTTPForbidden(text="nobody asked for this upload")
        while len(gateway.uploads) >= gateway.max_uploads:
            del gateway.uploads[next(iter(gateway.uploads))]
        gateway.uploads[expected.url] = replace(expected, body=record.body)
        gateway.notify()
        return web.Response()

    async def _get(self, request: web.Request, record: Request) -> web.Response:
        place = f"/upload/{request.match_info['key']}/"
        upload = next((u for u in self._gateway.uploads.values() if place in u.url), None)
        if upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.body, content_type=upload.filetype or "application/octet-stream")

    async def _play_media(self, request: web.Request, record: Request) -> web.Response:
        try:
            record.message = json.loads(record.body)
            missing = {"room_name", "url"} - set(record.message)
        except (ValueError, TypeError):
            raise web.HTTPBadRequest(text="the body is no JSON object") from None
        if missing:
            raise web.HTTPBadRequest(text=f"missing: {', '.join(sorted(missing))}")
        return web.json_response({"status": "ok"})

    async def _mmn(self, request: web.Request, record: Request) -> web.Response:
        if len(record.body) > _MMN_BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(_MMN_BODY_LIMIT, len(record.body))
        try:
            record.message = json.loads(record.body)
        except ValueError:
            return web.json_response(
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no JSON"}}
            )
        return web.json_response(self._gateway.mmn.rpc(record.message))

    async def _prove(self, request: web.Request, record: Request) -> web.Response:
        try:
            record.message = json.loads(record.body)
        except ValueError:
            raise web.HTTPBadRequest(text="no JSON") from None
        answer = self._gateway.mmn.prove(record.message)
        if answer is None:
            raise web.HTTPBadRequest(text="a key of the proof request is missing or wrong")
        return web.json_response(answer)
