"""Helpers of a few lines that several folders need."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezon import MezonClient
    from mezon.testing import LocalGateway


async def logged_in(gateway: LocalGateway, **options: Any) -> MezonClient:
    """Give a client that is logged in, with further options."""
    from mezon import MezonClient

    client = MezonClient(**{**gateway.client_options(), **options})
    await client.login()
    return client


def without_nulls(value: Any) -> Any:
    """Give a JSON value without the entries that are None, at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def free_port() -> int:
    """Find a port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
