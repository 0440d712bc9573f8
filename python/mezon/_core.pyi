"""The interface of the Rust core."""

import builtins
from collections.abc import Callable
from os import PathLike
from typing import Any, Final, final

from mezon._gateway.codec import PlanSpec

#: The version of the distribution.
__version__: str
#: True for an unoptimised build, which is several times slower.
debug_build: bool
#: The beginning of the reason of a loss due to a silent server.
SILENT: str

class GatewayError(Exception):
    """The core rejected a command. ``args`` are a kind and a text.

    Kinds: not_connected, connected, too_many, forked, no_resources.
    """

@final
class ItemKind:
    """The kinds of the tuples (kind, key, value) that ``Gateway.drain`` returns."""

    #: An event: the key is its tag, the value the model, or bytes without a plan.
    EVENT: Final[int]
    #: An answer: the key is the call, the value (tag, model).
    REPLY: Final[int]
    #: A raw API answer: the key is the call, the value its bytes.
    RAW: Final[int]
    #: A call that gets no answer: the key is the call, the value (a ``FailureKind``, detail, code).
    FAILED: Final[int]
    #: A new state: the key is the generation, the value (state, reason).
    STATE: Final[int]
    #: A request for a session: the key is the generation, the value the attempt.
    SESSION_WANTED: Final[int]
    #: The connection is ready again: the key is the generation, the value (lost at, back at), seconds since the epoch.
    RECONNECTED: Final[int]
    #: Malformed frames: the key is their number so far, the value the latest error.
    MALFORMED: Final[int]
    #: An error with one item of this batch: the key is its tag, the value the exception.
    BROKEN: Final[int]
    #: A record for the logger of the core: the key is its level, the value the text.
    LOG: Final[int]
    #: Consecutive events of a tag that is delivered in lists: the key is the tag, the value the list.
    EVENTS: Final[int]

@final
class FailureKind:
    """Why a call got no answer: the first element of the value of ``ItemKind.FAILED``."""

    #: The call was sent, but no answer arrived before the deadline.
    TIMEOUT: Final[str]
    #: The deadline passed before the call was sent.
    NOT_SENT: Final[str]
    #: The connection was lost after the call was sent.
    DELIVERY_UNKNOWN: Final[str]
    #: The client was closed before the call was sent.
    CLOSED: Final[str]
    #: The server has refused the call: detail is its message, code its code.
    REFUSED: Final[str]
    #: The answer is longer than ``max_raw``.
    TOO_LONG: Final[str]
    #: The answer is malformed.
    MALFORMED: Final[str]

@final
class Plan:
    """How a message of the schema becomes an instance of a class, or a dict.

    Args:
        spec: A ``mezon._gateway.codec.PlanSpec``.

    Raises:
        TypeError: If the spec is invalid, or its model is not a pydantic model.
        ValueError: If the schema has no such message or field.
    """

    def __new__(cls, spec: PlanSpec) -> Plan: ...
    @property
    def message(self) -> str:
        """The full name of the message."""
    def decode(self, body: bytes) -> Any:
        """Build the instance from an encoded message. Raises ``ValueError`` if it is malformed or too long."""
    def receive(self, body: bytes) -> Any:
        """Build the instance as ``Gateway.drain`` does, decoding lazy fields on access; raises as ``decode``."""
    def encode(self, value: Any) -> bytes:
        """Encode a mapping, or an object's attributes, by the plan's names; None and zeros are omitted.

        Raises:
            TypeError, OverflowError, ValueError: A value does not fit its field.
        """

@final
class LazyDict:
    """The ``__dict__`` descriptor of a class with lazy instances: reading it decodes the instance."""

    def __new__(cls) -> LazyDict: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...
    def __set__(self, instance: Any, value: Any, /) -> None: ...
    def __delete__(self, instance: Any, /) -> None: ...

@final
class LazyField:
    """A descriptor of a lazy field; reading a profile field, or one that is ``alone``, decodes no other field."""

    def __new__(cls, name: str, alone: bool = False) -> LazyField: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

_Use = Callable[[Any], object]

@final
class Senders:
    """The profiles of up to ``most`` senders; all are forgotten when there are more."""

    def __new__(cls, most: int) -> Senders: ...
    def notify_diff(
        self,
        use_channel: _Use,
        use_user: _Use,
        on_diff: Callable[[Any, bool, bool, bool], object],
        message: Any,
    ) -> None:
        """Call `on_diff` with the message and whether its channel, sender and profile are new, if any of them is.

        A missing id raises KeyError in `use_channel` and `use_user`.
        """
    def forget(self, sender: int) -> None:
        """Forget a sender."""

def sender_profile(message: Any) -> tuple[str, str, str, str, str]:
    """Return username, display name, clan nick, avatar and clan avatar of the sender of a message."""

@final
class EventFilter:
    """A filter of the events of an envelope field, created from its JSON text; see ``mezon.filters``."""

    def __new__(cls, event: str, spec: str) -> EventFilter: ...
    def matches(self, body: bytes) -> bool | None:
        """Return whether an event with this encoded body matches; None if only Python can decide."""

@final
class TextFilter:
    """The predicate of a filter on the text of a message.

    Args:
        how: ``prefix``, ``contains``, ``equals`` or ``regex``.
        words: The words, or one regular expression.
        fold: Whether case is ignored.
    """

    def __new__(cls, how: str, words: list[str], fold: bool) -> TextFilter: ...
    def matches(self, text: str) -> bool:
        """Return whether a text matches."""

@final
class Recorder:
    """The latest frames of a connection and the latest HTTP exchanges of a client.

    Args:
        max_bytes: The maximum size of all records.
        max_age: The maximum age of a record in seconds.

    Raises:
        ValueError: If ``max_age`` is not a number of seconds.
    """

    def __new__(cls, max_bytes: int, max_age: float) -> Recorder: ...
    def add_http(self, body: bytes) -> None:
        """Record an HTTP exchange."""

    def records(self) -> tuple[list[tuple[float, str, bytes]], int]:
        """Return the records, oldest first: seconds since the epoch, kind, body; and how many were dropped so far."""

@final
class Gateway:
    """A connection to a Mezon gateway, driven by the core's own thread; ``drain`` returns its reports.

    Args:
        options: By the names of ``gateway_options``; missing ones have their defaults.
        notify: Called on a thread of its own when there is something to drain, for loops that watch no descriptor.
        store: Receives every message before it is delivered.
        recorder: Records every frame.

    Raises:
        ValueError: If an option is unknown, or a duration is not a number of seconds.
        GatewayError: ``no_resources`` if the system provides no descriptor or no thread.
    """

    def __new__(
        cls,
        options: dict[str, Any] | None = None,
        notify: Callable[[], object] | None = None,
        store: Any = None,
        recorder: Recorder | None = None,
    ) -> Gateway: ...
    def fileno(self) -> int:
        """Return the descriptor to watch for reading, or -1 if ``notify`` is called instead."""
    def clear_wake(self) -> None:
        """Make ``fileno()`` unreadable until the next report. Raises ``GatewayError`` (``forked``) in a child."""
    def drain(self, max: int) -> tuple[list[tuple[int, int, Any]], bool]:
        """Return up to `max` events and all answers, oldest first, as ``ItemKind`` says, and whether there are more.

        An error with one of them is an item of its own. The waker is armed if there are no more.
        """
    def connect(self, urls: list[str], auto_reconnect: bool) -> None:
        """Open the connection; ``drain`` reports its progress.

        The URLs are tried in order; the scheme names the transport: ws, wss, tcp, tcps.

        Raises:
            GatewayError: ``connected`` if there is a connection, ``forked`` in a forked child, ``no_resources`` if the
                system provides no thread or no descriptor.
        """
    def set_log_level(self, level: int) -> None:
        """Log records from this level of ``logging`` on as ``ItemKind.LOG``; 255 disables the log."""
    def call(self, tag: int, body: bytes, timeout: float, hold: bool = False) -> int:
        """Queue an encoded message in the envelope field `tag` and return the id that its answer will have.

        Raises:
            GatewayError: ``not_connected``, ``too_many`` or ``forked``.
        """
    def call_with(self, tag: int, plan: Plan, value: Any, timeout: float, hold: bool = False) -> int:
        """Encode a value by a plan and queue it, in one step. Raises what ``call`` and ``Plan.encode`` do."""
    def flush(self) -> None:
        """Queue the held calls; otherwise the next command does, or the sixteenth held call."""
    def set_own_id(self, id: int) -> None:
        """Set the bot's id: sent messages are then recorded like received ones, before their answers are drained."""
    def cancel(self, call: int) -> None:
        """Discard the answer of a call. A call that was not sent yet will not be sent."""
    def provide_session(self, generation: int, urls: list[str]) -> None:
        """Answer an ``ItemKind.SESSION_WANTED`` of that generation with the URLs to try, in order."""
    def refuse_session(self, generation: int, fatal: bool, reason: str) -> None:
        """Answer an ``ItemKind.SESSION_WANTED``: there is no session; `fatal` ends the attempts."""
    def renew_lease(self, left: float) -> None:
        """Allow calls to be sent for `left` seconds from now on, and no longer unless the lease is renewed."""
    def close(self) -> bool:
        """Start closing the connection; the state ``closed`` reports the end. False if there is no connection."""
    def reconnect(self) -> bool:
        """Drop the connection, or skip the delay before the next attempt. False if there is neither."""
    def ping(self) -> bool:
        """Measure the round trip now, for ``latency``. False if there is no connection."""
    def want(self, tag: int, wanted: bool) -> None:
        """Deliver the events of a tag, or count and drop them."""
    def take_recent(self, channel: int) -> list[Any]:
        """Remove and return the messages of a channel that arrived since the last call, oldest first."""
    def deliver_lists(self, tag: int, lists: bool) -> None:
        """Deliver consecutive events of a tag as a list (``ItemKind.EVENTS``), or one by one."""
    def set_filter(self, tag: int, filter: EventFilter | None) -> None:
        """Set or remove the filter of a tag."""
    def set_plan(self, tag: int, plan: Plan) -> None:
        """Decode the events and answers of a tag by a plan from now on.

        Raises:
            RuntimeError: If the tag has a plan already.
            ValueError: If the tag is invalid.
        """
    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first."""
    def stats(self) -> dict[str, Any]:
        """Return all counters by name, the depth of the inbox, and ``events`` received by field name."""

def gateway_options() -> list[tuple[str, str, Any, str]]:
    """Return every option of the connection: name, type, default, description."""

def schema_fields(message: str) -> list[tuple[int, str, str, str, bool]]:
    """Return the fields of a message as ``SchemaField`` of the codec. Raises ``ValueError`` for an unknown message."""

def schema_messages() -> list[str]:
    """Return the full names of all messages of the schema."""

def schema_zero(message: str, field: str) -> Any:
    """Return the zero of a field's type. Raises ``ValueError`` if the schema has no such field."""

def peek_envelope(frame: bytes) -> tuple[int, int, bytes]:
    """Return cid, tag and body of a frame without decoding it. Raises ``ValueError`` if it is malformed."""

# crypto: keys, base58 and addresses for token transfers

@final
class EphemeralKeyPair:
    """An Ed25519 key pair for signing token transfers.

    The private key stays in Rust, is wiped when the object is dropped, and is exposed only by
    ``private_key``. Accepts the hexadecimal text of a key: in the format of the Mezon SDKs, as correct PKCS#8,
    or the bare 32-byte seed.

    Raises:
        InvalidArgumentError: If the text is not such a key, or ``public_key`` does not belong to it.
    """

    def __new__(cls, private_key: str, public_key: str | None = None) -> EphemeralKeyPair: ...
    @classmethod
    def generate(cls) -> EphemeralKeyPair:
        """Generate a pair from the operating system's random numbers."""
    @property
    def private_key(self) -> str:
        """The private key as hexadecimal text, as the Mezon SDKs exchange it."""
    @property
    def public_key(self) -> str:
        """The public key in base58."""
    @property
    def public_key_bytes(self) -> bytes:
        """The 32 bytes of the public key."""
    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature of a message."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> EphemeralKeyPair: ...
    def __deepcopy__(self, _memo: object) -> EphemeralKeyPair: ...

def base58_encode(data: bytes) -> str:
    """Encode bytes as base58 in Bitcoin's alphabet."""

def base58_decode(text: str) -> bytes:
    """Decode a base58 text. Raises ``InvalidArgumentError`` for a letter that base58 does not use."""

def address_of(user_id: str) -> str:
    """Give the address of a user: base58 of the SHA-256 of the id."""

def is_address(text: str) -> bool:
    """Return whether a text decodes to the 32 bytes of an address."""

def search_file(
    path: str | PathLike[str], text: str, channel_id: int | None, limit: int
) -> builtins.list[dict[str, Any]]:
    """Search a file that no store of the process has open, as ``Store.search`` does, without changing it.

    Rows that are not in the index are read. Returns the columns as text, by their names in the table.

    Raises:
        sqlite3.Error: If the file cannot be read as a message store.
    """

def close_stores(timeout: float) -> bool:
    """Flush and close every store of the process, for up to `timeout` seconds; True if nothing is missing."""

def before_fork(timeout: float) -> bool:
    """Close the files of all stores as they are before a fork; they remain closed until ``after_fork``.

    Waits up to `timeout` seconds for readers and writers, without the GIL. False if one of them is still active.
    """

def after_fork(child: bool) -> None:
    """Resume the stores: in the parent once per ``before_fork``, or in the child."""

def sql_execute(
    store: Store, text: str, values: list[Any], begin: bool
) -> tuple[list[str] | None, list[Any], int | None, int]:
    """Execute one statement on a store's file once for each of `values`, in a transaction if `begin`.

    Returns:
        The names of the columns or None, the rows as tuples, the number of rows changed or None, the last row id.

    Raises:
        sqlite3.Error: As Python's sqlite3 does.
    """

def sql_script(store: Store, text: str) -> None:
    """Execute several statements on a store's file. Raises ``sqlite3.Error``."""

def sql_in_transaction(store: Store) -> bool:
    """Whether a transaction begun by `sql_execute` or `sql_script` is open."""

def sql_close(store: Store) -> None:
    """Close the connection of these statements; an open transaction is rolled back."""

@final
class Store:
    """A message cache: a memory layer over SQLite, written by a thread of its own.

    ``get``, ``list``, ``search``, ``count``, ``delete``, ``clear``, ``create``, ``flush`` and ``close`` may block on
    the disk and release the GIL. The other methods do not block.

    Args:
        path: The file; ``:memory:`` keeps everything in the process.
        max_messages: The approximate maximum number of rows. None for no bound.
        max_age: Seconds; rows created longer ago are removed. None for no bound.
        memory_messages_per_channel: Messages of a channel kept in memory as well.
        memory_channels: The number of channels kept in memory, the most recently used ones.
        memory_bytes: The maximum size of the memory layer in bytes.
        on_trouble: Called with (kind, text) on the writer's thread.
            Kinds: unwritable, corrupt, moved, recovered, lost, defect.

    Raises:
        ValueError: If ``max_age`` is not a positive number of seconds.
    """

    def __new__(
        cls,
        path: str | PathLike[str],
        *,
        max_messages: int | None = None,
        max_age: float | None = None,
        memory_messages_per_channel: int = 200,
        memory_channels: int = 1000,
        memory_bytes: int = 16_777_216,
        on_trouble: Callable[[str, str], object] | None = None,
    ) -> Store: ...
    def accept(self, body: bytes) -> None:
        """Accept an encoded ``mezon.api.ChannelMessage``; codes 1 and 2 edit and remove."""
    def save_row(
        self,
        message_id: int,
        channel_id: int,
        clan_id: int | None,
        sender_id: int | None,
        content: str,
        mentions: str,
        attachments: str,
        reactions: str,
        references: str,
        topic_id: int | None,
        create_time_seconds: int | None,
    ) -> None:
        """Accept a row: ids as numbers, lists and content as JSON text."""
    def update(self, channel_id: int, message_id: int, content: str, mentions: str, attachments: str) -> None:
        """Apply an edit to a message. Lists as JSON text."""
    def peek(self, channel_id: int, message_id: int) -> bytes | dict[str, Any] | None:
        """Return the message if it is in memory: its payload as bytes, or a row as a dict."""
    def get(self, channel_id: int, message_id: int) -> bytes | dict[str, Any] | None:
        """Return the message from memory or from the file. Blocks."""
    def list(self, channel_id: int, limit: int, offset: int) -> builtins.list[dict[str, Any]]:
        """Return a channel's rows, newest first. Blocks."""
    def search(self, text: str, channel_id: int | None, limit: int) -> builtins.list[dict[str, Any]]:
        """Return the newest rows that contain every word of the text, up to 32 words. Blocks."""
    def count(self, channel_id: int | None = None) -> int:
        """Count the rows of one channel or of all. Blocks."""
    def delete(self, channel_id: int, message_id: int) -> bool:
        """Remove a message. Returns whether there was one. Blocks."""
    def clear(self, channel_id: int) -> int:
        """Remove a channel's messages and return their number. Blocks."""
    def create(self, timeout: float) -> bool:
        """Create the file and its table if the file is missing, and commit everything that was accepted.

        Returns whether that succeeded. Blocks up to `timeout` seconds.
        """
    def flush(self, timeout: float) -> bool:
        """Commit everything that was accepted. Returns whether that succeeded. Blocks up to `timeout` seconds."""
    def close(self, timeout: float) -> bool:
        """Flush and close the file; the next write opens it again. Blocks up to `timeout` seconds.

        Waits for a file that another process has locked. What is not written in time is dropped and reported to
        ``on_trouble`` with the kind ``lost``. False if something is missing in the file.
        """
    @property
    def backlog(self) -> tuple[int, int]:
        """Messages and bytes accepted and not yet committed."""
    def stats(self) -> dict[str, Any]:
        """Return the statistics since the store was created; ``longest_commit`` in seconds."""
