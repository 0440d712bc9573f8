"""Checks and cooldowns: who may use a command, a button or a form, and how often."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, TypeVar

from mezon import InvalidArgumentError
from mezon.ext._signatures import name_of
from mezon.ext.errors import CheckFailedError, CooldownError
from mezon.ext.tasks import Task
from mezon.ext.texts import sentence

if TYPE_CHECKING:
    from mezon import Clan, TextChannel

#: Returns True or False, or a sentence that says why the use is refused.
CheckFunction: TypeAlias = "Callable[[Any], bool | str | Awaitable[bool | str | None] | None]"

F = TypeVar("F", bound="Callable[..., Any]")

#: Seconds for which the members of a clan's roles are cached.
_ROLE_TTL: Final = 30.0

#: Clans whose roles are cached.
_MAX_CLANS: Final = 100

#: Users, channels or clans that one cooldown counts; the ones used longest ago are forgotten first.
_MAX_KEYS: Final = 10_000


class Usage(Protocol):
    """A use of a command, a button or a form, as cooldowns see it: this module does not import its users."""

    user_id: int
    bot: Any

    @property
    def channel(self) -> TextChannel:
        """The channel of the use."""
        raise NotImplementedError

    @property
    def clan(self) -> Clan:
        """The clan of the use."""
        raise NotImplementedError


class Check:
    """A check, for ``checks=[...]`` or as a decorator of a handler.

    Args:
        function: Called with the context. A result of False, or a sentence, refuses the use.
        text: The message to the user when the result is False; a general refusal by default.
    """

    def __init__(self, function: CheckFunction, text: str | None = None) -> None:
        if not callable(function) or function in _FACTORIES:
            name = getattr(function, "__name__", repr(function))
            raise InvalidArgumentError(
                f"a check must be a function that takes the context, not {name}"
                + (f": write {name}(), with parentheses" if function in _FACTORIES else "")
            )
        self._function = function
        self._text = sentence("refused") if text is None else text

    def __call__(self, function: F) -> F:
        """Guard a function, or a command, button or form that was made of one."""
        target = _decorated(function, "check")
        target.__mezon_checks__ = [self, *getattr(target, "__mezon_checks__", [])]
        return function

    async def run(self, ctx: Any) -> None:
        """Run the check.

        Raises:
            CheckFailedError: If the use is refused.
        """
        answer = self._function(ctx)
        if inspect.isawaitable(answer):
            answer = await answer
        if answer is False or isinstance(answer, str):
            raise CheckFailedError(answer or self._text)


class Guarded:
    """A handler with checks and a cooldown: the base of commands, button patterns and form handlers."""

    callback: Callable[..., Any]

    def __init__(self, checks: Iterable[Any] = (), cooldown: Cooldown | None = None) -> None:
        self._checks = as_checks(checks)
        if cooldown is not None and not isinstance(cooldown, Cooldown):
            raise InvalidArgumentError(f"cooldown= takes cooldown(1, 60), not {cooldown!r}")
        self._cooldown = cooldown

    def add_checks(self, checks: Iterable[Any]) -> None:
        """Add checks that run before the others."""
        self._checks = [*as_checks(checks), *self._checks]

    async def allow(self, usage: Usage) -> None:
        """Run the checks.

        Raises:
            CheckFailedError: If one of them refuses the use.
        """
        for one in self._checks:
            await one.run(usage)
        await run_checks(self.callback, usage)

    def count(self, usage: Usage) -> Awaitable[None] | None:
        """Count a use against the cooldown; a shared cooldown returns an awaitable that does so.

        Raises:
            CooldownError: If there were too many uses.
        """
        if self._cooldown is not None:
            return self._cooldown.use(usage, self.callback)
        return count_use(self.callback, usage)


async def run_checks(function: Callable[..., Any], usage: Usage) -> None:
    """Run the checks that decorate a function.

    Raises:
        CheckFailedError: If one of them refuses the use.
    """
    for one in getattr(function, "__mezon_checks__", ()):
        await one.run(usage)


def count_use(function: Callable[..., Any], usage: Usage) -> Awaitable[None] | None:
    """Count a use against the cooldown that decorates a function, as ``Guarded.count`` does.

    Raises:
        CooldownError: If there were too many uses.
    """
    found: Cooldown | None = getattr(function, "__mezon_cooldown__", None)
    return found.use(usage, function) if found is not None else None


def _decorated(function: Any, what: str) -> Any:
    """Return the object that a decorator marks: the function, also if a command was already made of it."""
    if isinstance(function, Guarded):
        return function.callback
    if isinstance(function, Task):
        raise InvalidArgumentError(f"a task has no user, so {function.name} takes no {what}")
    return function


def as_checks(checks: Any) -> list[Check]:
    """Return functions and checks as checks.

    Raises:
        InvalidArgumentError: If one of them cannot be a check.
    """
    if callable(checks):
        checks = [checks]
    return [one if isinstance(one, Check) else Check(one) for one in checks]


def check(function: CheckFunction, text: str | None = None) -> Check:
    """Make a check of a function or coroutine function that takes the context."""
    return Check(function, text)


def dm_only() -> Check:
    """Allow the use only in direct messages between one user and the bot, not in group chats."""
    return Check(lambda ctx: ctx.is_dm, sentence("dm_only"))


def group_only() -> Check:
    """Allow the use only in group chats."""
    return Check(lambda ctx: ctx.is_group, sentence("group_only"))


def clan_only() -> Check:
    """Allow the use only in a clan."""
    return Check(lambda ctx: ctx.clan.id != 0, sentence("clan_only"))


def owner_only() -> Check:
    """Allow the use only to the bot's owners: ``Bot(owner_ids=[...])``.

    The user of a click is what its client claims: combine the check with ``click.actor_verified``.
    """
    return Check(lambda ctx: ctx.user_id in ctx.bot.owner_ids, sentence("owner_only"))


def has_role(*roles: str | int) -> Check:
    """Allow the use only to members with one of these roles in the clan, by title or id.

    The roles are fetched over HTTP, at most once in 30 seconds for each clan. The user of a click is what its client
    claims: combine the check with ``click.actor_verified``.
    """
    if not roles or not all(isinstance(role, str | int) for role in roles):
        raise InvalidArgumentError('has_role takes the titles or ids of roles: has_role("Moderator")')

    async def function(ctx: Any) -> bool:
        if not ctx.clan.id:
            return False
        mine = await ctx.bot.role_names(ctx.clan, ctx.user_id)
        return any(role in mine for role in roles)

    return Check(function, sentence("needs_role", roles=roles))


class RoleCache:
    """The members of each clan's roles, cached for 30 seconds."""

    def __init__(self) -> None:
        self._cached: OrderedDict[int, tuple[float, asyncio.Future[dict[int, set[str | int]]]]] = (
            OrderedDict()
        )

    async def of(self, clan: Clan, user_id: int) -> set[str | int]:
        """Return the titles and ids of a user's roles in a clan.

        Raises:
            MezonError: If the roles cannot be fetched; the next call tries again.
        """
        now = asyncio.get_running_loop().time()
        cached = self._cached.get(clan.id)
        if cached is None or now - cached[0] > _ROLE_TTL:
            # Concurrent callers share one fetch: HTTP calls are scarce.
            fetch = asyncio.ensure_future(self._fetch(clan))
            fetch.add_done_callback(lambda fetch: self._drop_failed(clan.id, fetch))
            cached = self._cached[clan.id] = (now, fetch)
            self._cached.move_to_end(clan.id)
            if len(self._cached) > _MAX_CLANS:
                self._cached.popitem(last=False)
        return (await asyncio.shield(cached[1])).get(user_id, set())

    def _drop_failed(self, clan_id: int, fetch: asyncio.Future[Any]) -> None:
        failed = fetch.cancelled() or fetch.exception() is not None
        if failed and self._cached.get(clan_id, (0.0, None))[1] is fetch:
            del self._cached[clan_id]

    def forget_changed(self, event: Any) -> None:
        """Drop the cached roles of the clan in a ``role_event`` or a ``role_assign_event``."""
        role = getattr(event, "role", None)
        self._cached.pop(int(getattr(event, "ClanId", "") or 0) if role is None else role.clan_id, None)

    async def _fetch(self, clan: Clan) -> dict[int, set[str | int]]:
        members: dict[int, set[str | int]] = {}
        answer = await clan.list_roles()
        for role in (answer.roles.roles if answer.roles is not None else None) or ():
            for user in (role.role_user_list.role_users if role.role_user_list is not None else None) or ():
                members.setdefault(user.id or 0, set()).update((role.title or "", role.id or 0))
        return members


class Cooldown:
    """A limit of uses in a period, for ``cooldown=`` of a command or as a decorator of a handler.

    Args:
        rate: Allowed uses in the period.
        per: The period in seconds.
        by: What is counted separately: each ``user``, ``channel`` or ``clan``, or ``all`` together.
        shared: Count in the bot's state: across restarts, and together with the other processes of the bot.
    """

    def __init__(
        self,
        rate: int,
        per: float,
        by: Literal["user", "channel", "clan", "all"] = "user",
        *,
        shared: bool = False,
    ) -> None:
        if callable(rate):
            raise InvalidArgumentError(
                f"write @cooldown(1, 60), with parentheses, for one use in 60 s; got {name_of(rate)}"
            )
        if rate < 1 or per <= 0:
            raise InvalidArgumentError(
                f"cooldown: rate must be >= 1 and per must be > 0, not {rate} and {per}"
            )
        if by not in ("user", "channel", "clan", "all"):
            raise InvalidArgumentError(f"cooldown: by must be user, channel, clan or all, not {by!r}")
        self.rate = rate
        self.per = per
        self.by = by
        self.shared = shared
        self._uses: OrderedDict[int, deque[float]] = OrderedDict()

    def __call__(self, function: F) -> F:
        """Limit a function, or a command, button or form that was made of one."""
        _decorated(function, "cooldown").__mezon_cooldown__ = self
        return function

    def use(self, usage: Usage, function: Callable[..., Any] | None = None) -> Awaitable[None] | None:
        """Count a use of a handler; a shared cooldown returns an awaitable that does so.

        Raises:
            CooldownError: If there were too many uses; the refused use is not counted.
        """
        key = {"user": usage.user_id, "channel": usage.channel.id, "clan": usage.clan.id, "all": 0}[self.by]
        if self.shared:
            return self._use_shared(usage, f"_cooldown.{_handler_key(function)}.{self.by}.{key}")
        now = asyncio.get_running_loop().time()
        uses = self._uses.setdefault(key, deque())
        self._uses.move_to_end(key)
        while uses and uses[0] <= now - self.per:
            uses.popleft()
        if len(uses) >= self.rate:
            raise CooldownError(uses[0] + self.per - now)
        uses.append(now)
        while len(self._uses) > _MAX_KEYS:
            self._uses.popitem(last=False)
        return None

    async def _use_shared(self, usage: Usage, key: str) -> None:
        records = usage.bot.records
        while True:
            now = time.time()
            entry = await records.get(key)
            # Times in the future are of a clock that was set back.
            uses = [one for one in _times(entry.value if entry else b"") if now - self.per < one < now + 1]
            if len(uses) >= self.rate:
                raise CooldownError(uses[0] + self.per - now)
            stored = json.dumps({"v": 1, "d": {"uses": [*uses, now]}}).encode()
            if await records.put(key, stored, entry.revision if entry else 0, self.per) is not None:
                return


def _handler_key(function: Callable[..., Any] | None) -> str:
    """Return the part of state keys that names a handler."""
    name = f"{getattr(function, '__module__', '')}_{name_of(function)}"
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _times(stored: bytes) -> list[float]:
    """Return the stored times of uses; none if the record is damaged, which must not refuse a handler for good."""
    try:
        return [float(one) for one in json.loads(stored)["d"]["uses"]] if stored else []
    except (ValueError, KeyError, TypeError):
        return []


def cooldown(
    rate: int,
    per: float = 0.0,
    by: Literal["user", "channel", "clan", "all"] = "user",
    *,
    shared: bool = False,
) -> Cooldown:
    """Allow ``rate`` uses in ``per`` seconds, for each user, channel or clan (``by``), or for all together.

    ``shared`` counts in the bot's state: across restarts, and together with the other processes of the bot.

    Raises:
        InvalidArgumentError: If an argument is missing or invalid.
    """
    return Cooldown(rate, per, by, shared=shared)


#: Functions that return checks; passing one of them without parentheses is a mistake.
_FACTORIES: Final[tuple[object, ...]] = (check, dm_only, group_only, clan_only, owner_only, has_role)
