"""The composition root: the one place that knows what this package puts behind its ports.

Whoever gives ``MezonClient(ports=...)`` others has none of this.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mezon._client.view import ClientView
    from mezon._http.limiter import Limiter
    from mezon.api import MezonApi
    from mezon.ports import Connection, MessageStore


class StandardPorts:
    """The core, aiohttp and SQLite behind the ports of one client.

    Args:
        options: Settings of the core, by the names of :class:`mezon.GatewayOptions`.
        message_db: A store, the path of one, False for none, or None for the default file.
        content_as_json: Give the content of messages as JSON text.
    """

    def __init__(self, options: Mapping[str, Any], message_db: Any, content_as_json: bool) -> None:
        self._options = options
        self._message_db = message_db
        self._content_as_json = content_as_json

    def store(self) -> MessageStore | None:
        """The message store."""
        setting = self._message_db
        if setting is False:
            return None
        from mezon.messages.db import MessageDB

        if setting is None:
            return MessageDB()
        if isinstance(setting, str | os.PathLike):
            return MessageDB(os.fspath(setting))
        store: MessageStore = setting
        return store

    def connection(self, store: MessageStore | None) -> Connection:
        """The core's connection. What it receives goes into ``store`` when that is a ``MessageDB``."""
        from mezon._gateway.codec import MESSAGES, JsonContentMessage, model_plan
        from mezon._gateway.connection import CoreConnection

        plans = {}
        if self._content_as_json:
            plans["channel_message"] = model_plan(JsonContentMessage, MESSAGES["channel_message"])
        return CoreConnection(self._options, getattr(store, "core", None), plans)


class Apis:
    """Makes the API clients of one client.

    Args:
        client: Whose settings they have.
        rate_limit: Calls in one ``rate_period``.
        rate_period: Seconds.
    """

    def __init__(self, client: ClientView, rate_limit: int, rate_period: float) -> None:
        self._client = client
        self._rate = (rate_limit, rate_period)
        self._login_limiter: Limiter | None = None

    def for_login(self) -> MezonApi:
        """One for a single login. Logins have a limit of their own, so that none waits for other calls."""
        if self._login_limiter is None:
            from mezon._http.limiter import Limiter

            self._login_limiter = Limiter(*self._rate)
        return self._make(self._client.login_url, self._login_limiter)

    def for_calls(self, base_url: str) -> MezonApi:
        """The one for every other call."""
        return self._make(base_url, None)

    def _make(self, base_url: str, limiter: Limiter | None) -> MezonApi:
        from mezon.api import MezonApi

        client = self._client
        return MezonApi(
            client.client_id,
            client.api_key,
            base_url,
            client.timeout_ms,
            *self._rate,
            limiter=limiter,
            ca_file=client.gateway.ca_file,
            insecure=client.gateway.insecure,
        )
