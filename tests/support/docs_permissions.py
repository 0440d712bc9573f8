"""The server's configuration as docs/guide/many-machines.md shows it, with its bot and with short passwords."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "many-machines.md"


def server_permissions(bot_id: int) -> str:
    """The block of the page, for a bot, with a copy of the worker's entry for a second worker."""
    blocks = re.findall(r"```conf\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (block,) = [one for one in blocks if "permissions" in one]
    (worker,) = re.findall(r"^    \{\n      user: worker-1,.*?^    \}\n", block, re.DOTALL | re.MULTILINE)
    block = block.replace(worker, worker + worker.replace("worker-1", "worker-2"))
    return block.replace("1234567890", str(bot_id))
