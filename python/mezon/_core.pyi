"""The Rust core as Python sees it."""

from __future__ import annotations

from typing import final

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
