"""One knob for the deadlines of the tests: ``MEZON_TEST_PATIENCE=6`` makes all of them six times longer.

They are three times longer without it: the suite runs more processes than a machine has cores, often next to other
work, and a long deadline delays failures only.
"""

from __future__ import annotations

import os

__all__ = ["PATIENCE", "patient"]

#: ``mezon.testing`` reads the same variable for its expectations, here and in child processes.
PATIENCE = float(os.environ.get("MEZON_TEST_PATIENCE") or 3)
os.environ["MEZON_TEST_PATIENCE"] = str(PATIENCE)


def patient(seconds: float) -> float:
    """Return a deadline in seconds for this machine."""
    return seconds * PATIENCE
