"""Requests of the pages' script that are slow, overtake each other or are lost: what the guest sees then."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from .conftest import Site, Visit
from .walks import DAY, choose_time, fill

COUNT = """() => document.addEventListener("htmx:finally:request", () => {
    const marks = document.documentElement.dataset;
    marks.dealt = Number(marks.dealt ?? 0) + 1;
})"""


async def _dealt_with(page: Page, count: int) -> None:
    """Wait until so many answers were dealt with since the page was told to COUNT them."""
    await expect(page.locator("html")).to_have_attribute("data-dealt", str(count))


async def test_a_request_that_is_lost_becomes_a_plain_link(site: Site, visitor: Visit) -> None:
    seen = await visitor()
    page = seen.page
    await page.goto(f"{site.meeting}?month={DAY[:7]}&day={DAY}")

    async def lose(route: Route) -> None:
        await (route.abort() if route.request.resource_type == "fetch" else route.continue_())

    await page.route("**/*start=*", lose)
    await page.locator(".slot").first.click()

    await expect(page.locator("#name")).to_be_visible()
    seen.complaints.clear()  # htmx notes the lost request


async def test_a_way_back_that_is_lost_is_gone_plainly(site: Site, visitor: Visit) -> None:
    seen = await visitor()
    page = seen.page
    await page.goto(f"{site.meeting}?month={DAY[:7]}&day={DAY}")
    await page.click("#day-2026-03-11")
    await expect(page.locator("#times-title")).to_have_text("Wed, Mar 11")

    async def lose(route: Route) -> None:
        await (route.abort() if route.request.resource_type == "fetch" else route.continue_())

    await page.route("**/*", lose)
    await page.evaluate("history.back()")

    await expect(page.locator("#times-title")).to_have_text("Tue, Mar 10")
    seen.complaints.clear()  # htmx notes the lost request


@pytest.mark.parametrize("clicks", [1, 2])
async def test_of_two_days_chosen_quickly_the_later_one_is_shown(site: Site, visitor: Visit, clicks: int) -> None:
    page = (await visitor()).page
    await page.goto(f"{site.meeting}?month={DAY[:7]}")
    await page.evaluate(COUNT)
    hurried = asyncio.Event()

    async def delay(route: Route) -> None:
        await hurried.wait()
        await route.continue_()

    await page.route("**/*day=2026-03-11*", delay)
    await page.click("#day-2026-03-11", click_count=clicks)
    await page.click(f"#day-{DAY}")
    await expect(page.locator("#times-title")).to_have_text("Tue, Mar 10")
    hurried.set()
    await _dealt_with(page, clicks + 1)

    await expect(page.locator("#times-title")).to_have_text("Tue, Mar 10")
    assert f"day={DAY}" in page.url


@pytest.mark.parametrize(("refused", "shown"), [(False, "You are booked"), (True, "Portfolio review")])
async def test_a_guest_who_goes_on_before_he_is_booked_is_told_so(
    site: Site, visitor: Visit, refused: bool, shown: str
) -> None:
    page = (await visitor()).page
    await choose_time(page, site.meeting)
    await fill(page, email="none" if refused else "mia@guest.test")
    await page.evaluate(COUNT)
    hurried = asyncio.Event()

    async def delay(route: Route) -> None:
        if route.request.method == "POST":
            await hurried.wait()
        await route.continue_()

    await page.route("**/*", delay)
    await page.click("button.main")
    await page.click("text=Choose another time")
    await expect(page.locator(".slot").first).to_be_visible()
    hurried.set()
    await _dealt_with(page, 2)

    await expect(page.get_by_role("heading", level=1)).to_have_text(shown)
    assert (len(await site.appointments()), "/booked/" in page.url) == ((0, False) if refused else (1, True))
    await expect(page.locator(".slot")).to_have_count(18 if refused else 0)


async def test_a_day_chosen_before_the_zone_was_found_is_shown_in_that_zone(site: Site, visitor: Visit) -> None:
    page = (await visitor(zone="Asia/Tokyo")).page
    hurried = asyncio.Event()

    async def delay(route: Route) -> None:
        await hurried.wait()
        await route.continue_()

    await page.route(lambda url: "timezone=" in url and "day=" not in url, delay)
    await page.goto(f"{site.meeting}?month={DAY[:7]}")
    await page.evaluate(COUNT)
    await page.click(f"#day-{DAY}")

    await expect(page.locator("#timezone")).to_have_value("Asia/Tokyo")
    hurried.set()
    await _dealt_with(page, 3)
    await expect(page.locator("#times-title")).to_have_text("Tue, Mar 10")
    await expect(page.locator(f"#day-{DAY}")).to_have_attribute("aria-current", "true")
    await page.go_back()
    await expect(page.locator("#times-title")).not_to_have_text("Tue, Mar 10")
    await expect(page.locator("#timezone")).to_have_value("Asia/Tokyo")
