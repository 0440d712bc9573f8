"""The Rust core as Python sees it."""

import builtins
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, final

__version__: str
debug_build: bool

class GatewayError(Exception):
    """The core could not take an order. ``args`` are a kind and a text.

    Kinds: not_connected, connected, too_many, forked.
    """

@final
class Plan:
    """How one message of the schema becomes an instance of one class, or a dict."""

    def __new__(
        cls,
        message: str,
        model: type | None,
        template: dict[str, Any],
        given: set[str],
        fields: Sequence[tuple[str, list[str], Any]],
        fresh_lists: list[str],
        fresh_dicts: list[str],
        whole: tuple[str, Plan] | None = None,
    ) -> Plan: ...
    @property
    def message(self) -> str: ...
    def decode(self, body: bytes) -> Any: ...
    def encode(self, value: Any) -> bytes: ...

@final
class Gateway:
    """A connection to a Mezon gateway, driven by the core's own thread; ``drain`` brings what happened."""

    def __new__(
        cls,
        options: dict[str, Any] | None = None,
        notify: Callable[[], object] | None = None,
        store: Any = None,
    ) -> Gateway: ...
    def fileno(self) -> int: ...
    def clear_wake(self) -> None: ...
    def drain(self, max: int) -> tuple[list[tuple[int, int, Any]], bool]: ...
    def connect(self, url: str, auto_reconnect: bool) -> None: ...
    def call(self, tag: int, body: bytes, timeout: float) -> int: ...
    def call_with(self, tag: int, plan: Plan, value: Any, timeout: float) -> int: ...
    def cancel(self, call: int) -> None: ...
    def provide_session(self, generation: int, url: str) -> None: ...
    def refuse_session(self, generation: int, fatal: bool, reason: str) -> None: ...
    def close(self) -> bool: ...
    def reconnect(self) -> bool: ...
    def want(self, tag: int, wanted: bool) -> None: ...
    def take_recent(self, channel: int) -> list[Any]: ...
    def set_plan(self, tag: int, plan: Plan) -> None: ...
    @property
    def state(self) -> str: ...
    @property
    def latency(self) -> float | None: ...
    def stats(self) -> dict[str, Any]: ...

def schema_fields(message: str) -> list[tuple[int, str, str, str, bool]]: ...
def schema_messages() -> list[str]: ...
def schema_zero(message: str, field: str) -> Any: ...
def peek_envelope(frame: bytes) -> tuple[int, int, bytes]: ...

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
        """A new pair from the randomness of the operating system."""
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
        """The 64 bytes of the signature of a message."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> EphemeralKeyPair: ...
    def __deepcopy__(self, _memo: object) -> EphemeralKeyPair: ...

def base58_encode(data: bytes) -> str:
    """Base58 of bytes, in the alphabet of Bitcoin."""

def base58_decode(text: str) -> bytes:
    """The bytes of a base58 text.

    Raises:
        InvalidArgumentError: The text has a letter that base58 does not use.
    """

def address_of(user_id: str) -> str:
    """The address of a user: base58 of the SHA-256 of the id."""

def is_address(text: str) -> bool:
    """Whether a text decodes to the 32 bytes of an address."""

def close_stores(timeout: float) -> bool: ...

@final
class Store:
    """A message cache: a memory layer over SQLite, written by a thread of its own.

    ``get``, ``list``, ``search``, ``count``, ``delete``, ``clear``, ``flush`` and ``close`` may wait for the disk;
    they let go of the GIL. The others do not wait.
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
    def accept(self, body: bytes) -> None: ...
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
    ) -> None: ...
    def update(
        self, channel_id: int, message_id: int, content: str, mentions: str, attachments: str
    ) -> None: ...
    def peek(self, channel_id: int, message_id: int) -> bytes | dict[str, Any] | None: ...
    def get(self, channel_id: int, message_id: int) -> bytes | dict[str, Any] | None: ...
    def list(self, channel_id: int, limit: int, offset: int) -> builtins.list[dict[str, Any]]: ...
    def search(self, text: str, channel_id: int | None, limit: int) -> builtins.list[dict[str, Any]]: ...
    def count(self, channel_id: int | None = None) -> int: ...
    def delete(self, channel_id: int, message_id: int) -> bool: ...
    def clear(self, channel_id: int) -> int: ...
    def flush(self, timeout: float) -> bool: ...
    def close(self, timeout: float) -> bool: ...
    @property
    def backlog(self) -> tuple[int, int]: ...
    def stats(self) -> dict[str, Any]: ...
