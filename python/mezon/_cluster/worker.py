"""A worker's ports: a bot file as it is, with its connection, HTTP and store at the relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mezon._client.assembly import StandardPorts
from mezon._cluster.names import Names
from mezon._cluster.settings import Layout, Timing
from mezon._cluster.worker_connection import WorkerConnection
from mezon._cluster.worker_http import WorkerHttp
from mezon._cluster.worker_store import WorkerStore

if TYPE_CHECKING:
    from mezon._client.assembly import PortSettings
    from mezon._cluster.settings import Broker
    from mezon.ports import Connection, HttpTransport, MessageStore


class WorkerPorts:
    """What is behind the ports of a client in a worker; see :class:`mezon.ports.Ports`.

    Args:
        settings: What the client's constructor says; host, key and limits are the relay's.
        broker: Where NATS is.
        layout: Its ``max_deliveries`` and ``acknowledge_early``; the rest is the relay's.
        timing: How long things may take.
        name: The worker's name in the permissions of NATS.
    """

    def __init__(
        self,
        settings: PortSettings,
        broker: Broker,
        layout: Layout | None = None,
        timing: Timing | None = None,
        name: str = "worker",
    ) -> None:
        from mezon._gateway.codec import JsonContentMessage, origin_plan

        plan = None
        if settings.content_as_json:
            plan = origin_plan(JsonContentMessage, "mezon.api.ChannelMessage", settings.origin)
        self._settings = settings
        self._connection = WorkerConnection(
            broker,
            Names(settings.client_id),
            layout or Layout(),
            timing or Timing(),
            plan=plan,
            origin=settings.origin,
            recent=(settings.recent_per_channel, settings.recent_channels),
            name=name,
        )
        self._http: HttpTransport | None = None
        self._store: WorkerStore | None = None

    def http(self) -> HttpTransport:
        """Give the relay for the API, this process for everything else."""
        if self._http is None:
            self._http = WorkerHttp(self._connection.courier, StandardPorts(self._settings).http())
        return self._http

    def store(self) -> MessageStore | None:
        """Give the relay's store, unless the bot wants none."""
        if self._store is None and self._settings.message_db is not False:
            self._store = WorkerStore(self._connection.courier)
        return self._store

    def connection(self, store: MessageStore | None) -> Connection:
        """Take events from the stream and make calls at the relay."""
        return self._connection
