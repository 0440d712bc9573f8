"""The type of the fixture ``make_bot``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fault_kit import Bot

MakeBot = Callable[..., Awaitable[Bot]]
