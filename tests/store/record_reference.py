"""Records tests/data/mezon-sdk-1.8.3-cache.db.xz and what mezon-sdk itself reads back from it.

Run by hand in a venv of its own that has mezon-sdk 1.8.3 and never this package:
    python tests/store/record_reference.py tests/data
"""

from __future__ import annotations

import asyncio
import json
import lzma
import random
import sqlite3
import sys
import tempfile
from pathlib import Path

from mezon.messages import MessageDB
from mezon.models import (
    ApiMessageAttachment,
    ApiMessageMention,
    ApiMessageReaction,
    ApiMessageRef,
    ChannelMessage,
)

TEXTS = [
    "hello",
    "Xin chào các bạn",
    "Đường đến thành phố",
    "日本語",
    "🎉 party",
    'a"quote\\',
    "tab\t",
    "",
    "x" * 300,
]
CHANNELS = [1830000000000000000 + n for n in range(7)] + [0]


def message(pick: random.Random, number: int) -> ChannelMessage:
    def text() -> str:
        return pick.choice(TEXTS)

    def some(make, chance: float) -> list:  # type: ignore[no-untyped-def]
        return [make() for _ in range(pick.randint(1, 3))] if pick.random() < chance else []

    def ident() -> int:
        return pick.choice([0, 1, -1, 1840000000000000000 + pick.randrange(10**9), 4611686018427387904])

    contents = [
        {"t": text()},
        {"t": text(), "mk": [{"s": 0, "e": 3, "type": "b"}]},
        {},
        {"t": text(), "embed": [{"title": text()}]},
    ]
    return ChannelMessage(
        message_id=1840000000000000000 + number * 4096,
        clan_id=pick.choice([0, 1820000000000000000]),
        channel_id=pick.choice(CHANNELS),
        sender_id=ident(),
        content=pick.choice(contents),
        mentions=some(lambda: ApiMessageMention(user_id=ident(), username=text(), s=0, e=5), 0.3),
        attachments=some(
            lambda: ApiMessageAttachment(
                filename=text(), url="https://cdn.example/f", size=pick.randrange(10**6), width=4
            ),
            0.2,
        ),
        reactions=some(
            lambda: ApiMessageReaction(emoji=text(), emoji_id=ident(), count=pick.randrange(9), action=False),
            0.2,
        ),
        references=some(
            lambda: ApiMessageRef(
                message_ref_id=ident(), message_sender_id=ident(), content=text(), has_attachment=True
            ),
            0.2,
        ),
        create_time_seconds=pick.choice([None, 0, 1700000000 + number // 3, 1700000000 + number // 3]),
        topic_id=pick.choice([None, 0, ident()]),
    )


async def record(folder: Path) -> None:
    pick = random.Random(183)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "cache.db"
        async with MessageDB(str(path)) as store:
            kept: list[ChannelMessage] = []
            for number in range(2000):
                one = message(pick, number)
                kept.append(one)
                await store.save_message(one.to_db_dict())
            # Replaced and deleted rows too: rowids then have gaps.
            for one in kept[::97]:
                one.content = {"t": "changed"}
                await store.save_message(one.to_db_dict())
            for one in kept[::101]:
                await store.delete_message(one.message_id, one.channel_id)
            expected = {
                "count": await store.get_message_count(),
                "channels": {},
                "messages": [],
            }
            for channel in CHANNELS:
                rows = await store.get_messages_by_channel(channel, limit=10_000)
                expected["channels"][str(channel)] = {row["id"]: row for row in rows}
            for one in kept[::37]:
                found = await store.get_message_by_id(one.message_id, one.channel_id)
                expected["messages"].append(
                    [
                        one.message_id,
                        one.channel_id,
                        None if found is None else found.model_dump(exclude={"referenced_message"}),
                    ]
                )
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        (folder / "mezon-sdk-1.8.3-cache.db.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
    text = json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
    (folder / "mezon-sdk-1.8.3-reads.json.xz").write_bytes(lzma.compress(text.encode(), preset=9))


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1])))
