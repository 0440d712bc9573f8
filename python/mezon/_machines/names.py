"""What things are called at the broker: subjects, streams, consumers, buckets, headers; for relay and worker.

Everything of a bot begins with ``mezon.<bot id>``, so that permissions can be given by subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

#: What identifies an event: the stream drops a second one, a worker tells the relay for whom it calls.
MESSAGE_ID: Final = "Nats-Msg-Id"

#: A call's identity: a repeated handler that calls again gets the remembered answer.
CALL_KEY: Final = "Mezon-Call-Key"

#: Seconds the caller still waits, counted from the arrival of the call: a duration, because the clocks of two machines
#: differ.
TIMEOUT: Final = "Mezon-Timeout"

#: Of an answer that does not fit into one message: which part this is, and how many there are, as "1/3".
PART: Final = "Mezon-Part"

#: Partitions of a new stream. It is fixed when the stream is made.
DEFAULT_PARTITIONS: Final = 64

#: The one priority group of a partition's consumer.
GROUP: Final = "owner"


def partition_of(key: int, partitions: int) -> int:
    """Give the partition of a channel, clan or user. The same in every process and version: it must never change."""
    digest = blake2b(key.to_bytes(8, "big", signed=True), digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one bot.

    Attributes:
        bot: The bot's id.
    """

    bot: int

    @property
    def root(self) -> str:
        """The first words of every subject of the bot."""
        return f"mezon.{self.bot}"

    # ---- events

    @property
    def events(self) -> str:
        """The stream of events."""
        return f"MEZON_{self.bot}_EVENTS"

    @property
    def event_subjects(self) -> str:
        """Every subject of the stream of events."""
        return f"{self.root}.ev.>"

    def event(self, partition: int, name: str) -> str:
        """Give the subject of an event of a partition; ``name`` is the envelope's field."""
        return f"{self.root}.ev.{partition}.{name}"

    def consumer(self, partition: int) -> str:
        """Give the durable consumer of a partition."""
        return f"partition-{partition}"

    def partition_subjects(self, partition: int) -> str:
        """Give every event of a partition."""
        return f"{self.root}.ev.{partition}.>"

    @property
    def dead(self) -> str:
        """The stream of events that no worker could finish."""
        return f"MEZON_{self.bot}_DEAD"

    def dead_event(self, name: str) -> str:
        """Give the subject of a dead event."""
        return f"{self.root}.dead.{name}"

    @property
    def dead_subjects(self) -> str:
        """Every subject of the stream of dead events."""
        return f"{self.root}.dead.>"

    # ---- calls

    def call(self, what: str) -> str:
        """Give the subject of calls to the relay: socket, http, store or session."""
        return f"{self.root}.call.{what}"

    @property
    def call_subjects(self) -> str:
        """Every call."""
        return f"{self.root}.call.*"

    @property
    def state(self) -> str:
        """Where the relay tells the state of the connection."""
        return f"{self.root}.state"

    # ---- buckets

    @property
    def members(self) -> str:
        """The bucket of the living workers."""
        return f"MEZON_{self.bot}_WORKERS"

    @property
    def lock(self) -> str:
        """The bucket of the one relay that is in charge."""
        return f"MEZON_{self.bot}_RELAY"

    @property
    def answers(self) -> str:
        """The bucket of the answers that are remembered."""
        return f"MEZON_{self.bot}_ANSWERS"

    @property
    def notes(self) -> str:
        """The bucket of what a relay leaves for the next one."""
        return f"MEZON_{self.bot}_NOTES"
