"""The steps a guest takes, for tests that walk them."""

import re

from playwright.async_api import FrameLocator, Page, expect

DAY = "2026-03-10"


async def choose_time(page: Page, meeting: str, *, slot: int = 2, day: str = DAY) -> str:
    """Go to the form by a day of the calendar and one of its times; answers that time as shown."""
    await page.goto(f"{meeting}?month={day[:7]}")
    await page.click(f"#day-{day}")
    await expect(page.locator(f"#day-{day}")).to_have_attribute("aria-current", "true")
    link = page.locator(".slot").nth(slot)
    text = (await link.inner_text()).strip()
    await link.click()
    await expect(page.locator("#name")).to_be_visible()
    return text


async def fill(page: Page | FrameLocator, *, name: str = "Mia Sommer", email: str = "mia@guest.test") -> None:
    """Fill in the guest's details."""
    await page.locator("#name").fill(name)
    await page.locator("#email").fill(email)


async def book(page: Page, meeting: str, *, slot: int = 2, day: str = DAY) -> str:
    """Book a time; answers the address of the appointment's own page."""
    await choose_time(page, meeting, slot=slot, day=day)
    await fill(page)
    await page.click("button.main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are booked")
    address = await page.locator(".actions a", has_text="Move or cancel").get_attribute("href")
    assert address
    assert re.match(r"^/b/[0-9a-f-]{36}/[\w-]{43}", address)
    return address
