"""Local gateways for tests in another process: one for each TCP connection, JSON lines both ways.

It is run by the Python that has this project, so that the bot under test may be any ``mezon``: the project's or
the reference. ``peer.py`` is the other end and knows only the standard library and protobuf.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import sys
from typing import Any

from google.protobuf.message import Message
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from mezon.testing.records import Sent


def plain(value: Any) -> Any:
    """A value as JSON can carry it."""
    if isinstance(value, Message):
        return {"$message": value.DESCRIPTOR.full_name, "hex": value.SerializeToString().hex()}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict) or type(value).__name__ in ("CIMultiDictProxy", "MultiDictProxy"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def unpack(value: Any) -> Any:
    """The other way round."""
    if isinstance(value, dict):
        if "$bytes" in value:
            return bytes.fromhex(value["$bytes"])
        return {key: unpack(item) for key, item in value.items()}
    return [unpack(item) for item in value] if isinstance(value, list) else value


class Session:
    """One test's gateway."""

    def __init__(self, gateway: LocalGateway, writer: asyncio.StreamWriter) -> None:
        self.gateway = gateway
        self.writer = writer
        gateway.on_sent = self.report

    def write(self, value: dict[str, Any]) -> None:
        if not self.writer.is_closing():
            self.writer.write(json.dumps(value).encode() + b"\n")

    def report(self, sent: Sent) -> None:
        field = {sent.kind: sent.message} if sent.kind else {}
        envelope = realtime_pb2.Envelope(cid=sent.cid, **field)
        self.write({"sent": envelope.SerializeToString().hex(), "connection": sent.connection})

    async def answer(self, request: dict[str, Any]) -> None:
        try:
            result = await self.call(request["path"], unpack(request["args"]), unpack(request["kwargs"]))
        except Exception as error:
            self.write({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
        else:
            self.write({"id": request["id"], "result": plain(result)})

    async def call(self, path: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        *owners, name = path.split(".")
        owner: Any = self.gateway
        for part in owners:
            owner = getattr(owner, part)
        if name.endswith("="):
            setattr(owner, name[:-1], args[0])
            return None
        target = getattr(owner, name)
        if not callable(target):
            return target[args[0]] if args else target
        result = target(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A connection: the gateway's options first, then calls until it ends."""
    options = json.loads(await reader.readline())
    async with LocalGateway(**options) as gateway:
        session = Session(gateway, writer)
        session.write({"info": {**gateway.client_options(), "url": gateway.url, "ws_url": gateway.ws_url}})
        calls: set[asyncio.Task[None]] = set()
        try:
            while line := await reader.readline():
                call = asyncio.create_task(session.answer(json.loads(line)))
                calls.add(call)
                call.add_done_callback(calls.discard)
        except ConnectionError:
            pass
        finally:
            gateway.on_sent = None
            for call in calls:
                call.cancel()
            writer.close()


async def main() -> None:
    """Serve until stdin ends: when the tests are gone, so is this."""
    open_sessions: set[asyncio.Task[Any]] = set()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_sessions.add(task)
        try:
            await serve(reader, writer)
        finally:
            open_sessions.discard(task)

    server = await asyncio.start_server(session, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if open_sessions:
        await asyncio.wait(open_sessions, timeout=5)


if __name__ == "__main__":
    asyncio.run(main())
