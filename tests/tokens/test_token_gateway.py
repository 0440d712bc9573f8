"""send_token against the local gateway, which was written from docs/protocol.md, "Tokens", only."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mezon._tokens import TokenService
from mezon._tokens.delivery import refusal_code
from mezon.models import ApiSentTokenRequest
from mezon.testing import LocalGateway


@pytest.fixture
def bot(gateway: LocalGateway) -> SimpleNamespace:
    session = SimpleNamespace(id_token="ID.TOKEN.JWT")
    made = SimpleNamespace(
        client_id=gateway.bot_id,
        mmn_api_url=gateway.mmn_api_url,
        zk_api_url=gateway.zk_api_url,
        timeout_ms=7000,
        mmn_client=None,
        zk_client=None,
        ephemeral_key_pair=None,
        address=None,
        zk_proof=None,
        session_manager=SimpleNamespace(get_session=lambda: session),
    )
    made.tokens = TokenService(made)
    made.get_zk_proof = made.tokens.fetch_proof
    made.get_current_nonce = made.tokens.current_nonce
    return made


async def test_the_node_takes_the_transfer(gateway: LocalGateway, bot: SimpleNamespace) -> None:
    await bot.tokens.prepare()
    before = gateway.mmn.balance(gateway.bot_id)
    answer = await bot.tokens.send_token(
        ApiSentTokenRequest(receiver_id=7, amount=5, note="Cảm ơn 🙂", sender_name="Bot")
    )
    (transaction,) = gateway.transactions
    assert answer.ok
    assert answer.tx_hash == transaction.tx_hash
    assert transaction.amount == 5_000_000
    assert transaction.text == "Cảm ơn 🙂"
    assert '"UserSenderUsername": "Bot"' in transaction.extra_info
    assert gateway.mmn.balance(gateway.bot_id) == before - 5_000_000
    account = await bot.mmn_client.get_account_by_user_id(gateway.bot_id)
    assert (account.balance, account.decimals) == (str(before - 5_000_000), 6)
    await bot.tokens.close()


async def test_node_refuses_an_uncovered_transfer(gateway: LocalGateway, bot: SimpleNamespace) -> None:
    gateway.mmn.set_balance(gateway.bot_id, 1)
    answer = await bot.tokens.send_token(ApiSentTokenRequest(receiver_id=7, amount=5))
    assert not answer.ok
    assert refusal_code(answer.error) == "insufficient_funds"
    await bot.tokens.close()
