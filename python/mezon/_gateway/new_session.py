"""How the core gets a new session for a reconnect: it asks, the listener brings one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mezon.ports import SessionRefusedError

if TYPE_CHECKING:
    from mezon import _core
    from mezon._gateway.secrets import Secrets
    from mezon.ports import ConnectionListener


async def bring_urls(
    core: _core.Gateway,
    listener: ConnectionListener | None,
    secrets: Secrets,
    generation: int,
    attempt: int,
) -> None:
    """Give the core the addresses the listener brings, or say why there are none."""
    if listener is None:
        core.refuse_session(generation, True, "there is nobody to bring a new session")
        return
    try:
        urls = list(await listener.new_urls(attempt))
    except asyncio.CancelledError:
        core.refuse_session(generation, False, "cancelled")
        raise
    except SessionRefusedError as error:
        core.refuse_session(generation, True, str(error))
    except Exception as error:
        core.refuse_session(generation, False, f"no new session: {error or type(error).__name__}")
    else:
        secrets.learn(urls)
        core.provide_session(generation, urls)
