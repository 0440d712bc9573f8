"""One knob for the deadlines of the tests: ``MEZON_TEST_PATIENCE=3`` makes all of them three times longer."""

from __future__ import annotations

import os

__all__ = ["PATIENCE", "patient"]

#: ``mezon.testing`` reads the same variable for its expectations.
PATIENCE = float(os.environ.get("MEZON_TEST_PATIENCE") or 1)


def patient(seconds: float) -> float:
    """Return a deadline in seconds for this machine."""
    return seconds * PATIENCE
