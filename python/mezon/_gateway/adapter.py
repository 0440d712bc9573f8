"""Connections over a custom socket adapter, and connections whose calls pass through a custom ``send``."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mezon._core import FailureKind
from mezon._gateway.codec import MESSAGES, dict_plan, event_plan, protobuf_event
from mezon._gateway.failures import Secrets, does_not_fit, no_answer, server_error
from mezon.errors import MezonConnectionError, MezonTimeoutError, ServerError
from mezon.ports import CLOSED, MAX_ANSWER
from mezon.protobuf.rtapi import realtime_pb2
from mezon.utils.background import BackgroundTasks
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin
    from mezon.ports import ConnectionListener

__all__ = ["AdapterConnection", "SentByAdapter"]

logger: Final = get_logger("mezon.gateway")

#: Chunks of API answers (docs/protocol.md, "Raw API answers"): first byte, header length, flag of the last chunk.
_RAW: Final = b"\xff"
_RAW_HEADER: Final = 7
_LAST: Final = 0xFF

_MAX_CID: Final = 0xFFFF
#: Maximum number of queued events, and of remembered channels and messages.
_MAX_QUEUED: Final = 10_000
_RECENT_CHANNELS: Final = 1_000
_RECENT_MESSAGES: Final = 200


def envelope_of(name: str, value: Mapping[str, Any] | bytes, cid: int = 0) -> realtime_pb2.Envelope:
    """Return an envelope with a value in the field ``name``.

    Raises:
        InvalidArgumentError: If the value does not fit its field.
    """
    try:
        body = value if isinstance(value, bytes) else dict_plan(MESSAGES[name]).encode(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise does_not_fit(name, error) from error
    envelope = realtime_pb2.Envelope(cid=cid)
    field = getattr(envelope, name)
    field.SetInParent()
    field.MergeFromString(body)
    return envelope


class SentByAdapter:
    """The core's connection, whose calls pass through a custom ``send`` of the adapter as envelopes.

    Heartbeats and the joins after a reconnect do not: the core sends them.

    Args:
        adapter: The adapter. The envelope that its ``send`` passes to ``WebSocketAdapterPb.send`` is sent.
    """

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._cid = 0

    @property
    def listener(self) -> ConnectionListener | None:
        """The listener of the connection."""
        listener: ConnectionListener | None = self._adapter.connection.listener
        return listener

    @listener.setter
    def listener(self, listener: ConnectionListener | None) -> None:
        self._adapter.connection.listener = listener

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send a value and return its answer."""
        answer: tuple[str, Any] = await self._ask(self._adapter.connection.call, name, value, timeout)
        return answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Send like ``call``, for calls whose answer is the body of an API response."""
        answer: bytes = await self._ask(self._adapter.connection.call_raw, name, value, timeout)
        return answer

    async def _ask(
        self, call: Callable[..., Any], name: str, value: Mapping[str, Any] | bytes, timeout: float
    ) -> Any:
        self._cid = self._cid % _MAX_CID + 1
        cid = self._cid
        envelope = envelope_of(name, value, cid)
        answer = self._adapter.expect(cid, call, timeout)
        try:
            async with asyncio.timeout(timeout):
                await self._adapter.send(envelope)
                return await answer
        except TimeoutError as error:
            if isinstance(error, MezonTimeoutError):
                raise
            raise no_answer(name, FailureKind.TIMEOUT) from None
        finally:
            self._adapter.forget(cid)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter.connection, name)


class AdapterConnection:
    """A connection over a custom adapter. Implements `mezon.ports.Connection`.

    The adapter connects, sends envelopes, closes, and calls its ``on_message`` with each frame, or has an iterator
    of frames in ``_socket`` like the adapters of mezon-sdk. Reconnects and heartbeats are its responsibility.

    Args:
        adapter: The adapter.

    Attributes:
        origin: The client of the events that can be answered.
    """

    around = None
    latency: float | None = None
    feeds_store = False

    def __init__(self, adapter: Any) -> None:
        self.listener: ConnectionListener | None = None
        self.origin: Origin | None = None
        self._adapter = adapter
        self._state = "idle"
        self._generation = 0
        self._cid = 0
        self._calls: dict[int, tuple[str, asyncio.Future[Any]]] = {}
        self._chunks: dict[int, bytearray] = {}
        self._wanted: set[str] = set()
        self._queued: deque[tuple[str, Any]] = deque(maxlen=_MAX_QUEUED)
        self._recent: OrderedDict[int, deque[ChannelMessage]] = OrderedDict()
        self._listening: asyncio.Task[None] | None = None
        self._posts = BackgroundTasks(logger, level=logging.ERROR)

    @property
    def state(self) -> str:
        """idle, connecting, ready or closed."""
        if self._state == "ready" and not self._adapter.is_open():
            return "closed"
        return self._state

    def stats(self) -> Mapping[str, Any]:
        """Return no counters."""
        return {}

    # ---- opening and closing

    async def open_with(
        self, scheme: str, ws_url: str, create_status: bool, token: str, timeout: float
    ) -> None:
        """Open the connection with the adapter's ``connect``, called with the arguments of mezon-sdk.

        Raises:
            MezonTimeoutError: If it takes longer than ``timeout`` seconds.
        """
        adapter = self._adapter
        logger.warning(
            "%s carries the frames of this socket: reconnects and heartbeats are its own responsibility",
            type(adapter).__name__,
        )
        adapter.on_message, adapter.on_close = self.received, self.lost
        self._generation += 1
        self._state = "connecting"
        try:
            async with asyncio.timeout(timeout):
                await adapter.connect(scheme, ws_url, create_status, token)
        except BaseException as error:
            self._end(f"connect failed: {type(error).__name__}")
            if isinstance(error, TimeoutError):
                raise MezonTimeoutError("The socket timed out when trying to connect.") from error
            raise
        self._state = "ready"
        frames = getattr(adapter, "_socket", None)
        if hasattr(type(frames), "__aiter__"):
            self._listening = asyncio.get_running_loop().create_task(self._listen(frames))
        if self.listener is not None:
            self.listener.on_state("ready", self._generation, "")

    async def open(self, urls: Sequence[str], auto_reconnect: bool) -> None:
        """Raise: `open_with` opens a connection over an adapter."""
        raise MezonConnectionError("a socket with a custom adapter is opened by Socket.connect")

    async def _listen(self, frames: Any) -> None:
        try:
            async for frame in frames:
                self.received(frame)
        except Exception as error:
            self.lost(f"{type(error).__name__}: {error}")
        else:
            self.lost()

    async def close(self) -> None:
        """Close the connection with the adapter's ``close``. Idempotent."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
        self._end(CLOSED)
        await self._adapter.close()

    def lost(self, reason: object = "the adapter lost the connection") -> None:
        """Report the loss of the connection. The adapter may call it as ``on_close``."""
        self._end(str(reason))

    def _end(self, reason: str) -> None:
        if self._state in ("idle", "closed"):
            return
        self._state = "closed"
        calls, self._calls = self._calls, {}
        self._chunks.clear()
        for name, answer in calls.values():
            if not answer.done():
                answer.set_exception(no_answer(name, FailureKind.DELIVERY_UNKNOWN, reason))
        if self.listener is not None:
            self.listener.on_state("closed", self._generation, reason)

    def reconnect(self) -> bool:
        """Return False: reconnects are the adapter's responsibility."""
        return False

    # ---- calls

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send a value and return its answer."""
        answer = await self._ask(name, value, timeout)
        return ("", answer) if isinstance(answer, bytes) else answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Send like ``call``, for calls whose answer is the body of an API response."""
        answer = await self._ask(name, value, timeout)
        if isinstance(answer, bytes):
            return answer
        return answer[1] if isinstance(answer[1], bytes) else b""

    async def _ask(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> Any:
        if self.state != "ready":
            raise no_answer(name, "not_connected")
        self._cid = self._cid % _MAX_CID + 1
        while self._cid in self._calls:
            self._cid = self._cid % _MAX_CID + 1
        cid = self._cid
        envelope = envelope_of(name, value, cid)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[cid] = (name, answer)
        try:
            async with asyncio.timeout(timeout) as limit:
                await self._adapter.send(envelope)
                return await answer
        except TimeoutError:
            if not limit.expired():
                raise
            raise no_answer(name, FailureKind.TIMEOUT) from None
        finally:
            self._calls.pop(cid, None)
            self._chunks.pop(cid, None)

    def post(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> None:
        """Send without waiting for an answer."""
        if self.state != "ready":
            raise no_answer(name, "not_connected")
        self._posts.spawn(self._post(envelope_of(name, value)), f"{type(self._adapter).__name__}.send")

    async def _post(self, envelope: realtime_pb2.Envelope) -> None:
        await self._adapter.send(envelope)

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        """Return the futures of the pending calls, by cid."""
        return {cid: answer for cid, (_, answer) in self._calls.items()}

    # ---- frames

    def received(self, frame: bytes) -> None:
        """Process a frame. The adapter may call it as ``on_message``. Text frames are ignored."""
        if not isinstance(frame, bytes | bytearray | memoryview):
            return
        data = bytes(frame)
        try:
            if data[:1] == _RAW:
                self._take_chunk(data)
            else:
                self._take_envelope(realtime_pb2.Envelope.FromString(data))
        except Exception as error:
            logger.warning("A frame from the adapter is malformed: %s", error)

    def _take_chunk(self, data: bytes) -> None:
        if len(data) < _RAW_HEADER:
            raise ValueError("an API answer is shorter than its header")
        cid, code = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:7], "big")
        if cid not in self._calls:
            return
        name, answer = self._calls[cid]
        if answer.done():
            return
        chunks = self._chunks.setdefault(cid, bytearray())
        chunks += data[_RAW_HEADER:]
        if len(chunks) > MAX_ANSWER:
            answer.set_exception(no_answer(name, FailureKind.TOO_LONG))
            return
        if code & 0xFFFF != _LAST:
            return
        body = bytes(self._chunks.pop(cid))
        if status := code >> 16:
            answer.set_exception(ServerError(status, body.decode("utf-8", "replace"), call=name))
        else:
            answer.set_result(body)

    def _take_envelope(self, envelope: realtime_pb2.Envelope) -> None:
        kind = envelope.WhichOneof("message") or ""
        if envelope.cid:
            name, answer = self._calls.get(envelope.cid, ("", None))
            if answer is None or answer.done():
                return
            if kind == "error":
                answer.set_exception(server_error(name, envelope.error, Secrets(())))
            else:
                answer.set_result((kind, self._decode(kind, envelope, answers=True)))
            return
        if kind not in self._wanted:
            return
        event = self._decode(kind, envelope)
        if event is None:
            return
        if kind == "channel_message":
            self._remember(event)
        self._queued.append((kind, event))
        self.resume()

    def _decode(self, kind: str, envelope: realtime_pb2.Envelope, *, answers: bool = False) -> Any:
        if not kind:
            return None
        body = getattr(envelope, kind).SerializeToString()
        plan = event_plan(kind, self.origin)
        if plan is not None:
            return plan.decode(body)
        return body if answers else protobuf_event(kind, body, self.origin)

    def _remember(self, message: ChannelMessage) -> None:
        recent = self._recent.setdefault(message.channel_id, deque(maxlen=_RECENT_MESSAGES))
        recent.append(message)
        self._recent.move_to_end(message.channel_id)
        if len(self._recent) > _RECENT_CHANNELS:
            self._recent.popitem(last=False)

    def take_recent(self, channel_id: int) -> Sequence[ChannelMessage]:
        """Remove and return the messages of a channel received since the last call, oldest first."""
        return list(self._recent.pop(channel_id, ()))

    # ---- events

    def want(self, name: str, wanted: bool = True) -> None:
        """Deliver the events of an envelope field, or drop them."""
        (self._wanted.add if wanted else self._wanted.discard)(name)

    def hold(self) -> None:
        """Do nothing: ``resume`` reads the capacity of the listener."""

    def resume(self) -> None:
        """Deliver queued events, up to the capacity of the listener."""
        listener = self.listener
        while self._queued and listener is not None and listener.capacity() > 0:
            name, event = self._queued.popleft()
            try:
                listener.on_event(name, event)
            except Exception:
                logger.exception("An event could not be dispatched; the next ones are not affected")
