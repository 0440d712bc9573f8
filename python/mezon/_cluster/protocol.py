"""What relay and workers agree on: subjects, streams, buckets, headers, and the encoding of calls and their answers.

Every subject of a bot begins with ``mezon.<bot id>``, so that permissions can be granted by subject.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from mezon.errors import (
    AuthenticationError,
    ConnectionLostError,
    DeliveryUnknownError,
    ForkError,
    InvalidArgumentError,
    MessageStoreError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    NotLoggedInError,
    ServerError,
)
from mezon.ports import AnswerTooLongError, HttpAnswer, HttpFailure, SessionRefusedError

# ---- version

#: The version of what docs/guide/many-machines-protocol.md describes. Relay and workers of adjacent versions work
#: together, so a subject, a header or a field is removed one version after nothing uses it any more.
PROTOCOL: Final = 2

#: The version of relays and workers that announce none.
_UNANNOUNCED: Final = 1


class VersionSkewError(MezonError):
    """Relay and worker speak versions of the protocol that are not adjacent, so they do not work together."""


def announced_protocol(value: object) -> int:
    """Return the version that the other side announces in a header or a field."""
    try:
        return int(str(value))
    except ValueError:
        return _UNANNOUNCED


def check_skew(relay: int, worker: int) -> None:
    """Check that two versions of the protocol work together.

    Raises:
        VersionSkewError: They do not.
    """
    if abs(relay - worker) > 1:
        older = "worker" if worker < relay else "relay"
        raise VersionSkewError(
            f"the relay speaks version {relay} of the protocol of many machines and the worker version {worker}, and "
            f"only adjacent versions work together: upgrade the {older} first"
        )


# ---- headers

#: The version of the protocol that the caller speaks.
VERSION: Final = "Mezon-Protocol"

#: The id of an event, by which the stream drops duplicates.
MESSAGE_ID: Final = "Nats-Msg-Id"

#: The id of a call: a handler that runs again and repeats the call gets the cached answer.
CALL_KEY: Final = "Mezon-Call-Key"

#: The call may have been made before: its answer may be in the bucket of answers. Of an event: it may have been
#: published before.
REPEATED: Final = "Mezon-Repeated"

#: Seconds the caller waits, counted from the arrival of the call: a duration, because the clocks of two machines
#: differ.
TIMEOUT: Final = "Mezon-Timeout"

#: The caller; of a dead event, the process that dead-lettered it.
WORKER: Final = "Mezon-Worker"

#: The part of an answer that is larger than a message, as "1/3".
PART: Final = "Mezon-Part"

# ---- names

#: Partitions of a new stream. The number is fixed when the stream is created.
DEFAULT_PARTITIONS: Final = 64

#: The only priority group of a partition's consumer.
GROUP: Final = "owner"

#: Names reserved for callers that are not workers.
RELAY: Final = "relay"
OPERATOR: Final = "operator"

#: A name that is one token of a subject.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_token(text: str) -> bool:
    """Return whether a text can be one token of a subject: up to 64 letters, digits, ``-`` and ``_``."""
    return _TOKEN.fullmatch(text) is not None


def are_tokens(text: str) -> bool:
    """Return whether every token of a subject satisfies `is_token`."""
    return all(is_token(token) for token in text.split("."))


def check_worker_name(name: str) -> str:
    """Return a worker's name if it is valid.

    Raises:
        InvalidArgumentError: The name is not a token, or is reserved.
    """
    if not is_token(name) or name in (RELAY, OPERATOR):
        raise InvalidArgumentError(
            f"{name!r} is no name for a worker: use letters, digits, - and _, 64 at most, and not "
            f"{RELAY!r} or {OPERATOR!r}"
        )
    return name


def partition_of(key: int, partitions: int) -> int:
    """Return the partition of a channel, clan or user id. The result must never change between versions."""
    digest = blake2b(key.to_bytes(8, "big", signed=True), digest_size=8).digest()
    return int.from_bytes(digest, "big") % partitions


def error_text(error: BaseException) -> str:
    """Return an error's text, or the name of its class if the text is empty."""
    return str(error) or type(error).__name__


@dataclass(frozen=True, slots=True)
class Names:
    """The subjects, streams and buckets of one bot.

    Attributes:
        bot: The bot's id.
    """

    bot: int

    @property
    def root(self) -> str:
        """The prefix of every subject."""
        return f"mezon.{self.bot}"

    # ---- events

    @property
    def events(self) -> str:
        """The stream of events."""
        return f"MEZON_{self.bot}_EVENTS"

    @property
    def event_subjects(self) -> str:
        """All subjects of the stream of events."""
        return f"{self.root}.ev.>"

    def event(self, partition: int, name: str) -> str:
        """Return the subject of an event of a partition; ``name`` is the envelope field."""
        return f"{self.root}.ev.{partition}.{name}"

    def consumer(self, partition: int) -> str:
        """Return the durable consumer of a partition."""
        return f"partition-{partition}"

    def partition_subjects(self, partition: int) -> str:
        """Return all subjects of a partition."""
        return f"{self.root}.ev.{partition}.>"

    @property
    def dead(self) -> str:
        """The stream of dead events."""
        return f"MEZON_{self.bot}_DEAD"

    def dead_event(self, name: str) -> str:
        """Return the subject of a dead event."""
        return f"{self.root}.dead.{name}"

    @property
    def dead_subjects(self) -> str:
        """All subjects of the stream of dead events."""
        return f"{self.root}.dead.>"

    # ---- calls

    def call(self, caller: str, kind: str) -> str:
        """Return the subject of a call to the relay. It contains the caller, which the permissions of NATS prove.

        Args:
            caller: The operator, or a worker: its name, a dot, and the id of the process.
            kind: socket, http, store, session, directory or interest; replay for the operator.
        """
        if caller == OPERATOR:
            return f"{self.root}.{OPERATOR}.{kind}"
        return f"{self.root}.call.{caller}.{kind}"

    @property
    def call_subjects(self) -> tuple[str, ...]:
        """The subjects of all calls: those of workers, and those of the operator."""
        return f"{self.root}.call.*.*.*", f"{self.root}.{OPERATOR}.*"

    def parse_call(self, subject: str) -> tuple[str, str]:
        """Return the caller and the kind of a call from its subject."""
        caller, _, kind = subject.removeprefix(f"{self.root}.").rpartition(".")
        return caller.removeprefix("call."), kind

    def inbox(self, owner: str) -> str:
        """Return the prefix of the reply subjects of one client: the relay, the operator or a worker."""
        return f"{self.root}.inbox.{owner}"

    def is_reply_subject_of(self, caller: str, reply: str) -> bool:
        """Return whether a reply subject belongs to the caller, so that the relay may publish to it."""
        prefix = f"{self.inbox(caller)}."
        return reply.startswith(prefix) and are_tokens(reply[len(prefix) :])

    @property
    def state(self) -> str:
        """The subject on which the relay publishes its state."""
        return f"{self.root}.state"

    def shared(self, name: str) -> str:
        """Return the subject of an event that every worker gets for its caches; ``name`` is the envelope field."""
        return f"{self.root}.shared.{name}"

    @property
    def shared_subjects(self) -> str:
        """All subjects of the events for the workers' caches."""
        return f"{self.root}.shared.*"

    def direct(self, partition: int, name: str) -> str:
        """Return the subject of a copy of an event, for workers that wait for a user of another partition."""
        return f"{self.root}.direct.{partition}.{name}"

    @property
    def direct_subjects(self) -> str:
        """All subjects of the copies of events."""
        return f"{self.root}.direct.*.*"

    # ---- buckets

    @property
    def members(self) -> str:
        """The bucket of the workers' heartbeats."""
        return f"MEZON_{self.bot}_WORKERS"

    @property
    def lock(self) -> str:
        """The bucket of the relay's lock."""
        return f"MEZON_{self.bot}_RELAY"

    @property
    def answers(self) -> str:
        """The bucket of cached answers."""
        return f"MEZON_{self.bot}_ANSWERS"

    @property
    def notes(self) -> str:
        """The bucket of what a relay or a partition's owner leaves for its successor."""
        return f"MEZON_{self.bot}_NOTES"

    @property
    def state_bucket(self) -> str:
        """The bucket of the bot's durable state (`mezon.ext.state`)."""
        return f"MEZON_{self.bot}_STATE"


# ---- packets

_LENGTH: Final = 4


@dataclass(frozen=True, slots=True)
class Packet:
    """A call or its answer: named values encoded as JSON, and a binary body.

    Attributes:
        values: The named values.
        body: An encoded message, or the body of an HTTP request or answer.
    """

    values: dict[str, Any] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Encode the packet."""
        values = json.dumps(self.values, separators=(",", ":")).encode()
        return len(values).to_bytes(_LENGTH, "big") + values + self.body

    @classmethod
    def decode(cls, data: bytes) -> Packet:
        """Decode a packet.

        Raises:
            ValueError: The bytes are not a packet.
        """
        length = int.from_bytes(data[:_LENGTH], "big")
        if len(data) < _LENGTH + length:
            raise ValueError("the packet is truncated")
        values = json.loads(data[_LENGTH : _LENGTH + length])
        if not isinstance(values, dict):
            raise ValueError("the values of the packet are not an object")
        return cls(values, data[_LENGTH + length :])


#: The errors that ports raise, by the name they are sent under. The caller gets the same class.
_ERRORS: Final[dict[str, type[MezonError]]] = {
    kind.__name__: kind
    for kind in (
        AuthenticationError,
        ConnectionLostError,
        DeliveryUnknownError,
        ForkError,
        InvalidArgumentError,
        MessageStoreError,
        MezonConnectionError,
        MezonError,
        MezonTimeoutError,
        NotLoggedInError,
        SessionRefusedError,
        VersionSkewError,
    )
}

#: Value of an answer: the relay was no longer in charge and did not make the call.
_NOT_IN_CHARGE: Final = "not_in_charge"


class NotInChargeError(MezonConnectionError):
    """This relay is no longer in charge and did not make the call. The caller asks the next relay."""

    def __init__(self) -> None:
        super().__init__("not sent: this relay is no longer in charge")


#: Errors that are only raised before anything is sent. Timeouts and HTTP failures carry this information themselves.
_NEVER_SENT: Final = frozenset(
    {"MezonConnectionError", "NotLoggedInError", "InvalidArgumentError", "VersionSkewError"}
)


def encode_error(error: BaseException) -> Packet:
    """Encode an error. An error that no port raises becomes a `MezonError` without the original text."""
    if isinstance(error, ServerError):
        values = {"code": error.code, "message": error.message, "context": error.context, "call": error.call}
        return Packet({"error": "ServerError", "text": str(error), **values})
    if isinstance(error, HttpFailure):
        values = {"reason": error.reason, "sent": error.sent, "lasting": error.lasting}
        return Packet({"error": "HttpFailure", "text": str(error), **values})
    if isinstance(error, AnswerTooLongError):
        values = encode_answer(error.answer).values
        return Packet({"error": "AnswerTooLongError", "text": str(error), **values})
    if not isinstance(error, MezonError):
        text = f"the relay failed: {type(error).__name__}; see the relay's log"
        return Packet({"error": "MezonError", "text": text})
    kind = next(one.__name__ for one in type(error).__mro__ if one.__name__ in _ERRORS)
    values = {"error": kind, "text": str(error)}
    if isinstance(error, MezonTimeoutError):
        return Packet({**values, "sent": error.sent})
    if isinstance(error, NotInChargeError):
        return Packet({**values, _NOT_IN_CHARGE: True})
    return Packet(values)


def must_ask_next_relay(packet: Packet) -> bool:
    """Return whether the relay did not make the call because it was no longer in charge."""
    return packet.values.get(_NOT_IN_CHARGE) is True


def was_sent(packet: Packet) -> bool:
    """Return whether the call behind an answer may have reached Mezon. Otherwise it can be made again."""
    values = packet.values
    if values.get("error") in _NEVER_SENT:
        return False
    return bool(values.get("sent", True))


def decode_error(packet: Packet) -> MezonError | None:
    """Decode the error of a packet; None if the packet is an answer."""
    values = packet.values
    kind = values.get("error")
    if kind is None:
        return None
    text = str(values.get("text", ""))
    match kind:
        case "ServerError":
            error = ServerError(values["code"], values["message"], values["context"], call=values["call"])
            error.args = (text,)
            return error
        case "HttpFailure":
            return HttpFailure(text, reason=values["reason"], sent=values["sent"], lasting=values["lasting"])
        case "AnswerTooLongError":
            return AnswerTooLongError(text, decode_answer(packet))
        case "MezonTimeoutError":
            return MezonTimeoutError(text, sent=bool(values.get("sent", True)))
        case _:
            return _ERRORS.get(kind, MezonError)(text)


def encode_answer(answer: HttpAnswer) -> Packet:
    """Encode an HTTP answer."""
    values = {"status": answer.status, "reason": answer.reason, "headers": dict(answer.headers)}
    return Packet(values, answer.body)


def decode_answer(packet: Packet) -> HttpAnswer:
    """Decode an HTTP answer."""
    values = packet.values
    return HttpAnswer(values["status"], values["reason"], _Headers(values["headers"]), packet.body)


class _Headers(dict[str, str]):
    """HTTP headers with case-insensitive names."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in given.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header, or the default."""
        return super().get(name.lower(), default)
