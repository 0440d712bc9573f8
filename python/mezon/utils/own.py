"""Detection of methods that a bot has overridden or replaced."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["is_own"]

_PACKAGE: Final = __name__.partition(".")[0] + "."

#: Functions already known to be of this package: each send checks, so the check must be fast.
_known: Final[set[Any]] = set()


def is_own(owner: object, name: str) -> bool:
    """Return whether ``owner.name`` is a function of this package.

    False for an override in a subclass, a function set on the instance, a replacement set on the class, and a mock.
    The globals of the function decide, not its ``__module__``, which ``functools.wraps`` copies.
    """
    # Check the bound method: reading an object's ``__dict__`` would slow down its attribute access from then on.
    method: Any = getattr(owner, name, None)
    try:
        function = method.__func__
        if function in _known:
            return method.__self__ is owner
    except (AttributeError, TypeError):
        return False  # a plain function on the instance, a mock, a callable object
    # A wrapper of this package, such as `renamed`, counts as its own; compiled code has no globals.
    namespace = getattr(function, "__globals__", None)
    module = namespace.get("__name__") if namespace is not None else None
    own = type(module) is str and module.startswith(_PACKAGE)
    if own:
        _known.add(function)
    return own and method.__self__ is owner
