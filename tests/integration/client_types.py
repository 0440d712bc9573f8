"""Types of the fixtures of this folder."""

from collections.abc import Awaitable, Callable

from mezon import MezonClient

#: Makes a logged-in client; keyword arguments as MezonClient takes them.
Connect = Callable[..., Awaitable[MezonClient]]
