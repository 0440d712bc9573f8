"""The result of one check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

OK: Final = "ok"
WARNING: Final = "look"
BAD: Final = "bad"
SKIPPED: Final = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """``text`` says what is so, ``todo`` what to do about it."""

    name: str
    status: str
    text: str
    todo: str = ""

    def as_dict(self) -> dict[str, str]:
        """Give it as a machine reads it."""
        return asdict(self)
