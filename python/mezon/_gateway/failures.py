"""The exceptions of a connection's calls, and the redaction of secrets in them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from mezon._core import SILENT, FailureKind
from mezon.errors import (
    DeliveryUnknownError,
    ForkError,
    InvalidArgumentError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    ServerError,
)
from mezon.utils.secrets import hide, masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The number of remembered tokens: those of the current session and of earlier ones.
_REMEMBERED_TOKENS: Final = 16


class Secrets:
    """The secrets of one connection, which a server may echo in an error: the key and the tokens of its sessions.

    Args:
        lasting: The secrets that do not change with the session.
    """

    def __init__(self, lasting: Iterable[str] = ()) -> None:
        self._lasting = tuple(map(masked, lasting))
        self._tokens: deque[str] = deque(maxlen=_REMEMBERED_TOKENS)

    def learn(self, urls: Iterable[str]) -> None:
        """Remember the tokens in URLs of the socket."""
        for url in urls:
            token = masked(unquote(url.partition("token=")[2].partition("&")[0]))
            if token and token not in self._tokens:
                self._tokens.append(token)

    def hide(self, text: str) -> str:
        """Return a text of the server with the secrets redacted."""
        return hide(text, (*self._lasting, *self._tokens))

    def hide_in(self, context: Mapping[str, str]) -> dict[str, str]:
        """Return the details of an error with the secrets redacted."""
        return {self.hide(name): self.hide(value) for name, value in context.items()}


def fell_silent(reason: str) -> bool:
    """Return whether a connection was closed because the server did not answer heartbeats."""
    return reason.startswith(SILENT)


def no_answer(name: str, kind: str, detail: str = "", code: int = 0) -> MezonError:
    """Return the exception for a call without an answer.

    Args:
        name: The envelope field of the call.
        kind: A ``FailureKind`` of the core, or the first argument of a ``GatewayError``.
        detail: The details of the core.
        code: The error code of the server.
    """
    match kind:
        case FailureKind.TIMEOUT:
            return MezonTimeoutError(
                f"no answer to {name} within its deadline; it was sent, so the server may have carried it out"
            )
        case FailureKind.NOT_SENT:
            return MezonTimeoutError(
                f"{name} was not sent within its deadline: the connection was not ready or too many frames were "
                "waiting",
                sent=False,
            )
        case FailureKind.DELIVERY_UNKNOWN:
            return DeliveryUnknownError(
                f"the connection was lost after {name} was sent and before its answer: it may or may not have been "
                f"carried out ({detail})"
            )
        case FailureKind.REFUSED:
            return ServerError(code, detail, call=name)
        case FailureKind.TOO_LONG:
            return MezonError(f"the answer to {name} is larger than the client takes")
        case FailureKind.MALFORMED:
            return MezonError(f"the answer to {name} cannot be read: {detail}")
        case "too_many":
            return MezonConnectionError(f"{name} was not sent: {detail}; wait for some of them first")
        case "forked":
            return ForkError(f"{detail}: create and log in the client in the child process")
        case "connected":
            return MezonConnectionError(
                "the client is connected already: disconnect() before you log in again"
            )
        case "no_resources":
            return MezonConnectionError(
                f"the system has no thread or file descriptor left for the connection ({detail}): close unused ones, "
                "or raise the limit (ulimit -n)"
            )
        case FailureKind.CLOSED:
            return MezonConnectionError(f"{name} was not sent: the connection is closed ({detail})")
        case _:
            return MezonConnectionError(
                f"{name} was not sent: the client is not connected: it has not logged in, or disconnect() has closed "
                "it; await client.login() first"
            )


def not_taken(error: Exception, name: str) -> MezonError:
    """Return the exception for a command that the core rejected."""
    kind, text = error.args
    return no_answer(name, kind, text)


def server_error(name: str, error: Any, secrets: Secrets) -> ServerError:
    """Return the exception for an error answer. The server may echo secrets, which are redacted."""
    hint = ""
    if must_join(error):
        hint = "Join the channel first (socket.join_chat), or check that the bot is a member of it"
    message, context = secrets.hide(error.message), secrets.hide_in(error.context)
    return ServerError(error.code, message, context, call=name, hint=hint)


def must_join(error: Any) -> bool:
    """Return whether an error answer says that the channel must be joined first."""
    return bool(error.code == 3 or "must join channel" in error.message.lower())


def does_not_fit(name: str, error: Exception) -> MezonError:
    """Return the exception for a value that does not fit its field."""
    return InvalidArgumentError(f"{name} was not sent: {error}")


def other_loop(name: str) -> MezonError:
    """Return the exception for a call on another loop than that of the connection."""
    return MezonConnectionError(
        f"{name} was not sent: it was called on another event loop than the one that logged in, and a client belongs "
        "to the loop of its login. Run all of the bot in one asyncio.run(), or create a client for each loop"
    )
