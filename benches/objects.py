"""Decoding of one message to a ChannelMessage: by the core's plan, and by protobuf with pydantic validation.

`python benches/objects.py`; no server, no client. CPU time of one core, the best of several passes.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from mezon._gateway.codec import dict_plan, event_plan
from mezon.models import ChannelMessage, convert_envelope_to_pydantic
from mezon.protobuf.api import api_pb2
from mezon.protobuf.rtapi import realtime_pb2
from mezon.testing import LocalGateway

COUNT: Final = 5_000
PASSES: Final = 7


def bodies() -> list[bytes]:
    """Return the messages of a burst, without their envelopes."""
    blast = LocalGateway().prepare_blast(COUNT)
    found = []
    for chunk, _ in blast.chunks:
        at = 0
        while at < len(chunk):
            size, head = chunk[at + 1], 2
            if size == 126:
                size, head = int.from_bytes(chunk[at + 2 : at + 4], "big"), 4
            envelope = realtime_pb2.Envelope.FromString(chunk[at + head : at + head + size])
            found.append(envelope.channel_message.SerializeToString())
            at += head + size
    return found


def best(work: Callable[[Any], object], items: list[Any]) -> float:
    """Return the microseconds per item."""
    times = []
    for _ in range(PASSES):
        gc.collect()
        start = time.process_time()
        for item in items:
            work(item)
        times.append(time.process_time() - start)
    return min(times) / len(items) * 1e6


def validated(body: bytes) -> ChannelMessage:
    """Parse, convert to a dict and validate. Lists in bytes fields are skipped, so this does less work."""
    message = api_pb2.ChannelMessage.FromString(body)
    values = MessageToDict(message, preserving_proto_field_name=True)
    for name in ("mentions", "attachments", "references", "reactions"):
        values.pop(name, None)
    values["content"] = json.loads(message.content)
    return ChannelMessage.model_validate(values)


def main() -> None:
    items = bodies()
    plan = event_plan("channel_message")
    assert plan is not None
    parsed = [api_pb2.ChannelMessage.FromString(body) for body in items]
    send = {
        "clan_id": 1,
        "channel_id": 2,
        "mode": 2,
        "is_public": True,
        "content": '{"t":"Xin chào, hôm nay trời đẹp quá"}',
    }
    encode = dict_plan("mezon.realtime.ChannelMessageSend").encode
    print(f"{len(items):,} messages of {sum(map(len, items)) / len(items):.0f} bytes; CPU a message:")
    for title, figure in (
        ("core: Plan.decode -> ChannelMessage", best(plan.decode, items)),
        ("google.protobuf: parse alone", best(api_pb2.ChannelMessage.FromString, items)),
        (
            "mezon.models._base: parsed -> ChannelMessage",
            best(lambda m: convert_envelope_to_pydantic("channel_message", m), parsed),
        ),
        ("parse, MessageToDict, json.loads, model_validate", best(validated, items)),
        ("core: Plan.encode of a ChannelMessageSend", best(encode, [send] * COUNT)),
        (
            "google.protobuf: the same, made and serialised",
            best(lambda v: realtime_pb2.ChannelMessageSend(**v).SerializeToString(), [send] * COUNT),
        ),
    ):
        print(f"  {title:<50} {figure:8.2f} µs")


if __name__ == "__main__":
    main()
