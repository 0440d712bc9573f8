"""The message cache: recent messages in memory, all messages in a SQLite file."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mezon import models
from mezon._core import Store
from mezon._core import search_file as search_file_of_core
from mezon.errors import InvalidArgumentError, MessageStoreError
from mezon.messages._process import close_before_fork, flush_at_exit
from mezon.messages._row import content_text, json_text, row_of
from mezon.utils.background import BackgroundTasks
from mezon.utils.bounds import check_count, check_number
from mezon.utils.ids import required_id
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from concurrent.futures import ThreadPoolExecutor
    from types import TracebackType

    from mezon.messages._sql import Database
    from mezon.models import ChannelMessage

_Answer = TypeVar("_Answer")

#: The log levels of problems that are not warnings.
_LEVELS: Final = {"recovered": logging.INFO, "lost": logging.ERROR}

logger: Final = get_logger("mezon.store")

DEFAULT_PATH = "./mezon-cache/mezon-messages-cache.db"

#: The number of errors kept while there is no event loop to report them on.
_MAX_UNREPORTED: Final = 8

#: The upper bound of counts, above what a file or a machine can hold.
_MAX_COUNT: Final = 2**48

#: The timeout of ``close`` in seconds, for a file that another process has locked or a disk that does not respond.
_CLOSE_TIMEOUT = 10.0


class MessageDB:
    """Messages by channel and id, in a file that mezon-sdk can read and write too.

    The first stored message creates the file with mode 0600, and its folder with mode 0700 if it is missing.
    ``:memory:`` keeps all messages in the process. No method blocks the event loop. If the file cannot be written, a
    warning is logged, the store continues in memory, and writing is retried. Stores of one process with the same file
    and limits share the writer, the messages in memory, and the counters.

    ```python
    from mezon import MessageDB, MezonClient

    store = MessageDB("data/messages.db", max_messages=100_000)
    client = MezonClient(bot_id, key, message_db=store)
    ```

    Args:
        db_path: The file.
        max_messages: The approximate maximum number of messages in the file; the first stored are removed first. None
            for no limit.
        max_age: The maximum age of messages in seconds; older ones are removed. None for no limit.
        memory_messages_per_channel: The number of messages of a channel kept in memory as well; 0 for none.
        memory_channels: The number of channels kept in memory, the most recently used ones.
        memory_bytes: The maximum size of the messages in memory.
        flush_on_sigterm: Whether to flush when SIGTERM ends the process, if no other code handles SIGTERM.
        on_error: A function or coroutine function that is called on the event loop with a ``MessageStoreError`` if the
            file cannot be written, is corrupt or was moved. The attribute can be set later.

    Raises:
        InvalidArgumentError: If a limit is negative, not finite or of the wrong type.
    """

    def __init__(
        self,
        db_path: str | os.PathLike[str] = DEFAULT_PATH,
        *,
        max_messages: int | None = 1_000_000,
        max_age: float | None = None,
        memory_messages_per_channel: int = 200,
        memory_channels: int = 1_000,
        memory_bytes: int = 16 * 1024 * 1024,
        flush_on_sigterm: bool = True,
        on_error: Callable[[Exception], object] | None = None,
    ) -> None:
        self.db_path: str = os.fspath(db_path)
        self.on_error = on_error
        self._bounds = {
            "max_messages": max_messages,
            "max_age": max_age,
            "memory_messages_per_channel": memory_messages_per_channel,
            "memory_channels": memory_channels,
            "memory_bytes": memory_bytes,
        }
        check_count("max_messages", max_messages, 1_000_000, optional=True, most=_MAX_COUNT)
        check_number("max_age", max_age, 2_592_000, optional=True)
        for name in ("memory_messages_per_channel", "memory_channels", "memory_bytes"):
            check_count(name, self._bounds[name], 1_000, most=_MAX_COUNT)
        if on_error is not None and not callable(on_error):
            raise InvalidArgumentError(f"on_error is a function of one argument, or None, not {on_error!r}")
        self._flush_on_sigterm = flush_on_sigterm
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: StoreThreads | None = None
        #: Errors to report once there is an event loop.
        self._unreported: deque[MessageStoreError] = deque(maxlen=_MAX_UNREPORTED)
        self._background = BackgroundTasks(logger, level=logging.ERROR)
        self._core = self._make_core()
        self._process = os.getpid()
        self._registered = False
        self._inherited: list[Store] = []
        self._sql: Database | None = None

    def _make_core(self) -> Store:
        reference = weakref.ref(self)  # the core must not keep its owner alive

        def on_trouble(kind: str, text: str) -> None:
            if (owner := reference()) is not None:
                owner._on_trouble(kind, text)
            else:  # a store that was dropped without a close
                _log(kind, text)

        bounds: dict[str, Any] = self._bounds
        return Store(self.db_path, on_trouble=on_trouble, **bounds)

    @property
    def core(self) -> Store:
        """The core's store, to which the connection saves received messages."""
        if self._process != os.getpid():
            # After a fork, the writer does not exist in the child, and its connection must not even be closed.
            self._inherited.append(self._core)
            self._core = self._make_core()
            self._process = os.getpid()
            self._threads = None
            self._registered = False
        if not self._registered:
            self._registered = True
            flush_at_exit(sigterm=self._flush_on_sigterm)
            close_before_fork()
        return self._core

    @property
    def db(self) -> Database:
        """A connection for custom SQL, with the interface of aiosqlite: ``await message_db.db.execute(...)``.

        The table is ``messages``, with the columns of mezon-sdk. A statement sees all messages that were stored before
        it. A store in memory has no file.
        """
        if self._sql is None:
            from mezon.messages._sql import Database

            self._sql = Database(lambda: self.core, self.db_path, self._ready_for_sql)
        return self._sql

    def _ready_for_sql(self) -> None:
        """Create the file and its table if they are missing, and commit pending messages. Blocks."""
        self.core.create(_CLOSE_TIMEOUT)

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the loop on which ``on_error`` is called. Each coroutine method sets the running loop."""
        self._loop = loop
        while self._unreported:
            loop.call_soon_threadsafe(self._report, self._unreported.popleft())

    async def _run(self, lane: str, call: Callable[..., _Answer], *args: Any) -> _Answer:
        """Run a blocking call in a thread of its lane."""
        if self._threads is None:
            self._threads = threads_of(self.db_path)
        loop = asyncio.get_running_loop()
        self.attach_loop(loop)
        return await loop.run_in_executor(self._threads.executor(lane), call, *args)

    def accept(self, body: bytes) -> None:
        """Store an encoded ``mezon.api.ChannelMessage`` as received from the server. Does not block."""
        self.core.accept(body)

    def came(self, channel_id: int, message_id: int) -> bool:
        """Return whether a message was already received from the server. Checks the memory only, and does not block."""
        return self.core.peek(channel_id, message_id) is not None

    async def save_message(self, message: ChannelMessage | Mapping[str, Any]) -> None:
        """Store a message, or replace the one with its channel and id.

        It is readable immediately, and committed within about 20 ms.

        Args:
            message: A ``ChannelMessage``, or the result of its ``to_db_dict``.

        Raises:
            InvalidArgumentError: If it has no message or channel id.
        """
        self.attach_loop(asyncio.get_running_loop())
        self.core.save_row(*row_of(message))

    async def update_message(
        self,
        message_id: int | str,
        channel_id: int | str,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
    ) -> None:
        """Update the content, mentions and attachments of a message.

        Raises:
            InvalidArgumentError: If an id is not a number.
        """
        self.core.update(
            required_id("channel_id", channel_id),
            required_id("message_id", message_id),
            content_text(content),
            json_text(mentions or []),
            json_text(attachments or []),
        )

    async def get_message_by_id(self, message_id: int | str, channel_id: int | str) -> ChannelMessage | None:
        """Return a message, or None.

        A message from memory has all fields. A message from the file has the columns of mezon-sdk's table: ids,
        content, mentions, attachments, reactions, references, topic and time.

        Raises:
            InvalidArgumentError: If an id is not a number.
        """
        channel, message = required_id("channel_id", channel_id), required_id("message_id", message_id)
        core = self.core
        found = core.peek(channel, message)
        if found is None:
            found = await self._run(FETCH, core.get, channel, message)
        return None if found is None else model_of(found)

    async def get_messages_by_channel(
        self, channel_id: int | str, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Return the messages of a channel as dicts, newest first. Ids are strings, as in the file.

        Args:
            channel_id: The channel.
            limit: The maximum number; negative for all.
            offset: The number of newest messages to skip.

        Raises:
            InvalidArgumentError: If the channel id is not a number.
        """
        channel = required_id("channel_id", channel_id)
        return await self._run(SCAN, self.core.list, channel, _number(limit), max(offset, 0))

    async def search_messages(
        self, text: str, channel_id: int | str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Return the messages that contain every word of ``text``, newest first, see ``get_messages_by_channel``.

        The last word may be a prefix. Case and diacritics are ignored: ``duong`` finds ``Đường``. The first search
        indexes all messages of the file, in slices that do not block other calls. For a million messages, the search
        waits some seconds for that.

        Raises:
            InvalidArgumentError: If the channel id is not a number.
        """
        channel = None if channel_id is None else required_id("channel_id", channel_id)
        return await self._run(SCAN, self.core.search, text, channel, _number(limit))

    async def delete_message(self, message_id: int | str, channel_id: int | str) -> bool:
        """Remove a message. Return whether it existed.

        Raises:
            InvalidArgumentError: If an id is not a number.
        """
        channel, message = required_id("channel_id", channel_id), required_id("message_id", message_id)
        return await self._run(FETCH, self.core.delete, channel, message)

    async def clear_channel_messages(self, channel_id: int | str) -> int:
        """Remove the messages of a channel. Return their number.

        Raises:
            InvalidArgumentError: If the channel id is not a number.
        """
        return await self._run(SCAN, self.core.clear, required_id("channel_id", channel_id))

    async def get_message_count(self, channel_id: int | str | None = None) -> int:
        """Return the number of stored messages, of a channel or in total.

        Raises:
            InvalidArgumentError: If the channel id is not a number.
        """
        channel = required_id("channel_id", channel_id) if channel_id else None
        return await self._run(SCAN, self.core.count, channel)

    async def flush(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Commit all stored messages. Return False if that takes longer than ``timeout`` seconds."""
        return await self._run(CLOSE, self.core.flush, timeout)

    async def close(self) -> None:
        """Commit pending messages, and close the file unless another store uses it. The next call opens it again.

        Waits up to 10 seconds for a file that another process has locked. Messages that were not written by then are
        dropped; their number and the file are logged as an error and reported to ``on_error``.
        """
        if self._process != os.getpid():
            return
        if self._sql is not None:
            await self._sql.close()
        await self._run(CLOSE, self._core.close, _CLOSE_TIMEOUT)
        self._threads = None

    def stats(self) -> dict[str, Any]:
        """Return the counters since the store was created, shared by all its users; ``longest_commit`` in seconds."""
        return self._core.stats()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def _on_trouble(self, kind: str, text: str) -> None:
        """Log a problem, and report it on the event loop. Called by the thread of the writer."""
        _log(kind, text)
        if kind == "recovered":
            return
        loop, error = self._loop, MessageStoreError(text)
        if loop is None or loop.is_closed():
            # Reported once there is a loop: code of the bot must not run in the thread of the writer.
            self._unreported.append(error)
            return
        try:
            loop.call_soon_threadsafe(self._report, error)
        except RuntimeError:  # closed in the meantime
            self._unreported.append(error)

    def _report(self, error: Exception) -> None:
        """Call ``on_error`` on the event loop."""
        if self.on_error is None:
            return
        try:
            outcome = self.on_error(error)
        except Exception:
            logger.exception("on_error failed")
            return
        if inspect.isawaitable(outcome):
            self._background.spawn(_await(outcome), "on_error")


async def _await(outcome: Awaitable[object]) -> None:
    await outcome


#: The lanes of blocking calls: reads of one row do not wait for scans, and a close waits for neither.
FETCH: Final = "fetch"
SCAN: Final = "scan"
CLOSE: Final = "close"


class StoreThreads:
    """The threads for blocking calls of the stores of one file. Idle threads end with the last reference."""

    def __init__(self) -> None:
        self._executors: dict[str, ThreadPoolExecutor] = {}

    def executor(self, lane: str) -> ThreadPoolExecutor:
        """Return the threads of a lane, created on first use."""
        executor = self._executors.get(lane)
        if executor is None:
            from concurrent.futures import ThreadPoolExecutor

            executor = self._executors[lane] = ThreadPoolExecutor(2, thread_name_prefix=f"mezon-store-{lane}")
        return executor


#: By process and file, because a forked child has no threads of its parent.
_threads: weakref.WeakValueDictionary[tuple[int, str], StoreThreads] = weakref.WeakValueDictionary()


def threads_of(path: str) -> StoreThreads:
    """Return the threads for the file of a store. Stores of one file share them; a store in memory has its own."""
    if path in ("", ":memory:"):
        return StoreThreads()
    key = (os.getpid(), os.path.abspath(path))
    threads = _threads.get(key)
    if threads is None:
        # Concurrent calls may create separate threads, which is correct. A lock could be copied by a fork.
        threads = _threads[key] = StoreThreads()
    return threads


def search_file(
    path: str | os.PathLike[str], text: str, channel_id: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Search the file of a store like ``MessageDB.search_messages``, read-only.

    No store of this process may have the file open. Rows that are not in the index are read, which takes some seconds
    for a million rows. Columns are returned as text, by their names in the table.

    Raises:
        sqlite3.Error: If the file cannot be read as a message store.
    """
    return search_file_of_core(path, text, channel_id, limit)


def _log(kind: str, text: str) -> None:
    logger.log(_LEVELS.get(kind, logging.WARNING), text)


def _number(limit: int) -> int:
    return limit if limit >= 0 else 2**31 - 1


def model_of(found: bytes | dict[str, Any]) -> ChannelMessage:
    """Return the message for a result of the core: a payload, or a row."""
    if isinstance(found, bytes):
        from mezon._gateway.codec import model_plan

        message: ChannelMessage = model_plan(models.ChannelMessage, "mezon.api.ChannelMessage").decode(found)
        return message
    # Rows saved from a dict may have no clan or sender.
    return models.ChannelMessage.from_db_dict(
        {**found, **{key: found[key] or 0 for key in ("clan_id", "sender_id")}}
    )
