"""Whether a method is this package's own, or a bot has put code of its own in its place."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["is_own"]

_INSIDE: Final = __name__.partition(".")[0] + "."

#: Functions of this package that were asked about: a send asks each time, so the answer has to be quick.
_known: Final[set[Any]] = set()


def is_own(owner: object, name: str) -> bool:
    """Return whether ``owner.name`` is a function of this package.

    False for an override in a subclass, a function set on the instance, a replacement set on the class, and a mock.
    Where a function was defined decides, not its ``__module__``: ``functools.wraps`` copies that.
    """
    # By the bound method: to ask an object for its ``__dict__`` makes its attributes slower from then on.
    method: Any = getattr(owner, name, None)
    try:
        function = method.__func__
        if function in _known:
            return method.__self__ is owner
    except (AttributeError, TypeError):
        return False  # a plain function on the instance, a mock, a callable object
    # A wrapper of ours, such as `renamed`, is ours as well; compiled code has no globals.
    home = getattr(function, "__globals__", None)
    module = home.get("__name__") if home is not None else None
    own = type(module) is str and module.startswith(_INSIDE)
    if own:
        _known.add(function)
    return own and method.__self__ is owner
