"""What was missed in a channel: its history since the loss, as the messages would have come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from mezon._events.tasks import is_failure
from mezon._gateway.codec import MESSAGES, JsonContentMessage, origin_plan
from mezon.constants.enum import Events, TypeMessage
from mezon.errors import MezonError
from mezon.messages._foreign import as_store
from mezon.messages.history import BEFORE, PAGE
from mezon.models.message import ChannelMessage
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon.managers.cache import CacheManager
    from mezon.managers.socket import SocketManager
    from mezon.options import GapOptions
    from mezon.ports import MessageStore
    from mezon.protobuf.api import api_pb2
    from mezon.structures import TextChannel

logger = get_logger("mezon.events")

_MESSAGE: Final = Events.CHANNEL_MESSAGE.value

#: These speak of a message by its id again: they are no duplicates of it, and no history has them.
ABOUT_OTHERS: Final = frozenset(
    {
        int(TypeMessage.CHAT_UPDATE),
        int(TypeMessage.CHAT_REMOVE),
        int(TypeMessage.TYPING),
        int(TypeMessage.EPHEMERAL),
        int(TypeMessage.UPDATE_EPHEMERAL_MSG),
        int(TypeMessage.DELETE_EPHEMERAL_MSG),
    }
)


@dataclass(slots=True)
class WatchedChannel:
    """What is known of one channel.

    Attributes:
        last: The last message that was dispatched; None before the first.
        seen: The ids dispatched last, oldest first.
        topics: The newest id of each topic, the one heard last at the end; 0 is the channel itself.
        held: What waits for the history; None when nothing has to.
        floors: ``topics`` at the loss: what is newer and was not seen was missed.
        task: Fetches the history, then dispatches what waits.
        releasing: It has come to the second half.
    """

    last: ChannelMessage | None = None
    seen: dict[int, None] = field(default_factory=dict)
    topics: dict[int, int] = field(default_factory=dict)
    held: list[ChannelMessage] | None = None
    floors: dict[int, int] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    releasing: bool = False


class GapClient(Protocol):
    """What a gap is filled from, and with."""

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


class History:
    """The history of the channels of one client.

    Args:
        client: Whose channels.
        token: Gives the token of the session.
        options: The bounds.
        decode: Makes a message of an encoded one, when it is not the plan of the client's own model.
        report: Called with an error that is no trouble of the connection, after it was logged, and where it comes from:
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
        """Fetch what was missed, oldest first. Trouble is a warning."""
        missed: list[api_pb2.ChannelMessage] = []
        # Those that came live meanwhile are in the history as well.
        bound = self._options.messages_per_channel + len(channel.held or ()) + 1
        try:
            async with asyncio.timeout(self._options.timeout):
                for topic, floor in reversed(list(channel.floors.items())):
                    missed += await self._fetch(channel_id, channel, topic, floor, bound)
        except MezonError as error:
            _go_on(channel_id, f"cannot be had: {error}")
        except TimeoutError:
            _go_on(channel_id, f"did not come within {self._options.timeout:g} s")
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.exception("The history of channel %d cannot be read", channel_id)
            self._report(error, _MESSAGE)
        missed.sort(key=lambda message: message.message_id)
        return missed

    async def _fetch(
        self, channel_id: int, channel: WatchedChannel, topic: int, floor: int, bound: int
    ) -> list[api_pb2.ChannelMessage]:
        """Fetch the messages of a topic above `floor`, the newest first; the last page may go over `bound`."""
        from mezon.api import Priority

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
            found += [message for message in wanted if message.code not in ABOUT_OTHERS]
            if len(wanted) < len(fresh) or len(page) < PAGE or not fresh:
                break
            before = min(message.message_id for message in fresh)
        return found

    def received(self, channel: WatchedChannel, message: api_pb2.ChannelMessage) -> ChannelMessage | None:
        """Return the message as it would have come: in the store, and as the model handlers get.

        A store that fails costs the row. None if the message cannot be decoded. Both are logged and reported.
        """
        live = channel.last
        if live is not None and not message.mode:
            # A history may say less of the channel than an event does.
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


def _go_on(channel_id: int, why: str) -> None:
    logger.warning("The history of channel %d %s. It goes on without what was missed", channel_id, why)
