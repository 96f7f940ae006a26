"""What a first visit costs: bytes over the wire, and round trips before something can be read."""

import asyncio
from typing import Any, Literal

import pytest
from playwright.async_api import Page, Route, expect

from .conftest import Site, Visit
from .sending import change_page
from .walks import DAY

WHOLE_PAGE = 40_000
FIRST_FLIGHT = 10 * 1460  # what a server sends before it hears from the browser again (RFC 6928)


async def _fetched(page: Page, path: str) -> dict[str, int]:
    """Open a page with an empty cache; answers the bytes of each answer, headers included."""
    session = await page.context.new_cdp_session(page)
    urls: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def begun(event: dict[str, Any]) -> None:
        urls[event["requestId"]] = event["request"]["url"]

    def done(event: dict[str, Any]) -> None:
        sizes[urls[event["requestId"]]] = event["encodedDataLength"]

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", done)
    await session.send("Network.enable")
    await page.goto(path, wait_until="networkidle")
    return sizes


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_a_first_visit_fetches_less_than_40_kb(
    site: Site, visitor: Visit, size: Literal["phone", "desktop"]
) -> None:
    await change_page(site, useCustomColors=True, primaryColor="#f5b301", secondaryColor="#e4572e")
    page = (await visitor(size)).page

    sizes = await _fetched(page, f"{site.meeting}?month={DAY[:7]}&timezone=Europe/Berlin")

    assert len(sizes) in (3, 4), sizes  # the page, two scripts, and the icon, which comes when nothing else is to do
    assert sum(sizes.values()) < WHOLE_PAGE, sizes
    assert next(iter(sizes.values())) < FIRST_FLIGHT, sizes


@pytest.mark.parametrize("size", ["phone", "desktop"])
@pytest.mark.parametrize("embed", ["", "&embed=true"], ids=["page", "frame"])
async def test_the_first_answer_is_all_that_is_needed_to_read(
    site: Site, visitor: Visit, size: Literal["phone", "desktop"], embed: str
) -> None:
    await change_page(site, useCustomColors=True, primaryColor="#f5b301", secondaryColor="#e4572e")
    address = f"{site.meeting}?month={DAY[:7]}&day={DAY}{embed}"
    whole = (await visitor(size, java_script_enabled=False)).page
    await whole.goto(address)
    alone = (await visitor(size, java_script_enabled=False)).page

    async def refuse(route: Route) -> None:
        await (route.continue_() if route.request.is_navigation_request() else route.abort())

    await alone.route("**/*", refuse)
    await alone.goto(address)

    await expect(alone.locator("#month-title")).to_have_text("March 2026")
    await expect(alone.locator(".day-chosen")).to_have_css("background-color", "rgb(245, 179, 1)")
    assert await alone.screenshot() == await whole.screenshot()


async def test_nothing_keeps_the_browser_from_painting(site: Site, visitor: Visit) -> None:
    page = (await visitor()).page

    await page.goto(site.meeting)

    found = await page.evaluate("performance.getEntriesByType('resource').map(one => one.renderBlockingStatus)")
    assert len(found) in (2, 3)  # two scripts, and the icon some time
    assert set(found) == {"non-blocking"}


async def test_what_stands_in_for_the_script_appears_only_where_that_does_not_come(site: Site, visitor: Visit) -> None:
    page = (await visitor()).page
    await page.emulate_media(reduced_motion="no-preference")
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/*.js*", hold)
    await page.goto(site.meeting, wait_until="commit")
    button = page.locator(".without-script")

    await expect(page.locator("#month-title")).to_be_visible()
    assert not await button.is_visible()
    await expect(button).to_be_visible()
    held.set()
    await expect(button).to_be_hidden()
