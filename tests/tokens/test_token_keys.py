from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mezon._core import EphemeralKeyPair, base58_decode, base58_encode, is_address
from mezon._tokens import ExtraInfo, MmnClient, MmnClientConfig, SendTransactionRequest, TransferType
from mezon._tokens.transaction import TxType, sign_transaction
from mezon.errors import InvalidArgumentError, MezonError
from pydantic import ValidationError

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
SDK = "302e020100300b06032b657004220420"
DER = "302e020100300506032b657004220420"
SEED = "7f" * 32

seeds = st.binary(min_size=32, max_size=32).map(bytes.hex)


def written_out(data: bytes) -> str:
    """Encode in base58: one big number, a 1 for each leading zero byte."""
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


@given(st.binary(max_size=200))
def test_base58_comes_back(data: bytes) -> None:
    text = base58_encode(data)
    assert text == written_out(data)
    assert base58_decode(text) == data
    assert is_address(text) is (len(data) == 32)


@given(st.text(max_size=60))
def test_base58_takes_any_text(text: str) -> None:
    if set(text) <= set(ALPHABET):
        assert base58_encode(base58_decode(text)) == text
    else:
        assert not is_address(text)
        with pytest.raises(InvalidArgumentError):
            base58_decode(text)


def test_an_address_check_is_quick_on_long_text() -> None:
    assert not is_address("1" * 50_000_000)


@given(seeds, st.sampled_from([SDK, DER, ""]), st.booleans(), st.binary(max_size=99))
def test_three_encodings_of_a_key(seed: str, prefix: str, upper: bool, message: bytes) -> None:
    text = prefix + seed
    pair = EphemeralKeyPair(text.upper() if upper else text)
    assert pair == EphemeralKeyPair(seed)
    assert pair.private_key == SDK + seed
    assert pair.sign(message) == EphemeralKeyPair(seed).sign(message)


def test_generated_pairs_are_distinct_and_valid() -> None:
    pairs = [EphemeralKeyPair.generate() for _ in range(20)]
    assert len({pair.private_key for pair in pairs}) == 20
    for pair in pairs:
        assert EphemeralKeyPair(pair.private_key, pair.public_key) == pair
        assert base58_encode(pair.public_key_bytes) == pair.public_key


@pytest.mark.parametrize(
    "text",
    [
        "",
        SEED[:-2],
        SEED + "7",
        SEED * 2,
        SEED[:-1] + "g",
        " " + SEED[1:],
        SDK[:-2] + "21" + SEED,
        "302e020100300b06032b656e04220420" + SEED,
    ],
)
def test_no_other_text_is_a_key_and_the_error_does_not_show_it(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        EphemeralKeyPair(text)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, MezonError)
    assert "7f7f" not in str(caught.value)


def test_a_foreign_public_key_is_refused() -> None:
    other = EphemeralKeyPair.generate()
    with pytest.raises(InvalidArgumentError, match="does not belong"):
        EphemeralKeyPair(SEED, other.public_key)


def test_key_is_visible_only_through_private_key() -> None:
    pair = EphemeralKeyPair(SEED)
    request = SendTransactionRequest(sender=1, recipient=2, amount="1", nonce=1, private_key=SEED)
    shown = [repr(pair), str(pair), f"{pair}", str(dir(pair)), repr(request), str(request)]
    shown.append(str(request.model_dump()))
    assert all("7f7f" not in text for text in shown)
    assert pair.public_key in repr(pair)
    with pytest.raises(TypeError):
        pickle.dumps(pair)
    with pytest.raises(AttributeError):
        pair.private_key = "x"  # type: ignore[misc]
    assert copy.copy(pair) is pair
    assert copy.deepcopy({"pair": pair})["pair"] is pair
    assert len({pair, EphemeralKeyPair(SDK + SEED), EphemeralKeyPair.generate()}) == 2
    assert pair != SEED


@pytest.mark.parametrize(
    "wrong",
    [{"amount": 1.5}, {"nonce": "x"}, {"private_key": SEED[:-2]}, {"private_key": 7}, {"sender": None}],
)
def test_a_refused_request_does_not_show_the_key(wrong: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"sender": 1, "recipient": 2, "amount": "1", "nonce": 1, "private_key": SEED}
    with pytest.raises(ValueError, match=r".") as caught:
        SendTransactionRequest(**{**fields, **wrong})
    shown = "".join(traceback.format_exception(caught.value))
    assert "7f7f" not in shown


def test_a_missing_field_does_not_show_the_key() -> None:
    with pytest.raises(ValidationError) as caught:
        SendTransactionRequest(sender=1, recipient=2, private_key=SEED)  # type: ignore[call-arg]
    assert "7f7f" not in str(caught.value)


def transfer(**changes: Any) -> Any:
    client = MmnClient(MmnClientConfig(base_url="http://127.0.0.1:9"))
    fields: dict[str, Any] = {
        "tx_type": TxType.TRANSFER,
        "sender": client.get_address_from_user_id(1),
        "recipient": client.get_address_from_user_id(2),
        "amount": "1",
        "nonce": 1,
    }
    return sign_transaction(EphemeralKeyPair(SEED), **{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "1.0"},
        {"amount": ""},
        {"amount": " 1"},
        {"amount": "1\n"},
        {"amount": "1e6"},
        {"amount": str(2**256)},
        {"sender": "1"},
        {"recipient": "0OIl"},
        {"recipient": MmnClient(MmnClientConfig(base_url="http://x")).get_address_from_user_id(1)},
        {"text_data": "\ud83d"},
    ],
)
def test_invalid_transfer_is_not_signed(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        transfer(**changes)


def test_the_largest_amount_is_signed() -> None:
    assert transfer(amount=str(2**256 - 1)).tx_msg["amount"] == str(2**256 - 1)


def test_extra_info_is_text_in_a_fixed_order() -> None:
    extra = ExtraInfo(
        Tags=["a", "b"],
        type=TransferType.GIVE_COFFEE,
        UserReceiverId=5,
        ChannelId=3,
        Empty=None,
        UserSenderId="4",
    )
    assert list(extra.to_dict().items()) == [
        ("type", "give_coffee"),
        ("UserSenderId", "4"),
        ("UserSenderUsername", ""),
        ("UserReceiverId", "5"),
        ("ChannelId", "3"),
        ("Tags", "['a', 'b']"),
    ]


def test_nothing_is_logged_by_making_keys(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        transfer()
    assert caplog.records == []
