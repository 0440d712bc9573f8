"""All errors of this package.

Every class derives from ``MezonError`` and from the built-in exception that a caller would expect: a timeout is a
``TimeoutError``, a lost connection a ``ConnectionError``, an invalid argument a ``ValueError``.
"""

from __future__ import annotations

from importlib import import_module
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
    from mezon.errors._api import ApiAuthenticationError as ApiAuthenticationError
    from mezon.errors._api import ApiConnectionError as ApiConnectionError
    from mezon.errors._api import ApiDeliveryUnknownError as ApiDeliveryUnknownError
    from mezon.errors._api import ApiError as ApiError
    from mezon.errors._api import ApiResponseError as ApiResponseError
    from mezon.errors._api import safe_request_info as safe_request_info

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
    # Start-up time: the errors of the HTTP API derive from classes of aiohttp.
    if name.startswith("Api") or name == "safe_request_info":
        api = import_module("mezon.errors._api")
        if name in api.__all__:
            return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
