"""A guest books, moves and cancels: on a phone and a desk, with script, without, and by keyboard alone."""

import pytest
from playwright.async_api import Page, expect
from whenever import Instant

from .conftest import Site, Visit
from .sending import change_columns, guest_page, host_page, waiting
from .walks import DAY, book, choose_time, fill

BOTH = pytest.mark.parametrize("size", ["phone", "desktop"])
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@BOTH
@SCRIPT
async def test_a_guest_books_moves_and_cancels(site: Site, visitor: Visit, size: str, script: bool) -> None:
    page = (await visitor(size, java_script_enabled=script)).page

    address = await book(page, site.meeting)
    [booked] = await site.appointments()
    assert booked.start_at == Instant("2026-03-10T08:00:00Z")
    assert [(one.full_name, one.email, one.timezone) for one in booked.attendees] == [
        ("Mia Sommer", "mia@guest.test", "Europe/Berlin")
    ]

    await page.goto(address)
    await page.get_by_role("link", name="Move", exact=True).click()
    await page.click("#next-month")
    await page.click("#day-2026-04-01")
    await expect(page.locator("#day-2026-04-01")).to_have_attribute("aria-current", "true")
    await page.locator(".slot").first.click()
    await page.get_by_role("button", name="Move meeting").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your meeting has moved")
    await expect(page.locator(".when")).to_contain_text("April 1, 2026")
    [moved] = await site.appointments()
    # Berlin's clocks have changed meanwhile: 08:00 there is 06:00 UTC.
    assert (moved.start_at, moved.reschedule_count) == (Instant("2026-04-01T06:00:00Z"), 1)

    await page.get_by_role("link", name="Cancel", exact=True).click()
    await page.fill("#reason", "I am ill")
    await page.get_by_role("button", name="Cancel meeting").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("This meeting is cancelled")
    [cancelled] = await site.appointments()
    assert (cancelled.cancel_source, cancelled.cancel_reason) == ("attendee", "I am ill")


async def test_with_script_nothing_reloads(site: Site, visitor: Visit) -> None:
    page = (await visitor()).page
    await page.goto(site.meeting)
    await page.evaluate("window.stayed = true")

    await page.click("#next-month")
    await expect(page.locator("#month-title")).to_have_text("April 2026")
    await page.locator(".days a").nth(3).click()
    await page.locator(".slot").first.click()
    await fill(page)
    await page.click("button.main")
    await expect(page.locator("[data-booked]")).to_be_visible()

    assert await page.evaluate("window.stayed") is True
    assert "/booked/" in page.url
    assert "new=" not in page.url
    await page.go_back()
    await expect(page.locator("#month-title")).to_have_text("April 2026")
    await expect(page.get_by_role("alert")).to_have_count(0)


@SCRIPT
async def test_another_zone_shows_the_same_day(site: Site, visitor: Visit, script: bool) -> None:
    page = (await visitor(java_script_enabled=script)).page
    await page.goto(f"{site.meeting}?month={DAY[:7]}&day={DAY}")

    await page.select_option("#timezone", "Asia/Tokyo")
    if not script:
        await page.get_by_role("button", name="Apply").click()

    await expect(page.locator(".slot").first).to_have_text("12:00 AM")
    await expect(page.locator("#times-title")).to_have_text("Tue, Mar 10")


async def test_the_keyboard_is_enough(site: Site, visitor: Visit) -> None:
    page = (await visitor()).page
    await page.goto(f"{site.meeting}?month={DAY[:7]}")

    await _tab_to(page, f"#day-{DAY}")
    await page.keyboard.press("Enter")
    await expect(page.locator(f"#day-{DAY}")).to_have_attribute("aria-current", "true")
    await expect(page.locator(f"#day-{DAY}")).to_be_focused()
    await _tab_to(page, ".slot")
    await page.keyboard.press("Enter")
    await expect(page.locator("#details-title")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.type("Mia Sommer")
    await page.keyboard.press("Tab")
    await page.keyboard.type("mia@guest.test")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are booked")
    assert len(await site.appointments()) == 1


async def _tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


@SCRIPT
async def test_a_wrong_address_is_said_where_it_stands(site: Site, visitor: Visit, script: bool) -> None:
    page = (await visitor(java_script_enabled=script)).page
    await choose_time(page, site.meeting)

    await fill(page, email="mia@")
    await page.fill("#note", "About my portfolio")
    await page.click("button.main")

    await expect(page.locator("#email-wrong")).to_contain_text("such as name@example.com")
    await expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#name")).to_have_value("Mia Sommer")
    await expect(page.locator("#note")).to_have_value("About my portfolio")
    assert await site.appointments() == []


async def test_what_was_typed_survives_a_look_at_other_times(site: Site, visitor: Visit) -> None:
    options = [{"label": "Red", "value": "r"}, {"label": "Green", "value": "g"}]
    kinds = ("select", "radio", "checkbox-multi")
    await change_columns(site, questions=[{"label": one, "fieldType": one, "options": options} for one in kinds])
    page = (await visitor()).page
    await choose_time(page, site.meeting)
    await fill(page)
    await page.select_option("#question-1", "g")
    await page.locator('#question-2 input[value="r"]').check()
    await page.locator('#question-3 input[value="g"]').check()

    await page.get_by_role("link", name="Choose another time").click()
    await page.locator(".slot").nth(5).click()

    await expect(page.locator("#name")).to_have_value("Mia Sommer")
    await expect(page.locator("#email")).to_have_value("mia@guest.test")
    await expect(page.locator("#question-1")).to_have_value("g")
    ticked = await page.locator("fieldset input:checked").evaluate_all("all => all.map(one => one.name + one.value)")
    assert ticked == ["q:radior", "q:checkbox-multig"]


async def test_questions_and_a_booking_to_be_confirmed_need_no_script(site: Site, visitor: Visit) -> None:
    question = {"label": "Team size", "fieldType": "number", "required": True, "min": 2}
    options = {"doubleOptIn": "enabled", "requireHostConfirmation": "enabled"}
    await change_columns(site, spots=4, questions=[question], options=options)
    page = (await visitor("phone", java_script_enabled=False, locale="de-DE")).page

    await choose_time(page, site.meeting)
    await expect(page.locator(".facts")).to_contain_text("4 von 4 Plätzen frei")
    await fill(page)
    await page.fill("#question-1", "1")
    await page.click("button.main")
    await expect(page.locator("#question-1-wrong")).to_contain_text("mindestens 2")
    await expect(page.locator("#name")).to_have_value("Mia Sommer")
    await page.fill("#question-1", "12")
    await page.click("button.main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Bitte prüfen Sie Ihre E-Mails")
    booking = await waiting(site, page.url)
    await page.goto(guest_page(booking))
    await page.get_by_role("button", name="Meine Anfrage bestätigen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Warten auf eine Antwort")
    await page.goto(host_page(booking, site.host.id))
    await page.get_by_role("button", name="Annehmen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Diese Anfrage ist angenommen")
    await page.goto(guest_page(booking))
    await page.get_by_role("link", name="Meinen Termin ansehen").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ihr Termin")

    [appointment] = await site.appointments()
    assert appointment.attendees[0].notes == {"Team size": "12"}


async def test_german_readers_read_german_on_a_24_hour_clock(site: Site, visitor: Visit) -> None:
    page = (await visitor(locale="de-DE")).page

    await page.goto(f"{site.meeting}?month={DAY[:7]}&day={DAY}")

    await expect(page.locator("#month-title")).to_have_text("März 2026")
    await expect(page.locator(".slot").first).to_have_text("08:00")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await page.click("#clock-12")
    await expect(page.locator(".slot").first).to_have_text("8:00 AM")
