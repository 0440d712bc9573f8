"""What every way to register a handler comes down to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.filters._program import FilteredHandler, compile_filter
from mezon.managers.event import check_handler, event_name

if TYPE_CHECKING:
    from mezon.filters import Filter
    from mezon.managers.event import EventManager


class Listening:
    """The registry of a client, with filters; a part of ``mezon.MezonClient``."""

    client_id: int
    event_manager: EventManager

    def _listen(self, event: str, handler: Any, filter: Filter | None) -> Any:
        if filter is None:
            return self.event_manager.on(event, handler)
        spec = compile_filter(filter, event_name(event), self.client_id)

        def add(handler: Any) -> Any:
            check_handler(event_name(event), handler)
            self.event_manager.on(event, FilteredHandler(handler, spec))
            return handler

        return add if handler is None else add(handler)
