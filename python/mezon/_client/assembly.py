"""The composition root: the one place that knows what this package puts behind its ports.

Whoever gives ``MezonClient(ports=...)`` others has none of this.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezon._gateway.connection import CoreConnection
    from mezon.models._origin import Origin
    from mezon.options import GatewayOptions
    from mezon.ports import Connection, HttpTransport, MessageStore, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSettings:
    """What a client's constructor says of its ports.

    Attributes:
        client_id: The bot's id.
        api_key: Its key, which no error may say.
        gateway: Settings of the connection.
        message_db: A store, the path of one, False for none, or None for the default file.
        content_as_json: Give the content of messages as JSON text.
        recent_per_channel: Messages that the connection remembers of a channel.
        recent_channels: Of how many channels.
        http_rate: Calls in a period, and the seconds of a period.
        origin: What events carry that can be answered: whose they are.
    """

    client_id: int
    api_key: str = field(default="", repr=False)
    gateway: GatewayOptions
    message_db: Any
    content_as_json: bool
    recent_per_channel: int
    recent_channels: int
    http_rate: tuple[int, float]
    origin: Origin | None = None


#: Makes the ports of clients that are given none. A worker of many machines puts its own here while it imports a bot.
_provider: ContextVar[Callable[[PortSettings], Ports] | None] = ContextVar("mezon_ports", default=None)


def ports_for(settings: PortSettings) -> Ports:
    """Make the ports of a client that is given none: the standard ones, unless somebody provides others."""
    provider = _provider.get()
    return StandardPorts(settings) if provider is None else provider(settings)


@contextmanager
def provided_by(provider: Callable[[PortSettings], Ports]) -> Iterator[None]:
    """Have the clients that are made meanwhile get these ports."""
    token = _provider.set(provider)
    try:
        yield
    finally:
        _provider.reset(token)


class StandardPorts:
    """The core, aiohttp and SQLite behind the ports of one client."""

    def __init__(self, settings: PortSettings) -> None:
        self._gateway = settings.gateway
        self._message_db = settings.message_db
        self._content_as_json = settings.content_as_json
        self._recent = {
            "recent_per_channel": settings.recent_per_channel,
            "recent_channels": settings.recent_channels,
        }
        self._http_rate = settings.http_rate
        self._origin = settings.origin
        self._client_id = settings.client_id
        self._secrets = (settings.api_key,)
        self._http: HttpTransport | None = None
        self._store: MessageStore | None = None
        self._connection: Connection | None = None

    def http(self) -> HttpTransport:
        """Make one pool of connections for everything, with the limits of calls and of logins."""
        if self._http is None:
            from mezon._http.limiter import Limiter
            from mezon._http.transport import AiohttpTransport

            self._http = AiohttpTransport(
                limiter=Limiter(*self._http_rate),
                login_limiter=Limiter(*self._http_rate),
                ca_file=self._gateway.ca_file,
                insecure=self._gateway.insecure,
            )
        return self._http

    def store(self) -> MessageStore | None:
        """Open a file of SQLite, or take the store that was given."""
        setting = self._message_db
        if self._store is None and setting is not False:
            from mezon.messages.db import MessageDB

            if setting is None:
                self._store = MessageDB()
            elif isinstance(setting, str | os.PathLike):
                self._store = MessageDB(os.fspath(setting))
            else:
                self._store = setting
        return self._store

    def connection(self, store: MessageStore | None) -> Connection:
        """Make the core's connection. What it receives goes into ``store`` when that is a ``MessageDB``.

        With a ``save_message`` of the bot's own it does not: the client calls that for each message.
        """
        if self._connection is None:
            from mezon._gateway.codec import MESSAGES, JsonContentMessage, origin_plan
            from mezon._gateway.connection import CoreConnection
            from mezon.messages._foreign import core_of

            plans = {}
            if self._content_as_json:
                message = MESSAGES["channel_message"]
                plans["channel_message"] = origin_plan(JsonContentMessage, message, self._origin)
            core = core_of(store)
            # Without a store of the core's nobody could tell whether the core has kept what was sent.
            own_id = self._client_id if core is not None else 0
            self._connection = CoreConnection(
                self._options(), core, plans, self._origin, own_id=own_id, secrets=self._secrets
            )
        return self._connection

    def encoded_connection(self, store: MessageStore | None) -> CoreConnection:
        """Make a connection of its own that gives events and answers as they came, as bytes: for who hands them on."""
        from mezon._gateway.connection import CoreConnection

        core = getattr(store, "core", None)
        return CoreConnection(self._options(), core, encoded=True, secrets=self._secrets)

    def _options(self) -> dict[str, Any]:
        return {**self._gateway.as_dict(), **self._recent}
