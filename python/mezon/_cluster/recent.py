"""What a worker's channels said lately: the encoded messages, decoded when somebody asks."""

from __future__ import annotations

from collections import OrderedDict, deque


class Recent:
    """The last messages of the channels heard last.

    Args:
        per_channel: Messages of a channel; 0 for none.
        channels: Channels; 0 for none.
    """

    def __init__(self, per_channel: int, channels: int) -> None:
        self._per_channel = per_channel
        self._channels = channels
        self._bodies: OrderedDict[int, deque[bytes]] = OrderedDict()

    def add(self, channel: int, body: bytes) -> None:
        """Remember a message."""
        if not self._per_channel or not self._channels:
            return
        known = self._bodies.get(channel)
        if known is None:
            known = self._bodies[channel] = deque(maxlen=self._per_channel)
            if len(self._bodies) > self._channels:
                self._bodies.popitem(last=False)
        self._bodies.move_to_end(channel)
        known.append(body)

    def take(self, channel: int) -> list[bytes]:
        """Take what came since it was last taken, oldest first."""
        return list(self._bodies.pop(channel, ()))
