"""The message history of a channel: from the store, then from the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mezon.messages._custom import as_saved, as_store
from mezon.utils.ids import required_id
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mezon.models import ChannelMessage

logger: Final = get_logger("mezon.store")

#: The number of messages in one request to the store or the server.
PAGE: Final = 100

#: ``ListChannelMessagesRequest.direction``: older than the given message, as in Mezon's own clients.
BEFORE: Final = 3


async def history(
    client: Any,
    channel: Any,
    limit: int | None = 100,
    before: int | str | None = None,
    after: int | str | None = None,
) -> AsyncIterator[ChannelMessage]:
    """Yield the messages of a channel, newest first, without duplicates.

    The messages of the store come first, then older ones from the server (one call for 100 messages), which are saved
    to the store. Without a session, only the store is read. Gaps between two stored messages are not filled.

    Args:
        client: The client: ``message_db``, ``api_client`` and ``session_manager`` are used, each may be None.
        channel: The channel: ``id``, and ``clan.id`` if it has a clan.
        limit: The maximum number of messages; None for all.
        before: Only messages older than the one with this id.
        after: Only messages newer than the one with this id.

    Raises:
        InvalidArgumentError: If ``before`` or ``after`` is not an id.
        ApiError: If the server refuses the call.
    """
    ceiling = None if before is None else required_id("before", before)
    floor = None if after is None else required_id("after", after)
    left = limit
    async for message in _merged(client, channel, ceiling, floor):
        if left is not None:
            if left <= 0:
                return
            left -= 1
        yield message


async def _merged(
    client: Any, channel: Any, ceiling: int | None, floor: int | None
) -> AsyncIterator[ChannelMessage]:
    oldest = ceiling
    seen: set[int] = set()
    for source in (_stored, _listed):
        async for page in source(client, channel, oldest):
            newest = max(message.message_id for message in page)
            for message in page:
                number = message.message_id
                inside = (ceiling is None or number < ceiling) and (floor is None or number > floor)
                if inside and number not in seen:
                    seen.add(number)
                    oldest = number if oldest is None else min(oldest, number)
                    yield message
            if floor is not None and newest <= floor:
                break


async def _stored(client: Any, channel: Any, oldest: int | None) -> AsyncIterator[list[ChannelMessage]]:
    from mezon.messages.db import model_of

    if not client.message_db:
        return
    store = as_store(client.message_db)
    offset = 0
    while rows := await store.get_messages_by_channel(channel.id, PAGE, offset):
        offset += len(rows)
        yield [model_of(row) for row in rows]
        if len(rows) < PAGE:
            return


async def _listed(client: Any, channel: Any, oldest: int | None) -> AsyncIterator[list[ChannelMessage]]:
    session = client.session_manager.get_session() if client.session_manager else None
    if client.api_client is None or session is None:
        return
    clan_id = getattr(channel.clan, "id", 0) if channel.clan is not None else 0
    while True:
        page: list[ChannelMessage] = await client.api_client.list_channel_messages(
            session.token,
            clan_id,
            channel.id,
            message_id=oldest,
            limit=PAGE,
            direction=BEFORE if oldest else None,
        )
        older = [message for message in page if oldest is None or message.message_id < oldest]
        if not older:
            return
        if client.message_db:
            for message in older:
                await client.message_db.save_message(as_saved(client.message_db, message))
        oldest = min(message.message_id for message in older)
        yield sorted(older, key=lambda message: message.message_id, reverse=True)
