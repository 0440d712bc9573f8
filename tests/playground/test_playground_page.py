"""The page in a real Chromium: a conversation, a form, a fault, two users, the inspector, and save as pytest."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from mezon import MezonClient
from mezon.ext.state import State, StateStore
from mezon.testing import LocalGateway
from mezon.testing.playground import Playground
from played import passes

pytestmark = pytest.mark.timeout(180)

SCREENSHOTS = os.environ.get("MEZON_SCREENSHOTS")


async def picture(page: Any, name: str, tmp_path: Path) -> None:
    """Take a screenshot; MEZON_SCREENSHOTS=docs/images writes it into the docs."""
    path = tmp_path / f"{name}.png"
    await page.screenshot(path=str(path))
    assert path.stat().st_size > 10_000
    if SCREENSHOTS:
        shutil.copy(path, Path(__file__).parents[2] / SCREENSHOTS)


async def accessible(page: Any) -> None:
    """Check that axe finds no violation on the current page."""
    from axe_playwright_python.async_playwright import Axe

    found = await Axe().run(page)
    assert [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in found.response["violations"]
    ] == []


async def say(page: Any, text: str) -> None:
    field = page.locator("#say")
    await field.fill(text)
    await field.press("Enter")


async def test_a_whole_conversation(
    bot: MezonClient, open_page: Any, gateway: LocalGateway, tmp_path: Path
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    await say(page, "good morning")
    await expect(page.get_by_text("You said: good morning")).to_be_visible()
    await say(page, "!marks")
    await expect(page.locator(".text strong")).to_have_text("bold")
    await expect(page.locator(".text pre")).to_have_text("print('hi')")
    await expect(page.locator(".reply")).to_contain_text("!marks")
    await say(page, "!who")
    await expect(page.locator(".mention").last).to_have_text("@alice")
    await say(page, "!edit")
    await expect(page.get_by_text("thought", exact=True)).to_be_visible()
    await expect(page.get_by_text("(edited)")).to_have_count(1)
    await say(page, "!delete")
    await expect(page.get_by_text("Echo said something that was deleted")).to_be_visible()
    await say(page, "!file")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="menu.txt").click()
    assert (await asyncio.to_thread((await (await download.value).path()).read_text)) == "pho\n"

    # What a person does to messages.
    said = page.locator(".message", has_text="good morning").first
    await said.hover()
    await said.get_by_role("button", name="React").click()
    await said.get_by_role("button", name=":tada:").click()
    await expect(said.get_by_role("button", name=":tada:, 1")).to_have_attribute("aria-pressed", "true")
    await said.hover()
    await said.get_by_role("button", name="Edit").click()
    await expect(page.locator("#say")).to_have_value("good morning")
    await say(page, "good evening")
    await expect(page.locator(".message").first).to_contain_text("good evening")
    await page.locator(".message", has_text="You said").hover()
    await page.locator(".message", has_text="You said").get_by_role("button", name="Reply").click()
    await expect(page.locator(".about")).to_contain_text("Replying to")
    await say(page, "indeed")
    await expect(page.get_by_text("You said: indeed")).to_be_visible()
    said = next(one for one in gateway.world.messages("general") if '"indeed"' in one.content)
    assert said.references

    # Up-arrow brings back what was said, Enter says it again.
    field = page.locator("#say")
    await field.press("ArrowUp")
    await expect(field).to_have_value("indeed")
    await field.press("ArrowUp")
    await field.press("ArrowDown")
    await field.press("Enter")
    await expect(page.get_by_text("You said: indeed")).to_have_count(2)
    await accessible(page)

    await page.get_by_role("button", name="New conversation").click()
    await expect(page.locator(".message")).to_have_count(0)
    assert gateway.world.messages("general") == []


async def test_a_form_is_filled_and_submitted(bot: MezonClient, open_page: Any, tmp_path: Path) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await say(page, "!lunch")
    await expect(page.get_by_role("button", name=":thumbsup:, 1")).to_be_visible()
    await page.get_by_label("Dish").select_option("pho")
    await expect(page.get_by_text("chosen: pho")).to_be_visible()
    await page.get_by_role("textbox", name="Wish").fill("no onions")
    await page.get_by_label("Day").fill("2026-03-09")
    await page.get_by_label("Large").check()
    for extra in ("Egg", "Herbs", "Chili"):
        await page.get_by_label(extra).check()
    await expect(page.get_by_label("Egg")).not_to_be_checked()
    await expect(page.get_by_role("button", name="Dinner")).to_be_enabled()  # web does not check it
    await accessible(page)
    await page.locator(".message", has_text="What is for lunch").scroll_into_view_if_needed()
    await picture(page, "playground-form", tmp_path)
    await page.get_by_role("button", name="Order", exact=True).click()
    values = (
        '{"day": "2026-03-09", "dish": "pho", "extras": ["herbs", "chili"], "size": "l", "wish": "no onions"}'
    )
    await expect(page.get_by_text(f"order: {values}")).to_be_visible()


async def test_the_page_draws_as_the_chosen_client(
    bot: MezonClient, open_page: Any, gateway: LocalGateway
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await say(page, "!lunch")
    form = page.locator(".message", has_text="What is for lunch")
    await expect(form.get_by_label("Day")).to_be_visible()
    await expect(form.get_by_text("not on desktop, android", exact=True)).to_be_visible()  # the date picker
    await page.get_by_label("Client").select_option("desktop")
    await expect(form.get_by_text("(desktop does not draw this date picker)")).to_be_visible()
    await expect(form.get_by_text("(desktop does not draw this radio group)")).to_have_count(2)
    await expect(form.get_by_role("button", name="Dinner")).to_be_disabled()
    await form.get_by_role("button", name="Order", exact=True).click()
    await gateway.wait_until(lambda: any(s.text == "order: {}" for s in gateway.sent), timeout=30)
    await page.get_by_label("Client").select_option("ios")
    await accessible(page)


async def test_the_letters_of_the_web_client_and_a_date_of_ios(bot: MezonClient, open_page: Any) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await say(page, "!lunch")
    await page.get_by_label("Dish").select_option("com")
    await expect(page.get_by_text("chosen: com")).to_be_visible()
    await page.get_by_role("button", name="Remove Cơm tấm").click()
    await expect(page.get_by_role("button", name="Remove Cơm tấm")).to_have_count(0)
    await page.get_by_role("button", name="Order", exact=True).click()
    await expect(page.get_by_text('order: {"dish": ["c", "o", "m"]}')).to_be_visible()
    await page.get_by_label("Client").select_option("ios")
    await say(page, "!lunch")
    form = page.locator(".message", has_text="What is for lunch")
    await form.get_by_label("Day").fill("2026-03-09")
    await form.get_by_role("button", name="Nothing").click()
    await expect(page.get_by_text('cancel: {"day": "09/03/2026"}')).to_be_visible()


async def test_a_quick_menu_is_chosen_on_a_message(
    bot: MezonClient, open_page: Any, gateway: LocalGateway
) -> None:
    from playwright.async_api import expect

    await bot.add_quick_menu_access(gateway.world.channel("general").id, 0, 1, "!edit", "", "Edit something")
    page = await open_page()
    await say(page, "hello")
    said = page.locator(".message", has_text="You said: hello")
    await said.hover()
    await said.get_by_role("button", name="Quick menu").click()
    await said.get_by_role("button", name="Edit something").click()
    await expect(page.get_by_text("thought", exact=True)).to_be_visible()


async def test_a_fault_and_the_way_back(
    bot: MezonClient, open_page: Any, gateway: LocalGateway, tmp_path: Path
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await page.get_by_role("button", name="Faults").click()
    await accessible(page)
    await picture(page, "playground-faults", tmp_path)
    before = gateway.connections.total
    await page.get_by_role("button", name="Drop the connection").click()
    await gateway.wait_until(lambda: gateway.connections.total > before, timeout=30)
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    await say(page, "still there?")
    await expect(page.get_by_text("You said: still there?")).to_be_visible()

    await page.get_by_role("button", name="Refuse the next send").click()
    await expect(page.locator(".notice")).to_have_text("Refuse the next send")
    await say(page, "one")
    await page.get_by_role("button", name="Frames").click()
    await page.get_by_label("Filter the frames").fill("error")
    await expect(page.locator(".frame .kind").first).to_contain_text("error")
    await say(page, "two")
    await expect(page.get_by_text("You said: two")).to_be_visible()
    await expect(page.get_by_text("You said: one")).to_have_count(0)


async def test_two_users_in_tabs(bot: MezonClient, open_page: Any, tmp_path: Path) -> None:
    from playwright.async_api import expect

    page = await open_page()
    other = await open_page(hash="#bob/general")
    await expect(other.locator("#say")).to_have_attribute("placeholder", "Bob in #general")
    await say(page, "!whisper")
    await expect(page.get_by_text("between you and me")).to_be_visible()
    await expect(other.get_by_text("a message that only alice can see")).to_be_visible()
    await say(other, "hello from bob")
    await expect(page.get_by_text("You said: hello from bob")).to_be_visible()

    # The same in one window: bob gets a tab, and alice's tab tells that something is new.
    side = page.get_by_role("navigation", name="Channels and users")
    await side.get_by_role("button", name="Bob", exact=False).last.click()
    await expect(page.locator("#say")).to_have_attribute("placeholder", "Bob in #general")
    await side.get_by_role("button", name="# random").click()
    await say(page, "in random")
    await expect(page.get_by_text("You said: in random")).to_be_visible()
    tabs = page.get_by_role("navigation", name="Who speaks where")
    await expect(tabs.get_by_role("button", name="bob #random", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    await say(other, "news")
    await expect(tabs.get_by_role("button", name="alice #general new")).to_be_visible()
    await page.keyboard.press("Alt+ArrowRight")
    await expect(page.get_by_text("You said: news")).to_be_visible()

    # A direct conversation.
    await side.get_by_role("button", name="@ chi").click()
    # The server makes it first.
    await expect(page.locator("#say")).to_have_attribute("placeholder", "Chi Nguyễn to the bot directly")
    await say(page, "psst")
    await expect(page.get_by_text("You said: psst")).to_be_visible()
    await side.get_by_role("textbox", name="New user").fill("dora")
    await side.get_by_role("button", name="Add: New user").click()
    await expect(side.get_by_role("button", name="Dora", exact=True)).to_be_visible()
    await accessible(page)


async def test_the_inspector(bot: MezonClient, open_page: Any, tmp_path: Path) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await say(page, "look at me")
    await expect(page.get_by_text("You said: look at me")).to_be_visible()
    frame = page.get_by_role("button", name="channel_message_send", exact=False).filter(
        has_text="from the bot"
    )
    await expect(frame).to_contain_text("ms")
    await frame.click()
    await expect(page.get_by_label("The frame as JSON")).to_contain_text('"t": "You said: look at me"')
    await picture(page, "playground-frames", tmp_path)
    await accessible(page)
    await page.get_by_role("button", name="Copy as Python").click()
    await expect(page.locator(".notice")).to_have_text("copied")
    python = await page.evaluate("navigator.clipboard.readText()")
    from mezon.protobuf.rtapi import realtime_pb2

    made = eval(python, {"realtime_pb2": realtime_pb2})
    assert made.content == '{"t":"You said: look at me"}'
    await page.get_by_role("button", name="Copy as JSON").click()
    await expect(page.locator(".notice")).to_have_text("copied")
    assert '"channel_id"' in await page.evaluate("navigator.clipboard.readText()")
    await page.get_by_label("Filter the frames").fill("authenticate")
    await expect(page.locator(".frame")).to_have_count(1)
    await page.get_by_label("Filter the frames").fill("")
    count = await page.locator(".frame").count()
    await page.get_by_label("pings and joins").check()
    assert await page.locator(".frame").count() > count


async def test_the_bots_errors_and_counters(
    bot: MezonClient, playground: Playground, open_page: Any, control: Any, tmp_path: Path
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await page.get_by_role("button", name="Bot", exact=True).click()
    playground.report({"kind": "log", "level": "INFO", "text": "Bot 1 is logged in"})
    playground.report(
        {"kind": "stats", "state": "ready", "latency": 0.012, "stats": {"frames_in": 17, "store": {}}}
    )
    playground.report(
        {
            "kind": "error",
            "level": "ERROR",
            "text": "The handler raised",
            "traceback": "Traceback\nZeroDivisionError: fire",
        }
    )
    await expect(page.get_by_text("ZeroDivisionError: fire")).to_be_visible()
    await expect(page.get_by_role("cell", name="17")).to_be_visible()
    await expect(page.get_by_text("ping 12 ms")).to_be_visible()
    await accessible(page)
    await picture(page, "playground-bot", tmp_path)
    await page.get_by_role("button", name="Restart").click()
    await expect(page.locator(".notice")).to_have_count(0)
    assert control.restarts == ["requested on the page"]


async def test_an_error_of_the_bot_is_told_to_who_waits_for_an_answer(
    bot: MezonClient, playground: Playground, open_page: Any
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    playground.report(
        {"kind": "error", "text": "The handler raised", "traceback": "Traceback\nZeroDivisionError: fire\n"}
    )
    await expect(page.locator(".notice.bad")).to_have_text(
        "Error in the bot: ZeroDivisionError: fire (more under Bot)"
    )
    await accessible(page)
    await expect(page.get_by_label("Errors", exact=True)).to_have_count(0)
    playground.report({"kind": "crash", "text": "Traceback\nSyntaxError: '(' was never closed"})
    await expect(page.locator(".notice.bad")).to_have_text(
        "The bot ended: SyntaxError: '(' was never closed (more under Bot)"
    )
    # The panel with the whole of it has come by itself; there the next one needs no notice.
    await expect(page.get_by_label("The traceback").first).to_contain_text("was never closed")
    await expect(page.locator(".notice")).to_have_count(0, timeout=15_000)
    playground.report({"kind": "crash", "text": "Traceback\nNameError: once more"})
    await expect(page.get_by_label("The traceback").first).to_contain_text("once more")
    await expect(page.locator(".notice")).to_have_count(0)


async def test_save_as_pytest_gives_a_test_that_passes(
    bot: MezonClient, open_page: Any, control: Any, gateway: LocalGateway, tmp_path: Path
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await page.get_by_role("button", name="Save as pytest").click()
    await expect(page.locator(".notice")).to_contain_text("nothing is recorded yet")
    await say(page, 'it\'s "quoted" {1} \\ Đường')
    await expect(page.get_by_text("You said: it's")).to_be_visible()
    await say(page, "!lunch")
    await page.get_by_label("Dish").select_option("com")
    await expect(page.get_by_text("chosen: com")).to_be_visible()
    await page.get_by_role("button", name="Order", exact=True).click()
    await expect(page.get_by_text('order: {"dish": "com"}')).to_be_visible()
    await say(page, "!edit")
    await expect(page.get_by_text("thought", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Faults").click()
    before = gateway.connections.total
    await page.get_by_role("button", name="Drop the connection").click()
    await gateway.wait_until(lambda: gateway.connections.total > before, timeout=30)
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    await (
        page.get_by_role("navigation", name="Channels and users").get_by_role("button", name="@ bob").click()
    )
    # What is typed before the page shows Bob's words would be Alice's.
    await expect(page.locator("#say")).to_have_attribute("placeholder", "Bob to the bot directly")
    await say(page, "!marks")
    await expect(page.locator(".text strong")).to_have_text("bold")

    await page.get_by_role("button", name="Save as pytest").click()
    await accessible(page)
    await picture(page, "playground-save", tmp_path)
    await page.get_by_role("button", name="Save next to the bot").click()
    await expect(page.locator(".notice")).to_contain_text("saved as test_played_1.py")
    await asyncio.to_thread(passes, tmp_path / "test_played_1.py")


class Score(State):
    points: int = 0


class Settings(State, scope="bot"):
    language: str = "vi"


@pytest.mark.parametrize("width", [1280, 360])
async def test_the_state_of_the_bot(
    width: int, bot: MezonClient, open_page: Any, gateway: LocalGateway, tmp_path: Path
) -> None:
    from playwright.async_api import expect

    alice, clan = gateway.world.user("alice").id, gateway.world.clan().id
    page = await open_page(width=width)
    if width == 360:
        await page.get_by_role("button", name="Inspect").click()
    await page.get_by_role("button", name="State", exact=True).click()
    await expect(page.get_by_text("No records yet")).to_be_visible()
    async with StateStore.of(bot) as store:
        async with store.at(clan_id=clan, user_id=alice).edit(Score) as score:
            score.points = 3
        async with store.at().edit(Settings) as settings:
            settings.language = "en"
        # The panel looks by itself.
        group = page.get_by_role("region", name="Score, user_in_clan")
        await expect(group.get_by_role("button")).to_contain_text("alice")
        await group.get_by_role("button").click()
        field = page.get_by_label("The record as JSON")
        await expect(field).to_have_value('{\n  "points": 3\n}')
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await accessible(page)
        if width == 1280:
            await picture(page, "playground-state", tmp_path)
        await field.fill('{"points": seven}')
        await page.get_by_role("button", name="Store").click()
        await expect(page.locator(".notice")).to_contain_text("this is not valid JSON")
        await field.fill('{"points": 7}')
        await page.get_by_role("button", name="Store").click()
        await expect(page.locator(".notice")).to_have_text("stored")
        assert (await store.at(clan_id=clan, user_id=alice)(Score)).points == 7
        # A change of the bot while the page shows the record is not overwritten.
        await group.get_by_role("button").click()
        async with store.at(clan_id=clan, user_id=alice).edit(Score) as score:
            score.points = 8
        await field.fill('{"points": 1}')
        await page.get_by_role("button", name="Store").click()
        await expect(page.locator(".notice")).to_contain_text("was changed or deleted meanwhile")
        await page.get_by_label("Filter the records").fill("settings")
        await expect(page.get_by_role("region", name="Score, user_in_clan")).to_have_count(0)
        await page.get_by_role("region", name="Settings, bot").get_by_role("button").click()
        await page.get_by_role("button", name="Delete").click()
        await expect(page.locator(".notice")).to_have_text("deleted")
        assert (await store.at()(Settings)).language == "vi"
        assert (await store.at(clan_id=clan, user_id=alice)(Score)).points == 8


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_works_at_360_pixels_and_in_the_dark(
    scheme: str, bot: MezonClient, open_page: Any, tmp_path: Path
) -> None:
    from playwright.async_api import expect

    page = await open_page(width=360, height=740, scheme=scheme)
    await say(page, "!lunch")
    await expect(page.get_by_role("button", name="Order", exact=True)).to_be_visible()
    parts = page.get_by_role("navigation", name="Parts of the page")
    for pane in ("Channels", "Inspect", "Chat"):
        await parts.get_by_role("button", name=pane).click()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, pane
        await accessible(page)
    await picture(page, f"playground-narrow-{scheme}", tmp_path)
    await parts.get_by_role("button", name="Channels").click()
    await page.get_by_role("button", name="# random").click()
    await expect(page.locator("#say")).to_be_visible()


async def test_the_dark_page(bot: MezonClient, open_page: Any, tmp_path: Path) -> None:
    from playwright.async_api import expect

    page = await open_page(scheme="dark")
    await say(page, "!lunch")
    await expect(page.get_by_role("button", name="Order", exact=True)).to_be_visible()
    await accessible(page)
    await picture(page, "playground-dark", tmp_path)


async def test_by_keyboard_alone(bot: MezonClient, open_page: Any) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    await page.locator("#say").focus()
    await page.keyboard.type("!lunch")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Order", exact=True)).to_be_visible()
    # Back from the line to write, through the fields of the form, to its first button.
    for _ in range(40):
        await page.keyboard.press("Shift+Tab")
        if await page.evaluate("document.activeElement.textContent") == "Order":
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("order: {}")).to_be_visible()


async def test_it_comes_back_when_the_server_was_away(
    bot: MezonClient, playground: Playground, open_page: Any
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    await playground.aclose()
    await expect(page.get_by_text("The playground is gone")).to_be_visible()
    await playground.start()
    await expect(page.get_by_text("Bot connected")).to_be_visible()


async def test_a_message_that_cannot_be_drawn_harms_no_other(
    bot: MezonClient, open_page: Any, gateway: LocalGateway
) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    await gateway.say("general", "bob", {"t": "a", "embed": [{"title": "fields", "fields": {"name": "x"}}]})
    await gateway.say("general", "bob", {"t": "b", "components": [{"components": [None]}]})
    broken = await gateway.say("general", "bob", {"t": "c", "embed": "no list"})
    await gateway.say("general", "bob", {"t": "still drawn"})
    for _ in range(2):
        await expect(page.locator(".message.broken")).to_have_count(3)
        await expect(page.locator(".message.broken pre").last).to_contain_text('"embed": "no list"')
        await expect(page.get_by_text("still drawn", exact=True)).to_be_visible()
        await page.reload()
    await gateway.edit(broken, {"t": "mended"})
    await expect(page.get_by_text("mended", exact=True)).to_be_visible()
    await expect(page.locator(".message.broken")).to_have_count(2)
    await accessible(page)


async def test_links_lead_to_the_web_alone(bot: MezonClient, open_page: Any, gateway: LocalGateway) -> None:
    from playwright.async_api import expect

    page = await open_page()
    await expect(page.get_by_text("Bot connected")).to_be_visible()
    button = {"type": 1, "id": "b", "component": {"label": "A button", "url": "JavaScript:alert(2)"}}
    embed = {"title": "A title", "url": " javascript:alert(1)", "image": {"url": "javascript:alert(3)"}}
    bad = {"t": "bad", "embed": [embed], "components": [{"components": [button]}]}
    await gateway.say("general", "bob", bad, attachments=["javascript:alert(4)"])
    await gateway.say(
        "general", "bob", {"t": "good", "embed": [{"title": "Site", "url": "https://x.example/"}]}
    )
    await expect(page.get_by_role("link", name="Site")).to_have_attribute("href", "https://x.example/")
    await expect(page.get_by_text("A title")).to_be_visible()
    assert (
        await page.evaluate(
            "[...document.querySelectorAll('[href], [src]')].filter((node) => "
            "/^\\s*javascript:/i.test(node.getAttribute('href') ?? node.getAttribute('src'))).length"
        )
        == 0
    )
