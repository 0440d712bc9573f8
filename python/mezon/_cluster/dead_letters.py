"""Events that no worker could finish: put away with the reason, shown, and brought back by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mezon._cluster.broker import BrokerError, api, message_size
from mezon._cluster.names import MESSAGE_ID, OPERATOR
from mezon._cluster.packets import Packet
from mezon._cluster.relay_client import Courier
from mezon.errors import InvalidArgumentError

if TYPE_CHECKING:
    from nats.aio.client import Client

    from mezon._cluster.delivery import Delivery
    from mezon._cluster.names import Names

#: Why it is dead, which worker said so, and where it came from.
REASON: Final = "Mezon-Reason"
WORKER: Final = "Mezon-Worker"
PARTITION: Final = "Mezon-Partition"
EVENT: Final = "Mezon-Event"

#: Bytes of the body, where the body itself was too large to keep.
SIZE: Final = "Mezon-Size"

#: Characters of a reason, a name or an id that are shown.
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """One event that was put away.

    Attributes:
        number: Its number in the stream of dead events.
        name: The envelope field.
        event_id: What it was known by.
        partition: Where it came from.
        reason: Why no worker finished it.
        worker: Who put it away.
        at: When: UNIX time in seconds.
        body: The encoded message.
        size: Bytes of the message; more than ``body`` has if it was too large to keep.
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
    """Return subject, body and headers of a dead event; the body is left out if it would pass ``limit`` bytes.

    Args:
        names: The bot's names.
        name: The envelope field.
        body: The encoded message.
        event_id: What the stream knows the event by.
        partition: Where it came from.
        reason: Why no worker finished it.
        worker: Who puts it away.
        limit: The server's ``max_payload``.
    """
    headers = {
        MESSAGE_ID: f"dead/{event_id}",
        REASON: reason,
        WORKER: worker,
        PARTITION: str(partition),
        EVENT: event_id,
    }
    if message_size(body, headers) > limit:
        headers[SIZE], body = str(len(body)), b""
    return names.dead_event(name), body, headers


async def bury(client: Client, names: Names, delivery: Delivery, reason: str, worker: str) -> None:
    """Put an event away, once."""
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
    wrong = json.loads(answer.data).get("error")
    if wrong:
        raise BrokerError(str(wrong.get("description", wrong)))


async def dead_events(client: Client, names: Names, limit: int = 100) -> list[DeadEvent]:
    """Give the events that were put away, oldest first."""
    info = await api(client, f"STREAM.INFO.{names.dead}", absent_is_none=True)
    if info is None:
        return []
    state = info["state"]
    found: list[DeadEvent] = []
    number = state["first_seq"]
    while number <= state["last_seq"] and len(found) < limit:
        one = await _get(client, names, {"seq": number, "next_by_subj": names.dead_subjects})
        if one is None:
            break
        found.append(one)
        number = one.number + 1
    return found


async def replay(client: Client, names: Names, number: int) -> DeadEvent:
    """Have the relay bring an event back to its partition, and take it off the dead ones.

    Raises:
        InvalidArgumentError: If there is none of that number, or its body was too large to keep.
    """
    dead = await _one(client, names, number)
    if dead.size > len(dead.body):
        raise InvalidArgumentError(
            f"dead event {number} cannot be brought back: its {dead.size} bytes were too large for NATS and were not "
            f"kept; `mezon dlq drop {number}` removes it"
        )
    courier = Courier(client, names, OPERATOR)
    await courier.start()
    try:
        values = {"partition": dead.partition, "name": dead.name, "event_id": dead.event_id}
        await courier.ask("replay", Packet(values, dead.body), 10.0, "a dead event")
    finally:
        await courier.stop()
    await _delete(client, names, number)
    return dead


async def drop(client: Client, names: Names, number: int) -> None:
    """Take an event off the dead ones.

    Raises:
        InvalidArgumentError: If there is none of that number.
    """
    await _one(client, names, number)
    await _delete(client, names, number)


async def _delete(client: Client, names: Names, number: int) -> None:
    await api(client, f"STREAM.MSG.DELETE.{names.dead}", {"seq": number, "no_erase": True})


async def _one(client: Client, names: Names, number: int) -> DeadEvent:
    dead = await _get(client, names, {"seq": number})
    if dead is None:
        raise InvalidArgumentError(f"there is no dead event {number}; `mezon dlq list` shows those there are")
    return dead


async def _get(client: Client, names: Names, which: dict[str, Any]) -> DeadEvent | None:
    import base64

    found = await api(client, f"STREAM.MSG.GET.{names.dead}", which, absent_is_none=True)
    if found is None:
        return None
    message = found["message"]
    body = base64.b64decode(message.get("data", ""))
    headers = _headers(base64.b64decode(message.get("hdrs", "")))
    return DeadEvent(
        number=message["seq"],
        name=message["subject"].rpartition(".")[2],
        event_id=_shown(headers.get(EVENT, "")),
        partition=_whole(headers.get(PARTITION, "")),
        reason=_shown(headers.get(REASON, "")),
        worker=_shown(headers.get(WORKER, "")),
        at=_time(message["time"]),
        body=body,
        size=max(_whole(headers.get(SIZE, ""), "999999999999"), len(body)),
    )


def _headers(block: bytes) -> dict[str, str]:
    lines = block.decode("utf-8", "replace").split("\r\n")[1:]
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


def _shown(text: str) -> str:
    """Return what a worker wrote so that a terminal may show it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_LONGEST])


def _whole(text: str, longest: str = "4096") -> int:
    """Return a number that a worker wrote; 0 if it is none, or has more digits than the longest."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(longest) else 0


def _time(text: str) -> float:
    from datetime import datetime

    # Nanoseconds are more than Python reads.
    head, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") or "Z"
    return datetime.fromisoformat(head + ("+00:00" if zone == "Z" else zone)).timestamp()
