"""What durable state costs who does not use it: nothing is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("first", "absent"),
    [
        (
            "import mezon; mezon.MezonClient('1', 'key', message_db=False)",
            ("mezon.ext", "sqlite3", "redis", "nats"),
        ),
        (
            "from mezon.ext.commands import Bot; Bot('1', 'key', message_db=False)",
            (
                "mezon.ext._state_sqlite",
                "mezon.ext._state_redis",
                "mezon._cluster",
                "sqlite3",
                "redis",
                "nats",
            ),
        ),
    ],
    ids=["client", "commands"],
)
def test_state_is_imported_by_who_uses_it(first: str, absent: tuple[str, ...]) -> None:
    code = f"import sys; {first}; print([name for name in sys.modules if name.startswith({absent!r})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
