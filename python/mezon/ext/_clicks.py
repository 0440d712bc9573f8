"""Clicks: which button was pressed, what it means, and that two clicks of one hurry are one."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from mezon import ButtonMessageStyle, InvalidArgumentError, MessageHandle, MezonError
from mezon.ext._arguments import hints_of
from mezon.ext._checks import Guarded
from mezon.ext._context import Place
from mezon.ext._ids import IdPattern, check_id
from mezon.ext._registering import check_handler
from mezon.ext._words import as_dict
from mezon.ext.errors import CheckFailedError

if TYPE_CHECKING:
    from mezon import ChannelMessageAck, TextChannel
    from mezon.ext._context import Buttons, Content
    from mezon.ext.commands import Bot
    from mezon.ext.components import Button

#: How the ids of buttons with callbacks, and of the buttons of forms, begin.
CALLBACK: Final = "~cb/"
FORM: Final = "~form/"

#: Seconds in which a second click of the same user on the same button, with the same values, is the same click.
SAME_CLICK: Final = 1.5

#: Clicks that are remembered for that, and buttons with callbacks that live at a time.
_MAX_CLICKS: Final = 10_000
_MAX_CALLBACKS: Final = 10_000


class Click(Place):
    """Somebody pressed a button, or chose from a select box.

    Attributes:
        event: What came.
        id: The id of the button or the select box.
        message: The message it belongs to; it can be updated, answered and deleted.
        values: What was put into the inputs of the message, by their ids; for a select box ``{id: [values]}``.
        state: What the button of a form carries; see ``Form.content``.
    """

    def __init__(self, bot: Bot, channel: TextChannel | None, event: Any) -> None:
        super().__init__(bot, channel, event.user_id)
        self.event = event
        self.message: MessageHandle = event.message
        self.id: str
        self.values: dict[str, str | list[str]]
        if hasattr(event, "button_id"):
            self.id, self.values = event.button_id, event.values
        else:
            self.id = event.selectbox_id
            self.values = {event.selectbox_id: list(event.values)}
        self.state = ""

    @property
    def has_channel(self) -> bool:
        """Whether the channel is known; False if it could not be fetched, in an error handler."""
        return self._channel is not None

    async def find_channel(self) -> None:
        """Fetch the channel if the client does not know it: a click carries its id alone.

        Raises:
            MezonError: If the channel cannot be fetched.
            CooldownError: If the user has caused too many lookups.
        """
        if self._channel is None:
            channel_id = self.event.channel_id
            self._channel = await self.bot.lookups.run(
                self.user_id, lambda: self.bot.channels.fetch(channel_id)
            )

    async def check_enabled(self) -> None:
        """Refuse a click on what is disabled: some clients let users press it all the same.

        The message is taken from memory or the store, so this costs no call to the server. A message that is in neither
        is taken for enabled.

        Raises:
            CheckFailedError: If the button or the select box is disabled.
        """
        try:
            message = await self.channel.messages.fetch(self.message.id)
        except (ValueError, MezonError):
            return
        if _is_disabled(message.content, self.id):
            what = "button" if hasattr(self.event, "button_id") else "select box"
            raise CheckFailedError(f"This {what} is disabled.")

    def _answerable(self) -> MessageHandle:
        """Return the message, if its channel is known: else the handle would ask the server, past the user's bound."""
        _ = self.channel
        return self.message

    async def reply(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> ChannelMessageAck:
        """Answer the message with the button; the arguments are those of ``send``."""
        return await self._answerable().reply(self.bot.body(content, buttons, timeout), **options)

    async def update(
        self, content: Content, *, buttons: Buttons | None = None, timeout: float = 180.0, **options: Any
    ) -> ChannelMessageAck:
        """Change the message with the button; its buttons go, unless they are given again."""
        return await self._answerable().update(self.bot.body(content, buttons, timeout), **options)


def _is_disabled(content: Any, component_id: str) -> bool:
    """Say whether a message disables a component: buttons are marked with ``disable``, inputs with ``disabled``."""
    return any(
        one.get("id") == component_id
        and isinstance(marks := one.get("component"), dict)
        and bool(marks.get("disable") or marks.get("disabled"))
        for one in _components(as_dict(content))
    )


def _components(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the components below a message and in the fields of its embeds, whatever else the content holds."""
    for row in _dicts(content.get("components")):
        yield from _dicts(row.get("components"))
    for embed in _dicts(content.get("embed")):
        for one in _dicts(embed.get("fields")):
            yield from _dicts([one.get("inputs")])
            yield from _dicts(one.get("button"))


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


class Pattern(Guarded):
    """A handler of the buttons whose ids fit a pattern, such as ``vote/{poll}/{choice:int}``.

    Fields are ``{name}`` (no slash in it), ``{name:int}`` or ``{name:path}`` (slashes too). They come as arguments,
    converted by the types of the handler's parameters. Fields stand in different segments, with a slash between
    them, and one of them at most is a path: an id fits in one way only.
    """

    def __init__(self, pattern: str, callback: Callable[..., Any]) -> None:
        super().__init__()
        self.pattern = pattern
        self.callback = callback
        if not pattern or pattern.startswith("~"):
            raise InvalidArgumentError(
                f"the pattern of a button is a text that begins with no ~, not {pattern!r}"
            )
        self._ids = IdPattern(pattern)
        hints = hints_of(callback)
        self._adapters: dict[str, TypeAdapter[Any]] = {
            name: TypeAdapter(hints.get(name, int if kind == "int" else str))
            for name, kind in self._ids.kinds.items()
        }
        check_handler(callback, f"a handler of {pattern!r}", ["click"], self._adapters)

    async def run(self, click: Click, fields: Mapping[str, Any]) -> None:
        """Check and call the handler.

        Raises:
            UserError: With a sentence for the user.
        """
        await self.allow(click)
        self.count(click)
        await self.callback(click, **fields)

    def match(self, button_id: str) -> dict[str, Any] | None:
        """Return the arguments an id carries, or None if it does not fit."""
        found = self._ids.match(button_id)
        if found is None:
            return None
        try:
            return {name: self._adapters[name].validate_strings(text) for name, text in found.items()}
        except ValidationError:
            return None

    def id(self, **fields: Any) -> str:
        """Make the id of a button with these values.

        Raises:
            InvalidArgumentError: If they do not fit the pattern, or the id gets too long.
        """
        if fields.keys() != self._adapters.keys():
            raise InvalidArgumentError(
                f"a button of {self.pattern!r} takes {sorted(self._adapters)}, not {sorted(fields)}"
            )
        made = check_id(self._ids.format(fields))
        if self.match(made) is None:
            raise InvalidArgumentError(f"{made!r} does not fit the pattern {self.pattern!r} of the button")
        return made

    def button(
        self,
        label: str,
        *,
        style: ButtonMessageStyle = ButtonMessageStyle.PRIMARY,
        disabled: bool = False,
        **fields: Any,
    ) -> Button:
        """Make a button that leads here, with these values."""
        from mezon.ext.components import Button

        return Button(label, id=self.id(**fields), style=style, disabled=disabled)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the handler itself."""
        return self.callback(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Pattern {self.pattern!r}>"


class Callbacks:
    """Buttons with a callback, until their timeout, and buttons somebody waits for."""

    def __init__(self) -> None:
        self._live: OrderedDict[str, tuple[Callable[[Click], Any], float]] = OrderedDict()
        self._waited_for: set[str] = set()

    def add(self, callback: Callable[[Click], Any], timeout: float) -> str:
        """Make an id that leads to the callback for so many seconds."""
        now = asyncio.get_running_loop().time()
        # A few each time; all of them before one that still works has to go.
        self._drop_over(now, 8)
        if len(self._live) >= _MAX_CALLBACKS:
            self._drop_over(now, len(self._live))
        if len(self._live) >= _MAX_CALLBACKS:
            self._live.popitem(last=False)
        made = CALLBACK + secrets.token_urlsafe(9)
        self._live[made] = (callback, now + timeout)
        return made

    def _drop_over(self, now: float, most: int) -> None:
        for known, (_, end) in list(islice(self._live.items(), most)):
            if end <= now:
                del self._live[known]

    def get(self, button_id: str) -> Callable[[Click], Any] | None:
        """Give the callback, or None if it is over."""
        callback, end = self._live.get(button_id, (None, 0.0))
        if callback is None or end <= asyncio.get_running_loop().time():
            self._live.pop(button_id, None)
            return None
        return callback

    @contextmanager
    def waited_for(self, button_id: str) -> Iterator[None]:
        """Know that somebody waits for a button, inside the block."""
        self._waited_for.add(button_id)
        try:
            yield
        finally:
            self._waited_for.discard(button_id)

    def is_over(self, event: Any, bot_id: int) -> bool:
        """Say whether a button of this bot led to what is gone: a callback, or somebody who waited for a form."""
        return (
            event.button_id.startswith((CALLBACK, f"{FORM}-"))
            and event.button_id not in self._live
            and event.button_id not in self._waited_for
            and event.sender_id in (0, None, bot_id)
        )

    def remove(self, button_id: str) -> None:
        """Let the button lead nowhere from now on."""
        self._live.pop(button_id, None)


class Hurry:
    """Knows a click that came twice."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[Any, ...], float] = OrderedDict()

    def is_repeat(self, event: Any) -> bool:
        """Say whether the same was pressed by the same user just now."""
        now = asyncio.get_running_loop().time()
        key = self._key(event)
        while self._seen and next(iter(self._seen.values())) <= now - SAME_CLICK:
            self._seen.popitem(last=False)
        if key in self._seen:
            return True
        if len(self._seen) >= _MAX_CLICKS:
            self._seen.popitem(last=False)
        self._seen[key] = now
        return False

    def forget(self, event: Any) -> None:
        """Forget a click whose handling has failed: the same click again is a retry."""
        self._seen.pop(self._key(event), None)

    @staticmethod
    def _key(event: Any) -> tuple[Any, ...]:
        # A choice from a select box has values instead of a form.
        if not hasattr(event, "button_id"):
            return (event.message_id, event.selectbox_id, event.user_id, tuple(event.values))
        return (event.message_id, event.button_id, event.user_id, event.extra_data)
