"""What a bot of one file, or of several, is made of: commands, buttons, forms, tasks, listeners."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from mezon import InvalidArgumentError
from mezon.ext._checks import Guarded, as_checks
from mezon.ext._clicks import Pattern
from mezon.ext._forms import FormHandler
from mezon.ext._registering import check_called, check_seconds
from mezon.ext.tasks import Every, Task, _Cron, zone_of

if TYPE_CHECKING:
    from mezon.ext._checks import Cooldown
    from mezon.ext._command import Command, Group
    from mezon.ext.components import Form

F = TypeVar("F", bound="Callable[..., Any]")


class Select:
    """A handler of the select boxes whose ids fit a pattern."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern

    def add_checks(self, checks: Iterable[Any]) -> None:
        """Check more, before the others."""
        self.pattern.add_checks(checks)


class Listener:
    """A handler of an event."""

    def __init__(self, event: str, handler: Callable[..., Any]) -> None:
        self.event = event
        self.handler = handler


Item: TypeAlias = "Command | Pattern | Select | FormHandler | Task | Listener"


class Registry:
    """The decorators of a bot and of a router."""

    def _register(self, item: Item) -> None:
        raise NotImplementedError

    # ---- commands

    def command(
        self,
        name: str | None = None,
        *,
        aliases: Sequence[str] = (),
        checks: Iterable[Any] = (),
        cooldown: Cooldown | None = None,
        hidden: bool = False,
    ) -> Callable[[Callable[..., Any]], Command]:
        """Make a command: ``@bot.command("poll", aliases=["vote"])`` on ``async def poll(ctx, question, *choices)``.

        What users type becomes the arguments, by the types of the parameters: ``str``, ``int``, ``float``,
        ``bool``, ``datetime``, ``Literal``, an ``Enum``, a ``User`` or a ``TextChannel``, or whatever pydantic makes
        of a text. ``*names`` takes all words that are left, ``*, text`` the rest as it was typed. The docstring is
        its help.

        ```python
        from mezon.ext.commands import Context

        @bot.command("poll", aliases=["vote"])
        async def poll(ctx: Context, question: str, *choices: str) -> None:
            await ctx.send(f"{question} {', '.join(choices)}?")
        ```

        Args:
            name: Its name; the function's if left out.
            aliases: Other names.
            checks: Who may use it; see ``mezon.ext.commands.check``.
            cooldown: How often it may be used.
            hidden: Leave it out of the list of commands.

        Raises:
            InvalidArgumentError: If the function is no coroutine function, or a name is taken.
        """
        from mezon.ext._command import Command

        if name is not None:
            check_called(name, '@bot.command() or @bot.command("name")')

        def add(function: Callable[..., Any]) -> Command:
            made = Command(
                function, name=name, aliases=aliases, checks=checks, cooldown=cooldown, hidden=hidden
            )
            self._register(made)
            return made

        return add

    def group(
        self,
        name: str | None = None,
        *,
        aliases: Sequence[str] = (),
        checks: Iterable[Any] = (),
        cooldown: Cooldown | None = None,
        hidden: bool = False,
    ) -> Callable[[Callable[..., Any]], Group]:
        """Make a command with others below: ``@admin.command()`` adds ``!admin ...``. Its own function is called
        when none of them is named."""
        from mezon.ext._command import Group

        if name is not None:
            check_called(name, '@bot.group() or @bot.group("name")')

        def add(function: Callable[..., Any]) -> Group:
            made = Group(
                function, name=name, aliases=aliases, checks=checks, cooldown=cooldown, hidden=hidden
            )
            self._register(made)
            return made

        return add

    # ---- components

    def button(self, pattern: str) -> Callable[[Callable[..., Any]], Pattern]:
        """Register buttons whose ids fit a pattern, such as ``vote/{poll}/{choice:int}``; they outlive a restart.

        The handler gets the ``mezon.ext.components.Click``, and the fields by name. What the decorator gives
        makes the buttons: ``vote.button("Phở", poll="lunch", choice=1)``. Checks and cooldowns are put on the handler
        as decorators.

        Raises:
            InvalidArgumentError: If the pattern is none or ambiguous (two fields in one segment, two path fields),
                or the handler does not take what it is called with.
        """
        check_called(pattern, '@bot.button("vote/{choice}")')

        def add(function: Callable[..., Any]) -> Pattern:
            made = Pattern(pattern, function)
            self._register(made)
            return made

        return add

    def select(self, pattern: str) -> Callable[[Callable[..., Any]], Pattern]:
        """Register select boxes whose ids fit a pattern, at each choice; ``click.values`` has what was chosen.

        Raises:
            InvalidArgumentError: As for ``button``.
        """
        check_called(pattern, '@bot.select("size/{order}")')

        def add(function: Callable[..., Any]) -> Pattern:
            made = Pattern(pattern, function)
            self._register(Select(made))
            return made

        return add

    def form(self, form: type[Form]) -> Callable[[F], F]:
        """Register who is called with click and form whenever it was filled in; it outlives a restart.

        Send it with ``ctx.send(Lunch.content(title="Lunch"))``. Checks and cooldowns are put on the handler as
        decorators.

        Raises:
            InvalidArgumentError: If it is no form, or the handler does not take what it is called with.
        """
        from mezon.ext.components import Form as Base

        if not (isinstance(form, type) and issubclass(form, Base)):
            raise InvalidArgumentError(f"write @bot.form(Lunch), with a subclass of Form, not {form!r}")

        def add(function: F) -> F:
            self._register(FormHandler(form, function))
            return function

        return add

    # ---- tasks

    def every(
        self,
        *,
        seconds: float = 0,
        minutes: float = 0,
        hours: float = 0,
        at_start: bool = False,
        overlap: Literal["skip", "allow"] = "skip",
        missed: Literal["skip", "once"] = "skip",
        grace: float = 60.0,
    ) -> Callable[[Callable[..., Any]], Task]:
        """Run a coroutine function every so often; see ``mezon.ext.tasks``. It takes nothing, or the bot.

        Args:
            seconds: The time between two runs, together with the next two.
            minutes: Minutes of it.
            hours: Hours of it.
            at_start: Run when the bot is ready, too.
            overlap: What becomes of a run while the one before still goes: ``skip`` or ``allow``.
            missed: What becomes of runs that could not begin in time: ``skip``, or ``once`` for all together.
            grace: How many seconds late is in time.

        Raises:
            InvalidArgumentError: If the time is none, or the function takes something else.
        """
        check_seconds("every()", seconds, minutes, hours, grace)

        def add(function: Callable[..., Any]) -> Task:
            schedule = Every(seconds + 60 * minutes + 3600 * hours, at_start=at_start)
            made = Task(function, schedule, overlap=overlap, missed=missed, grace=grace)
            self._register(made)
            return made

        return add

    def cron(
        self,
        line: str,
        *,
        tz: str | tzinfo | None = None,
        overlap: Literal["skip", "allow"] = "skip",
        missed: Literal["skip", "once"] = "skip",
        grace: float = 60.0,
    ) -> Callable[[Callable[..., Any]], Task]:
        """Run a coroutine function at the times of a cron line; see ``mezon.ext.tasks``. It takes nothing, or the bot.

        Args:
            line: Minute, hour, day, month and day of the week, such as ``0 9 * * 1-5``.
            tz: The time zone, such as ``Asia/Ho_Chi_Minh``; UTC if left out.
            overlap: As for ``every``.
            missed: As for ``every``.
            grace: As for ``every``.

        Raises:
            InvalidArgumentError: If it is no cron line, there is no such zone, or the function takes something else.
            ImportError: If ``cronsim`` is not installed.
        """
        check_called(line, '@bot.cron("0 9 * * 1-5")')
        check_seconds("grace", grace)

        def add(function: Callable[..., Any]) -> Task:
            made = Task(function, _Cron(line, zone_of(tz)), overlap=overlap, missed=missed, grace=grace)
            self._register(made)
            return made

        return add


class Router(Registry):
    """A part of a bot in a file of its own: ``bot.include(router)`` takes over all that is registered on it.

    Args:
        checks: For every command, button, select box and form of it. Tasks and listeners have nobody to check.
    """

    def __init__(self, *, checks: Iterable[Any] = ()) -> None:
        self._items: list[Item] = []
        self._followers: list[Registry] = []
        self._checks = as_checks(checks)

    def _register(self, item: Item) -> None:
        if self._checks and isinstance(item, Guarded | Select):
            item.add_checks(self._checks)
        self._items.append(item)
        for follower in self._followers:
            follower._register(item)

    def on(self, event: str) -> Callable[[F], F]:
        """Register a handler of an event, as ``client.on``."""

        def add(function: F) -> F:
            self._register(Listener(event, function))
            return function

        return add

    def include(self, router: Router) -> None:
        """Take over what is registered on another router, now and later.

        Raises:
            InvalidArgumentError: If it is no router, or takes over from this one itself.
        """
        if not isinstance(router, Router):
            raise InvalidArgumentError(f"what is included is a Router, not {router!r}")
        if self._feeds(router):
            which = "itself" if router is self else "a router that includes it"
            raise InvalidArgumentError(
                f"a router cannot include {which}: what is registered would go round for ever"
            )
        router.feed(self)

    def _feeds(self, other: Router) -> bool:
        """Say whether what is registered here gets to another router in the end, or is there already."""
        routers = (follower for follower in self._followers if isinstance(follower, Router))
        return other is self or any(follower._feeds(other) for follower in routers)

    def feed(self, follower: Registry) -> None:
        """Give what is registered here to somebody, now and later."""
        self._followers.append(follower)
        for item in self._items:
            follower._register(item)
