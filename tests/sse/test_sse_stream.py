"""The stream of AI agent events against a server on loopback."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from mezon._agents.stream import AgentEventStream
from mezon.constants import Events, SSEConnectionState, SSEEvents
from mezon.errors import (
    AuthenticationError,
    InvalidArgumentError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
)
from mezon.models import (
    AIAgentSessionEndedEvent,
    AIAgentSessionStartedEvent,
    AIAgentSessionSummaryDoneEvent,
    SSEMessage,
)
from patience import patient
from sse_server import Stream, StreamServer, refuses

TOKEN = "s3cret+key/with=signs&more"
TOKEN_QUOTED = "s3cret%2Bkey/with%3Dsigns%26more"
QUICK = {"reconnect_delay": 0.01, "max_reconnect_delay": 0.08, "jitter": 0.0}


class Received:
    """Collect the emitted events and return them in order."""

    def __init__(self) -> None:
        self.all: list[tuple[str, Any]] = []
        self._new: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def __call__(self, name: str, payload: object) -> None:
        assert type(name) is str
        self.all.append((name, payload))
        self._new.put_nowait(self.all[-1])

    async def next(self, name: str | None = None) -> Any:
        """Return the payload of the next event, or of the next one of that name."""
        while True:
            got, payload = await self._new.get()
            if name is None or got == name:
                return payload

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.all]


@pytest.fixture
async def open_stream(server: StreamServer) -> AsyncIterator[Callable[..., AgentEventStream]]:
    made: list[AgentEventStream] = []

    def build(emit: Callable[[str, object], None], **settings: Any) -> AgentEventStream:
        made.append(AgentEventStream(server.url, 42, TOKEN, emit, **{**QUICK, **settings}))
        return made[-1]

    yield build
    for stream in made:
        await stream.close()
        assert stream.state is SSEConnectionState.CLOSED
    assert [task for task in asyncio.all_tasks() if task.get_name() == "mezon-agent-events"] == []


def event(kind: str, event_id: str = "e1", **further: Any) -> str:
    payload = {
        "event_id": event_id,
        "event_type": kind,
        "timestamp": "2026-03-01T10:30:00Z",
        "room": {"room_id": "abc123", "room_name": "Phòng 1"},
        "metadata": {"duration_seconds": 3600},
        **further,
    }
    return f"id: {event_id}\ndata: {json.dumps(payload, ensure_ascii=False)}\n\n"


async def test_the_request(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    stream = open_stream(received)
    assert stream.state is SSEConnectionState.CLOSED
    await stream.start()
    assert stream.state is SSEConnectionState.CONNECTING
    opened = await received.next()
    request = (await server.opened.get()).request
    assert request.method == "GET"
    assert request.path == "/api/sse/metadata"
    assert dict(request.query) == {"appid": "42", "token": TOKEN}
    assert request.headers["Accept"] == "text/event-stream"
    assert "Last-Event-ID" not in request.headers
    assert "Authorization" not in request.headers
    assert received.names == ["sse_open"]
    assert opened == {"url": f"{server.url}/api/sse/metadata"}
    assert stream.state is SSEConnectionState.OPEN


async def test_path_and_trailing_slash(server: StreamServer) -> None:
    stream = AgentEventStream(server.url + "/", 1, TOKEN, Received(), path="/other/path")
    assert stream.url == f"{server.url}/other/path"


@pytest.mark.parametrize(
    ("kind", "name", "model"),
    [
        ("room_started", Events.AI_AGENT_SESSION_STARTED, AIAgentSessionStartedEvent),
        ("room_ended", Events.AI_AGENT_SESSION_ENDED, AIAgentSessionEndedEvent),
        ("room_summary_done", Events.AI_AGENT_SESSION_SUMMARY_DONE, AIAgentSessionSummaryDoneEvent),
    ],
)
@pytest.mark.parametrize("named", [False, True])
async def test_agent_events(
    server: StreamServer, open_stream: Any, kind: str, name: Events, model: type, named: bool
) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    before = time.time() * 1000
    await stream.send((f"event: {kind}\n" if named else "") + event(kind))
    payload = await received.next(name.value)
    assert type(payload) is model
    assert payload.event_type == kind
    assert payload.room.room_name == "Phòng 1"
    assert payload.metadata == {"duration_seconds": 3600}
    assert received.names == ["sse_open", "sse_message", name.value]
    message = received.all[1][1]
    assert isinstance(message, SSEMessage)
    assert (message.id, message.event) == ("e1", kind if named else "message")
    assert json.loads(message.data)["event_type"] == kind
    assert before - 1 <= message.timestamp <= time.time() * 1000 + 1


async def test_a_type_named_by_the_stream_alone(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    data = {"event_id": "1", "timestamp": "t", "room": {"room_id": "r", "room_name": "n"}}
    await stream.send(f"event: room_ended\ndata: {json.dumps(data)}\n\n")
    assert (await received.next("session_ended")).event_type == "room_ended"


async def test_ids_and_times_may_be_numbers(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    room = {"room_id": 7, "room_name": "7", "room": {}}
    await stream.send(event("room_ended", event_id="1", timestamp=1772361000.5, room=room))
    await stream.send(event("room_ended", timestamp=1772361000).replace('"e1"', "12345678901234567890"))
    first, second = [await received.next("session_ended") for _ in range(2)]
    assert (first.timestamp, first.room.room_id) == ("1772361000.5", "7")
    assert (second.timestamp, second.event_id) == ("1772361000", "12345678901234567890")


async def test_invalid_payload_drops_one_event(
    server: StreamServer, open_stream: Any, caplog: pytest.LogCaptureFixture
) -> None:
    received = Received()
    agent = open_stream(received)
    await agent.start()
    stream = await server.opened.get()
    bad = [
        "data: {broken\n\n",
        "data: [1]\n\n",
        "data: null\n\n",
        "data: " + "[" * 100_000 + "\n\n",
        "event: room_started\ndata: not json\n\n",
        event("room_started", room=None),
        event("room_started", timestamp={}),
        event("room_started", timestamp=True),
        'data: {"event_type": "room_ended"}\n\n',
        b"data: \xff\xfe\n\n".decode("latin-1"),
    ]
    for text in bad:
        await stream.send(text)
    await stream.send(event("room_started", "good"))
    assert (await received.next("session_started")).event_id == "good"
    errors = [payload for name, payload in received.all if name == "sse_error"]
    assert len(errors) == len(bad)
    assert all(type(error) is MezonError for error in errors)
    assert "a room_started event has missing or invalid fields: room" in str(errors[5])
    assert received.names.count("sse_message") == len(bad) + 1
    assert len([record for record in caplog.records if record.name == "mezon.sse"]) == len(bad)
    assert len(server.requests) == 1
    assert agent.state is SSEConnectionState.OPEN


async def test_event_that_is_too_long_is_dropped(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    await stream.send("data: " + "x" * (1 << 21) + "\n\n" + event("room_ended"))
    await received.next("session_ended")
    assert "too long" in str(dict(received.all)["sse_error"])


async def test_a_megabyte_in_one_line_is_read(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    await stream.send(event("room_ended", metadata={"text": "x" * 900_000}))
    assert len((await received.next("session_ended")).metadata["text"]) == 900_000


async def test_other_events_and_comments_are_ignored(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    await stream.send(": hello\n\nevent: connected\ndata: ok\n\nevent: connected\ndata: {}\n\n")
    await stream.send(event("room_record_done") + 'data: {}\n\ndata: {"event_type": 5}\n\n')
    await stream.send(event("room_ended"))
    await received.next("session_ended")
    assert received.names == ["sse_open", *["sse_message"] * 6, "session_ended"]


async def test_order_does_not_depend_on_chunks(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    stream = await server.opened.get()
    data = "".join(event("room_started", str(at)) for at in range(200)).encode()
    for at in range(0, len(data), 777):
        await stream.send(data[at : at + 777])
    ids = [(await received.next("session_started")).event_id for _ in range(200)]
    assert ids == [str(at) for at in range(200)]


async def test_ended_stream_reconnects_with_the_last_event_id(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    agent = open_stream(received)
    await agent.start()
    first = await server.opened.get()
    await first.send(event("room_started", "7") + "id: unfinished\ndata: x\n")
    await received.next("session_started")
    first.end()
    second = await server.opened.get()
    assert second.request.headers["Last-Event-ID"] == "7"
    await second.send(event("room_ended", "8"))
    assert (await received.next("session_ended")).event_id == "8"
    assert received.names == [
        "sse_open",
        "sse_message",
        "session_started",
        "sse_reconnecting",
        "sse_open",
        "sse_reconnected",
        "sse_message",
        "session_ended",
    ]
    assert received.all[3][1] == {"attempt": 1, "delay": 0.01}
    assert received.all[5][1] == {"url": agent.url, "attempt": 1}
    assert agent.reconnects == 1


async def test_lost_connection_is_an_error_and_reconnects(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received).start()
    (await server.opened.get()).cut()
    assert isinstance(await received.next("sse_error"), MezonConnectionError)
    await server.opened.get()
    await received.next("sse_reconnected")
    assert received.names == ["sse_open", "sse_error", "sse_reconnecting", "sse_open", "sse_reconnected"]


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (refuses(401), AuthenticationError, "HTTP 401: .* check client_id and api_key"),
        (refuses(403), AuthenticationError, "HTTP 403"),
        (refuses(404), MezonConnectionError, "HTTP 404"),
        (refuses(503), MezonConnectionError, "HTTP 503"),
        (
            refuses(200, kind="text/html"),
            MezonConnectionError,
            "returned text/html instead of an event stream",
        ),
        (refuses(302, headers={"Location": "/elsewhere"}), MezonConnectionError, "HTTP 302"),
        (refuses(307, headers={"Location": "/elsewhere"}), MezonConnectionError, "HTTP 307"),
    ],
)
async def test_refusal_is_an_error_and_retried(
    server: StreamServer, open_stream: Any, answer: Any, kind: type, text: str
) -> None:
    received = Received()
    server.answers += [answer, answer]
    await open_stream(received).start()
    with pytest.raises(kind, match=text):
        raise await received.next("sse_error")
    await received.next("sse_reconnected")
    assert received.names == [
        *["sse_error", "sse_reconnecting"] * 2,
        "sse_open",
        "sse_reconnected",
    ]
    assert [request.path for request in server.requests] == ["/api/sse/metadata"] * 3


async def test_no_content_ends_the_stream(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    server.answers.append(refuses(204))
    agent = open_stream(received)
    await agent.start()
    assert await received.next("sse_close") is None
    assert agent.state is SSEConnectionState.CLOSED
    await agent.start()
    await received.next("sse_open")
    assert received.names == ["sse_close", "sse_open"]


async def test_delays_double_to_their_bound_and_start_anew_after_success(
    server: StreamServer, open_stream: Any
) -> None:
    received = Received()
    server.answers += [refuses(503)] * 6
    await open_stream(received).start()
    stream = await server.opened.get()
    delays = [payload["delay"] for name, payload in received.all if name == "sse_reconnecting"]
    assert delays == pytest.approx([0.01, 0.02, 0.04, 0.08, 0.08, 0.08])
    stream.end()
    assert (await received.next("sse_reconnected"))["attempt"] == 6
    assert (await received.next("sse_reconnecting")) == {"attempt": 1, "delay": 0.01}


def test_the_delays_of_the_defaults() -> None:
    agent = AgentEventStream("http://x", 1, TOKEN, Received())
    for attempt, expected in [(1, 3), (2, 6), (3, 12), (4, 24), (5, 30), (6, 30), (100_000, 30)]:
        agent._attempt = attempt
        delays = [agent._next_delay() for _ in range(200)]
        assert all(expected <= delay <= expected + 1 for delay in delays)
        assert len(set(delays)) > 100, "there is jitter"


@pytest.mark.parametrize(("retry", "delay"), [("20", 0.1), ("150", 0.15), ("99999999", 0.3)])
async def test_the_server_may_set_the_delay(
    server: StreamServer, open_stream: Any, retry: str, delay: float
) -> None:
    received = Received()
    await open_stream(received, max_reconnect_delay=0.3).start()
    stream = await server.opened.get()
    await stream.send(f"retry: {retry}\n\n" + event("room_ended"))
    await received.next("session_ended")
    stream.end()
    assert (await received.next("sse_reconnecting"))["delay"] == pytest.approx(delay)


async def test_a_bound_on_attempts(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    server.answers += [refuses(503)] * 9
    agent = open_stream(received, max_reconnect_attempts=2)
    await agent.start()
    await received.next("sse_close")
    assert received.names == [*["sse_error", "sse_reconnecting"] * 2, "sse_error", "sse_close"]
    assert agent.state is SSEConnectionState.CLOSED
    assert len(server.requests) == 3


async def test_no_server_at_all(open_stream: Any, server: StreamServer) -> None:
    received = Received()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        await open_stream(received).start()
        error = await received.next("sse_error")
    assert isinstance(error, ConnectionError)
    assert "Connect call failed" in str(error)


async def test_a_server_that_does_not_answer(server: StreamServer, open_stream: Any) -> None:
    async def never(request: Any) -> Any:
        await asyncio.sleep(3600)

    received = Received()
    server.answers.append(never)
    await open_stream(received, connect_timeout=0.1).start()
    assert isinstance(await received.next("sse_error"), MezonTimeoutError)
    await received.next("sse_reconnected")


async def test_read_timeout(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    await open_stream(received, read_timeout=0.1).start()
    await server.opened.get()
    assert isinstance(await received.next("sse_error"), TimeoutError)
    await received.next("sse_reconnected")


async def test_invalid_url(open_stream: Any, server: StreamServer) -> None:
    server.url = "http://exa mple:99999999/"
    received = Received()
    await open_stream(received).start()
    assert isinstance(await received.next("sse_error"), MezonError)
    await received.next("sse_reconnecting")


@pytest.mark.parametrize("url", [None, "", "ftp://x", "agent.mezon.ai"])
def test_missing_url_is_an_error(url: str | None) -> None:
    with pytest.raises(InvalidArgumentError, match="agent_event_url"):
        AgentEventStream(url, 1, TOKEN, Received())


async def test_start_and_close_are_idempotent(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    agent = open_stream(received)
    await agent.close()
    assert received.names == []
    await agent.start()
    await agent.start()
    await received.next("sse_open")
    await agent.start()
    await agent.close()
    await agent.close()
    assert received.names == ["sse_open", "sse_close"]
    assert len(server.requests) == 1
    await agent.start()
    await received.next("sse_open")
    assert received.names == ["sse_open", "sse_close", "sse_open"]


async def test_close_at_every_moment(server: StreamServer, open_stream: Any) -> None:
    for turns in range(40):
        received = Received()
        agent = open_stream(received)
        await agent.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        await agent.close()
        assert agent.state is SSEConnectionState.CLOSED
        assert received.names[-1] == "sse_close"
        assert received.names.count("sse_close") == 1


async def test_close_during_the_delay(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    server.answers.append(refuses(503))
    agent = open_stream(received, reconnect_delay=3600, max_reconnect_delay=3600)
    await agent.start()
    await received.next("sse_reconnecting")
    await agent.close()
    assert received.names == ["sse_error", "sse_reconnecting", "sse_close"]


async def test_starting_again_before_the_old_stream_is_gone(server: StreamServer, open_stream: Any) -> None:
    received = Received()
    agent = open_stream(received)
    await agent.start()
    await received.next("sse_open")
    closing = asyncio.create_task(agent.close())
    await asyncio.sleep(0)
    await agent.start()
    await closing
    assert agent.state is not SSEConnectionState.CLOSED
    await received.next("sse_open")
    assert agent.state is SSEConnectionState.OPEN


async def test_closing_closes_the_connection(server: StreamServer, open_stream: Any) -> None:
    agent = open_stream(Received())
    await agent.start()
    stream: Stream = await server.opened.get()
    transport = stream.request.transport
    assert transport is not None
    await agent.close()
    async with asyncio.timeout(patient(5)):
        while not transport.is_closing():
            await stream.send(":\n")


async def test_a_given_session_is_left_open(server: StreamServer, open_stream: Any) -> None:
    async with aiohttp.ClientSession() as session:
        received = Received()
        agent = open_stream(received, session=session)
        await agent.start()
        await received.next("sse_open")
        await agent.close()
        assert not session.closed


async def test_exception_of_the_receiver_does_not_stop_the_stream(
    server: StreamServer, open_stream: Any, caplog: pytest.LogCaptureFixture
) -> None:
    received = Received()

    def failing(name: str, payload: object) -> None:
        received(name, payload)
        raise RuntimeError("in the handler")

    await open_stream(failing).start()
    stream = await server.opened.get()
    await stream.send(event("room_started") + event("room_ended"))
    await received.next("session_ended")
    failures = [record for record in caplog.records if "raised an exception for" in record.getMessage()]
    assert len(failures) == len(received.all) == 5
    assert all(record.exc_info is not None for record in failures)


def test_loop_closed_with_an_open_stream_leaves_nothing() -> None:
    names: list[str] = []
    after_the_end: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hi\n\n")
            after_the_end.append(connection.recv(1))

    async def main(port: int) -> None:
        opened = asyncio.Event()

        def emit(name: str, payload: object) -> None:
            names.append(name)
            opened.set()

        await AgentEventStream(f"http://127.0.0.1:{port}", 1, TOKEN, emit).start()
        await opened.wait()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        asyncio.run(main(listener.getsockname()[1]))
        thread.join()
    gc.collect()  # what was left open would warn now, and a warning is an error
    assert names == ["sse_open"]
    assert after_the_end == [b""]


async def test_token_is_masked_everywhere(
    server: StreamServer,
    open_stream: Any,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    received = Received()
    server.answers += [refuses(401), refuses(302, headers={"Location": "http://[broken"}), refuses(404)]
    agent = open_stream(received)
    await agent.start()
    stream = await server.opened.get()
    await stream.send("data: broken\n\n" + event("room_started") + "retry: 1\n\n")
    await received.next("session_started")
    stream.cut()
    await received.next("sse_reconnected")
    shown = [repr(agent), str(agent), repr(agent._task)]
    await agent.close()
    for name, payload in received.all:
        shown += [name, repr(payload), str(payload)]
        if isinstance(payload, BaseException):
            logging.getLogger("bot").error("sse", exc_info=payload)
            shown += [repr(payload.__cause__), repr(payload.__context__), repr(vars(payload))]
    captured = capfd.readouterr()
    shown += [caplog.text, captured.out, captured.err]
    assert len([name for name in received.names if name == "sse_error"]) == 5
    assert any(SSEEvents.OPEN.value in text for text in shown)
    for text in shown:
        assert "s3cret" not in text
        assert TOKEN_QUOTED not in text
    assert all(request.query["token"] == TOKEN for request in server.requests)
