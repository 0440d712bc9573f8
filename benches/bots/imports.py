"""How long it takes to import what every bot imports, and how large the process is then."""

from __future__ import annotations

import time

start = time.perf_counter()

from mezon import MezonClient  # noqa: E402

seconds = time.perf_counter() - start

from _bot import leave, memory  # noqa: E402

assert MezonClient is not None
leave(seconds=seconds, rss=memory("VmRSS"))
