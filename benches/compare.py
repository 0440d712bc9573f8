"""`make bench`: the same bots on mezon-sdk and on this package, in turns, in one run, against the same server.

mezon-sdk gets an environment of its own, `.venv-reference` (or the interpreter MEZON_REFERENCE_PYTHON names). A
hand-written loop gets `.venv-handwritten`. The official TypeScript SDK takes part in the first case where there is node
and MEZON_TYPESCRIPT names its built package. Figures are medians; CPU is user and system of the bot's process.

| where | what |
|---|---|
| cases.py | bursts, sends, login, latency, memory; ten million messages and 20,000 channels in `flat` |
| handlers.py | handlers that wait, many handlers on one event, messages that are heavy to read |
| crowds.py | a bot with 300 clans, 20,000 channels and 200,000 users; a thousand bots in one process |
| stores.py | the store at its bound, what its first queries stop, a file that gets a smaller bound |
| rows.py | the lines of the table and their targets |
| running.py, harness.py | how a bot is warmed up and led through a burst; processes |
| server.py, mixes.py | the local gateway in a process of its own, and the bursts it sends |
| bots/ | the bots: most run on both packages |

A case that measured nothing fails: bots count what came and in which order, and the rows of a store are counted too.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import sys
import time

import chart
import report
from cases import CASES
from harness import HERE, ROOT, BenchError, Who, interpreters, server
from running import CLANS, Case, Setting


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="small numbers, one round, under a minute")
    parser.add_argument("--only", action="append", metavar="NAME", help="a case (or the start of its name)")
    parser.add_argument("--sides", default="reference,ours,handwritten,typescript", help="who takes part")
    parser.add_argument("--rounds", type=int, help="rounds of each case; of all cases, at most so many")
    parser.add_argument(
        "--write-readme",
        action="store_true",
        help="put the table into docs/benchmark.md, its summary into the READMEs and the chart into docs/assets",
    )
    parser.add_argument("--list", action="store_true", help="print the cases")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Case]:
    names = options.only or [""]
    cases = [case for case in CASES if any(case.name.startswith(name) for name in names)]
    if not cases:
        raise SystemExit(f"There is no case {', '.join(names)}; --list prints them.")
    return cases


async def measure(
    options: argparse.Namespace, setting: Setting, cases: list[Case]
) -> tuple[report.Measured, list[str]]:
    measured: report.Measured = {}
    failures: list[str] = []

    def rounds(case: Case) -> int:
        if options.rounds is not None:
            return int(options.rounds) if options.only else min(int(options.rounds), case.rounds)
        return max(case.quick_rounds, bool(options.only)) if options.quick else case.rounds

    for turn in range(max(map(rounds, cases))):
        for case in cases:
            if turn >= rounds(case):
                continue
            # Who begins changes from round to round.
            sides = [who for who in case.sides if who in setting.python]
            for who in sides[turn % len(sides) :] + sides[: turn % len(sides)]:
                try:
                    figures = await case.run(setting, who)
                except BenchError as error:
                    failures.append(f"{case.name}, {who}: {error}")
                    print(f"  {case.name:<16} {who:<12} FAILED: {error}", flush=True)
                    continue
                into = measured.setdefault(case.name, {}).setdefault(who, {})
                for name, value in figures.items():
                    into.setdefault(name, []).append(value)
                text = "  ".join(f"{name} {value:,.1f}" for name, value in figures.items())
                print(f"  {case.name:<16} {who:<12} {text}", flush=True)
    return measured, failures


async def main() -> int:
    options = arguments()
    if options.list:
        print("\n".join(case.name for case in CASES))
        return 0
    cases = chosen(options)
    wanted: set[Who] = set(options.sides.split(",")) & {who for case in cases for who in case.sides}  # type: ignore[assignment]
    python, notes = interpreters(wanted)
    python = {who: path for who, path in python.items() if who in wanted}
    store = importlib.util.find_spec("mezon.messages") is not None
    if not store:
        notes.append("This package ran without its message store, which is not built in yet.")
    start = time.monotonic()
    where = report.machine()
    print(
        f"{where['cores']} cores ({where['cpu']}), Python {where['python']}, {where['system']} {where['kernel']}"
    )
    async with server() as small, server(CLANS) as large:
        setting = Setting(python, small, large, options.quick, store)
        measured, failures = await measure(options, setting, cases)
    print(f"\n{report.table(measured)}\n")
    for text in [*notes, *failures]:
        print(text)
    print(f"{time.monotonic() - start:.0f} s")
    if not options.only:
        report.write_json(HERE / "results" / "latest.json", measured, [*notes, *failures], options.quick)
    if options.write_readme:
        report.write_page(ROOT / "docs" / "benchmark.md", report.markdown(measured, where, whole=True))
        for page in ("README.md", "README.vi.md"):
            report.write_page(ROOT / page, report.markdown(measured, where, whole=False))
        chart.write(ROOT / "docs" / "assets", measured)
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(130)
