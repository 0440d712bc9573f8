"""State in Redis: ``pip install "mezon-rs[redis]"``."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any, Final

from mezon.ext._state_backends import Entry, StateError, in_own_task

#: Prefix of every key; the keys below it start with the id of the bot.
_PREFIX: Final = "mezon-state:"
#: Keys read by one command of a listing.
_PAGE: Final = 500

# Each key is a hash of the value "v" and the revision "r". One counter for all keys: the revision of a key that is
# deleted and created again must be a new one.
_PUT: Final = """
local current = redis.call('HGET', KEYS[1], 'r') or '0'
if ARGV[2] ~= '' and ARGV[2] ~= current then return 0 end
local revision = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'r', revision)
if ARGV[3] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return revision
"""
_DELETE: Final = """
if ARGV[1] ~= '' and ARGV[1] ~= redis.call('HGET', KEYS[1], 'r') then return 0 end
return redis.call('DEL', KEYS[1])
"""


class RedisBackend:
    """State in Redis, which processes on several machines may share. Configure Redis to persist (AOF) yourself.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``. A password in it is never logged.
    """

    def __init__(self, url: str) -> None:
        if find_spec("redis") is None:
            raise ImportError('state in Redis needs redis: pip install "mezon-rs[redis]"')
        self.shared = True
        self._url = url
        self._client: Any = None

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return (await self._entries([key]))[0]

    async def put(self, key: str, value: bytes, revision: int | None, ttl: float | None = None) -> int | None:
        """Store a value if the key is at ``revision``."""
        wanted = "" if revision is None else str(revision)
        milliseconds = "" if ttl is None else str(max(1, round(ttl * 1000)))
        keys = (_PREFIX + key, _PREFIX + "revision")
        return await self._call("eval", _PUT, 2, *keys, value, wanted, milliseconds) or None

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key if it is at ``revision``."""
        wanted = "" if revision is None else str(revision)
        return bool(await self._call("eval", _DELETE, 1, _PREFIX + key, wanted))

    async def entries(self, prefix: str) -> list[tuple[str, Entry]]:
        """Return the entries below a prefix."""
        names, cursor = set[str](), 0
        while True:
            cursor, page = await self._call("scan", cursor, match=f"{_PREFIX}{prefix}*", count=_PAGE)
            names.update(name.decode().removeprefix(_PREFIX) for name in page)
            if not cursor:
                break
        ordered = sorted(names - {"revision"})
        found: list[tuple[str, Entry]] = []
        for start in range(0, len(ordered), _PAGE):
            some = ordered[start : start + _PAGE]
            entries = await self._entries(some)
            found += [(key, entry) for key, entry in zip(some, entries, strict=True) if entry is not None]
        return found

    async def expire(self) -> int:
        """Remove nothing: Redis removes expired entries by itself."""
        return 0

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _entries(self, keys: list[str]) -> list[Entry | None]:
        """Read keys in one round trip."""
        from redis.exceptions import RedisError

        pipe = self._connection().pipeline(transaction=False)
        for key in keys:
            pipe.hmget(_PREFIX + key, "v", "r")
            pipe.pttl(_PREFIX + key)
        try:
            answers = await in_own_task(pipe.execute())
        except (RedisError, OSError) as error:
            raise _failure(error) from error
        entries: list[Entry | None] = []
        for (value, revision), left in zip(answers[::2], answers[1::2], strict=True):
            expires = time.time() + left / 1000 if left >= 0 else None
            entries.append(None if revision is None else Entry(value, int(revision), expires))
        return entries

    async def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        from redis.exceptions import RedisError

        try:
            return await in_own_task(getattr(self._connection(), name)(*arguments, **options))
        except (RedisError, OSError) as error:
            raise _failure(error) from error

    def _connection(self) -> Any:
        if self._client is None:
            import redis.asyncio

            self._client = redis.asyncio.from_url(self._url)
        return self._client


def _failure(error: Exception) -> StateError:
    return StateError(f"Redis cannot be used for state: {error}; check the URL and the server")
