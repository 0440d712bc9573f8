"""The composition root: the one place that knows what this package puts behind its ports.

Whoever gives ``MezonClient(ports=...)`` others has none of this.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mezon.options import GatewayOptions
    from mezon.ports import Connection, HttpTransport, MessageStore


class StandardPorts:
    """The core, aiohttp and SQLite behind the ports of one client.

    Args:
        gateway: Settings of the connection.
        message_db: A store, the path of one, False for none, or None for the default file.
        content_as_json: Give the content of messages as JSON text.
        recent_per_channel: Messages that the connection remembers of a channel.
        recent_channels: Of how many channels.
        http_rate: Calls in a period, and the seconds of a period.
    """

    def __init__(
        self,
        *,
        gateway: GatewayOptions,
        message_db: Any,
        content_as_json: bool,
        recent_per_channel: int,
        recent_channels: int,
        http_rate: tuple[int, float],
    ) -> None:
        self._gateway = gateway
        self._message_db = message_db
        self._content_as_json = content_as_json
        self._recent = {"recent_per_channel": recent_per_channel, "recent_channels": recent_channels}
        self._http_rate = http_rate
        self._http: HttpTransport | None = None
        self._store: MessageStore | None = None
        self._connection: Connection | None = None

    def http(self) -> HttpTransport:
        """One pool of connections for everything, with the limits of calls and of logins."""
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
        """A file of SQLite, or the store that was given."""
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
        """The core's connection. What it receives goes into ``store`` when that is a ``MessageDB``."""
        if self._connection is None:
            from mezon._gateway.codec import MESSAGES, JsonContentMessage, model_plan
            from mezon._gateway.connection import CoreConnection

            plans = {}
            if self._content_as_json:
                plans["channel_message"] = model_plan(JsonContentMessage, MESSAGES["channel_message"])
            options = {**self._gateway.as_dict(), **self._recent}
            self._connection = CoreConnection(options, getattr(store, "core", None), plans)
        return self._connection
