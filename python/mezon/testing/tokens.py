"""Token transfers: a JSON-RPC node (MMN) with accounts in memory, and a proof service (ZK).

The node checks address, amount, signature, nonce window, duplicates, balance and proof.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from mezon.testing.records import keep

__all__ = ["DECIMALS", "Node", "Transaction", "address_of", "base58_decode", "base58_encode"]

DECIMALS: Final = 6
NONCE_WINDOW: Final = 150
SLOT_SECONDS: Final = 0.4
MEMORY: Final = 10_000
"""Maximum number of remembered transactions and proofs."""

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_INVALID_PARAMS: Final = -32602
_NO_METHOD: Final = -32601


def base58_encode(data: bytes) -> str:
    """Encode bytes as base58 with the Bitcoin alphabet."""
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, rest = divmod(number, 58)
        digits = _ALPHABET[rest] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def base58_decode(text: str) -> bytes:
    """Decode base58 text. Raises ValueError."""
    number = 0
    for letter in text:
        number = number * 58 + _ALPHABET.index(letter)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + body


def address_of(user_id: int | str) -> str:
    """Return the wallet address of a user id."""
    return base58_encode(hashlib.sha256(str(user_id).encode()).digest())


@dataclass(slots=True, frozen=True)
class Transaction:
    """An accepted transfer."""

    sender: str
    recipient: str
    amount: int
    """In millionths of a token."""
    text: str
    nonce: int
    extra_info: str
    tx_hash: str
    message: dict[str, Any] = field(repr=False)
    """The received ``tx_msg``."""
    signature: str = field(repr=False)


@dataclass(slots=True)
class _Account:
    balance: int
    nonce: int = 0


class _Refusal(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.text = json.dumps({"code": code, "message": message})


class Node:
    """The node and the proof service.

    Attributes:
        transactions: The accepted transfers, oldest first.
        opening_balance: Initial balance of an account, in millionths of a token.
        require_proof: Refuse transactions whose proof this service did not issue for that sender and key.
        slot: The initial slot number; it increases every 0.4 s.
    """

    def __init__(self, *, slot: int = 1_000, clock: Any = time.monotonic) -> None:
        self.transactions: list[Transaction] = []
        self.opening_balance = 1_000_000 * 10**DECIMALS
        self.require_proof = True
        self.slot = slot
        self._clock = clock
        self._start: float = clock()
        self._accounts: dict[str, _Account] = {}
        self._seen: dict[bytes, None] = {}
        self._proofs: dict[tuple[str, str], tuple[str, str]] = {}
        self._refusals: list[tuple[str, str]] = []

    def current_slot(self) -> int:
        """Return the current slot number, the result of ``account.getcurrentnonce``."""
        return self.slot + int((self._clock() - self._start) / SLOT_SECONDS)

    def balance(self, who: int | str) -> int:
        """Return the balance of a user id or an address, in millionths of a token."""
        return self._account(self._address(who)).balance

    def set_balance(self, who: int | str, amount: int) -> None:
        """Set the balance of a user id or an address, in millionths of a token."""
        self._account(self._address(who)).balance = amount

    def refuse(self, code: str, message: str, *, times: int = 1) -> None:
        """Refuse the next ``times`` transactions with this code, such as ``mempool_full``."""
        self._refusals += [(code, message)] * times

    # Services

    def rpc(self, request: Any) -> dict[str, Any]:
        """Answer one JSON-RPC 2.0 request object."""
        request_id = request.get("id") if isinstance(request, dict) else None
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request_id}
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            return {**answer, "error": {"code": -32600, "message": "not a JSON-RPC 2.0 request"}}
        params = request.get("params")
        params = params if isinstance(params, dict) else {}
        match request.get("method"):
            case "account.getcurrentnonce" | "account.getaccount" as method:
                address = params.get("address")
                if not isinstance(address, str) or not _is_address(address):
                    return {**answer, "error": {"code": _INVALID_PARAMS, "message": "invalid address"}}
                if method == "account.getaccount":
                    account = self._account(address)
                    result = {
                        "address": address,
                        "balance": str(account.balance),
                        "nonce": account.nonce,
                        "decimals": DECIMALS,
                    }
                else:
                    tag = params.get("tag")
                    if tag not in ("latest", "pending"):
                        return {
                            **answer,
                            "error": {"code": _INVALID_PARAMS, "message": "tag: latest or pending"},
                        }
                    result = {"address": address, "nonce": self.current_slot(), "tag": tag, "error": ""}
            case "tx.addtx":
                message, signature = params.get("tx_msg"), params.get("signature")
                if not isinstance(message, dict) or not isinstance(signature, str):
                    return {**answer, "error": {"code": _INVALID_PARAMS, "message": "tx_msg and signature"}}
                try:
                    result = {"ok": True, "tx_hash": self._add(message, signature), "error": ""}
                except _Refusal as refusal:
                    result = {"ok": False, "tx_hash": "", "error": refusal.text}
            case method:
                return {**answer, "error": {"code": _NO_METHOD, "message": f"no method {method}"}}
        return {**answer, "result": result}

    def prove(self, request: Any) -> dict[str, Any] | None:
        """Answer a ``/prove`` request. None if a key is missing or invalid."""
        if not isinstance(request, dict):
            return None
        key, address, user_id = request.get("ephemeral_pk"), request.get("address"), request.get("user_id")
        if not _is_address(key) or not request.get("jwt") or not isinstance(user_id, int | str):
            return None
        if address != address_of(user_id) or not request.get("client_type"):
            return None
        digest = hashlib.sha256(f"{address}|{key}".encode()).digest()
        proof = base64.b64encode(b"proof" + digest).decode()
        public_input = base64.b64encode(b"input" + digest).decode()
        _limit(self._proofs)
        self._proofs[(str(address), str(key))] = (proof, public_input)
        return {"data": {"proof": proof, "public_input": public_input}}

    def _address(self, who: int | str) -> str:
        return who if isinstance(who, str) and _is_address(who) else address_of(who)

    def _account(self, address: str) -> _Account:
        account = self._accounts.get(address)
        if account is None:
            _limit(self._accounts)
            account = self._accounts[address] = _Account(self.opening_balance)
        return account

    def _add(self, message: dict[str, Any], signature: str) -> str:
        sender, recipient = message.get("sender"), message.get("recipient")
        nonce, amount = message.get("nonce"), str(message.get("amount", ""))
        if not _is_address(sender) or not _is_address(recipient):
            raise _Refusal("invalid_address", "sender or recipient is not an address")
        if not amount.isascii() or not amount.isdecimal() or int(amount) <= 0:
            raise _Refusal("invalid_amount", "amount must be a positive whole number")
        if not isinstance(nonce, int) or isinstance(nonce, bool):
            raise _Refusal("invalid_nonce", "nonce must be a number")
        keys = ("type", "sender", "recipient", "amount", "text_data", "nonce", "extra_info")
        signed = "|".join(str(message.get(key, "")) for key in keys).encode()
        ephemeral_key = _verify(str(sender), signed, signature)
        if self.require_proof and ephemeral_key is not None:
            proof = self._proofs.get((str(sender), base58_encode(ephemeral_key)))
            if proof != (message.get("zk_proof"), message.get("zk_pub")):
                raise _Refusal("invalid_zk_proof", "the proof does not belong to this sender and key")
        if self._refusals:
            raise _Refusal(*self._refusals.pop(0))
        now = self.current_slot()
        if nonce < now - NONCE_WINDOW:
            raise _Refusal("nonce_too_low", f"nonce {nonce} is too old, the slot is {now}")
        if nonce > now + NONCE_WINDOW:
            raise _Refusal("nonce_too_high", f"nonce {nonce} is too far ahead, the slot is {now}")
        digest = hashlib.sha256(signed).digest()
        if digest in self._seen:
            raise _Refusal("duplicate_transaction", "this transaction is already known")
        account = self._account(str(sender))
        if account.balance < int(amount):
            raise _Refusal("insufficient_funds", f"the balance is {account.balance}")
        _limit(self._seen)
        self._seen[digest] = None
        account.balance -= int(amount)
        account.nonce = max(account.nonce, nonce)
        self._account(str(recipient)).balance += int(amount)
        transaction = Transaction(
            sender=str(sender),
            recipient=str(recipient),
            amount=int(amount),
            text=str(message.get("text_data", "")),
            nonce=nonce,
            extra_info=str(message.get("extra_info", "")),
            tx_hash=digest.hex(),
            message=message,
            signature=signature,
        )
        keep(self.transactions, transaction, MEMORY)
        return transaction.tx_hash


def _is_address(value: object) -> bool:
    try:
        return isinstance(value, str) and len(base58_decode(value)) == 32
    except ValueError:
        return False


def _limit(memory: dict[Any, Any]) -> None:
    if len(memory) >= MEMORY:
        del memory[next(iter(memory))]


def _verify(sender: str, signed: bytes, signature: str) -> bytes | None:
    """Verify a signature with the ephemeral key it contains (returned), otherwise with the sender's key (None)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base58_decode(signature)
        ephemeral = raw.startswith(b"{")
        if ephemeral:
            parts = json.loads(raw)
            key = base64.b64decode(parts["PubKey"], validate=True)
            raw = base64.b64decode(parts["Sig"], validate=True)
        else:
            key = base58_decode(sender)
        Ed25519PublicKey.from_public_bytes(key).verify(raw, signed)
    except (InvalidSignature, ValueError, KeyError, TypeError) as error:
        raise _Refusal("invalid_signature", "the signature is not valid") from error
    return key if ephemeral else None
