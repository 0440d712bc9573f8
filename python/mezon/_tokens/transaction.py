"""A transfer as the node wants it: checked, written out and signed once."""

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
"""Digits behind the point of one token at the node."""

_LARGEST_AMOUNT = 2**256 - 1
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


class TxType(IntEnum):
    """How a transfer is signed."""

    TRANSFER = 0
    """By an ephemeral key, with a proof that the key belongs to the sender."""
    PRIVATE_KEY = 1
    """By the key the sender's address is made of; faucets do that."""


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transfer and its signature. ``signed`` are the bytes it covers, by which the node knows it again."""

    tx_msg: dict[str, Any]
    signed: bytes
    signature: str

    def params(self) -> dict[str, Any]:
        """Give the parameters of ``tx.addtx``."""
        return {"tx_msg": self.tx_msg, "signature": self.signature}


def scale_amount(amount: int | str, decimals: int = DECIMALS) -> str:
    """Give the decimal string of ``amount`` times ``10 ** decimals``.

    Raises:
        InvalidArgumentError: The amount is no whole number. A float is refused even if it is whole,
            because it may have lost digits on its way here.
    """
    if isinstance(decimals, bool) or not isinstance(decimals, int) or decimals < 0:
        raise InvalidArgumentError(f"decimals is a whole number from 0, not {decimals!r}")
    if isinstance(amount, str):
        if not _DIGITS.fullmatch(amount):
            raise InvalidArgumentError(f"an amount of tokens is a whole number, not {amount!r}")
        amount = int(amount)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise InvalidArgumentError(f"an amount of tokens is an int, not {amount!r}")
    return str(amount * 10**decimals)


def check_amount(amount: str) -> None:
    """Refuse a scaled amount that the node would refuse: zero, negative, broken or out of range.

    Raises:
        InvalidArgumentError: With what is wrong.
    """
    if not _DIGITS.fullmatch(amount):
        raise InvalidArgumentError(f"an amount to send is a positive whole number, not {amount!r}")
    if not 0 < int(amount) <= _LARGEST_AMOUNT:
        raise InvalidArgumentError(
            f"an amount to send is greater than 0 and at most 2**256 - 1, not {amount}"
        )


def check_addresses(sender: str, recipient: str) -> None:
    """Refuse what is no address, and a transfer to oneself.

    Raises:
        InvalidArgumentError: With what is wrong.
    """
    if not is_address(sender):
        raise InvalidArgumentError("Invalid sender address: it is base58 of 32 bytes")
    if not is_address(recipient):
        raise InvalidArgumentError("Invalid recipient address: it is base58 of 32 bytes")
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
    """Check a transfer between two addresses and sign it.

    The timestamp (milliseconds) and the proof are not covered by the signature; the node dictates that.

    Raises:
        InvalidArgumentError: The node would refuse the transfer.
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
            "the note of a transfer holds half a surrogate pair: send valid text"
        ) from None
    raw = key_pair.sign(signed)
    if tx_type is TxType.PRIVATE_KEY:
        return SignedTransaction(message, signed, base58_encode(raw))
    envelope = {"PubKey": _base64(key_pair.public_key_bytes), "Sig": _base64(raw)}
    return SignedTransaction(message, signed, base58_encode(json.dumps(envelope).encode()))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
