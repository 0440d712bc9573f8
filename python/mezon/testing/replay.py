"""Replay the trace of a flight recorder: a bot handles the recorded events offline, in order, at a local gateway.

::

    async def test_the_order_of_a_customer(replay):
        replayed = await replay("trace.mzt", "bot.py")
        assert replayed.texts == ["Ordered: Phở bò"]

Clans, channels and users are created from the ids in the trace. The bot's own calls are answered by the gateway and
not from the trace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Final

from mezon.testing.bots import Target, running_bot
from mezon.testing.gateway import LocalGateway
from mezon.testing.records import HOUSEKEEPING, Sent
from mezon.testing.world import BOT_ID, CHANNEL, DM, GROUP, THREAD, Channel, Clan, User, World
from mezon.traces import Record, Trace, read_trace

if TYPE_CHECKING:
    from mezon import MezonClient

__all__ = ["Replayed", "Step", "replay", "replay_steps", "world_of"]

#: Seconds that the handlers of an event may take before the next event is sent: one that waits for it would not end.
_SETTLE_TIMEOUT: Final = 2.0
_POLL: Final = 0.002
#: The type of a channel by the mode of its messages.
_TYPES: Final = {2: CHANNEL, 3: GROUP, 4: DM, 6: THREAD}


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded event, and what the bot did before the next one.

    Attributes:
        record: The event.
        sent: What the bot sent, without joins and heartbeats.
    """

    record: Record
    sent: list[Sent]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The outcome of a replay.

    Attributes:
        trace: The trace.
        steps: Each event with what the bot did.
        errors: What handlers raised, with the name of the event.
    """

    trace: Trace
    steps: list[Step]
    errors: list[tuple[BaseException, str]] = field(default_factory=list)

    @property
    def sent(self) -> list[Sent]:
        """Everything that the bot sent."""
        return [sent for step in self.steps for sent in step.sent]

    @property
    def texts(self) -> list[str]:
        """The texts of the messages that the bot sent."""
        return [sent.text for sent in self.sent if sent.is_a("message") or sent.is_a("ephemeral")]


def world_of(trace: Trace) -> World:
    """Return a world with the clans, channels and users of the events of a trace."""
    world = World(User(trace.bot_id or BOT_ID, "bot", is_bot=True), populate=False)
    for record in trace.events():
        envelope = record.envelope()
        event = getattr(envelope, record.event)
        clan_id, channel_id = (int(getattr(event, name, 0) or 0) for name in ("clan_id", "channel_id"))
        user_id = int(getattr(event, "sender_id", 0) or getattr(event, "user_id", 0) or 0)
        if user_id and user_id not in world.users:
            world.users[user_id] = User(user_id, str(getattr(event, "username", "") or user_id))
        if clan_id and clan_id not in world.clans:
            world.clans[clan_id] = Clan(clan_id, f"clan {clan_id}", member_ids={world.bot.id})
        if clan_id and user_id:
            world.clans[clan_id].member_ids.add(user_id)
        if channel_id and channel_id not in world.channels:
            kind = _TYPES.get(int(getattr(event, "mode", 2)), CHANNEL)
            label = str(getattr(event, "channel_label", "") or channel_id)
            members = [] if clan_id else [user_id]
            world.channels[channel_id] = Channel(
                channel_id, label, clan_id, kind, not clan_id, member_ids=members
            )
    return world


async def replay(trace: Trace | str | PathLike[str], bot: Target | str = "bot.py") -> Replayed:
    """Let a bot handle the events of a trace, in order.

    Args:
        trace: The trace or its file.
        bot: The bot's file or module, with ``:name`` if it has several clients.

    Raises:
        TraceError: The file is not a trace.
        BotError: The bot cannot be found or imported.
    """
    found = trace if isinstance(trace, Trace) else read_trace(trace)
    outcome = Replayed(found, [])
    async for step in replay_steps(found, bot, outcome.errors):
        outcome.steps.append(step)
    return outcome


async def replay_steps(
    trace: Trace, bot: Target | str, errors: list[tuple[BaseException, str]] | None = None
) -> AsyncIterator[Step]:
    """Yield each event of a trace when the bot has handled it.

    Args:
        trace: The trace.
        bot: The bot.
        errors: What handlers raise is appended to it.
    """
    world = world_of(trace)
    gateway = LocalGateway(bot_id=world.bot.id, world=world, echo_own_messages=False)
    async with gateway, running_bot(bot, gateway) as client:
        if errors is not None:
            _collect_errors(client, errors)
        await _settle(client, 0)
        taken = len(gateway.sent)
        for record in trace.events():
            before = _received(client)
            await gateway.push_raw(record.envelope().SerializeToString())
            await _settle(client, before + 1)
            sent, taken = gateway.sent[taken:], len(gateway.sent)
            yield Step(record, [one for one in sent if one.kind not in HOUSEKEEPING])


def _collect_errors(client: MezonClient, errors: list[tuple[BaseException, str]]) -> None:
    manager = client.event_manager
    before = manager.on_handler_error

    def report(name: str, error: Exception) -> None:
        errors.append((error, name))
        if before is not None:
            before(name, error)

    manager.on_handler_error = report


def _received(client: MezonClient) -> int:
    return sum(client.stats().events.values())


async def _settle(client: MezonClient, received: int) -> None:
    """Wait until this many events have arrived and their handlers have ended."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _SETTLE_TIMEOUT
    while loop.time() < deadline:
        await asyncio.sleep(_POLL)
        stats = client.stats()
        if _received(client) >= received and not stats.queued and not stats.handlers:
            return
