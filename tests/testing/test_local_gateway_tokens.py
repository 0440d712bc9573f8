"""Token node, proof service and agent events, with the requests of docs/protocol.md, "Tokens", and the vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway_peer import Peer
from mezon.testing import LocalGateway
from mezon.testing.tokens import Node, address_of, base58_decode, base58_encode

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "tokens.json").read_text())


class Wallet:
    def __init__(self, user_id: int) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()
        self.user_id = user_id
        self.proof: dict[str, str] = {"proof": "", "public_input": ""}

    def proof_request(self) -> dict[str, Any]:
        return {
            "user_id": str(self.user_id),
            "ephemeral_pk": base58_encode(self.public),
            "jwt": "ID.TOKEN",
            "address": address_of(self.user_id),
            "client_type": "mezon",
        }

    def transfer(self, to: int, amount: str, nonce: int, **changes: Any) -> dict[str, Any]:
        message = {
            "type": 0,
            "sender": address_of(self.user_id),
            "recipient": address_of(to),
            "amount": amount,
            "timestamp": 1,
            "text_data": "cảm ơn",
            "nonce": nonce,
            "extra_info": "",
            "zk_proof": self.proof["proof"],
            "zk_pub": self.proof["public_input"],
        }
        keys = ("type", "sender", "recipient", "amount", "text_data", "nonce", "extra_info")
        signature = self.key.sign("|".join(str(message[k]) for k in keys).encode())
        parts = {
            "PubKey": base64.b64encode(self.public).decode(),
            "Sig": base64.b64encode(signature).decode(),
        }
        message |= changes
        return {"tx_msg": message, "signature": base58_encode(json.dumps(parts).encode())}


def ask(node: Node, method: str, params: dict[str, Any]) -> dict[str, Any]:
    answer = node.rpc({"jsonrpc": "2.0", "method": method, "params": params, "id": 7})
    assert answer["id"] == 7
    return answer


def ready(node: Node, user_id: int = 1) -> Wallet:
    wallet = Wallet(user_id)
    answer = node.prove(wallet.proof_request())
    assert answer is not None
    wallet.proof = answer["data"]
    return wallet


def code_of(answer: dict[str, Any]) -> str:
    assert answer["result"]["ok"] is False
    assert answer["result"]["tx_hash"] == ""
    return str(json.loads(answer["result"]["error"])["code"])


def test_base58_and_addresses_are_the_recorded_ones() -> None:
    for case in VECTORS["address_from_user_id"]:
        assert address_of(case["user_id"]) == case["address"]
        assert base58_decode(case["address"]).hex() == case["sha256_hex"]
    assert base58_encode(b"\0\0\1") == "112"
    assert base58_decode("112") == b"\0\0\1"


@pytest.mark.parametrize(
    "case", VECTORS["transactions"] + VECTORS["transactions_js_only"], ids=lambda c: c["name"]
)
def test_recorded_transactions_hold(case: dict[str, Any]) -> None:
    node = Node(slot=41)
    node.require_proof = False
    node.set_balance(case["tx_msg"]["sender"], 10**40)
    params = {"tx_msg": case["tx_msg"], "signature": case["signature"]}
    answer = ask(node, "tx.addtx", params)
    if case["name"] == "type1_private_key":
        # Recorded with a user's address as the sender, which is no key: nothing can hold against it.
        assert code_of(answer) == "invalid_signature"
        return
    assert answer["result"]["ok"], answer
    (transaction,) = node.transactions
    assert str(transaction.amount) == case["tx_msg"]["amount"]
    assert transaction.tx_hash == answer["result"]["tx_hash"]


def test_transfer_moves_money_once() -> None:
    node = Node()
    wallet = ready(node)
    node.set_balance(1, 5_000_000)
    nonce = ask(node, "account.getcurrentnonce", {"address": address_of(1), "tag": "latest"})["result"][
        "nonce"
    ]
    transfer = wallet.transfer(2, "2000000", nonce + 1)
    assert ask(node, "tx.addtx", transfer)["result"]["ok"]
    assert code_of(ask(node, "tx.addtx", transfer)) == "duplicate_transaction"
    assert ask(node, "tx.addtx", wallet.transfer(3, "1000000", nonce + 1))["result"]["ok"]
    assert code_of(ask(node, "tx.addtx", wallet.transfer(2, "2000001", nonce + 1))) == "insufficient_funds"
    account = ask(node, "account.getaccount", {"address": address_of(1)})["result"]
    assert account == {"address": address_of(1), "balance": "2000000", "nonce": nonce + 1, "decimals": 6}
    assert node.balance(2) == node.opening_balance + 2_000_000
    assert [t.text for t in node.transactions] == ["cảm ơn", "cảm ơn"]


def test_refusals() -> None:
    node = Node()
    wallet = ready(node)
    slot = node.current_slot()
    good = wallet.transfer(2, "1", slot + 1)
    for change, code in (
        ({"amount": "2"}, "invalid_signature"),
        ({"zk_proof": "x"}, "invalid_zk_proof"),
        ({"sender": "x"}, "invalid_address"),
        ({"nonce": "5"}, "invalid_nonce"),
    ):
        params = {**good, "tx_msg": {**good["tx_msg"], **change}}
        assert code_of(ask(node, "tx.addtx", params)) == code
    for amount in ("0", "-1", "1.5", ""):
        assert code_of(ask(node, "tx.addtx", wallet.transfer(2, amount, slot))) == "invalid_amount"
    assert code_of(ask(node, "tx.addtx", wallet.transfer(2, "1", slot - 200))) == "nonce_too_low"
    assert code_of(ask(node, "tx.addtx", wallet.transfer(2, "1", slot + 1000))) == "nonce_too_high"
    node.refuse("mempool_full", "try later")
    assert code_of(ask(node, "tx.addtx", good)) == "mempool_full"
    assert ask(node, "tx.addtx", good)["result"]["ok"]


def test_slots_count_up() -> None:
    now = [100.0]
    node = Node(slot=10, clock=lambda: now[0])
    assert node.current_slot() == 10
    now[0] += 60
    assert node.current_slot() == 160


def test_rpc_errors() -> None:
    node = Node()
    assert ask(node, "account.getaccount", {"address": "x"})["error"]["code"] == -32602
    assert (
        ask(node, "account.getcurrentnonce", {"address": address_of(1), "tag": "soon"})["error"]["code"]
        == -32602
    )
    assert ask(node, "tx.addtx", {})["error"]["code"] == -32602
    assert ask(node, "coffee", {})["error"]["code"] == -32601
    assert node.rpc([])["error"]["code"] == -32600


def test_proof_wants_everything() -> None:
    node = Node()
    request = Wallet(5).proof_request()
    assert node.prove(request) is not None
    for key in request:
        assert node.prove({**request, key: ""}) is None


# The TypeScript SDK asks for `/zk-api//prove`.
@pytest.mark.parametrize(("path", "prove"), [("/mmn-api", "prove"), ("/mmn-api/", "/prove")])
async def test_over_http(gateway: LocalGateway, path: str, prove: str) -> None:
    async with Peer(gateway) as peer:
        request = {
            "jsonrpc": "2.0",
            "method": "account.getcurrentnonce",
            "params": {"address": address_of(1), "tag": "pending"},
            "id": 1,
        }
        async with peer.http.post(gateway.url + path, json=request) as response:
            answer = await response.json()
        assert answer["result"]["tag"] == "pending"
        wallet = Wallet(gateway.bot_id)
        async with peer.http.post(gateway.zk_api_url + prove, json=wallet.proof_request()) as response:
            wallet.proof = (await response.json())["data"]
        params = wallet.transfer(2, "1000000", answer["result"]["nonce"] + 1)
        request = {"jsonrpc": "2.0", "method": "tx.addtx", "params": params, "id": 2}
        async with peer.http.post(gateway.url + path, json=request) as response:
            assert (await response.json())["result"]["ok"]
        assert gateway.transactions[0].amount == 1_000_000
        async with peer.http.post(gateway.zk_api_url + "prove", json={}) as response:
            assert response.status == 400
        async with peer.http.post(gateway.url + path, data=b"{") as response:
            assert (await response.json())["error"]["code"] == -32700
        gateway.http_status(path, 429, body="Too Many Requests")
        async with peer.http.post(gateway.url + path, json=request) as response:
            assert response.status == 429


async def test_agent_events(gateway: LocalGateway) -> None:
    url = f"{gateway.url}/api/sse/metadata"
    params = {"appid": str(gateway.bot_id), "token": gateway.api_key}
    async with aiohttp.ClientSession() as http:
        async with http.get(url, params={**params, "token": "wrong"}) as response:
            assert response.status == 401
        async with http.get(url, params=params, headers={"Accept": "text/event-stream"}) as response:
            assert response.content_type == "text/event-stream"
            await gateway.wait_until(lambda: gateway.agent_events.live == 1)
            sent = await gateway.agent_events.send("room_started", metadata={"a": "ă"})
            await gateway.agent_events.send_raw(b"data: x\r\ndata: y\r\n\r\n")
            assert await response.content.readuntil(b"\n\n") == b": connected\n\n"
            line = await response.content.readuntil(b"\n\n")
            assert json.loads(line.removeprefix(b"data: ")) == sent
            assert sent["event_type"] == "room_started"
            assert set(sent) == {"event_id", "event_type", "timestamp", "room", "metadata"}
            await gateway.agent_events.end_all()
            assert await response.content.read() == b"data: x\r\ndata: y\r\n\r\n"
        async with http.get(url, params=params) as response:
            await response.content.readuntil(b"\n\n")
            await gateway.agent_events.end_all(abort=True)
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.content.read()
        await gateway.wait_until(lambda: gateway.agent_events.live == 0)
