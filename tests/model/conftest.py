"""The model runs on each transport."""

from over_transports import pytest_generate_tests  # noqa: F401
