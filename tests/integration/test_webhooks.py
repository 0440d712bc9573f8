"""Webhooks against the local gateway over TCP, and against a scripted server."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess

import pytest
from aiohttp import web
from http_doubles import Server
from loopback import serving
from mezon import (
    ApiMessageAttachment,
    ChannelMessage,
    InvalidArgumentError,
    MezonClient,
    MezonConnectionError,
    MezonTimeoutError,
    Text,
    Webhook,
)
from mezon.errors import ApiError
from mezon.testing import LocalGateway
from patience import patient
from preloaded import PRELOADED


async def test_text_reaches_the_bots_of_the_channel(gateway: LocalGateway) -> None:
    client = MezonClient(**gateway.client_options())
    heard: asyncio.Queue[ChannelMessage] = asyncio.Queue()
    client.on_channel_message(heard.put_nowait)
    await client.login()
    try:
        await Webhook(gateway.webhooks.channel_url("general")).send("deployed")
        message = await asyncio.wait_for(heard.get(), patient(10))
        assert message.content == {"t": "deployed"}
        assert message.channel_id == gateway.world.channel("general").id
    finally:
        await client.disconnect()


async def test_text_with_marks_has_the_documented_form(gateway: LocalGateway) -> None:
    alice, general = gateway.world.user("alice"), gateway.world.channel("general")
    text = Text("🦊 ").mention(alice.id, "alice").add(" see ").hashtag(general.id, "general").bold(" now")
    await Webhook(gateway.webhooks.channel_url(general)).send(text)
    post = await gateway.next_webhook()
    assert post.body == {
        "type": "hook",
        "message": {
            "t": "🦊 @alice see #general now",
            "mk": [{"type": "b", "s": 22, "e": 26}],
            "hg": [{"channelId": str(general.id), "s": 14, "e": 22}],
            "mentions": [{"user_id": str(alice.id), "username": "alice", "s": 3, "e": 9}],
        },
    }
    assert post.text == "🦊 @alice see #general now"


async def test_images_are_urls_or_attachments(gateway: LocalGateway) -> None:
    sized = ApiMessageAttachment(
        filename="b.png", filetype="image/png", url="https://x/b", size=9, width=3, height=4
    )
    await Webhook(gateway.webhooks.channel_url("general")).send(images=["https://x/pics/a.jpg?v=1", sized])
    post = await gateway.next_webhook()
    assert post.body["message"]["images"] == [
        {"fn": "a.jpg", "url": "https://x/pics/a.jpg?v=1", "ft": "image/jpeg"},
        {"fn": "b.png", "sz": 9, "url": "https://x/b", "ft": "image/png", "w": 3, "h": 4},
    ]


@pytest.mark.parametrize("member_in_url", [True, False])
async def test_clan_webhook_writes_to_a_member(gateway: LocalGateway, member_in_url: bool) -> None:
    alice = gateway.world.user("alice")
    webhook = Webhook(gateway.webhooks.clan_url(member="alice" if member_in_url else None))
    await webhook.send(
        Text("hi ").bold("you"), to=None if member_in_url else alice.id, images=["https://x/a.png"]
    )
    post = await gateway.next_webhook()
    assert post.member == alice
    assert post.channel == gateway.world.dm(alice)
    assert json.loads(post.body["content"]) == {"t": "hi you", "mk": [{"type": "b", "s": 3, "e": 6}]}
    assert post.body["attachments"] == [{"url": "https://x/a.png", "filetype": "image/png"}]


async def test_open_webhook_keeps_its_connection_and_the_order(gateway: LocalGateway) -> None:
    async with Webhook(gateway.webhooks.channel_url("general")) as webhook:
        for number in range(5):
            await webhook.send(str(number))
    assert [(await gateway.next_webhook()).text for _ in range(5)] == ["0", "1", "2", "3", "4"]


async def test_script_without_a_loop_sends(gateway: LocalGateway) -> None:
    url = gateway.webhooks.channel_url("general")
    script = "import sys; from mezon import Webhook; Webhook(sys.argv[1]).send_sync('from a script')"
    command = [PRELOADED, "-W", "error", "-c", script, url]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=patient(50)
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (await gateway.next_webhook()).text == "from a script"


async def test_send_sync_inside_a_loop_names_the_alternative(gateway: LocalGateway) -> None:
    with pytest.raises(RuntimeError, match=r"await webhook\.send"):
        Webhook(gateway.webhooks.channel_url("general")).send_sync("x")


async def test_unknown_token_is_refused_and_shown_nowhere(
    gateway: LocalGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "a-secret-webhook-token"
    webhook = Webhook(f"{gateway.url}/webhooks/{gateway.world.channel('general').id}/{token}")
    with pytest.raises(ApiError, match=r"404.*Copy the URL again") as caught:
        await webhook.send("x")
    shown = [
        repr(webhook),
        str(caught.value),
        repr(caught.value),
        str(caught.value.request_info),
        caplog.text,
    ]
    assert not [text for text in shown if token in text]


async def test_a_rate_limit_is_retried() -> None:
    server = Server()
    async with serving(server.handle) as url:
        server.script = [web.Response(status=429, headers={"Retry-After": "0"}), web.Response()]
        await Webhook(f"{url}/webhooks/5/token-token").send("x")
        assert len(server.seen) == 2


async def test_server_error_is_not_retried() -> None:
    server = Server()
    async with serving(server.handle) as url:
        server.script = [web.Response(status=500)]
        with pytest.raises(ApiError, match="500"):
            await Webhook(f"{url}/webhooks/5/token-token").send("x")
        assert len(server.seen) == 1


async def test_silent_server_ends_in_a_timeout() -> None:
    over = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with serving(silent) as url:
        with pytest.raises(MezonTimeoutError):
            await Webhook(f"{url}/webhooks/5/token-token", timeout=0.2).send("x")
        over.set()


async def test_missing_server_is_a_connection_error(unused_tcp_port: int) -> None:
    with pytest.raises(MezonConnectionError):
        await Webhook(f"http://127.0.0.1:{unused_tcp_port}/clanwebhooks/token-token/bob", timeout=30).send(
            "x"
        )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "webhook.mezon.ai/webhooks/1/t",
        "ftp://webhook.mezon.ai/webhooks/1/t",
        "https://webhook.mezon.ai/",
        "https://webhook.mezon.ai/webhooks/1",
        "https://webhook.mezon.ai/webhooks/x/secret-token",
        "https://webhook.mezon.ai/clanwebhooks/",
        "https://webhook.mezon.ai/clanwebhooks/t/bob/more",
    ],
)
def test_other_urls_are_rejected_without_being_repeated(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="not the URL of a webhook") as caught:
        Webhook(url)
    assert "secret-token" not in str(caught.value)


async def test_arguments_that_cannot_be_sent_are_rejected() -> None:
    channel, clan = Webhook("https://w/webhooks/1/tokentoken"), Webhook("https://w/clanwebhooks/tokentoken")
    with pytest.raises(InvalidArgumentError, match="nothing to send"):
        await channel.send("")
    with pytest.raises(InvalidArgumentError, match="no addressee"):
        await channel.send("x", to="bob")
    with pytest.raises(InvalidArgumentError, match="to a member"):
        await clan.send("x")
    with pytest.raises(InvalidArgumentError, match="a str, a Text or a dict"):
        await channel.send(5)  # type: ignore[arg-type]
