"""The statements of docs/guide/errors.md and the README about errors."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from docs_pages import DOCS, table
from mezon import (
    GatewayOptions,
    InvalidArgumentError,
    Message,
    MezonClient,
    MezonError,
    TextChannel,
    User,
    errors,
)
from mezon.models import ApiSentTokenRequest
from mezon.testing import LocalGateway
from patience import patient

ERRORS = DOCS / "guide" / "errors.md"


class Scene:
    """A logged-in client and its objects."""

    def __init__(self, client: MezonClient, channel: TextChannel, message: Message, user: User) -> None:
        self.client = client
        self.channel = channel
        self.message = message
        self.user = user


#: Values that cannot be used: each call is refused before anything is sent, or by the server.
UNUSABLE: dict[str, Callable[[Scene], Awaitable[Any]]] = {
    "channels.fetch of letters": lambda s: s.client.channels.fetch("abc"),
    "channels.fetch of nobody": lambda s: s.client.channels.fetch(404),
    "channels.fetch of 70 bits": lambda s: s.client.channels.fetch(2**70),
    "users.fetch of letters": lambda s: s.client.users.fetch("abc"),
    "users.fetch of nobody": lambda s: s.client.users.fetch(404),
    "clans.fetch of letters": lambda s: s.client.clans.fetch("abc"),
    "clans.fetch of nobody": lambda s: s.client.clans.fetch(404),
    "messages.fetch of letters": lambda s: s.channel.messages.fetch("abc"),
    "messages.fetch of nobody": lambda s: s.channel.messages.fetch(404),
    "send of a number": lambda s: s.channel.send(5),  # type: ignore[arg-type]
    "send of what is no JSON": lambda s: s.channel.send({"t": object()}),
    "send with a topic of letters": lambda s: s.channel.send("x", topic_id="abc"),  # type: ignore[arg-type]
    "send with a mention of letters": lambda s: s.channel.send("x", mentions=[{"user_id": "abc"}]),  # type: ignore[list-item]
    "send_ephemeral to letters": lambda s: s.channel.send_ephemeral("abc", "x"),
    "send_ephemeral to letters in a list": lambda s: s.channel.send_ephemeral(["abc"], "x"),
    "send_ephemeral below letters": lambda s: s.channel.send_ephemeral(1, "x", reference_message_id="abc"),
    "send_message to letters": lambda s: s.client.send_message("a", "b", 2, True, "x"),  # type: ignore[arg-type]
    "react with letters": lambda s: s.message.react(emoji_id="abc", emoji="x", count=1),  # type: ignore[arg-type]
    "voice users of letters": lambda s: s.channel.clan.list_channel_voice_users("abc"),  # type: ignore[arg-type]
    "voice users, too many": lambda s: s.channel.clan.list_channel_voice_users(limit=501),
    "update_role of letters": lambda s: s.channel.clan.update_role("abc", {}),
    "update_role of nothing there is": lambda s: s.channel.clan.update_role(1, {"nothing": 1}),
    "play_media without a room": lambda s: s.channel.play_media("https://example.org/a.mp3"),
    "accept_friend of letters": lambda s: s.client.accept_friend("abc"),
    "upload of nameless bytes": lambda s: s.client.upload_file(b"x"),
    "tokens: less than nothing": lambda s: s.client.send_token(ApiSentTokenRequest(receiver_id=1, amount=-1)),
    "history before letters": lambda s: anext(s.channel.history(before="abc")),
}


@pytest.fixture
async def scene(gateway: LocalGateway) -> Any:
    client = MezonClient(**gateway.client_options())
    await client.login()
    heard = asyncio.Event()
    client.on_channel_message(lambda message: heard.set())
    message_id = await gateway.say("general", "alice", "hello")
    async with asyncio.timeout(patient(5)):
        await heard.wait()
    channel = await client.channels.fetch(gateway.world.channel("general").id)
    message = await channel.messages.fetch(message_id)
    yield Scene(client, channel, message, await client.users.fetch(gateway.world.user("alice").id))
    await client.disconnect()


@pytest.mark.parametrize("what", UNUSABLE)
async def test_a_value_that_cannot_be_used_is_a_mezon_error_and_a_value_error(
    scene: Scene, what: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await UNUSABLE[what](scene)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, MezonError)
    assert len(str(caught.value).split()) >= 4, "a sentence"


@pytest.mark.parametrize(
    "options",
    [{"cache_size": -1}, {"max_concurrent_handlers": 0}, {"client_id": "abc"}],
    ids=str,
)
def test_a_setting_that_cannot_be_used(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        MezonClient(**{"client_id": 1, "api_key": "k", **options})
    with pytest.raises(InvalidArgumentError):
        GatewayOptions(insecure="no")  # type: ignore[arg-type]


async def test_attributes_of_a_refusal(gateway: LocalGateway, scene: Scene) -> None:
    """ServerError has .code, .message and .call, and shows them."""
    gateway.answer_with_error("channel_message_send", 7, "not today")
    with pytest.raises(errors.ServerError, match="not today") as caught:
        await scene.channel.send("x")
    assert (caught.value.code, caught.value.message, caught.value.call) == (
        7,
        "not today",
        "channel_message_send",
    )


async def test_a_file_that_is_not_there(scene: Scene) -> None:
    with pytest.raises(FileNotFoundError):
        await scene.client.upload_file("nowhere.png")


def test_the_second_column_of_the_table() -> None:
    """Each class has the base class that the table names besides MezonError."""
    import aiohttp

    known: dict[str, type] = {"aiohttp.ClientResponseError": aiohttp.ClientResponseError}
    for name in errors.__all__:
        known[name] = getattr(errors, name)
    for built_in in (Exception, ValueError, TimeoutError, ConnectionError):
        known[built_in.__name__] = built_in
    rows = table(ERRORS, "## The classes")
    assert len(rows) == len(errors.__all__)
    for name, also, *_ in rows:
        kind = known[name.strip("`")]
        assert issubclass(kind, MezonError)
        for base in (part.strip(" `") for part in also.split(",") if "`" in part):
            assert issubclass(kind, known[base]), (name, base)


def test_every_error_has_its_own_description() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert inspect.getdoc(kind) != inspect.getdoc(MezonError) or kind is MezonError
