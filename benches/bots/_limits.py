"""More descriptors than a login shell grants: for a thousand connections in one process."""

from __future__ import annotations

import resource


def raise_file_limit() -> int:
    """Raise the limit of open descriptors to what this process may have at most, and give it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
