"""What a good programmer writes by hand in an afternoon: picows, protobuf, json.loads, one task per event.

No store, no caches, no models, no reconnect. The same counting handlers as `burst.py`; or, with `busy` (which has to
be 0), that of `latency.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import types
import urllib.request
from typing import Any

import picows
from _bot import cpu, leave, options, percentile, tell

# Only the generated messages of this package, none of its code: a stand-in for its __init__.
package = types.ModuleType("mezon")
package.__path__ = [os.environ["MEZON_PACKAGE"]]
sys.modules["mezon"] = package
from mezon.protobuf.api import api_pb2  # noqa: E402
from mezon.protobuf.rtapi import realtime_pb2  # noqa: E402

OPTIONS = options()
WARM: int = OPTIONS["warm"]
TOTAL: int = WARM + OPTIONS["n"]
LATENCY: bool = "busy" in OPTIONS
BUSY_DAY: bool = OPTIONS.get("handler") == "busy"
#: A busy day: how many commands there are for each reply.
PER_SEND = 100
BOT_ID = int(os.environ["MEZON_BOT_ID"])

received = disorder = 0
commands = clicks = sends = 0
last: dict[int, int] = {}
trips: list[float] = []
warmed = asyncio.Event()
done = asyncio.Event()
done_at = 0.0


def count() -> None:
    global received, disorder, done_at
    received += 1
    if received == WARM:
        # The bursts were built before: their ids start again.
        last.clear()
        disorder = 0
        warmed.set()
    elif received == TOTAL:
        done_at = time.monotonic()
        done.set()


async def quick(message: Any, content: dict[str, Any]) -> None:
    global disorder
    channel, number = message.channel_id, message.message_id
    if last.get(channel, 0) >= number:
        disorder += 1
    last[channel] = number
    count()


async def busy(message: Any, content: dict[str, Any]) -> None:
    global commands, sends
    if message.sender_id == BOT_ID:
        return
    text = content["t"]
    if text.startswith("!"):
        name, most, *_ = text.split()
        assert (name, most.isdigit()) == ("!roll", True)
        commands += 1
        if commands % PER_SEND == 0:
            sends += 1
            reply = realtime_pb2.ChannelMessageSend(
                clan_id=message.clan_id,
                channel_id=message.channel_id,
                mode=message.mode,
                is_public=message.is_public,
                content=json.dumps({"t": most}),
            )
            envelope = realtime_pb2.Envelope(cid=sends, channel_message_send=reply)
            assert transport is not None
            transport.send(picows.WSMsgType.BINARY, envelope.SerializeToString())
    await quick(message, content)


async def click(event: Any) -> None:
    global clicks
    if event.extra_data:
        assert json.loads(event.extra_data)["name"]
    clicks += event.button_id in ("vote:yes", "order:send")
    count()


async def look(message: Any, content: dict[str, Any]) -> None:
    global received
    now = time.monotonic_ns()
    received += 1
    if received > WARM:
        trips.append((now - int(content["t"])) / 1e9)
    if received == WARM:
        warmed.set()
    elif received == TOTAL:
        done.set()


handle = look if LATENCY else busy if BUSY_DAY else quick
transport: picows.WSTransport | None = None


class Listener(picows.WSListener):  # type: ignore[misc]
    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.tasks: set[asyncio.Task[None]] = set()

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type != picows.WSMsgType.BINARY:
            return
        envelope = realtime_pb2.Envelope.FromString(frame.get_payload_as_bytes())
        if envelope.WhichOneof("message") == "channel_message":
            message = envelope.channel_message
            self.start(handle(message, json.loads(message.content)))
        elif envelope.HasField("message_button_clicked"):
            self.start(click(envelope.message_button_clicked))

    def start(self, handler: Any) -> None:
        task = self.loop.create_task(handler)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def login() -> api_pb2.Session:
    account = {"appid": os.environ["MEZON_BOT_ID"], "token": os.environ["MEZON_API_KEY"]}
    request = urllib.request.Request(
        f"http://{os.environ['MEZON_HOST']}:{os.environ['MEZON_PORT']}/v2/apps/authenticate/token",
        json.dumps({"account": account}).encode(),
        {"Content-Type": "application/proto", "Accept": "application/x-protobuf"},
    )
    with urllib.request.urlopen(request) as answer:
        return api_pb2.Session.FromString(answer.read())


async def main() -> None:
    global transport
    session = login()
    url = f"{session.ws_url}/ws?lang=en&status=true&token={session.token}&format=protobuf"
    transport, _ = await picows.ws_connect(Listener, url)
    tell(online=True)
    await warmed.wait()
    before = cpu()
    tell(ready=True)
    await done.wait()
    if LATENCY:
        leave(p50=percentile(trips, 0.5), p99=percentile(trips, 0.99))
    tell(done=done_at)
    counted = {"commands": commands, "clicks": clicks, "sends": sends}
    leave(done=done_at, cpu=cpu() - before, disorder=disorder, **counted)


asyncio.run(main())
