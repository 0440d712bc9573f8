"""A NATS client without the queues of nats-py between socket and receiver, which take most of an idle hop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nats.aio.subscription import Subscription

#: Bytes that the transport buffers before writing is left to the flusher, which waits until they are sent.
_MAX_BUFFERED = 64 * 1024


class DirectClient(Client):
    """Writes and delivers messages in the iteration of the loop in which they are published and read.

    `Client` passes each received message through a queue to the task of its subscription, and each write through
    another queue to the task of the flusher. If nats-py no longer calls the overridden methods, it does so again.

    After an error of its reading, the connection is opened again. `Client` receives nothing more until its pings, too,
    remain without an answer, and the cancellation of a `flush` is such an error.
    """

    def __init__(self) -> None:
        super().__init__()
        #: Something was written in this iteration of the loop. What follows is written together at its end.
        self._has_written = False

    async def subscribe_direct(self, subject: str, receive: Callable[[Msg], object]) -> Subscription:
        """Subscribe to a subject. Each message is passed to ``receive`` when it is read, which must not block."""

        async def receive_queued(message: Msg) -> None:
            receive(message)

        receive_queued.receive = receive  # type: ignore[attr-defined]
        return await self.subscribe(subject, cb=receive_queued)

    async def publish_encoded(self, messages: Iterable[bytes]) -> None:
        """Publish messages encoded by `encode_message`, whose sizes the caller has checked.

        Raises:
            ConnectionClosedError: The connection is lost.
        """
        if not self.is_connected:
            raise errors.ConnectionClosedError
        for message in messages:
            await self._send_command(message)
        await self._flush_pending()

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None
    ) -> None:
        subscription = self._subs.get(sid)
        receive = None if subscription is None else getattr(subscription._cb, "receive", None)
        if receive is None:
            await super()._process_msg(sid, subject, reply, data, headers)  # type: ignore[arg-type]
            return
        try:
            receive(Msg(self, subject.decode(), reply.decode(), data, parse_headers(headers)))
        except Exception as error:
            await self._error_cb(error)

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        writer = self._writer()
        if force_flush or writer is None or writer.transport.get_write_buffer_size() >= _MAX_BUFFERED:
            return await super()._flush_pending(force_flush)
        if not self._has_written:
            self._write_pending()
            self._has_written = True
            asyncio.get_running_loop().call_soon(self._end_iteration)
        return None

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        # nats-py writes a ping at once, before what is pending: `flush` would return too early, and `drain` would miss
        # the messages that the server sends until it has read the end of the subscription.
        if self._pending and self._writer() is not None:
            self._write_pending()
        await super()._send_ping(future)

    async def _process_pong(self) -> None:
        # nats-py also sets the result of a cancelled future, and that error would end the reading of the connection.
        if self._pongs and self._pongs[0].done():
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _read_loop(self) -> None:
        await super()._read_loop()
        task = asyncio.current_task()
        if self.is_connected and task is not None and not task.cancelling():
            # After an unexpected error, which it logs, nats-py stops reading and stays connected.
            await self._process_op_err(errors.StaleConnectionError())

    def _end_iteration(self) -> None:
        self._has_written = False
        if self._pending_data_size and self._writer() is not None:
            self._write_pending()

    def _writer(self) -> asyncio.StreamWriter | None:
        return getattr(self._transport, "_io_writer", None) if self.is_connected else None

    def _write_pending(self) -> None:
        pending, self._pending, self._pending_data_size = self._pending, [], 0
        assert self._transport is not None
        self._transport.writelines(pending)


def encode_message(
    subject: str, body: bytes, reply: str = "", headers: Mapping[str, str] | None = None
) -> bytes:
    """Encode a message. Subjects and headers are not validated."""
    if headers is None:
        return b"".join((f"PUB {subject} {reply} {len(body)}\r\n".encode(), body, b"\r\n"))
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    block = f"NATS/1.0\r\n{lines}\r\n".encode()
    size = len(block)
    command = f"HPUB {subject} {reply} {size} {size + len(body)}\r\n".encode()
    return b"".join((command, block, body, b"\r\n"))


def parse_headers(block: bytes | None) -> dict[str, str] | None:
    """Parse the headers of a message and its status, if the server has sent one."""
    if not block:
        return None
    first, *lines = block.decode("utf-8", "replace").split("\r\n")
    headers = {}
    status = first[len("NATS/1.0") :].split(maxsplit=1)
    if status:
        headers["Status"] = status[0]
        if len(status) > 1:
            headers["Description"] = status[1]
    for line in lines:
        name, found, value = line.partition(":")
        if found:
            headers[name] = value.strip()
    return headers or None
