"""Answers of the node and the proof service, and the resulting errors with the messages of the reference."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import aiohttp
import pytest
from mezon._core import EphemeralKeyPair
from mezon._tokens import MmnClient, MmnClientConfig, SendTransactionRequest, ZkClient, ZkClientConfig
from mezon._tokens.delivery import Delivery
from mezon.errors import (
    DeliveryUnknownError,
    TokenDeliveryUnknownError,
    TokenTransferConnectionError,
    TokenTransferError,
    TokenTransferTimeoutError,
)
from token_node import Fault, Node, answers, hangs, loses, result

CALLS = ["account.getcurrentnonce", "tx.addtx", "prove"]
LOCATION = {"Location": "/r/"}


def rpc_error(error: Any) -> Fault:
    return answers({"jsonrpc": "2.0", "id": 1, "error": error})


async def call(node: Node, name: str, timeout: int = 5000) -> Any:
    mmn = MmnClient(
        MmnClientConfig(base_url=node.mmn, timeout=timeout), delivery=Delivery(resends=1, delay=0.01)
    )
    zk = ZkClient(ZkClientConfig(endpoint=node.zk, timeout=timeout))
    try:
        if name == "prove":
            return await zk.get_zk_proofs(1, "key", "jwt", "address")
        if name == "account.getcurrentnonce":
            return await mmn.get_current_nonce(1, "pending")
        return await mmn.send_transaction(
            SendTransactionRequest(
                sender=1, recipient=2, amount="1", nonce=42, private_key=EphemeralKeyPair.generate()
            )
        )
    finally:
        await mmn.close()
        await zk.close()


# The answer, the resulting message, and whether the outcome of the transfer is unknown.
CASES: dict[str, tuple[Fault, str, bool]] = {
    "http_500": (answers("boom", status=500), "HTTP 500: Internal Server Error", True),
    "http_502": (answers("boom", status=502), "HTTP 502: Bad Gateway", True),
    "http_429": (answers("slow", status=429), "HTTP 429: Too Many Requests", False),
    "http_405": (answers("no", status=405), "HTTP 405: Method Not Allowed", False),
    "redirect_301": (answers("", status=301, headers=LOCATION), "HTTP 301: Moved Permanently", False),
    "redirect_307": (answers("", status=307, headers=LOCATION), "HTTP 307: Temporary Redirect", False),
    "html": (answers("<html>"), "HTTP 200: the answer is not JSON (text/plain)", True),
    "empty_body": (answers(""), "HTTP 200: the answer is not JSON", True),
    "json_list": (answers([]), "HTTP 200: the", True),
    "json_null": (answers("null"), "HTTP 200: the", True),
}
RPC_CASES: dict[str, tuple[Fault, str, bool]] = {
    "rpc_error": (
        rpc_error({"code": -32602, "message": "invalid params"}),
        "JSON-RPC Error -32602: invalid params",
        False,
    ),
    "rpc_error_without_code": (rpc_error({"message": "m"}), "JSON-RPC Error unknown: m", False),
    "rpc_error_text": (rpc_error("m"), "JSON-RPC Error unknown: m", False),
    "result_null": (result(None), "HTTP 200: the answer of the node is incomplete (result)", True),
    "result_empty": (result({}), "HTTP 200: the answer of the node is incomplete (", True),
    "no_result": (
        answers({"jsonrpc": "2.0", "id": 1}),
        "HTTP 200: the answer of the node is incomplete",
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("of", CALLS)
async def test_http(node: Node, of: str, name: str) -> None:
    fault, text, may_have_arrived = CASES[name]
    await check(node, of, fault, text, may_have_arrived)


@pytest.mark.parametrize("name", RPC_CASES)
@pytest.mark.parametrize("of", CALLS[:2])
async def test_rpc(node: Node, of: str, name: str) -> None:
    fault, text, may_have_arrived = RPC_CASES[name]
    await check(node, of, fault, text, may_have_arrived)


async def check(node: Node, of: str, fault: Fault, text: str, may_have_arrived: bool) -> None:
    node.fault(of, fault)
    with pytest.raises(TokenTransferError) as caught:
        await call(node, of)
    assert str(caught.value).startswith(text)
    unknown = of == "tx.addtx" and may_have_arrived
    assert isinstance(caught.value, DeliveryUnknownError) is unknown
    assert ("may or may not have executed" in str(caught.value)) is unknown
    # An answered request is not resent, and redirects are not followed.
    assert len(node.seen) == 1


async def test_a_proof_answer_without_proof(node: Node) -> None:
    for broken in ({}, {"data": None}, {"data": {"proof": "x"}}, {"data": {"x": 1}}):
        node.fault("prove", answers(broken))
        with pytest.raises(TokenTransferError, match="returned no proof"):
            await call(node, "prove")


@pytest.mark.parametrize("nonce", [{}, {"nonce": 0, "address": "", "tag": ""}])
async def test_an_error_answer_for_a_nonce_is_an_error(node: Node, nonce: dict[str, Any]) -> None:
    node.fault("account.getcurrentnonce", result({**nonce, "error": "invalid tag"}))
    with pytest.raises(TokenTransferError, match="no nonce for user 1: invalid tag"):
        await call(node, "account.getcurrentnonce")


async def test_a_refused_transfer_is_an_answer(node: Node) -> None:
    refusal = '{"code":"insufficient_funds","message":"Not enough balance in your wallet"}'
    node.fault("tx.addtx", result({"ok": False, "tx_hash": "", "error": refusal}))
    assert (await call(node, "tx.addtx")).model_dump() == {"ok": False, "tx_hash": "", "error": refusal}
    node.fault("tx.addtx", result({"ok": False, "error": None}))
    assert (await call(node, "tx.addtx")).model_dump() == {"ok": False, "tx_hash": "", "error": ""}


async def test_an_answer_with_another_id_and_more_keys_is_read(node: Node) -> None:
    payload = {"ok": True, "tx_hash": "h", "later": 1}
    node.fault("tx.addtx", answers({"jsonrpc": "2.0", "id": 999, "result": payload, "error": None}))
    assert (await call(node, "tx.addtx")).tx_hash == "h"


@pytest.mark.parametrize("of", CALLS)
async def test_silence_is_a_timeout_with_a_text(node: Node, of: str) -> None:
    node.fault(of, hangs(), hangs())
    # The URL of a hosted node may contain its key.
    node.url = f"{node.url}?key=of-the-node"
    with pytest.raises(asyncio.TimeoutError) as caught:
        await call(node, of, timeout=100)
    assert str(caught.value).startswith("Request timeout after 0.1s: no answer from 127.0.0.1")
    assert "of-the-node" not in str(caught.value)
    kind = TokenDeliveryUnknownError if of == "tx.addtx" else TokenTransferTimeoutError
    assert type(caught.value) is kind


@pytest.mark.parametrize("of", CALLS)
async def test_no_server_is_a_connection_error(node: Node, of: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there
        node.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionError) as caught:
            await call(node, of)
    assert type(caught.value) is TokenTransferConnectionError
    assert str(caught.value).startswith("Request failed: Cannot connect to host 127.0.0.1")
    assert "may or may not" not in str(caught.value)


async def test_invalid_url(node: Node) -> None:
    node.url = "nonsense"
    with pytest.raises(TokenTransferConnectionError, match="Request failed: "):
        await call(node, "account.getcurrentnonce")


async def test_reading_is_repeated_when_an_idle_connection_was_closed(node: Node) -> None:
    node.fault("account.getcurrentnonce", loses(work_done=False))
    assert (await call(node, "account.getcurrentnonce")).nonce == 41
    node.fault("account.getcurrentnonce", loses(work_done=False), loses(work_done=False))
    with pytest.raises(TokenTransferConnectionError, match="Request failed: "):
        await call(node, "account.getcurrentnonce")


async def test_a_given_session_is_used_and_left_open(node: Node) -> None:
    async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        mmn = MmnClient(MmnClientConfig(base_url=node.mmn), session=session)
        zk = ZkClient(ZkClientConfig(endpoint=node.zk), session=session)
        await mmn.get_current_nonce(1)
        await zk.get_zk_proofs(1, "key", None, "address")
        await mmn.close()
        await zk.close()
        assert not session.closed
    assert [seen.headers["X-Mine"] for seen in node.seen] == ["1", "1"]


async def test_close_at_any_time_and_use_afterwards(node: Node) -> None:
    mmn = MmnClient(MmnClientConfig(base_url=node.mmn))
    await mmn.close()
    await mmn.get_current_nonce(1)
    await mmn.close()
    await mmn.close()
    await mmn.get_current_nonce(1)
    await mmn.close()
    assert [seen.json["id"] for seen in node.seen] == [1, 2]


async def test_cancelling_a_call_is_a_cancellation(node: Node) -> None:
    node.fault("tx.addtx", hangs())
    task = asyncio.create_task(call(node, "tx.addtx"))
    await node.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
