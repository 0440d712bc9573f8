"""The logger of the HTTP side. Nothing it is given holds a token, a key or the query of a URL."""

from __future__ import annotations

import logging

logger = logging.getLogger("mezon.http")
