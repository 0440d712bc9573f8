"""What things are called at the broker: subjects, streams, consumers, buckets, headers; for relay and worker.

Everything of a bot begins with ``mezon.<bot id>``, so that permissions can be given by subject.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from mezon.errors import InvalidArgumentError

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


#: The callers with subjects of their own; no worker may have these names.
RELAY: Final = "relay"
OPERATOR: Final = "operator"

#: What a name may be: one token of a subject.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_token(text: str) -> bool:
    """Return whether a text can be one token of a subject: letters, digits, ``-`` and ``_``, 64 at most."""
    return _TOKEN.fullmatch(text) is not None


def are_tokens(text: str) -> bool:
    """Return whether every part of a subject can be a token, as `is_token` has it."""
    return all(is_token(token) for token in text.split("."))


def check_worker_name(name: str) -> str:
    """Return a worker's name if it can be one.

    Raises:
        InvalidArgumentError: If it cannot.
    """
    if not is_token(name) or name in (RELAY, OPERATOR):
        raise InvalidArgumentError(
            f"{name!r} is no name for a worker: use letters, digits, - and _, 64 at most, and not "
            f"{RELAY!r} or {OPERATOR!r}"
        )
    return name


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

    def call(self, caller: str, what: str) -> str:
        """Return the subject of a call to the relay.

        Who calls stands in the subject, where the permissions of NATS prove it.

        Args:
            caller: The operator, or a worker: its name, a dot, and what distinguishes this process.
            what: The kind of call: socket, http, store, session, interest; of the operator: replay.
        """
        if caller == OPERATOR:
            return f"{self.root}.{OPERATOR}.{what}"
        return f"{self.root}.call.{caller}.{what}"

    @property
    def call_subjects(self) -> tuple[str, ...]:
        """Every call: of workers, and of the operator."""
        return f"{self.root}.call.*.*.*", f"{self.root}.{OPERATOR}.*"

    def called(self, subject: str) -> tuple[str, str]:
        """Return the caller and the kind of a call, from its subject."""
        caller, _, what = subject.removeprefix(f"{self.root}.").rpartition(".")
        return caller.removeprefix("call."), what

    def inbox(self, owner: str) -> str:
        """Return the prefix of the subjects on which one client is answered: the relay, the operator, a worker."""
        return f"{self.root}.inbox.{owner}"

    def is_answerable(self, caller: str, reply: str) -> bool:
        """Return whether a reply subject belongs to the caller, so that the relay may publish to it."""
        prefix = f"{self.inbox(caller)}."
        return reply.startswith(prefix) and are_tokens(reply[len(prefix) :])

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
