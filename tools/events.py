"""Generates the ``on_*`` helpers of ``EventRegistration`` from `tools/events.tsv`; with --check, compares.

Run by `make proto` and `make lint`. The table has one row per helper: its name, the member of ``Events``, the type of
the payload, whether it takes a filter, and the first line of the docstring, which defaults to the name of the event.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = ROOT / "tools" / "events.tsv"
MODULE: Final = ROOT / "python" / "mezon" / "_events" / "registration.py"

Row = dict[str, str]

#: Payload types that `mezon.models` does not export, by their module.
OTHER_MODULES: Final = {"ButtonClicked": "mezon.models._answers"}

#: Names of earlier versions and of the documentation of mezon-sdk, by the helper that they stand for.
ALIASES: Final = {"on_channel_user_removed": "on_user_channel_removed"}

EXAMPLES: Final = {
    "on_channel_message": """
        from mezon import ChannelMessage

        @client.on_channel_message(ignore_self=True)
        async def greet(message: ChannelMessage) -> None:
            if message.text == "!hello":
                await message.reply("Hello!")
""",
    "on_message_button_clicked": """
        from mezon import ButtonClicked

        @client.on_message_button_clicked
        async def clicked(click: ButtonClicked) -> None:
            print(click.user_id, "clicked", click.button_id, "with", click.values)
""",
}

PLAIN: Final = '''
    def {method}(self, handler: {var}) -> {var}:
        """{doc}"""
        return self.event_manager.on(Events.{event}, handler)
'''

FILTERED: Final = '''
    @overload
    def {method}(self, handler: {var}, *, filter: Filter | None = None) -> {var}: ...
    @overload
    def {method}(self, handler: None = None, *, filter: Filter | None = None) -> Callable[[{var}], {var}]: ...
    def {method}(self, handler: Any = None, *, filter: Filter | None = None) -> Any:
        """{doc}"""
        return self._listen(Events.{event}, handler, filter)
'''

#: The template of the helpers of messages, which are also events of the bot's own messages.
MESSAGES: Final = '''
    @overload
    def {method}(
        self, handler: {var}, *, filter: Filter | None = None, ignore_self: bool = False
    ) -> {var}: ...
    @overload
    def {method}(
        self, handler: None = None, *, filter: Filter | None = None, ignore_self: bool = False
    ) -> Callable[[{var}], {var}]: ...
    def {method}(
        self, handler: Any = None, *, filter: Filter | None = None, ignore_self: bool = False
    ) -> Any:
        """{doc}"""
        return self._listen(Events.{event}, handler, without_own(filter) if ignore_self else filter)
'''

IGNORE_SELF: Final = """
    ignore_self: Skip the messages of the bot itself. By default the handler receives them, as in mezon-sdk, and
        answers its own answers if it answers every message. ``mezon.ext.commands`` skips them by default."""


def simple_name(payload: str) -> str:
    """Return the name of a payload type without its module."""
    return payload.rpartition(".")[2]


def types(rows: list[Row]) -> str:
    """Write the imports and type variables of the payloads."""
    payloads = sorted({row["payload"] for row in rows}, key=simple_name)
    models = [one for one in payloads if "." not in one and one not in OTHER_MODULES]
    lines = [f"    from mezon.models import {', '.join(models)}"]
    lines += [f"    from {module} import {name}" for name, module in OTHER_MODULES.items()]
    lines += [
        "    from mezon.protobuf.api import api_pb2",
        "    from mezon.protobuf.rtapi import realtime_pb2",
        "",
    ]
    for one in payloads:
        name = f"_{simple_name(one)}"
        lines.append(f'    {name} = TypeVar("{name}", bound=Callable[[{one}], Any])')
    return "\n".join(lines) + "\n"


def docstring(row: Row) -> str:
    """Write the docstring of a helper."""
    name = row["method"].removeprefix("on_")
    lines = [row["summary"] or f"Register a handler of ``{name}`` events.", ""]
    lines += [f"The handler receives a ``{row['payload']}``."]
    if row["filter"]:
        lines[-1] += " Without a handler, return a decorator."
        lines += ["", "Args:", "    handler: A function or a coroutine function."]
        lines += ["    filter: Selects the events of the handler, from ``mezon.filters``; None for all."]
    if row["event"] == "CHANNEL_MESSAGE":
        lines += IGNORE_SELF.strip("\n").splitlines()
    text = "\n".join(lines)
    if row["method"] in EXAMPLES:
        example = "\n".join(
            line.removeprefix(" " * 8) for line in EXAMPLES[row["method"]].strip().splitlines()
        )
        text = text.replace("\n\nArgs:", f"\n\n```python\n{example}\n```\n\nArgs:")
    return indent(text, " " * 8).strip() + "\n" + " " * 8


def helpers(rows: list[Row]) -> str:
    """Write the methods."""
    parts = []
    for row in rows:
        template = FILTERED if row["filter"] else PLAIN
        if row["event"] == "CHANNEL_MESSAGE":
            template = MESSAGES
        var = f"_{simple_name(row['payload'])}"
        parts.append(template.format(method=row["method"], event=row["event"], var=var, doc=docstring(row)))
        if row["method"] in ALIASES:
            parts.append(
                f"\n    #: Alias of `{row['method']}`.\n    {ALIASES[row['method']]} = {row['method']}\n"
            )
    return "".join(parts)


def replace_region(text: str, name: str, content: str) -> str:
    """Replace the lines between the markers of a region."""
    begin, end = f"    # <{name}: generated by tools/events.py>\n", f"    # </{name}>\n"
    before, found, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not found or not closing:
        sys.exit(f"{MODULE.relative_to(ROOT)} has no region {name!r}")
    return before + begin + content + end + after


def formatted(text: str) -> str:
    """Return the text as `ruff check --select I` and `ruff format` leave it."""
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(MODULE), "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def main() -> None:
    """Write the module, or compare it."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    current = MODULE.read_text(encoding="utf-8")
    text = replace_region(current, "types", types(rows))
    text = formatted(replace_region(text, "helpers", helpers(rows)))
    if "--check" not in sys.argv:
        MODULE.write_text(text, encoding="utf-8")
    elif current != text:
        sys.exit(f"{MODULE.relative_to(ROOT)} differs from what tools/events.tsv gives: run `make proto`")


if __name__ == "__main__":
    main()
