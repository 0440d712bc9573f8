"""Creates the streams, consumers and buckets of a bot at NATS."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import BrokerError, jetstream_api
from mezon._cluster.protocol import DEFAULT_PARTITIONS, GROUP
from mezon._cluster.settings import DEFAULT_MAX_BYTES
from mezon.utils.logger import get_logger

if TYPE_CHECKING:
    from nats.aio.client import Client

    from mezon._cluster.protocol import Names
    from mezon._cluster.settings import Layout, Timing

logger = get_logger("mezon.cluster")

#: Consumers created concurrently.
_CONCURRENCY: Final = 16

#: Seconds between two checks whether a relay has created the stream.
_POLL_INTERVAL: Final = 0.5

#: Metadata of the lock's bucket that contains the key of the lock.
_LOCK_KEY: Final = "mezon-lock-key"

#: JetStream's error code for a stream that exists with another configuration.
_STREAM_EXISTS: Final = 10058


def _ns(seconds: float) -> int:
    return int(seconds * 1_000_000_000)


async def create_layout(client: Client, names: Names, layout: Layout, timing: Timing) -> int:
    """Create the missing streams, consumers and buckets, and return the number of partitions of the stream.

    Raises:
        BrokerError: The server refuses, is older than 2.11, or has a stream of that name with another configuration.
    """
    version = client.connected_server_version
    if (version.major, version.minor) < (2, 11):
        raise BrokerError(
            f"NATS {version.major}.{version.minor} is too old: exclusive consumers need 2.11 or newer"
        )
    found = await _ensure_stream(client, _events(names, layout, timing, layout.partitions))
    partitions = int(found.get("metadata", {}).get("mezon-partitions", layout.partitions))
    if partitions != layout.partitions:
        text = "The stream keeps the %d partitions it was created with; the setting of %d is ignored"
        logger.warning(text, partitions, layout.partitions)
    if layout.max_bytes not in (found["max_bytes"], DEFAULT_MAX_BYTES):
        logger.warning(
            "The stream keeps its max_bytes of %d; the setting of %d is ignored: change it with "
            "`nats stream edit %s --max-bytes %d`",
            found["max_bytes"],
            layout.max_bytes,
            names.events,
            layout.max_bytes,
        )
    for config in _other_streams(names, layout, timing):
        await _ensure_stream(client, config)
    lock = bucket_config(names.lock, timing.lock_ttl, layout.replicas)
    found = await _ensure_stream(client, {**lock, "metadata": {_LOCK_KEY: f"relay-{secrets.token_hex(16)}"}})
    if found["max_age"] != lock["max_age"]:
        # Two relays with different ideas of when the lock ends could be in charge at a time.
        ttl = f"{found['max_age'] / 1e9:g}"
        raise BrokerError(
            f"the lock of this bot lives {ttl} seconds, and {timing.lock_ttl:g} are requested: use --lock-ttl {ttl}"
            f", or stop every relay of the bot and delete the stream {lock['name']}"
        )
    await _create_consumers(client, names, layout, timing, partitions)
    return partitions


async def restore_layout(
    client: Client, names: Names, layout: Layout, timing: Timing, partitions: int
) -> None:
    """Create the streams, consumers and buckets that were deleted while the relay runs.

    The bucket of the lock is not restored here: a relay without it loses the lock and starts again.

    Raises:
        MezonError: NATS does not answer or refuses.
    """
    for config in (_events(names, layout, timing, partitions), *_other_streams(names, layout, timing)):
        if await jetstream_api(client, f"STREAM.INFO.{config['name']}", missing_ok=True) is None:
            await _ensure_stream(client, config)
            logger.warning("The stream %s was deleted; it was created again, empty", config["name"])
    info = await jetstream_api(client, f"STREAM.INFO.{names.events}")
    assert info is not None
    missing = partitions - int(info["state"]["consumer_count"])
    if missing > 0:
        await _create_consumers(client, names, layout, timing, partitions)
        logger.warning("%d consumers of %s were missing; they were created again", missing, names.events)


def _events(names: Names, layout: Layout, timing: Timing, partitions: int) -> dict[str, Any]:
    return {
        "name": names.events,
        "subjects": [names.event_subjects],
        # An acknowledged event is removed: the stream contains the work that is left.
        "retention": "workqueue",
        "storage": "file",
        "discard": "new",
        "max_bytes": layout.max_bytes,
        "max_age": _ns(layout.max_age),
        "num_replicas": layout.replicas,
        "duplicate_window": _ns(timing.duplicate_window),
        "metadata": {"mezon-partitions": str(partitions)},
    }


def _other_streams(names: Names, layout: Layout, timing: Timing) -> list[dict[str, Any]]:
    """Return the configurations of the dead events and of the buckets without that of the lock."""
    dead = {
        "name": names.dead,
        "subjects": [names.dead_subjects],
        "retention": "limits",
        "storage": "file",
        "discard": "old",
        "max_msgs": layout.max_dead,
        "num_replicas": layout.replicas,
    }
    buckets = (
        (names.members, timing.member_ttl),
        (names.answers, timing.answer_ttl),
        (names.notes, 0.0),
    )
    state = bucket_config(names.state_bucket, 0.0, layout.replicas, entry_ttl=True)
    return [dead, *(bucket_config(bucket, ttl, layout.replicas) for bucket, ttl in buckets), state]


async def _create_consumers(
    client: Client, names: Names, layout: Layout, timing: Timing, partitions: int
) -> None:
    limit = asyncio.Semaphore(_CONCURRENCY)

    async def create(partition: int) -> None:
        async with limit:
            await _create_consumer(client, names, partition, layout, timing)

    await asyncio.gather(*(create(partition) for partition in range(partitions)))


async def lock_key(client: Client, names: Names) -> str:
    """Return the key of the lock in its bucket.

    NATS publishes its own answers on any reply subject that a request names, so a worker could overwrite a lock whose
    subject it knows. The key is random, created with the bucket, and readable only with the permission to ask for the
    bucket's configuration, which relays have.
    """
    found = await jetstream_api(client, f"STREAM.INFO.KV_{names.lock}")
    assert found is not None
    key = found["config"].get("metadata", {}).get(_LOCK_KEY)
    if key is None:
        logger.warning(
            "The bucket %s was created by an earlier version, and its key can be guessed: stop the relays and delete "
            "the stream KV_%s once; the next relay creates a new one",
            names.lock,
            names.lock,
        )
        return "relay"
    return str(key)


async def wait_for_partitions(client: Client, names: Names) -> int:
    """Wait until a relay has created the stream, and return its number of partitions."""
    logged = False
    while True:
        found = await jetstream_api(client, f"STREAM.INFO.{names.events}", missing_ok=True)
        if found is not None:
            return int(found["config"].get("metadata", {}).get("mezon-partitions", DEFAULT_PARTITIONS))
        if not logged:
            logged = True
            logger.info("No relay of bot %d has run here yet; waiting for one", names.bot)
        await asyncio.sleep(_POLL_INTERVAL)


async def _ensure_stream(client: Client, config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a stream, which is created if it does not exist."""
    found = await jetstream_api(client, f"STREAM.INFO.{config['name']}", missing_ok=True)
    if found is None:
        try:
            found = await jetstream_api(client, f"STREAM.CREATE.{config['name']}", config)
        except BrokerError as error:
            if error.code != _STREAM_EXISTS:
                raise
            # Another relay has created it meanwhile, with another configuration.
            found = await jetstream_api(client, f"STREAM.INFO.{config['name']}")
    assert found is not None
    current: dict[str, Any] = found["config"]
    _check_stream(config, current)
    return current


def _check_stream(wanted: dict[str, Any], current: dict[str, Any]) -> None:
    """Raise for a stream that would lose messages, or has fewer copies than requested."""
    name, problems = wanted["name"], []
    for setting in ("subjects", "retention", "discard"):
        expected = wanted.get(setting, "limits")
        if current.get(setting) != expected:
            problems.append(f"its {setting} is {current.get(setting)!r} instead of {expected!r}")
    for setting in ("max_msgs", "max_msgs_per_subject"):
        limit, expected = int(current.get(setting, -1)), int(wanted.get(setting, -1))
        # An operator may set another limit where this relay sets one.
        if limit > 0 >= expected:
            problems.append(f"its {setting} is {limit} instead of {expected}")
    if problems:
        raise BrokerError(
            f"NATS has a stream {name} that was not created by this relay: {'; '.join(problems)}. Delete it or change "
            "its configuration; the relay creates a missing stream"
        )
    replicas, requested = int(current.get("num_replicas", 1)), wanted["num_replicas"]
    if replicas < requested:
        raise BrokerError(
            f"the stream {name} has {replicas} replicas, and {requested} are requested: run "
            f"`nats stream edit {name} --replicas {requested}`, or request fewer with --replicas"
        )


def bucket_config(name: str, ttl: float, replicas: int, *, entry_ttl: bool = False) -> dict[str, Any]:
    """Return the configuration of a key-value bucket, which is a stream of this form in every client of NATS.

    Args:
        name: The name of the bucket.
        ttl: Seconds after which every entry expires; 0 for never.
        replicas: Copies in a cluster of servers.
        entry_ttl: Let entries have a time to live of their own.
    """
    return {
        "name": f"KV_{name}",
        "subjects": [f"$KV.{name}.>"],
        "max_msgs_per_subject": 1,
        "max_age": _ns(ttl),
        "duplicate_window": _ns(min(ttl, 120.0) if ttl else 120.0),
        "storage": "file",
        "discard": "new",
        "num_replicas": replicas,
        "allow_rollup_hdrs": True,
        "deny_delete": True,
        "allow_direct": True,
        "allow_msg_ttl": entry_ttl,
    }


async def _create_consumer(
    client: Client, names: Names, partition: int, layout: Layout, timing: Timing
) -> None:
    name, subjects = names.consumer(partition), names.partition_subjects(partition)
    config = {
        "name": name,
        "durable_name": name,
        "filter_subject": subjects,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": _ns(timing.ack_wait),
        # Workers count deaths themselves and dead-letter the event with the reason.
        "max_deliver": -1,
        "max_ack_pending": layout.max_pending,
        "max_waiting": 16,
        # One owner at a time. nats-py has no fields for these three.
        "priority_groups": [GROUP],
        "priority_policy": "pinned_client",
        "priority_timeout": _ns(timing.pin_timeout),
    }
    request = {"stream_name": names.events, "config": config, "action": ""}
    await jetstream_api(client, f"CONSUMER.CREATE.{names.events}.{name}.{subjects}", request)
