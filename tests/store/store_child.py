"""A bot's process as the crash tests need it: stores numbered messages and tells each over a pipe.

Usage: store_child.py PATH COUNT END, with END one of return, exit, raise, wait, close, count.
A line "N" on stdout means: message N was accepted and its handler has run. With "count" a line is "N WRITTEN": that
many rows had been committed before.
"""

from __future__ import annotations

import asyncio
import os
import sys

from mezon.messages import MessageDB
from mezon.protobuf.api import api_pb2


async def main(path: str, count: int, end: str) -> None:
    store = MessageDB(path)
    out = sys.stdout.fileno()
    for number in range(count):
        body = api_pb2.ChannelMessage(
            channel_id=1 + number % 5,
            message_id=number + 1,
            content='{"t":"numbered"}',
            create_time_seconds=number + 1,
        )
        store.core.accept(body.SerializeToString())
        written = f" {store.stats()['rows_written']}" if end == "count" else ""
        os.write(out, f"{number + 1}{written}\n".encode())
        if number % 40 == 0:
            await asyncio.sleep(0.001)
    if end == "wait":
        await asyncio.sleep(60)
    elif end == "exit":
        sys.exit(3)
    elif end == "raise":
        raise RuntimeError("out of main")
    elif end == "close":
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
