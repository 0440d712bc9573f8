"""Durable state: typed records that survive restarts, one for each user, channel, clan or bot.

::

    class Score(State):
        points: int = 0

    @bot.command()
    async def win(ctx: Context) -> None:
        async with ctx.state.edit(Score) as score:
            score.points += 1
        await ctx.reply(f"You have {score.points} points")

A record belongs to a *scope*: ``user_in_clan`` (the default), ``user``, ``channel``, ``clan`` or ``bot``. Records are
kept in a *backend*: a SQLite file by default, the broker's key-value store in a worker of many machines, Redis, or
memory.

- **Atomic.** ``edit`` holds a lease on the record while its block runs, and writes with a compare-and-set on the
  record's revision. No edit of another task, process or machine is lost.
- **Schema.** Records are pydantic models, stored as JSON with the version of the class. A new field gets its default, a
  removed field is ignored, and ``@State.migrate(from_version=1)`` converts older records. A record that does not fit
  raises ``StateFormatError``.
- **Expiry.** ``ttl`` is the number of seconds after the last write at which a record disappears.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Literal, Self, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, ValidationError

from mezon import InvalidArgumentError, MezonClient
from mezon.ext._state_backends import Backend, Entry, MemoryBackend, StateError, encode_fields
from mezon.utils.local_state import state_file_of

__all__ = [
    "Backend",
    "Entry",
    "MemoryBackend",
    "Record",
    "Scope",
    "ScopedState",
    "State",
    "StateConflictError",
    "StateError",
    "StateFormatError",
    "StateStore",
    "set_default_backend",
]

Scope: TypeAlias = Literal["user_in_clan", "user", "channel", "clan", "bot"]

#: The ids in the key of a record, by scope and in this order.
_IDS: Final[dict[str, tuple[str, ...]]] = {
    "user_in_clan": ("clan_id", "user_id"),
    "user": ("user_id",),
    "channel": ("channel_id",),
    "clan": ("clan_id",),
    "bot": (),
}

#: Seconds after which the lease of a process that died no longer blocks a record.
LEASE: Final = 10.0
#: The namespace of leases in the keys of a bot.
_LEASES: Final = "_lease"
#: File next to the default message cache.
DEFAULT_FILE: Final = Path("mezon-cache") / "mezon-state.db"

S = TypeVar("S", bound="State")
Migration: TypeAlias = "Callable[[dict[str, Any]], dict[str, Any]]"


# ---- errors


class StateConflictError(StateError):
    """A record was changed by somebody else and the edit could not be applied."""


class StateFormatError(StateError):
    """A stored record does not fit its class.

    Attributes:
        key: The key of the record.
        version: The version of the class that wrote the record.
    """

    def __init__(self, text: str, key: str, version: int) -> None:
        super().__init__(text)
        self.key = key
        self.version = version


# ---- records


class _Migration:
    """A function marked by ``State.migrate``."""

    def __init__(self, from_version: int, function: Migration) -> None:
        self.from_version = from_version
        self.function = function


class State(BaseModel):
    """Base class of records. Every field needs a default: the first read of a record returns the defaults.

    ```python
    from mezon.ext.state import State

    class Settings(State, scope="clan", version=2):
        language: str = "vi"

        @State.migrate(from_version=1)
        @staticmethod
        def from_lang(data):
            return {"language": data.get("lang", "vi")}
    ```

    Class arguments:
        scope: The scope used when none is given; ``user_in_clan`` by default.
        version: The version of the fields, 1 by default. Increase it when you add a migration.
        name: The name in keys; the name of the class by default. Set it when you rename the class.
    """

    model_config = ConfigDict(extra="ignore", validate_assignment=True, ignored_types=(_Migration,))

    state_scope: ClassVar[Scope] = "user_in_clan"
    state_version: ClassVar[int] = 1
    state_name: ClassVar[str] = ""
    state_migrations: ClassVar[dict[int, Migration]] = {}

    def __init_subclass__(
        cls, *, scope: Scope | None = None, version: int = 1, name: str = "", **kwargs: Any
    ) -> None:
        # The fields are known later: see below. Declared for type checkers, and for BaseModel, which takes no others.
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, scope: Scope | None = None, version: int = 1, name: str = "", **kwargs: Any
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.state_scope = scope or cls.state_scope
        cls.state_version = version
        cls.state_name = name or cls.__name__
        if cls.state_scope not in _IDS:
            raise InvalidArgumentError(
                f"the scope of {cls.__name__} is one of {', '.join(_IDS)}, not {scope!r}"
            )
        if not (cls.state_name.isascii() and cls.state_name.isidentifier()) or cls.state_name.startswith("_"):
            raise InvalidArgumentError(
                f"{cls.state_name!r} cannot be a name in keys: use ASCII letters, digits and _"
            )
        if version < 1:
            raise InvalidArgumentError(f"the version of {cls.__name__} must be >= 1, not {version}")
        required = [field for field, about in cls.model_fields.items() if about.is_required()]
        if required:
            raise InvalidArgumentError(
                f"{cls.__name__}.{required[0]} needs a default: the first read of a record returns the defaults"
            )
        found = {
            migration.from_version: migration.function
            for migration in vars(cls).values()
            if isinstance(migration, _Migration)
        }
        unknown = [number for number in found if not 1 <= number < version]
        if unknown:
            raise InvalidArgumentError(
                f"{cls.__name__} has version={version}, so a migration from version {unknown[0]} is never called"
            )
        cls.state_migrations = found

    @staticmethod
    def migrate(*, from_version: int) -> Callable[[Migration], Any]:
        """Convert the fields of a record written by version ``from_version`` to those of the next version; a decorator.

        The function takes and returns a dict. A version without a migration keeps the fields as they are.
        """

        def decorate(function: Migration) -> Any:
            return _Migration(from_version, function)

        return decorate


@dataclass(frozen=True, slots=True)
class Record(Generic[S]):
    """A stored record with its ids; an id that the scope does not have is 0."""

    key: str
    value: S
    clan_id: int = 0
    channel_id: int = 0
    user_id: int = 0


# ---- backends


_default_backend: Callable[[MezonClient], Backend] | None = None


def set_default_backend(factory: Callable[[MezonClient], Backend] | None) -> None:
    """Set what makes the backend of a bot that names none. ``mezon worker`` sets the broker's key-value store.

    Args:
        factory: Called with the client; None for the SQLite file.
    """
    global _default_backend
    _default_backend = factory


def _make_backend(given: Backend | str | os.PathLike[str] | None, client: MezonClient | None) -> Backend:
    if given is None and _default_backend is not None and client is not None:
        return _default_backend(client)
    if given is None or isinstance(given, str | os.PathLike):
        text = os.fspath(given) if given is not None else ""
        if text == ":memory:":
            return MemoryBackend()
        if text.startswith(("redis://", "rediss://", "unix://")):
            from mezon.ext._state_redis import RedisBackend

            return RedisBackend(text)
        from mezon.ext._state_sqlite import SqliteBackend

        return SqliteBackend(Path(text) if text else _default_file(client))
    return given


def _default_file(client: MezonClient | None) -> Path:
    local = state_file_of(client.login_url) if client is not None else None
    return local if local is not None else DEFAULT_FILE


# ---- access


class StateStore:
    """The records of one bot.

    Args:
        bot_id: The id of the bot: bots may share a backend.
        backend: A backend; a path of a SQLite file; ``":memory:"``; or a URL of Redis. None for the default: in a
            worker of many machines the broker, at a local gateway the file of the gateway, else the file
            ``mezon-cache/mezon-state.db``.
        client: The client, for the default backend.
    """

    def __init__(
        self,
        bot_id: int,
        backend: Backend | str | os.PathLike[str] | None = None,
        *,
        client: MezonClient | None = None,
    ) -> None:
        self.bot_id = bot_id
        self._given = backend
        self._client = client
        self._backend: Backend | None = None
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    def of(cls, client: MezonClient, backend: Backend | str | os.PathLike[str] | None = None) -> Self:
        """Return the records of a client without commands; close them yourself, or use ``async with``."""
        return cls(client.client_id, backend, client=client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    @property
    def backend(self) -> Backend:
        """The backend, which is made when it is first used."""
        if self._backend is None:
            self._backend = _make_backend(self._given, self._client)
        return self._backend

    @property
    def is_shared(self) -> bool:
        """Whether other processes of the bot are expected to use these records.

        The default file does not count: a bot on one machine is one process, and does not pay for claims.
        """
        chosen = self._given is not None or (_default_backend is not None and self._client is not None)
        return chosen and self.backend.shared

    @property
    def address(self) -> str | None:
        """The absolute path or the URL with which another process can open the records; None if none can."""
        given = self._given
        if given is None:
            is_default = _default_backend is None or self._client is None
            return str(_default_file(self._client).absolute()) if is_default else None
        if not isinstance(given, str | os.PathLike) or os.fspath(given) == ":memory:":
            return None
        text = os.fspath(given)
        return text if "://" in text else str(Path(text).absolute())

    def at(self, *, clan_id: int = 0, channel_id: int = 0, user_id: int = 0) -> ScopedState:
        """Return the access to the records of these ids; a context has the same as ``ctx.state``."""
        return ScopedState(self, clan_id=clan_id, channel_id=channel_id, user_id=user_id)

    async def close(self) -> None:
        """Close the backend. A later use opens it again."""
        backend, self._backend = self._backend, None
        if backend is not None:
            await backend.close()

    # ---- raw keys, without the bot's prefix: for tools

    async def keys(self, prefix: str = "") -> list[tuple[str, Entry]]:
        """Return the entries of the bot below a prefix, leases left out."""
        start = f"{self.bot_id}."
        found = await self.backend.entries(start + prefix)
        entries = ((key.removeprefix(start), entry) for key, entry in found)
        return [(key, entry) for key, entry in entries if not key.startswith(f"{_LEASES}.")]

    async def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return await self.backend.get(f"{self.bot_id}.{key}")

    async def put(
        self, key: str, value: bytes, revision: int | None = None, ttl: float | None = None
    ) -> int | None:
        """Store a value; see ``Backend.put``."""
        return await self.backend.put(f"{self.bot_id}.{key}", value, revision, ttl)

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Delete a key; see ``Backend.delete``."""
        return await self.backend.delete(f"{self.bot_id}.{key}", revision)

    @contextlib.asynccontextmanager
    async def lease(self, key: str, *, timeout: float = 30.0) -> AsyncIterator[None]:
        """Hold a key for this task, against the other tasks and processes of the bot.

        Raises:
            StateConflictError: If the key is still held by somebody else after ``timeout`` seconds.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with asyncio.timeout(timeout):
                await lock.acquire()
        except TimeoutError:
            raise _held(key, timeout) from None
        try:
            if not self.backend.shared:
                yield
                return
            name, owner = f"{_LEASES}.{key}", secrets.token_bytes(9)
            held = await self._acquire(name, owner, timeout)
            try:
                yield
            finally:
                await self.delete(name, held)
        finally:
            lock.release()

    async def _acquire(self, name: str, owner: bytes, timeout: float) -> int:
        end, wait = time.monotonic() + timeout, 0.001
        while (revision := await self.put(name, owner, 0, LEASE)) is None:
            if time.monotonic() >= end:
                raise _held(name.removeprefix(f"{_LEASES}."), timeout)
            lease = await self.get(name)
            if lease is not None and lease.expires is not None and lease.expires > time.time() + 2 * LEASE:
                # The wall clock was set back, so the lease of a process that died would last for hours.
                await self.delete(name, lease.revision)
            # A random part, so that waiting processes do not ask in step.
            await asyncio.sleep(wait * (0.5 + random.random()))
            wait = min(wait * 2, 0.05)
        return revision


def _held(key: str, timeout: float) -> StateConflictError:
    return StateConflictError(
        f"the record {key} is being edited elsewhere and was not released within {timeout:g} s; keep the block of "
        "edit() short, and do not wait for users inside it"
    )


class ScopedState:
    """The records of one place: of a user, a channel and a clan. ``ctx.state`` in commands and clicks."""

    def __init__(self, store: StateStore, *, clan_id: int = 0, channel_id: int = 0, user_id: int = 0) -> None:
        self.store = store
        self._ids = {"clan_id": clan_id, "channel_id": channel_id, "user_id": user_id}

    async def __call__(self, kind: type[S], *, scope: Scope | None = None) -> S:
        """Return the record, or one with the defaults if none is stored. Changes to it are not stored: see ``edit``.

        Raises:
            StateFormatError: If the stored record does not fit the class.
            StateError: If it cannot be read.
        """
        key = self._key(kind, scope)
        return _decode(kind, key, await self.store.get(key))

    @contextlib.asynccontextmanager
    async def edit(
        self, kind: type[S], *, scope: Scope | None = None, ttl: float | None = None, timeout: float = 30.0
    ) -> AsyncIterator[S]:
        """Change the record: ``async with ctx.state.edit(Score) as score: score.points += 1``.

        No other edit of the record runs at the same time, in any process of the bot. The record is stored at the end of
        the block; nothing is stored if the block raises. Do not wait for users inside the block.

        Args:
            kind: The class.
            scope: The scope; by default that of the class.
            ttl: Seconds after which the record expires; None for never.
            timeout: Seconds to wait for an edit that is running elsewhere.

        Raises:
            StateConflictError: If another edit does not end in time, or if this block took longer than its lease
                (10 s) and the record was changed meanwhile.
            StateFormatError: If the stored record does not fit the class.
            StateError: If it cannot be read or written.
        """
        key = self._key(kind, scope)
        async with self.store.lease(key, timeout=timeout):
            entry = await self.store.get(key)
            value = _decode(kind, key, entry)
            yield value
            encoded = _encode(value)
            if entry is not None and encoded == entry.value and ttl is None and entry.expires is None:
                return
            revision = entry.revision if entry is not None else 0
            if await self.store.put(key, encoded, revision, ttl) is None:
                raise StateConflictError(
                    f"the record {key} was changed while it was edited: the block of edit() took more than {LEASE:g} s"
                )

    async def delete(self, kind: type[State], *, scope: Scope | None = None) -> bool:
        """Delete the record; return whether there was one."""
        return await self.store.delete(self._key(kind, scope))

    async def all(self, kind: type[S], scope: Scope | None = None) -> list[Record[S]]:
        """Return every record of a scope; for ``user_in_clan`` those of this clan. All of them are read into memory.

        Raises:
            StateFormatError: If a stored record does not fit the class.
            StateError: If they cannot be read.
        """
        used = scope or kind.state_scope
        names = _IDS[used]
        prefix = f"{kind.state_name}.{used}."
        if used == "user_in_clan":
            prefix += f"{self._ids['clan_id']}."
        found = []
        for key, entry in await self.store.keys(prefix):
            ids = dict(zip(names, map(int, key.split(".")[2:]), strict=True))
            found.append(Record(key, _decode(kind, key, entry), **ids))
        return found

    async def top(
        self, kind: type[S], *, by: str | Callable[[S], Any], n: int = 10, scope: Scope | None = None
    ) -> list[Record[S]]:
        """Return the ``n`` records with the greatest value of a field, or of a function; see ``all``."""
        if isinstance(by, str) and by not in kind.model_fields:
            raise InvalidArgumentError(f"{kind.__name__} has no field {by!r}")
        value_of = by if callable(by) else lambda value: getattr(value, by)
        return heapq.nlargest(n, await self.all(kind, scope), key=lambda record: value_of(record.value))

    def _key(self, kind: type[State], scope: Scope | None) -> str:
        used = scope or kind.state_scope
        if used not in _IDS:
            raise InvalidArgumentError(f"the scope is one of {', '.join(_IDS)}, not {scope!r}")
        return ".".join([kind.state_name, used, *(str(self._ids[name]) for name in _IDS[used])])


# ---- the stored form


def _encode(value: State) -> bytes:
    """Return the stored form of a record."""
    return encode_fields(value.state_version, value.model_dump(mode="json"))


def _decode(kind: type[S], key: str, entry: Entry | None) -> S:
    if entry is None:
        return kind()
    version = 0
    try:
        stored = json.loads(entry.value)
        version, data = int(stored["v"]), dict(stored["d"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StateFormatError(f"the record {key} is no stored State ({error})", key, version) from error
    if version > kind.state_version:
        raise StateFormatError(
            f"the record {key} was written by version {version} of {kind.__name__}, and this is version "
            f"{kind.state_version}: run the newer bot, or delete the record",
            key,
            version,
        )
    for number in range(version, kind.state_version):
        migration = kind.state_migrations.get(number)
        data = migration(data) if migration is not None else data
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) or "?" for problem in error.errors())
        raise StateFormatError(
            f"the record {key}, written by version {version} of {kind.__name__}, does not fit its fields ({fields}); "
            f"add a migration: @State.migrate(from_version={version})",
            key,
            version,
        ) from error
