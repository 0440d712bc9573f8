"""The arguments of a command: parsed by the types of its signature, with users and channels looked up."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, get_args, get_origin
from weakref import WeakSet

from pydantic import TypeAdapter

from mezon import InvalidArgumentError, MezonError, TextChannel, User
from mezon.ext._injection import is_dependency, provided_types
from mezon.ext._parsing import Word, Words, id_of
from mezon.ext._signatures import adapter_of, collection_name, convert, hints_of, name_of, shorten
from mezon.ext.errors import ArgumentError, CooldownError, UserError
from mezon.ext.texts import sentence

if TYPE_CHECKING:
    from mezon import Clan, MezonClient

__all__ = ["Lookups", "Parameter", "dependencies_of", "parameters_of", "parse_arguments"]

T = TypeVar("T")

_MISSING: Any = inspect.Parameter.empty

#: The period of ``Bot(lookups_per_minute=...)``, in seconds.
_PERIOD: Final = 60.0

#: Users whose lookups are counted; the user whose last lookup is the oldest is forgotten first.
_MAX_USERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command.

    Attributes:
        kind: ``one`` word, ``many`` words (``*names: str``), or the ``rest`` as it was typed (``*, text: str``).
        entity: ``User`` or ``TextChannel``, which are looked up; None for other types.
        adapter: Converts a word.
    """

    name: str
    kind: Literal["one", "many", "rest"]
    default: Any
    entity: type[User] | type[TextChannel] | None
    adapter: TypeAdapter[Any]

    @property
    def required(self) -> bool:
        """Whether the user must type a value."""
        return self.kind != "many" and self.default is _MISSING

    @property
    def usage(self) -> str:
        """The parameter in the usage line of its command."""
        several = self.kind == "many" or (self.kind == "rest" and self.entity is None)
        shown = f"{self.name}..." if several else self.name
        return f"<{shown}>" if self.required else f"[{shown}]"


def dependencies_of(function: Callable[..., Any]) -> dict[str, type]:
    """Return the parameters of a command's function that no word can fill, by name."""
    return {
        name: kind
        for name, kind in provided_types(function, 1).items()
        if _entity_type(kind) is None and is_dependency(kind)
    }


def parameters_of(function: Callable[..., Any], provided: Collection[str] = ()) -> list[Parameter]:
    """Return the parameters of a command's function that words fill: without the context and the ``provided`` ones.

    Raises:
        InvalidArgumentError: If the function takes no context, or a parameter has an unsupported type.
    """
    name = name_of(function)
    found = list(inspect.signature(function).parameters.values())
    if not found or found[0].kind not in (found[0].POSITIONAL_ONLY, found[0].POSITIONAL_OR_KEYWORD):
        raise InvalidArgumentError(f"{name} must take the context first: async def {name}(ctx, ...)")
    hints = hints_of(function)
    for one in found[1:]:
        if _is_context(one, hints.get(one.name)):
            names = [one.name, *(other.name for other in found if other is not one)]
            raise InvalidArgumentError(
                f"{name} must take the context first: write async def {name.rpartition('.')[2]}({', '.join(names)})"
            )
    return [_parameter(name, one, hints.get(one.name, str)) for one in found[1:] if one.name not in provided]


def _is_context(one: inspect.Parameter, hint: Any) -> bool:
    """Return whether a parameter is meant to receive the context."""
    if hint is None or (hint is str and one.annotation is one.empty):
        return one.name == "ctx"
    return getattr(hint, "__name__", "") == "Context" and str(getattr(hint, "__module__", "")).startswith(
        "mezon."
    )


def _parameter(function: str, one: inspect.Parameter, hint: Any) -> Parameter:
    kind: Literal["one", "many", "rest"]
    if one.kind is one.VAR_KEYWORD:
        raise InvalidArgumentError(
            f"{function} takes **{one.name}, but the words of a command have no names: use *{one.name}"
        )
    kind = "many" if one.kind is one.VAR_POSITIONAL else "rest" if one.kind is one.KEYWORD_ONLY else "one"
    if collection_name(hint):
        raise InvalidArgumentError(
            f"{one.name} of {function} is a {collection_name(hint)}, but a parameter takes one word: write "
            f"*{one.name}: int for all words that are left"
        )
    entity = _entity_type(hint)
    try:
        adapter = adapter_of(str if entity is not None else hint)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{one.name} of {function} has an unsupported type: {error}") from error
    return Parameter(one.name, kind, one.default, entity, adapter)


def _entity_type(hint: Any) -> type[User] | type[TextChannel] | None:
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and get_origin(part) is None:
            if issubclass(part, User):
                return User
            if issubclass(part, TextChannel):
                return TextChannel
    return None


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A user or channel argument that has not been looked up yet."""

    parameter: Parameter
    word: Word


def parse_arguments(parameters: list[Parameter], words: Words) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a call. Users and channels are `Unresolved`: parsing never calls the server.

    Raises:
        ArgumentError: If an argument is missing or invalid, or there are too many.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    all_taken = False
    for parameter in parameters:
        if parameter.kind == "many":
            while (word := words.next()) is not None:
                args.append(_parse(parameter, word))
            all_taken = True
            continue
        word = _take(parameter, words)
        all_taken = all_taken or (parameter.kind == "rest" and parameter.entity is None)
        if word is None:
            if parameter.required:
                raise ArgumentError(sentence("argument_missing", name=parameter.name), parameter.name)
            value = parameter.default
        else:
            value = _parse(parameter, word)
        if parameter.kind == "rest":
            kwargs[parameter.name] = value
        else:
            args.append(value)
    if not all_taken and (more := words.rest()):
        raise ArgumentError(sentence("too_many_arguments", words=shorten(more)))
    return args, kwargs


def _take(parameter: Parameter, words: Words) -> Word | None:
    if parameter.kind == "one" or parameter.entity is not None:
        return words.next()
    text = words.rest()
    return Word(text) if text else None


def _parse(parameter: Parameter, word: Word) -> Any:
    if parameter.entity is not None:
        return Unresolved(parameter, word)
    return convert(parameter.adapter, word.text, parameter.name)


class _Turn:
    """The lock of one user, kept while a lookup of that user runs or waits."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Lookups:
    """Look up the users and channels that users name, with a limit for each user.

    Lookups of one user run one at a time, and at most ``limit`` of them call the server in a minute. HTTP allows about
    one call a second: without a limit, one user who names unknown ids would fill the queue for everybody.

    Args:
        client: The client.
        limit: Lookups a user may cause in a minute.

    Raises:
        InvalidArgumentError: If the limit is not a positive int.
    """

    def __init__(self, client: MezonClient, limit: int) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise InvalidArgumentError(f"lookups_per_minute must be an int >= 1, not {limit!r}")
        self.limit = limit
        self._client = client
        self._calls: OrderedDict[int, deque[float]] = OrderedDict()
        self._turns: dict[int, _Turn] = {}
        self._loaded: WeakSet[Clan] = WeakSet()

    async def resolve(
        self, args: list[Any], kwargs: dict[str, Any], user_id: int, clan: Clan
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments with users and channels looked up, on behalf of a user in a clan.

        Raises:
            ArgumentError: If a user or a channel does not exist.
            CooldownError: If the user has caused too many lookups.
        """
        return (
            [await self._resolve(value, user_id, clan) for value in args],
            {name: await self._resolve(value, user_id, clan) for name, value in kwargs.items()},
        )

    async def run(self, user_id: int, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call on behalf of a user, after that user's earlier calls.

        Raises:
            CooldownError: If the user has caused too many calls.
        """
        self._count(user_id)
        turn = self._turns.setdefault(user_id, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                return await call()
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[user_id]

    def _count(self, user_id: int) -> None:
        now = asyncio.get_running_loop().time()
        calls = self._calls.setdefault(user_id, deque())
        self._calls.move_to_end(user_id)
        while calls and calls[0] <= now - _PERIOD:
            calls.popleft()
        if len(calls) >= self.limit:
            raise CooldownError(calls[0] + _PERIOD - now)
        calls.append(now)
        if len(self._calls) > _MAX_USERS:
            self._calls.popitem(last=False)

    async def _resolve(self, value: Any, user_id: int, clan: Clan) -> Any:
        if not isinstance(value, Unresolved):
            return value
        if value.parameter.entity is User:
            return await self._user(value.parameter, value.word, user_id)
        return await self._channel(value.parameter, value.word, user_id, clan)

    async def _user(self, parameter: Parameter, word: Word, user_id: int) -> User:
        users = self._client.users
        number = _number(word, "user", "@")
        try:
            if number:
                user = users.get(number)
                if user is None:
                    user = await self.run(user_id, lambda: users.fetch(number))
                return user
        except UserError:
            raise
        except MezonError as error:
            raise ArgumentError(sentence("unreachable_user", name=parameter.name), parameter.name) from error
        name = word.text.removeprefix("@").casefold()
        known = [user for user in users.values() if name and (user.username or "").casefold() == name]
        if len(known) == 1:
            return known[0]
        raise ArgumentError(
            sentence("no_such_user", name=parameter.name, value=shorten(word.text)), parameter.name
        )

    async def _channel(self, parameter: Parameter, word: Word, user_id: int, clan: Clan) -> TextChannel:
        channels = self._client.channels
        number = _number(word, "channel", "#")
        try:
            if number:
                channel = channels.get(number)
                if channel is None:
                    channel = await self.run(user_id, lambda: channels.fetch(number))
                return channel
            if clan.id and clan not in self._loaded:
                await self.run(user_id, clan.load_channels)
                self._loaded.add(clan)
        except UserError:
            raise
        except MezonError as error:
            raise ArgumentError(sentence("invisible_channel", name=parameter.name), parameter.name) from error
        name = word.text.removeprefix("#").casefold()
        known = [one for one in clan.channels.values() if (one.name or "").casefold() == name]
        if len(known) == 1:
            return known[0]
        raise ArgumentError(
            sentence("no_such_channel", name=parameter.name, value=shorten(word.text)), parameter.name
        )


def _number(word: Word, kind: str, sign: str) -> int:
    """Return the id in a mention, or in digits such as ``123`` or ``<@123>``; 0 if there is none."""
    if word.mark is not None:
        return word.mark.id if word.mark.kind == kind else 0
    return id_of(word.text.strip("<>").removeprefix(sign))
