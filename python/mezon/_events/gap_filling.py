"""Gap filling: after a reconnect, dispatch the missed messages first, each once (``fill_gaps=True``).

`GapFiller` watches the channels with recent messages. From the moment a lost connection is joining again, it holds
their messages back. When the connection is ready, `History` fetches the history of each channel, and the missed
messages are dispatched together with the held ones in the order of their ids. If the history of a channel cannot be
fetched, the channel continues without it. Other channels are never delayed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon import structures
from mezon._gateway.codec import MESSAGES, JsonContentMessage, origin_plan
from mezon._http.limiter import Priority
from mezon.constants.enum import Events, TypeMessage
from mezon.errors import MezonError
from mezon.managers._handlers import is_failure
from mezon.messages._custom import as_store
from mezon.messages.history import BEFORE, PAGE
from mezon.models.message import ChannelMessage
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mezon.managers.cache import CacheManager
    from mezon.managers.socket import SocketManager
    from mezon.options import GapOptions
    from mezon.ports import MessageStore
    from mezon.protobuf.api import api_pb2
    from mezon.structures import TextChannel

logger = get_logger("mezon.events")

_MESSAGE: Final = Events.CHANNEL_MESSAGE.value

#: Codes of messages that refer to another message by its id: they are not duplicates of it, and no history has them.
REFERRING_CODES: Final = frozenset(
    {
        int(TypeMessage.CHAT_UPDATE),
        int(TypeMessage.CHAT_REMOVE),
        int(TypeMessage.TYPING),
        int(TypeMessage.EPHEMERAL),
        int(TypeMessage.UPDATE_EPHEMERAL_MSG),
        int(TypeMessage.DELETE_EPHEMERAL_MSG),
    }
)

#: The number of topics of a channel whose history is fetched: those with the most recent messages.
_TOPICS: Final = 4

#: The number of held messages that are dispatched in one iteration of the loop: more than can arrive in it.
_PER_ITERATION: Final = 64


class EventTarget(Protocol):
    """The receiver of events: a dispatcher, or the publisher of a relay."""

    @property
    def full(self) -> bool:
        """Whether no further event can be taken now."""

    async def wait_room(self) -> None:
        """Wait until an event can be taken."""

    def on_event(self, name: str, event: Any, /) -> None:
        """Take an event."""


class GapClient(Protocol):
    """The client whose gaps are filled: a ``MezonClient``, or that of a relay."""

    @property
    def api_client(self) -> Any: ...
    @property
    def message_db(self) -> MessageStore | None: ...
    @property
    def channels(self) -> CacheManager[int, TextChannel]: ...
    @property
    def content_as_json(self) -> bool: ...
    @property
    def socket_manager(self) -> SocketManager: ...


@dataclass(slots=True)
class WatchedChannel:
    """The state of one watched channel.

    Attributes:
        last: The last message that was dispatched; None before the first.
        seen: The ids of the last dispatched messages, oldest first.
        topics: The newest id of each topic, the topic with the latest message last; 0 is the channel itself.
        held: The messages that wait for the history; None if messages are dispatched at once.
        floors: A copy of ``topics`` at the time of the loss: newer messages that were not seen were missed.
        task: The task that fetches the history and releases the held messages.
        releasing: Whether the task is releasing messages.
    """

    last: ChannelMessage | None = None
    seen: dict[int, None] = field(default_factory=dict)
    topics: dict[int, int] = field(default_factory=dict)
    held: list[ChannelMessage] | None = None
    floors: dict[int, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    releasing: bool = False


class GapFiller:
    """Receives the events of a connection and passes them on, with missed messages filled in.

    Args:
        client: The client.
        token: Returns the token of the session.
        dispatcher: The receiver of the events.
        options: The bounds.
        decode: Decodes a message; None to use the client's own model.
        on_error: Called with an error of the store or of decoding after it was logged, and its origin:
            ``message_db`` or the event's name.

    Attributes:
        filled: The number of missed messages that were dispatched.
        duplicates: The number of messages that were received twice and dispatched once.
    """

    def __init__(
        self,
        client: GapClient,
        token: Callable[[], str],
        dispatcher: EventTarget,
        options: GapOptions,
        decode: Callable[[bytes], ChannelMessage] | None = None,
        on_error: Callable[[BaseException, str], None] | None = None,
    ) -> None:
        self._client = client
        self._dispatcher = dispatcher
        self._options = options
        self._on_error = on_error
        self._history = History(client, token, options, decode, self._report)
        #: The watched channels, the one with the latest message last.
        self._channels: dict[int, WatchedChannel] = {}
        self._lost = False
        self._state = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self.filled = 0
        self.duplicates = 0

    def begin(self) -> None:
        """Reset before a new connection is opened."""
        self._channels.clear()
        self._lost, self._state = False, ""

    def known(self) -> dict[int, dict[str, Any]]:
        """Return the state that `restore` needs, in a form that JSON can represent."""
        known = {}
        for channel_id, channel in self._channels.items():
            last = channel.last
            # While the history is being fetched, the gap starts at the loss.
            topics = channel.topics if channel.held is None else channel.floors
            if last is not None and topics:
                live = {"clan_id": last.clan_id, "mode": last.mode, "is_public": bool(last.is_public)}
                known[channel_id] = {"topics": list(topics.items()), **live}
        return known

    def restore(self, known: Mapping[int, Mapping[str, Any]]) -> None:
        """Restore the state of another filler, so that `fill` fetches the messages since then.

        Call it after `begin` and before the connection is opened.
        """
        for channel_id, one in list(known.items())[-self._options.channels :]:
            channel = self._channels[channel_id] = WatchedChannel()
            channel.topics = {int(topic): int(newest) for topic, newest in one["topics"]}
            channel.last = ChannelMessage(
                channel_id=channel_id,
                clan_id=one["clan_id"],
                mode=one["mode"],
                is_public=one["is_public"],
                message_id=max(channel.topics.values()),
                sender_id=0,
            )
        self._lost = bool(self._channels)

    async def stop(self) -> None:
        """Cancel all tasks and drop the held messages."""
        self._channels.clear()
        tasks = {task for task in self._tasks if not task.get_loop().is_closed()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    # ---- receiving events

    def on_event(self, name: str, event: Any) -> None:
        """Receive an event of the connection."""
        if name != _MESSAGE or not isinstance(event, ChannelMessage):
            self._dispatcher.on_event(name, event)
            return
        channel = self._watch(event.channel_id)
        if channel is None:
            self._dispatcher.on_event(name, event)
        elif channel.held is None:
            self._deliver(channel, event)
        else:
            channel.held.append(event)
            if len(channel.held) > self._options.max_waiting and not channel.releasing:
                logger.warning(
                    "Over %d messages of channel %d wait for its history; the channel continues without the missed "
                    "messages",
                    self._options.max_waiting,
                    event.channel_id,
                )
                self._begin(event.channel_id, channel, fetch=False)

    def _watch(self, channel_id: int) -> WatchedChannel | None:
        """Return the channel, moved to the end; None if it cannot be watched because all places are in use."""
        channel = self._channels.pop(channel_id, None)
        if channel is None:
            if len(self._channels) >= self._options.channels and not self._unwatch_oldest():
                return None
            channel = WatchedChannel()
        self._channels[channel_id] = channel
        return channel

    def _unwatch_oldest(self) -> bool:
        for channel_id, channel in self._channels.items():
            if channel.held is None:
                del self._channels[channel_id]
                return True
        return False

    def _deliver(self, channel: WatchedChannel, message: ChannelMessage) -> bool:
        """Dispatch a message unless it is a duplicate. Return whether it was dispatched."""
        if message.code not in REFERRING_CODES and message.message_id:
            number, seen, topics = message.message_id, channel.seen, channel.topics
            if number in seen:
                self.duplicates += 1
                return False
            seen[number] = None
            if len(seen) > self._options.remembered:
                del seen[next(iter(seen))]
            topic = message.topic_id or 0
            topics[topic] = max(number, topics.pop(topic, 0))
            if len(topics) > _TOPICS:
                del topics[next(iter(topics))]
            channel.last = message
        self._dispatcher.on_event(_MESSAGE, message)
        return True

    # ---- states of the connection

    def state_changed(self, state: str) -> None:
        """Follow a transition of the connection. It is reported before any event that is received in the state."""
        self._state = state
        if state == "backoff":
            self._lost = True
            for task in self._tasks:
                task.cancel()
            for channel in self._channels.values():
                channel.releasing = False
        elif state == "joining" and self._lost:
            for channel in self._channels.values():
                if channel.held is None and channel.last is not None:
                    # Events of the old connection may still be in flight: they are held as well, in their order.
                    channel.held, channel.floors = [], dict(channel.topics)
        elif state == "closed":
            # No history can be fetched any more. Dispatch what was received.
            for channel in list(self._channels.values()):
                if channel.held is not None and not channel.releasing:
                    if channel.task is not None:
                        channel.task.cancel()
                    held, channel.held = channel.held, None
                    for message in held:
                        try:
                            self._deliver(channel, message)
                        except Exception as error:
                            self._undelivered(message, error)

    def fill(self) -> None:
        """Fetch the history of the channels whose messages are held, once the connection is ready."""
        if self._state != "ready":
            # The connection dropped again; the next reconnect fills the gap.
            return
        self._lost = False
        for channel_id, channel in reversed(list(self._channels.items())):
            if channel.held is not None:
                self._begin(channel_id, channel, fetch=True)

    def _begin(self, channel_id: int, channel: WatchedChannel, *, fetch: bool) -> None:
        """Start a task that fetches the history, if `fetch`, and releases the held messages.

        A running fetch is awaited if `fetch`, and cancelled otherwise.
        """
        earlier = channel.task if channel.task is not None and not channel.task.done() else None
        if earlier is not None and not fetch:
            earlier.cancel()
        task = asyncio.get_running_loop().create_task(
            self._fill(channel_id, channel, earlier, fetch), name=f"mezon-gap-{channel_id}"
        )
        channel.task = task
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, channel_id, channel))
        if not fetch:
            channel.releasing = True

    def _ended(self, channel_id: int, channel: WatchedChannel, task: asyncio.Task[None]) -> None:
        """Release the held messages if the task could not: otherwise they would wait until the next loss."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logger.error("Filling the gap of channel %d failed", channel_id, exc_info=error)
            self._report(error, _MESSAGE)
        if channel.held is None or channel.task is not task or self._channels.get(channel_id) is not channel:
            return
        channel.releasing = False
        if self._state == "ready" and not self._lost:
            self._begin(channel_id, channel, fetch=False)

    async def _fill(
        self, channel_id: int, channel: WatchedChannel, earlier: asyncio.Task[None] | None, fetch: bool
    ) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        missed = await self._history.missed(channel_id, channel) if fetch and channel.held is not None else []
        if channel.held is None:
            return
        received = channel.seen.keys() | {message.message_id for message in channel.held}
        missed = [message for message in missed if message.message_id not in received]
        bound = self._options.messages_per_channel
        if len(missed) > bound:
            logger.warning(
                "More than %d messages of channel %d were missed; only the last ones are filled in",
                bound,
                channel_id,
            )
            del missed[: len(missed) - bound]
        decoded = [self._history.decode(channel, message) for message in missed]
        # Only now, so that the messages stay held if anything above raises.
        held, channel.held = channel.held, []
        channel.releasing = True
        try:
            await self._release(channel, [message for message in decoded if message is not None], held)
        finally:
            channel.releasing = False

    # ---- releasing held messages

    async def _release(
        self, channel: WatchedChannel, missed: list[ChannelMessage], held: list[ChannelMessage]
    ) -> None:
        """Dispatch the missed and held messages in order. Messages that arrive meanwhile are held behind them."""
        dispatcher, done = self._dispatcher, 0
        filled_in = {id(message) for message in missed}
        waiting = deque(_merged(missed, held))
        try:
            while True:
                while waiting:
                    while dispatcher.full:
                        await dispatcher.wait_room()
                    message = waiting.popleft()
                    try:
                        if self._deliver(channel, message) and id(message) in filled_in:
                            self.filled += 1
                            self._cache(message)
                    except Exception as error:
                        self._undelivered(message, error)
                    done += 1
                    if done % _PER_ITERATION == 0:
                        await asyncio.sleep(0)
                if not channel.held:
                    break
                waiting, channel.held = deque(channel.held), []
            channel.held = None
        except BaseException:
            # The connection was lost again, or the process ends: keep holding the rest.
            channel.held = [*waiting, *(channel.held or ())]
            raise

    def _undelivered(self, message: ChannelMessage, error: Exception) -> None:
        logger.error(
            "Message %s of channel %s could not be dispatched",
            message.message_id,
            message.channel_id,
            exc_info=error,
        )
        self._report(error, _MESSAGE)

    def _report(self, error: BaseException, name: str) -> None:
        if self._on_error is None:
            return
        try:
            self._on_error(error, name)
        except BaseException as raised:
            if not is_failure(raised):
                raise
            logger.exception("on_error failed")

    def _cache(self, message: ChannelMessage) -> None:
        """Add a missed message to the cache of its channel, as the core does with received ones."""
        channel = self._client.channels.get(message.channel_id)
        if channel is not None and channel.messages.get(message.message_id) is None:
            channel.messages.set(
                message.message_id, structures.Message(message, channel, channel.socket_manager)
            )


class History:
    """Fetches missed messages from the history of channels.

    Args:
        client: The client.
        token: Returns the token of the session.
        options: The bounds.
        decode: Decodes a message; None to use the client's own model.
        report: Called with an error that is not one of the connection after it was logged, and its origin:
            ``message_db`` or the event's name.
    """

    def __init__(
        self,
        client: GapClient,
        token: Callable[[], str],
        options: GapOptions,
        decode: Callable[[bytes], ChannelMessage] | None,
        report: Callable[[BaseException, str], None],
    ) -> None:
        self._client = client
        self._token = token
        self._options = options
        self._report = report
        if decode is None:
            model = JsonContentMessage if client.content_as_json else ChannelMessage
            decode = origin_plan(model, MESSAGES["channel_message"], client.socket_manager.origin).decode
        self._decode = decode

    async def missed(self, channel_id: int, channel: WatchedChannel) -> list[api_pb2.ChannelMessage]:
        """Fetch the missed messages of a channel, oldest first. If that fails, log a warning and return a part."""
        missed: list[api_pb2.ChannelMessage] = []
        # The history contains the held messages as well.
        bound = self._options.messages_per_channel + len(channel.held or ()) + 1
        try:
            async with asyncio.timeout(self._options.timeout):
                for topic, floor in reversed(list(channel.floors.items())):
                    missed += await self._fetch(channel_id, channel, topic, floor, bound)
        except MezonError as error:
            _warn_incomplete(channel_id, f"could not be fetched: {error}")
        except TimeoutError:
            _warn_incomplete(channel_id, f"was not received within {self._options.timeout:g} s")
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.exception("The history of channel %d could not be read", channel_id)
            self._report(error, _MESSAGE)
        missed.sort(key=lambda message: message.message_id)
        return missed

    async def _fetch(
        self, channel_id: int, channel: WatchedChannel, topic: int, floor: int, bound: int
    ) -> list[api_pb2.ChannelMessage]:
        """Fetch the messages of a topic above `floor`, newest first. The last page may exceed `bound`."""
        client, oldest = self._client, time.time() - self._options.max_age
        clan_id = channel.last.clan_id if channel.last is not None else 0
        found: list[api_pb2.ChannelMessage] = []
        before = 0
        while len(found) < bound:
            page = await client.api_client.list_raw_channel_messages(
                self._token(),
                clan_id,
                channel_id,
                before,
                limit=PAGE,
                direction=BEFORE if before else None,
                topic_id=topic,
                options={"priority": Priority.BACKGROUND},
            )
            fresh = [message for message in page if not before or message.message_id < before]
            wanted = [
                message
                for message in fresh
                if message.message_id > floor and (message.create_time_seconds or oldest) >= oldest
            ]
            found += [message for message in wanted if message.code not in REFERRING_CODES]
            if len(wanted) < len(fresh) or len(page) < PAGE or not fresh:
                break
            before = min(message.message_id for message in fresh)
        return found

    def decode(self, channel: WatchedChannel, message: api_pb2.ChannelMessage) -> ChannelMessage | None:
        """Save a message to the store and return the model that handlers get.

        Errors are logged and reported. If the store fails, the message is not saved; if decoding fails, return None.
        """
        live = channel.last
        if live is not None and not message.mode:
            # A message of the history may lack attributes of the channel that events have.
            message.clan_id = message.clan_id or live.clan_id
            message.channel_id = message.channel_id or live.channel_id
            message.mode, message.is_public = live.mode or 0, bool(live.is_public)
            message.channel_label = message.channel_label or live.channel_label or ""
            message.category_name = message.category_name or live.category_name or ""
        body = message.SerializeToString()
        try:
            store = self._client.message_db
            if store is not None:
                as_store(store).accept(body)
        except BaseException as error:
            self._failed(error, "message_db", message, "could not be stored")
        try:
            return self._decode(body)
        except BaseException as error:
            self._failed(error, _MESSAGE, message, "could not be decoded and is skipped")
            return None

    def _failed(self, error: BaseException, name: str, message: api_pb2.ChannelMessage, what: str) -> None:
        if not is_failure(error):
            raise error
        logger.error(
            "The missed message %d of channel %d %s",
            message.message_id,
            message.channel_id,
            what,
            exc_info=error,
        )
        self._report(error, name)


def _warn_incomplete(channel_id: int, reason: str) -> None:
    logger.warning(
        "The history of channel %d %s. The channel continues without the missed messages", channel_id, reason
    )


def _merged(missed: list[ChannelMessage], held: list[ChannelMessage]) -> list[ChannelMessage]:
    """Merge both lists by message id. The order of the held messages is not changed."""
    merged: list[ChannelMessage] = []
    at = 0
    for message in held:
        while at < len(missed) and missed[at].message_id < message.message_id:
            merged.append(missed[at])
            at += 1
        merged.append(message)
    return merged + missed[at:]
