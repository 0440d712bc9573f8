"""Makes what a bot needs at the broker: two streams, a consumer for each partition, four buckets; once."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import BrokerError, api
from mezon._cluster.names import DEFAULT_PARTITIONS, GROUP
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from nats.aio.client import Client

    from mezon._cluster.names import Names
    from mezon._cluster.settings import Layout, Timing

logger = get_logger("mezon.cluster")

#: Consumers that are made at once.
_AT_ONCE: Final = 16

#: Seconds between two looks whether a relay has made the stream.
_LOOK: Final = 0.5


#: Where the bucket of the lock says under which key the lock is.
_LOCK_KEY: Final = "mezon-lock-key"

#: JetStream's code for a stream that exists with another configuration.
_IN_USE: Final = 10058


def _ns(seconds: float) -> int:
    return int(seconds * 1_000_000_000)


async def prepare(client: Client, names: Names, layout: Layout, timing: Timing) -> int:
    """Make what is missing; gives the number of partitions, which is that of the stream when there is one.

    Raises:
        BrokerError: If the server refuses, or is older than 2.11.
    """
    version = client.connected_server_version
    if (version.major, version.minor) < (2, 11):
        raise BrokerError(
            f"NATS {version.major}.{version.minor} is too old: exclusive consumers need 2.11 or newer"
        )
    events = {
        "name": names.events,
        "subjects": [names.event_subjects],
        # An event that was acknowledged is gone: what is left is the work to do.
        "retention": "workqueue",
        "storage": "file",
        "discard": "new",
        "max_bytes": layout.max_bytes,
        "max_age": _ns(layout.max_age),
        "num_replicas": layout.replicas,
        "duplicate_window": _ns(timing.duplicate_window),
        "metadata": {"mezon-partitions": str(layout.partitions)},
    }
    found = await _stream(client, events)
    partitions = int(found.get("metadata", {}).get("mezon-partitions", layout.partitions))
    if partitions != layout.partitions:
        text = "The stream was made with %d partitions, which stay; the setting says %d"
        logger.warning(text, partitions, layout.partitions)
    await _stream(
        client,
        {
            "name": names.dead,
            "subjects": [names.dead_subjects],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "max_msgs": layout.max_dead,
            "num_replicas": layout.replicas,
        },
    )
    for bucket, life in (
        (names.members, timing.member_life),
        (names.answers, timing.answer_life),
        (names.notes, 0.0),
    ):
        await _stream(client, _bucket(bucket, life, layout.replicas))
    lock = _bucket(names.lock, timing.lock_life, layout.replicas)
    await _stream(client, {**lock, "metadata": {_LOCK_KEY: f"relay-{secrets.token_hex(16)}"}})
    turn = asyncio.Semaphore(_AT_ONCE)

    async def make(partition: int) -> None:
        async with turn:
            await _consumer(client, names, partition, layout, timing)

    await asyncio.gather(*(make(partition) for partition in range(partitions)))
    return partitions


async def lock_key(client: Client, names: Names) -> str:
    """Return the key of the lock in its bucket.

    NATS publishes its own answers on whatever reply subject a request names, so a worker could write over a lock whose
    subject it knows. The key is random, made with the bucket, and only who may ask for the bucket's configuration can
    read it: the relays.
    """
    found = await api(client, f"STREAM.INFO.KV_{names.lock}")
    assert found is not None
    key = found["config"].get("metadata", {}).get(_LOCK_KEY)
    if key is None:
        logger.warning(
            "The bucket %s was made by an earlier version, and its key can be guessed: stop the relays and delete the "
            "stream KV_%s once; the next relay makes it anew",
            names.lock,
            names.lock,
        )
        return "relay"
    return str(key)


async def partitions_of(client: Client, names: Names) -> int:
    """Ask how many partitions a bot has; wait until its relay has made the stream."""
    said = False
    while True:
        known = await api(client, f"STREAM.INFO.{names.events}", absent_is_none=True)
        if known is not None:
            return int(known["config"].get("metadata", {}).get("mezon-partitions", DEFAULT_PARTITIONS))
        if not said:
            said = True
            logger.info("No relay of bot %d has run here yet; waiting for one", names.bot)
        await asyncio.sleep(_LOOK)


async def _stream(client: Client, config: dict[str, Any]) -> dict[str, Any]:
    """Get the configuration of a stream, made if it is not there."""
    known = await api(client, f"STREAM.INFO.{config['name']}", absent_is_none=True)
    if known is None:
        try:
            known = await api(client, f"STREAM.CREATE.{config['name']}", config)
        except BrokerError as error:
            if error.code != _IN_USE:
                raise
            # Another relay has made it in between, with a configuration of its own.
            known = await api(client, f"STREAM.INFO.{config['name']}")
    assert known is not None
    found: dict[str, Any] = known["config"]
    return found


def _bucket(name: str, life: float, replicas: int) -> dict[str, Any]:
    """Open a key-value bucket, which is a stream of this form (the layout that NATS' clients share)."""
    return {
        "name": f"KV_{name}",
        "subjects": [f"$KV.{name}.>"],
        "max_msgs_per_subject": 1,
        "max_age": _ns(life),
        "duplicate_window": _ns(min(life, 120.0) if life else 120.0),
        "storage": "file",
        "discard": "new",
        "num_replicas": replicas,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
    }


async def _consumer(client: Client, names: Names, partition: int, layout: Layout, timing: Timing) -> None:
    name, subjects = names.consumer(partition), names.partition_subjects(partition)
    config = {
        "name": name,
        "durable_name": name,
        "filter_subject": subjects,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": _ns(timing.ack_wait),
        # The worker counts, and brings the event to the dead ones with its reason.
        "max_deliver": -1,
        "max_ack_pending": layout.max_pending,
        "max_waiting": 16,
        # One owner at a time; the Python client has no fields for these three.
        "priority_groups": [GROUP],
        "priority_policy": "pinned_client",
        "priority_timeout": _ns(timing.pin_life),
    }
    request = {"stream_name": names.events, "config": config, "action": ""}
    await api(client, f"CONSUMER.CREATE.{names.events}.{name}.{subjects}", request)
