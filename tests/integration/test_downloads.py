"""Downloads of attachments: their bounds of size and time, and the CDN signature of their channel."""

from __future__ import annotations

import asyncio
import os
import pickle
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from mezon import (
    ApiMessageAttachment,
    ChannelMessage,
    InvalidArgumentError,
    MezonClient,
    MezonError,
    MezonTimeoutError,
)
from mezon.api._download import CdnSigner, channel_of_url
from mezon.errors import ApiError
from mezon.testing import LocalGateway

SIGN = "GenerateCDNSignature"
BODY = bytes(range(256)) * 1024


@pytest_asyncio.fixture
async def client(gateway: LocalGateway) -> AsyncIterator[MezonClient]:
    client = MezonClient(**gateway.client_options())
    await client.login()
    yield client
    await client.disconnect()


async def message_with(gateway: LocalGateway, client: MezonClient, url: str) -> ChannelMessage:
    """Return a message with this attachment as a handler receives it."""
    waiting = asyncio.ensure_future(client.wait_for("channel_message"))
    await asyncio.sleep(0)
    await gateway.say("general", "alice", "look", attachments=[{"filename": "cat.png", "url": url}])
    message = await waiting
    assert isinstance(message, ChannelMessage)
    return message


async def received(gateway: LocalGateway, client: MezonClient, url: str) -> ApiMessageAttachment:
    """Return the attachment of a message as a handler receives it."""
    return (await message_with(gateway, client, url)).attachments[0]


def asked(gateway: LocalGateway) -> int:
    return [request.name for request in gateway.requests].count(SIGN)


async def test_an_attachment_is_read_and_saved(
    gateway: LocalGateway, client: MezonClient, tmp_path: Path
) -> None:
    attachment = await received(gateway, client, gateway.add_cdn_file("general", "cat é.png", BODY))
    seen: list[tuple[int, int | None]] = []
    assert await attachment.read(progress=lambda got, size: seen.append((got, size))) == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert seen == sorted(seen)
    path = tmp_path / "cat.png"
    path.write_bytes(b"an older one")
    assert await attachment.save(path) == len(BODY)
    assert path.read_bytes() == BODY
    assert os.listdir(tmp_path) == ["cat.png"]
    assert asked(gateway) == 1, "the signature of a channel is kept"
    # The client is not part of the attachment's fields.
    assert "client" not in repr(attachment)
    assert attachment == ApiMessageAttachment.model_validate(attachment.model_dump())
    assert pickle.loads(pickle.dumps(attachment)) == attachment


async def test_a_fetched_message_has_readable_attachments_and_they_can_be_sent_on(
    gateway: LocalGateway, client: MezonClient
) -> None:
    url = gateway.add_cdn_file("general", "a.txt", b"text")
    heard = await message_with(gateway, client, url)
    channel = await client.channels.fetch(heard.channel_id)
    message = await channel.messages.fetch(heard.message_id or 0)
    assert await message.attachments[0].read() == b"text"
    await channel.send("again", attachments=message.attachments)
    sent = await gateway.next_sent("message")
    assert [one.url for one in sent.payload.attachments] == [url]


async def test_the_size_is_bounded(gateway: LocalGateway, client: MezonClient, tmp_path: Path) -> None:
    attachment = await received(gateway, client, gateway.add_cdn_file("general", "cat.png", BODY))
    with pytest.raises(MezonError, match="larger than 1000 bytes"):
        await attachment.read(max_size=1000)
    with pytest.raises(MezonError, match="larger than 1000 bytes"):
        await attachment.save(tmp_path / "cat.png", max_size=1000)
    assert os.listdir(tmp_path) == []


async def test_the_time_is_bounded(gateway: LocalGateway, client: MezonClient) -> None:
    url = gateway.add_cdn_file("general", "cat.png", BODY)
    gateway.http_delay(url.removeprefix(gateway.url), 60)
    with pytest.raises(MezonTimeoutError, match=r"did not arrive within 0\.2 s|0\.2"):
        await client.download(url, timeout=0.2)


async def test_a_403_is_answered_with_a_new_signature_once(
    gateway: LocalGateway, client: MezonClient
) -> None:
    now = time.time()
    client.api_client.cdn = CdnSigner(lambda: now)
    url = gateway.add_cdn_file("general", "cat.png", b"cat")
    assert await client.download(url) == b"cat"
    gateway.state.cdn_signatures.clear()  # the key of the CDN was replaced
    with pytest.raises(ApiError) as refused:
        await client.download(url)
    assert (refused.value.status, asked(gateway)) == (403, 1), "not within 30 s"
    now += 31
    assert await client.download(url) == b"cat"
    assert asked(gateway) == 2
    now += 31
    gateway.http_status(url.removeprefix(gateway.url), 403, times=2)
    with pytest.raises(ApiError) as refused:
        await client.download(url)
    signature = gateway.state.cdn_signatures[gateway.world.channel("general").id]
    assert refused.value.status == 403
    assert signature not in str(refused.value) + repr(refused.value)
    assert asked(gateway) == 3


async def test_a_denied_signature_leaves_the_url_as_it_is(gateway: LocalGateway, client: MezonClient) -> None:
    url = gateway.add_cdn_file("general", "cat.png", b"cat")
    gateway.http_status(SIGN, 403, times=None)
    gateway.http_status(url.removeprefix(gateway.url), 200, body=b"public")
    assert await client.download(url) == b"public"
    (request,) = [one for one in gateway.requests if one.path.startswith("/cdn/")]
    assert (request.query, request.headers.get("Authorization")) == ({}, None)
    before = asked(gateway)
    with pytest.raises(ApiError, match="no access to the channel"):
        await client.download(url)
    assert asked(gateway) == before, "a refusal counts for a minute"


async def test_a_redirect_is_not_followed(gateway: LocalGateway, client: MezonClient) -> None:
    url = gateway.add_cdn_file("general", "cat.png", b"cat")
    place = url.removeprefix(gateway.url)
    gateway.http_status(place, 302, headers={"Location": gateway.url + "/elsewhere"})
    with pytest.raises(ApiError) as refused:
        await client.download(url)
    assert refused.value.status == 302
    assert not [request for request in gateway.requests if request.path == "/elsewhere"]


async def test_other_hosts_are_not_trusted(gateway: LocalGateway, client: MezonClient) -> None:
    for url in (
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/a.png",
        "http://cdn.mezon.ai/a.png",
        "file:///etc/passwd",
        "https://cdn.mezon.ai.example/a.png",
        "https://cdn.mezon.ai@localhost/a.png",
        gateway.url.replace("127.0.0.1", "127.0.0.2") + "/a",
        "",
    ):
        with pytest.raises(InvalidArgumentError):
            await client.download(url, timeout=1)
    with pytest.raises(MezonError, match="belongs to no client"):
        await ApiMessageAttachment(url=gateway.url).read()


async def test_a_signature_is_renewed_before_it_expires() -> None:
    now, made = 1_000_000_000.0, 0

    async def fetch(channel_id: int) -> str:
        nonlocal made
        made += 1
        return f"{int(now) + 3600}-{made}%2F"

    signer = CdnSigner(lambda: now)
    first, second = await asyncio.gather(signer.signature(7, fetch), signer.signature(7, fetch))
    assert first == second == "1000003600-1%2F"
    now += 3299
    assert await signer.signature(7, fetch) == first
    now += 2
    assert await signer.signature(7, fetch) == "1000006901-2%2F"


@pytest.mark.parametrize(
    ("path", "channel"),
    [
        ("/000000000000002a/a.png", 42),
        ("/2024/000000000000002a/a.png", 42),
        ("/000000000000002a/x/a.png", 42),
        ("/000000000000002A/a.png", None),
        ("/2a/a.png", None),
        ("/a.png", None),
        ("/0000000000000000/a.png", None),
        ("/000000000000002a/a.png?x=1", None),
    ],
)
def test_the_channel_of_a_url(path: str, channel: int | None) -> None:
    assert channel_of_url("https://cdn.mezon.ai" + path) == channel
