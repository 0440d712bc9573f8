"""The control line of a gateway process: JSON objects, one a line, in on stdin and out on stdout.

In: ``{"id": 1, "call": "say", "args": ["general", "alice", "hi"], "kwargs": {}}``.
Out: ``{"id": 1, "result": ...}`` or ``{"id": 1, "error": text}``, and between them events:
``{"event": "sent", ...}``, ``{"event": "made", ...}`` (the message of one, if that comes later),
``{"event": "progress", "done": n}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any, Final

from google.protobuf.message import Message

from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing.blast import Blast
from mezon.testing.gateway import LocalGateway
from mezon.testing.records import MAKES, MAX_WITHOUT, Sent

__all__ = ["CALLS", "hello", "serve_control"]

CALLS: Final = frozenset(
    (
        *("say", "say_dm", "edit", "remove", "delete", "join", "leave", "react", "typing", "click", "select"),
        *("push_raw", "push_text", "push_wire", "prepare_blast", "blast"),
        *("drop", "close", "stall", "resume", "answer_with_error", "silence", "delay", "clear_faults"),
        *("http_status", "http_delay", "http_drop", "refuse_tcp", "announce", "expire_tokens", "restart"),
        *("wait_connected", "wait_disconnected", "wait_joined"),
        *("counts", "world", "add_channel", "add_clan", "add_user"),
    )
)
"""What may be called from the other side."""


def hello(gateway: LocalGateway) -> dict[str, Any]:
    """Give the first line: where the gateway is, and its world."""
    return {
        "host": gateway.host,
        "port": gateway.port,
        "url": gateway.url,
        "ws_url": gateway.ws_url,
        "tcp_url": gateway.tcp_url,
        "tls": gateway.tls,
        "ca_file": gateway.ca_file,
        "bot_id": gateway.bot_id,
        "api_key": gateway.api_key,
        "environment": gateway.environment(),
        "world": _world(gateway),
    }


def _world(gateway: LocalGateway) -> dict[str, Any]:
    world = gateway.world
    return {
        "clans": {clan.name: clan.id for clan in world.clans.values()},
        "channels": {channel.label: channel.id for channel in world.channels.values()},
        "users": {user.username: user.id for user in world.users.values()},
    }


class _Control:
    def __init__(self, gateway: LocalGateway, write: Callable[[dict[str, Any]], None]) -> None:
        self.gateway = gateway
        self.write = write
        self.blasts: dict[int, Blast] = {}
        self.loop = asyncio.get_running_loop()
        #: What was told while no message had come of it, as after ``gateway.delay``, by connection and cid.
        self.without: dict[tuple[int, int], None] = {}

    async def answer(self, line: bytes) -> None:
        request: dict[str, Any] = json.loads(line)
        number = request.get("id")
        try:
            result = await self.call(request["call"], request.get("args", []), request.get("kwargs", {}))
        except Exception as error:
            self.write({"id": number, "error": f"{type(error).__name__}: {error}"})
        else:
            self.write({"id": number, "result": result})

    async def call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name not in CALLS:
            raise ValueError(f"no call {name}")
        gateway = self.gateway
        match name:
            case "counts":
                return {
                    **asdict(gateway.connections),
                    "sent": len(gateway.sent),
                    "requests": len(gateway.requests),
                }
            case "world":
                return _world(gateway)
            case "add_channel" | "add_clan" | "add_user":
                return getattr(gateway.world, name)(*args, **kwargs).id
            case "push_raw" | "push_wire":
                args = [bytes.fromhex(args[0]), *args[1:]]
            case "prepare_blast":
                blast = gateway.prepare_blast(*args, **kwargs)
                # One at a time: a burst of a million messages is 400 MB.
                self.blasts = {(key := max(self.blasts, default=0) + 1): blast}
                return {"blast": key, **_plain(blast)}
            case "blast":
                return _plain(await self.blast(*args, **kwargs))
        result = getattr(gateway, name)(*args, **kwargs)
        if inspect.isawaitable(result):
            result = await result
        return _plain(result)

    async def blast(self, burst: int | dict[str, Any], **kwargs: Any) -> Any:
        prepared = burst if isinstance(burst, int) else self.blasts[burst["blast"]]
        last = 0

        def progress(done: int) -> None:
            nonlocal last
            if done - last >= 1000:
                last = done
                self.write({"event": "progress", "done": done})

        return await self.gateway.blast(prepared, progress=progress, **kwargs)

    def sent(self, sent: Sent) -> None:
        # Behind what this turn of the loop does: by then the message that came of it has its id.
        self.loop.call_soon(self.tell, sent)

    def made(self, sent: Sent) -> None:
        if (sent.connection, sent.cid) in self.without:
            del self.without[sent.connection, sent.cid]
            self.write(
                {
                    "event": "made",
                    "connection": sent.connection,
                    "cid": sent.cid,
                    "message_id": sent.message_id,
                }
            )

    def tell(self, sent: Sent) -> None:
        if not sent.made and sent.kind in MAKES:
            self.without[sent.connection, sent.cid] = None
            while len(self.without) > MAX_WITHOUT:
                del self.without[next(iter(self.without))]
        field = {sent.kind: sent.message} if sent.kind else {}
        envelope = realtime_pb2.Envelope(cid=sent.cid, **field)
        self.write(
            {
                "event": "sent",
                "envelope": envelope.SerializeToString().hex(),
                "time": sent.time,
                "connection": sent.connection,
                "transport": sent.transport,
                "made": sent.made,
            }
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Blast):
        return {
            "count": value.count,
            "size": value.size,
            "per_channel": value.per_channel,
            "first_message_id": value.first_message_id,
            "last_message_id": value.last_message_id,
        }
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.SerializeToString().hex() if isinstance(value, Message) else value


async def serve_control(gateway: LocalGateway) -> None:
    """Answer calls from stdin until it ends: when the parent is gone, so is the gateway."""
    loop = asyncio.get_running_loop()

    def write(value: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    lines: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        # A thread, because no event loop reads every kind of stdin on every system; os.read, because a daemon
        # thread that holds the lock of sys.stdin aborts the interpreter at its end.
        rest = b""
        with contextlib.suppress(RuntimeError, OSError):  # the loop or stdin is closed: the process ends
            while data := os.read(stdin, 1 << 16):
                *whole, rest = (rest + data).split(b"\n")
                for line in filter(None, whole):
                    loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, b"")

    stdin = sys.stdin.fileno()
    threading.Thread(target=read, name="mezon-gateway-stdin", daemon=True).start()
    control = _Control(gateway, write)
    gateway.on_sent, gateway.on_made = control.sent, control.made
    calls: set[asyncio.Task[None]] = set()
    try:
        while line := await lines.get():
            # Each call in a task: drop() must work while wait_connected() waits.
            task = loop.create_task(control.answer(line))
            calls.add(task)
            task.add_done_callback(calls.discard)
    finally:
        gateway.on_sent = gateway.on_made = None
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
