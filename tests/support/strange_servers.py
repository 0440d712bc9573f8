"""Servers that speak no HTTP, or broken HTTP, or send back what they were given."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

LONG = b"X-Long: " + b"a" * 100_000

#: What each answers to the bytes of a request; None cuts the connection.
STRANGE: dict[str, Callable[[bytes], bytes | None]] = {
    "ssh": lambda asked: b"SSH-2.0-OpenSSH_9.9\r\n",
    "echo": lambda asked: asked,
    "smtp": lambda asked: b"220 mail ESMTP " + asked[:200] + b"\r\n",
    "nothing": lambda asked: b"",
    "cut": lambda asked: None,
    "status of letters": lambda asked: b"HTTP/1.1 abc OK\r\n\r\n",
    "header without a colon": lambda asked: b"HTTP/1.1 200 OK\r\n" + _echo(asked) + b"\r\n\r\n",
    "header with a control character": lambda asked: (
        b"HTTP/1.1 200 OK\r\nX: \x01" + _echo(asked) + b"\r\n\r\n"
    ),
    "header name with a space": lambda asked: b"HTTP/1.1 200 OK\r\nX Y: " + _echo(asked) + b"\r\n\r\n",
    "endless header": lambda asked: b"HTTP/1.1 200 OK\r\n" + LONG + b"\r\n\r\n",
    "length of letters": lambda asked: b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "two lengths": lambda asked: b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhello",
    "bad chunks": lambda asked: (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        + _echo(asked)
        + b"\r\n"
    ),
    "body cut short": lambda asked: b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + _echo(asked),
    "bad gzip": lambda asked: b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    "reason": lambda asked: b"HTTP/1.1 500 " + _echo(asked) + b"\r\nContent-Length: 0\r\n\r\n",
    "reason of a refusal": lambda asked: (
        b"HTTP/1.1 403 denied " + _echo(asked) + b"\r\nContent-Length: 0\r\n\r\n"
    ),
    "headers": lambda asked: (
        b"HTTP/1.1 409 No\r\nX-You-Sent: " + _echo(asked) + b"\r\nContent-Length: 0\r\n\r\n"
    ),
    "content type": lambda asked: (
        b"HTTP/1.1 200 OK\r\nContent-Type: " + _echo(asked) + b"\r\nContent-Length: 1\r\n\r\n{"
    ),
    "body": lambda asked: _whole(b"418 I am a teapot", asked),
    "body of a success": lambda asked: _whole(b"200 OK", asked),
    "redirect": lambda asked: (
        b"HTTP/1.1 302 Found\r\nLocation: http://x/" + _target(asked) + b"\r\nContent-Length: 0\r\n\r\n"
    ),
    "redirect to no address": lambda asked: (
        b"HTTP/1.1 302 Found\r\nLocation: http://[" + _echo(asked) + b"\r\nContent-Length: 0\r\n\r\n"
    ),
}


def _target(asked: bytes) -> bytes:
    return asked.partition(b"\r\n")[0].split(b" ")[1]


def _echo(asked: bytes) -> bytes:
    """What a request holds, on one line: its target, its headers and its body."""
    return b" ".join(asked.split())[:4000]


def _whole(status: bytes, asked: bytes) -> bytes:
    body = _echo(asked)
    length = str(len(body)).encode()
    return (
        b"HTTP/1.1 "
        + status
        + b"\r\nContent-Type: text/plain\r\nContent-Length: "
        + length
        + b"\r\n\r\n"
        + body
    )


@contextlib.asynccontextmanager
async def strange_server(kind: str) -> AsyncIterator[str]:
    """One of them on loopback; gives its URL."""
    answer = STRANGE[kind]
    open_ones: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.split(b":")[1])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ),
                0,
            )
            said = answer(head + await reader.readexactly(length))
            if said is None:
                writer.transport.abort()
            else:
                writer.write(said)
                await writer.drain()
        writer.close()
        open_ones.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in list(open_ones):
            writer.transport.abort()
        await server.wait_closed()
