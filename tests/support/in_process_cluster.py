"""A relay and clients of workers in the test's own process, where a test can look at them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from mezon import MezonClient
from mezon._client.assembly import provided_by
from mezon._cluster.relay import Relay
from mezon._cluster.settings import Broker, Layout, Timing
from mezon._cluster.worker_ports import WorkerPorts
from mezon.testing import LocalGateway
from nats_servers import TIMING, NatsServer
from waiting import until


def as_user(url: str, user: str) -> str:
    """The URL of a server for a user of the guide; its password follows from the name."""
    return url.replace("nats://", f"nats://{user}:{user}-secret@") if user else url


class InProcess:
    """A relay of a local gateway, and clients of its workers.

    Args:
        gateway: The gateway.
        nats: The server of NATS.
        relay_user, worker_user: Users of the guide, for a server with its permissions.
        settings: Of the relay; ``layout`` and ``timing`` as dicts.
    """

    def __init__(
        self,
        gateway: LocalGateway,
        nats: NatsServer,
        *,
        relay_user: str = "",
        worker_user: str = "",
        **settings: Any,
    ) -> None:
        self.gateway = gateway
        self.broker = Broker(urls=as_user(nats.url, worker_user))
        self.worker = worker_user or "worker"
        self.timing = Timing(**{**TIMING, **settings.pop("timing", {})})
        # Everything is in one loop here, in asyncio's debug mode: sixty-four readers for each worker would fill it.
        self.layout = Layout(**{"partitions": 8, **settings.pop("layout", {})})
        options = {**gateway.client_options(), **settings}
        for name in ("http_rate_period", "http_rate_limit"):
            options.pop(name, None)
        http_rate = options.pop("http_rate", (0, 0.0))
        self.relay = Relay(
            options.pop("client_id"),
            options.pop("api_key"),
            Broker(urls=as_user(nats.url, relay_user)),
            layout=self.layout,
            timing=self.timing,
            http_rate=http_rate,
            **options,
        )
        self.task: asyncio.Task[None] | None = None
        self.clients: list[MezonClient] = []

    async def __aenter__(self) -> InProcess:
        task = self.task = asyncio.create_task(self.relay.run())
        try:
            await until(
                lambda: self.relay.ready.is_set() or task.done(), lambda: f"the relay: {self.relay.stats()}"
            )
            if task.done():
                task.result()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.disconnect()
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])

    def settled(self) -> bool:
        """Has every partition one owner among the clients, and every client a share?"""
        shares = [client.socket_manager.socket.connection.stats()["partitions"] for client in self.clients]
        owned = sorted(partition for share in shares for partition in share)
        return all(shares) and owned == list(range(self.layout.partitions))

    @contextlib.contextmanager
    def workers(self) -> Iterator[None]:
        """Clients that are made meanwhile are those of workers."""
        with provided_by(
            lambda given: WorkerPorts(given, self.broker, self.layout, self.timing, self.worker)
        ):
            yield

    def client(self, **settings: Any) -> MezonClient:
        with self.workers():
            client = MezonClient(
                self.gateway.bot_id,
                "no key",
                host="nowhere.invalid",
                mmn_api_url=None,
                zk_api_url=None,
                **settings,
            )
        self.clients.append(client)
        return client
