"""Whether a method is this package's own, or a bot has put code of its own in its place."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["is_own"]

_PACKAGE: Final = __name__.partition(".")[0]


def is_own(owner: object, name: str) -> bool:
    """Return whether ``owner.name`` is a function of this package.

    False for an override in a subclass, a function set on the instance, a replacement set on the class, and a mock.
    Where a function was defined decides, not its ``__module__``: ``functools.wraps`` copies that.
    """
    if name in getattr(owner, "__dict__", ()):
        return False
    function: Any = getattr(type(owner), name, None)
    # A wrapper of ours, such as `renamed`, is ours as well; what has no globals (a mock, compiled code) is not.
    home = getattr(function, "__globals__", None)
    return home is not None and str(home.get("__name__")).partition(".")[0] == _PACKAGE
