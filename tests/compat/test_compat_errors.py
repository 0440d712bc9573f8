"""Errors: their types and their texts (docs/contract.md, "Errors")."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from patience import patient
from peer import Gateway


async def general(gateway: Gateway, client: Any) -> Any:
    return await client.channels.fetch(await gateway.channel_id("general"))


async def test_server_errors(gateway: Gateway, client: Any) -> None:
    """A server error carries code, message and context, and its text contains them."""
    channel = await general(gateway, client)
    await gateway.call(
        "answer_with_error", "channel_message_send", 4, "no such thing", context={"where": "here"}
    )
    with pytest.raises(Exception, match="no such thing") as caught:
        await channel.send({"t": "hi"})
    error = caught.value
    assert (error.code, error.message, dict(error.context)) == (4, "no such thing", {"where": "here"})
    assert "4" in str(error)
    assert "here" in str(error)


async def test_api_errors(gateway: Gateway, client: Any) -> None:
    """An API call that is refused on the socket raises a server error with its code."""
    with pytest.raises(Exception, match="no such message") as caught:
        await client.socket_manager.update_chat_message(1, 2, 2, True, 12345, {"t": "x"})
    assert caught.value.code == 5
    assert "UpdateChannelMessage" in str(caught.value)


async def test_every_error_has_one_root(client: Any) -> None:
    """All errors of the project derive from MezonError, and that from Exception."""
    import mezon
    from mezon import errors

    kinds = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(kinds) > 8
    assert all(issubclass(kind, mezon.MezonError) for kind in kinds)
    assert issubclass(errors.MezonTimeoutError, TimeoutError)
    assert issubclass(errors.MezonConnectionError, ConnectionError)
    assert issubclass(errors.DeliveryUnknownError, ConnectionError)
    assert issubclass(errors.InvalidArgumentError, ValueError)


async def test_timeouts(gateway: Gateway, make_client: Callable[..., Any]) -> None:
    """A call without an answer raises an error that is a TimeoutError; `timeout` is its time in milliseconds."""
    client = make_client(timeout=200)
    await client.login()
    channel = await general(gateway, client)
    await gateway.call("silence", "channel_message_send")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.send({"t": "hi"}), patient(3))


async def test_cancelling(gateway: Gateway, client: Any) -> None:
    """Cancelling a task raises CancelledError, never TimeoutError."""
    channel = await general(gateway, client)
    await gateway.call("silence", "channel_message_send")
    task = asyncio.ensure_future(channel.send({"t": "hi"}))
    await gateway.next_sent("channel_message_send")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_delivery_unknown(gateway: Gateway, client: Any) -> None:
    """A send in flight when the connection dies fails at once with a "delivery unknown" ConnectionError."""
    channel = await general(gateway, client)
    await gateway.call("silence", "channel_message_send")
    task = asyncio.ensure_future(channel.send({"t": "hi"}))
    await gateway.next_sent("channel_message_send")
    await gateway.call("drop")
    with pytest.raises(ConnectionError) as caught:
        await asyncio.wait_for(task, patient(3))
    assert type(caught.value).__name__ == "DeliveryUnknownError"


async def test_not_connected(gateway: Gateway, client: Any) -> None:
    """A send on a closed client raises a ConnectionError that says what to do."""
    channel = await general(gateway, client)
    await client.close_socket()
    with pytest.raises(ConnectionError, match="login"):
        await channel.send({"t": "hi"})


CALLS: dict[str, Callable[[Any], Any]] = {
    "send_message": lambda client: client.send_message(1, 2, 2, True, "hi"),
    "get_list_friends": lambda client: client.get_list_friends(),
    "accept_friend": lambda client: client.accept_friend(1),
    "upload_file": lambda client: client.upload_file("x"),
    "channels.fetch": lambda client: client.channels.fetch(1),
    "users.fetch": lambda client: client.users.fetch(1),
    "clans.fetch": lambda client: client.clans.fetch(1),
    "list_quick_menu_access": lambda client: client.list_quick_menu_access(),
}


@pytest.mark.parametrize("call", sorted(CALLS))
async def test_before_the_login(make_client: Callable[..., Any], call: str) -> None:
    """Methods that need a login say so, with a ConnectionError."""
    with pytest.raises(ConnectionError, match="login"):
        await CALLS[call](make_client())


async def test_refused_credentials(make_client: Callable[..., Any]) -> None:
    """Wrong credentials raise an AuthenticationError that is a ClientResponseError too, without the key."""
    client = make_client(api_key="wrong-key-of-mine")
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await client.login()
    assert caught.value.status == 401
    assert "wrong-key-of-mine" not in str(caught.value) + repr(caught.value)
    assert "client_id and api_key" in str(caught.value)


async def test_http_errors(gateway: Gateway, client: Any) -> None:
    """A refused RPC raises an aiohttp.ClientResponseError with its status, as in the reference."""
    await gateway.call("http_status", "ListChannelDetail", 400, body="nonsense")
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await general(gateway, client)
    assert caught.value.status == 400


async def test_nobody_there(make_client: Callable[..., Any]) -> None:
    """A host nobody listens at raises a ConnectionError at login."""
    client = make_client(host="127.0.0.1", port="9")
    with pytest.raises(ConnectionError):
        await client.login()


async def test_expired_token(gateway: Gateway, client: Any) -> None:
    """An RPC that is answered 401 authenticates again, once, and succeeds."""
    await gateway.call("expire_tokens")
    channel = await general(gateway, client)
    assert channel.name == "general"
    assert len(await gateway.requests("/v2/apps/authenticate/token")) == 2


async def test_refused_for_good(gateway: Gateway, client: Any) -> None:
    """An RPC that is answered 401 again is not tried a third time."""
    await gateway.call("http_status", "ListChannelDetail", 401, times=None)
    with pytest.raises(aiohttp.ClientResponseError) as caught:
        await general(gateway, client)
    assert caught.value.status == 401
    assert len(await gateway.requests("ListChannelDetail")) == 2


@pytest.mark.parametrize("client_id", ["", "abc", None])
async def test_client_id_must_be_a_number(make_client: Callable[..., Any], client_id: Any) -> None:
    """A client_id that is no number raises a ValueError that says so."""
    with pytest.raises(ValueError, match="client_id"):
        make_client(client_id=client_id)
