"""Hints for common mistakes: the content of a message taken for its text, a missing await, methods of other objects."""

from __future__ import annotations

import dis
import inspect
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Final

__all__ = ["hint_of", "warn_of_comparison"]

_CONTENT: Final = "content"

#: What to write instead of a method that a class of this package does not have.
_METHODS: Final = {
    ("ChannelMessage", "send"): "write await message.reply(...), or await message.channel.send(...)",
    ("Message", "send"): "write await message.reply(...), or await message.channel.send(...)",
    (
        "TextChannel",
        "reply",
    ): "write await ctx.reply(...) or await message.reply(...), or await channel.send(...)",
    ("User", "send"): "write await ctx.dm(...), or await user.send_dm_message(...)",
}

#: A TypeError of a keyword that only the methods of a context have, or that is a part of the content.
_KEYWORD: Final = re.compile(r"\.(send|reply)\(\) got an unexpected keyword argument '(buttons|embeds?)'")


def hint_of(error: BaseException, line: str) -> str:
    """Return what to write instead of the line that raised an error; "" if it is no common mistake.

    Args:
        error: The error of a handler.
        line: The source line that raised it; "" if it is unknown.
    """
    if isinstance(error, TypeError):
        text = str(error)
        if _ASYNC_ONLY.search(text):
            return "write async with"
        if _COROUTINE.search(text):
            return _missing_await(error, None, "")
        keyword = _KEYWORD.search(text)
        if keyword is None:
            return ""
        if keyword[2] == "buttons":
            return f"write await ctx.{keyword[1]}(..., buttons=[...])"
        return "embeds are part of the content: write Text(...).embed(...)"
    if not isinstance(error, AttributeError):
        return ""
    if inspect.iscoroutine(error.obj):
        return _missing_await(error, error.obj, f".{error.name}")
    if type(error.obj).__module__.startswith("mezon."):
        return _METHODS.get((type(error.obj).__name__, error.name or ""), "")
    if not isinstance(error.obj, dict):
        return ""
    if not hasattr(str, error.name or "") or (line and _CONTENT not in line):
        return ""
    return f"the content of a message is a dict: write message.text.{error.name}"


#: A TypeError of ``with`` where this package has ``async with``.
_ASYNC_ONLY: Final = re.compile(
    r"'(?:_AsyncGeneratorContextManager|Typing|EventStream|Webhook)' object does not support the context manager"
)

#: A TypeError of an operation on a coroutine, as in ``answer + 1``. The second one is that of ``coroutine.send("x")``.
_COROUTINE: Final = re.compile(r"""['"]coroutine['"]|coroutine object|just-started coroutine""")


def _missing_await(error: BaseException, coroutine: object, attribute: str) -> str:
    """Return where to write ``await``.

    Args:
        error: The error.
        coroutine: The coroutine that was used instead of its result; None if it is unknown.
        attribute: What was read from it, with the dot; "" if it is unknown.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        for name, value in frame.f_locals.items():
            if inspect.iscoroutine(value) and (coroutine is None or value is coroutine) and _is_new(value):
                return f"an await is missing: write {name} = await ...{_function_of(value)}(...)"
    if inspect.iscoroutine(coroutine):
        return f"an await is missing: write (await ...{_function_of(coroutine)}(...)){attribute}"
    return "an await is missing: put the call in parentheses, (await ...(...)), or store its result first"


def _is_new(coroutine: Any) -> bool:
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED


def _function_of(coroutine: Any) -> str:
    name = str(coroutine.__qualname__).rpartition(".")[2]
    return "" if name == "__call__" else name


def warn_of_comparison(handler: Callable[..., Any]) -> None:
    """Warn if the code of a handler compares the content of a message with a text, which is never equal.

    The code is inspected when the handler is registered: a check at each comparison would cost time for each message.
    """
    function = inspect.unwrap(handler)
    function = getattr(function, "func", function)  # a functools.partial
    code = getattr(function, "__code__", None)
    for one in _codes(code) if isinstance(code, CodeType) else ():
        line = _line_of_comparison(one)
        if line is not None:
            warnings.warn_explicit(
                f"{one.co_name} compares the content of a message with a text: the content is a dict such as "
                '{"t": "hi"}, so they are never equal. Write message.text == "hi"',
                UserWarning,
                one.co_filename,
                line,
            )


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those of its inner functions that read an attribute ``content``."""
    if _CONTENT in code.co_names:
        yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _line_of_comparison(code: CodeType) -> int | None:
    found = list(dis.get_instructions(code))
    for index, one in enumerate(found):
        before = found[max(0, index - 3) : index]
        equal = one.opname == "COMPARE_OP" and one.argval in ("==", "!=")
        if (equal or one.opname == "CONTAINS_OP") and _reads_content(before, is_left=not equal):
            return one.positions.lineno if one.positions is not None else code.co_firstlineno
    return None


def _reads_content(before: list[Any], *, is_left: bool) -> bool:
    """Return whether the instructions before a comparison load the content and a text, in this order or any."""
    *_, first, second = [None, None, *before]
    if _loads_content(first) and second is not None and second.opname == "LOAD_CONST":
        text = second.argval
        several = isinstance(text, tuple | frozenset) and text and all(isinstance(t, str) for t in text)
        return bool(several) if is_left else isinstance(text, str)
    # "hi" == message.content: the constant, the message, its attribute.
    constant = before[0] if len(before) == 3 else None
    return (
        not is_left
        and _loads_content(second)
        and constant is not None
        and constant.opname == "LOAD_CONST"
        and isinstance(constant.argval, str)
    )


def _loads_content(one: Any) -> bool:
    return one is not None and one.opname == "LOAD_ATTR" and one.argval == _CONTENT
