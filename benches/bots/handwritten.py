"""What a good programmer writes by hand in an afternoon: picows, protobuf, json.loads, one task per event.

No store, no caches, no models, no reconnect. The same counting handler as `burst.py`; or, with `busy` (which has to
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

received = disorder = 0
last: dict[int, int] = {}
trips: list[float] = []
warmed = asyncio.Event()
done = asyncio.Event()
done_at = 0.0


async def quick(message: Any, content: dict[str, Any]) -> None:
    global received, disorder, done_at
    channel, number = message.channel_id, message.message_id
    if last.get(channel, 0) >= number:
        disorder += 1
    last[channel] = number
    received += 1
    if received == WARM:
        # The bursts were built before: their ids start again.
        last.clear()
        disorder = 0
        warmed.set()
    elif received == TOTAL:
        done_at = time.monotonic()
        done.set()


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


handle = look if LATENCY else quick


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
            task = self.loop.create_task(handle(message, json.loads(message.content)))
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
    session = login()
    url = f"{session.ws_url}/ws?lang=en&status=true&token={session.token}&format=protobuf"
    await picows.ws_connect(Listener, url)
    tell(online=True)
    await warmed.wait()
    before = cpu()
    tell(ready=True)
    await done.wait()
    if LATENCY:
        leave(p50=percentile(trips, 0.5), p99=percentile(trips, 0.99))
    tell(done=done_at)
    leave(done=done_at, cpu=cpu() - before, disorder=disorder)


asyncio.run(main())
