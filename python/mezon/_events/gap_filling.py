"""Gap filling: after a reconnect, the messages that were missed come first, each once (``fill_gaps=True``).

The channels heard lately are watched. From the moment a lost connection is made again, their messages wait; once
it is ready, the history of each is fetched, and what was missed is dispatched among what waited, in the order of
the message ids. A channel whose history cannot be had goes on without it. Other channels never wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon._events.missed import ABOUT_OTHERS, GapClient, History, WatchedChannel
from mezon._events.tasks import is_failure
from mezon.constants.enum import Events
from mezon.models.message import ChannelMessage
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mezon.options import GapOptions

logger = get_logger("mezon.events")

_MESSAGE: Final = Events.CHANNEL_MESSAGE.value

#: Topics of a channel whose history is fetched as well, the ones heard last.
_TOPICS: Final = 4

#: Dispatched in one turn of the loop when a channel is let go: more than can come in it.
_TURN: Final = 64


class EventTarget(Protocol):
    """Where events go: the dispatcher, or a relay's stream."""

    @property
    def full(self) -> bool:
        """Can nothing more be taken now?"""

    async def wait_room(self) -> None:
        """Wait until something can."""

    def on_event(self, name: str, event: Any, /) -> None:
        """Take an event."""


class GapFiller:
    """Stands between the connection and the dispatcher of one client.

    Args:
        client: Whose gaps are filled.
        token: Gives the token of the session.
        dispatcher: Where messages go.
        options: The bounds.
        decode: Makes a message of an encoded one, when it is not the plan of the client's own model.
        on_error: Called with an error of the store or of decoding after it was logged, and where it comes from:
            ``message_db`` or the event's name.
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
        #: The channels heard lately, the last one at the end.
        self._channels: dict[int, WatchedChannel] = {}
        self._lost = False
        self._state = ""
        self._tasks: set[asyncio.Task[None]] = set()
        #: Missed messages that were dispatched after all, and messages that came twice and were dispatched once.
        self.filled = 0
        self.duplicates = 0

    def begin(self) -> None:
        """Get ready for a connection: what was known of an earlier one does not count."""
        self._channels.clear()
        self._lost, self._state = False, ""

    def known(self) -> dict[int, dict[str, Any]]:
        """Give what `restore` needs, as JSON can carry it: channels heard lately and the newest ids of their topics."""
        found = {}
        for channel_id, channel in self._channels.items():
            last = channel.last
            # While history is fetched, what was missed counts from before the loss.
            topics = channel.topics if channel.held is None else channel.floors
            if last is not None and topics:
                live = {"clan_id": last.clan_id, "mode": last.mode, "is_public": bool(last.is_public)}
                found[channel_id] = {"topics": list(topics.items()), **live}
        return found

    def restore(self, known: Mapping[int, Mapping[str, Any]]) -> None:
        """Take up what another filler knew: once the connection is ready, `fill` fetches what came since.

        After `begin`, before the connection is opened.
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
        """Forget everything; what waits is dropped, as what waits in the core is."""
        self._channels.clear()
        tasks = {task for task in self._tasks if not task.get_loop().is_closed()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    # ---- what comes

    def on_event(self, name: str, event: Any) -> None:
        """Take an event of the connection, before the dispatcher gets it."""
        if name != _MESSAGE or not isinstance(event, ChannelMessage):
            self._dispatcher.on_event(name, event)
            return
        channel = self._heard(event.channel_id)
        if channel is None:
            self._dispatcher.on_event(name, event)
        elif channel.held is None:
            self._deliver(channel, event)
        else:
            channel.held.append(event)
            if len(channel.held) > self._options.max_waiting and not channel.releasing:
                logger.warning(
                    "Over %d messages of channel %d wait for its history; it goes on without what was missed",
                    self._options.max_waiting,
                    event.channel_id,
                )
                self._begin(event.channel_id, channel, fetch=False)

    def _heard(self, channel_id: int) -> WatchedChannel | None:
        """Give the channel, as the one heard last; None when it is not watched because all places are taken."""
        channel = self._channels.pop(channel_id, None)
        if channel is None:
            if len(self._channels) >= self._options.channels and not self._forget_one():
                return None
            channel = WatchedChannel()
        self._channels[channel_id] = channel
        return channel

    def _forget_one(self) -> bool:
        for channel_id, channel in self._channels.items():
            if channel.held is None:
                del self._channels[channel_id]
                return True
        return False

    def _deliver(self, channel: WatchedChannel, message: ChannelMessage) -> bool:
        """Dispatch a message unless it was; True if it was dispatched now."""
        if message.code not in ABOUT_OTHERS and message.message_id:
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

    # ---- the connection's life

    def state_changed(self, state: str) -> None:
        """Follow the connection into another state. The core tells it before any event of that state."""
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
                    # Events of the old connection may still be on their way: they wait too, in their place.
                    channel.held, channel.floors = [], dict(channel.topics)
        elif state == "closed":
            # No history comes any more; what came is dispatched all the same.
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
        """Fetch, as the connection is back, the history of the channels that wait."""
        if self._state != "ready":
            # Lost again, while this news waited: the next one counts.
            return
        self._lost = False
        for channel_id, channel in reversed(list(self._channels.items())):
            if channel.held is not None:
                self._begin(channel_id, channel, fetch=True)

    def _begin(self, channel_id: int, channel: WatchedChannel, *, fetch: bool) -> None:
        """Start to fetch and release, or to release at once; a fetch under way is given up or waited for."""
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
        """Release what still waits if a task has ended before it could: nothing else would, until the next loss."""
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
        known = channel.seen.keys() | {message.message_id for message in channel.held}
        missed = [message for message in missed if message.message_id not in known]
        bound = self._options.messages_per_channel
        if len(missed) > bound:
            logger.warning(
                "More than %d messages of channel %d were missed; only the last ones are filled in",
                bound,
                channel_id,
            )
            del missed[: len(missed) - bound]
        received = [self._history.received(channel, message) for message in missed]
        # Not before: whatever is raised until here, they still wait.
        held, channel.held = channel.held, []
        channel.releasing = True
        try:
            await self._release(channel, [message for message in received if message is not None], held)
        finally:
            channel.releasing = False

    # ---- letting go

    async def _release(
        self, channel: WatchedChannel, missed: list[ChannelMessage], held: list[ChannelMessage]
    ) -> None:
        """Dispatch what waited, in order; what comes meanwhile waits behind it."""
        dispatcher, done = self._dispatcher, 0
        news = {id(message) for message in missed}
        waiting = deque(_merged(missed, held))
        try:
            while True:
                while waiting:
                    while dispatcher.full:
                        await dispatcher.wait_room()
                    message = waiting.popleft()
                    try:
                        if self._deliver(channel, message) and id(message) in news:
                            self.filled += 1
                            self._remember(message)
                    except Exception as error:
                        self._undelivered(message, error)
                    done += 1
                    if done % _TURN == 0:
                        await asyncio.sleep(0)
                if not channel.held:
                    break
                waiting, channel.held = deque(channel.held), []
            channel.held = None
        except BaseException:
            # The connection is lost again, or the process ends: what is left waits on.
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
            logger.exception("on_error raised")

    def _remember(self, message: ChannelMessage) -> None:
        """Put them into the channel's cache, where the core puts what comes by the socket."""
        from mezon.structures.message import Message

        channel = self._client.channels.get(message.channel_id)
        if channel is not None and channel.messages.get(message.message_id) is None:
            channel.messages.set(message.message_id, Message(message, channel, channel.socket_manager))


def _merged(missed: list[ChannelMessage], held: list[ChannelMessage]) -> list[ChannelMessage]:
    """Put both in one order, that of the ids; what was held keeps its own order."""
    merged: list[ChannelMessage] = []
    at = 0
    for message in held:
        while at < len(missed) and missed[at].message_id < message.message_id:
            merged.append(missed[at])
            at += 1
        merged.append(message)
    return merged + missed[at:]
