"""Cases about handlers: suspending handlers, many handlers of one event, large messages."""

from __future__ import annotations

from typing import Any, Final

from harness import BenchError, Who, server
from mixes import CONTENT
from running import Figures, Setting, burst, rates

#: Figure -> kind of handler, number of messages for the reference, number of messages for this package.
KINDS: Final[dict[str, tuple[dict[str, Any], int, int]]] = {
    "suspends": ({"handler": "suspending"}, 4_000, 50_000),
    "rarely": ({"handler": "rarely"}, 4_000, 50_000),
    "twenty": ({"handler": "async", "others": 19}, 2_000, 25_000),
    "hundred": ({"handler": "async", "others": 99}, 500, 8_000),
}


async def handlers(setting: Setting, who: Who) -> Figures:
    """Return the CPU time per message for each kind of handler."""
    figures: Figures = {}
    for name, (options, reference, ours) in KINDS.items():
        n = setting.scale(who, reference, ours)
        result = await burst(setting, who, n, **options)
        if who == "ours" and result["others"] < n * options.get("others", 0):
            raise BenchError(f"{result['others']} calls of {options['others']} handlers for {n} messages")
        figures[name] = rates(result, n)["cpu"]
    return figures


async def heavy(setting: Setting, who: Who) -> Figures:
    """Return the CPU for messages with 50 attachments and of 60 KB, for a handler that reads ids and content."""
    async with server() as where:
        many = setting.scale(who, 2_000, 10_000)
        attachments = await burst(setting, who, many, "attachments", where=where, handler="reading")
        figures = {"attachments": rates(attachments, many)["cpu"]}
        few = setting.scale(who, 500, 2_000)
        for mix in ("log", "long"):
            contents = await burst(setting, who, few, mix, where=where, handler="reading")
            letters = contents["letters"] / few
            # Some characters take two bytes or more.
            if not CONTENT / 2 < letters <= CONTENT:
                raise BenchError(
                    f"contents of {letters:.0f} characters were read, which is not what was sent"
                )
            figures[mix] = rates(contents, few)["cpu"]
    return figures
