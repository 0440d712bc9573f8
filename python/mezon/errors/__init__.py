"""All errors of this package.

Every class derives from ``MezonError`` and from the built-in exception that a caller would expect: a timeout is a
``TimeoutError``, a lost connection a ``ConnectionError``, an invalid argument a ``ValueError``. Each message says what
failed, why, and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mezon.errors._base import (
    AuthenticationError,
    ConnectionLostError,
    DeliveryUnknownError,
    ForkError,
    InvalidArgumentError,
    MessageStoreError,
    MezonConnectionError,
    MezonError,
    MezonTimeoutError,
    NotLoggedInError,
    ServerError,
    TokenDeliveryUnknownError,
    TokenTransferConnectionError,
    TokenTransferError,
    TokenTransferTimeoutError,
)

if TYPE_CHECKING:
    from mezon.errors._api import ApiError

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConnectionLostError",
    "DeliveryUnknownError",
    "ForkError",
    "InvalidArgumentError",
    "MessageStoreError",
    "MezonConnectionError",
    "MezonError",
    "MezonTimeoutError",
    "NotLoggedInError",
    "ServerError",
    "TokenDeliveryUnknownError",
    "TokenTransferConnectionError",
    "TokenTransferError",
    "TokenTransferTimeoutError",
]


def __getattr__(name: str) -> Any:
    # The errors of the HTTP API derive from classes of aiohttp, which `import mezon` must not import.
    if name.startswith("Api"):
        from mezon.errors import _api

        if name in _api.__all__:
            return getattr(_api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
