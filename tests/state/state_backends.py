"""The backends of state by the names that tests and child processes use."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from mezon.ext.state import Backend, MemoryBackend


@contextlib.asynccontextmanager
async def open_backend(kind: str, address: str) -> AsyncIterator[Backend]:
    """Open a backend; ``address`` is a path or a URL."""
    if kind == "memory":
        yield MemoryBackend()
        return
    if kind == "nats":
        import nats
        from mezon._cluster.broker import jetstream_api
        from mezon._cluster.layout import bucket_config
        from mezon._cluster.state_bucket import BucketBackend

        connection = await nats.connect(address)

        async def connect() -> nats.NATS:
            return connection

        try:
            config = bucket_config("STATE", 0.0, 1, entry_ttl=True)
            await jetstream_api(connection, f"STREAM.CREATE.{config['name']}", config)
            yield BucketBackend(connect, "STATE")
        finally:
            await connection.close()
        return
    backend: Backend
    if kind == "redis":
        from mezon.ext._state_redis import RedisBackend

        backend = RedisBackend(address)
    else:
        from mezon.ext._state_sqlite import SqliteBackend

        backend = SqliteBackend(Path(address))
    try:
        yield backend
    finally:
        await backend.close()
