"""A node and a proof service on loopback: it checks signatures and takes a transfer once."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from mezon._core import base58_decode

DUPLICATE = '{"code":"duplicate_transaction","message":"This transaction already exists"}'
BAD_SIGNATURE = '{"code":"invalid_signature","message":"Transaction signature is invalid"}'


@dataclass
class Seen:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def call(self) -> str:
        return self.json.get("method", "prove")


Fault = Callable[[web.Request, Callable[[], web.Response]], Awaitable[web.StreamResponse]]


@dataclass
class Node:
    """``faults`` are used up one by one, each for one request to the call it is registered for."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    paid: list[dict[str, Any]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    connections: set[Any] = field(default_factory=set)
    nonce: int = 41
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    proof: dict[str, Any] = field(default_factory=lambda: {"proof": "UFJPT0Y=", "public_input": "UFVC"})

    @property
    def mmn(self) -> str:
        return f"{self.url}/mmn-api/"

    @property
    def zk(self) -> str:
        return f"{self.url}/zk-api/"

    def calls(self, call: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.call == call]

    def fault(self, call: str, *faults: Fault) -> None:
        self.faults.setdefault(call, []).extend(faults)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen = Seen(request.method, request.path_qs, dict(request.headers), body)
        self.seen.append(seen)
        self.arrived.set()
        self.connections.add(request.transport)
        waiting = self.faults.get(seen.call)
        if waiting:
            return await waiting.pop(0)(request, lambda: self.answer(seen))
        return self.answer(seen)

    def answer(self, seen: Seen) -> web.Response:
        if seen.target.endswith("/prove"):
            return web.json_response({"data": self.proof})
        request = seen.json
        result = getattr(self, request["method"].replace(".", "_"))(request["params"])
        return web.json_response({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def account_getcurrentnonce(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"address": params["address"], "nonce": self.nonce, "tag": params["tag"], "error": ""}

    def account_getaccount(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"address": params["address"], "balance": "123456789", "nonce": 7, "decimals": 6}

    def tx_addtx(self, params: dict[str, Any]) -> dict[str, Any]:
        message = params["tx_msg"]
        covered = ("type", "sender", "recipient", "amount", "text_data", "nonce", "extra_info")
        signed = "|".join(str(message[name]) for name in covered)
        if message["type"] == 0:
            envelope = json.loads(base58_decode(params["signature"]))
            key, signature = (base64.b64decode(envelope[name]) for name in ("PubKey", "Sig"))
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, signed.encode())
            except InvalidSignature:
                return {"ok": False, "tx_hash": "", "error": BAD_SIGNATURE}
        if signed in self.known:
            return {"ok": False, "tx_hash": "", "error": DUPLICATE}
        self.known.add(signed)
        self.paid.append(message)
        return {"ok": True, "tx_hash": "ab" * 32, "error": ""}


def answers(payload: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Fault:
    """Answers with this JSON, or with this text as text/plain, instead of doing the work."""

    async def fault(request: web.Request, work: Callable[[], web.Response]) -> web.StreamResponse:
        if isinstance(payload, str):
            return web.Response(text=payload, status=status, headers=headers)
        return web.json_response(payload, status=status, headers=headers)

    return fault


def result(payload: Any) -> Fault:
    return answers({"jsonrpc": "2.0", "id": 1, "result": payload})


def loses(*, work_done: bool) -> Fault:
    """Cuts the connection instead of answering, after the work or without it."""

    async def fault(request: web.Request, work: Callable[[], web.Response]) -> web.StreamResponse:
        if work_done:
            work()
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    return fault


def hangs(*, work_done: bool = False) -> Fault:
    """Never answers, after the work or without it."""

    async def fault(request: web.Request, work: Callable[[], web.Response]) -> web.StreamResponse:
        if work_done:
            work()
        await asyncio.sleep(3600)
        return web.Response()

    return fault
