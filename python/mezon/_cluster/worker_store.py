"""A worker's message store: the relay's, by calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mezon._cluster.packets import Packet
from mezon.errors import InvalidArgumentError
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from mezon._cluster.relay_client import Courier
    from mezon.models import ChannelMessage

logger = get_logger("mezon.cluster")

#: Seconds one question to the store may take.
_PATIENCE = 30.0


class WorkerStore:
    """See :class:`mezon.ports.MessageStore`. The relay feeds it with every message, whether or not a worker sees it.

    Args:
        courier: The way to the relay; waits until the worker is connected.
    """

    def __init__(self, courier: Callable[[], Any]) -> None:
        self._courier = courier
        self.on_error: Callable[[Exception], object] | None = None

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do nothing: no trouble is told from here, the relay logs the troubles of its store."""

    def accept(self, body: bytes) -> None:
        """Do nothing: the relay has it already."""

    def came(self, channel_id: int, message_id: int) -> bool:
        """Say no, for it is not known here; storing a message twice does no harm."""
        return False

    async def save_message(self, message: ChannelMessage | Mapping[str, Any]) -> None:
        """Store a message. Nobody waits for the relay: it is there when a later question comes."""
        from mezon.messages._row import json_text

        row = message if isinstance(message, Mapping) else message.to_db_dict()
        await self._tell(Packet({"method": "save"}, json_text(dict(row)).encode()))

    async def update_message(
        self,
        message_id: int | str,
        channel_id: int | str,
        content: Any,
        mentions: Any = None,
        attachments: Any = None,
    ) -> None:
        """Change a message as an edit does."""
        from mezon.messages._row import json_text

        change = {"content": content, "mentions": mentions, "attachments": attachments}
        values = {"method": "update", "message_id": str(message_id), "channel_id": str(channel_id)}
        await self._tell(Packet(values, json_text(change).encode()))

    async def get_message_by_id(self, message_id: int | str, channel_id: int | str) -> ChannelMessage | None:
        """Give the message, or None."""
        answer = await self._ask("get", message_id=str(message_id), channel_id=str(channel_id))
        if not answer.body:
            return None
        from mezon.models import ChannelMessage

        return ChannelMessage.model_validate_json(answer.body, by_name=True)

    async def get_messages_by_channel(
        self, channel_id: int | str, limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Give a channel's messages as dicts, newest first."""
        return list(
            (await self._ask("list", channel_id=str(channel_id), limit=limit, offset=offset)).values["found"]
        )

    async def search_messages(
        self, text: str, channel_id: int | str | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """Give messages with every word of ``text``, newest first."""
        channel = None if channel_id is None else str(channel_id)
        return list((await self._ask("search", text=text, channel_id=channel, limit=limit)).values["found"])

    async def delete_message(self, message_id: int | str, channel_id: int | str) -> bool:
        """Remove a message; True if there was one."""
        answer = await self._ask("delete", message_id=str(message_id), channel_id=str(channel_id))
        return bool(answer.values["found"])

    async def clear_channel_messages(self, channel_id: int | str) -> int:
        """Remove a channel's messages and return their number."""
        return int((await self._ask("clear", channel_id=str(channel_id))).values["found"])

    async def get_message_count(self, channel_id: int | str | None = None) -> int:
        """Count the number of messages stored, of a channel or of all."""
        channel = None if channel_id is None else str(channel_id)
        return int((await self._ask("count", channel_id=channel)).values["found"])

    async def flush(self) -> bool:
        """Wait until all that the relay has stored is safe."""
        return bool((await self._ask("flush")).values["found"])

    async def close(self) -> None:
        """Do nothing: the store is the relay's."""

    def stats(self) -> Mapping[str, Any]:
        """Count nothing here."""
        return {}

    async def _tell(self, packet: Packet) -> None:
        courier: Courier = await self._courier()
        try:
            await courier.tell("store", packet)
        except InvalidArgumentError as error:
            # The message itself was sent: only the store of the relay does without it.
            logger.warning("A message is not stored: %s", error)

    async def _ask(self, method: str, **values: Any) -> Packet:
        courier: Courier = await self._courier()
        return await courier.ask(
            "store", Packet({"method": method, **values}), _PATIENCE, "the message store", harmless=True
        )
