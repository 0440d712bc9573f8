"""The stream of AI agent events: server-sent events with reconnecting.

The address carries the bot's token in its query, so no URL of a request ever leaves this module.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mezon._agents.parser import EventStreamParser, ServerSentEvent
from mezon._http.backoff import Backoff
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
from mezon.utils.masked import masked
from mezon.utils.secrets import hide

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
    """The server said that there is nothing to stream (204), which ends reconnecting."""


class AgentEventStream:
    """A stream of AI agent events, kept open until ``close``.

    ``emit`` is called on the event loop with the name of an event and its payload:

    ====================  ============================================================================
    ``sse_open``          ``{"url": ...}`` without the query, each time a connection stands
    ``sse_message``       ``mezon.models.SSEMessage``, every message of the stream
    ``session_started``   ``mezon.models.AIAgentSessionStartedEvent``; likewise ``session_ended`` and
                          ``room_summary_done``
    ``sse_error``         a ``mezon.errors.MezonError``: no connection, a broken one, a broken payload
    ``sse_reconnecting``  ``{"attempt": n, "delay": seconds}``
    ``sse_reconnected``   ``{"url": ..., "attempt": n}``, after ``sse_open``
    ``sse_close``         None, once the stream has ended and will not come back
    ====================  ============================================================================

    Args:
        base_url: The client's ``agent_event_url``.
        app_id: The bot's id.
        token: The bot's API key. It is sent in the query and appears in no log, error or repr.
        emit: Called for every event. What it raises is logged.
        path: The path below ``base_url``.
        connect_timeout: Seconds until the answer's headers have to be there.
        read_timeout: Seconds of silence after which the connection counts as dead; None leaves that to TCP.
        reconnect_delay: Seconds before the first attempt to connect again, doubled for each further one. The
            server may set another with ``retry:``.
        max_reconnect_delay: The longest such delay, in seconds.
        jitter: Up to so many seconds are added to each delay.
        max_reconnect_attempts: Failed attempts in a row after which the stream gives up; None for never.
        http: The transport to use; it stays open.
        session: An aiohttp session to use instead; it stays open too. Without both the stream makes and closes its
            own.

    Raises:
        InvalidArgumentError: ``base_url`` is not set or is no http URL.
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
            raise InvalidArgumentError("agent_event_url starts with http:// or https://")
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
        """CONNECTING while a connection is being made or waited for, OPEN, or CLOSED."""
        return self._state

    async def start(self) -> None:
        """Open the stream in the background and return at once. Does nothing while it is open."""
        if self._task is None or self._task.done():
            self._state = SSEConnectionState.CONNECTING
            self._attempt = 0
            self._task = asyncio.create_task(self._run(), name="mezon-agent-events")

    async def close(self) -> None:
        """End the stream and wait until its connection is closed. Does nothing if it is not open."""
        task, self._task = self._task, None
        if task is None or task.done():
            return
        # The task may be cancelled before its first step, and then says nothing itself.
        self._state = SSEConnectionState.CLOSED
        task.cancel()
        # Not `await task`: its cancellation would look like one of whoever closes.
        await asyncio.wait([task])
        self._emit(SSEEvents.CLOSE, None)

    async def _run(self) -> None:
        try:
            await self._connect_again_and_again()
        finally:
            # A stream closed and started again at once has another task by now.
            if self._task in (None, asyncio.current_task()):
                self._state = SSEConnectionState.CLOSED
            if self._owned:
                await self._http.close()
        self._emit(SSEEvents.CLOSE, None)

    async def _connect_again_and_again(self) -> None:
        while True:
            failure: MezonError | None
            try:
                failure = await self._connect()
            except _StreamOverError:
                logger.info("the server has no more agent events")
                return
            except Exception as error:
                # The text and the traceback of it may hold the URL with the token.
                failure = MezonError(f"the stream of agent events failed: {type(error).__name__}")
            self._state = SSEConnectionState.CONNECTING
            if failure is not None:
                logger.warning("agent events: %s", failure)
                self._emit(SSEEvents.ERROR, failure)
            self._attempt += 1
            if self._max_attempts is not None and self._attempt > self._max_attempts:
                logger.error("agent events: given up after %d attempts to connect again", self._max_attempts)
                return
            delay = self._next_delay()
            self._emit(SSEEvents.RECONNECTING, {"attempt": self._attempt, "delay": delay})
            await asyncio.sleep(delay)

    def _next_delay(self) -> float:
        first = self._reconnect_delay if self._retry_seconds is None else self._retry_seconds
        return Backoff(first, self._max_reconnect_delay, more=self._jitter).wait(self._attempt - 1)

    async def _connect(self) -> MezonError | None:
        """Serve one connection from start to end. Return why it failed, or None if the server ended it."""
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
                return MezonTimeoutError(f"nothing from {self.url} for {self._read_timeout or 0:g} s")
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
                # Not zero: doubling has to lead somewhere.
                self._retry_seconds = min(max(parser.retry_ms / 1000, 0.1), self._max_reconnect_delay)
        return None

    def _refusal(self, stream: HttpStream) -> MezonError | None:
        status = stream.status
        if status == 204:
            raise _StreamOverError
        if status in (401, 403):
            return AuthenticationError(
                f"HTTP {status}: {self.url} refuses the bot: check client_id and api_key"
            )
        if status != 200:
            return MezonConnectionError(f"HTTP {status}: {self.url} gives no event stream")
        kind = (
            stream.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
        )
        if kind != "text/event-stream":
            kind = hide(kind, (self._query["token"],))[:80]
            return MezonConnectionError(f"{self.url} answers {kind} and no event stream")
        return None

    def _opened(self) -> None:
        self._state = SSEConnectionState.OPEN
        attempt, self._attempt = self._attempt, 0
        self._emit(SSEEvents.OPEN, {"url": self.url})
        if attempt:
            self.reconnects += 1
            self._emit(SSEEvents.RECONNECTED, {"url": self.url, "attempt": attempt})

    def _message(self, event: ServerSentEvent) -> None:
        from mezon.models import SSEMessage

        message = SSEMessage(
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
        logger.warning("agent events: %s; it is skipped", text)
        self._emit(SSEEvents.ERROR, MezonError(f"{text}; it is skipped, the stream goes on"))

    def _emit(self, event: SSEEvents | Events, payload: object) -> None:
        try:
            self._emit_to(event.value, payload)
        except Exception:
            logger.exception("the receiver of agent events failed on %s", event.value)


def agent_event(message: SSEMessage) -> tuple[Events, RoomMetadataEvent] | None:
    """Return the event that a message of the stream stands for, and its payload; None for messages of other kinds.

    Raises:
        MezonError: If the payload of such an event cannot be used.
    """
    try:
        data = json.loads(message.data)
    except (ValueError, RecursionError):
        data = None
    named = message.event if message.event in _AGENT_EVENTS else ""
    if not isinstance(data, dict):
        # Servers greet with events of their own ("connected"), and those may hold anything.
        if named or message.event == "message":
            raise MezonError("the data of an event is no JSON object")
        return None
    kind = data.get("event_type") or named
    if not isinstance(kind, str) or kind not in _AGENT_EVENTS:
        logger.debug("an agent event of another type")
        return None
    from pydantic import ValidationError

    try:
        payload = _agent_model(kind).model_validate(_with_text({**data, "event_type": kind}))
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, item["loc"])) for item in error.errors()}))
    else:
        return _AGENT_EVENTS[kind], payload
    # Out of the block: the error of pydantic holds the data.
    raise MezonError(f"a {kind} event lacks or breaks {fields}")


def _with_text(data: dict[str, Any]) -> dict[str, Any]:
    """Give the data with ids and times as text, also where the server wrote numbers."""
    texts = {
        name: str(value)
        for name, value in data.items()
        if name in _TEXTS and isinstance(value, int | float) and not isinstance(value, bool)
    }
    room = data.get("room")
    return {**data, **texts, "room": _with_text(room)} if isinstance(room, dict) else {**data, **texts}


def _agent_model(kind: str) -> type[RoomMetadataEvent]:
    from mezon import models

    return {
        "room_started": models.AIAgentSessionStartedEvent,
        "room_ended": models.AIAgentSessionEndedEvent,
        "room_summary_done": models.AIAgentSessionSummaryDoneEvent,
    }[kind]
