"""The errors of ``mezon.errors`` that do not depend on aiohttp."""

from __future__ import annotations

from typing import Any

__all__ = [
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
    """Base class of all errors of this package."""


class MezonConnectionError(MezonError, ConnectionError):
    """The gateway is unreachable, or the connection is not open."""


class NotLoggedInError(MezonConnectionError):
    """The call needs a session or a socket: call ``await client.login()`` first."""


class ConnectionLostError(MezonConnectionError):
    """The connection has ended and the client does not reconnect."""


class DeliveryUnknownError(MezonConnectionError):
    """The connection was lost after a call was sent and before its response arrived.

    The server may or may not have executed the call. Check before you repeat it.
    """


class ForkError(MezonConnectionError):
    """The process forked after the core had started its threads: create the client in the child process."""


class MezonTimeoutError(MezonError, TimeoutError):
    """A call got no response in time.

    Attributes:
        sent: Whether the call may have reached the server.
    """

    def __init__(self, *args: object, sent: bool = True) -> None:
        super().__init__(*args)
        self.sent = sent


class ServerError(MezonError):
    """The server responded to a call with an error.

    Attributes:
        code: 0 to 7 for an envelope (docs/protocol.md, "Envelopes and cids"), otherwise the code of an API response.
        message: The message of the server.
        context: Details from the server.
        call: The name of the call, which is the name of its envelope field.
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
    """The server refused the bot id and the API key, or responded without a usable session."""


class InvalidArgumentError(MezonError, ValueError):
    """An argument has an invalid value."""


class MessageStoreError(MezonError):
    """The file of the message cache cannot be written or is corrupt. The bot continues with the memory cache."""


class TokenTransferError(MezonError):
    """A token transfer or one of its steps (nonce, proof) failed, and nothing was paid.

    Only with ``TokenDeliveryUnknownError`` the tokens may have been paid.

    Attributes:
        status: The HTTP status of the response, if the status was the failure.
        sent: Whether the request may have reached the node or the service.
    """

    def __init__(self, *args: object, status: int | None = None, sent: bool = True) -> None:
        super().__init__(*args)
        self.status = status
        self.sent = sent


class TokenTransferConnectionError(TokenTransferError, MezonConnectionError):
    """The node or the proof service is unreachable, or the connection was lost."""


class TokenTransferTimeoutError(TokenTransferError, MezonTimeoutError):
    """The node or the proof service did not respond in time."""


class TokenDeliveryUnknownError(TokenTransferError, DeliveryUnknownError, MezonTimeoutError):
    """A signed transfer was sent but got no usable response, because of a timeout or a lost connection.

    The tokens may or may not have been paid. Check the balance before you pay again.
    """


# Tracebacks and pickles show the public module.
for _name in __all__:
    globals()[_name].__module__ = "mezon.errors"
