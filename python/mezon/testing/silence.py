"""Why a bot did not answer a message: for ``mezon chat`` and ``gateway.command``."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from time import monotonic
from typing import Any, Final

from mezon._gateway.codec import event_plan
from mezon.client import MezonClient
from mezon.constants.enum import Events
from mezon.filters._program import matcher
from mezon.managers.event import EventManager
from mezon.protobuf.api import api_pb2
from mezon.testing.unregistered import is_of_package, warn_about_main
from mezon.testing.users import Silence
from mezon.utils.own import is_own
from mezon.utils.user_code import place_of

__all__ = ["BotSilence", "explain", "receive_all"]

#: Seconds in which most bots have answered.
_GRACE: Final = 0.1
#: Seconds between two looks at the handlers.
_POLL: Final = 0.01
#: Seconds to wait for the answer to a ping.
_PING_TIMEOUT: Final = 10.0
#: Iterations of the loop until a handler whose event was dispatched has started or resumed.
_ITERATIONS: Final = 4


async def receive_all(client: MezonClient, timeout: float) -> None:
    """Wait until a client has dispatched what the server has sent to it so far, and its handlers have started.

    Args:
        client: A client that is logged in.
        timeout: Seconds to wait for the server, and for the dispatch if the handlers of the bot hold it up.

    Raises:
        MezonError: If the connection is not open, or does not answer in time.
    """
    # The server answers after the events that it has sent before.
    await client.socket_manager.socket.connection.call("ping", {}, timeout)
    deadline = monotonic() + timeout
    while client.stats().queued and monotonic() < deadline:  # noqa: ASYNC110 (in another thread)
        await asyncio.sleep(_POLL)
    for _ in range(_ITERATIONS):
        await asyncio.sleep(0)


class BotSilence:
    """Implements ``SilenceExplainer`` for a client that was imported from a file."""

    def __init__(self, client: MezonClient, file: Path) -> None:
        self._client = client
        self._file = file

    async def delivered(self) -> None:
        """Wait until the client has dispatched what the server has sent so far, and no handler is running."""
        # A bot that answers at once sends no other frame than without this call.
        await asyncio.sleep(_GRACE)
        await receive_all(self._client, _PING_TIMEOUT)
        while (stats := self._client.stats()).queued or stats.handlers:  # noqa: ASYNC110 (in another thread)
            await asyncio.sleep(_POLL)

    def explain(self, sent: api_pb2.ChannelMessage) -> Silence:
        """Return why the client has not answered a message that was delivered to it."""
        silence = explain(self._client, sent)
        warning = warn_about_main(self._file, self._client, local=None) if silence.final else None
        return replace(silence, reason=f"{silence.reason}; {warning}") if warning else silence


def explain(client: MezonClient, sent: api_pb2.ChannelMessage) -> Silence:
    """Return why a client has not answered a message that was delivered to it. Call it on the client's loop."""
    plan = event_plan(Events.CHANNEL_MESSAGE.value)
    assert plan is not None
    message = plan.decode(sent.SerializeToString())
    events = client.event_manager
    if not (isinstance(events, EventManager) and is_own(events, "emit")):
        return Silence("handled by the bot's own event manager, which sent nothing", False)
    listeners = events.listeners.get(Events.CHANNEL_MESSAGE.value, ())
    saw: list[str] = []
    filtered: list[str] = []
    # A task outside of the handlers may read messages.
    is_busy = client.waiters.has(Events.CHANNEL_MESSAGE.value)
    for listener in listeners:
        handler = inspect.unwrap(listener)
        if is_of_package(handler):
            is_busy = is_busy or handler.__name__ != "_on_message"
            continue
        spec = getattr(listener, "spec", None)
        (saw if spec is None or matcher(spec)(message) else filtered).append(_named(handler))
    reasons: list[str] = []
    commands: dict[str, Any] = getattr(client, "commands", {})
    if commands:
        called, problem = _command_of(client, commands, message)
        saw += [called] if called else []
        # Of a bot without commands, nobody expects one.
        if problem and (len(set(map(id, commands.values()))) > 1 or not _has_own(listeners)):
            reasons.append(problem)
    if saw:
        return Silence(f"handled by {' and '.join(saw)}, which sent nothing", False)
    if filtered:
        reasons.append(f"the filter of {' and '.join(filtered)} does not let it through")
    if message.sender_id == client.client_id:
        reasons.append("it is a message of the bot itself")
    if is_busy and not reasons:
        reasons.append("read by wait_for, a stream or a flow, which sent nothing")
    elif not reasons:
        reasons.append("the bot has no handler of messages")
    return Silence("; ".join(reasons), not is_busy)


def _has_own(listeners: tuple[Callable[..., Any], ...]) -> bool:
    """Return whether the bot itself has registered a handler, rather than `mezon.ext` for it."""
    return any(not is_of_package(inspect.unwrap(one)) for one in listeners)


def _named(handler: Any) -> str:
    name = getattr(handler, "__qualname__", type(handler).__qualname__).rpartition("<locals>.")[2]
    place = place_of(handler)
    return f"{name} ({place})" if place else name


def _command_of(client: Any, commands: dict[str, Any], message: Any) -> tuple[str | None, str | None]:
    """Return the command that a message calls, or why it calls none."""
    text = message.text
    start = client.triggers.start_of(message, text)
    if start is None:
        prefixes = " or ".join(repr(prefix) for prefix in client.triggers.prefixes)
        if message.sender_id == client.client_id:
            return None, None
        if text.startswith(tuple(client.triggers.prefixes)):
            return None, "the prefix is not followed by the name of a command"
        return None, f"it calls no command: the text does not begin with {prefixes or 'a mention of the bot'}"
    name = next(iter(text[start:].split()), "")
    command = commands.get(name.casefold())
    if command is not None:
        return _named(command.callback), None
    nearest = next(iter(get_close_matches(name.casefold(), list(_shown(commands)), n=1)), None)
    hint = f"; did you mean {text[:start]}{nearest}?" if nearest else ""
    return None, f"there is no command {name!r}{hint}"


def _shown(commands: dict[str, Any]) -> Iterator[str]:
    return (name for name, command in commands.items() if not command.hidden)
