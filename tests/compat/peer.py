"""The gateway as the contract's tests see it: the other end of ``gateway_host.py``.

Imports nothing of the project's product but the generated protobuf modules, which the reference has too.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from patience import patient
from waiting import until

#: Is this the reference? Then options it does not know are left out, and its rate limit is switched off.
REFERENCE = importlib.util.find_spec("mezon.errors") is None

#: Where a client finds the gateway: the options the reference knows too.
CONNECTION = (
    "client_id",
    "api_key",
    "host",
    "port",
    "use_ssl",
    "mmn_api_url",
    "zk_api_url",
    "agent_event_url",
)

#: What a client sends by itself.
HOUSEKEEPING = frozenset({"ping", "clan_join", "channel_join", "channel_leave"})

API_BODIES = {
    "UpdateChannelMessage": realtime_pb2.ChannelMessageUpdate,
    "DeleteChannelMessage": realtime_pb2.ChannelMessageRemove,
}


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        return bytes.fromhex(value["$bytes"])
    if "$message" in value:
        package, _, name = value["$message"].rpartition(".")
        kind = getattr(api_pb2 if package == "mezon.api" else realtime_pb2, name)
        return kind.FromString(bytes.fromhex(value["hex"]))
    return {key: _unpack(item) for key, item in value.items()}


def _pack(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, dict):
        return {key: _pack(item) for key, item in value.items()}
    return [_pack(item) for item in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class Sent:
    """An envelope the bot sent."""

    envelope: realtime_pb2.Envelope
    connection: int

    @property
    def kind(self) -> str:
        return self.envelope.WhichOneof("message") or ""

    @property
    def api_name(self) -> str:
        return self.envelope.api_request_event.api_name if self.kind == "api_request_event" else ""

    @property
    def message(self) -> Any:
        """The field itself, or the body of an API call."""
        field = getattr(self.envelope, self.kind)
        if self.kind == "api_request_event":
            return API_BODIES[field.api_name].FromString(field.body)
        return field

    @property
    def content(self) -> Any:
        """The content of a message, edit or ephemeral."""
        message = self.message
        return json.loads((message.message if self.kind == "ephemeral_message_send" else message).content)

    @property
    def text(self) -> str:
        return str(self.content.get("t"))


class Gateway:
    """One local gateway in the host process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self.info: dict[str, Any] = {}
        self.sent: list[Sent] = []
        self._taken: set[int] = set()
        self._news = asyncio.Event()

    @classmethod
    async def open(cls, port: int, **options: Any) -> Self:
        """A fresh gateway of the host at this port."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=64 * 1024 * 1024)
        gateway = cls(reader, writer)
        writer.write(json.dumps(options).encode() + b"\n")
        gateway.info = json.loads(await reader.readline())["info"]
        gateway._task = asyncio.create_task(gateway._read())
        return gateway

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _read(self) -> None:
        while line := await self._reader.readline():
            value = json.loads(line)
            if "sent" in value:
                envelope = realtime_pb2.Envelope.FromString(bytes.fromhex(value["sent"]))
                self.sent.append(Sent(envelope, value["connection"]))
                self._news.set()
                continue
            answer = self._answers.pop(value["id"], None)
            if answer is None or answer.done():
                continue
            if "error" in value:
                answer.set_exception(RuntimeError(value["error"]))
            else:
                answer.set_result(_unpack(value["result"]))

    async def call(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Call, read or (``path=``) set something of the ``LocalGateway``, by its dotted path."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        request = {"id": number, "path": path, "args": _pack(args), "kwargs": _pack(kwargs)}
        self._writer.write(json.dumps(request).encode() + b"\n")
        return await answer

    # What users do, and what the server sends

    async def say(self, channel: int | str, user: int | str, content: Any, **options: Any) -> int:
        return int(await self.call("say", channel, user, content, **options))

    async def push(self, **field: Any) -> None:
        """An event to every connection, by its envelope field."""
        await self.push_raw(realtime_pb2.Envelope(**field).SerializeToString())

    async def push_raw(self, data: bytes) -> None:
        assert await self.call("push_raw", data) > 0, "no bot is connected"

    async def user_id(self, name: str) -> int:
        return int((await self.call("world.user", name))["id"])

    async def channel_id(self, name: str) -> int:
        return int((await self.call("world.channel", name))["id"])

    async def clan_id(self) -> int:
        return int((await self.call("world.clan"))["id"])

    # What the bot did

    async def next_sent(
        self, kind: str | None = None, *, timeout: float = 5.0, match: Callable[[Sent], bool] | None = None
    ) -> Sent:
        """The next thing the bot sent that was not taken before: an envelope field or an API name."""
        async with asyncio.timeout(patient(timeout)):
            while True:
                for number, sent in enumerate(self.sent):
                    if number in self._taken:
                        continue
                    if sent.kind in HOUSEKEEPING if kind is None else kind not in (sent.kind, sent.api_name):
                        continue
                    if match is None or match(sent):
                        self._taken.add(number)
                        return sent
                self._news.clear()
                await self._news.wait()

    async def requests(self, name: str) -> list[dict[str, Any]]:
        """The HTTP requests of an RPC."""
        return [request for request in await self.call("requests") if request["name"] == name]

    async def wait_requests(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until an RPC was called that often."""

        async def enough() -> list[dict[str, Any]]:
            found = await self.requests(name)
            return found if len(found) >= count else []

        return list(await until(enough, f"{count} requests of {name}"))


class Inbox:
    """A handler that keeps what it gets."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def __call__(self, event: Any) -> None:
        self._queue.put_nowait(event)

    async def next(self, timeout: float = 5.0) -> Any:
        async with asyncio.timeout(patient(timeout)):
            return await self._queue.get()

    @property
    def empty(self) -> bool:
        return self._queue.empty()
