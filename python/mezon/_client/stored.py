"""The message store of a client, which is opened when somebody first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mezon.ports import MessageStore, Ports


class OpenedStore:
    """The store, once it is open.

    Args:
        ports: Makes it.
        report: Hears of its troubles: an error, and where it came from.

    Attributes:
        store: The store; None as long as nobody has asked, and for a client without one.
    """

    def __init__(self, ports: Ports, report: Callable[[BaseException, str], object]) -> None:
        self._ports = ports
        self._report = report
        self.store: MessageStore | None = None

    def get(self) -> MessageStore | None:
        """Open the store unless it is open; None for a client without one."""
        if self.store is None:
            self.store = self._ports.store()
            # A store of the bot's own need not have the attribute.
            if self.store is not None and getattr(self.store, "on_error", False) is None:
                self.store.on_error = lambda error: self._report(error, "message_db")
        return self.store

    async def close(self) -> None:
        """Close it, if it was opened."""
        if self.store is not None:
            from mezon.messages._foreign import as_store

            await as_store(self.store).close()
