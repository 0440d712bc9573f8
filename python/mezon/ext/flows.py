"""Durable conversations: a class whose steps are methods with typed answers.

::

    @bot.flow
    class Order(Flow):
        dish: str = ""

        @step("Which dish?")
        async def ask_dish(self, ctx: Context, answer: str) -> None:
            self.dish = answer

        @step("How many?")
        async def ask_count(self, ctx: Context, answer: int) -> None:
            await ctx.reply(f"{answer} x {self.dish} it is.")

    @bot.command()
    async def order(ctx: Context) -> None:
        await ctx.start(Order)

The fields of the class and the current step are kept in the bot's state between the messages of the user, so a flow
continues after a restart and in every process of the bot. A user has one flow at a time in a channel.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mezon import InvalidArgumentError
from mezon.ext._injection import provided_types
from mezon.ext._signatures import adapter_of, check_handler, check_seconds, convert, hints_of, key_part
from mezon.ext.errors import UserError
from mezon.ext.state import Entry, StateConflictError, StateStore
from mezon.ext.texts import sentence

if TYPE_CHECKING:
    from mezon.ext.pagination import Content

__all__ = ["Flow", "FlowHandler", "Flows", "step"]

#: The namespace of flows in the keys of a bot.
_FLOWS: Final = "_flow"

F = TypeVar("F", bound="Callable[..., Awaitable[Any]]")


class _Step(Generic[F]):
    """A method marked by ``step``."""

    def __init__(self, question: Content | Callable[[Any], Content], method: F) -> None:
        self.question = question
        self.method = method

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, flow: Any, owner: type | None = None) -> Any:
        return self if flow is None else self.method.__get__(flow, owner)


def step(question: Content | Callable[[Any], Content]) -> Callable[[F], F]:
    """Make a method of a ``Flow`` a step, which receives the answer to a question; a decorator.

    The method takes the context of the answer and the answer, which is converted to the type of its parameter. The user
    is told why an answer is invalid, also if the method raises ``UserError``, and can try again. The steps follow in
    the order of their definition; a method that returns another step, such as ``return self.ask_dish``, continues
    there, and ``return self.end`` ends the flow. Do not wait for the user inside a step.

    Args:
        question: The question, or a function that takes the flow and returns it.
    """

    def mark(method: F) -> F:
        marked: Any = _Step(question, method)
        return marked  # type: ignore[no-any-return]

    return mark


class Flow(BaseModel):
    """Base class of flows. Every field needs a default. See ``mezon.ext.flows``."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True, ignored_types=(_Step,))

    flow_steps: ClassVar[dict[str, Any]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        required = [name for name, field in cls.model_fields.items() if field.is_required()]
        if required:
            raise InvalidArgumentError(
                f"{cls.__name__}.{required[0]} needs a default: a flow begins with the defaults"
            )
        own = {name: one for name, one in vars(cls).items() if isinstance(one, _Step)}
        cls.flow_steps = {**cls.flow_steps, **own}

    async def end(self, ctx: Any) -> None:
        """Act on the answers after the last step; does nothing by default."""

    async def cancelled(self, ctx: Any) -> None:
        """Tell the user that the flow is cancelled."""
        await ctx.reply(ctx.bot.texts("cancelled"))


class FlowHandler:
    """A flow that is registered on a bot or a router."""

    def __init__(
        self,
        flow: type[Flow],
        *,
        name: str | None,
        timeout: float,
        back: Sequence[str] | None,
        cancel: Sequence[str] | None,
    ) -> None:
        if not (isinstance(flow, type) and issubclass(flow, Flow)):
            raise InvalidArgumentError(f"write @bot.flow above a subclass of Flow, not {flow!r}")
        if not flow.flow_steps:
            raise InvalidArgumentError(
                f"{flow.__name__} has no steps: decorate its methods with @step(question)"
            )
        check_seconds("timeout", timeout)
        self.flow = flow
        self.name = name or flow.__name__
        self.timeout = timeout
        #: Answers in lower case; None for the words of the bot's language.
        self.back = None if back is None else {word.casefold() for word in back}
        self.cancel = None if cancel is None else {word.casefold() for word in cancel}
        self.order = list(flow.flow_steps)
        self.adapters: dict[str, TypeAdapter[Any]] = {}
        self.provided: dict[str, dict[str, type]] = {}
        for step_name, one in flow.flow_steps.items():
            provided = self.provided[step_name] = provided_types(one.method, 3)
            check_handler(one.method, f"the step {step_name}", ["self", "ctx", "answer"], provided)
            parameters = list(hints_of(one.method).items())
            names = one.method.__code__.co_varnames[: one.method.__code__.co_argcount]
            self.adapters[step_name] = adapter_of(dict(parameters).get(names[2], str))


class Flows:
    """The flows of a bot, and the conversations of users in its state."""

    def __init__(self, records: Callable[[], StateStore]) -> None:
        self._records = records
        self._handlers: dict[str, FlowHandler] = {}
        #: The keys of the open flows; None until they are read. Unused if other processes may open flows.
        self._open: set[str] | None = None

    def add(self, handler: FlowHandler) -> None:
        """Register a flow.

        Raises:
            InvalidArgumentError: If the name is taken.
        """
        if self._handlers.setdefault(handler.name, handler).flow is not handler.flow:
            raise InvalidArgumentError(f"the flow {handler.name!r} exists already: use @bot.flow(name=...)")

    async def start(self, ctx: Any, flow: type[Flow], fields: dict[str, Any]) -> None:
        """Start a flow; see ``Interaction.start``."""
        handler = next((one for one in self._handlers.values() if one.flow is flow), None)
        if handler is None:
            raise InvalidArgumentError(f"{flow.__name__} is no flow of this bot: decorate it with @bot.flow")
        unknown = fields.keys() - flow.model_fields.keys()
        if unknown:
            raise InvalidArgumentError(f"{flow.__name__} has no field {min(unknown)!r}")
        key = _key(ctx)
        value = flow(**fields)
        await self._store(handler, key, value, handler.order[0], [], None)
        await ctx.reply(_question(handler, value, handler.order[0]))

    async def cancel(self, ctx: Any) -> bool:
        """Cancel the flow of the user in the channel; return whether there was one."""
        self._forget(_key(ctx))
        return await self._records().delete(_key(ctx))

    async def answer(self, ctx: Any, text: str) -> None:
        """Pass a message of a user to the user's flow in the channel, if there is one."""
        key, records = _key(ctx), self._records()
        if not records.is_shared:
            if self._open is None:
                self._open = {key for key, _ in await records.keys(f"{_FLOWS}.")}
            if key not in self._open:
                return
        elif await records.get(key) is None:
            return
        # One message of the user at a time, in all processes.
        async with records.lease(key):
            entry = await records.get(key)
            if entry is None:
                self._forget(key)
                return
            respond = await self._continue(ctx, text.strip(), key, entry)
        # Without the lease: the next answer, also to another process, need not wait until the response is sent.
        if respond is not None:
            await respond()

    async def _continue(
        self, ctx: Any, text: str, key: str, entry: Entry
    ) -> Callable[[], Awaitable[Any]] | None:
        """Run the step for an answer and store what follows; return what responds to the user."""
        stored = json.loads(entry.value)["d"]
        handler = self._handlers.get(stored["flow"])
        if handler is None or stored["step"] not in handler.adapters:
            return None  # the bot's code has changed: the flow expires
        try:
            flow = handler.flow.model_validate(stored["fields"])
        except ValidationError:
            return None
        current, history = stored["step"], stored["history"]
        word, texts = text.casefold(), ctx.bot.texts
        if word in (texts.words("cancel_words") if handler.cancel is None else handler.cancel):
            await self._finish(key)
            return partial(flow.cancelled, ctx)
        if word in (texts.words("back_words") if handler.back is None else handler.back):
            current = history.pop() if history else current
            await self._store(handler, key, flow, current, history, entry)
            return partial(ctx.reply, _question(handler, flow, current))
        try:
            answer = convert(handler.adapters[current], text, sentence("the_answer"))
            following: Any = None

            async def call(**provided: Any) -> None:
                nonlocal following
                following = await getattr(flow, current)(ctx, answer, **provided)

            await ctx.bot.invoke(ctx, handler.provided[current], call)
        except UserError as error:
            error.translate(ctx.bot.texts)
            return partial(ctx.reply, str(error))
        name = self._next(handler, current, following)
        if name is None:
            await self._finish(key)
            return partial(ctx.bot.invoke, ctx, {}, partial(flow.end, ctx))
        await self._store(handler, key, flow, name, [*history, current], entry)
        return partial(ctx.reply, _question(handler, flow, name))

    def _next(self, handler: FlowHandler, current: str, following: Any) -> str | None:
        if following is None:
            position = handler.order.index(current) + 1
            return handler.order[position] if position < len(handler.order) else None
        name = getattr(following, "__name__", None)
        if name == "end":
            return None
        if name not in handler.adapters:
            raise InvalidArgumentError(
                f"the step {current} of {handler.name} returned {following!r}: return a step such as "
                f"self.{handler.order[0]}, self.end, or nothing"
            )
        return str(name)

    async def _store(
        self, handler: FlowHandler, key: str, flow: Flow, step: str, history: list[str], entry: Entry | None
    ) -> None:
        stored = {
            "flow": handler.name,
            "step": step,
            "history": history,
            "fields": flow.model_dump(mode="json"),
        }
        value = json.dumps({"v": 1, "d": stored}, ensure_ascii=False, separators=(",", ":")).encode()
        revision = None if entry is None else entry.revision
        if await self._records().put(key, value, revision, handler.timeout) is None:
            raise StateConflictError(
                f"the flow {handler.name} was changed while a step ran: keep its steps short"
            )
        if self._open is not None:
            self._open.add(key)

    async def _finish(self, key: str) -> None:
        await self._records().delete(key)
        self._forget(key)

    def _forget(self, key: str) -> None:
        if self._open is not None:
            self._open.discard(key)


def _key(ctx: Any) -> str:
    return f"{_FLOWS}.{key_part(str(ctx.channel.id))}.{key_part(str(ctx.user_id))}"


def _question(handler: FlowHandler, flow: Flow, name: str) -> Content:
    question = handler.flow.flow_steps[name].question
    return question(flow) if callable(question) else question  # type: ignore[no-any-return]
