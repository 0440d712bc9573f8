"""history(): the store first, then the server, each message once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mezon.messages import MessageDB
from mezon.messages.history import history
from mezon.models import ChannelMessage


class Server:
    """Answers ListChannelMessages from a list of ids, at most so many at once."""

    def __init__(self, ids: range, page: int = 100) -> None:
        self.ids = ids
        self.page = page
        self.asked: list[tuple[Any, ...]] = []

    async def list_channel_messages(
        self,
        token: str,
        clan_id: int,
        channel_id: int,
        message_id: int | None,
        limit: int,
        direction: int | None,
    ) -> list[ChannelMessage]:
        self.asked.append((token, clan_id, channel_id, message_id, direction))
        older = [number for number in self.ids if message_id is None or number <= message_id]
        return [
            ChannelMessage(
                message_id=number,
                clan_id=clan_id,
                channel_id=channel_id,
                sender_id=1,
                create_time_seconds=number,
            )
            for number in older[-min(limit, self.page) :]
        ]


CHANNEL = SimpleNamespace(id=7, clan=SimpleNamespace(id=3))


def client(store: MessageDB | None, server: Server | None) -> SimpleNamespace:
    session = SimpleNamespace(get_session=lambda: SimpleNamespace(token="t"))
    return SimpleNamespace(message_db=store, api_client=server, session_manager=session)


async def ids(client: SimpleNamespace, **bounds: Any) -> list[int]:
    return [message.message_id async for message in history(client, CHANNEL, **bounds)]


async def stored(numbers: range) -> MessageDB:
    store = MessageDB(":memory:")
    for number in numbers:
        await store.save_message(
            {
                "message_id": number,
                "clan_id": 3,
                "channel_id": 7,
                "sender_id": 1,
                "create_time_seconds": number,
            }
        )
    return store


async def test_the_store_then_the_server() -> None:
    async with await stored(range(300, 450)) as store:
        server = Server(range(1, 420))
        bot = client(store, server)
        assert await ids(bot, limit=20) == list(range(449, 429, -1))
        assert server.asked == []
        assert await ids(bot, limit=None) == list(range(449, 0, -1))
        assert server.asked[0] == ("t", 3, 7, 300, 3)
        asked = len(server.asked)
        assert await ids(bot, limit=400) == list(range(449, 49, -1))
        assert len(server.asked) == asked, "the answers were stored"


async def test_before_and_after() -> None:
    async with await stored(range(300, 450)) as store:
        bot = client(store, Server(range(1, 420)))
        assert await ids(bot, before=310, after="290") == list(range(309, 290, -1))
        assert await ids(bot, after=445) == [449, 448, 447, 446]
        assert await ids(bot, before=3) == [2, 1]


async def test_either_source_may_be_missing() -> None:
    assert await ids(client(None, Server(range(1, 11))), limit=3) == [10, 9, 8]
    async with await stored(range(5)) as store:
        assert await ids(client(store, None)) == [4, 3, 2, 1, 0]
