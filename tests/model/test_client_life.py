"""Whatever happens in a client's life: nothing lost with ``fill_gaps``, nothing twice, no false ok, order, the rate.

``MEZON_MODEL_EXAMPLES=500`` plays more lives, other ones each time.
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
    # Two plays of one life are not alike to the millisecond: a failure is told as it was, not made smaller.
    phases=[Phase.generate],
    # A test of the suite plays the same lives each time.
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
