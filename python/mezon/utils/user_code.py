"""Distinguish the bot's own code from this package and the standard library, for logs and tracebacks."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import traceback
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from mezon.utils.content_hints import hint_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator
    from types import FrameType

__all__ = [
    "coroutines_of",
    "format_for_user",
    "frame_of_user",
    "full_tracebacks",
    "involves_user_code",
    "is_run_by_user",
    "line_of_user",
    "origin_of",
    "place_of",
    "set_origin",
    "short",
    "shorten_tracebacks",
    "stack_for_user",
    "summary",
    "warn_of_coroutine",
    "warn_user",
    "where_it_waits",
]

_PACKAGE: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_STDLIB: Final = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "")
_ASYNCIO: Final = os.path.join(_STDLIB, "asyncio", "")
_INSTALLED: Final = ("site-packages", "dist-packages")
#: Packages that carry the HTTP requests of a login: their frames are not the bot's code.
_TRANSPORT: Final = ("aiohttp", "aiohappyeyeballs")


def is_user_code(file: str) -> bool:
    """Return whether a source file belongs to the bot, or to a library that the bot uses."""
    if file.startswith((_PACKAGE, "<frozen")):
        return False
    parts = file.split(os.sep)
    for folder in _INSTALLED:
        if folder in parts:
            return parts[parts.index(folder) + 1] not in _TRANSPORT
    return not file.startswith(_STDLIB)


def _is_installed(file: str) -> bool:
    return any(folder in file.split(os.sep) for folder in _INSTALLED)


def involves_user_code(error: BaseException) -> bool:
    """Return whether user code was running where an error, its cause or its context was raised.

    Frames outside the innermost ``client.run()`` are ignored: they belong to its caller, whatever has failed.
    """
    return any(
        is_user_code(frame.f_code.co_filename)
        for one in _with_causes(error)
        for frame in _below_run(one.__traceback__)
    )


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes and contexts, and the errors of a group."""
    seen: set[int] = set()
    errors: list[BaseException | None] = [error]
    while errors:
        one = errors.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        errors += (one.__cause__, None if one.__suppress_context__ else one.__context__)
        if isinstance(one, BaseExceptionGroup):
            errors += one.exceptions


def _below_run(trace: TracebackType | None) -> list[FrameType]:
    frames: list[FrameType] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        inner = trace.tb_next
        if code.co_qualname == _RUN and code.co_filename.startswith(_PACKAGE):
            # If run() refuses to run, its caller is at fault.
            if inner is None or inner.tb_frame.f_code.co_name != _REFUSAL:
                frames.clear()
        else:
            frames.append(trace.tb_frame)
        trace = inner
    return frames


_RUN: Final = "MezonClient.run"
_REFUSAL: Final = "refuse_running_loop"


def where_it_waits(task: asyncio.Task[Any]) -> str | None:
    """Return the user's coroutine that a task is running, with file and line; None if there is none."""
    for coroutine in coroutines_of(task):
        frame = coroutine.cr_frame
        if frame is not None and is_user_code(frame.f_code.co_filename):
            return f"{coroutine.__qualname__} ({frame.f_code.co_filename}:{frame.f_lineno})"
    return None


def coroutines_of(task: asyncio.Task[Any]) -> Iterator[Any]:
    """Yield the coroutine of a task, the one that it awaits, and so on."""
    coroutine: Any = task.get_coro()
    while coroutine is not None and hasattr(coroutine, "cr_frame"):
        yield coroutine
        coroutine = coroutine.cr_await


def frame_of_user(frame: FrameType | None) -> str | None:
    """Return the user's innermost function on a stack, with file and line; None if there is none."""
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            return f"{frame.f_code.co_qualname} ({frame.f_code.co_filename}:{frame.f_lineno})"
        frame = frame.f_back
    return None


def is_run_by_user(frame: FrameType | None) -> bool:
    """Return whether the innermost frame is code of the bot, or of a library that the bot has called.

    If this package runs instead, the bot may have called it, but the time is not that of the bot.
    """
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith((_PACKAGE, _ASYNCIO)):
            return False
        if is_user_code(file) and not _is_installed(file):
            return True
        frame = frame.f_back
    return False


def warn_of_coroutine(text: str) -> None:
    """Warn, at the bot's line that sends a text, that it has a coroutine: an ``await`` is missing in an f-string."""
    found, frame = _COROUTINE.search(text), _user_frame()
    if found is not None and frame is not None:
        _warn_at(
            frame,
            f"{frame.f_code.co_name} sends a text with <coroutine object {found[1]}>: an await is missing",
        )


def warn_user(text: str) -> None:
    """Warn at the innermost line of the bot, or of its test, that has led to this call."""
    _warn_at(_user_frame() or sys._getframe(), text)


def _user_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe()
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _warn_at(frame: FrameType, text: str) -> None:
    warnings.warn_explicit(
        text,
        UserWarning,
        frame.f_code.co_filename,
        frame.f_lineno,
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


_COROUTINE: Final = re.compile(r"<coroutine object ([\w.<>]+) at 0x[0-9a-fA-F]+>")

_ORIGIN: Final = "_mezon_origin"


def set_origin(error: BaseException, origin: str) -> None:
    """Name what failed, if that is not simply the handler of an event, for the log: such as ``Command !ping``."""
    with contextlib.suppress(AttributeError):
        setattr(error, _ORIGIN, origin)


def origin_of(error: BaseException) -> str | None:
    """Return the name that ``set_origin`` gave, or None."""
    return getattr(error, _ORIGIN, None)


def line_of_user(error: BaseException) -> str | None:
    """Return the innermost line of the bot's own code in the traceback of an error, as ``bot.py:12 in answer``.

    Lines of installed libraries count only if there is none of the bot.
    """
    return _place(_innermost(traceback.extract_tb(error.__traceback__)))


def stack_for_user(frame: FrameType | None, limit: int) -> tuple[str | None, str]:
    """Return the innermost line of the bot on a stack, as ``line_of_user`` does, and the stack as text.

    Args:
        frame: The innermost frame.
        limit: The largest number of frames.

    Without ``MEZON_TRACEBACK=full``, the stack begins below the event loop and leaves out the frames of this package.
    """
    frames = traceback.extract_stack(frame, limit=limit) if frame is not None else traceback.StackSummary()
    place = _place(_innermost(frames))
    if place is not None and not full_tracebacks():
        loop = [number for number, one in enumerate(frames) if one.filename.startswith(_ASYNCIO)]
        below = frames[loop[-1] + 1 :] if loop else frames
        frames = traceback.StackSummary.from_list([one for one in below if _is_shown(one.filename, one.name)])
    return place, "".join(frames.format()) or "(no stack)\n"


def full_tracebacks() -> bool:
    """Return whether ``MEZON_TRACEBACK`` asks for the frames of this package, too."""
    return os.environ.get("MEZON_TRACEBACK", "").lower() == "full"


def _place(frame: traceback.FrameSummary | None) -> str | None:
    return f"{short(frame.filename)}:{frame.lineno} in {frame.name}" if frame is not None else None


def place_of(function: Any) -> str | None:
    """Return where a function or a method is defined, as ``bot.py:12``; None for other objects."""
    code = getattr(function, "__code__", None)
    return f"{short(code.co_filename)}:{code.co_firstlineno}" if code is not None else None


def _innermost(frames: traceback.StackSummary) -> traceback.FrameSummary | None:
    found, in_library = None, None
    for frame in frames:
        if not is_user_code(frame.filename) or _is_generated(frame.filename, frame.name):
            continue
        if _is_installed(frame.filename):
            in_library = frame
        else:
            found = frame
    return found or in_library


def short(file: str) -> str:
    """Return the path of a source file, relative to the current folder if it is inside."""
    here = os.path.join(os.getcwd(), "")
    return file.removeprefix(here)


def summary(error: BaseException) -> str:
    """Return the type and text of an error, the bot's own line, and a hint if there is one, in one line."""
    text = " ".join(str(error).split())
    frame, line = _innermost(traceback.extract_tb(error.__traceback__)), line_of_user(error)
    name = type(error).__qualname__
    hint = hint_of(error, (frame.line or "") if frame is not None else "")
    place = f" ({line})" if line and not text.startswith(line) else ""
    return (f"{name}: {text}" if text else name) + place + (f"; {hint}" if hint else "")


def format_for_user(error: BaseException) -> str:
    """Format an error and its causes without the frames of this package.

    The traceback is complete with ``MEZON_TRACEBACK=full``, and if no code of the bot was involved.
    """
    shown = traceback.TracebackException.from_exception(error)
    if not full_tracebacks() and involves_user_code(error):
        _drop_own_frames(shown)
    return "".join(shown.format())


def shorten_tracebacks(error: BaseException) -> None:
    """Remove frames from the tracebacks of an error and its causes, so that they begin with the user's own code.

    Removes what ``format_for_user`` leaves out, and the libraries that have called the code. Does nothing with
    ``MEZON_TRACEBACK=full``.
    """
    if full_tracebacks():
        return
    for one in _with_causes(error):
        shown = _shortened(one.__traceback__)
        if shown is not None or one is not error:
            one.__traceback__ = shown


def _shortened(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        if _is_shown(code.co_filename, code.co_name) and (kept or not _is_installed(code.co_filename)):
            kept.append(trace)
        trace = trace.tb_next
    for one in reversed(kept):
        trace = TracebackType(trace, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return trace


def _drop_own_frames(shown: traceback.TracebackException) -> None:
    seen: set[int] = set()
    left: list[traceback.TracebackException | None] = [shown]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        kept = [frame for frame in one.stack if _is_shown(frame.filename, frame.name)]
        if len(kept) < len(one.stack):
            one.stack = traceback.StackSummary.from_list(kept)
        left += (one.__cause__, one.__context__, *(one.exceptions or ()))


#: Frames of the standard library below the bot's explain an error; those of the loop, of imports and of context
#: managers do not.
_HIDDEN: Final = (
    _PACKAGE,
    "<frozen",
    *(os.path.join(_STDLIB, name) for name in ("asyncio", "contextlib", "importlib", "runpy")),
)


def _is_shown(file: str, name: str) -> bool:
    return not file.startswith(_HIDDEN) and not _is_generated(file, name)


def _is_generated(file: str, name: str) -> bool:
    """Return whether a frame is a method that the standard library has generated, such as that of a dataclass."""
    return file == "<string>" and name.startswith("__")
