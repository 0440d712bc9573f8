"""``mezon doctor``: what keeps a bot from working, each line with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from mezon.cli.doctor.check import BAD, OK, WARNING, Check
from mezon.cli.find import load_env_file
from mezon.cli.output import DONE, FAILED, as_json, out, say

_STYLES = {OK: "green", WARNING: "yellow", BAD: "red"}


def examine(bot: str | None, *, env_file: Path | None, offline: bool, json_output: bool) -> None:
    """Print the checks as they are done. Ends with 1 if one is bad; warnings alone end with 0."""
    load_env_file(env_file, Path.cwd())
    checks = []
    for check in _checks(bot, offline):
        checks.append(check)
        if not json_output:
            out.print(f"{check.status:<8}", style=_STYLES.get(check.status), end="", markup=False)
            say(f"{check.name:<12} {check.text}")
            if check.todo:
                say(f"{'':<21}-> {check.todo}")
    bad = [check for check in checks if check.status == BAD]
    if json_output:
        as_json({"ok": not bad, "checks": [check.as_dict() for check in checks]})
    else:
        say("")
        warned = sum(check.status == WARNING for check in checks)
        say(f"{len(checks)} checks, {len(bad)} bad, {warned} to look at")
    raise typer.Exit(FAILED if bad else DONE)


def _checks(bot: str | None, offline: bool) -> Iterator[Check]:
    from mezon.cli.doctor import installation

    yield from installation.checks()
    try:
        from mezon.cli.doctor import files, network
    except ImportError as error:
        # Half of the package is gone: what is left can still say so.
        yield Check("package", BAD, f"a part of mezon-rs cannot be imported: {error}", installation.REINSTALL)
        return
    yield from files.checks(bot)
    yield from network.checks(offline)
