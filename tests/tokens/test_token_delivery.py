"""Delivery of a transfer whose request or answer is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mezon._core import EphemeralKeyPair
from mezon._tokens import AddTxResponse, MmnClient, MmnClientConfig, SendTransactionRequest
from mezon._tokens.delivery import Delivery, refusal_code
from mezon.errors import TokenDeliveryUnknownError, TokenTransferConnectionError
from token_node import Node, answers, hangs, loses, result

PAIR = EphemeralKeyPair("11" * 32)


def refuses(code: str) -> Any:
    return result({"ok": False, "tx_hash": "", "error": f'{{"code":"{code}","message":"m"}}'})


def client_of(node: Node, **settings: Any) -> MmnClient:
    delivery = Delivery(**{"resends": 2, "delay": 0.01, **settings})
    return MmnClient(MmnClientConfig(base_url=node.mmn, timeout=1000), delivery=delivery)


async def pay(client: MmnClient, *, recipient: int = 2, nonce: int = 42) -> AddTxResponse:
    return await client.send_transaction(
        SendTransactionRequest(sender=1, recipient=recipient, amount="1", nonce=nonce, private_key=PAIR)
    )


def one_payment(node: Node, *, sends: int) -> None:
    bodies = [seen.body for seen in node.calls("tx.addtx")]
    assert len(bodies) == sends
    assert len(set(bodies)) == 1, "the same bytes, signature and id included"
    assert len(node.paid) <= 1


@pytest.mark.parametrize("fault", [loses(work_done=True), hangs(work_done=True)])
async def test_lost_answer_causes_no_second_payment(node: Node, fault: Any) -> None:
    client = client_of(node)
    node.fault("tx.addtx", fault)
    answer = await pay(client)
    await client.close()
    one_payment(node, sends=2)
    assert len(node.paid) == 1
    assert answer == AddTxResponse(ok=True, tx_hash="", error="")


@pytest.mark.parametrize("fault", [loses(work_done=False), hangs()])
async def test_lost_request_is_paid_once(node: Node, fault: Any) -> None:
    client = client_of(node)
    node.fault("tx.addtx", fault, fault)
    answer = await pay(client)
    await client.close()
    one_payment(node, sends=3)
    assert answer == AddTxResponse(ok=True, tx_hash="ab" * 32, error="")


async def test_when_every_answer_is_lost_the_outcome_is_unknown(node: Node) -> None:
    client = client_of(node)
    node.fault("tx.addtx", *[loses(work_done=True) for _ in range(3)])
    with pytest.raises(TokenDeliveryUnknownError, match=r"nonce 42.*balance before you pay again") as caught:
        await pay(client)
    await client.close()
    assert isinstance(caught.value, ConnectionError)
    one_payment(node, sends=3)


async def test_a_node_never_reached_was_not_paid() -> None:
    client = client_of(Node(url="http://127.0.0.1:1"))
    with pytest.raises(TokenTransferConnectionError) as caught:
        await pay(client)
    await client.close()
    assert not caught.value.sent
    assert "may or may not" not in str(caught.value)


async def test_nothing_is_resent_after_the_window(node: Node) -> None:
    client = client_of(node, window=0.0)
    node.fault("tx.addtx", loses(work_done=False))
    with pytest.raises(TokenDeliveryUnknownError):
        await pay(client)
    await client.close()
    one_payment(node, sends=1)


@pytest.mark.parametrize("code", ["insufficient_funds", "invalid_amount", "invalid_signature"])
async def test_final_refusal_of_a_resend_is_returned(node: Node, code: str) -> None:
    client = client_of(node)
    node.fault("tx.addtx", loses(work_done=False), refuses(code))
    answer = await pay(client)
    await client.close()
    assert not answer.ok
    assert code in answer.error
    one_payment(node, sends=2)


@pytest.mark.parametrize(
    "refusal",
    [
        refuses("nonce_too_low"),
        refuses("mempool_full"),
        refuses("rate_limited"),
        result({"ok": False, "error": "something else"}),
        answers("slow", status=429),
        answers({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "m"}}),
    ],
)
async def test_other_refusal_of_a_resend_leaves_the_outcome_unknown(node: Node, refusal: Any) -> None:
    client = client_of(node)
    node.fault("tx.addtx", loses(work_done=True), refusal)
    with pytest.raises(TokenDeliveryUnknownError):
        await pay(client)
    await client.close()
    one_payment(node, sends=2)


async def test_a_duplicate_that_was_not_resent_is_a_refusal(node: Node) -> None:
    client = client_of(node)
    assert (await pay(client)).ok
    again = await pay(client)
    await client.close()
    assert not again.ok
    assert refusal_code(again.error) == "duplicate_transaction"
    assert len(node.paid) == 1


async def test_identical_payments_are_not_confused(node: Node) -> None:
    """The node executes one of two identical payments; the duplicate of the other is not a success."""
    client = client_of(node, delay=0.3)
    node.fault("tx.addtx", loses(work_done=False))
    lost = asyncio.create_task(pay(client))
    await node.arrived.wait()
    taken = await pay(client)
    assert taken == AddTxResponse(ok=True, tx_hash="ab" * 32)
    with pytest.raises(TokenDeliveryUnknownError, match="duplicate_transaction"):
        await lost
    await client.close()
    assert len(node.paid) == 1


async def test_accepted_one_of_identical_payments_succeeds(node: Node) -> None:
    client = client_of(node)
    node.fault("tx.addtx", loses(work_done=False), loses(work_done=False))
    outcomes = await asyncio.gather(pay(client), pay(client), return_exceptions=True)
    await client.close()
    assert AddTxResponse(ok=True, tx_hash="ab" * 32) in outcomes
    assert [type(outcome) for outcome in outcomes].count(TokenDeliveryUnknownError) == 1
    assert len(node.paid) == 1


async def test_parallel_payments_need_no_lock(node: Node) -> None:
    client = MmnClient(MmnClientConfig(base_url=node.mmn))
    results = await asyncio.gather(*(pay(client, recipient=100 + at) for at in range(20)))
    await client.close()
    assert all(answer.ok for answer in results)
    assert len(node.paid) == 20
    assert sorted(seen.json["id"] for seen in node.seen) == list(range(1, 21))


def test_refusal_codes() -> None:
    assert refusal_code('{"code":"mempool_full","message":"m"}') == "mempool_full"
    assert refusal_code("tx failed: duplicate_transaction") == "duplicate_transaction"
    assert [refusal_code(text) for text in ("", "x", "[]", "7", '{"code":5}')] == [""] * 5


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "answer",
    [
        answers(DEEP),  # json gives up with a RecursionError, which is no ValueError
        answers("x" * (2 << 20)),
        result({"ok": False, "error": None, "tx_hash": {"a": 1}}),
    ],
    ids=["too deep", "too long", "not of its type"],
)
async def test_any_failure_after_sending_leaves_the_outcome_unknown(node: Node, answer: Any) -> None:
    client = client_of(node)
    node.fault("tx.addtx", answer)
    with pytest.raises(TokenDeliveryUnknownError, match="check the balance"):
        await pay(client)
    await client.close()
    assert len(node.calls("tx.addtx")) == 1


async def test_unexpected_error_leaves_the_outcome_unknown(node: Node) -> None:
    client = client_of(node)

    class OddError(Exception):
        pass

    async def post(body: bytes, secrets: Any = ()) -> Any:
        raise OddError(f"secret {body!r}")

    client._endpoint.post = post  # type: ignore[method-assign]
    with pytest.raises(TokenDeliveryUnknownError, match="OddError") as caught:
        await pay(client)
    await client.close()
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_unreadable_refusal_of_a_resend_leaves_the_outcome_unknown(node: Node) -> None:
    client = client_of(node)
    node.fault("tx.addtx", loses(work_done=True), result({"ok": False, "error": DEEP}))
    with pytest.raises(TokenDeliveryUnknownError):
        await pay(client)
    await client.close()
