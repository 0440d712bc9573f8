"""The HTTP side: login, RPCs, uploads, media, token services, agent events."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from mezon.testing import rpc
from mezon.testing.records import Request, keep

if TYPE_CHECKING:
    from mezon.testing.core import GatewayCore

__all__ = ["HttpSide"]

RPC_PREFIX = "/mezon.api.Mezon/"
_BODY_LIMIT = 64 * 1024 * 1024
_MMN_BODY_LIMIT = 128 * 1024


class HttpSide:
    """The routes: one object for the life of a gateway, a fresh application for every start."""

    def __init__(self, gateway: GatewayCore) -> None:
        self._gateway = gateway

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application(middlewares=[self._watch], client_max_size=_BODY_LIMIT)
        app.router.add_post("/v2/apps/authenticate/token", self._authenticate)
        app.router.add_post(RPC_PREFIX + "{method}", self._rpc)
        app.router.add_get("/ws", self._gateway.websockets.handle)
        app.router.add_put("/upload/{key}/{filename}", self._put)
        app.router.add_get("/upload/{key}/{filename}", self._get)
        app.router.add_post("/api/playmedia", self._play_media)
        app.router.add_get("/api/sse/metadata", self._gateway.agent_events.handle)
        for path in ("/mmn-api", "/mmn-api/"):
            app.router.add_post(path, self._mmn)
        app.router.add_post("/zk-api/prove", self._prove)
        return app

    @web.middleware
    async def _watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Records every request and carries out the faults ordered for it."""
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
        request["record"] = record
        gateway.notify()
        seconds, fault = gateway.faults.for_http(request.path, name)
        if seconds:
            await asyncio.sleep(seconds)
        if fault is not None and fault.drop:
            if request.transport is not None:
                request.transport.abort()
            raise web.HTTPServiceUnavailable
        if fault is not None and fault.status is not None:
            record.status = fault.status
            headers = dict(fault.headers)
            if fault.status >= 400:
                headers.setdefault("Content-Type", "text/plain; charset=utf-8")
            return web.Response(status=fault.status, headers=headers, body=fault.body)
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as refusal:
            record.status = refusal.status
            raise
        record.status = response.status
        return response

    def _protobuf(self, body: bytes) -> web.Response:
        return web.Response(body=body, content_type=self._gateway.content_type)

    async def _authenticate(self, request: web.Request) -> web.Response:
        record: Request = request["record"]
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
        return self._protobuf(gateway.new_session(bot_id).SerializeToString())

    def _bearer(self, request: web.Request) -> int:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user_id = self._gateway.sessions.check(token) if scheme == "Bearer" else None
        if user_id is None:
            raise web.HTTPUnauthorized(text="the token is unknown or expired")
        return user_id

    async def _rpc(self, request: web.Request) -> web.Response:
        record: Request = request["record"]
        user_id = self._bearer(request)
        try:
            record.message, answer = rpc.call(self._gateway, user_id, record.name, record.body)
        except rpc.RpcError as refusal:
            return web.Response(status=refusal.status, text=refusal.message)
        return self._protobuf(answer)

    async def _put(self, request: web.Request) -> web.Response:
        record: Request = request["record"]
        gateway = self._gateway
        expected = gateway.expected_uploads.pop(request.match_info["key"], None)
        if expected is None:
            raise web.HTTPForbidden(text="nobody asked for this upload")
        while len(gateway.uploads) >= gateway.max_uploads:
            del gateway.uploads[next(iter(gateway.uploads))]
        gateway.uploads[expected.url] = replace(expected, body=record.body)
        gateway.notify()
        return web.Response()

    async def _get(self, request: web.Request) -> web.Response:
        place = f"/upload/{request.match_info['key']}/"
        upload = next((u for u in self._gateway.uploads.values() if place in u.url), None)
        if upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.body, content_type=upload.filetype or "application/octet-stream")

    async def _play_media(self, request: web.Request) -> web.Response:
        record: Request = request["record"]
        try:
            record.message = json.loads(record.body)
            missing = {"room_name", "url"} - set(record.message)
        except (ValueError, TypeError):
            raise web.HTTPBadRequest(text="the body is no JSON object") from None
        if missing:
            raise web.HTTPBadRequest(text=f"missing: {', '.join(sorted(missing))}")
        return web.json_response({"status": "ok"})

    async def _mmn(self, request: web.Request) -> web.Response:
        record: Request = request["record"]
        if len(record.body) > _MMN_BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(_MMN_BODY_LIMIT, len(record.body))
        try:
            record.message = json.loads(record.body)
        except ValueError:
            return web.json_response(
                {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no JSON"}}
            )
        return web.json_response(self._gateway.mmn.rpc(record.message))

    async def _prove(self, request: web.Request) -> web.Response:
        record: Request = request["record"]
        try:
            record.message = json.loads(record.body)
        except ValueError:
            raise web.HTTPBadRequest(text="no JSON") from None
        answer = self._gateway.mmn.prove(record.message)
        if answer is None:
            raise web.HTTPBadRequest(text="a key of the proof request is missing or wrong")
        return web.json_response(answer)
