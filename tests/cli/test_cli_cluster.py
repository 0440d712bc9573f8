"""``mezon relay``, ``mezon worker`` and ``mezon dlq`` without the NATS client."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli_kit import mezon_command

NATS = ("--nats", "nats://127.0.0.1:1")


@pytest.mark.parametrize("command", [("relay",), ("worker", "bot.py"), ("dlq", "list"), ("dlq", "drop", "1")])
def test_a_missing_nats_client_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "nats.py").write_text("raise ImportError")
    done = mezon_command(*command, *NATS, folder=tmp_path, python=sys.executable, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert 'pip install "mezon-rs[nats]"' in done.stderr
    assert "Traceback" not in done.stderr
