"""Renamed arguments of public functions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def renamed(
    old: str, new: str, *, deprecated: bool = False
) -> Callable[[Callable[_P, Awaitable[_R]]], Callable[_P, Awaitable[_R]]]:
    """Let a coroutine function accept its argument ``new`` under its former name ``old`` as well.

    Signature and docstring stay those of the function. Passing both raises ``TypeError``. If ``deprecated``, the
    former name causes a ``DeprecationWarning``.
    """

    def decorate(function: Callable[_P, Awaitable[_R]]) -> Callable[_P, Awaitable[_R]]:
        @functools.wraps(function)
        async def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            if old in kwargs:
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got {new!r} twice: {old!r} is its old name")
                if deprecated:
                    warnings.warn(f"{old} is deprecated, use {new}", DeprecationWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return await function(*args, **kwargs)

        return call

    return decorate
