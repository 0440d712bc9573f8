"""The Rust core as Python sees it."""

import builtins
from collections.abc import Callable
from os import PathLike
from typing import Any, Final, final

from mezon._gateway.codec import PlanSpec

#: The version of the distribution.
__version__: str
#: True for an unoptimised build, which is several times slower.
debug_build: bool
#: How the reason of a loss begins when the server had fallen silent.
SILENT: str

class GatewayError(Exception):
    """The core could not take an order. ``args`` are a kind and a text.

    Kinds: not_connected, connected, too_many, forked, no_resources.
    """

@final
class ItemKind:
    """The kinds of what ``Gateway.drain`` gives: tuples (kind, key, value)."""

    #: An event: key is its tag, value the model, or bytes without a plan.
    EVENT: Final[int]
    #: An answer: key is the call, value (tag, model).
    REPLY: Final[int]
    #: A raw API answer: key is the call, value the bytes.
    RAW: Final[int]
    #: A call that gets no answer: key is the call, value (a ``FailureKind``, detail, code).
    FAILED: Final[int]
    #: Another state: key is the generation, value (state, reason).
    STATE: Final[int]
    #: A session is wanted: key is the generation, value the attempt.
    SESSION_WANTED: Final[int]
    #: The connection is back: key is the generation, value (lost at, back at) in seconds since the epoch.
    RECONNECTED: Final[int]
    #: Frames came that cannot be read: key is how many so far, value what was wrong with the last one.
    MALFORMED: Final[int]
    #: Something went wrong with a thing of this batch, and with it alone: key is its tag, value the exception.
    BROKEN: Final[int]
    #: A record for the logger of the core: key is its level, value the text.
    LOG: Final[int]

@final
class FailureKind:
    """Why a call got no answer: the first of an ``ItemKind.FAILED``'s value."""

    #: No answer came within the deadline, though it was sent.
    TIMEOUT: Final[str]
    #: Its turn did not come within the deadline.
    NOT_SENT: Final[str]
    #: The connection was lost after it was sent.
    DELIVERY_UNKNOWN: Final[str]
    #: The client was closed before it was sent.
    CLOSED: Final[str]
    #: The server has refused it: detail is its message, code its code.
    REFUSED: Final[str]
    #: The answer is longer than ``max_raw``.
    TOO_LONG: Final[str]
    #: The answer cannot be read.
    MALFORMED: Final[str]

@final
class Plan:
    """How one message of the schema becomes an instance of one class, or a dict.

    Args:
        spec: A ``mezon._gateway.codec.PlanSpec``.

    Raises:
        TypeError: If the spec is none, or its model no pydantic model.
        ValueError: If the schema has no such message or field.
    """

    def __new__(cls, spec: PlanSpec) -> Plan: ...
    @property
    def message(self) -> str:
        """The full name of the message."""
    def decode(self, body: bytes) -> Any:
        """Build the instance from an encoded message. A ValueError for none, and for one with lists without end."""
    def receive(self, body: bytes) -> Any:
        """Build it as ``Gateway.drain`` does, with what is left for later decoded when read; raises as ``decode``."""
    def encode(self, value: Any) -> bytes:
        """Encode a mapping, or an object's attributes, by the plan's names; None and zeros are left out.

        Raises:
            TypeError, OverflowError, ValueError: A value does not fit its field.
        """

@final
class LazyDict:
    """The ``__dict__`` of a class whose instances may be decoded later: whoever reads it gets all of it."""

    def __new__(cls) -> LazyDict: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...
    def __set__(self, instance: Any, value: Any, /) -> None: ...
    def __delete__(self, instance: Any, /) -> None: ...

@final
class LazyField:
    """A field that may not be decoded yet; reading one of the looks, or one that is ``alone``, decodes no other."""

    def __new__(cls, name: str, alone: bool = False) -> LazyField: ...
    def __get__(self, instance: Any, owner: Any = None, /) -> Any: ...

_Use = Callable[[Any], object]

@final
class Senders:
    """What messages have shown of their senders, ``most`` of them: all are forgotten when there are more."""

    def __new__(cls, most: int) -> Senders: ...
    def news(self, message: Any, use_channel: _Use, use_user: _Use) -> tuple[bool, bool, bool] | None:
        """Say if channel, sender, looks are new, None if none is; an id is used, with KeyError if not there."""
    def forget(self, sender: int) -> None:
        """Forget a sender."""

def sender_looks(message: Any) -> tuple[str, str, str, str, str]:
    """Give username, display name, nick in the clan, avatar, and avatar in the clan, as a message shows them."""

@final
class EventFilter:
    """A filter of the events of an envelope field, made from its JSON text; see ``mezon.filters``."""

    def __new__(cls, event: str, spec: str) -> EventFilter: ...
    def matches(self, body: bytes) -> bool | None:
        """Say whether an event of this encoded body matches; None when Python has to look at the event itself."""

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
class Gateway:
    """A connection to a Mezon gateway, driven by the core's own thread; ``drain`` brings what happened.

    Args:
        options: By the names of ``gateway_options``; what is missing has its default.
        notify: Called on a thread of its own when there is something to drain, for loops that watch no descriptor.
        store: Where messages go before anybody hears of them.

    Raises:
        ValueError: If an option is unknown, or a span is no number of seconds.
        GatewayError: ``no_resources`` when the system grants no descriptor or no thread.
    """

    def __new__(
        cls,
        options: dict[str, Any] | None = None,
        notify: Callable[[], object] | None = None,
        store: Any = None,
    ) -> Gateway: ...
    def fileno(self) -> int:
        """Give the descriptor to watch for reading, or -1 when ``notify`` is called instead."""
    def clear_wake(self) -> None:
        """Make ``fileno()`` unreadable until there is something. Raises ``GatewayError`` (``forked``) in a child."""
    def drain(self, max: int) -> tuple[list[tuple[int, int, Any]], bool]:
        """Take up to `max` events and all answers, oldest first, as ``ItemKind`` says, and whether there are more.

        What goes wrong with one of them is an item of its own. When there are no more, the wake-up is armed.
        """
    def connect(self, urls: list[str], auto_reconnect: bool) -> None:
        """Open the connection; its progress comes by ``drain``.

        The URLs are tried in order; the scheme names the transport: ws, wss, tcp, tcps.

        Raises:
            GatewayError: ``connected`` while there is one, ``forked`` in a forked child, ``no_resources`` when the
                system grants no thread or no descriptor.
        """
    def set_log_level(self, level: int) -> None:
        """Have what the core does told by ``ItemKind.LOG``, from this level of ``logging`` on; 255 for nothing."""
    def call(self, tag: int, body: bytes, timeout: float, hold: bool = False) -> int:
        """Queue an encoded message in the envelope field `tag`; gives the number its answer will carry.

        Raises:
            GatewayError: ``not_connected``, ``too_many`` or ``forked``.
        """
    def call_with(self, tag: int, plan: Plan, value: Any, timeout: float, hold: bool = False) -> int:
        """Encode by a plan and queue, in one step. Raises what ``call`` and ``Plan.encode`` do."""
    def flush(self) -> None:
        """Have the calls sent that were queued with `hold`: else they go with the next order, or when 16 wait."""
    def set_own_id(self, id: int) -> None:
        """Say who the bot is: what it sends is then kept like what it receives, before its answer is drained."""
    def cancel(self, call: int) -> None:
        """Forget a call that nobody waits for any more. One that was not sent yet will not be."""
    def provide_session(self, generation: int, urls: list[str]) -> None:
        """Answer an ``ItemKind.SESSION_WANTED`` of that generation with the URLs to try, in order."""
    def refuse_session(self, generation: int, fatal: bool, reason: str) -> None:
        """Answer it with a no; `fatal` ends the attempts."""
    def renew_lease(self, left: float) -> None:
        """Let calls go out for so many seconds from now on, and no longer until this is said again."""
    def close(self) -> bool:
        """Begin to close; a state ``closed`` says when it is done. False when there is no connection."""
    def reconnect(self) -> bool:
        """Give up the connection, or the wait for the next attempt. False when there is neither."""
    def ping(self) -> bool:
        """Measure the round trip now, for ``latency``. False when there is no connection and none is being made."""
    def want(self, tag: int, wanted: bool) -> None:
        """Hand events of a tag out, or count and drop them."""
    def take_recent(self, channel: int) -> list[Any]:
        """Take the messages of a channel that came since it was last asked, oldest first."""
    def set_filter(self, tag: int, filter: EventFilter | None) -> None:
        """Have events of a tag looked at by a filter from now on, or by none."""
    def set_plan(self, tag: int, plan: Plan) -> None:
        """Decode events and answers of a tag by a plan from now on.

        Raises:
            RuntimeError: If the tag has one.
            ValueError: If there is no such tag.
        """
    @property
    def state(self) -> str:
        """idle, authenticating, connecting, joining, ready, backoff or closed."""
    @property
    def latency(self) -> float | None:
        """The last round trip of a ping in seconds; None before the first."""
    def stats(self) -> dict[str, Any]:
        """Give all counters by name, the inbox's depth, and ``events``: how many of each came, by field name."""

def gateway_options() -> list[tuple[str, str, Any, str]]:
    """Give every option of the connection: name, type, default, what it is for."""

def schema_fields(message: str) -> list[tuple[int, str, str, str, bool]]:
    """Give the fields of a message, by ``mezon._gateway.codec.SchemaField``. Raises ``ValueError`` if there is none."""

def schema_messages() -> list[str]:
    """Give the full names of all messages of the schema."""

def schema_zero(message: str, field: str) -> Any:
    """Give the zero of a field's type. Raises ``ValueError`` if the schema has no such field."""

def peek_envelope(frame: bytes) -> tuple[int, int, bytes]:
    """Give what the core reads of a frame without decoding it: cid, tag, body. Raises ``ValueError`` for none."""

# crypto: keys, base58 and addresses for token transfers

@final
class EphemeralKeyPair:
    """An Ed25519 key pair for signing token transfers.

    The private half stays in Rust, is wiped when the object goes, and leaves it only by reading
    ``private_key``. Takes the hexadecimal text of a key: as the Mezon SDKs write it, as correct PKCS#8, or
    the bare 32-byte seed.

    Raises:
        InvalidArgumentError: The text is no such key, or ``public_key`` is not its public half.
    """

    def __new__(cls, private_key: str, public_key: str | None = None) -> EphemeralKeyPair: ...
    @classmethod
    def generate(cls) -> EphemeralKeyPair:
        """Make a new pair from the randomness of the operating system."""
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
        """Give the 64 bytes of the signature of a message."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> EphemeralKeyPair: ...
    def __deepcopy__(self, _memo: object) -> EphemeralKeyPair: ...

def base58_encode(data: bytes) -> str:
    """Write bytes as base58, in the alphabet of Bitcoin."""

def base58_decode(text: str) -> bytes:
    """Give the bytes of a base58 text. Raises ``InvalidArgumentError`` for a letter that base58 does not use."""

def address_of(user_id: str) -> str:
    """Give the address of a user: base58 of the SHA-256 of the id."""

def is_address(text: str) -> bool:
    """Say whether a text decodes to the 32 bytes of an address."""

def search_file(
    path: str | PathLike[str], text: str, channel_id: int | None, limit: int
) -> builtins.list[dict[str, Any]]:
    """Search a file that no store of the process has open, as ``Store.search`` does, and change nothing.

    Without an index, or where the index ends, the rows are read. Columns are text, by their names in the table.

    Raises:
        sqlite3.Error: If the file cannot be read as a message store.
    """

def close_stores(timeout: float) -> bool:
    """Flush and close every store of the process, for up to `timeout` seconds; True when nothing is missing."""

def before_fork(timeout: float) -> bool:
    """Close the files of all stores, as they are, for a fork; nobody opens one again until ``after_fork``.

    Waits up to `timeout` seconds for those who read and write, without the GIL. False when somebody still does.
    """

def after_fork(child: bool) -> None:
    """Let the stores go on: in the parent once for each ``before_fork``, or in the child."""

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
    """End the connection of these statements; an open transaction is undone."""

@final
class Store:
    """A message cache: a memory layer over SQLite, written by a thread of its own.

    ``get``, ``list``, ``search``, ``count``, ``delete``, ``clear``, ``flush`` and ``close`` may wait for the disk;
    they let go of the GIL. The others do not wait.

    Args:
        path: The file; ``:memory:`` keeps everything in the process.
        max_messages: About how many rows the file holds. None: no bound.
        max_age: Seconds; rows created longer ago are removed. None: no bound.
        memory_messages_per_channel: Messages of a channel kept in memory as well.
        memory_channels: Of how many channels, the ones used last.
        memory_bytes: How many bytes all that may take.
        on_trouble: Called with (kind, text) on the writer's thread.
            Kinds: unwritable, corrupt, moved, recovered, lost, defect.

    Raises:
        ValueError: If ``max_age`` is no number of seconds above zero.
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
        """Take an encoded ``mezon.api.ChannelMessage``; codes 1 and 2 change and remove."""
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
        """Take a row: ids as numbers, lists and content as JSON text."""
    def update(self, channel_id: int, message_id: int, content: str, mentions: str, attachments: str) -> None:
        """Change a message as an edit does. Lists as JSON text."""
    def peek(self, channel_id: int, message_id: int) -> bytes | dict[str, Any] | None:
        """Give the message if it is in memory: its payload as bytes, or a row as a dict."""
    def get(self, channel_id: int, message_id: int) -> bytes | dict[str, Any] | None:
        """Give the message from memory or from the file. Waits."""
    def list(self, channel_id: int, limit: int, offset: int) -> builtins.list[dict[str, Any]]:
        """Fetch a channel's rows, newest first. Waits."""
    def search(self, text: str, channel_id: int | None, limit: int) -> builtins.list[dict[str, Any]]:
        """Give the newest rows with every word of the text; 32 words count. Waits."""
    def count(self, channel_id: int | None = None) -> int:
        """Count the number of rows, of one channel or of all. Waits."""
    def delete(self, channel_id: int, message_id: int) -> bool:
        """Remove a message; True if there was one. Waits."""
    def clear(self, channel_id: int) -> int:
        """Remove a channel's messages and return their number. Waits."""
    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until all that was accepted is committed; True when it is."""
    def close(self, timeout: float) -> bool:
        """Flush and close the file; the next write opens it again. Waits up to `timeout` seconds.

        Waits for a file that another process has locked. What the file has not taken in time is dropped and reported to
        ``on_trouble`` with the kind ``lost``. False if something is missing in the file.
        """
    @property
    def backlog(self) -> tuple[int, int]:
        """Messages and bytes accepted and not yet committed."""
    def stats(self) -> dict[str, Any]:
        """Give the counts since the store was made; ``longest_commit`` in seconds."""
