"""A worker in plain nats-py, as docs/guide/many-machines-protocol.md describes it: answers "!ping" with "pong"."""

import asyncio
import json
import os
import time
import uuid
from hashlib import blake2b

import nats
from mezon.protobuf.api.api_pb2 import ChannelMessage
from mezon.protobuf.rtapi.realtime_pb2 import ChannelMessageSend

BOT, NAME = os.environ["MEZON_BOT_ID"], f"{os.environ['MEZON_WORKER_NAME']}.{uuid.uuid4().hex[:12]}"
STREAM, MEMBERS = f"MEZON_{BOT}_EVENTS", f"$KV.MEZON_{BOT}_WORKERS."
ABOUT = json.dumps({"interests": ["channel_message"], "filters": {}, "leaving": False, "protocol": 2})
seen, owners, readers = {}, {}, {}


def assign(count, names):
    room, found = {name: -(-count // len(names)) for name in names}, {}
    pairs = ((name, part) for name in names for part in range(count))
    weight = {pair: blake2b("{}/{}".format(*pair).encode(), digest_size=8).digest() for pair in pairs}
    for name, part in sorted(weight, key=lambda pair: (weight[pair], *pair), reverse=True):
        if part not in found and room[name]:
            found[part], room[name] = name, room[name] - 1
    return found


async def note_worker(message):
    living = message.data and not json.loads(message.data)["leaving"]
    seen[message.subject.removeprefix(MEMBERS)] = time.monotonic() if living else 0.0


async def call(nc, kind, values, body=b"", **headers):
    text, headers = json.dumps(values).encode(), {"Mezon-Protocol": "2", "Mezon-Timeout": "10", **headers}
    packet = len(text).to_bytes(4, "big") + text + body
    answer = (await nc.request(f"mezon.{BOT}.call.{NAME}.{kind}", packet, 11, headers=headers)).data
    return json.loads(answer[4 : 4 + int.from_bytes(answer[:4], "big")])


async def handle(nc, event):
    said = ChannelMessage.FromString(event.data)
    if json.loads(said.content or "{}").get("t") == "!ping":
        fields = {name: getattr(said, name) for name in ("clan_id", "channel_id", "mode", "is_public")}
        body = ChannelMessageSend(content='{"t":"pong"}', **fields).SerializeToString()
        values = {"mode": "call", "name": "channel_message_send", "timeout": 10}
        key = {"Mezon-Call-Key": f"{event.headers['Nats-Msg-Id']}/plain/1"}
        print(await call(nc, "socket", values, body, **key), flush=True)
    await nc.publish(event.reply, b"+ACK")


async def read(nc, part):
    pin, inbox, consumer = None, await nc.subscribe(nc.new_inbox()), f"{STREAM}.partition-{part}"
    while owners.get(part) == NAME:
        pull = {"batch": 1, "expires": 1_500_000_000, "group": "owner", **({"id": pin} if pin else {})}
        await nc.publish(f"$JS.API.CONSUMER.MSG.NEXT.{consumer}", json.dumps(pull).encode(), inbox.subject)
        event = await inbox.next_msg(None)
        pin = None if event.headers.get("Status") == "423" else event.headers.get("Nats-Pin-Id", pin)
        await (handle(nc, event) if event.reply else asyncio.sleep(0.1))


async def main():
    nc = await nats.connect(os.environ["MEZON_NATS_URL"], inbox_prefix=f"mezon.{BOT}.inbox.{NAME}")
    await nc.subscribe(f"{MEMBERS}>", cb=note_worker)
    print("ready", await call(nc, "interest", {"member": ABOUT}), flush=True)
    info = json.loads((await nc.request(f"$JS.API.STREAM.INFO.{STREAM}", timeout=5)).data)
    while await nc.publish(MEMBERS + NAME, ABOUT.encode()) is None:
        await asyncio.sleep(0.75)
        living = [name for name, at in seen.items() if time.monotonic() - at < 3]
        owners.update(assign(int(info["config"]["metadata"]["mezon-partitions"]), living))
        for part in [part for part, name in owners.items() if name == NAME]:
            if part not in readers or readers[part].done():
                readers[part] = asyncio.create_task(read(nc, part))


asyncio.run(main())
