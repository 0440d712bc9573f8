"""A relay or a worker with the short times of the tests; the argument is JSON. The command line has the long ones."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import time
from typing import Any

from mezon import GatewayOptions
from mezon._client.assembly import provided_by
from mezon._cluster import call_handlers, membership, relay_client, rpc_server, worker_connection
from mezon._cluster import relay as relay_module
from mezon._cluster.process import run_relays, run_worker
from mezon._cluster.relay import Relay
from mezon._cluster.settings import DEFAULT_BUFFER, Broker, Layout, Timing
from mezon._cluster.worker_ports import WorkerPorts
from mezon.testing.bots import load_bot


def say(text: str) -> None:
    print(text, flush=True)


def announce(version: int) -> None:
    """Announce another version of the protocol."""
    for module in (call_handlers, membership, relay_client, rpc_server, relay_module, worker_connection):
        vars(module)["PROTOCOL"] = version


def be_busy(seconds: float) -> None:
    """Take the time of the main thread, in the middle of whatever it does."""
    logging.warning("the loop is busy")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    logging.warning("the loop is free")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)d %(levelname)s %(name)s %(message)s")
    about: dict[str, Any] = json.loads(sys.argv[1])
    if "protocol" in about:
        announce(about["protocol"])
    broker = Broker(urls=about["nats"])
    timing = Timing(**about["timing"])
    layout = Layout(**about.get("layout", {}))
    if "busy" in about:
        signal.signal(signal.SIGUSR1, lambda *_: be_busy(about["busy"]))
    if about["what"] == "relay":
        options = about["options"]
        for name in ("message_db", "http_rate_period", "http_rate_limit"):
            options.pop(name, None)
        relay = Relay(
            options.pop("client_id"),
            options.pop("api_key"),
            broker,
            layout=layout,
            timing=timing,
            buffer=about.get("buffer", DEFAULT_BUFFER),
            message_db=about.get("store", False),
            http_rate=(0, 0.0),
            gateway=GatewayOptions(rate_limit=about.get("rate_limit", 80), backoff_base=0.1, backoff_max=0.5),
            **options,
        )
        asyncio.run(run_relays([relay], health=about.get("health"), report=say))
        return
    name = about.get("name", "worker")
    with provided_by(lambda settings: WorkerPorts(settings, broker, layout, timing, name)):
        client = load_bot(about["bot"])
    assert client is not None
    asyncio.run(run_worker(client, health=about.get("health"), drain=about.get("drain", 10.0), report=say))


main()
