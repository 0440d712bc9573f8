"""A minimal WebSocket client for tests of the gateway: aiohttp and the Python protobuf modules."""

from __future__ import annotations

import asyncio
import json
import ssl
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
from google.protobuf.message import Message
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway
from patience import patient

M = TypeVar("M", bound=Message)


class Peer:
    """``async with Peer(gateway) as peer`` logs in; ``await peer.connect()`` opens the socket."""

    def __init__(self, gateway: LocalGateway) -> None:
        self.gateway = gateway
        self.session = api_pb2.Session()
        self.socket: aiohttp.ClientWebSocketResponse
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._cid = 0

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=self.gateway.ca_file) if self.gateway.tls else True
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        await self.login()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for socket in self._sockets:
            await socket.close()
        await self.http.close()

    async def login(self) -> None:
        body = {"account": {"appid": str(self.gateway.bot_id), "token": self.gateway.api_key}}
        url = self.gateway.url + "/v2/apps/authenticate/token"
        async with self.http.post(url, data=json.dumps(body)) as response:
            response.raise_for_status()
            self.session = api_pb2.Session.FromString(await response.read())

    async def rpc(self, name: str, request: Message | bytes, answer: type[M], *, status: int = 200) -> M:
        body = request if isinstance(request, bytes) else request.SerializeToString()
        headers = {"Authorization": f"Bearer {self.session.token}", "Content-Type": "application/proto"}
        url = f"{self.session.api_url}/mezon.api.Mezon/{name}"
        async with self.http.post(url, data=body, headers=headers) as response:
            data = await response.read()
            assert response.status == status, data
            return answer.FromString(data) if status == 200 else answer()

    async def connect(self) -> None:
        self.socket = await self.http.ws_connect(
            f"{self.session.ws_url}/ws",
            params={"lang": "en", "status": "true", "token": self.session.token, "format": "protobuf"},
            protocols=("protobuf",),
            max_msg_size=0,
        )
        self._sockets.append(self.socket)

    async def close(self) -> None:
        """Close the connection."""
        await self.socket.close()

    async def cut(self) -> None:
        """Close the TCP connection without waiting for the server's close frame."""
        await self.http.close()

    async def ended(self) -> None:
        """Wait until the server has ended the connection without a close frame."""
        assert (await self.socket.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        assert self.socket.close_code in (None, 1006)

    async def is_silent(self) -> bool:
        """Return whether nothing arrives for a tenth of a second."""
        try:
            async with asyncio.timeout(0.1):
                await self.socket.receive()
        except TimeoutError:
            return True
        return False

    async def write(self, cid: int | None = None, **field: Any) -> int:
        self._cid += 1
        number = self._cid if cid is None else cid
        await self.socket.send_bytes(realtime_pb2.Envelope(cid=number, **field).SerializeToString())
        return number

    async def read_bytes(self) -> bytes:
        async with asyncio.timeout(patient(5)):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.BINARY, message
        return bytes(message.data)

    async def read_text(self) -> str:
        """Return the next message, which must be a text message."""
        return str((await self.socket.receive()).data)

    async def read(self) -> realtime_pb2.Envelope:
        return realtime_pb2.Envelope.FromString(await self.read_bytes())

    async def call(self, **field: Any) -> realtime_pb2.Envelope:
        """Send a request and read the answer, which must be the next envelope."""
        cid = await self.write(**field)
        answer = await self.read()
        assert answer.cid == cid
        return answer

    async def raw_call(self, name: str, body: Message) -> tuple[int, bytes, int]:
        """Make an API call over the socket. Return response code, body, and number of chunks."""
        event = realtime_pb2.ApiRequestEvent(api_name=name, body=body.SerializeToString())
        cid = await self.write(api_request_event=event)
        parts: list[bytes] = []
        while True:
            chunk = await self.read_bytes()
            assert chunk[0] == 0xFF
            assert int.from_bytes(chunk[1:3], "big") == cid
            parts.append(chunk[7:])
            if int.from_bytes(chunk[5:7], "big") == 0x00FF:
                return int.from_bytes(chunk[3:5], "big"), b"".join(parts), len(parts)


def send_message(
    gateway: LocalGateway, text: str, channel: str = "general"
) -> realtime_pb2.ChannelMessageSend:
    room = gateway.world.channel(channel)
    return realtime_pb2.ChannelMessageSend(
        clan_id=room.clan_id, channel_id=room.id, content=json.dumps({"t": text}), mode=2, is_public=True
    )
