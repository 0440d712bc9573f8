"""The errors of a connection, in words for a bot's author."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from mezon._gateway.secrets import Secrets


def fell_silent(reason: str) -> bool:
    """Say whether a connection was given up because the server had fallen silent."""
    return reason.startswith(SILENT)


def no_answer(name: str, kind: str, detail: str = "", code: int = 0) -> MezonError:
    """Make the exception for a call that gets no answer; the kinds are those of the core: a ``FailureKind``,
    or the first of a ``GatewayError``'s arguments."""
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
                f"the system has no thread or no file descriptor left for the connection ({detail}): close what is "
                "not needed, or raise the limit (ulimit -n)"
            )
        case FailureKind.CLOSED:
            return MezonConnectionError(f"{name} was not sent: the connection is closed ({detail})")
        case _:
            return MezonConnectionError(
                f"{name} was not sent: the client is not connected; await client.login() first"
            )


def not_taken(error: Exception, name: str) -> MezonError:
    """Make the exception for an order that the core could not take."""
    kind, text = error.args
    return no_answer(name, kind, text)


def server_error(name: str, error: Any, secrets: Secrets) -> ServerError:
    """Make the exception for an answer that is an error; a server may send back what it was sent."""
    hint = ""
    if must_join(error):
        hint = "Join the channel first (socket.join_chat), or check that the bot is a member of it"
    message, context = secrets.hide(error.message), secrets.hide_in(error.context)
    return ServerError(error.code, message, context, call=name, hint=hint)


def must_join(error: Any) -> bool:
    """Say whether this answer tells that the channel must be joined first."""
    return bool(error.code == 3 or "must join channel" in error.message.lower())


def does_not_fit(name: str, error: Exception) -> MezonError:
    """Make the exception for a value that does not fit its field."""
    return InvalidArgumentError(f"{name} was not sent: {error}")


def other_loop(name: str) -> MezonError:
    """Make the exception for a call on a loop that is not the connection's."""
    return MezonConnectionError(
        f"{name} was not sent: it was called on another event loop than the one that logged in, and a client belongs "
        "to the loop of its login"
    )
