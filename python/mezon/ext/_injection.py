"""Objects that handlers receive by the type of a parameter, and functions around handlers."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeGuard, get_type_hints

from mezon import InvalidArgumentError, MezonClient
from mezon.ext._signatures import adapter_of, name_of

__all__ = ["Dependencies", "Middleware", "call_through", "check_provided", "is_dependency", "provided_types"]

#: Called with the context, click, task or scheduled call, and a function that runs the rest.
Middleware: TypeAlias = "Callable[[Any, Callable[[], Awaitable[None]]], Awaitable[None]]"

#: Parameters that never are dependencies.
_KINDS: Final = (
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
    inspect.Parameter.POSITIONAL_ONLY,
)


def _is_own_class(hint: Any) -> TypeGuard[type]:
    # typing.Any is a class since Python 3.11.
    return isinstance(hint, type) and hint.__module__ not in ("builtins", "typing")


def is_dependency(hint: Any) -> bool:
    """Return whether a parameter of this type can only be a dependency: no text can be converted to the type."""
    if not _is_own_class(hint):
        return False
    if dataclasses.is_dataclass(hint) and not hasattr(hint, "__pydantic_validator__"):
        return True
    try:
        adapter_of(hint)
    except InvalidArgumentError:
        return True
    return False


def provided_types(
    function: Callable[..., Any], skip: int, arguments: Collection[str] = ()
) -> dict[str, type]:
    """Return the parameters of a handler that only dependencies can fill, by name.

    Args:
        function: The handler.
        skip: The number of positional arguments that the handler receives.
        arguments: The names of its other arguments.
    """
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        hints = get_type_hints(target)
        parameters = list(inspect.signature(function).parameters.values())[skip:]
    except Exception:
        return {}  # reported where the signature is checked
    return {
        one.name: hint
        for one in parameters
        if one.name not in arguments
        and one.default is one.empty
        and one.kind not in _KINDS
        and _is_own_class(hint := hints.get(one.name))
        and not issubclass(hint, MezonClient)
    }


def check_provided(function: Callable[..., Any], provided: Mapping[str, type], known: Dependencies) -> None:
    """Refuse a handler whose dependencies are not provided.

    Raises:
        InvalidArgumentError: With the first of them.
    """
    for name, kind in provided.items():
        if kind not in known:
            raise InvalidArgumentError(
                f"{name} of {name_of(function)} has an unsupported type: nothing provides {kind.__name__}; call "
                f"bot.provide({kind.__name__}, ...) before you register the handler or include its router"
            )


@dataclass(slots=True)
class _Provider:
    factory: Callable[..., Any]
    per_call: bool
    takes_bot: bool


class Dependencies:
    """The factories of a bot, and the objects that live as long as the bot."""

    def __init__(self, bot: MezonClient) -> None:
        self._bot = bot
        self._providers: dict[type, _Provider] = {}
        self._made: dict[type, Any] = {}
        self._stack = AsyncExitStack()
        self._lock = asyncio.Lock()

    def add(self, kind: type, factory: Callable[..., Any], per_call: bool) -> None:
        """Register a factory.

        Raises:
            InvalidArgumentError: If the type is no class of the bot, or has a factory already.
        """
        if not _is_own_class(kind) or not callable(factory):
            raise InvalidArgumentError(
                f"write bot.provide(Database, make_database), with a class of your own, not {kind!r}"
            )
        if kind in self._providers:
            raise InvalidArgumentError(f"{kind.__name__} is provided already")
        try:
            parameters = inspect.signature(factory).parameters.values()
        except (TypeError, ValueError):
            parameters = {}.values()  # a class of an extension module
        needed = [one for one in parameters if one.default is one.empty and one.kind not in _KINDS]
        if len(needed) > 1:
            raise InvalidArgumentError(
                f"a factory takes no parameters, or the bot: {name_of(factory)} takes more"
            )
        self._providers[kind] = _Provider(factory, per_call, bool(needed))

    def __contains__(self, kind: type) -> bool:
        return kind in self._providers

    async def resolve(self, provided: Mapping[str, type], call: AsyncExitStack) -> dict[str, Any]:
        """Return the objects for the parameters of a call, whose own objects ``call`` closes."""
        return {name: await self._get(kind, call) for name, kind in provided.items()}

    async def _get(self, kind: type, call: AsyncExitStack) -> Any:
        provider = self._providers.get(kind)
        if provider is None:
            raise InvalidArgumentError(
                f"nothing provides {kind.__name__}: call bot.provide({kind.__name__}, ...)"
            )
        if provider.per_call:
            return await self._make(provider, call)
        if kind not in self._made:
            async with self._lock:
                if kind not in self._made:
                    self._made[kind] = await self._make(provider, self._stack)
        return self._made[kind]

    async def _make(self, provider: _Provider, stack: AsyncExitStack) -> Any:
        factory = provider.factory
        if inspect.isasyncgenfunction(factory):
            factory = asynccontextmanager(factory)
        made = factory(self._bot) if provider.takes_bot else factory()
        if inspect.isawaitable(made) and not isinstance(made, AbstractAsyncContextManager):
            made = await made
        if isinstance(made, AbstractAsyncContextManager) and type(made).__module__ == "contextlib":
            return await stack.enter_async_context(made)
        close = getattr(made, "aclose", None) or getattr(made, "close", None)
        if callable(close):
            stack.push_async_callback(_close, close)
        return made

    async def close(self) -> None:
        """Close the objects of the bot in the reverse order of their creation; a later use makes new ones."""
        stack, self._stack = self._stack, AsyncExitStack()
        self._made.clear()
        await stack.aclose()


async def _close(close: Callable[[], Any]) -> None:
    outcome = close()
    if inspect.isawaitable(outcome):
        await outcome


@asynccontextmanager
async def _resolved(
    dependencies: Dependencies, provided: Mapping[str, type]
) -> AsyncIterator[dict[str, Any]]:
    async with AsyncExitStack() as call:
        yield await dependencies.resolve(provided, call)


async def call_through(
    middleware: list[Middleware],
    where: Any,
    dependencies: Dependencies,
    provided: Mapping[str, type],
    handler: Callable[..., Awaitable[Any]],
) -> None:
    """Call a handler with its dependencies as keyword arguments, inside the middleware, the first one outermost."""

    async def run(index: int) -> None:
        if index < len(middleware):
            await middleware[index](where, lambda: run(index + 1))
            return
        async with _resolved(dependencies, provided) as arguments:
            await handler(**arguments)

    await run(0)
