"""The HTTP API: `MezonApi`, its rate limit and its retries."""

from mezon._http.limiter import Limiter, Priority, prioritized
from mezon._http.retry import RetryPolicy
from mezon.api.mezon_api import MezonApi

__all__ = ["Limiter", "MezonApi", "Priority", "RetryPolicy", "prioritized"]
