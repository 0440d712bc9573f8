"""Transfers in the format of the node: validated, serialized and signed once."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from mezon._core import EphemeralKeyPair, base58_encode, is_address
from mezon._tokens.models import ExtraInfo
from mezon.errors import InvalidArgumentError

DECIMALS = 6
"""Decimal places of a token at the node."""

_LARGEST_AMOUNT = 2**256 - 1
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class TxType(IntEnum):
    """The kind of key that signs a transfer."""

    TRANSFER = 0
    """An ephemeral key, with a proof that it belongs to the sender."""
    PRIVATE_KEY = 1
    """The key from which the sender's address is derived; used by faucets."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transfer and its signature. The node identifies the transfer by ``signed``, the signed bytes."""

    tx_msg: dict[str, Any]
    signed: bytes
    signature: str

    def params(self) -> dict[str, Any]:
        """Return the parameters of ``tx.addtx``."""
        return {"tx_msg": self.tx_msg, "signature": self.signature}


def scale_amount(amount: int | str, decimals: int = DECIMALS) -> str:
    """Return ``amount`` times ``10 ** decimals`` as a decimal string.

    Raises:
        InvalidArgumentError: If the amount is not a whole number. A float is refused even if it is whole,
            because it may have lost digits.
    """
    if isinstance(decimals, bool) or not isinstance(decimals, int) or decimals < 0:
        raise InvalidArgumentError(f"decimals must be a whole number >= 0, not {decimals!r}")
    if isinstance(amount, str):
        if not _DIGITS.fullmatch(amount):
            raise InvalidArgumentError(f"an amount of tokens must be a whole number, not {amount!r}")
        amount = int(amount)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise InvalidArgumentError(f"an amount of tokens must be an int, not {amount!r}")
    return str(amount * 10**decimals)


def check_amount(amount: str) -> None:
    """Validate a scaled amount.

    Raises:
        InvalidArgumentError: If the node would refuse it: zero, negative, not a number or out of range.
    """
    if not _DIGITS.fullmatch(amount):
        raise InvalidArgumentError(f"an amount to send must be a positive whole number, not {amount!r}")
    if not 0 < int(amount) <= _LARGEST_AMOUNT:
        raise InvalidArgumentError(f"an amount to send must be > 0 and <= 2**256 - 1, not {amount}")


def check_addresses(sender: str, recipient: str) -> None:
    """Validate the addresses of a transfer.

    Raises:
        InvalidArgumentError: If one is not an address, or both are the same.
    """
    if not is_address(sender):
        raise InvalidArgumentError("Invalid sender address: expected base58 of 32 bytes")
    if not is_address(recipient):
        raise InvalidArgumentError("Invalid recipient address: expected base58 of 32 bytes")
    if sender == recipient:
        raise InvalidArgumentError("Sender and recipient addresses cannot be the same")


def sign_transaction(
    key_pair: EphemeralKeyPair,
    *,
    tx_type: TxType,
    sender: str,
    recipient: str,
    amount: str,
    nonce: int,
    text_data: str | None = None,
    extra_info: ExtraInfo | None = None,
    zk_proof: str = "",
    zk_pub: str = "",
    timestamp: int | None = None,
) -> SignedTransaction:
    """Validate and sign a transfer between two addresses.

    The node's format excludes the timestamp (milliseconds) and the proof from the signature.

    Raises:
        InvalidArgumentError: If the node would refuse the transfer.
    """
    check_addresses(sender, recipient)
    check_amount(amount)
    message: dict[str, Any] = {
        "type": int(tx_type),
        "sender": sender,
        "recipient": recipient,
        "amount": amount,
        "timestamp": timestamp or int(time.time() * 1000),
        "text_data": text_data or "",
        "nonce": nonce,
        "extra_info": json.dumps(extra_info.to_dict()) if extra_info else "",
        "zk_proof": zk_proof,
        "zk_pub": zk_pub,
    }
    covered = ("type", "sender", "recipient", "amount", "text_data", "nonce", "extra_info")
    try:
        signed = "|".join(str(message[name]) for name in covered).encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            "the note of a transfer contains a lone surrogate: send valid Unicode text"
        ) from None
    raw = key_pair.sign(signed)
    if tx_type is TxType.PRIVATE_KEY:
        return SignedTransaction(message, signed, base58_encode(raw))
    envelope = {"PubKey": _base64(key_pair.public_key_bytes), "Sig": _base64(raw)}
    return SignedTransaction(message, signed, base58_encode(json.dumps(envelope).encode()))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
