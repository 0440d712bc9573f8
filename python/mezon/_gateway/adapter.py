"""Connections whose frames an adapter of the bot's own carries, or whose calls its ``send`` sees first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from mezon._core import FailureKind
from mezon._gateway.codec import MESSAGES, dict_plan, event_plan
from mezon._gateway.failures import does_not_fit, no_answer, server_error
from mezon._gateway.protobuf_events import protobuf_event
from mezon._gateway.secrets import Secrets
from mezon.errors import MezonConnectionError, MezonTimeoutError, ServerError
from mezon.ports import CLOSED, MAX_ANSWER
from mezon.protobuf.rtapi import realtime_pb2
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon.models import ChannelMessage
    from mezon.models._origin import Origin
    from mezon.ports import ConnectionListener

__all__ = ["AdapterConnection", "SentByAdapter"]

logger: Final = get_logger("mezon.gateway")

#: Chunks of API answers (docs/protocol.md, "Raw API answers"): first byte, length of the header, flag of the last.
_RAW: Final = b"\xff"
_RAW_HEADER: Final = 7
_LAST: Final = 0xFF

_MOST_CIDS: Final = 0xFFFF
#: Events that wait for room, and the messages that are remembered.
_MOST_WAITING: Final = 10_000
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
    """The core's connection, whose calls go through the adapter's own ``send`` as envelopes.

    Heartbeats and the joins after a reconnect do not: they are the core's.

    Args:
        adapter: The adapter. What its ``send`` hands on to ``WebSocketAdapterPb.send`` is the call.
    """

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._cid = 0

    @property
    def listener(self) -> ConnectionListener | None:
        """Who is told what happens."""
        listener: ConnectionListener | None = self._adapter.connection.listener
        return listener

    @listener.setter
    def listener(self, listener: ConnectionListener | None) -> None:
        self._adapter.connection.listener = listener

    async def call(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> tuple[str, Any]:
        """Send a value and wait for its answer."""
        answer: tuple[str, Any] = await self._ask(self._adapter.connection.call, name, value, timeout)
        return answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Call like ``call``, for calls whose answer is the body of an API call."""
        answer: bytes = await self._ask(self._adapter.connection.call_raw, name, value, timeout)
        return answer

    async def _ask(
        self, call: Callable[..., Any], name: str, value: Mapping[str, Any] | bytes, timeout: float
    ) -> Any:
        self._cid = self._cid % _MOST_CIDS + 1
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
    """A connection over an adapter of the bot's own; see ``mezon.ports.Connection``.

    The adapter connects, sends envelopes, closes, and calls its ``on_message`` with each frame, or has in ``_socket``
    something to iterate over, as the adapters of mezon-sdk. Reconnects and heartbeats are its responsibility.

    Args:
        adapter: The adapter.

    Attributes:
        origin: What events carry that can be answered: whose they are.
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
        self._waiting: deque[tuple[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._recent: OrderedDict[int, deque[ChannelMessage]] = OrderedDict()
        self._listening: asyncio.Task[None] | None = None
        self._posts: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> str:
        """idle, connecting, ready or closed."""
        if self._state == "ready" and not self._adapter.is_open():
            return "closed"
        return self._state

    def stats(self) -> Mapping[str, Any]:
        """Return no counters: the adapter has them."""
        return {}

    # ---- opening and closing

    async def open_with(
        self, scheme: str, ws_url: str, create_status: bool, token: str, timeout: float
    ) -> None:
        """Open the connection by the adapter's ``connect``, with the arguments that mezon-sdk passes.

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
        """Refuse: an adapter is opened by `open_with`."""
        raise MezonConnectionError("a socket with an adapter of its own is opened by Socket.connect")

    async def _listen(self, frames: Any) -> None:
        try:
            async for frame in frames:
                self.received(frame)
        except Exception as error:
            self.lost(f"{type(error).__name__}: {error}")
        else:
            self.lost()

    async def close(self) -> None:
        """Close the connection by the adapter's ``close``. Safe at any time, and twice."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
        self._end(CLOSED)
        await self._adapter.close()

    def lost(self, reason: object = "the adapter lost the connection") -> None:
        """Take the connection as lost; the adapter may call it as ``on_close``."""
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
        """Send a value and wait for its answer."""
        answer = await self._ask(name, value, timeout)
        return ("", answer) if isinstance(answer, bytes) else answer

    async def call_raw(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> bytes:
        """Call like ``call``, for calls whose answer is the body of an API call."""
        answer = await self._ask(name, value, timeout)
        if isinstance(answer, bytes):
            return answer
        return answer[1] if isinstance(answer[1], bytes) else b""

    async def _ask(self, name: str, value: Mapping[str, Any] | bytes, timeout: float) -> Any:
        if self.state != "ready":
            raise no_answer(name, "not_connected")
        self._cid = self._cid % _MOST_CIDS + 1
        while self._cid in self._calls:
            self._cid = self._cid % _MOST_CIDS + 1
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
        task = asyncio.get_running_loop().create_task(self._post(envelope_of(name, value)))
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)

    async def _post(self, envelope: realtime_pb2.Envelope) -> None:
        try:
            await self._adapter.send(envelope)
        except Exception:
            logger.exception("%s.send failed", type(self._adapter).__name__)

    def in_flight(self) -> Mapping[int, asyncio.Future[Any]]:
        """Return the calls that wait for their answers, by cid."""
        return {cid: answer for cid, (_, answer) in self._calls.items()}

    # ---- frames

    def received(self, frame: bytes) -> None:
        """Take a frame from the adapter, which may call it as ``on_message``. Frames of text are ignored."""
        if not isinstance(frame, bytes | bytearray | memoryview):
            return
        data = bytes(frame)
        try:
            if data[:1] == _RAW:
                self._take_chunk(data)
            else:
                self._take_envelope(realtime_pb2.Envelope.FromString(data))
        except Exception as error:
            logger.warning("A frame from the adapter cannot be read: %s", error)

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
        self._waiting.append((kind, event))
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
        """Take the messages of a channel that came since it was last asked, oldest first."""
        return list(self._recent.pop(channel_id, ()))

    # ---- events

    def want(self, name: str, wanted: bool = True) -> None:
        """Have the events of an envelope field told, or dropped."""
        (self._wanted.add if wanted else self._wanted.discard)(name)

    def hold(self) -> None:
        """Do nothing: the listener's capacity says it."""

    def resume(self) -> None:
        """Tell the events that wait, as many as the listener has room for."""
        listener = self.listener
        while self._waiting and listener is not None and listener.capacity() > 0:
            name, event = self._waiting.popleft()
            try:
                listener.on_event(name, event)
            except Exception:
                logger.exception("An event could not be dispatched; the next ones go on")
