"""send_token through the token service of a client."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from mezon._core import EphemeralKeyPair, base58_decode, base58_encode
from mezon._tokens import (
    AddTxResponse,
    GetCurrentNonceResponse,
    MmnClient,
    TokenService,
    ZkClient,
    ZkProof,
)
from mezon.errors import InvalidArgumentError, TokenTransferError
from mezon.models import ApiSentTokenRequest
from token_node import DUPLICATE, Node, Seen, answers, hangs, loses

JWT = "eyJhbGciOi.JWT-OF-THE-SESSION.c2lnbmF0dXJl"


@dataclass
class Bot:
    """A client for token transfers, assembled like MezonClient."""

    mmn_api_url: str | None
    zk_api_url: str | None
    client_id: int = 1982293985808355328
    timeout_ms: int = 5000
    mmn_client: MmnClient | None = None
    zk_client: ZkClient | None = None
    ephemeral_key_pair: EphemeralKeyPair | None = None
    address: str | None = None
    zk_proof: ZkProof | None = None
    session_manager: Any = field(
        default_factory=lambda: SimpleNamespace(get_session=lambda: SimpleNamespace(id_token=JWT))
    )

    def __post_init__(self) -> None:
        self.tokens = TokenService(self)

    async def get_zk_proof(self) -> ZkProof:
        return await self.tokens.fetch_proof()

    async def get_current_nonce(
        self, user_id: int | str, tag: Literal["latest", "pending"] = "latest"
    ) -> GetCurrentNonceResponse:
        return await self.tokens.current_nonce(user_id, tag)

    async def send_token(self, receiver_id: int = 7, amount: int = 1, **further: Any) -> AddTxResponse:
        return await self.tokens.send_token(
            ApiSentTokenRequest(receiver_id=receiver_id, amount=amount, **further)
        )


@pytest.fixture
async def bot(node: Node) -> Any:
    made = Bot(node.mmn, node.zk)
    yield made
    await made.tokens.close()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("mezon")] == []


async def test_login_prepares_and_send_token_pays(bot: Bot, node: Node) -> None:
    await bot.tokens.prepare()
    assert bot.zk_proof == ZkProof(proof="UFJPT0Y=", public_input="UFVC")
    assert bot.address == "FTmaoWs83b8cSkcWQAK6QUnLQHHS6pUm4Uk2DhkCfZvc"
    assert isinstance(bot.mmn_client, MmnClient)
    assert isinstance(bot.zk_client, ZkClient)
    assert bot.ephemeral_key_pair is not None
    assert await bot.send_token(note="Sending 1 token") == AddTxResponse(ok=True, tx_hash="ab" * 32)
    assert [seen.call for seen in node.seen] == ["prove", "account.getcurrentnonce", "tx.addtx"]
    assert node.paid[0]["nonce"] == node.nonce + 1
    assert node.paid[0]["text_data"] == "Sending 1 token"
    assert (node.paid[0]["zk_proof"], node.paid[0]["zk_pub"]) == ("UFJPT0Y=", "UFVC")


async def test_without_login_everything_is_created_on_use(bot: Bot, node: Node) -> None:
    assert (await bot.send_token()).ok
    assert (await bot.send_token(amount=2)).ok
    assert len(node.calls("prove")) == 1


async def test_every_documented_field_is_sent(bot: Bot, node: Node) -> None:
    await bot.send_token(
        receiver_id=7,
        amount=1500,
        note="Thưởng 🎉",
        sender_name="Nguyễn Văn A",
        extra_attribute="event=1",
        mmn_extra_info={
            "ChannelId": 3,
            "reward": None,
            "level": 5,
            "UserSenderId": 99,
            "UserReceiverId": 99,
        },
        timestamp=1767225600123,
    )
    (message,) = node.paid
    assert message["amount"] == "1500000000"
    assert message["text_data"] == "Thưởng 🎉"
    assert message["timestamp"] == 1767225600123
    assert message["extra_info"] == (
        '{"type": "transfer_token", "UserSenderId": "1982293985808355328", '
        '"UserSenderUsername": "Nguy\\u1ec5n V\\u0103n A", "UserReceiverId": "7", "ChannelId": "3", '
        '"ExtraAttribute": "event=1", "level": "5"}'
    )


async def test_the_bot_pays_whatever_sender_id_says(
    bot: Bot, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    await bot.send_token(sender_id=bot.client_id)
    assert caplog.records == []
    await bot.send_token(sender_id=5, amount=2)
    assert "sender_id 5 is ignored" in caplog.text
    assert len({message["sender"] for message in node.paid}) == 1


@pytest.mark.parametrize(
    "event",
    [
        {"amount": 0},
        {"amount": -3},
        {"receiver_id": 1982293985808355328},
        {"amount": 2**256},
        {"mmn_extra_info": {"type": 3}},
    ],
)
async def test_invalid_payment_is_refused_before_sending(bot: Bot, node: Node, event: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        await bot.send_token(**event)
    assert node.seen == []


async def test_a_float_that_slipped_past_the_model_is_refused(bot: Bot, node: Node) -> None:
    event = ApiSentTokenRequest.model_construct(receiver_id=7, amount=1.5)
    with pytest.raises(InvalidArgumentError):
        await bot.tokens.send_token(event)
    assert node.seen == []


async def test_a_client_without_a_node_says_so_and_logs_in(node: Node) -> None:
    bot = Bot(None, node.zk)
    await bot.tokens.prepare()
    for use in (
        bot.send_token(),
        bot.get_current_nonce(1),
        asyncio.to_thread(bot.tokens.new_key_pair),
        asyncio.to_thread(bot.tokens.address_of, 1),
    ):
        with pytest.raises(ValueError, match=r"MMN client not initialized.*mmn_api_url"):
            await use
    await bot.tokens.close()
    assert node.seen == []


async def test_a_client_without_a_proof_service_says_so(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    bot = Bot(node.mmn, None)
    await bot.tokens.prepare()
    assert caplog.records == []
    with pytest.raises(ValueError, match=r"ZK client not initialized.*zk_api_url"):
        await bot.send_token()
    bot.get_zk_proof = fixed_proof  # type: ignore[method-assign]
    assert (await bot.send_token()).ok
    await bot.tokens.close()


async def test_a_proof_before_login_says_so(bot: Bot) -> None:
    bot.session_manager = None
    with pytest.raises(ValueError, match="login"):
        await bot.get_zk_proof()


async def fixed_proof() -> ZkProof:
    return ZkProof(proof="P", public_input="Q")


async def test_get_zk_proof_replaced_on_the_instance_is_used(bot: Bot, node: Node) -> None:
    bot.get_zk_proof = fixed_proof  # type: ignore[method-assign]
    await bot.tokens.prepare()
    await bot.send_token()
    assert (node.paid[0]["zk_proof"], node.paid[0]["zk_pub"]) == ("P", "Q")
    assert node.calls("prove") == []


async def test_a_sync_get_zk_proof_works_too(bot: Bot, node: Node) -> None:
    bot.get_zk_proof = lambda: ZkProof(proof="S", public_input="T")  # type: ignore
    await bot.send_token()
    assert node.paid[0]["zk_proof"] == "S"


async def test_unavailable_proof_service_is_a_warning_at_login(
    bot: Bot, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.fault("prove", answers("down", status=503), answers("down", status=503))
    await bot.tokens.prepare()
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "mezon.tokens")
    assert "HTTP 503: Service Unavailable" in record.getMessage()
    assert bot.zk_proof is None
    with pytest.raises(TokenTransferError, match="HTTP 503"):
        await bot.send_token()
    assert (await bot.send_token()).ok
    assert len(node.calls("prove")) == 3


async def test_sends_at_once_share_one_proof(bot: Bot, node: Node) -> None:
    results = await asyncio.gather(*(bot.send_token(amount=amount) for amount in range(1, 6)))
    assert all(result.ok for result in results)
    assert len(node.calls("prove")) == 1


async def test_cancelling_one_send_leaves_the_others_their_proof(bot: Bot, node: Node) -> None:
    gate = asyncio.Event()

    async def slow() -> ZkProof:
        await gate.wait()
        return await fixed_proof()

    bot.get_zk_proof = slow  # type: ignore[method-assign]
    first, second = (asyncio.create_task(bot.send_token(amount=amount)) for amount in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert (await second).ok
    assert len(node.paid) == 1


async def test_closing_during_a_proof_fetch_raises_no_cancellation(bot: Bot, node: Node) -> None:
    node.fault("prove", hangs())
    send = asyncio.create_task(bot.send_token())
    await node.arrived.wait()
    await bot.tokens.close()
    with pytest.raises(TokenTransferError, match="before the proof arrived"):
        await send
    assert node.paid == []


def key_of(seen: Seen) -> str:
    """Return the public key that signed a transfer."""
    envelope = json.loads(base58_decode(seen.json["params"]["signature"]))
    return base58_encode(base64.b64decode(envelope["PubKey"]))


async def proof_for_the_key(bot: Bot) -> ZkProof:
    assert bot.ephemeral_key_pair is not None
    key = bot.ephemeral_key_pair.public_key
    await asyncio.sleep(0)
    return ZkProof(proof=f"proof of {key}", public_input="Q")


def key_and_proof_belong_together(node: Node, *, keys: int) -> None:
    sent = node.calls("tx.addtx")
    for seen in sent:
        assert seen.json["params"]["tx_msg"]["zk_proof"] == f"proof of {key_of(seen)}"
    assert len({key_of(seen) for seen in sent}) == keys


async def test_login_between_proof_and_nonce_keeps_key_and_proof_together(bot: Bot, node: Node) -> None:
    nonce = bot.get_current_nonce

    async def login_first(user_id: int | str, tag: Any = "latest") -> GetCurrentNonceResponse:
        await bot.tokens.prepare()
        return await nonce(user_id, tag)

    bot.get_zk_proof = lambda: proof_for_the_key(bot)  # type: ignore[method-assign]
    bot.get_current_nonce = login_first  # type: ignore[method-assign]
    for amount in (1, 2, 3):
        assert (await bot.send_token(amount=amount)).ok
    key_and_proof_belong_together(node, keys=3)


async def test_key_replaced_during_the_fetch_keeps_key_and_proof_together(bot: Bot, node: Node) -> None:
    replacements = [EphemeralKeyPair.generate()]

    async def replacing() -> ZkProof:
        proof = await proof_for_the_key(bot)
        if replacements:
            bot.ephemeral_key_pair = replacements.pop()
        return proof

    bot.get_zk_proof = replacing  # type: ignore[method-assign]
    for amount in (1, 2):
        assert (await bot.send_token(amount=amount)).ok
    key_and_proof_belong_together(node, keys=1)


async def test_one_connection_serves_all_calls(bot: Bot, node: Node) -> None:
    await bot.tokens.prepare()
    for amount in range(1, 6):
        await bot.send_token(amount=amount)
    # One connection to the node, one to the proof service.
    assert len(node.connections) == 2


async def test_no_key_and_no_token_in_the_log_of_a_whole_run(
    bot: Bot, node: Node, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    node.fault("prove", answers("down", status=503))
    node.fault("tx.addtx", loses(work_done=True), answers({"error": {"code": 1, "message": "m"}}))
    await bot.tokens.prepare()
    assert bot.mmn_client is not None
    bot.mmn_client._delivery.delay = 0.01
    errors = []
    for amount in (1, 2, 3):
        try:
            await bot.send_token(amount=amount, note="note")
        except TokenTransferError as error:
            logging.getLogger("bot").exception("send_token failed")
            errors.append(error)
    node.fault("tx.addtx", answers({"jsonrpc": "2.0", "id": 1, "result": {"ok": False, "error": DUPLICATE}}))
    logging.getLogger("bot").info("%r %r %r", await bot.send_token(amount=4), bot, vars(bot))
    assert len(errors) == 1
    pair = bot.ephemeral_key_pair
    assert pair is not None
    captured = capsys.readouterr()
    logged = caplog.text + captured.out + captured.err
    assert "transfer FTmaoWs83b8cSkcWQAK6QUnLQHHS6pUm4Uk2DhkCfZvc to" in logged
    assert pair.public_key in logged
    seed = pair.private_key[32:]
    signatures = [seen.json["params"]["signature"] for seen in node.calls("tx.addtx")]
    assert len(signatures) == 5
    for secret in (pair.private_key, seed, seed[:16], JWT, *signatures):
        assert secret not in logged
        assert secret.upper() not in logged
