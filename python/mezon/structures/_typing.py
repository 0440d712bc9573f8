"""Showing the bot as typing while it works."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from mezon.errors import MezonError
from mezon.utils.helper import convert_channeltype_to_channel_mode
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from mezon.structures.text_channel import TextChannel

logger = get_logger("mezon.client")

#: Seconds between two signs: apps take somebody for typing no longer than a few seconds.
_AGAIN: Final = 4.0


class Typing:
    """``async with channel.typing(): ...`` tells that the bot is typing, again and again until the block ends.

    A sign that cannot be sent costs nothing but itself.
    """

    def __init__(self, channel: TextChannel) -> None:
        self._channel = channel
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._go_on(), name=f"mezon: typing in {self._channel.id}")
        return self

    async def __aexit__(self, *error: object) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _go_on(self) -> None:
        channel = self._channel
        while True:
            try:
                await channel.socket_manager.get_socket().write_message_typing(
                    channel.clan.id,
                    channel.id,
                    convert_channeltype_to_channel_mode(channel.channel_type),
                    not channel.is_private,
                )
            except MezonError as error:
                logger.debug("The sign of typing in channel %s was not sent: %s", channel.id, error)
            await asyncio.sleep(_AGAIN)
