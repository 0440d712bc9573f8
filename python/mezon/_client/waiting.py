"""Waiting for events in the middle of a bot's code; a part of ``mezon.MezonClient``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

from mezon._events.waiting import STREAM_LIMIT, EventStream, Waiters
from mezon.constants.enum import Events
from mezon.errors import InvalidArgumentError
from mezon.managers.event import event_name, warn_of_typo

if TYPE_CHECKING:
    from mezon.models import ChannelMessage, DropdownBoxSelected
    from mezon.models._answers import ButtonClicked


class ClientWaiting:
    """``wait_for`` and ``stream``."""

    _waiters: Waiters

    @overload
    async def wait_for(
        self,
        event: Literal[Events.CHANNEL_MESSAGE, "channel_message"],
        check: Callable[[ChannelMessage], Any] | None = None,
        timeout: float | None = None,
    ) -> ChannelMessage: ...
    @overload
    async def wait_for(
        self,
        event: Literal[Events.MESSAGE_BUTTON_CLICKED, "message_button_clicked"],
        check: Callable[[ButtonClicked], Any] | None = None,
        timeout: float | None = None,
    ) -> ButtonClicked: ...
    @overload
    async def wait_for(
        self,
        event: Literal[Events.DROPDOWN_BOX_SELECTED, "dropdown_box_selected"],
        check: Callable[[DropdownBoxSelected], Any] | None = None,
        timeout: float | None = None,
    ) -> DropdownBoxSelected: ...
    @overload
    async def wait_for(
        self, event: str, check: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any: ...
    async def wait_for(
        self, event: str, check: Callable[[Any], Any] | None = None, timeout: float | None = None
    ) -> Any:
        """Wait for the next event that fits. No handler needs to listen to it, and handlers get it as well.

        It is served before the handlers of the event start.

        ```python
        said = await client.wait_for("channel_message", lambda said: said.sender_id == user.id, timeout=60)
        print(said.content.get("t"))
        ```

        Args:
            event: A member of ``Events``, or the name of an envelope field.
            check: Called with each event; a true answer takes it. What it raises is raised here.
            timeout: Seconds; None waits until the client ends.

        Raises:
            MezonTimeoutError: If none came in time (a TimeoutError).
            ConnectionLostError: If the client was closed, or has lost its connection for good.
            InvalidArgumentError: If the check is no plain function, or the timeout no number.
            MezonError: If ten thousand wait already.
        """
        name = _checked(event, check)
        number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
        if timeout is not None and not number:
            raise InvalidArgumentError(f"the timeout is a number of seconds or None, not {timeout!r}")
        return await self._waiters.wait_for(name, check, timeout)

    @overload
    def stream(
        self,
        event: Literal[Events.CHANNEL_MESSAGE, "channel_message"],
        check: Callable[[ChannelMessage], Any] | None = None,
        *,
        limit: int = STREAM_LIMIT,
    ) -> EventStream[ChannelMessage]: ...
    @overload
    def stream(
        self, event: str, check: Callable[[Any], Any] | None = None, *, limit: int = STREAM_LIMIT
    ) -> EventStream[Any]: ...
    def stream(
        self, event: str, check: Callable[[Any], Any] | None = None, *, limit: int = STREAM_LIMIT
    ) -> EventStream[Any]:
        """Give the events that fit, from now on: ``async for message in client.stream("channel_message"): ...``.

        It ends with the client, and when nobody holds it any more.

        ```python
        async with client.stream("channel_message") as messages:
            async for said in messages:
                print(said.content.get("t"))
                break
        ```

        Args:
            event: A member of ``Events``, or the name of an envelope field.
            check: Called with each event; a true answer takes it. What it raises is raised to the reader.
            limit: Events held for a reader that is slower than they come; then the oldest are dropped, with a
                warning.

        Raises:
            MezonError: If ten thousand wait already.
            InvalidArgumentError: If the limit is below 1, or the check no plain function.
        """
        return self._waiters.stream(_checked(event, check), check, limit)


def _checked(event: str, check: Any) -> str:
    """Give the event's name; what could only be a mistake is said before anybody waits for nothing."""
    name = event_name(event)
    if check is not None and not callable(check):
        raise InvalidArgumentError(
            f"the check is a function that gets the event, or None, not {check!r}; a timeout is given as timeout=..."
        )
    if inspect.iscoroutinefunction(check):
        raise InvalidArgumentError("the check is a plain function (def or lambda): it is not awaited")
    warn_of_typo(name, "nothing comes")
    return name
