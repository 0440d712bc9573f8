"""Cases about the message store on disk: at its bound, at the first query, with a smaller bound."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any, Final

from harness import STORE, BenchError, Program, Who, run_bot
from running import STORED, Figures, Setting, burst, warm_up

#: Size and repetitions of the burst: more than 1.5 times the default bound of the store.
EACH: Final = 100_000
TIMES: Final = 16
#: Repetitions once the file has a search index, from which pruned rows are removed, too.
MORE: Final = 3
#: The smaller bound, and the seconds in which the file must shrink to it.
SMALLER: Final = STORED // 10
TIMEOUT: Final = 60.0


async def store_full(setting: Setting, who: Who) -> Figures:
    """Fill a file beyond its bound, shrink a copy, query it from a second bot, and fill it again."""
    with tempfile.TemporaryDirectory(prefix="mezon-bench-store-") as folder:
        home = Path(folder)
        result = await burst(setting, who, EACH, times=TIMES, handler="async", home=home, watch=True)
        _check(home, result)
        # Copied before the first query, so that the queries find no index.
        smaller = await _smaller(setting, who, home)
        asked = await _first_queries(setting, who, home)
        before = _rows(home)
        searched = await burst(setting, who, EACH, times=MORE, handler="async", home=home, watch=True)
    return {
        "rate": EACH * TIMES / result["seconds"],
        "rows": result["most_rows"] / STORED,
        "log": result["most_log"] / 2**20,
        "rows_searched": (before + searched["most_rows"]) / STORED,
        "rate_searched": EACH * MORE / searched["seconds"],
        **asked,
        **smaller,
    }


def _rows(home: Path) -> int:
    with contextlib.closing(sqlite3.connect(home / STORE)) as store:
        (rows,) = store.execute("SELECT count(*) FROM messages").fetchone()
    return int(rows)


def _check(home: Path, result: dict[str, Any]) -> None:
    """Check that the store was measured and that its row count is correct."""
    rows = _rows(home)
    if abs(rows - result["last_rows"]) > STORED // 100:
        raise BenchError(f"the store counts {result['last_rows']} rows and has {rows}")
    if result["looks"] < 50 or result["most_rows"] < STORED:
        raise BenchError(
            f"{result['looks']} looks at the store saw {result['most_rows']} rows, which is too few"
        )


async def _first_queries(setting: Setting, who: Who, home: Path) -> Figures:
    where = setting.small

    async def conduct(child: Program) -> dict[str, Any]:
        with contextlib.closing(sqlite3.connect(child.store)) as store:
            made = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
        if any(name.startswith("messages_") for name in made):
            raise BenchError(f"the file has indexes before anybody has asked: {sorted(made)}")
        await warm_up(where, who, child)
        await where.order("stream", rate=200)
        try:
            return await child.line()
        finally:
            await where.order("still")

    options = setting.bot(who, channel=where.channel)
    result = await run_bot(setting.python[who], "queries", where, options, conduct, home)
    return {
        name: result[name] * 1e3 for name in ("quiet_stop", "history_stop", "search_stop", "send_stop")
    } | {
        "search": result["search"],
        "history": result["history"],
    }


async def _smaller(setting: Setting, who: Who, home: Path) -> Figures:
    async def conduct(child: Program) -> dict[str, Any]:
        await child.line()
        before = child.store.stat().st_size
        result = await child.line()
        return {**result, "share": child.store.stat().st_size / before}

    options = setting.bot(who, bound=SMALLER, timeout=TIMEOUT)
    with tempfile.TemporaryDirectory(prefix="mezon-bench-store-") as folder:
        shutil.copytree(home, folder, dirs_exist_ok=True)
        result = await run_bot(setting.python[who], "shrink", None, options, conduct, Path(folder))
    if not SMALLER * 0.9 < result["rows"] < SMALLER * 1.1:
        raise BenchError(f"{result['rows']} rows are left of a bound of {SMALLER}")
    return {"share": result["share"], "shrink": result["seconds"]}
