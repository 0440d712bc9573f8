"""Commands: ``Bot`` is a client that knows them.

::

    bot = Bot(client_id, api_key, prefix="!")

    @bot.command("roll", aliases=["dice"])
    async def roll(ctx: Context, sides: int = 6) -> None:
        \"\"\"Roll a die.\"\"\"
        await ctx.reply(str(random.randint(1, sides)))

    bot.run()
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from pydantic import BaseModel

from mezon import (
    ChannelMessage,
    ConnectionLostError,
    Disconnect,
    Events,
    InvalidArgumentError,
    MessageLimits,
    MezonClient,
    Text,
)
from mezon.ext._checks import (
    Check,
    Cooldown,
    RoleBook,
    allow,
    check,
    clan_only,
    cooldown,
    count,
    dm_only,
    group_only,
    has_role,
    owner_only,
)
from mezon.ext._clicks import CALLBACK, Callbacks, Click, Hurry, Pattern
from mezon.ext._command import Command, Group, add_command
from mezon.ext._context import Buttons, Content, Context, Place
from mezon.ext._forms import FormHandler
from mezon.ext._ids import MAX_ID_LENGTH
from mezon.ext._lookups import Lookups
from mezon.ext._questions import Questions
from mezon.ext._registering import check_handler
from mezon.ext._router import Item, Registry, Router, Select
from mezon.ext._triggers import Triggers
from mezon.ext._words import Words, marks_of, text_of
from mezon.ext.components import Button, button_rows
from mezon.ext.errors import (
    ArgumentError,
    CheckFailedError,
    CooldownError,
    FormError,
    NoAnswerError,
    UnknownCommandError,
    UserError,
)
from mezon.ext.tasks import Task
from mezon.filters import Filter

__all__ = [
    "ArgumentError",
    "Bot",
    "Check",
    "CheckFailedError",
    "Click",
    "Command",
    "Content",
    "Context",
    "Cooldown",
    "CooldownError",
    "FormError",
    "Group",
    "NoAnswerError",
    "Router",
    "UnknownCommandError",
    "UserError",
    "check",
    "clan_only",
    "cooldown",
    "dm_only",
    "group_only",
    "has_role",
    "owner_only",
]

logger: Final = logging.getLogger("mezon.ext")

#: Called with where it happened (a context, a click, or the task) and the error.
ErrorHandler: TypeAlias = "Callable[[Any, Exception], Awaitable[Any]]"


class Bot(Registry, MezonClient):
    """A client with commands, buttons, forms and tasks.

    Args:
        client_id: The bot's id.
        api_key: Its key. All options that are not named here are those of ``MezonClient``; ``limits`` are
            ``MessageLimits()`` unless they are given.
        prefix: What a command begins with, or several such.
        mention: Whether a mention of the bot at the beginning does as well.
        owner_ids: Who may use what is for owners only.
        own_messages: Whether the bot's own messages may call commands.
        edits: Whether an edit of a message may.
        help_command: The name of the command that shows what there is; None for none.
        lookups_per_minute: How many users and channels that the client does not know one user may name in a minute.
            Each costs an HTTP call, and one user's calls are made one after the other.
    """

    def __init__(
        self,
        client_id: str | int,
        api_key: str,
        *,
        prefix: str | Sequence[str] = "!",
        mention: bool = True,
        owner_ids: Iterable[int | str] | int | str = (),
        own_messages: bool = False,
        edits: bool = False,
        help_command: str | None = "help",
        lookups_per_minute: int = 10,
        **options: Any,
    ) -> None:
        super().__init__(client_id, api_key, **{"limits": MessageLimits(), **options})
        self.triggers: Triggers = Triggers(self.client_id, prefix, mention, own_messages, edits)
        owners = [owner_ids] if isinstance(owner_ids, int | str) else owner_ids
        self.owner_ids: frozenset[int] = frozenset(int(one) for one in owners)
        self.commands: dict[str, Command] = {}
        self.tasks: list[Task] = []
        self.hurry: Hurry = Hurry()
        self.callbacks: Callbacks = Callbacks()
        self.lookups: Lookups = Lookups(lookups_per_minute)
        self.questions: Questions = Questions()
        self._patterns: list[Pattern] = []
        self._selects: list[Pattern] = []
        self._forms: list[FormHandler] = []
        self._roles: RoleBook | None = None
        self._when_failed: ErrorHandler | None = None
        self._hears: set[str] = set()
        # Also of buttons from before a restart: they are told that they are over.
        self._hear_clicks()
        if help_command:
            self._help_name = help_command
            self.command(help_command)(_help)

    # ---- registration

    @property
    def prefix(self) -> str:
        """What a command begins with; the first, if there are several."""
        return self.triggers.prefixes[0] if self.triggers.prefixes else ""

    def include(self, router: Router) -> None:
        """Take over what is registered on a router, now and later.

        Raises:
            InvalidArgumentError: If it is no router, or a command of it has a name that is taken.
        """
        if not isinstance(router, Router):
            raise InvalidArgumentError(f"what is included is a Router, not {router!r}")
        router.feed(self)

    def error_handler(self, handler: ErrorHandler) -> ErrorHandler:
        """Call ``await handler(where, error)`` for every error of a command, a button, a form or a task; a decorator.

        ``where`` is the context, the click or the task. By default users are told what they did wrong, and that
        something went wrong when it was not their doing; errors that are no ``UserError`` are logged and go to
        ``on_error`` in any case.

        Raises:
            InvalidArgumentError: If it is no coroutine function of two arguments.
        """
        check_handler(handler, "the error handler", ["where", "error"])
        self._when_failed = handler
        return handler

    def _register(self, item: Item) -> None:
        if isinstance(item, Command):
            self.triggers.check_names(item.names)
            add_command(self.commands, item)
            # What commands need is all that the core has to tell.
            self._hear(Events.CHANNEL_MESSAGE, self._on_message, self.triggers.filter())
        elif isinstance(item, Pattern):
            self._patterns.append(item)
            self._hear_clicks()
        elif isinstance(item, FormHandler):
            self._forms.append(item)
            self._hear_clicks()
        elif isinstance(item, Select):
            self._selects.append(item.pattern)
            self._hear(Events.DROPDOWN_BOX_SELECTED, self._on_select)
        elif isinstance(item, Task):
            item = item.of(self)
            self.tasks.append(item)
            self._hear(Events.READY, self._on_ready)
            self._hear(Events.DISCONNECT, self._on_disconnect)
            if self.state == "ready":
                item.start(self)
        else:
            self.on(item.event, item.handler)

    def _hear(self, event: Events, handler: Callable[[Any], Any], filter: Filter | None = None) -> None:
        if event.value not in self._hears:
            self._hears.add(event.value)
            self.on(event, handler, filter=filter)

    def _hear_clicks(self) -> None:
        self._hear(Events.MESSAGE_BUTTON_CLICKED, self._on_click)

    # ---- commands

    def _on_message(self, message: ChannelMessage) -> Awaitable[None] | None:
        # Not a coroutine function: a message that is no command costs no task.
        text = text_of(message)
        start = self.triggers.start_of(message, text)
        return None if start is None else self._run_command(message, text, start)

    def calls_command(self, message: ChannelMessage) -> bool:
        """Say whether a message calls a command there is."""
        text = text_of(message)
        start = self.triggers.start_of(message, text)
        words = text[start:].split(maxsplit=1) if start is not None else []
        return bool(words) and words[0].casefold() in self.commands

    async def _run_command(self, message: ChannelMessage, text: str, start: int) -> None:
        words = Words(text, start, marks_of(message, text))
        ctx = Context(self, message, None, text[:start])
        try:
            word = words.next()
            command = self.commands.get(word.text.casefold()) if word is not None else None
            if command is None:
                if word is not None:
                    raise UnknownCommandError(word.text)
                return
            ctx.invoked_with = text[:start] + (word.text if word is not None else "")
            await command.run(ctx, words)
        except Exception as error:
            await self._failed(ctx, error)

    async def send_help(self, ctx: Context, command: Command | None = None) -> None:
        """Reply with the help of a command, or with the list of all."""
        text = Text()
        if command is None:
            shown = {id(one): one for one in self.commands.values() if not one.hidden}
            for one in sorted(shown.values(), key=lambda one: one.name):
                first = one.help.partition("\n")[0]
                text.bold(f"{self.prefix}{one.usage}").line(f"  {first}" if first else "")
        else:
            text.bold(f"{self.prefix}{command.usage}").line()
            if command.aliases:
                text.line(f"Also: {', '.join(command.aliases)}")
            if command.help:
                text.line(command.help)
            if isinstance(command, Group):
                for below in command.shown:
                    text.code(f"{self.prefix}{below.usage}").line(f"  {below.help.partition(chr(10))[0]}")
        for piece in text.split():
            await ctx.reply(piece)

    async def role_names(self, clan: Any, user_id: int) -> set[str | int]:
        """Give the titles and ids of the roles a user has in a clan, at most half a minute old."""
        if self._roles is None:
            book = self._roles = RoleBook()
            for event in (Events.ROLE_EVENT, Events.ROLE_ASSIGN):
                self.on(event, lambda changed: book.forget(getattr(changed, "clan_id", 0)))
        return await self._roles.of(clan, user_id)

    # ---- components

    def body(self, content: Content, buttons: Buttons | None = None, timeout: float = 180.0) -> Content:
        """Make a message's content with buttons below it; those with a callback work for ``timeout`` seconds."""
        if not buttons:
            return content

        def id_of(button: Button) -> str:
            if button.callback is None:
                return button.id
            self._hear_clicks()
            return self.callbacks.add(button.callback, timeout)

        rows = button_rows(buttons, id_of)
        if isinstance(content, str | Text):
            return Text(content).components(*rows)
        whole: dict[str, Any] = (
            content.model_dump(by_alias=True, exclude_none=True)
            if isinstance(content, BaseModel)
            else dict(content)
        )
        return {**whole, "components": [*(whole.get("components") or ()), *rows]}

    async def _on_click(self, event: Any) -> None:
        button_id: str = event.button_id
        if len(button_id) > MAX_ID_LENGTH:
            logger.debug("Ignored a click on an id of %d characters", len(button_id))
            return
        callback = self.callbacks.get(button_id) if button_id.startswith(CALLBACK) else None
        form = next((one for one in self._forms if one.fits(button_id)), None)
        pattern, fields = _first_match(self._patterns, button_id)
        is_over = callback is None and self.callbacks.is_over(event, self.client_id)
        if not (callback or form or pattern or is_over) or self.hurry.is_repeat(event):
            return

        async def run(click: Click) -> None:
            if callback is not None:
                await allow(callback, click)
                count(callback, click)
                outcome = callback(click)
                if inspect.isawaitable(outcome):
                    await outcome
            elif form is not None:
                await form.run(click)
            elif pattern is not None:
                await pattern.run(click, fields)
            else:
                await click.whisper("This button does not work any more.")

        await self._run_click(event, run)

    async def _on_select(self, event: Any) -> None:
        pattern, fields = _first_match(self._selects, event.selectbox_id)
        if pattern is not None:
            await self._run_click(event, partial(pattern.run, fields=fields))

    async def _run_click(self, event: Any, run: Callable[[Click], Awaitable[None]]) -> None:
        """Find where the click belongs and handle it. Every failure, the fetch included, is the error handler's."""
        click = Click(self, self.channels.get(event.channel_id), event)
        try:
            await click.find_channel()
            await click.check_enabled()
            await run(click)
        except Exception as error:
            if not isinstance(error, UserError):
                # The user tries again, and that is no double click.
                self.hurry.forget(event)
            await self._failed(click, error)

    # ---- tasks

    def _on_ready(self, client: Any) -> None:
        for task in self.tasks:
            task.start(self)

    async def _on_disconnect(self, event: Disconnect) -> None:
        if not event.will_reconnect:
            await self._stop_tasks()

    async def _stop_tasks(self) -> None:
        for task in self.tasks:
            await task.stop()

    async def disconnect(self, drain: float = 0.0) -> None:
        """End everything, as ``MezonClient.disconnect``; tasks first."""
        await self._stop_tasks()
        await super().disconnect(drain)

    async def task_failed(self, task: Task, error: Exception) -> None:
        """Hear that a run of a task has raised."""
        try:
            await self._failed(task, error)
        except Exception as raised:
            self.report_error(raised, f"the task {task.name}")

    # ---- errors

    async def _failed(self, where: Any, error: Exception) -> None:
        handler = self._when_failed or _tell
        await handler(where, error)
        if not isinstance(error, UserError):
            # The dispatch logs it with its traceback, and reports it.
            raise error


def _first_match(patterns: Iterable[Pattern], component_id: str) -> tuple[Pattern | None, dict[str, Any]]:
    """Return the first pattern an id fits, with the arguments the id carries."""
    for pattern in patterns:
        fields = pattern.match(component_id)
        if fields is not None:
            return pattern, fields
    return None, {}


async def _tell(where: Any, error: Exception) -> None:
    """Handle an error as the default does: users hear what they did wrong, and that something went wrong."""
    if not isinstance(where, Place) or isinstance(error, UnknownCommandError | ConnectionLostError):
        # The last: the bot ends while it waits for somebody, which is nothing to tell them.
        return
    if isinstance(where, Click) and not where.has_channel:
        return  # there is nowhere to tell it
    text = str(error) if isinstance(error, UserError) else "Something went wrong here; it is not your fault."
    try:
        if isinstance(where, Click):
            await where.whisper(text)
        else:
            await where.reply(text)
    except Exception as failure:
        logger.warning("A user could not be told of an error: %s", failure)


async def _help(ctx: Context, *names: str) -> None:
    """Show the commands, or how one of them is used."""
    table: dict[str, Command] = ctx.bot.commands
    command: Command | None = None
    for name in names:
        command = table.get(name.casefold().removeprefix(ctx.bot.prefix))
        if command is None:
            raise UserError(f"There is no command {' '.join(names)!r}.")
        table = command.commands if isinstance(command, Group) else {}
    await ctx.bot.send_help(ctx, command)
