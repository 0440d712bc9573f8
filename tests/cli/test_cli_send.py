"""``mezon send`` posts through a webhook of the local gateway."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

from cli_kit import mezon_command
from mezon.testing import LocalGateway


async def send(folder: Path, *arguments: str, **options: str) -> tuple[int, str]:
    run = functools.partial(mezon_command, "send", *arguments, folder=folder, **options)
    done = await asyncio.to_thread(run)
    return done.returncode, done.stdout + done.stderr


async def test_text_of_the_command_line_is_sent(gateway: LocalGateway, tmp_path: Path) -> None:
    assert await send(tmp_path, gateway.webhooks.channel_url("general"), "deployed") == (0, "")
    assert (await gateway.next_webhook()).text == "deployed"


async def test_standard_input_goes_to_the_url_of_the_environment(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    url = gateway.webhooks.channel_url("general")
    assert await send(tmp_path, "-", given="two\nlines\n", MEZON_WEBHOOK_URL=url) == (0, "")
    assert (await gateway.next_webhook()).text == "two\nlines"


async def test_clan_webhook_takes_a_member_and_images(gateway: LocalGateway, tmp_path: Path) -> None:
    url = gateway.webhooks.clan_url()
    assert await send(tmp_path, url, "hi", "--to", "alice", "--image", "https://x/a.png") == (0, "")
    post = await gateway.next_webhook()
    assert post.member == gateway.world.user("alice")
    assert post.body["attachments"] == [{"url": "https://x/a.png", "filetype": "image/png"}]


async def test_errors_are_one_line_without_the_token(gateway: LocalGateway, tmp_path: Path) -> None:
    url = gateway.webhooks.channel_url("general")
    code, said = await send(tmp_path, url, "")
    assert (code, said.count("\n")) == (2, 1)
    code, said = await send(tmp_path, f"{url}-that-was-deleted", "x")
    assert (code, said.count("\n")) == (1, 1)
    assert "404" in said
    assert "-that-was-deleted" not in said
    assert (await send(tmp_path, "-", "x"))[0] == 2
