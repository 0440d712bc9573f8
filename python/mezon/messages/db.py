"""The message cache: recent messages in memory, all of them in a SQLite file."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mezon import _core
from mezon.errors import InvalidArgumentError, MessageStoreError
from mezon.messages import _exit, _fork
from mezon.messages._lanes import CLOSE, FETCH, SCAN, lanes_of
from mezon.messages._row import content_text, json_text, row_of
from mezon.utils.bounds import check_count, check_number
from mezon.utils.ids import required_id
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from mezon.messages._lanes import Lanes
    from mezon.messages._sql import Database
    from mezon.models import ChannelMessage

_Answer = TypeVar("_Answer")

#: How the kinds of trouble are logged that are no warnings.
_LEVELS: Final = {"recovered": logging.INFO, "lost": logging.ERROR}

logger: Final = get_logger("mezon.store")

DEFAULT_PATH = "./mezon-cache/mezon-messages-cache.db"

#: How much trouble is remembered while there is no loop to tell it on.
_UNTOLD: Final = 8

#: More of anything than a file or a machine holds.
_MOST: Final = 2**48

#: Seconds ``close`` waits for a file that another process has locked, or a disk that does not answer.
_CLOSE_TIMEOUT = 10.0


class MessageDB:
    """Messages by channel and id, in a file that mezon-sdk can read and write too.

    Nothing is opened or made before the first message is stored: then the file with mode 0600, and its folder
    with mode 0700 if it is missing. ``:memory:`` keeps everything in the process. No method blocks the loop.
    A file that cannot be written costs a warning, not the bot: the store goes on from memory and tries again.
    Stores of one process on one file, with the same bounds, share what stands behind them: the writer, the messages in
    memory with their bounds, and the counts.

    ```python
    from mezon import MessageDB, MezonClient

    store = MessageDB("data/messages.db", max_messages=100_000)
    client = MezonClient(bot_id, key, message_db=store)
    ```

    Args:
        db_path: The file.
        max_messages: About how many messages the file holds; those stored first go first. None: no bound.
        max_age: Messages created longer ago than this many seconds are removed. None: no bound.
        memory_messages_per_channel: How many messages of a channel are kept in memory as well; 0 for none.
        memory_channels: Of how many channels, the ones used last.
        memory_bytes: How many bytes all that may take.
        flush_on_sigterm: Flush when SIGTERM ends the process and nothing else handles it.
        on_error: Called with a ``MessageStoreError`` when the file cannot be written, was broken or taken away:
            on the event loop, once there is one. It may be a coroutine function. The attribute of this name may be
            set later.

    Raises:
        InvalidArgumentError: If a bound is below zero, not finite or of the wrong type.
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
        check_count("max_messages", max_messages, 1_000_000, optional=True, most=_MOST)
        check_number("max_age", max_age, 2_592_000, optional=True)
        for name in ("memory_messages_per_channel", "memory_channels", "memory_bytes"):
            check_count(name, self._bounds[name], 1_000, most=_MOST)
        if on_error is not None and not callable(on_error):
            raise InvalidArgumentError(f"on_error is a function of one argument, or None, not {on_error!r}")
        self._flush_on_sigterm = flush_on_sigterm
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lanes: Lanes | None = None
        #: Trouble nobody could be told of yet, for there was no loop.
        self._untold: deque[MessageStoreError] = deque(maxlen=_UNTOLD)
        self._telling: set[asyncio.Future[Any]] = set()
        self._core = self._make_core()
        self._process = os.getpid()
        self._armed = False
        self._inherited: list[_core.Store] = []
        self._sql: Database | None = None

    def _make_core(self) -> _core.Store:
        myself = weakref.ref(self)  # the core must not keep its owner alive

        def on_trouble(kind: str, text: str) -> None:
            if (owner := myself()) is not None:
                owner._tell(kind, text)
            else:  # the last words of a store that was dropped without a close
                _log(kind, text)

        bounds: dict[str, Any] = self._bounds
        return _core.Store(self.db_path, on_trouble=on_trouble, **bounds)

    @property
    def core(self) -> _core.Store:
        """The store itself, for the gateway that feeds it."""
        if self._process != os.getpid():
            # After a fork: the parent's writer is not here, and its connection must not even be closed.
            self._inherited.append(self._core)
            self._core = self._make_core()
            self._process = os.getpid()
            self._lanes = None
            self._armed = False
        if not self._armed:
            self._armed = True
            _exit.arm(sigterm=self._flush_on_sigterm)
            _fork.arm()
        return self._core

    @property
    def db(self) -> Database:
        """The file, for SQL of one's own, in the way of aiosqlite: ``await message_db.db.execute(...)``.

        The table is ``messages``, as mezon-sdk has it. What was stored before is there; a store in memory has no file.
        """
        if self._sql is None:
            from mezon.messages._sql import Database

            self._sql = Database(lambda: self.core, self.db_path, self._ready_for_sql)
        return self._sql

    def _ready_for_sql(self) -> None:
        """Commit what waits; the file and its table are there after it. It blocks."""
        core = self.core
        if not os.path.exists(self.db_path):
            core.delete(0, 0)
        core.flush(_CLOSE_TIMEOUT)

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop ``on_error`` is called on. Every method does so with the running one."""
        self._loop = loop
        while self._untold:
            loop.call_soon_threadsafe(self._report, self._untold.popleft())

    async def _wait(self, lane: str, call: Callable[..., _Answer], *args: Any) -> _Answer:
        """Run a call that may wait in a thread of its lane: a fetch waits for no search."""
        if self._lanes is None:
            self._lanes = lanes_of(self.db_path)
        loop = asyncio.get_running_loop()
        self.attach_loop(loop)
        return await loop.run_in_executor(self._lanes.executor(lane), call, *args)

    def accept(self, body: bytes) -> None:
        """Store an encoded ``mezon.api.ChannelMessage``, as it came from the server. Does not wait."""
        self.core.accept(body)

    def came(self, channel_id: int, message_id: int) -> bool:
        """Say whether the server's own copy of a message is here already. Look into memory only, and do not wait."""
        return self.core.peek(channel_id, message_id) is not None

    async def save_message(self, message: ChannelMessage | Mapping[str, Any]) -> None:
        """Store a message, or replace the one with its channel and id.

        Reads see it at once; it is committed within some twenty milliseconds.

        Args:
            message: A ``ChannelMessage``, or what its ``to_db_dict`` gives.

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
        """Change a message as an edit does: content, mentions and attachments; the rest stays.

        Raises:
            InvalidArgumentError: If an id is no number.
        """
        self.core.update(
            required_id("channel_id", channel_id),
            required_id("message_id", message_id),
            content_text(content),
            json_text(mentions or []),
            json_text(attachments or []),
        )

    async def get_message_by_id(self, message_id: int | str, channel_id: int | str) -> ChannelMessage | None:
        """Give the message, or None.

        From memory with every field; from the file with those mezon-sdk's table has (ids, content, mentions,
        attachments, reactions, references, topic and time).

        Raises:
            InvalidArgumentError: If an id is no number.
        """
        channel, message = required_id("channel_id", channel_id), required_id("message_id", message_id)
        core = self.core
        found = core.peek(channel, message)
        if found is None:
            found = await self._wait(FETCH, core.get, channel, message)
        return None if found is None else model_of(found)

    async def get_messages_by_channel(
        self, channel_id: int | str, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Give a channel's messages as dicts, newest first. Ids are strings, as the file has them.

        Args:
            channel_id: The channel.
            limit: How many at most; below zero for all.
            offset: How many of the newest to leave out.

        Raises:
            InvalidArgumentError: If the channel id is no number.
        """
        channel = required_id("channel_id", channel_id)
        return await self._wait(SCAN, self.core.list, channel, _number(limit), max(offset, 0))

    async def search_messages(
        self, text: str, channel_id: int | str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Give messages with every word of `text`, newest first, as ``get_messages_by_channel`` gives them.

        The last word may be the beginning of one. Case and diacritics do not matter: ``duong`` finds
        ``Đường``.
        The first search reads every message of the file once in slices, so that nothing
        waits for it; for a million that is some seconds on a quiet machine, and the search waits as long.

        Raises:
            InvalidArgumentError: If the channel id is no number.
        """
        channel = None if channel_id is None else required_id("channel_id", channel_id)
        return await self._wait(SCAN, self.core.search, text, channel, _number(limit))

    async def delete_message(self, message_id: int | str, channel_id: int | str) -> bool:
        """Remove a message; True if there was one.

        Raises:
            InvalidArgumentError: If an id is no number.
        """
        channel, message = required_id("channel_id", channel_id), required_id("message_id", message_id)
        return await self._wait(FETCH, self.core.delete, channel, message)

    async def clear_channel_messages(self, channel_id: int | str) -> int:
        """Remove a channel's messages and return their number.

        Raises:
            InvalidArgumentError: If the channel id is no number.
        """
        return await self._wait(SCAN, self.core.clear, required_id("channel_id", channel_id))

    async def get_message_count(self, channel_id: int | str | None = None) -> int:
        """Count the number of messages stored, of a channel or of all.

        Raises:
            InvalidArgumentError: If the channel id is no number.
        """
        channel = required_id("channel_id", channel_id) if channel_id else None
        return await self._wait(SCAN, self.core.count, channel)

    async def flush(self, timeout: float = _CLOSE_TIMEOUT) -> bool:
        """Wait until all that was stored is committed; False if it is not within `timeout` seconds."""
        return await self._wait(CLOSE, self.core.flush, timeout)

    async def close(self) -> None:
        """Commit what is left, and close the file unless others have it open. Using the store again opens it again.

        Waits up to 10 seconds for a file that another process has locked. Messages that the file has not taken by then
        are dropped: an error in the log and on ``on_error`` says how many, and names the file.
        """
        if self._process != os.getpid():
            return
        if self._sql is not None:
            await self._sql.close()
        await self._wait(CLOSE, self._core.close, _CLOSE_TIMEOUT)
        self._lanes = None

    def stats(self) -> dict[str, Any]:
        """Give the counts since the store was made, of all who share it; ``longest_commit`` in seconds."""
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

    def _tell(self, kind: str, text: str) -> None:
        """Tell the loop. Called by the writer's thread."""
        _log(kind, text)
        if kind == "recovered":
            return
        loop, error = self._loop, MessageStoreError(text)
        if loop is None or loop.is_closed():
            # Told when there is one: a bot's own code runs on no thread of ours.
            self._untold.append(error)
            return
        try:
            loop.call_soon_threadsafe(self._report, error)
        except RuntimeError:  # closed this very moment
            self._untold.append(error)

    def _report(self, error: Exception) -> None:
        """Tell the bot, on the loop."""
        if self.on_error is None:
            return
        try:
            outcome = self.on_error(error)
        except Exception:
            logger.exception("on_error itself failed")
            return
        if inspect.isawaitable(outcome):
            task = asyncio.ensure_future(outcome)
            self._telling.add(task)
            task.add_done_callback(self._told)

    def _told(self, task: asyncio.Future[Any]) -> None:
        self._telling.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("on_error itself failed", exc_info=error)


def search_file(
    path: str | os.PathLike[str], text: str, channel_id: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Search the file of a store as ``MessageDB.search_messages`` does, and change nothing.

    No store of this process may have the file open. Where the file has no index, its rows are read, which takes some
    seconds for a million. The columns of the rows are text, by their names in the table.

    Raises:
        sqlite3.Error: If the file cannot be read as a message store.
    """
    return _core.search_file(path, text, channel_id, limit)


def _log(kind: str, text: str) -> None:
    logger.log(_LEVELS.get(kind, logging.WARNING), text)


def _number(limit: int) -> int:
    return limit if limit >= 0 else 2**31 - 1


def model_of(found: bytes | dict[str, Any]) -> ChannelMessage:
    """Give a message as the core gives it: a payload, or a row."""
    from mezon.models import ChannelMessage

    if isinstance(found, bytes):
        from mezon._gateway.codec import model_plan

        message: ChannelMessage = model_plan(ChannelMessage, "mezon.api.ChannelMessage").decode(found)
        return message
    # Rows saved from a dict may lack what a model must have.
    return ChannelMessage.from_db_dict(
        {**found, **{key: found[key] or 0 for key in ("clan_id", "sender_id")}}
    )
