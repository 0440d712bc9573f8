"""A process that counts up one record until it is killed: ``state_child.py KIND ADDRESS COUNT``.

Prints the number of finished edits after each edit, so that the parent knows what must not be lost.
"""

from __future__ import annotations

import asyncio
import sys

from mezon.ext.state import State, StateStore
from state_backends import open_backend


class Counter(State, scope="bot"):
    count: int = 0


async def main(kind: str, address: str, count: int) -> None:
    async with open_backend(kind, address) as backend:
        state = StateStore(1, backend).at()
        for number in range(1, count + 1):
            async with state.edit(Counter) as counter:
                counter.count += 1
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
