"""Everything this package raises, in one tree.

Every class derives from ``MezonError``, and from the built-in error a caller would expect:
a timeout is a ``TimeoutError``, a lost connection a ``ConnectionError``, a wrong argument a ``ValueError``.
Each text says what happened and what to do about it.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConnectionLostError",
    "DeliveryUnknownError",
    "ForkError",
    "InvalidArgumentError",
    "MessageStoreError",
    "MezonConnectionError",
    "MezonError",
    "MezonTimeoutError",
    "NotLoggedInError",
    "ServerError",
    "TokenDeliveryUnknownError",
    "TokenTransferConnectionError",
    "TokenTransferError",
    "TokenTransferTimeoutError",
]


class MezonError(Exception):
    """The base of every error of this package."""


class MezonConnectionError(MezonError, ConnectionError):
    """The gateway cannot be reached, or the connection is not open."""


class NotLoggedInError(MezonConnectionError):
    """Something needs a session or a socket and there is none yet: ``await client.login()`` first."""


class ConnectionLostError(MezonConnectionError):
    """The connection ended and the client does not try again."""


class DeliveryUnknownError(MezonConnectionError):
    """The connection was lost after a call was sent and before its answer came.

    The server may or may not have carried the call out. Look before you repeat it.
    """


class ForkError(MezonConnectionError):
    """The process forked after the core had started its threads: create the client in the child."""


class MezonTimeoutError(MezonError, TimeoutError):
    """No answer came within the deadline of a call.

    Attributes:
        sent: Whether the call may have reached the other side.
    """

    def __init__(self, *args: object, sent: bool = True) -> None:
        super().__init__(*args)
        self.sent = sent


class ServerError(MezonError):
    """The server answered a call with an error.

    Attributes:
        code: 0 to 7 for an envelope (docs/protocol.md, "Envelopes and cids"), else that of a raw API answer.
        message: The server's own words.
        context: Key-value details the server sent along.
        call: The name of the call that was refused, as the envelope's field is named.
    """

    def __init__(
        self,
        code: int,
        message: str,
        context: dict[str, str] | None = None,
        *,
        call: str = "",
        hint: str = "",
    ) -> None:
        self.code = code
        self.message = message
        self.context: dict[str, str] = dict(context or {})
        self.call = call
        text = f"the server refused {call or 'the call'} with code {code}: {message or 'no reason given'}"
        if self.context:
            text += f" (context: {self.context})"
        if hint:
            text += f". {hint}"
        super().__init__(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            _rebuild_server_error,
            (type(self), self.code, self.message, self.context, self.call, str(self)),
        )


def _rebuild_server_error(
    kind: type[ServerError], code: int, message: str, context: dict[str, str], call: str, text: str
) -> ServerError:
    error = kind(code, message, context, call=call)
    error.args = (text,)
    return error


class AuthenticationError(MezonError):
    """The server did not accept the bot id and the API key, or answered without a usable session."""


class InvalidArgumentError(MezonError, ValueError):
    """An argument has a value that cannot be sent."""


class MessageStoreError(MezonError):
    """The file of the message cache cannot be written, or was broken. The bot goes on from memory."""


class TokenTransferError(MezonError):
    """A token transfer or one of its steps (nonce, proof) failed before or at the node: nothing was paid.

    ``TokenDeliveryUnknownError`` is the one kind that may have paid.

    Attributes:
        status: The HTTP status of the answer, where that was the failure.
        sent: Whether the request may have reached the other side.
    """

    def __init__(self, *args: object, status: int | None = None, sent: bool = True) -> None:
        super().__init__(*args)
        self.status = status
        self.sent = sent


class TokenTransferConnectionError(TokenTransferError, MezonConnectionError):
    """The node or the proof service cannot be reached, or the connection to it broke."""


class TokenTransferTimeoutError(TokenTransferError, MezonTimeoutError):
    """The node or the proof service gave no answer in time."""


class TokenDeliveryUnknownError(TokenTransferError, DeliveryUnknownError, MezonTimeoutError):
    """A signed transfer was sent and no usable answer came, whether by a timeout or by a lost connection.

    The tokens may or may not have been paid. Look at the balance before you pay again.
    """


def __getattr__(name: str) -> Any:
    # These derive from aiohttp's classes, and importing mezon must not import aiohttp.
    if name.startswith("Api"):
        from mezon.errors import _api

        if name in _api.__all__:
            return getattr(_api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
