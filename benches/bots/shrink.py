"""Open a store's file with a smaller bound, and wait until it has become as small as it will."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from _bot import leave, options, tell

#: Seconds without a change: it is over.
STILL = 3.0

OPTIONS = options()


async def main() -> None:
    from mezon import MessageDB

    tell(ready=True)
    async with MessageDB(max_messages=OPTIONS["bound"]) as store:
        file, log = Path(store.db_path), Path(f"{store.db_path}-wal")
        start = changed = time.monotonic()
        # Nothing is opened before something is to be stored.
        await store.save_message({"message_id": 1, "channel_id": 1, "content": {"t": "x"}})
        seen = (0, 0)
        while time.monotonic() < min(changed + STILL, start + OPTIONS["timeout"]):
            await asyncio.sleep(0.1)
            # While the log is written something is going on: the file is shorter only when the log is put into it.
            now = (file.stat().st_size, log.stat().st_mtime_ns if log.exists() else 0)  # noqa: ASYNC240
            if now != seen:
                seen, changed = now, time.monotonic()
        rows = await store.get_message_count()
    leave(seconds=changed - start, rows=rows)


asyncio.run(main())
