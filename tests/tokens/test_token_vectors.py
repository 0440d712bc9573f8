"""Every vector of tests/vectors/tokens.json, byte for byte."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from mezon._core import EphemeralKeyPair, address_of, base58_decode
from mezon._tokens import (
    ExtraInfo,
    MmnClient,
    MmnClientConfig,
    SendTransactionRequest,
    TokenService,
    ZkClient,
    ZkClientConfig,
    ZkClientType,
    ZkProof,
)
from mezon._tokens.transaction import TxType, sign_transaction
from mezon.errors import InvalidArgumentError
from mezon.models import ApiSentTokenRequest
from token_node import Node

OFFLINE = MmnClient(MmnClientConfig(base_url="http://127.0.0.1:9"))


@pytest.fixture
def pair(vectors: dict[str, Any]) -> EphemeralKeyPair:
    return EphemeralKeyPair(vectors["key_pair"]["private_key_pkcs8_hex"])


@pytest.fixture
def clock(vectors: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: vectors["inputs"]["timestamp_ms"] / 1000)


def test_key_pair(vectors: dict[str, Any]) -> None:
    expected = vectors["key_pair"]
    made = EphemeralKeyPair(expected["seed_hex"])
    assert made.private_key == expected["private_key_pkcs8_hex"]
    assert made.public_key == expected["public_key_base58"]
    assert made.public_key_bytes.hex() == expected["public_key_hex"]


def test_addresses(vectors: dict[str, Any]) -> None:
    for case in vectors["address_from_user_id"]:
        user_id, address = case["user_id"], case["address"]
        assert OFFLINE.get_address_from_user_id(user_id) == address == address_of(user_id)
        assert base58_decode(address).hex() == case["sha256_hex"]
        if "address_of_int" in case:
            assert OFFLINE.get_address_from_user_id(int(user_id)) == case["address_of_int"]


def test_amounts(vectors: dict[str, Any]) -> None:
    for case in vectors["scale_amount_to_decimals"]:
        scaled = OFFLINE.scale_amount_to_decimals(int(case["amount"]), case["decimals"])
        assert scaled == case["scaled"]
    assert OFFLINE.scale_amount_to_decimals("5") == "5000000"


@pytest.mark.parametrize("amount", [1.5, 0.1, 1e22, 5.0, True, None, "1.5", "", "0x10", "-1", "٣", b"5"])
def test_amount_that_is_not_a_whole_number_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        OFFLINE.scale_amount_to_decimals(amount)


def test_validations(vectors: dict[str, Any]) -> None:
    for case in vectors["validate_address"]["python"]:
        assert OFFLINE.validate_address(case["address"]) is case["valid"]
    for case in vectors["validate_amount"]:
        assert OFFLINE.validate_amount(case["balance"], case["amount"]) is case["valid"]


def extra_of(case: dict[str, Any]) -> ExtraInfo | None:
    return ExtraInfo(**case["input"]["extra"]) if case["input"].get("extra") else None


def test_transactions(vectors: dict[str, Any], pair: EphemeralKeyPair) -> None:
    assert {case["tx_type"] for case in vectors["transactions"]} == {0, 1}
    for case in vectors["transactions"]:
        expected = case["tx_msg"]
        made = sign_transaction(
            pair,
            tx_type=TxType(case["tx_type"]),
            sender=expected["sender"],
            recipient=expected["recipient"],
            amount=expected["amount"],
            nonce=expected["nonce"],
            text_data=case["input"].get("text"),
            extra_info=extra_of(case),
            zk_proof=expected["zk_proof"],
            zk_pub=expected["zk_pub"],
            timestamp=expected["timestamp"],
        )
        assert json.dumps(made.tx_msg) == json.dumps(expected)
        assert made.signed.hex() == case["serialized_hex"]
        assert made.signature == case["signature"]
        raw = base58_decode(made.signature)
        if case["tx_type"] == 0:
            assert raw.decode() == case["signature_decoded_json"]
        else:
            assert raw.hex() == case["ed25519_signature_hex"]


def same_request(seen: Any, expected: dict[str, Any]) -> None:
    assert (seen.method, seen.target) == (expected["method"], expected["target"])
    assert seen.body.decode() == expected["body"]
    for name, value in expected["headers"]:
        if name in {"Content-Type", "Accept", "Content-Length", "X-A"}:
            assert seen.headers[name] == value
    assert "Authorization" not in seen.headers


async def test_requests_to_the_node(
    vectors: dict[str, Any], node: Node, pair: EphemeralKeyPair, clock: None
) -> None:
    cases = vectors["http"]["python_mmn_sdk"]
    inputs = vectors["inputs"]
    sender, recipient = inputs["sender_id"], inputs["recipient_id"]

    def transfer(**further: Any) -> SendTransactionRequest:
        fields: dict[str, Any] = {
            "sender": int(sender),
            "recipient": int(recipient),
            "amount": "1000000",
            "nonce": 42,
            "private_key": pair.private_key,
            "public_key": pair.public_key,
            "zk_proof": inputs["zk_proof"],
            "zk_pub": inputs["zk_pub"],
        }
        return SendTransactionRequest(**{**fields, **further})

    notes = {case["name"]: case for case in vectors["transactions"]}
    client = MmnClient(MmnClientConfig(base_url=node.mmn, timeout=5000))
    answers = {
        "get_current_nonce_pending": await client.get_current_nonce(sender, "pending"),
        "get_current_nonce_default_tag_int_user": await client.get_current_nonce(int(sender)),
        "get_account_by_user_id": await client.get_account_by_user_id(sender),
        "send_transaction_mezon_shape": await client.send_transaction(
            transfer(text_data="Sending 1 token", extra_info=extra_of(notes["mezon_send_token_note"]))
        ),
        "send_transaction_vietnamese": await client.send_transaction(
            transfer(
                amount="25000000",
                text_data=notes["vietnamese_emoji_text"]["input"]["text"],
                extra_info=extra_of(notes["vietnamese_emoji_text"]),
            )
        ),
        "send_transaction_timestamp_none": await client.send_transaction(transfer(timestamp=None)),
        "send_transaction_by_private_key": await client.send_transaction_by_private_key(
            OFFLINE.get_address_from_user_id(sender),
            OFFLINE.get_address_from_user_id(recipient),
            "1000000",
            42,
            pair.private_key,
        ),
    }
    await client.close()
    assert len(node.seen) == len(answers)
    for (name, answer), seen in zip(answers.items(), node.seen, strict=True):
        same_request(seen, cases[name]["requests"][0])
        assert answer.model_dump() == cases[name]["returned"]
    assert len(node.connections) == 1

    custom = MmnClient(MmnClientConfig(base_url=node.mmn, headers={"Accept": "text/plain", "X-A": "b"}))
    await custom.get_current_nonce("1")
    await custom.close()
    same_request(node.seen[-1], cases["custom_headers"]["requests"][0])


@pytest.mark.parametrize(
    ("name", "user_id", "jwt", "kind"),
    [
        ("get_zk_proofs_str_user", str, "ID.TOKEN.JWT", ZkClientType.MEZON),
        ("get_zk_proofs_int_user", int, "ID.TOKEN.JWT", ZkClientType.MEZON),
        ("get_zk_proofs_oauth", str, "ID.TOKEN.JWT", ZkClientType.OAUTH),
        ("get_zk_proofs_jwt_none", str, None, ZkClientType.MEZON),
    ],
)
async def test_requests_to_the_proof_service(
    vectors: dict[str, Any],
    node: Node,
    pair: EphemeralKeyPair,
    name: str,
    user_id: type,
    jwt: str | None,
    kind: ZkClientType,
) -> None:
    sender = vectors["inputs"]["sender_id"]
    client = ZkClient(ZkClientConfig(endpoint=node.zk, timeout=5000))
    proof = await client.get_zk_proofs(user_id(sender), pair.public_key, jwt, address_of(sender), kind)
    await client.close()
    case = vectors["http"]["python_mmn_sdk"][name]
    same_request(node.seen[0], case["requests"][0])
    assert proof.model_dump() == case["returned"]


async def test_send_token_as_the_reference_sends_it(
    vectors: dict[str, Any], node: Node, pair: EphemeralKeyPair, clock: None
) -> None:
    recorded = vectors["http"]["python_mezon_1_8_3"]
    login, sends = recorded["login_zk"], recorded["send_token"]
    client = SimpleNamespace(
        client_id=int(vectors["inputs"]["sender_id"]),
        mmn_api_url=node.mmn,
        zk_api_url=node.zk,
        timeout_ms=5000,
        mmn_client=None,
        zk_client=None,
        ephemeral_key_pair=pair,
        address=None,
        zk_proof=None,
        session_manager=SimpleNamespace(get_session=lambda: SimpleNamespace(id_token="ID.TOKEN.JWT")),
    )
    service = TokenService(client)
    client.get_zk_proof = service.fetch_proof
    client.get_current_nonce = service.current_nonce
    returned = [await service.send_token(ApiSentTokenRequest(**case["token_event"])) for case in sends]
    await service.close()

    assert client.zk_proof == ZkProof(**login["zk_proof"])
    assert client.address == login["address"]
    same_request(node.seen[0], login["requests"][0])
    for case, answer, at in zip(sends[:2], returned, (1, 3), strict=False):
        for seen, expected in zip(node.seen[at : at + 2], case["requests"], strict=True):
            same_request(seen, expected)
        assert answer.model_dump() == case["returned"]
    # The third request sets all fields; the reference ignores them, this package does not.
    message = node.seen[-1].json["params"]["tx_msg"]
    ignored = sends[2]["requests"][1]["body_json"]["params"]["tx_msg"]
    assert {**message, "extra_info": "", "timestamp": 0} == {**ignored, "extra_info": "", "timestamp": 0}
    assert message["timestamp"] == 123
    assert message["extra_info"] == (
        '{"type": "give_coffee", "UserSenderId": "1982293985808355328", "UserSenderUsername": "Bob", '
        '"UserReceiverId": "1831510214096982016", "ExtraAttribute": "ea", "k": "v"}'
    )
