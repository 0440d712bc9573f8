"""Tokens and AI agent events through a client (docs/contract.md, "Tokens and agent events")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from mezon.constants import SSEEvents
from mezon.models import ApiSentTokenRequest
from peer import Gateway, Inbox
from waiting import until


def request(receiver: Any, **fields: Any) -> ApiSentTokenRequest:
    return ApiSentTokenRequest(**{"receiver_id": receiver, "amount": 5, "note": "tip", **fields})


@pytest.mark.parametrize("kind", [int, str])
async def test_send_token(gateway: Gateway, client: Any, kind: Any) -> None:
    """send_token pays: the answer has ok and tx_hash, the node has the transaction in millionths, the note with it."""
    alice = await gateway.user_id("alice")
    answer = await client.send_token(request(kind(alice)))
    assert answer.ok is True
    (transaction,) = await gateway.call("mmn.transactions")
    assert transaction["tx_hash"] == answer.tx_hash
    assert (transaction["amount"], transaction["text"]) == (5_000_000, "tip")
    assert transaction["sender"] == client.get_address_from_user_id(client.client_id)
    assert transaction["recipient"] == client.get_address_from_user_id(alice)


async def test_keys_after_login(client: Any) -> None:
    """login() prepares the key pair, the address and the proof."""
    assert client.ephemeral_key_pair is not None
    assert client.address == client.get_address_from_user_id(client.client_id)
    assert client.zk_proof.proof
    assert client.zk_proof.public_input


async def test_get_current_nonce(client: Any) -> None:
    """get_current_nonce answers with a nonce."""
    assert (await client.get_current_nonce(client.client_id, "pending")).nonce > 0


async def test_payments_at_once(gateway: Gateway, client: Any) -> None:
    """Payments made at the same time are all carried out, each once."""
    alice = await gateway.user_id("alice")
    answers = await asyncio.gather(*(client.send_token(request(alice, amount=n + 1)) for n in range(4)))
    assert all(answer.ok for answer in answers), [answer.error for answer in answers]
    amounts = sorted(t["amount"] for t in await gateway.call("mmn.transactions"))
    assert amounts == [1_000_000, 2_000_000, 3_000_000, 4_000_000]


async def test_a_refused_payment(gateway: Gateway, client: Any) -> None:
    """What the node says is in the answer: ok, tx_hash, error."""
    await gateway.call("mmn.refuse", "mempool_full", "try later", times=1)
    answer = await client.send_token(request(await gateway.user_id("alice")))
    assert answer.ok is False
    assert "mempool_full" in answer.error or "try later" in answer.error


async def test_a_replaced_get_zk_proof_is_used(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """get_zk_proof replaced on the instance is what send_token pays with."""
    client = make_client()
    original = client.get_zk_proof
    calls = []

    async def mine() -> Any:
        proof = await original()
        calls.append(proof)
        return proof

    client.get_zk_proof = mine
    await client.login()
    assert len(calls) == 1
    assert (await client.send_token(request(await gateway.user_id("alice")))).ok
    (transaction,) = await gateway.call("mmn.transactions")
    assert transaction["message"]["zk_proof"] == calls[0].proof


async def test_without_token_services(make_client: Callable[..., Any]) -> None:
    """Without mmn_api_url and zk_api_url the login works, and send_token raises a ValueError."""
    client = make_client(mmn_api_url=None, zk_api_url=None)
    await client.login()
    with pytest.raises(ValueError, match="mmn_api_url"):
        await client.send_token(request(1))


async def test_the_keys_are_hidden(client: Any) -> None:
    """Key material is in no repr."""
    pair = client.ephemeral_key_pair
    assert str(pair.private_key) not in repr(pair) + repr(client) + repr(vars(client))


# ---- AI agent events


async def listen(gateway: Gateway, client: Any) -> None:
    await client.connect_ai_agent_sse()
    await until(lambda: gateway.call("agent_events.live"))


ROOM = {"room_id": "1", "room_name": "Room"}
EVENT = {"event_id": "e1", "timestamp": "2026-03-01T10:30:00Z", "room": ROOM, "metadata": {}}


async def test_agent_events(gateway: Gateway, client: Any) -> None:
    """room_started, room_ended and room_summary_done come as models to their handlers."""
    for helper, kind in (
        ("on_ai_agent_session_started", "room_started"),
        ("on_ai_agent_session_ended", "room_ended"),
        ("on_ai_agent_session_summary_done", "room_summary_done"),
    ):
        inbox = Inbox()
        getattr(client, helper)(inbox)
        await listen(gateway, client)
        await gateway.call("agent_events.send", kind, **EVENT)
        received = await inbox.next()
        assert (received.event_id, received.event_type, received.room.room_id) == ("e1", kind, "1")
    await client.disconnect_ai_agent_sse()


async def test_agent_events_before_login(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """Agent events work before the login."""
    client, inbox = make_client(), Inbox()
    client.on_ai_agent_session_started(inbox)
    await listen(gateway, client)
    await gateway.call("agent_events.send", "room_started", **EVENT)
    assert (await inbox.next()).event_id == "e1"
    await client.disconnect_ai_agent_sse()


async def test_one_bad_payload_costs_one_event(gateway: Gateway, client: Any) -> None:
    """One bad payload costs one event, the stream goes on."""
    inbox = Inbox()
    client.on_ai_agent_session_started(inbox)
    await listen(gateway, client)
    await gateway.call("agent_events.send_raw", b"data: {broken\n\n")
    await gateway.call("agent_events.send_raw", b'data: {"event_type":"room_started"}\n\n')
    await gateway.call("agent_events.send_raw", b"data: [1]\n\n")
    await gateway.call("agent_events.send", "room_started", **EVENT)
    assert (await inbox.next()).event_id == "e1"
    await client.disconnect_ai_agent_sse()


async def test_agent_events_of_a_bots_own(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """An override of _emit_ai_agent_event gets each message of the stream, and super() emits the event."""
    client, inbox, messages = make_client(), Inbox(), Inbox()
    emit = type(client)._emit_ai_agent_event

    async def own(message: Any) -> None:
        messages(message)
        await emit(client, message)

    client._emit_ai_agent_event = own
    client.on_ai_agent_session_started(inbox)
    await client.login()
    await listen(gateway, client)
    await gateway.call("agent_events.send", "another_kind", **EVENT)
    await gateway.call("agent_events.send", "room_started", **EVENT)
    assert "another_kind" in (await messages.next()).data
    assert "room_started" in (await messages.next()).data
    assert (await inbox.next()).event_id == "e1"
    assert inbox.empty
    await client.disconnect_ai_agent_sse()


async def test_agent_events_outlive_the_timeout(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """The stream lives as long as it lives, also beyond the timeout of calls."""
    client, inbox = make_client(timeout=300), Inbox()
    client.on_ai_agent_session_started(inbox)
    await client.login()
    await listen(gateway, client)
    await asyncio.sleep(0.7)
    await gateway.call("agent_events.send", "room_started", **EVENT)
    assert (await inbox.next(2)).event_id == "e1"
    await client.disconnect_ai_agent_sse()


async def test_agent_events_reconnect(gateway: Gateway, client: Any) -> None:
    """A stream that ends is opened again."""
    inbox, again = Inbox(), Inbox()
    client.on_ai_agent_session_started(inbox)
    client.on(SSEEvents.RECONNECTING, again)
    await listen(gateway, client)
    await gateway.call("agent_events.end_all")
    await again.next()
    await until(lambda: gateway.call("agent_events.live"), timeout=8)
    await gateway.call("agent_events.send", "room_started", **EVENT)
    assert (await inbox.next()).event_id == "e1"
    await client.disconnect_ai_agent_sse()


async def test_six_sse_events(gateway: Gateway, client: Any) -> None:
    """open, message and close are events of the client too (with error, reconnecting, reconnected)."""
    opened, message, closed = Inbox(), Inbox(), Inbox()
    client.on(SSEEvents.OPEN, opened)
    client.on(SSEEvents.MESSAGE, message)
    client.on(SSEEvents.CLOSE, closed)
    await listen(gateway, client)
    await opened.next()
    await gateway.call("agent_events.send", "room_started", **EVENT)
    assert '"e1"' in (await message.next()).data
    client.on(SSEEvents.CLOSE, lambda: closed("without argument"))
    await client.disconnect_ai_agent_sse()
    await closed.next()
    assert await closed.next() == "without argument"
