"""The stream of AI agent events: server-sent events with reconnecting.

The query of the URL contains the bot's token, so no URL of a request leaves this module.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mezon import models
from mezon._agents.parser import EventStreamParser, ServerSentEvent
from mezon._http.transport import AiohttpTransport
from mezon.constants import Events, SSEConnectionState, SSEEvents
from mezon.errors import (
    AuthenticationError,
    InvalidArgumentError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
)
from mezon.ports import HttpFailure, HttpRequest
from mezon.utils.backoff import Backoff
from mezon.utils.secrets import hide, masked

if TYPE_CHECKING:
    import aiohttp

    from mezon.models import RoomMetadataEvent, SSEMessage
    from mezon.ports import HttpStream, HttpTransport

logger = logging.getLogger("mezon.sse")

Emit = Callable[[str, object], None]

DEFAULT_PATH = "api/sse/metadata"

_AGENT_EVENTS: dict[str, Events] = {
    "room_started": Events.AI_AGENT_SESSION_STARTED,
    "room_ended": Events.AI_AGENT_SESSION_ENDED,
    "room_summary_done": Events.AI_AGENT_SESSION_SUMMARY_DONE,
}


_TEXTS = frozenset({"event_id", "timestamp", "room_id", "room_name"})


class _StreamOverError(Exception):
    """The server has nothing to stream (204); ends reconnecting."""


class AgentEventStream:
    """A stream of AI agent events that reconnects until ``close``.

    ``emit`` is called on the event loop with the name of an event and its payload:

    ====================  ============================================================================
    ``sse_open``          ``{"url": ...}`` without the query, for each open connection
    ``sse_message``       ``mezon.models.SSEMessage``, every message of the stream
    ``session_started``   ``mezon.models.AIAgentSessionStartedEvent``; likewise ``session_ended`` and
                          ``room_summary_done``
    ``sse_error``         a ``mezon.errors.MezonError``: connection failed or lost, invalid payload
    ``sse_reconnecting``  ``{"attempt": n, "delay": seconds}``
    ``sse_reconnected``   ``{"url": ..., "attempt": n}``, after ``sse_open``
    ``sse_close``         None, once the stream has ended for good
    ====================  ============================================================================

    Args:
        base_url: The client's ``agent_event_url``.
        app_id: The bot's id.
        token: The bot's API key. It is sent in the query and never appears in logs, errors or reprs.
        emit: Called for every event. Exceptions are logged.
        path: The path below ``base_url``.
        connect_timeout: Seconds to wait for the headers of the answer.
        read_timeout: Seconds without data after which the connection counts as lost; None leaves that to TCP.
        reconnect_delay: Seconds before the first reconnect attempt, doubled for each further one. The server may
            override it with ``retry:``.
        max_reconnect_delay: The longest such delay, in seconds.
        jitter: Maximum number of random seconds added to each delay.
        max_reconnect_attempts: Number of consecutive failed attempts after which the stream gives up; None: never.
        http: The transport to use; it is not closed.
        session: An aiohttp session to use instead; it is not closed either. Without both, the stream creates and
            closes its own transport.

    Raises:
        InvalidArgumentError: If ``base_url`` is not set or not an http URL.
    """

    def __init__(
        self,
        base_url: str | None,
        app_id: int | str,
        token: str,
        emit: Emit,
        *,
        path: str = DEFAULT_PATH,
        connect_timeout: float = 10.0,
        read_timeout: float | None = None,
        reconnect_delay: float = 3.0,
        max_reconnect_delay: float = 30.0,
        jitter: float = 1.0,
        max_reconnect_attempts: int | None = None,
        http: HttpTransport | None = None,
        take: Callable[[SSEMessage], None] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        token = masked(token)
        if not base_url:
            raise InvalidArgumentError(
                "agent_event_url is not configured: pass it to MezonClient to receive AI agent events"
            )
        if not base_url.startswith(("http://", "https://")):
            raise InvalidArgumentError("agent_event_url must start with http:// or https://")
        self.url = f"{base_url.rstrip('/')}/{path.lstrip('/')}"
        self.reconnects = 0
        self._query = {"appid": str(app_id), "token": token}
        self._emit_to = emit
        self._take = take
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._reconnect_delay = reconnect_delay
        self._max_reconnect_delay = max_reconnect_delay
        self._jitter = jitter
        self._max_attempts = max_reconnect_attempts
        self._http = http or AiohttpTransport(session=session)
        self._owned = http is None
        self._state = SSEConnectionState.CLOSED
        self._task: asyncio.Task[None] | None = None
        self._last_event_id = ""
        self._retry_seconds: float | None = None
        self._attempt = 0

    def __repr__(self) -> str:
        return f"<AgentEventStream {self.url} {self._state.name}>"

    @property
    def state(self) -> SSEConnectionState:
        """CONNECTING (also while waiting to reconnect), OPEN or CLOSED."""
        return self._state

    async def start(self) -> None:
        """Start the stream in a background task. Does nothing if it is running."""
        if self._task is None or self._task.done():
            self._state = SSEConnectionState.CONNECTING
            self._attempt = 0
            self._task = asyncio.create_task(self._run(), name="mezon-agent-events")

    async def close(self) -> None:
        """Stop the stream and wait until its connection is closed. Does nothing if it is not running."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        # A task cancelled before its first step does not set the state itself.
        self._state = SSEConnectionState.CLOSED
        task.cancel()
        # Not `await task`: that would raise the task's cancellation as the caller's own.
        await asyncio.wait([task])
        self._emit(SSEEvents.CLOSE, None)

    async def _run(self) -> None:
        try:
            await self._connect_repeatedly()
        finally:
            # If the stream was closed and started again, the state belongs to the new task.
            if self._task in (None, asyncio.current_task()):
                self._state = SSEConnectionState.CLOSED
            if self._owned:
                await self._http.close()
        self._emit(SSEEvents.CLOSE, None)

    async def _connect_repeatedly(self) -> None:
        while True:
            failure: MezonError | None
            try:
                failure = await self._connect()
            except _StreamOverError:
                logger.info("agent events: the server ended the stream (HTTP 204)")
                return
            except Exception as error:
                # Its message and traceback may contain the URL with the token.
                failure = MezonError(f"the stream of agent events failed: {type(error).__name__}")
            self._state = SSEConnectionState.CONNECTING
            if failure is not None:
                logger.warning("agent events: %s", failure)
                self._emit(SSEEvents.ERROR, failure)
            self._attempt += 1
            if self._max_attempts is not None and self._attempt > self._max_attempts:
                logger.error("agent events: giving up after %d reconnect attempts", self._max_attempts)
                return
            delay = self._next_delay()
            self._emit(SSEEvents.RECONNECTING, {"attempt": self._attempt, "delay": delay})
            await asyncio.sleep(delay)

    def _next_delay(self) -> float:
        first = self._reconnect_delay if self._retry_seconds is None else self._retry_seconds
        return Backoff(first, self._max_reconnect_delay, more=self._jitter).wait(self._attempt - 1)

    async def _connect(self) -> MezonError | None:
        """Run one connection. Returns the error, or None if the server ended the stream."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self._last_event_id:
            headers["Last-Event-ID"] = self._last_event_id
        request = HttpRequest(
            "agent events",
            "GET",
            self.url,
            headers,
            self._query,
            timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
        )
        reached = False
        try:
            async with self._http.stream(request) as stream:
                reached = True
                return await self._read(stream)
        except MezonTimeoutError:
            if reached:
                return MezonTimeoutError(f"no data from {self.url} for {self._read_timeout or 0:g} s")
            return MezonTimeoutError(f"no answer from {self.url} in {self._connect_timeout:g} s")
        except HttpFailure as error:
            if reached:
                return MezonConnectionError(f"the connection to {self.url} broke: {error.reason}")
            return MezonConnectionError(f"cannot connect to {self.url}: {error.reason}")

    async def _read(self, stream: HttpStream) -> MezonError | None:
        refusal = self._refusal(stream)
        if refusal is not None:
            return refusal
        parser = EventStreamParser(last_event_id=self._last_event_id)
        self._opened()
        async for chunk in stream.chunks():
            dropped = parser.dropped
            for event in parser.feed(chunk):
                self._message(event)
            self._last_event_id = parser.last_event_id
            if parser.dropped > dropped:
                self._bad_payload("an event is too long")
            if parser.retry_ms is not None:
                # Not zero, because the delay is doubled.
                self._retry_seconds = min(max(parser.retry_ms / 1000, 0.1), self._max_reconnect_delay)
        return None

    def _refusal(self, stream: HttpStream) -> MezonError | None:
        status = stream.status
        if status == 204:
            raise _StreamOverError
        if status in (401, 403):
            return AuthenticationError(
                f"HTTP {status}: {self.url} rejects the bot: check client_id and api_key"
            )
        if status != 200:
            return MezonConnectionError(f"HTTP {status}: {self.url} returned no event stream")
        kind = (
            stream.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
        )
        if kind != "text/event-stream":
            kind = hide(kind, (self._query["token"],))[:80]
            return MezonConnectionError(f"{self.url} returned {kind} instead of an event stream")
        return None

    def _opened(self) -> None:
        self._state = SSEConnectionState.OPEN
        attempt, self._attempt = self._attempt, 0
        self._emit(SSEEvents.OPEN, {"url": self.url})
        if attempt:
            self.reconnects += 1
            self._emit(SSEEvents.RECONNECTED, {"url": self.url, "attempt": attempt})

    def _message(self, event: ServerSentEvent) -> None:
        message = models.SSEMessage(
            id=event.last_event_id or None,
            event=event.event,
            data=event.data,
            timestamp=int(time.time() * 1000),
        )
        self._emit(SSEEvents.MESSAGE, message)
        if self._take is not None:
            self._take(message)
            return
        try:
            found = agent_event(message)
        except MezonError as error:
            self._bad_payload(str(error))
            return
        if found is not None:
            self._emit(*found)

    def _bad_payload(self, text: str) -> None:
        logger.warning("agent events: %s; the event is skipped", text)
        self._emit(SSEEvents.ERROR, MezonError(f"{text}; the event is skipped, the stream continues"))

    def _emit(self, event: SSEEvents | Events, payload: object) -> None:
        try:
            self._emit_to(event.value, payload)
        except Exception:
            logger.exception("the receiver of agent events raised an exception for %s", event.value)


def agent_event(message: SSEMessage) -> tuple[Events, RoomMetadataEvent] | None:
    """Return the event and payload of a stream message, or None for messages of other kinds.

    Raises:
        MezonError: If the payload of an agent event is invalid.
    """
    try:
        data = json.loads(message.data)
    except (ValueError, RecursionError):
        data = None
    named = message.event if message.event in _AGENT_EVENTS else ""
    if not isinstance(data, dict):
        # Servers send other events, such as "connected", with arbitrary data.
        if named or message.event == "message":
            raise MezonError("the data of an event is not a JSON object")
        return None
    kind = data.get("event_type") or named
    if not isinstance(kind, str) or kind not in _AGENT_EVENTS:
        logger.debug("ignored an agent event of an unknown type")
        return None
    try:
        payload = _agent_model(kind).model_validate(_with_text({**data, "event_type": kind}))
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))
    else:
        return _AGENT_EVENTS[kind], payload
    # Raised outside the block: the pydantic error holds the data.
    raise MezonError(f"a {kind} event has missing or invalid fields: {fields}")


def _with_text(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data with numeric ids and times as strings."""
    texts = {
        name: str(value)
        for name, value in data.items()
        if name in _TEXTS and isinstance(value, int | float) and not isinstance(value, bool)
    }
    room = data.get("room")
    return {**data, **texts, "room": _with_text(room)} if isinstance(room, dict) else {**data, **texts}


def _agent_model(kind: str) -> type[RoomMetadataEvent]:
    return {
        "room_started": models.AIAgentSessionStartedEvent,
        "room_ended": models.AIAgentSessionEndedEvent,
        "room_summary_done": models.AIAgentSessionSummaryDoneEvent,
    }[kind]
