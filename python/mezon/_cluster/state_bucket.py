"""State in a key-value bucket of NATS JetStream, which the workers of a bot share.

A worker must not forge events or the calls of other workers, and NATS publishes whatever a request returns to the reply
subject that the request names. Only requests that are answered with JSON are used here: consumers (`watch` of the
clients of NATS) and direct reads deliver the bytes of a record, which a worker chooses. See
docs/guide/many-machines.md.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError, NoRespondersError

from mezon._cluster.broker import BrokerError, jetstream_api
from mezon._cluster.protocol import error_text
from mezon.errors import MezonConnectionError, MezonError
from mezon.ext._state_backends import Entry, StateError, expiry, in_own_task, is_expired

if TYPE_CHECKING:
    from nats.aio.client import Client

_T = TypeVar("_T")

_ID: Final = "Nats-Msg-Id"
_EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"
_OPERATION: Final = "KV-Operation"
_TTL: Final = "Nats-TTL"

#: JetStream's error codes for another revision than the expected one.
_WRONG_REVISION: Final = frozenset({10071, 10164})

#: JetStream's error code for a subject without a message.
_NO_MESSAGE: Final = 10037

#: Seconds for one attempt to write.
_TIMEOUT: Final = 5.0
#: Seconds for which a request that nobody answers is repeated: NATS may be restarting.
OUTAGE_TIMEOUT: float = 20.0
#: Seconds between two such attempts.
_PAUSE: Final = 0.2
#: JetStream's error codes of a server that cannot answer yet; 0 if no server answered for JetStream.
_NOT_YET: Final = frozenset({0, 10008})
#: Reads at a time when entries are listed.
_CONCURRENCY: Final = 64
#: Writes of a key that does not exist but whose last message the server removes at that moment.
_ATTEMPTS: Final = 5


class BucketBackend:
    """State in a bucket.

    Revisions are those of the bucket, so the server compares and sets. The server removes an expired entry, to the
    second; the reader's clock decides within that second. The mark of a deleted entry is removed after a second.

    A request that nobody answers is repeated. A write that was made without an answer is recognized by its id.

    Args:
        connect: Returns the connection; called before each use.
        name: The name of the bucket, which a relay has created.
    """

    def __init__(self, connect: Callable[[], Awaitable[Client]], name: str) -> None:
        self.shared = True
        self._connect = connect
        self._name = name

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return (await self._read(await self._open(), key))[0]

    async def put(self, key: str, value: bytes, revision: int | None, ttl: float | None = None) -> int | None:
        """Store a value if the key is at ``revision``."""
        client = await self._open()
        if revision != 0:
            return await self._write(client, key, _pack(value, ttl), revision, ttl)
        for _ in range(_ATTEMPTS):
            entry, last = await self._read(client, key)
            if entry is not None:
                return None
            stored = await self._write(client, key, _pack(value, ttl), last, ttl)
            if stored is not None:
                return stored
        return None

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key if it is at ``revision``."""
        client = await self._open()
        while True:
            entry, last = await self._read(client, key)
            if entry is None or (revision is not None and revision != last):
                return False
            if await self._write(client, key, None, last, 1.0) is not None:
                return True

    async def entries(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries below a prefix."""
        client = await self._open()
        limit = asyncio.Semaphore(_CONCURRENCY)
        root = f"$KV.{self._name}."

        async def read(subject: str) -> tuple[str, Entry | None]:
            async with limit:
                key = subject.removeprefix(root)
                return key, (await self._read(client, key))[0]

        subjects = await self._subjects(client, f"{root}{prefix}>")
        found = await asyncio.gather(*map(read, subjects))
        return sorted((key, entry) for key, entry in found if entry is not None)

    async def expire(self) -> int:
        """Return 0: the server removes expired entries."""
        return 0

    async def close(self) -> None:
        """Do nothing: the connection belongs to the caller."""

    # ---- requests

    async def _open(self) -> Client:
        try:
            return await self._connect()
        except MezonError as error:
            raise self._failure(error) from error

    async def _last(self, client: Client, key: str) -> tuple[int, str, bytes]:
        """Return the number, the headers and the body of the last message of a key; 0 for none."""
        request = {"last_by_subj": f"$KV.{self._name}.{key}"}
        try:
            message = (await self._ask(client, f"STREAM.MSG.GET.KV_{self._name}", request))["message"]
        except MezonError as error:
            # A missing bucket has another code: its records would otherwise seem to be empty.
            if isinstance(error, BrokerError) and error.code == _NO_MESSAGE:
                return 0, "", b""
            raise self._failure(error) from error
        headers = base64.b64decode(message.get("hdrs", "")).decode()
        return int(message["seq"]), headers, base64.b64decode(message.get("data", ""))

    async def _read(self, client: Client, key: str) -> tuple[Entry | None, int]:
        """Return the entry of a key and the number of its last message, which may be a mark or expired."""
        last, headers, body = await self._last(client, key)
        if not last or _OPERATION in headers:
            return None, last
        try:
            entry = _unpack(body, last)
        except ValueError as error:
            raise self._failure(error) from error
        return (None if is_expired(entry) else entry), last

    async def _write(
        self, client: Client, key: str, body: bytes | None, last: int | None, ttl: float | None
    ) -> int | None:
        """Publish a value, or the mark of a deleted one; None if the last message of the key is not ``last``."""
        mark = secrets.token_hex(12)
        headers = {_ID: mark}
        if body is None:
            headers[_OPERATION] = "DEL"
        if last is not None:
            headers[_EXPECTED] = str(last)
        if ttl is not None:
            headers[_TTL] = f"{max(1, math.ceil(ttl))}s"

        attempts = 0

        async def publish() -> dict[str, Any]:
            nonlocal attempts
            attempts += 1
            subject = f"$KV.{self._name}.{key}"
            try:
                answer = await client.request(subject, body or b"", timeout=_TIMEOUT, headers=headers)
            except NoRespondersError:
                raise BrokerError("there is no such bucket; a relay creates it when it starts") from None
            except MaxPayloadError:
                raise
            except (NatsError, TimeoutError) as error:
                raise MezonConnectionError(f"NATS does not answer ({type(error).__name__})") from None
            receipt: dict[str, Any] = json.loads(answer.data)
            return receipt

        try:
            receipt = await _repeat(client, publish)
        except (MezonError, MaxPayloadError, ValueError) as error:
            raise self._failure(error) from error
        refusal = receipt.get("error")
        if refusal is None:
            return int(receipt["seq"])
        if refusal.get("err_code") in _WRONG_REVISION:
            # The revision of a repeated write may be wrong because an earlier attempt was made.
            number, stored, _ = await self._last(client, key) if attempts > 1 else (0, "", b"")
            return number if f"{_ID}: {mark}" in stored else None
        raise self._failure(BrokerError(str(refusal.get("description", refusal))))

    async def _subjects(self, client: Client, pattern: str) -> list[str]:
        """Return the subjects that have a message; the server returns up to 100,000 at a time."""
        found: list[str] = []
        while True:
            request = {"subjects_filter": pattern, "offset": len(found)}
            try:
                info = await self._ask(client, f"STREAM.INFO.KV_{self._name}", request)
            except MezonError as error:
                raise self._failure(error) from error
            page = info["state"].get("subjects") or {}
            found += page
            if not page or len(found) >= int(info.get("total", 0)):
                return found

    async def _ask(self, client: Client, subject: str, request: dict[str, Any]) -> dict[str, Any]:
        found = await _repeat(client, lambda: jetstream_api(client, subject, request))
        assert found is not None
        return found

    def _failure(self, error: Exception) -> StateError:
        return StateError(
            f"the state bucket {self._name} cannot be used: {error_text(error)}; check the broker and the permissions"
        )


async def _repeat(client: Client, ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Return the answer to a request, which is repeated while nobody answers and the connection is not closed."""
    end = time.monotonic() + OUTAGE_TIMEOUT
    while True:
        try:
            return await in_own_task(ask())
        except (MezonConnectionError, BrokerError) as error:
            refused = isinstance(error, BrokerError) and error.code not in _NOT_YET
            if refused or client.is_closed or time.monotonic() >= end:
                raise
        await asyncio.sleep(_PAUSE)


def _pack(value: bytes, ttl: float | None) -> bytes:
    """Return the stored bytes: a line with the expiry, then the value."""
    return json.dumps(expiry(ttl)).encode() + b"\n" + value


def _unpack(body: bytes, revision: int) -> Entry:
    head, _, value = body.partition(b"\n")
    expires = json.loads(head)
    return Entry(value, revision, None if expires is None else float(expires))
