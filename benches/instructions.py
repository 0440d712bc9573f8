"""Instructions per event, counted by callgrind: a figure that does not depend on the load of the machine.

    make bench-instructions            # compares with benches/results/instructions.json, to within 3 %
    .venv/bin/python benches/instructions.py --keep

Each case runs twice in a process of its own, with few events and with more; the difference is what the events cost.
It needs valgrind.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).resolve().parent
KEPT: Final = HERE / "results" / "instructions.json"

#: Tolerated difference from the recorded figure.
TOLERANCE: Final = 0.03
FEW: Final = 200
MORE: Final = 1_200


def decode(count: int) -> None:
    """Decode messages and read their content, as a handler does."""
    from mezon._gateway.codec import event_plan

    from store import payloads

    plan = event_plan("channel_message")
    assert plan is not None
    for body in payloads(0, MORE)[:count]:
        assert plan.decode(body).content


def dispatch(count: int) -> None:
    """Dispatch events to one async handler, in the batches of the connection."""
    from dispatch import every, run

    asyncio.run(run(count, [every(0)]))


def lists(count: int) -> None:
    """Create messages and pass them to a batch handler in lists of 256, as the connection does."""
    from dispatch import NAME, NoConnection
    from mezon._events.dispatcher import Dispatcher
    from mezon._gateway.codec import event_plan
    from mezon._gateway.connection import BATCH
    from mezon.managers.event import EventManager

    from store import payloads

    plan = event_plan(NAME)
    assert plan is not None
    bodies = payloads(0, MORE)

    async def deliver() -> None:
        manager = EventManager()
        dispatcher = Dispatcher(manager, lambda error, name: None)
        manager.on(NAME, dispatcher.batch(NAME, lambda events: None, 256, 3600.0, None))
        dispatcher.attach(NoConnection(), asyncio.get_running_loop())  # type: ignore[arg-type]
        for start in range(0, count, BATCH):
            dispatcher.on_events(NAME, [plan.receive(body) for body in bodies[start : start + BATCH]])
        await dispatcher.finish(1)

    asyncio.run(deliver())


def store_row(count: int) -> None:
    """Store messages, including the commit."""
    from mezon.messages import MessageDB

    from store import payloads

    async def fill() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with MessageDB(f"{folder}/rows.db", max_messages=None) as store:
                for body in payloads(0, MORE)[:count]:
                    store.core.accept(body)
                assert await store.flush(120)

    asyncio.run(fill())


def send(count: int) -> None:
    """Encode the frame of a send."""
    from mezon._gateway.codec import dict_plan

    encode = dict_plan("mezon.realtime.ChannelMessageSend").encode
    content = json.dumps({"t": "Xin chào, hôm nay trời đẹp quá"}, ensure_ascii=False)
    for number in range(count):
        encode({"clan_id": 1, "channel_id": number + 2, "mode": 2, "is_public": True, "content": content})


CASES: Final[dict[str, Callable[[int], None]]] = {
    "decode": decode,
    "dispatch": dispatch,
    "lists": lists,
    "store row": store_row,
    "send": send,
}


def counted(case: str, count: int) -> int:
    """Return the number of instructions of a whole process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={folder}/out",
            sys.executable,
            str(Path(__file__)),
            "--run",
            case,
            "--count",
            str(count),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode or found is None:
            raise SystemExit(f"{case} failed under valgrind:\n{done.stderr[-2000:]}")
        return int(found[1])


def compare(measured: dict[str, int]) -> bool:
    """Print the figures next to the recorded ones. Returns False if one is out of tolerance."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    same = kept.get("python") == platform.python_version() and kept.get("machine") == platform.machine()
    good = True
    for case, value in measured.items():
        before = kept.get("instructions", {}).get(case) if same else None
        moved = (value - before) / before if before else 0.0
        verdict = "" if before is None else f"{moved:+.1%}" + (" too far" if abs(moved) > TOLERANCE else "")
        good = good and abs(moved) <= TOLERANCE
        print(f"{case:12} {value:9,} instructions an event  {verdict}", flush=True)
    if not same:
        print("What was kept is of another Python or machine: nothing was compared. --keep keeps these.")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--keep", action="store_true", help="keep the figures")
    parser.add_argument("--run", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        CASES[options.run](options.count)
        return 0
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is missing: apt-get install valgrind, or your system's like")
    measured = {case: (counted(case, MORE) - counted(case, FEW)) // (MORE - FEW) for case in CASES}
    if options.keep:
        about = {"python": platform.python_version(), "machine": platform.machine(), "instructions": measured}
        KEPT.write_text(json.dumps(about, indent=1) + "\n")
    return 0 if compare(measured) else 1


if __name__ == "__main__":
    sys.exit(main())
