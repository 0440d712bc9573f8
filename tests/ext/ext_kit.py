"""What the tests of `mezon.ext` share."""

from __future__ import annotations

from mezon.testing import LocalGateway
from waiting import until

__all__ = ["ANSWER", "answer_to", "last_message", "silence_after", "until"]

ANSWER = "channel_message_send"


async def answer_to(gateway: LocalGateway, text: str, user: str = "alice", **options: object) -> str:
    """What the bot says to a text."""
    await gateway.say("general", user, text, **options)  # type: ignore[arg-type]
    return str((await gateway.next_sent(ANSWER)).text)


async def silence_after(gateway: LocalGateway, *texts: str, user: str = "alice") -> None:
    """The bot says nothing to these: what comes next is the answer to another command."""
    for text in texts:
        await gateway.say("general", user, text)
    assert await answer_to(gateway, "!ping", user) == "pong"


def last_message(gateway: LocalGateway, channel: str = "general") -> int:
    """The id of the bot's last message."""
    mine = [m for m in gateway.world.messages(channel) if m.sender_id == gateway.bot_id]
    return int(mine[-1].message_id)
