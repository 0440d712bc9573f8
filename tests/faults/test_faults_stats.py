"""`stats()` tells the truth, and the pages name every field."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fault_kit import Bot
from mezon import GapOptions, Stats
from mezon.testing import LocalGateway
from waiting import until

DOCS = Path(__file__).parents[2] / "docs"


async def test_the_counters_count(gateway: LocalGateway, bot: Bot) -> None:
    before = bot.stats()
    for number in range(3):
        await gateway.say("general", "alice", f"{number}")
    await gateway.typing("general", "bob")
    await bot.until_heard("2")
    await until(lambda: bot.stats().events.get("message_typing_event"), "the event nobody listens to")
    await bot.message_db.flush()
    stats = bot.stats()
    assert stats.state == "ready"
    assert stats.frames_received - before.frames_received == 4
    assert stats.bytes_received > before.bytes_received
    assert stats.frames_sent == before.frames_sent > 0
    assert stats.events["channel_message"] == 3
    assert (stats.skipped, stats.dropped) == (1, 1)
    assert stats.queue_high_water >= 1
    assert (stats.queued, stats.pending, stats.handlers, stats.handler_errors) == (0, 0, 0, 0)
    assert stats.joined == 1 + len(gateway.world.clans)
    assert stats.store["rows_written"] == 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        stats.frames_sent = 0  # type: ignore[misc]


def test_stats_before_a_login(gateway: LocalGateway) -> None:
    assert Bot(gateway).stats() == Stats()


def test_the_pages_name_every_field() -> None:
    text = (DOCS / "guide" / "reliability.md").read_text(encoding="utf-8")
    assert [one.name for one in dataclasses.fields(Stats) if f"`{one.name}`" not in text] == []
    rows = (
        (DOCS / "options.md")
        .read_text(encoding="utf-8")
        .partition("## `GapOptions`")[2]
        .partition("\n## ")[0]
    )
    for field in dataclasses.fields(GapOptions):
        assert f"| `{field.name}` | `{field.default}` |" in rows
        assert field.name in (GapOptions.__doc__ or "")
    assert [
        field.name for field in dataclasses.fields(Stats) if field.name not in (Stats.__doc__ or "")
    ] == []
