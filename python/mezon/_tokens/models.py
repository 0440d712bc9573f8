"""Requests and answers of the node and of the proof service."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mezon._core import EphemeralKeyPair


def _text(value: Any) -> Any:
    return "" if value is None else value


def _key_pair(value: Any) -> Any:
    return EphemeralKeyPair(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]
"""A string; null is read as an empty string."""


class TransferType(str, Enum):  # noqa: UP042 (str() of a member stays as it was)
    """The purpose of a transfer."""

    GIVE_COFFEE = "give_coffee"
    TRANSFER_TOKEN = "transfer_token"
    UNLOCK_ITEM = "unlock_item"


class ZkClientType(str, Enum):  # noqa: UP042
    """The kind of client that asks for a proof."""

    MEZON = "mezon"
    OAUTH = "oauth"


class _Model(BaseModel):
    """Builds its schema on first use: a login uses three of these models."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)


class ExtraInfo(_Model):
    """Additional data of a transfer. Further keys are allowed; every value is sent as a string."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow")

    type: str
    ItemId: Any = None
    ItemType: Any = None
    ClanId: Any = None
    UserSenderId: int | str = 0
    UserSenderUsername: Text = ""
    UserReceiverId: int | str | None = None
    ChannelId: Any = None
    MessageRefId: Any = None
    ExtraAttribute: Any = None

    def to_dict(self) -> dict[str, str]:
        """Return the values that are set, as strings, in the order they are sent."""
        return {name: str(value) for name, value in self.model_dump().items() if value is not None}


class SendTransactionRequest(_Model):
    """A transfer to sign and send.

    ``sender`` and ``recipient`` are user ids for ``send_transaction`` and addresses for
    ``send_transaction_by_address``. ``amount`` is the scaled decimal string. ``timestamp`` is in
    milliseconds. ``private_key`` accepts a key as a string or an ``EphemeralKeyPair`` and stores the pair:
    the key itself appears neither in the repr nor in validation errors or dumps.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True, hide_input_in_errors=True)

    sender: int | str
    recipient: int | str
    amount: str
    nonce: int
    private_key: Annotated[EphemeralKeyPair, BeforeValidator(_key_pair)] = Field(repr=False)
    public_key: str = ""
    zk_proof: str = Field(default="", repr=False)
    zk_pub: str = Field(default="", repr=False)
    timestamp: int | None = None
    text_data: str | None = ""
    extra_info: ExtraInfo | None = None


class AddTxResponse(_Model):
    """The node's answer to a transfer.

    ``ok`` is whether the node accepted it; otherwise ``error`` is the reason, often JSON with ``code`` and
    ``message``. ``tx_hash`` is empty if the transfer was accepted but the answer with the hash was lost.
    """

    ok: bool
    tx_hash: Text = ""
    error: Text = ""


class GetCurrentNonceResponse(_Model):
    """A recent slot number. A transfer uses ``nonce + 1`` and must arrive within about a minute."""

    address: Text = ""
    nonce: int
    tag: Text = ""
    error: Text = ""


class GetAccountByAddressResponse(_Model):
    """An account at the node. ``balance`` is a scaled decimal string: divide by ``10 ** decimals``."""

    address: str
    balance: str
    nonce: int
    decimals: int


class ZkProof(_Model):
    """The proof that a key pair belongs to a session. It is valid as long as the pair."""

    proof: str
    public_input: str


class MmnClientConfig(_Model):
    """The address of the node. ``timeout`` is in milliseconds, for one request."""

    base_url: str
    timeout: int = 30000
    headers: dict[str, str] | None = Field(default=None, repr=False)


class ZkClientConfig(_Model):
    """The address of the proof service. ``timeout`` is in milliseconds, for one request."""

    endpoint: str
    timeout: int = 30000
    headers: dict[str, str] | None = Field(default=None, repr=False)
