"""Gap filling: after a reconnect, fetch the missed messages and dispatch each of them once (``fill_gaps=True``).

`GapFiller` watches the channels with recent messages. From the moment a lost connection is joining again, it holds
their messages back, those of a channel for at most ``GapOptions.timeout`` from the first one on. When the connection is
ready, it reads the lists of channels, whose last-message ids show which channels missed nothing, and fetches the
history of the rest, channels with a live message first. If the history arrives while the live messages are held, all
are dispatched in the order of their ids. Otherwise the live messages are dispatched first, and the missed ones follow
when they are fetched. The event ``gap_unfilled`` names the channels whose history has not arrived in time.

Last, it reads the lists of all joined clans and of the direct conversations. A channel that is not watched has missed
something if its last message is newer than every message received before the loss, because ids grow with time. Its
history is fetched as well, and it is watched from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon import structures
from mezon._gateway.codec import MESSAGES, JsonContentMessage, origin_plan
from mezon._http.limiter import Priority
from mezon.constants.enum import ChannelType, Events, TypeMessage
from mezon.errors import MezonError
from mezon.managers._handlers import is_failure
from mezon.messages._custom import as_store
from mezon.messages.history import BEFORE, PAGE
from mezon.models.message import ChannelMessage
from mezon.options import UnfilledGap
from mezon.utils.background import BackgroundTasks
from mezon.utils.backoff import Backoff
from mezon.utils.helper import convert_channeltype_to_channel_mode
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from mezon.managers.cache import CacheManager
    from mezon.managers.socket import SocketManager
    from mezon.models import ApiChannelDescription
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

#: The number of concurrent HTTP calls. Few, because the order of the calls that wait for the rate limit is fixed.
_FETCHERS: Final = 3

#: The number of watched channels of a clan from which its list of channels is requested: it is one call as well.
_LISTED: Final = 3

#: The maximum number of clans whose lists are read to find channels that are not watched: as many as the server lists.
_MAX_LISTS: Final = 100

#: The delays between the attempts to fill a gap, and their number.
_RETRY = Backoff(5.0, 300.0)
_ATTEMPTS: Final = 8

#: The number of channels that a log line names.
_NAMED: Final = 5


class EventTarget(Protocol):
    """The receiver of events: a dispatcher, or the publisher of a relay."""

    @property
    def full(self) -> bool:
        """Whether no further event can be taken now."""

    async def wait_room(self) -> None:
        """Wait until an event can be taken."""

    def on_event(self, name: str, event: Any, /) -> None:
        """Take an event of the connection."""

    def dispatch(self, name: str, event: Any, /) -> None:
        """Take an event that is not from the connection."""


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
        floors: The newest ids at the time of the loss, until the gap is filled: newer messages that were not seen were
            missed.
        unfetched: The topics whose history must be fetched.
        held: The messages that wait for the history; None if messages are dispatched at once.
        fetched: The missed messages that wait to be dispatched, in the order of their ids.
        filled_in: The ids of missed messages that are not dispatched yet.
        live: Whether a message has arrived since the reconnect.
        evidence: 2 if the list of channels shows a missed message, 1 if it shows an unread one, 0 if it shows nothing.
        releasing: Whether a task is dispatching the held and fetched messages.
        end_of_hold: Dispatches the held messages without the history; None if none are held.
        unexamined: Whether its first message came after a loss, and no list has shown yet if earlier ones were missed.
        found: Whether a list has shown the gap: the channel was not watched at the loss. It is fetched last.
    """

    last: ChannelMessage | None = None
    seen: OrderedDict[int, None] = field(default_factory=OrderedDict)
    topics: dict[int, int] = field(default_factory=dict)
    floors: dict[int, int] = field(default_factory=dict)
    unfetched: set[int] = field(default_factory=set)
    held: list[ChannelMessage] | None = None
    fetched: list[ChannelMessage] = field(default_factory=list)
    filled_in: set[int] = field(default_factory=set)
    live: bool = False
    evidence: int = 0
    releasing: bool = False
    end_of_hold: asyncio.TimerHandle | None = None
    unexamined: bool = False
    found: bool = False

    @property
    def clan_id(self) -> int:
        """The clan; 0 for direct conversations."""
        return (self.last.clan_id or 0) if self.last is not None else 0

    def lose(self, newest: int) -> None:
        """Begin a gap. If an earlier one is not filled yet, the gap begins there.

        Args:
            newest: The newest message of all channels at the beginning of the gap.
        """
        self.floors = {**self.topics, **({0: newest} if self.unexamined else {}), **self.floors}
        self.unfetched = set(self.floors)
        self.live, self.evidence = False, 0
        self.unexamined = self.found = False
        if self.held is None:
            # Events of the old connection may still be in flight: they are held as well, in their order.
            self.held = []

    def cancel_end_of_hold(self) -> None:
        """Hold the messages for longer, or do not hold them any more."""
        if self.end_of_hold is not None:
            self.end_of_hold.cancel()
            self.end_of_hold = None

    def find(self, description: ApiChannelDescription, clan_id: int, newest: int) -> None:
        """Begin the gap of a channel that was not watched at the loss.

        Args:
            description: The channel, from a list of channels.
            clan_id: The clan of the list.
            newest: The newest message of all channels at the loss.
        """
        if self.last is None:
            self.last = ChannelMessage(
                channel_id=description.channel_id or 0,
                clan_id=clan_id,
                mode=convert_channeltype_to_channel_mode(description.type),
                is_public=bool(clan_id) and not description.channel_private,
                channel_label=description.channel_label,
                category_name=description.category_name,
                message_id=newest,
                sender_id=0,
            )
        self.floors[0] = newest if self.unexamined else max(newest, self.topics.get(0, 0))
        self.unfetched = {0}
        self.found, self.unexamined = True, False

    def compare(self, description: ApiChannelDescription) -> None:
        """Take over what a list of channels shows about missed messages."""
        newest = _last_message(description)
        known = max(self.floors.values())
        if newest == known and known != self.floors.get(0):
            # The last message of a topic: the list covers topics.
            self.unfetched.clear()
        elif newest and newest in self.floors.values():
            self.unfetched.discard(0)
        elif newest and newest > known:
            self.evidence = 2
        elif not newest and description.count_mess_unread:
            self.evidence = 1


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
        #: The newest message of all channels; 0 before the first.
        self._newest = 0
        #: The newest message at the loss, until the lists were read; otherwise 0.
        self._newest_at_loss = 0
        #: The clans whose lists are not read yet, the first one first.
        self._unlisted: dict[int, None] = {}
        #: The channels whose gaps lists have shown since the loss, and those that are beyond the bound.
        self._findings: set[int] = set()
        self._skipped: list[int] = []
        self._lost = False
        self._state = ""
        self._tasks = BackgroundTasks(logger, level=logging.ERROR)
        self._report_timer: asyncio.TimerHandle | None = None
        self.filled = 0
        self.duplicates = 0

    def begin(self) -> None:
        """Reset before a new connection is opened."""
        self._cancel_timers()
        self._tasks.cancel()
        # Another one, because the tasks may belong to another event loop.
        self._tasks = BackgroundTasks(logger, level=logging.ERROR)
        self._channels.clear()
        self._newest = 0
        self._end_search()
        self._lost, self._state = False, ""

    @property
    def newest(self) -> int:
        """The newest message of all channels, or that at the loss while its lists are read; for `restore`."""
        return self._newest_at_loss or self._newest

    def known(self) -> dict[int, dict[str, Any]]:
        """Return the state that `restore` needs, in a form that JSON can represent."""
        known = {}
        for channel_id, channel in self._channels.items():
            last = channel.last
            # A gap that is not filled yet starts at the loss.
            unexamined = {0: self._newest_at_loss} if channel.unexamined else {}
            topics = {**channel.topics, **unexamined, **channel.floors}
            if last is not None and topics:
                live = {"clan_id": last.clan_id, "mode": last.mode, "is_public": bool(last.is_public)}
                known[channel_id] = {"topics": list(topics.items()), **live}
        return known

    def restore(self, known: Mapping[int, Mapping[str, Any]], newest: int | None = None) -> None:
        """Restore the state of another filler, so that `fill` fetches the messages since then.

        Call it after `begin` and before the connection is opened.

        Args:
            known: The other filler's `known`.
            newest: The other filler's `newest`; None for a filler without it.
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
        if newest is None:
            newest = max((max(channel.topics.values()) for channel in self._channels.values()), default=0)
        self._newest = newest
        self._lost = bool(self._channels or newest)

    async def stop(self) -> None:
        """Cancel all tasks and drop the held messages."""
        self._cancel_timers()
        self._channels.clear()
        self._end_search()
        self._state = ""
        await self._tasks.stop()

    # ---- receiving events

    def on_event(self, name: str, event: Any) -> None:
        """Receive an event of the connection."""
        if name != _MESSAGE or not isinstance(event, ChannelMessage):
            self._dispatcher.on_event(name, event)
            return
        channel = self._watch(event.channel_id)
        if channel.unfetched:
            channel.live = True
        if channel.held is None:
            self._deliver(channel, event)
            return
        channel.held.append(event)
        self._bound_hold(channel)
        if len(channel.held) > self._options.max_waiting and not channel.releasing:
            logger.warning(
                "Over %d messages of channel %d wait for its history; they are dispatched before the missed messages",
                self._options.max_waiting,
                event.channel_id,
            )
            self._release_soon(channel)

    def _watch(self, channel_id: int) -> WatchedChannel:
        """Return the channel, moved to the end. A new one is not watched if all places are in use."""
        channel = self._channels.pop(channel_id, None)
        if channel is None:
            channel = WatchedChannel(unexamined=self._newest_at_loss > 0)
            if not self._make_room(1):
                return channel
        self._channels[channel_id] = channel
        return channel

    def _make_room(self, places: int) -> bool:
        """Stop watching the channels whose last message is the oldest. Return whether so many places are free now.

        While lists are being read, all channels keep their places: a list may show the messages that they have seen.
        """
        if self._newest_at_loss:
            return True
        excess = len(self._channels) + places - self._options.channels
        if excess > 0:
            idle = (
                one for one, channel in self._channels.items() if channel.held is None and not channel.floors
            )
            for channel_id in list(islice(idle, excess)):
                del self._channels[channel_id]
                excess -= 1
        return excess <= 0

    def _deliver(self, channel: WatchedChannel, message: ChannelMessage) -> bool:
        """Dispatch a message unless it is a duplicate. Return whether it was dispatched."""
        if message.code not in REFERRING_CODES and message.message_id:
            number, seen, topics = message.message_id, channel.seen, channel.topics
            if number in seen:
                self.duplicates += 1
                return False
            seen[number] = None
            if len(seen) > self._options.remembered:
                seen.popitem(last=False)
            topic = message.topic_id or 0
            topics[topic] = max(number, topics.pop(topic, 0))
            if len(topics) > _TOPICS:
                del topics[next(iter(topics))]
            channel.last = message
            if number > self._newest:
                self._newest = number
        self._dispatcher.on_event(_MESSAGE, message)
        return True

    # ---- states of the connection

    def state_changed(self, state: str) -> None:
        """Follow a transition of the connection. It is reported before any event that is received in the state."""
        self._state = state
        if state == "backoff":
            self._lost = True
            self._cancel_timers()
            self._tasks.cancel()
            for channel in self._channels.values():
                channel.releasing = False
        elif state == "joining" and self._lost:
            self._cancel_timers()
            loop = asyncio.get_running_loop()
            self._report_timer = loop.call_later(self._options.timeout, self._report_late)
            self._make_room(0)
            # If the lists were not read since an earlier loss, they show what was missed since then.
            if self._options.channels:
                self._newest_at_loss = self._newest_at_loss or self._newest
            self._findings.clear()
            self._skipped.clear()
            for channel in self._channels.values():
                if channel.last is not None:
                    channel.lose(self._newest_at_loss)
                if channel.held:
                    self._bound_hold(channel)
        elif state == "closed":
            # No history can be fetched any more. Dispatch what was received.
            self._cancel_timers()
            self._tasks.cancel()
            for channel in list(self._channels.values()):
                held, channel.held = _merged(channel.fetched, channel.held or []), None
                channel.fetched = []
                for message in held:
                    try:
                        self._deliver(channel, message)
                    except Exception as error:
                        self._undelivered(message, error)

    def fill(self) -> None:
        """Fill the gaps of the channels, once the connection is ready."""
        if self._state != "ready":
            # The connection dropped again; the next reconnect fills the gap.
            return
        self._lost = False
        self._unlisted = dict.fromkeys(self._clans_to_list())
        earlier, self._tasks = self._tasks, BackgroundTasks(logger, level=logging.ERROR)
        self._tasks.spawn(self._fill(earlier), "gap filling")

    def _cancel_report(self) -> None:
        if self._report_timer is not None:
            self._report_timer.cancel()
            self._report_timer = None

    def _cancel_timers(self) -> None:
        self._cancel_report()
        for channel in self._channels.values():
            channel.cancel_end_of_hold()

    def _report_late(self) -> None:
        """Report the channels whose history has not arrived in time."""
        self._report_timer = None
        unfilled = [channel_id for channel_id, channel in self._channels.items() if channel.unfetched]
        if unfilled:
            self._report_unfilled(unfilled, f"it was not received within {self._options.timeout:g} s")

    def _bound_hold(self, channel: WatchedChannel) -> None:
        """Dispatch the held messages in time, with or without the history."""
        if channel.end_of_hold is None and not channel.releasing and self._state in ("joining", "ready"):
            loop = asyncio.get_running_loop()
            channel.end_of_hold = loop.call_later(self._options.timeout, self._release_soon, channel)

    # ---- fetching the missed messages

    async def _fill(self, earlier: BackgroundTasks) -> None:
        """Fill every gap. Retry those whose history cannot be fetched, and give up in the end."""
        earlier.cancel()
        await earlier.wait()
        for channel in list(self._channels.values()):
            if not channel.unfetched:
                self._release_soon(channel)
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_RETRY.wait(attempt - 1))
            pending = _Pending(self._channels, listed=attempt > 0)
            async with asyncio.TaskGroup() as group:
                for _ in range(_FETCHERS):
                    group.create_task(self._fetch(pending), name="mezon: fetching missed messages")
            if not attempt:
                # Beside the further attempts, which may take minutes.
                self._tasks.spawn(self._search(), "looking for channels with missed messages")
            unfilled = self._unfilled(found=False)
            if not unfilled:
                return
            self._report_unfilled(unfilled, pending.reason, final=attempt + 1 == _ATTEMPTS)
        self._give_up(self._unfilled(found=False))

    def _unfilled(self, *, found: bool) -> list[int]:
        """Return the watched channels whose history is not fetched, those that lists have shown or the others."""
        return [
            channel_id
            for channel_id, channel in self._channels.items()
            if channel.unfetched and channel.found is found
        ]

    def _give_up(self, channel_ids: list[int]) -> None:
        for channel_id in channel_ids:
            channel = self._channels[channel_id]
            channel.unfetched.clear()
            self._release_soon(channel)

    async def _fetch(self, pending: _Pending) -> None:
        """Make one call after another while there is one to make."""
        while True:
            clan_id = pending.next_list()
            if clan_id is not None:
                with pending.listing(clan_id):
                    await self._read_list(clan_id)
                continue
            channel_id = pending.next_channel()
            if channel_id is not None:
                pending.reason = await self._fill_channel(channel_id) or pending.reason
            elif not await pending.wait_listed():
                return

    async def _read_list(self, clan_id: int) -> None:
        """Read the list of a clan's channels.

        Release the channels that missed nothing, and watch those that missed something.
        """
        try:
            listed = await self._history.list_channels(clan_id)
        except MezonError as error:
            # Without the list, the history of every watched channel is fetched. It is read again for the others.
            logger.debug("The channels of clan %d could not be listed: %s", clan_id, error)
            return
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.exception("The list of the channels of clan %d could not be read", clan_id)
            self._report(error, _MESSAGE)
            self._unlisted.pop(clan_id, None)
            return
        self._unlisted.pop(clan_id, None)
        for description in sorted(listed, key=self._urgency, reverse=True):
            channel = self._channels.get(description.channel_id or 0)
            if channel is not None and channel.unfetched:
                channel.compare(description)
                if not channel.unfetched:
                    self._release_soon(channel)
            elif self._shows_gap(description):
                self._find(description, clan_id)

    # ---- finding channels that are not watched

    def _clans_to_list(self) -> list[int]:
        """Return the clans whose lists may show other channels: 0, then those with the latest messages."""
        if not self._newest_at_loss:
            return []
        joined = self._client.socket_manager.joined_clans
        active = [channel.clan_id for channel in reversed(self._channels.values())]
        clans = dict.fromkeys([0, *(clan_id for clan_id in active if clan_id in joined), *sorted(joined)])
        return list(clans)[:_MAX_LISTS]

    def _shows_gap(self, description: ApiChannelDescription) -> bool:
        """Return whether a channel that has no known gap has missed something."""
        channel_id, newest = description.channel_id or 0, _last_message(description)
        if not channel_id or not self._newest_at_loss or newest <= self._newest_at_loss:
            return False
        sent = description.last_sent_message
        if sent is not None and 0 < (sent.timestamp_seconds or 0) < time.time() - self._options.max_age:
            return False
        watched = self._channels.get(channel_id)
        return watched is None or watched.unexamined

    def _urgency(self, description: ApiChannelDescription) -> tuple[bool, int]:
        """Return the order of findings: a channel without a live message has certainly missed something."""
        return description.channel_id not in self._channels, _last_message(description)

    def _find(self, description: ApiChannelDescription, clan_id: int) -> None:
        """Begin the gap of a channel, unless lists have shown too many."""
        channel_id = description.channel_id or 0
        if channel_id not in self._findings and len(self._findings) >= self._options.channels:
            self._skipped.append(channel_id)
            return
        self._findings.add(channel_id)
        channel = self._watch(channel_id)
        channel.find(description, clan_id, self._newest_at_loss)
        if channel.held is None:
            channel.held = []

    async def _search(self) -> None:
        """Read the lists that were not read yet, and fill the gaps that lists have shown: one call after another."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_RETRY.wait(attempt - 1))
            tried: set[int] = set()
            reason = await self._fill_found(tried)
            for clan_id in list(self._unlisted):
                await self._read_list(clan_id)
                reason = await self._fill_found(tried) or reason
            unfilled = self._unfilled(found=True)
            if not unfilled and not self._unlisted:
                break
            if unfilled:
                self._report_unfilled(unfilled, reason, final=attempt + 1 == _ATTEMPTS)
        if self._unlisted:
            logger.warning(
                "The channels of %d clans could not be listed: first messages of channels may be missing",
                len(self._unlisted),
            )
        if self._skipped:
            reason = (
                f"more than {self._options.channels} channels that were not watched may have missed messages"
            )
            self._report_unfilled(self._skipped.copy(), reason, final=True)
        self._give_up(self._unfilled(found=True))
        self._end_search()
        if not any(channel.unfetched for channel in self._channels.values()):
            self._cancel_report()

    async def _fill_found(self, tried: set[int]) -> str:
        """Fill the gaps of the channels that lists have shown. Return why one of them could not be filled.

        Args:
            tried: The channels that are not tried again; extended by those that are.
        """
        reason = ""
        while True:
            left = [channel_id for channel_id in self._unfilled(found=True) if channel_id not in tried]
            if not left:
                return reason
            channel_id = max(left, key=lambda one: self._channels[one].live)
            tried.add(channel_id)
            reason = await self._fill_channel(channel_id) or reason

    def _end_search(self) -> None:
        self._newest_at_loss = 0
        self._unlisted.clear()
        self._findings.clear()
        self._skipped.clear()
        for channel in self._channels.values():
            channel.unexamined = False

    # ---- fetching the history of a channel

    async def _fill_channel(self, channel_id: int) -> str:
        """Fetch the missed messages of a channel. Return why they could not be fetched; "" if they were."""
        channel = self._channels.get(channel_id)
        if channel is None:
            return ""
        reason = ""
        missed: list[api_pb2.ChannelMessage] = []
        try:
            for topic in [topic for topic in reversed(channel.floors) if topic in channel.unfetched]:
                missed += await self._history.fetch(channel_id, channel, topic)
                channel.unfetched.discard(topic)
        except MezonError as error:
            logger.debug("The history of channel %d could not be fetched: %s", channel_id, error)
            reason = str(error) or type(error).__name__
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.exception("The history of channel %d could not be read", channel_id)
            self._report(error, _MESSAGE)
            reason = f"{type(error).__name__} while the history was read"
        finally:
            self._take(channel_id, channel, missed)
            # Also after a failure: only a later attempt can succeed, and live messages do not wait for it.
            self._release_soon(channel)
        return reason

    def _take(self, channel_id: int, channel: WatchedChannel, missed: list[api_pb2.ChannelMessage]) -> None:
        """Take over the missed messages from the history."""
        received = channel.seen.keys() | channel.filled_in | {held.message_id for held in channel.held or ()}
        missed = [message for message in missed if message.message_id not in received]
        missed.sort(key=lambda message: message.message_id)
        bound = self._options.messages_per_channel
        if len(missed) > bound:
            reason = f"more than {bound} messages were missed, and the older ones are skipped"
            self._report_unfilled([channel_id], reason, final=True)
            del missed[: len(missed) - bound]
        decoded = [self._history.decode(channel, message) for message in missed]
        found = [message for message in decoded if message is not None]
        channel.filled_in.update(message.message_id for message in found)
        channel.fetched = _merged(channel.fetched, found)

    # ---- releasing held messages

    def _release_soon(self, channel: WatchedChannel) -> None:
        """Start a task that dispatches the fetched and held messages, unless one is running."""
        channel.cancel_end_of_hold()
        if channel.releasing or self._state not in ("joining", "ready"):
            return
        if not channel.held and not channel.fetched:
            channel.held = None
            if not channel.unfetched:
                channel.floors = {}
            return
        if channel.held is None:
            # Live messages queue behind the missed ones while these are being dispatched.
            channel.held = []
        channel.releasing = True
        task = self._tasks.spawn(self._release(channel), "dispatching messages after a reconnect")
        task.add_done_callback(partial(self._released, channel))

    async def _release(self, channel: WatchedChannel) -> None:
        """Dispatch the fetched and held messages in order, and behind them the messages that arrive meanwhile."""
        dispatcher, done = self._dispatcher, 0
        waiting: deque[ChannelMessage] = deque()
        try:
            while True:
                if channel.fetched:
                    waiting = deque(_merged(channel.fetched, [*waiting, *(channel.held or ())]))
                    channel.fetched, channel.held = [], []
                elif channel.held:
                    waiting.extend(channel.held)
                    channel.held = []
                if not waiting:
                    break
                while dispatcher.full:
                    await dispatcher.wait_room()
                message = waiting.popleft()
                try:
                    if self._deliver(channel, message) and message.message_id in channel.filled_in:
                        self.filled += 1
                        self._cache(message)
                except Exception as error:
                    self._undelivered(message, error)
                channel.filled_in.discard(message.message_id)
                done += 1
                if done % _PER_ITERATION == 0:
                    await asyncio.sleep(0)
            channel.held = None
            if not channel.unfetched:
                channel.floors = {}
        except BaseException:
            # The connection was lost again, or the process ends: keep holding the rest.
            channel.held = [*waiting, *(channel.held or ())]
            raise

    def _released(self, channel: WatchedChannel, task: asyncio.Task[None]) -> None:
        channel.releasing = False
        if channel.held is not None or channel.fetched:
            # The task was cancelled: without another one, its messages would wait until the next loss.
            self._release_soon(channel)

    def _undelivered(self, message: ChannelMessage, error: Exception) -> None:
        logger.error(
            "Message %s of channel %s could not be dispatched",
            message.message_id,
            message.channel_id,
            exc_info=error,
        )
        self._report(error, _MESSAGE)

    def _report_unfilled(self, channel_ids: list[int], reason: str, *, final: bool = False) -> None:
        """Log the channels whose gap is not filled, and dispatch the event about them."""
        named = ", ".join(map(str, channel_ids[:_NAMED])) + (", ..." if len(channel_ids) > _NAMED else "")
        logger.warning(
            "The history of %s is incomplete: %s. %s",
            f"channel {named}" if len(channel_ids) == 1 else f"{len(channel_ids)} channels ({named})",
            reason,
            "No further attempt is made"
            if final
            else "Live messages may be dispatched before the missed ones",
        )
        self._dispatcher.dispatch(
            Events.GAP_UNFILLED.value, UnfilledGap(tuple(channel_ids), reason, final=final)
        )

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


class _Pending:
    """The calls that are left of one attempt: lists of channels, and the history of channels.

    Args:
        channels: The watched channels, the one with the latest message last.
        listed: Whether the lists were read by an earlier attempt.

    Attributes:
        reason: Why the last failed call failed.
    """

    def __init__(self, channels: dict[int, WatchedChannel], *, listed: bool) -> None:
        self._channels = channels
        self._left = {
            channel_id for channel_id, channel in channels.items() if channel.unfetched and not channel.found
        }
        sizes = Counter(channels[channel_id].clan_id for channel_id in self._left)
        self._unlisted = set() if listed else {clan_id for clan_id, size in sizes.items() if size >= _LISTED}
        self._in_flight: set[int] = set()
        self._changed = asyncio.Event()
        self.reason = "the server did not answer"

    def next_list(self) -> int | None:
        """Return the clan whose list of channels is read next; None if a history is more urgent, or none is left.

        A list comes before histories if one of its channels has a live message, or if no other channel has one.
        """
        if not self._unlisted:
            return None
        sizes: Counter[int] = Counter()
        live: Counter[int] = Counter()
        for channel_id in self._left:
            channel = self._channels.get(channel_id)
            if channel is not None and channel.clan_id in self._unlisted:
                sizes[channel.clan_id] += 1
                live[channel.clan_id] += channel.live
        clan_id = max(self._unlisted, key=lambda one: (live[one] > 0, sizes[one]))
        if not live[clan_id] and any(channel.live for _, channel in self._candidates()):
            return None
        self._unlisted.discard(clan_id)
        return clan_id

    @contextlib.contextmanager
    def listing(self, clan_id: int) -> Iterator[None]:
        """Hold the channels of a clan back while its list is being read."""
        self._in_flight.add(clan_id)
        try:
            yield
        finally:
            self._in_flight.discard(clan_id)
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def next_channel(self) -> int | None:
        """Return the channel whose history is fetched next; None if none is left that needs no list first."""
        best = max(self._candidates(), key=lambda one: (one[1].live, one[1].evidence), default=None)
        if best is None:
            return None
        self._left.discard(best[0])
        return best[0]

    async def wait_listed(self) -> bool:
        """Wait until a list was read. Return False if none is being read."""
        if not self._in_flight:
            return False
        await self._changed.wait()
        return True

    def _candidates(self) -> list[tuple[int, WatchedChannel]]:
        """Return the channels that need no list first, the one with the latest message first."""
        waiting = self._unlisted | self._in_flight
        return [
            (channel_id, channel)
            for channel_id, channel in reversed(self._channels.items())
            if channel_id in self._left and channel.unfetched and channel.clan_id not in waiting
        ]


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

    async def list_channels(self, clan_id: int) -> Collection[ApiChannelDescription]:
        """Return the channels of a clan, or the direct conversations for clan 0."""
        kind = ChannelType.CHANNEL_TYPE_CHANNEL if clan_id else ChannelType.CHANNEL_TYPE_DM
        answer = await self._client.api_client.list_channel_descs(
            self._token(), channel_type=kind, clan_id=clan_id, options={"priority": Priority.BACKGROUND}
        )
        return answer.channeldesc or ()

    async def fetch(
        self, channel_id: int, channel: WatchedChannel, topic: int
    ) -> list[api_pb2.ChannelMessage]:
        """Fetch the messages of a topic that are newer than at the loss, newest first.

        The last page may exceed the bound.
        """
        client, oldest = self._client, time.time() - self._options.max_age
        floor = channel.floors[topic]
        # The history contains the messages as well that arrived since the reconnect.
        arrived = sum(number > floor for number in channel.seen) + len(channel.held or ())
        bound = self._options.messages_per_channel + arrived + 1
        found: list[api_pb2.ChannelMessage] = []
        before = 0
        while len(found) < bound:
            page = await client.api_client.list_raw_channel_messages(
                self._token(),
                channel.clan_id,
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


def _last_message(description: ApiChannelDescription) -> int:
    """Return the id of a channel's last message; 0 if it is unknown."""
    sent = description.last_sent_message
    return (sent.id or 0) if sent is not None else 0


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
