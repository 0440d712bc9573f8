"""Invariants of a client under faults: no loss with ``fill_gaps``, no duplicates, no false success, order, rate.

``MEZON_MODEL_EXAMPLES=500`` runs more examples, with another seed each time.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from life_model import ClientLife

EXAMPLES = int(os.environ.get("MEZON_MODEL_EXAMPLES", "0"))

LIVES = settings(
    max_examples=EXAMPLES or 6,
    stateful_step_count=15,
    # Two runs of one example differ by milliseconds, so failures are reported without shrinking.
    phases=[Phase.generate],
    # In the suite, each run has the same examples.
    derandomize=not EXAMPLES,
    database=None,
    deadline=timedelta(seconds=60),
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(0 if EXAMPLES else 300)
def test_a_clients_life(transport: str) -> None:
    class Life(ClientLife):
        pass

    Life.transport = transport
    run_state_machine_as_test(Life, settings=LIVES)
