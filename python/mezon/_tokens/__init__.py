"""Token transfers: clients of the MMN node and the proof service, and the token service of a bot."""

from __future__ import annotations

from mezon._core import EphemeralKeyPair
from mezon._tokens.clients import MmnClient, ZkClient
from mezon._tokens.models import (
    AddTxResponse,
    ExtraInfo,
    GetAccountByAddressResponse,
    GetCurrentNonceResponse,
    MmnClientConfig,
    SendTransactionRequest,
    TransferType,
    ZkClientConfig,
    ZkClientType,
    ZkProof,
)
from mezon._tokens.service import TokenClient, TokenService

__all__ = [
    "AddTxResponse",
    "EphemeralKeyPair",
    "ExtraInfo",
    "GetAccountByAddressResponse",
    "GetCurrentNonceResponse",
    "MmnClient",
    "MmnClientConfig",
    "SendTransactionRequest",
    "TokenClient",
    "TokenService",
    "TransferType",
    "ZkClient",
    "ZkClientConfig",
    "ZkClientType",
    "ZkProof",
]
