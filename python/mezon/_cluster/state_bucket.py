"""State in a key-value bucket of NATS JetStream: what workers of many machines share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from nats.js.api import KeyValueConfig
from nats.js.errors import BucketNotFoundError, KeyNotFoundError, KeyWrongLastSequenceError

from mezon._cluster.protocol import error_text
from mezon.ext._state_backends import Entry, StateError, expiry, is_expired

if TYPE_CHECKING:
    from nats.js import JetStreamContext


class BucketBackend:
    """State in the bucket ``name``, which is created when it is first used.

    Revisions are those of the bucket, so compare-and-set is done by the server. An expiry is stored beside the value
    and judged by the reader's clock: a bucket expires no single keys on every supported server.

    Args:
        connect: Returns the JetStream context; called again by each use, so that it may reconnect.
        name: The name of the bucket.
        replicas: Copies of the bucket in a cluster of servers.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[JetStreamContext]], name: str, *, replicas: int = 1
    ) -> None:
        self.shared = True
        self._connect = connect
        self._name = name
        self._replicas = replicas
        self._bucket: Any = None

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return _live(await self._read(key))

    async def put(self, key: str, value: bytes, revision: int | None, ttl: float | None = None) -> int | None:
        """Store a value if the key is at ``revision``."""
        body = _pack(value, ttl)
        bucket = await self._open()
        try:
            if revision is None:
                return int(await bucket.put(key, body))
            if revision == 0:
                # An expired entry is still there: it is replaced at its own revision.
                entry = await self._read(key)
                if entry is None:
                    return int(await bucket.create(key, body))
                if _live(entry) is not None:
                    return None
                revision = entry.revision
            return int(await bucket.update(key, body, last=revision))
        except KeyWrongLastSequenceError:
            return None
        except Exception as error:
            raise _failure(self._name, error) from error

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key if it is at ``revision``."""
        entry = await self.get(key)
        if entry is None or (revision is not None and revision != entry.revision):
            return False
        bucket = await self._open()
        try:
            return bool(await bucket.delete(key, last=entry.revision))
        except KeyWrongLastSequenceError:
            # Somebody wrote it meanwhile. Without a revision that write is deleted as well.
            return await self.delete(key) if revision is None else False
        except Exception as error:
            raise _failure(self._name, error) from error

    async def entries(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries below a prefix."""
        found = [(key, entry) for key, entry in await self._all(prefix) if _live(entry) is not None]
        return sorted(found)

    async def expire(self) -> int:
        """Remove expired entries."""
        expired = [(key, entry) for key, entry in await self._all("") if _live(entry) is None]
        bucket = await self._open()
        count = 0
        for key, entry in expired:
            try:
                await bucket.delete(key, last=entry.revision)
            except KeyWrongLastSequenceError:
                continue  # written again meanwhile
            count += 1
        return count

    async def close(self) -> None:
        """Forget the bucket; the connection belongs to the caller."""
        self._bucket = None

    async def _read(self, key: str) -> Entry | None:
        """Return the entry of a key, expired or not."""
        bucket = await self._open()
        try:
            found = await bucket.get(key)
        except KeyNotFoundError:
            return None
        except Exception as error:
            raise _failure(self._name, error) from error
        return _unpack(found.value or b"", int(found.revision or 0))

    async def _all(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries below a prefix, expired or not."""
        bucket = await self._open()
        found: list[tuple[str, Entry]] = []
        try:
            watcher = await bucket.watch(f"{prefix}>", ignore_deletes=True)
            try:
                async for update in watcher:
                    if update is None:  # everything that was there has been seen
                        break
                    found.append((update.key, _unpack(update.value or b"", int(update.revision))))
            finally:
                await watcher.stop()
        except Exception as error:
            raise _failure(self._name, error) from error
        return found

    async def _open(self) -> Any:
        if self._bucket is None:
            try:
                context = await self._connect()
                try:
                    self._bucket = await context.key_value(self._name)
                except BucketNotFoundError:
                    config = KeyValueConfig(self._name, history=1, replicas=self._replicas)
                    self._bucket = await context.create_key_value(config)
            except Exception as error:
                raise _failure(self._name, error) from error
        return self._bucket


def _pack(value: bytes, ttl: float | None) -> bytes:
    """Return the stored bytes: a line with the expiry, then the value."""
    return json.dumps(expiry(ttl)).encode() + b"\n" + value


def _unpack(body: bytes, revision: int) -> Entry:
    head, _, value = body.partition(b"\n")
    expires = json.loads(head)
    return Entry(value, revision, None if expires is None else float(expires))


def _live(entry: Entry | None) -> Entry | None:
    return None if entry is None or is_expired(entry) else entry


def _failure(name: str, error: Exception) -> StateError:
    return StateError(f"the state bucket {name} cannot be used: {error_text(error)}; check the broker")
