"""The arguments of a command: from its signature by type, converted and refused by pydantic."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from mezon import InvalidArgumentError, MezonError, TextChannel, User
from mezon.ext._words import Word, id_of
from mezon.ext.errors import ArgumentError, UserError

if TYPE_CHECKING:
    from mezon.ext._context import Context
    from mezon.ext._words import Words

_MISSING: Any = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a command.

    Attributes:
        kind: ``one`` word, ``many`` words (``*names: str``), or the ``rest`` as it was typed (``*, text: str``).
        special: ``User`` or ``TextChannel``, which are looked up; else None.
        adapter: What converts a word.
    """

    name: str
    kind: Literal["one", "many", "rest"]
    default: Any
    special: type[User] | type[TextChannel] | None
    adapter: TypeAdapter[Any]

    @property
    def required(self) -> bool:
        """Must something be typed for it?"""
        return self.kind != "many" and self.default is _MISSING

    @property
    def usage(self) -> str:
        """As it stands in the usage of its command."""
        several = self.kind == "many" or (self.kind == "rest" and self.special is None)
        shown = f"{self.name}..." if several else self.name
        return f"<{shown}>" if self.required else f"[{shown}]"


def parameters_of(function: Callable[..., Any], skip: int = 1) -> list[Parameter]:
    """Give the parameters of a command's function, without the context.

    Raises:
        InvalidArgumentError: If the function takes no context, or one of them has a type that is not understood.
    """
    name = getattr(function, "__qualname__", repr(function))
    found = list(inspect.signature(function).parameters.values())
    if len(found) < skip or not all(
        one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in found[:skip]
    ):
        raise InvalidArgumentError(f"{name} has to take the context first: async def {name}(ctx, ...)")
    hints = hints_of(function)
    return [_parameter(name, one, hints.get(one.name, str)) for one in found[skip:]]


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Give the types of a function's parameters.

    Raises:
        InvalidArgumentError: If one of them cannot be looked up.
    """
    target = function if inspect.isroutine(function) else type(function).__call__  # a callable object
    try:
        return get_type_hints(target, include_extras=True)
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        raise InvalidArgumentError(
            f"a type in the signature of {name} cannot be looked up ({error}): import it at the top of the module, "
            "not under TYPE_CHECKING or inside a function"
        ) from error


def _parameter(function: str, one: inspect.Parameter, hint: Any) -> Parameter:
    kind: Literal["one", "many", "rest"]
    if one.kind is one.VAR_KEYWORD:
        raise InvalidArgumentError(f"{function} takes **{one.name}: a command's words have no names")
    kind = "many" if one.kind is one.VAR_POSITIONAL else "rest" if one.kind is one.KEYWORD_ONLY else "one"
    if unlisted(hint):
        raise InvalidArgumentError(
            f"{one.name} of {function} is a {unlisted(hint)}, and a parameter takes one word: write *{one.name}: int "
            "for all words that are left"
        )
    try:
        special = _special(hint)
        adapter: TypeAdapter[Any] = TypeAdapter(str if special is not None else from_text(hint))
    except Exception as error:
        raise InvalidArgumentError(
            f"{one.name} of {function} has a type that no word can be converted to: {error}"
        ) from error
    return Parameter(one.name, kind, one.default, special, adapter)


def adapter_of(hint: Any) -> TypeAdapter[Any]:
    """Give what makes such a value of a text.

    Raises:
        InvalidArgumentError: If there is no such thing.
    """
    try:
        if unlisted(hint):
            raise InvalidArgumentError(f"a text is no {unlisted(hint)}")
        return TypeAdapter(from_text(hint))
    except Exception as error:
        raise InvalidArgumentError(f"no answer can be made into {hint!r}: {error}") from error


def from_text(hint: Any) -> Any:
    """Give a type whose literals are read from what is typed, which is text: ``Literal[1, 2]`` takes "1"."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        named = {str(one.value if isinstance(one, Enum) else one): one for one in parts}
        return Annotated[
            hint, BeforeValidator(lambda text: named.get(text, text) if isinstance(text, str) else text)
        ]
    if origin is Annotated:
        return Annotated[(from_text(parts[0]), *parts[1:])]
    if origin in (Union, UnionType):
        return Union[tuple(from_text(part) for part in parts)]  # noqa: UP007 (made, not written)
    return hint


def unlisted(hint: Any) -> str:
    """Say what no single text can be, such as a list; "" for others, and for what has validators of its own."""
    for part in get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,):
        kind = get_origin(part) or part
        if kind in (list, set, frozenset, tuple, dict):
            return str(kind.__name__)
    return ""


def _special(hint: Any) -> type[User] | type[TextChannel] | None:
    for part in (hint, *get_args(hint)):
        if isinstance(part, type) and get_origin(part) is None:
            if issubclass(part, User):
                return User
            if issubclass(part, TextChannel):
                return TextChannel
    return None


@dataclass(frozen=True, slots=True)
class Named:
    """A user or a channel that was typed and is not looked up yet."""

    parameter: Parameter
    word: Word


def read(parameters: list[Parameter], words: Words) -> tuple[list[Any], dict[str, Any]]:
    """Make the arguments for a call out of what was typed, without a lookup: users and channels stay ``Named``.

    Raises:
        ArgumentError: If one is missing or wrong, or too many were typed.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    taken = False
    for parameter in parameters:
        if parameter.kind == "many":
            while (word := words.next()) is not None:
                args.append(_read(parameter, word))
            taken = True
            continue
        word = _one(parameter, words)
        taken = taken or (parameter.kind == "rest" and parameter.special is None)
        if word is None:
            if parameter.required:
                raise ArgumentError(f"{parameter.name} is missing.", parameter.name)
            value = parameter.default
        else:
            value = _read(parameter, word)
        if parameter.kind == "rest":
            kwargs[parameter.name] = value
        else:
            args.append(value)
    if not taken and (more := words.rest()):
        raise ArgumentError(f"That is more than the command takes: {_short(more)}")
    return args, kwargs


async def look_up(ctx: Context, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Look up the users and channels among the arguments; those the client does not know cost a call each.

    Raises:
        ArgumentError: If there is no such user or channel.
        CooldownError: If the user has caused too many lookups.
    """
    return (
        [await _found(ctx, value) for value in args],
        {name: await _found(ctx, value) for name, value in kwargs.items()},
    )


def _one(parameter: Parameter, words: Words) -> Word | None:
    if parameter.kind == "one" or parameter.special is not None:
        return words.next()
    text = words.rest()
    return Word(text) if text else None


def _read(parameter: Parameter, word: Word) -> Any:
    if parameter.special is not None:
        return Named(parameter, word)
    return convert(parameter.adapter, word.text, parameter.name)


async def _found(ctx: Context, value: Any) -> Any:
    if not isinstance(value, Named):
        return value
    look = _user if value.parameter.special is User else _channel
    return await look(ctx, value.parameter, value.word)


def convert(adapter: TypeAdapter[Any], text: str, name: str) -> Any:
    """Give a value out of a text.

    Raises:
        ArgumentError: If it is none; with what pydantic says about it.
    """
    try:
        return adapter.validate_strings(text)
    except ValidationError as error:
        first = said(error.errors(include_url=False)[0])
        raise ArgumentError(
            f"{name} cannot be {_short(text)}: {first[:1].lower()}{first[1:]}.", name
        ) from None


def said(problem: Mapping[str, Any]) -> str:
    """Give what pydantic says is wrong; of a validator of the bot's own, its words alone."""
    text = str(problem["msg"])
    if problem["type"] in ("value_error", "assertion_error"):
        return text.partition(", ")[2] or text
    return text


async def _user(ctx: Context, parameter: Parameter, word: Word) -> User:
    users = ctx.bot.users
    number = _number(word, "user", "@")
    try:
        if number:
            user = users.get(number)
            if user is None:
                user = await ctx.bot.lookups.run(ctx.user_id, lambda: users.fetch(number))
            return user
    except UserError:
        raise
    except MezonError as error:
        raise ArgumentError(f"{parameter.name}: that user cannot be reached.", parameter.name) from error
    name = word.text.removeprefix("@").casefold()
    known = [user for user in users.values() if name and (user.username or "").casefold() == name]
    if len(known) == 1:
        return known[0]
    raise ArgumentError(
        f"{parameter.name} has to be a user, mentioned or by id, not {_short(word.text)}.", parameter.name
    )


async def _channel(ctx: Context, parameter: Parameter, word: Word) -> TextChannel:
    channels = ctx.bot.channels
    number = _number(word, "channel", "#")
    try:
        if number:
            channel = channels.get(number)
            if channel is None:
                channel = await ctx.bot.lookups.run(ctx.user_id, lambda: channels.fetch(number))
            return channel
        if ctx.clan.id:
            await ctx.bot.lookups.load_channels(ctx.user_id, ctx.clan)
    except UserError:
        raise
    except MezonError as error:
        raise ArgumentError(f"{parameter.name}: the bot cannot see that channel.", parameter.name) from error
    name = word.text.removeprefix("#").casefold()
    known = [one for one in ctx.clan.channels.values() if (one.name or "").casefold() == name]
    if len(known) == 1:
        return known[0]
    raise ArgumentError(
        f"{parameter.name} has to be a channel, by #name or id, not {_short(word.text)}.", parameter.name
    )


def _number(word: Word, kind: str, sign: str) -> int:
    """Give the id a word stands for: of a mention, or digits, also as ``<@123>``; 0 if it is none."""
    if word.mark is not None:
        return word.mark.id if word.mark.kind == kind else 0
    return id_of(word.text.strip("<>").removeprefix(sign))


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
