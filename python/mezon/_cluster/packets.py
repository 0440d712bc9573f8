"""How a call, its answer and its error travel: a few named values as JSON, and a body of bytes as it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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

_LENGTH: Final = 4

#: The errors that a port may raise, by the name they travel under: the caller gets the same class.
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
    )
}

#: Errors that a call only raises before anything is sent. A timeout and a failure of HTTP say so themselves.
_NEVER_SENT: Final = frozenset({"MezonConnectionError", "NotLoggedInError", "InvalidArgumentError"})


@dataclass(frozen=True, slots=True)
class Packet:
    """Named values and a body.

    Attributes:
        values: What JSON carries.
        body: Bytes as they are: an encoded message, the body of an HTTP request.
    """

    values: dict[str, Any] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Make the bytes of the packet."""
        values = json.dumps(self.values, separators=(",", ":")).encode()
        return len(values).to_bytes(_LENGTH, "big") + values + self.body

    @classmethod
    def decode(cls, data: bytes) -> Packet:
        """Read a packet.

        Raises:
            ValueError: If it is none.
        """
        length = int.from_bytes(data[:_LENGTH], "big")
        if len(data) < _LENGTH + length:
            raise ValueError("a packet is cut off")
        values = json.loads(data[_LENGTH : _LENGTH + length])
        if not isinstance(values, dict):
            raise ValueError("a packet holds no names")
        return cls(values, data[_LENGTH + length :])


def packed_error(error: BaseException) -> Packet:
    """Give an error as a packet. One that no port promises travels as a MezonError, without what it holds."""
    if isinstance(error, ServerError):
        values = {"code": error.code, "message": error.message, "context": error.context, "call": error.call}
        return Packet({"error": "ServerError", "text": str(error), **values})
    if isinstance(error, HttpFailure):
        values = {"reason": error.reason, "sent": error.sent, "lasting": error.lasting}
        return Packet({"error": "HttpFailure", "text": str(error), **values})
    if isinstance(error, AnswerTooLongError):
        return Packet(
            {"error": "AnswerTooLongError", "text": str(error), **packed_answer(error.answer).values}
        )
    if not isinstance(error, MezonError):
        return Packet(
            {"error": "MezonError", "text": f"the relay failed: {type(error).__name__}; its log says more"}
        )
    kind = next(one.__name__ for one in type(error).__mro__ if one.__name__ in _ERRORS)
    values = {"error": kind, "text": str(error)}
    if isinstance(error, MezonTimeoutError):
        return Packet({**values, "sent": error.sent})
    return Packet(values)


def was_sent(packet: Packet) -> bool:
    """Return whether the call behind an answer may have reached Mezon; if not, it can be made again."""
    values = packet.values
    if values.get("error") in _NEVER_SENT:
        return False
    return bool(values.get("sent", True))


def error_of(packet: Packet) -> MezonError | None:
    """Give the error of a packet; None when it is an answer."""
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
            return AnswerTooLongError(text, answer_of(packet))
        case "MezonTimeoutError":
            return MezonTimeoutError(text, sent=bool(values.get("sent", True)))
        case _:
            return _ERRORS.get(kind, MezonError)(text)


def packed_answer(answer: HttpAnswer) -> Packet:
    """Give an HTTP answer as a packet."""
    values = {"status": answer.status, "reason": answer.reason, "headers": dict(answer.headers)}
    return Packet(values, answer.body)


def answer_of(packet: Packet) -> HttpAnswer:
    """Give the HTTP answer of a packet."""
    values = packet.values
    return HttpAnswer(values["status"], values["reason"], _Headers(values["headers"]), packet.body)


class _Headers(dict[str, str]):
    """Headers by any spelling, as HTTP has them."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in given.items()})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dict."""
        return super().get(name.lower(), default)
