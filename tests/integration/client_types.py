"""Types of this folder's fixtures."""

from collections.abc import Awaitable, Callable

from mezon import MezonClient

#: Returns a logged-in client; takes the keyword arguments of ``MezonClient``.
Connect = Callable[..., Awaitable[MezonClient]]
