"""A bot that notes what it hears, with settings that reconnect at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mezon import Disconnect, Gap, GapOptions, GatewayOptions, MezonClient
from mezon.models import ChannelMessage
from mezon.testing import LocalGateway
from waiting import until

#: Reconnects without a pause worth speaking of, so that a test waits for events and not for clocks.
QUICK = {"backoff_base": 0.01, "backoff_max": 0.05, "rejoin_timeout": 5.0}

#: Holds live messages for longer than any history takes on a busy machine, for tests of the order.
PATIENT = GapOptions(timeout=60.0)


class Bot(MezonClient):
    """A client that notes what it hears."""

    def __init__(self, gateway: LocalGateway, settings: dict[str, Any] | None = None, **options: Any) -> None:
        settings = {**QUICK, "ca_file": gateway.ca_file, **(settings or {})}
        super().__init__(**{**gateway.client_options(), "gateway": GatewayOptions(**settings), **options})
        self.heard: list[ChannelMessage] = []
        self.gaps: list[Gap] = []
        self.lost: list[Disconnect] = []
        self.readies = 0
        self.on_channel_message(self._hear)
        self.on_reconnected(self.gaps.append)
        self.on_disconnect(self.lost.append)
        self.on_ready(self._ready)

    def _hear(self, message: ChannelMessage) -> None:
        self.heard.append(message)

    def _ready(self, client: MezonClient) -> None:
        self.readies += 1

    @property
    def texts(self) -> list[str]:
        """The texts heard, in order."""
        return [message.content.get("t", "") for message in self.heard]

    async def until_back(self, times: int = 1) -> None:
        """Wait for that many reconnects since the login."""
        await until(lambda: len(self.gaps) >= times, lambda: f"{times} reconnects; state {self.state}")

    async def until_heard(self, *texts: str) -> None:
        """Wait until these texts were heard."""
        await until(lambda: set(texts) <= set(self.texts), lambda: f"{texts}; heard {self.texts[-5:]}")


def in_order(bot: Bot) -> bool:
    """Did each channel's messages come in the order of their ids?"""
    newest: dict[int, int] = {}
    for message in bot.heard:
        if message.message_id <= newest.get(message.channel_id, 0):
            return False
        newest[message.channel_id] = message.message_id
    return True


def twice(bot: Bot) -> list[int]:
    """The ids of messages heard more than once."""
    counts = Counter(message.message_id for message in bot.heard)
    return [number for number, count in counts.items() if count > 1]


async def away(gateway: LocalGateway, bot: Bot, *said: tuple[str, str]) -> None:
    """Lose the connection, let users send messages, and reconnect. A channel may be ``@`` and a user: a DM."""
    back = len(bot.gaps) + 1
    await gateway.stop()
    for channel, text in said:
        if channel.startswith("@"):
            await gateway.say_dm(channel[1:], text)
        else:
            await gateway.say(channel, "alice", text)
    await gateway.start()
    await bot.until_back(back)
