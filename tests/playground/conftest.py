"""A playground with a bot that sends every kind of message, and a real browser if one is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mezon import MezonClient
from mezon.testing import LocalGateway, running_bot
from mezon.testing.playground import Playground

CHROMIUM = (
    os.environ.get("MEZON_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
BOT = Path(__file__).with_name("gallery_bot.py")

OpenPage = Callable[..., Awaitable[Any]]


class Control:
    """Replaces ``mezon dev``: knows the folder of the bot."""

    target = BOT.name

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Beside its tests, as bots are: a saved test names it without a folder.
        for name in (BOT.name, "menu.txt"):
            shutil.copy(BOT.with_name(name), folder)
        self.restarts: list[str] = []
        self.ran: list[str] = []

    async def restart(self, why: str) -> None:
        self.restarts.append(why)

    def run_task(self, name: str) -> None:
        self.ran.append(name)

    def save_test(self, text: str) -> str:
        (self.folder / "test_played_1.py").write_text(text, encoding="utf-8")
        return "test_played_1.py"


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path)


@pytest.fixture
async def playground(gateway: LocalGateway, control: Control) -> AsyncIterator[Playground]:
    async with Playground(gateway, bot=control) as playground:
        yield playground


@pytest.fixture
async def bot(
    playground: Playground, gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MezonClient]:
    monkeypatch.chdir(tmp_path)
    async with running_bot(str(BOT), gateway) as client:
        yield client


@pytest.fixture
async def open_page(playground: Playground) -> AsyncIterator[OpenPage]:
    """``page = await open_page(width=360, scheme="dark", hash="#bob/general")``; errors of a page fail the test."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in MEZON_TEST_CHROMIUM")
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=15_000)
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)

        async def make(*, width: int = 1280, height: int = 800, scheme: str = "light", hash: str = "") -> Any:
            context = await browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
            )
            await context.grant_permissions(["clipboard-read", "clipboard-write"])

            async def local_only(route: Any) -> None:
                if route.request.url.startswith(("http://127.0.0.1:", "data:")):
                    await route.continue_()
                else:
                    await route.abort()

            await context.route("**/*", local_only)
            page = await context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: errors.append(str(error)))

            def said(message: Any) -> None:
                # Pictures of the network are not fetched here; everything else in the console is a fault.
                if message.type == "error" and "Failed to load resource" not in message.text:
                    errors.append(message.text)

            page.on("console", said)
            await page.goto(playground.url + hash)
            return page

        try:
            yield make
        finally:
            await browser.close()
    assert errors == []
