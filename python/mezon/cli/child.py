"""The process of a bot, for ``run --reload``, ``dev`` and ``chat``: ``python -m mezon.cli.child TARGET``.

It imports the bot and runs its client. With ``--local`` (``dev`` and ``chat``) every client it makes is pointed at
the local gateway of the environment, whatever the bot passes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from mezon.cli.report import Reporter
from mezon.testing.bots import BotError, Target, instances, load_bot, pointed_at, run_script

LOCAL: Final = "MEZON_CLI_LOCAL"
"""The variable with the client's options as JSON, when the bot is to talk to a local gateway."""


def main() -> None:
    """Run the bot that the arguments name as JSON. Exits as the bot does, 1 when it could not be imported."""
    fields = json.loads(sys.argv[1])
    target = Target(Path(fields["path"]), fields["module"], Path(fields["folder"]), fields["attribute"])
    reporter = Reporter.from_environment(lambda: instances)
    if reporter is not None:
        reporter.start()
    try:
        code = run(target, local_options(), reporter)
    except Exception as error:
        tell_crash(reporter, target, error)
        code = 1
    sys.stdout.flush()
    sys.exit(code)


def local_options() -> dict[str, Any] | None:
    """Give the options of the environment; the store stays in memory, for the local gateway's ids start again."""
    text = os.environ.pop(LOCAL, None)
    if text is None:
        return None
    options: dict[str, Any] = json.loads(text)
    ca_file = options.pop("ca_file", None)
    if ca_file is not None:
        from mezon import GatewayOptions

        options["gateway"] = GatewayOptions(ca_file=ca_file)
    return options


def run(target: Target, local: dict[str, Any] | None, reporter: Reporter | None) -> int:
    """Import the bot and run it to its end."""
    sys.path.insert(0, os.getcwd())
    with contextlib.ExitStack() as stack:
        replaced = stack.enter_context(pointed_at(local)) if local is not None else []
        client = load_bot(target)
        if client is None:
            say(f"{target.path.name} makes no client when it is imported: it runs as a script")
            if reporter is not None:
                reporter.show_logs()
            try:
                run_script(target)
            except SystemExit as end:
                return end.code if isinstance(end.code, int) else int(end.code is not None)
            return 0
    if replaced:
        names = ", ".join(sorted(set(replaced)))
        say(f"{target.path.name} passes {names}; here its client talks to the local gateway all the same")
    if reporter is not None:
        reporter.show_logs()
    if client not in instances:
        instances.append(client)
    client.run()
    return 0


def say(text: str) -> None:
    """Print a line of the command's, not of the bot's."""
    print(f"mezon: {text}", file=sys.stderr, flush=True)


def tell_crash(reporter: Reporter | None, target: Target, error: Exception) -> None:
    """Print the error on standard error, from the bot's own lines on, and to who started us."""
    from mezon.cli.find import is_plain, trim_traceback

    if isinstance(error, BotError):
        text = str(error)
    elif is_plain(error):
        text = f"{type(error).__name__}: {error}"
    else:
        text = trim_traceback(error).rstrip()
    print(f"mezon: {target.path.name} ended with an error\n{text}", file=sys.stderr, flush=True)
    if reporter is not None:
        reporter.tell("crash", text=text)


if __name__ == "__main__":
    main()
