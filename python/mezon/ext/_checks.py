"""Who may use a command, and how often."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from mezon import InvalidArgumentError
from mezon.ext.errors import CheckFailedError, CooldownError
from mezon.ext.tasks import Task

if TYPE_CHECKING:
    from mezon.ext._context import Place

#: Says whether something may be done: true or false, or a sentence that says why not.
CheckFunction: TypeAlias = "Callable[[Any], bool | str | Awaitable[bool | str | None] | None]"

F = TypeVar("F", bound="Callable[..., Any]")

#: How long the members of a role are taken for known, in seconds.
_ROLES_FOR: Final = 30.0

#: Users, channels or clans whose uses one cooldown remembers; those used longest ago are forgotten.
_REMEMBERED: Final = 10_000


class Check:
    """A check: given to ``checks=[...]``, or put on a function as a decorator.

    Args:
        function: Called with the context. False, or a sentence, refuses.
        text: What the user is told when it says False.
    """

    def __init__(self, function: CheckFunction, text: str = "You may not do that.") -> None:
        if not callable(function) or function in _FACTORIES:
            name = getattr(function, "__name__", repr(function))
            raise InvalidArgumentError(
                f"a check is a function that gets the context: not {name}"
                + ("; the check it makes is given with parentheses" if function in _FACTORIES else "")
            )
        self._function = function
        self._text = text

    def __call__(self, function: F) -> F:
        """Guard a function, or a command, buttons or a form that were made of one already."""
        target = _guarded(function, "check")
        target.__mezon_checks__ = [self, *getattr(target, "__mezon_checks__", [])]
        return function

    async def run(self, ctx: Any) -> None:
        """Check.

        Raises:
            CheckFailedError: If it is refused.
        """
        answer = self._function(ctx)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is False or isinstance(answer, str):
            raise CheckFailedError(answer or self._text)


class Guarded:
    """What users call, with checks and a cooldown: a command, buttons, a form."""

    callback: Callable[..., Any]

    def __init__(self, checks: Iterable[Any] = (), cooldown: Cooldown | None = None) -> None:
        self._checks = as_checks(checks)
        if cooldown is not None and not isinstance(cooldown, Cooldown):
            raise InvalidArgumentError(f"a cooldown is made by cooldown(1, 60), not {cooldown!r}")
        self._cooldown = cooldown

    def add_checks(self, checks: Iterable[Any]) -> None:
        """Check more, before the others."""
        self._checks = [*as_checks(checks), *self._checks]

    async def allow(self, place: Place) -> None:
        """Check whether it may be used.

        Raises:
            CheckFailedError: If not.
        """
        for one in self._checks:
            await one.run(place)
        await allow(self.callback, place)

    def count(self, place: Place) -> None:
        """Count a use.

        Raises:
            CooldownError: If there were too many.
        """
        if self._cooldown is not None:
            self._cooldown.use(place)
        else:
            count(self.callback, place)


async def allow(function: Callable[..., Any], place: Place) -> None:
    """Check what the decorators of a function say.

    Raises:
        CheckFailedError: If it may not be used.
    """
    for one in getattr(function, "__mezon_checks__", ()):
        await one.run(place)


def count(function: Callable[..., Any], place: Place) -> None:
    """Count a use of a function by its decorator.

    Raises:
        CooldownError: If there were too many.
    """
    used: Cooldown | None = getattr(function, "__mezon_cooldown__", None)
    if used is not None:
        used.use(place)


def _guarded(function: Any, what: str) -> Any:
    """Give what a decorator marks: the function, also of a command that was made of it."""
    if isinstance(function, Guarded):
        return function.callback
    if isinstance(function, Task):
        raise InvalidArgumentError(f"a task has no user, so {function.name} takes no {what}")
    return function


def as_checks(checks: Any) -> list[Check]:
    """Take what was given as checks, as checks.

    Raises:
        InvalidArgumentError: If one cannot be a check.
    """
    if callable(checks):
        checks = [checks]
    return [one if isinstance(one, Check) else Check(one) for one in checks]


def check(function: CheckFunction, text: str = "You may not do that.") -> Check:
    """Make a check of your own; ``function`` gets the context and may be a coroutine function."""
    return Check(function, text)


def dm_only() -> Check:
    """Allow it in direct messages only: between one user and the bot, not in a group chat."""
    return Check(lambda ctx: ctx.is_dm, "That goes in a direct message only.")


def group_only() -> Check:
    """Allow it in group chats only."""
    return Check(lambda ctx: ctx.is_group, "That goes in a group chat only.")


def clan_only() -> Check:
    """Allow it in a clan only."""
    return Check(lambda ctx: ctx.clan.id != 0, "That goes in a clan only.")


def owner_only() -> Check:
    """Allow it to the bot's owners only: ``Bot(owner_ids=[...])``."""
    return Check(lambda ctx: ctx.user_id in ctx.bot.owner_ids, "Only the bot's owner may do that.")


def has_role(*roles: str | int) -> Check:
    """Allow it only to those who have one of these roles in the clan, by title or id.

    The roles are asked for over HTTP, at most once in 30 seconds for each clan.
    """
    if not roles or not all(isinstance(role, str | int) for role in roles):
        raise InvalidArgumentError('has_role takes the titles or ids of roles: has_role("Moderator")')

    async def function(ctx: Place) -> bool:
        if not ctx.clan.id:
            return False
        mine = await ctx.bot.role_names(ctx.clan, ctx.user_id)
        return any(role in mine for role in roles)

    return Check(function, f"That needs the role {' or '.join(map(str, roles))}.")


class RoleBook:
    """Who has which role, for a while."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, tuple[float, asyncio.Future[dict[int, set[str | int]]]]] = OrderedDict()

    async def of(self, clan: Any, user_id: int) -> set[str | int]:
        """Give the titles and ids of the roles a user has in a clan.

        Raises:
            MezonError: If they cannot be asked for; the next one who wants them asks again.
        """
        now = asyncio.get_running_loop().time()
        known = self._known.get(clan.id)
        if known is None or now - known[0] > _ROLES_FOR:
            # Who comes while it is asked for waits for the same answer: HTTP calls are few.
            asked = asyncio.ensure_future(self._ask(clan))
            asked.add_done_callback(lambda asked: self._asked(clan.id, asked))
            known = self._known[clan.id] = (now, asked)
            self._known.move_to_end(clan.id)
            if len(self._known) > 100:
                self._known.popitem(last=False)
        return (await asyncio.shield(known[1])).get(user_id, set())

    def _asked(self, clan_id: int, asked: asyncio.Future[Any]) -> None:
        failed = asked.cancelled() or asked.exception() is not None
        if failed and self._known.get(clan_id, (0.0, None))[1] is asked:
            del self._known[clan_id]

    def forget(self, clan_id: int) -> None:
        """Forget the roles of a clan: one was changed, given or taken."""
        self._known.pop(clan_id, None)

    async def _ask(self, clan: Any) -> dict[int, set[str | int]]:
        members: dict[int, set[str | int]] = {}
        answer = await clan.list_roles()
        for role in (answer.roles.roles if answer.roles is not None else None) or ():
            for user in (role.role_user_list.role_users if role.role_user_list is not None else None) or ():
                members.setdefault(user.id or 0, set()).update((role.title or "", role.id or 0))
        return members


class Cooldown:
    """So many uses in so many seconds; as ``cooldown=`` of a command, or a decorator.

    Args:
        rate: How many uses.
        per: In how many seconds.
        by: Who is counted: each ``user``, ``channel`` or ``clan``, or ``all`` together.
    """

    def __init__(self, rate: int, per: float, by: Literal["user", "channel", "clan", "all"] = "user") -> None:
        if rate < 1 or per <= 0:
            raise InvalidArgumentError(
                f"a cooldown lets something be done once or more in a time, not {rate} in {per} s"
            )
        if by not in ("user", "channel", "clan", "all"):
            raise InvalidArgumentError(f"a cooldown counts by user, channel, clan or all, not by {by!r}")
        self.rate = rate
        self.per = per
        self.by = by
        self._uses: OrderedDict[int, deque[float]] = OrderedDict()

    def __call__(self, function: F) -> F:
        """Limit a function, or a command, buttons or a form that were made of one already."""
        _guarded(function, "cooldown").__mezon_cooldown__ = self
        return function

    def use(self, ctx: Place) -> None:
        """Count a use.

        Raises:
            CooldownError: If there were too many; this one is not counted then.
        """
        now = asyncio.get_running_loop().time()
        key = {"user": ctx.user_id, "channel": ctx.channel.id, "clan": ctx.clan.id, "all": 0}[self.by]
        uses = self._uses.setdefault(key, deque())
        self._uses.move_to_end(key)
        while uses and uses[0] <= now - self.per:
            uses.popleft()
        if len(uses) >= self.rate:
            raise CooldownError(uses[0] + self.per - now)
        uses.append(now)
        while len(self._uses) > _REMEMBERED:
            self._uses.popitem(last=False)


def cooldown(rate: int, per: float, by: Literal["user", "channel", "clan", "all"] = "user") -> Cooldown:
    """Allow ``rate`` uses in ``per`` seconds, for each user, channel or clan, or for all together."""
    return Cooldown(rate, per, by)


#: They make checks, and are none.
_FACTORIES: Final[tuple[object, ...]] = (check, dm_only, group_only, clan_only, owner_only, has_role)
