"""Dead events: stored with the reason when no worker could handle them, listed, and replayed on demand."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import BrokerError, jetstream_api, message_size
from mezon._cluster.protocol import MESSAGE_ID, OPERATOR, WORKER, Packet
from mezon._cluster.relay_client import RelayClient
from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from nats.aio.client import Client

    from mezon._cluster.delivery import Delivery
    from mezon._cluster.direct_client import DirectClient
    from mezon._cluster.protocol import Names

#: Headers of a dead event: the reason, its partition and its id.
_REASON: Final = "Mezon-Reason"
_PARTITION: Final = "Mezon-Partition"
_EVENT: Final = "Mezon-Event"

#: The size of a body that was too large to store.
_SIZE: Final = "Mezon-Size"

#: The maximum length of a reason, a name or an id that is shown.
_MAX_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """One dead event.

    Attributes:
        number: Its sequence number in the stream of dead events.
        name: The envelope field.
        event_id: Its id in the stream of events.
        partition: Its partition.
        reason: Why it is dead.
        worker: The worker that dead-lettered it, or "relay".
        at: When it was dead-lettered, as UNIX time in seconds.
        body: The encoded message.
        size: The size of the message. It is larger than ``body`` if the body was too large to store.
    """

    number: int
    name: str
    event_id: str
    partition: int
    reason: str
    worker: str
    at: float
    body: bytes = field(repr=False)
    size: int = 0


def dead_message(
    names: Names, name: str, body: bytes, event_id: str, partition: int, reason: str, worker: str, limit: int
) -> tuple[str, bytes, dict[str, str]]:
    """Return subject, body and headers of a dead event. The body is left out if the message would exceed ``limit``.

    Args:
        names: The bot's names.
        name: The envelope field.
        body: The encoded message.
        event_id: The event's id in the stream.
        partition: Its partition.
        reason: Why it is dead.
        worker: The worker that dead-letters it, or "relay".
        limit: The server's ``max_payload``.
    """
    headers = {
        MESSAGE_ID: f"dead/{event_id}",
        _REASON: reason,
        WORKER: worker,
        _PARTITION: str(partition),
        _EVENT: event_id,
    }
    if message_size(body, headers) > limit:
        headers[_SIZE], body = str(len(body)), b""
    return names.dead_event(name), body, headers


async def dead_letter(client: Client, names: Names, delivery: Delivery, reason: str, worker: str) -> None:
    """Store a delivered event as dead. A repeated call stores it once.

    Raises:
        BrokerError: NATS refuses it.
    """
    subject, body, headers = dead_message(
        names,
        delivery.name,
        delivery.body,
        delivery.event_id,
        delivery.partition,
        reason,
        worker,
        client.max_payload,
    )
    answer = await client.request(subject, body, timeout=5, headers=headers)
    refusal = json.loads(answer.data).get("error")
    if refusal:
        raise BrokerError(str(refusal.get("description", refusal)))


# ---- for the operator


async def dead_events(client: Client, names: Names, limit: int = 100) -> list[DeadEvent]:
    """Return the dead events, oldest first."""
    info = await jetstream_api(client, f"STREAM.INFO.{names.dead}", missing_ok=True)
    if info is None:
        return []
    state = info["state"]
    found: list[DeadEvent] = []
    number = state["first_seq"]
    while number <= state["last_seq"] and len(found) < limit:
        one = await _find(client, names, {"seq": number, "next_by_subj": names.dead_subjects})
        if one is None:
            break
        found.append(one)
        number = one.number + 1
    return found


async def replay(client: DirectClient, names: Names, number: int) -> DeadEvent:
    """Let the relay publish a dead event to its partition again, and delete it from the dead events.

    Raises:
        InvalidArgumentError: There is no such event, or its body was too large to store.
    """
    dead = await _get(client, names, number)
    if dead.size > len(dead.body):
        raise InvalidArgumentError(
            f"dead event {number} cannot be replayed: its {dead.size} bytes were too large for NATS and were not "
            f"stored; `mezon dlq drop {number}` deletes it"
        )
    relay = RelayClient(client, names, OPERATOR)
    await relay.start()
    try:
        values = {"partition": dead.partition, "name": dead.name, "event_id": dead.event_id}
        await relay.call("replay", Packet(values, dead.body), 10.0, "a dead event")
    finally:
        await relay.stop()
    await _delete(client, names, number)
    return dead


async def drop(client: Client, names: Names, number: int) -> None:
    """Delete a dead event.

    Raises:
        InvalidArgumentError: There is no such event.
    """
    await _get(client, names, number)
    await _delete(client, names, number)


async def _delete(client: Client, names: Names, number: int) -> None:
    await jetstream_api(client, f"STREAM.MSG.DELETE.{names.dead}", {"seq": number, "no_erase": True})


async def _get(client: Client, names: Names, number: int) -> DeadEvent:
    dead = await _find(client, names, {"seq": number})
    if dead is None:
        raise InvalidArgumentError(f"there is no dead event {number}; list them with `mezon dlq list`")
    return dead


async def _find(client: Client, names: Names, request: dict[str, Any]) -> DeadEvent | None:
    found = await jetstream_api(client, f"STREAM.MSG.GET.{names.dead}", request, missing_ok=True)
    if found is None:
        return None
    message = found["message"]
    body = base64.b64decode(message.get("data", ""))
    headers = _parse_headers(base64.b64decode(message.get("hdrs", "")))
    return DeadEvent(
        number=message["seq"],
        name=message["subject"].rpartition(".")[2],
        event_id=_printable(headers.get(_EVENT, "")),
        partition=_number(headers.get(_PARTITION, "")),
        reason=_printable(headers.get(_REASON, "")),
        worker=_printable(headers.get(WORKER, "")),
        at=_timestamp(message["time"]),
        body=body,
        size=max(_number(headers.get(_SIZE, ""), max_digits=12), len(body)),
    )


def _parse_headers(block: bytes) -> dict[str, str]:
    lines = block.decode("utf-8", "replace").split("\r\n")[1:]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


def _printable(text: str) -> str:
    """Return a text written by a worker in a form that is safe to show in a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_MAX_SHOWN])


def _number(text: str, max_digits: int = 4) -> int:
    """Return a number written by a worker; 0 if it is invalid."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= max_digits else 0


def _timestamp(text: str) -> float:
    # Python does not parse nanoseconds.
    head, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") or "Z"
    return datetime.fromisoformat(head + ("+00:00" if zone == "Z" else zone)).timestamp()
