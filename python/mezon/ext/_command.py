"""One command: its names, its checks, its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mezon import InvalidArgumentError
from mezon.ext._arguments import look_up, parameters_of, read
from mezon.ext._checks import Guarded
from mezon.ext._registering import is_async
from mezon.ext._router import Item, Registry
from mezon.ext.errors import ArgumentError

if TYPE_CHECKING:
    from mezon.ext._checks import Cooldown
    from mezon.ext._context import Context
    from mezon.ext._words import Words


class Command(Guarded):
    """A command.

    Attributes:
        name, aliases: What it is called by.
        callback: Its function.
        help: Its docstring.
        parent: The group it belongs to.
        hidden: Whether it is left out of the list.
    """

    def __init__(
        self,
        callback: Callable[..., Any],
        *,
        name: str | None = None,
        aliases: Sequence[str] = (),
        checks: Iterable[Any] = (),
        cooldown: Cooldown | None = None,
        hidden: bool = False,
    ) -> None:
        super().__init__(checks, cooldown)
        if isinstance(callback, Command):
            raise InvalidArgumentError(
                f"{callback.full_name} is a command already: aliases give it more names"
            )
        if not is_async(callback):
            raise InvalidArgumentError("a command is a coroutine function: async def name(ctx, ...)")
        self.callback = callback
        self.name: str = name if name else str(getattr(callback, "__name__", ""))
        self.aliases: tuple[str, ...] = (aliases,) if isinstance(aliases, str) else tuple(aliases)
        for one in self.names:
            if not isinstance(one, str) or not one or one != "".join(one.split()):
                raise InvalidArgumentError(f"the name of a command is one word, not {one!r}")
        self.help: str = inspect.getdoc(callback) or ""
        self.hidden = hidden
        self.parent: Group | None = None
        self._parameters = parameters_of(callback)

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and its other names."""
        return (self.name, *self.aliases)

    @property
    def full_name(self) -> str:
        """Its name after those of its groups."""
        return f"{self.parent.full_name} {self.name}" if self.parent is not None else self.name

    @property
    def usage(self) -> str:
        """How it is called, such as ``poll <question> [choices...]``."""
        return " ".join([self.full_name, *(parameter.usage for parameter in self._parameters)])

    async def run(self, ctx: Context, words: Words) -> None:
        """Check, convert and call it.

        Raises:
            UserError: With a sentence for the user.
        """
        ctx.command = self
        await self.allow(ctx)
        try:
            args, kwargs = read(self._parameters, words)
            # Before the lookups: each costs a call to the server. A mistake that needs no lookup is no use.
            self.count(ctx)
            args, kwargs = await look_up(ctx, args, kwargs)
        except ArgumentError as error:
            raise ArgumentError(f"{error}\nUsage: {ctx.bot.prefix}{self.usage}", error.parameter) from error
        await self.callback(ctx, *args, **kwargs)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call its function itself."""
        return await self.callback(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.full_name}>"


class Group(Command, Registry):
    """A command with commands below it."""

    def __init__(self, callback: Callable[..., Any], **options: Any) -> None:
        super().__init__(callback, **options)
        self.commands: dict[str, Command] = {}

    def _register(self, item: Item) -> None:
        if not isinstance(item, Command):
            raise InvalidArgumentError("a group holds commands; register the rest on the bot or a router")
        item.parent = self
        add_command(self.commands, item)

    @property
    def shown(self) -> list[Command]:
        """The commands below it that are not hidden."""
        return [one for one in dict.fromkeys(self.commands.values()) if not one.hidden]

    async def run(self, ctx: Context, words: Words) -> None:
        """Run the command that is named, or this one.

        Raises:
            UserError: With a sentence for the user.
        """
        word = words.peek()
        below = self.commands.get(word.text.casefold()) if word is not None else None
        if below is None:
            if word is not None and not self._parameters:
                await self.allow(ctx)
                names = ", ".join(one.name for one in self.shown)
                raise ArgumentError(f"{self.full_name} has no {word.text!r}; it has {names or 'nothing'}.")
            await super().run(ctx, words)
            return
        words.next()
        await self.allow(ctx)
        await below.run(ctx, words)


def add_command(table: dict[str, Command], command: Command) -> None:
    """Put a command into a table by all its names.

    Raises:
        InvalidArgumentError: If one of them is taken.
    """
    names = [name.casefold() for name in command.names]
    for name in names:
        if name in table:
            raise InvalidArgumentError(
                f"the command {name!r} is there already: {table[name].callback.__qualname__}"
            )
    table.update(dict.fromkeys(names, command))
