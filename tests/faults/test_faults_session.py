"""Sessions end: they are renewed before, a refused call authenticates once, and the server may send a new one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest
from fault_kit import Bot
from fault_types import MakeBot
from mezon.api import Priority, prioritized
from mezon.errors import ApiError
from mezon.protobuf.api import api_pb2
from mezon.testing import LocalGateway
from waiting import until

AUTHENTICATE = "/v2/apps/authenticate/token"
MakeGateway = Callable[..., Awaitable[LocalGateway]]


def logins(gateway: LocalGateway) -> int:
    """How often somebody logged in."""
    return sum(request.name == AUTHENTICATE for request in gateway.requests)


async def list_clans(bot: Bot) -> None:
    """An HTTP call with the token the bot has."""
    await bot.api_client.list_clans_descs(bot.session_manager.get_session().token)


async def test_a_session_is_renewed_before_it_ends(gateway_factory: MakeGateway, make_bot: MakeBot) -> None:
    gateway = await gateway_factory(token_lifetime=2.0)
    bot = await make_bot(at=gateway)
    first = bot.session_manager.get_session().token
    await until(lambda: logins(gateway) >= 3, "two renewals")
    assert bot.session_manager.get_session().token != first
    for _ in range(20):
        await list_clans(bot)
        await asyncio.sleep(0.05)
    refused = [request for request in gateway.requests if request.status == 401]
    assert refused == [], "no call met the end of a session"
    assert (gateway.connections.total, bot.lost) == (1, []), "the socket lives on"


async def test_a_renewal_that_fails_is_tried_again(gateway_factory: MakeGateway, make_bot: MakeBot) -> None:
    gateway = await gateway_factory(token_lifetime=4.0)
    bot = await make_bot(at=gateway)
    first = bot.session_manager.get_session().token
    gateway.http_status(AUTHENTICATE, 503, times=1)
    await until(lambda: bot.session_manager.get_session().token != first, "the renewal")
    statuses = [request.status for request in gateway.requests if request.name == AUTHENTICATE]
    assert statuses == [200, 503, 200]


async def test_a_session_that_is_over_by_our_clock_is_not_renewed_for_ever(
    gateway_factory: MakeGateway,
    make_bot: MakeBot,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = await gateway_factory()
    # The token is over by our clock; the server's clock says otherwise.
    gateway.sessions.claims = {"exp": int(time.time()) - 3600}
    bot = await make_bot(at=gateway)
    await asyncio.sleep(0.7)
    await list_clans(bot)
    assert logins(gateway) == 1
    assert sum("set the clock" in record.message for record in caplog.records) == 1


async def test_a_refused_call_authenticates_once_and_is_repeated(gateway: LocalGateway, bot: Bot) -> None:
    gateway.expire_tokens()
    await asyncio.gather(*(bot.channels.fetch(channel) for channel in list(gateway.world.channels)))
    assert logins(gateway) == 2, "calls that are refused together share one login"
    assert gateway.connections.total == 1
    await list_clans(bot)
    assert logins(gateway) == 2


async def test_a_call_that_is_refused_again_is_an_error(gateway: LocalGateway, bot: Bot) -> None:
    gateway.http_status("ListClanDescs", 401, times=None)
    with pytest.raises(ApiError) as caught:
        await list_clans(bot)
    assert caught.value.status == 401
    assert logins(gateway) == 2


async def test_a_session_the_server_sends_is_used(gateway: LocalGateway, bot: Bot) -> None:
    token = gateway.sessions.issue(gateway.bot_id)
    await gateway.push(refresh_session_event=api_pb2.Session(token=token, refresh_token="r"))
    await until(lambda: bot.session_manager.get_session().token == token, "the session to be taken over")
    await list_clans(bot)
    assert gateway.requests[-1].headers["Authorization"] == f"Bearer {token}"
    assert logins(gateway) == 1


async def test_a_broken_session_the_server_sends_changes_nothing(
    gateway: LocalGateway, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="mezon")
    token = bot.session_manager.get_session().token
    await gateway.push(refresh_session_event=api_pb2.Session(token="no token"))
    await until(lambda: bot.stats().handler_errors == 1, "the event")
    assert bot.session_manager.get_session().token == token


async def test_interactive_calls_go_before_background_ones(gateway: LocalGateway, make_bot: MakeBot) -> None:
    """A DM for a waiting handler is opened before the list of channels somebody may want some day."""
    bot = await make_bot(http_rate_limit=1, http_rate_period=0.2)
    before = len(gateway.requests)
    with prioritized(Priority.BACKGROUND):
        listings = [asyncio.ensure_future(list_clans(bot)) for _ in range(5)]
    await asyncio.sleep(0)
    await bot.channels.fetch(gateway.world.channel("random").id)
    names = [request.name for request in gateway.requests[before:]]
    assert names.index("ListChannelDetail") <= 2
    assert names.count("ListClanDescs") <= 2
    for listing in listings:
        listing.cancel()
    await asyncio.wait(listings)
