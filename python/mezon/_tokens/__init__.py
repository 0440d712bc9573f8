"""Token transfers: the MMN node, the proof service, and what a client needs to use both."""

from __future__ import annotations

from mezon._core import EphemeralKeyPair
from mezon._tokens.client import MmnClient
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
from mezon._tokens.zk import ZkClient

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
