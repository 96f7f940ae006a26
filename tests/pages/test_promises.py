"""What goes wrong elsewhere: double clicks, taken slots, changed zones, frames; and what axe sees."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect
from whenever import Instant

from kalends.services import bookings
from kalends.services.actor import Actor
from kalends.services.orders import NewAttendee, Order
from kalends.storage import meeting_types, provisional_bookings, users

from .conftest import Site, Visit
from .sending import change_columns, guest_page, host_page, waiting
from .test_questions import ALL as QUESTIONS
from .walks import DAY, book, choose_time, fill

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


async def take(site: Site, *starts: str) -> None:
    """Let somebody else book these starts."""
    async with site.app.transaction() as conn:
        for start in starts:
            order = Order(
                meeting_type_id=site.meeting_type_id, start=Instant(start), attendee=NewAttendee("other@guest.test")
            )
            actor = Actor(site.host.company_id, None, False, "page")
            await bookings.book(conn, actor=actor, order=order, clock=site.clock)


@SCRIPT
async def test_a_double_click_books_once_and_shows_the_confirmation(site: Site, visitor: Visit, script: bool) -> None:
    page = (await visitor(java_script_enabled=script)).page
    await choose_time(page, site.meeting)
    await fill(page)

    await page.dblclick("button.main")

    await expect(page.get_by_role("heading", level=1)).to_have_text("You are booked")
    assert len(await site.appointments()) == 1


@SCRIPT
async def test_a_slot_taken_meanwhile_keeps_the_input_and_offers_the_nearest_times(
    site: Site, visitor: Visit, script: bool
) -> None:
    """Case S16."""
    page = (await visitor(java_script_enabled=script)).page
    await choose_time(page, site.meeting, slot=4)  # 10:00 in Berlin
    await fill(page)
    await page.fill("#note", "About my portfolio")
    await take(site, "2026-03-10T09:00:00Z")

    await page.click("button.main")

    await expect(page.get_by_role("alert")).to_contain_text("Somebody else has just taken this time.")
    await expect(page.locator("#name")).to_have_value("Mia Sommer")
    await expect(page.locator("#note")).to_have_value("About my portfolio")
    offered = await page.locator('input[name="start"]').evaluate_all("all => all.map(one => one.value)")
    assert offered == [f"2026-03-10T{time}:00Z" for time in ("07:30", "08:00", "08:30", "09:30", "10:00", "10:30")]
    assert await page.locator('input[name="start"]:checked').input_value() == "2026-03-10T08:30:00Z"
    await page.locator('input[name="start"]').nth(3).check()
    await page.click("button.main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("You are booked")
    assert [str(one.start_at) for one in await site.appointments()] == ["2026-03-10T09:00:00Z", "2026-03-10T09:30:00Z"]


async def test_a_link_to_a_taken_time_shows_the_other_times(site: Site, visitor: Visit) -> None:
    await take(site, "2026-03-10T09:00:00Z")
    page = (await visitor()).page

    await page.goto(f"{site.meeting}?start=2026-03-10T09:00:00Z&month={DAY[:7]}&day={DAY}")

    await expect(page.get_by_role("alert")).to_contain_text("no longer free")
    await expect(page.locator(".slot")).to_have_count(17)


async def test_the_guests_own_zone_is_found(site: Site, visitor: Visit) -> None:
    page = (await visitor(zone="America/New_York")).page

    await page.goto(f"{site.meeting}?month={DAY[:7]}&day={DAY}")

    # 08:00 in Berlin; New York's clocks have changed already, Berlin's have not.
    await expect(page.locator(".slot").first).to_have_text("3:00 AM")
    await expect(page.locator("#timezone")).to_have_value("America/New_York")


async def test_another_zone_shows_the_same_instants(site: Site, visitor: Visit) -> None:
    page = (await visitor()).page
    await page.goto(f"{site.meeting}?month={DAY[:7]}&day={DAY}")
    before = await _instants(page)

    await page.select_option("#timezone", "Asia/Kathmandu")
    await expect(page.locator(".slot").first).to_have_text("12:45 PM")

    assert await _instants(page) == before


async def _instants(page: Page) -> list[str]:
    read = "all => all.map(one => new URL(one.href).searchParams.get('start'))"
    found: list[str] = await page.locator(".slot").evaluate_all(read)
    return found


async def test_a_far_guest_books_the_last_day_shown(site: Site, visitor: Visit) -> None:
    """Case S13: the window is the host's, whatever the guest's calendar says."""
    page = (await visitor(zone="Pacific/Pago_Pago")).page
    await page.goto(f"{site.meeting}?month=2026-05&timezone=Pacific/Pago_Pago")

    await page.locator(".days a").last.click()
    await expect(page.locator(".days a").last).to_have_attribute("aria-current", "true")
    await page.locator(".slot").last.click()
    await fill(page)
    await page.click("button.main")

    await expect(page.get_by_role("heading", level=1)).to_have_text("You are booked")


@pytest.mark.parametrize("size", ["phone", "desktop"])
async def test_long_words_stay_in_their_place(site: Site, visitor: Visit, size: Literal["phone", "desktop"]) -> None:
    word = "Rechtsschutzversicherungsbestätigungsschreibenvorlage"
    async with site.app.transaction() as conn:
        kind = await meeting_types.get(conn, site.host.company_id, site.meeting_type_id)
        assert kind
        info = {**kind.meeting_info, "name": word, "description": word}
        await meeting_types.update(conn, site.host.company_id, kind.id, {"meeting_info": info, "locations": [word]})
        await users.update(conn, site.host.company_id, site.host.id, {"family_name": word, "title": word})
    page = (await visitor(size)).page
    await page.goto(site.person)
    await _fits(page)
    await choose_time(page, site.meeting)
    await _fits(page)
    await fill(page, name=word, email=f"{word[:40].replace('ä', 'a')}@guest.test")
    await page.fill("#note", word)
    await page.click("button.main")
    await expect(page.locator("[data-booked]")).to_be_visible()
    await _fits(page)
    own = await page.locator(".actions a", has_text="Move or cancel").get_attribute("href")
    assert own
    for path in ("", "/move", "/cancel"):
        await page.goto(own.split("?")[0] + path)
        await _fits(page)


async def _fits(page: Page) -> None:
    """Nothing is wider than the window or than what it stands in."""
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) == 0, page.url
    out = """all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.outerHTML.slice(0, 80))"""
    assert await page.locator("main :is(header, section, article, form, dl, ul, div):visible").evaluate_all(out) == []


async def test_an_empty_month_leads_to_the_next_free_day(site: Site, visitor: Visit) -> None:
    site.clock.instant = Instant("2026-03-31T16:00:00Z")  # the last of March's times are too soon by now
    page = (await visitor()).page
    await page.goto(f"{site.meeting}?month=2026-03")

    await expect(page.locator("#times-title")).to_have_text("No free times this month.")
    await page.get_by_role("link", name="Next free time: Wednesday, April 1, 2026").click()

    await expect(page.locator("#month-title")).to_have_text("April 2026")
    await expect(page.locator("#day-2026-04-01")).to_have_attribute("aria-current", "true")
    await expect(page.locator(".slot").first).to_have_text("8:00 AM")


@pytest.fixture
async def framing(site: Site) -> AsyncIterator[str]:
    """Serve, from another origin, a page that frames the booking page, with its own query, and keeps what it hears."""
    html = f"""<!doctype html><meta charset="utf-8"><title>Shop</title>
        <script>
          window.heard = [];
          addEventListener("message", e => heard.push([e.origin, e.data]));
        </script>
        <iframe id="frame" src="{site.url}{site.meeting}?QUERY&month={DAY[:7]}&day={DAY}" width="900" height="900">
        </iframe>"""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
        body = html.replace("QUERY", asked.partition("?")[2]).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_framed_page_speaks_with_the_page_around_it(site: Site, visitor: Visit, framing: str) -> None:
    """Contract 6.5."""
    seen = await visitor()
    page = seen.page
    await page.goto(f"{framing}/shop?embed=true")
    frame = page.frame_locator("#frame")
    await frame.locator(".slot").first.click()
    await fill(frame)
    await page.evaluate(
        "document.getElementById('frame').contentWindow.postMessage("
        "{event: 'meetergo:color-scheme', payload: {colorScheme: 'dark'}}, '*')"
    )
    await expect(frame.locator("html")).to_have_attribute("data-scheme", "dark")
    await frame.locator("button.main").click()
    await expect(frame.locator("h1")).to_have_text("You are booked")
    await page.wait_for_function("heard.some(([, data]) => data.event === 'booking-successful')")

    heard: list[Any] = await page.evaluate("heard")
    seen.foreign.remove(f"{framing}/shop?embed=true")
    seen.foreign[:] = [url for url in seen.foreign if not url.endswith("/favicon.ico")]
    [booked] = await site.appointments()
    events = [data["event"] for origin, data in heard if origin == site.url]
    assert len(events) == len(heard)
    assert {"meetergo:ready", "meetergo:page_height", "meetergo:content-ready"} <= set(events)
    assert all(data["payload"]["height"] > 200 for _, data in heard if data["event"] == "meetergo:page_height")
    assert [data["data"] for _, data in heard if data["event"] == "booking-successful"] == [
        {
            "appointmentId": str(booked.id),
            "secret": booked.attendees[0].secret,
            "attendeeEmail": "mia@guest.test",
        }
    ]


async def test_a_framed_page_tells_of_a_booking_to_be_confirmed(site: Site, visitor: Visit, framing: str) -> None:
    """Contract 6.5: the page without the guest's data knows no address; the form it came from does."""
    await change_columns(site, options={"doubleOptIn": "enabled"})
    seen = await visitor()
    page = seen.page
    await page.goto(f"{framing}/shop?embed=true")
    frame = page.frame_locator("#frame")
    await frame.locator(".slot").first.click()
    await fill(frame)
    await frame.locator("button.main").click()
    await expect(frame.locator("h1")).to_have_text("Please check your mail")
    await page.wait_for_function("heard.some(([, data]) => data.event === 'booking-successful')")

    heard: list[Any] = await page.evaluate("heard.filter(([, data]) => data.event === 'booking-successful')")
    seen.foreign[:] = [url for url in seen.foreign if not url.startswith(framing)]
    async with site.app.reading() as conn:
        [booking], _ = await provisional_bookings.page(
            conn, site.host.company_id, provisional_bookings.Filter(), limit=9, offset=0, now=site.clock()
        )
    message = {"attendeeEmail": "mia@guest.test", "bookingType": "doubleOptIn", "provisionalBookingId": str(booking.id)}
    assert [data["data"] for _, data in heard] == [message]


async def test_a_page_framed_without_saying_so_is_a_framed_page_all_the_same(
    site: Site, visitor: Visit, framing: str
) -> None:
    """The widget's third version and plain iframes do not say `embed=true`; `/b/…` may stand in no frame."""
    seen = await visitor(zone="America/New_York")  # the page is asked for again, by its script
    page = seen.page
    await page.goto(f"{framing}/shop?utm_source=letter")
    frame = page.frame_locator("#frame")
    await expect(frame.locator("#timezone")).to_have_value("America/New_York")
    await frame.locator(".slot").first.click()
    await fill(frame)
    await frame.locator("button.main").click()
    await expect(frame.locator(".actions a", has_text="Move or cancel")).to_have_attribute("target", "_blank")
    await page.wait_for_function("heard.some(([, data]) => data.event === 'booking-successful')")

    heard: list[Any] = await page.evaluate("heard")
    seen.foreign[:] = [url for url in seen.foreign if not url.startswith(framing)]
    [booked] = await site.appointments()
    told = {"appointmentId": str(booked.id), "secret": booked.attendees[0].secret, "attendeeEmail": "mia@guest.test"}
    assert [data["data"] for _, data in heard if data["event"] == "booking-successful"] == [told]
    assert {"meetergo:ready", "meetergo:page_height", "meetergo:content-ready"} <= {data["event"] for _, data in heard}
    assert booked.attendees[0].notes == {"utm_source": "letter"}


async def test_a_host_sends_his_guests_on_in_the_whole_window(site: Site, visitor: Visit, framing: str) -> None:
    """Where they are sent may forbid to be framed, and is no part of what frames us anyway."""
    async with site.app.transaction() as conn:
        kind = await meeting_types.get(conn, site.host.company_id, site.meeting_type_id)
        assert kind
        info = {**kind.meeting_info, "enableRedirect": True, "redirect": f"{framing}/thanks"}
        await meeting_types.update(conn, site.host.company_id, kind.id, {"meeting_info": info})
    seen = await visitor()
    page = seen.page
    await page.goto(f"{framing}/shop?embed=true")
    frame = page.frame_locator("#frame")
    await frame.locator(".slot").first.click()
    await fill(frame)
    await frame.locator("button.main").click()

    await page.wait_for_url(f"{framing}/thanks")
    seen.foreign[:] = [url for url in seen.foreign if not url.startswith(framing)]


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desktop", "dark")])
async def test_axe_finds_nothing(
    site: Site, visitor: Visit, size: Literal["phone", "desktop"], scheme: Literal["light", "dark"]
) -> None:
    page = (await visitor(size, scheme=scheme, bypass_csp=True)).page
    await page.goto(site.person)
    await _judge(page, "person")
    await choose_time(page, site.meeting)
    await page.click("details summary")
    await _judge(page, "details")
    await page.click("button.main")
    await expect(page.locator("#email-wrong")).to_be_visible()
    await _judge(page, "wrong details")
    await take(site, "2026-03-10T08:00:00Z")
    await fill(page)
    await page.click("button.main")
    await expect(page.locator(".radio").first).to_be_visible()
    await _judge(page, "taken")
    await page.goto(f"{site.meeting}?month={DAY[:7]}")
    await _judge(page, "times")
    await page.goto(f"{site.meeting}?month=2028-03")
    await _judge(page, "empty month")
    address = await book(page, site.meeting, slot=5)
    await _judge(page, "booked")
    for path in ("", "/move", "/move?start=2026-03-11T09:00:00Z", "/cancel"):
        await page.goto(address.split("?")[0] + path)
        await _judge(page, path or "appointment")
    await page.goto("/nobody-is-here")
    await _judge(page, "404")
    await _judge_more(site, page)


async def _judge_more(site: Site, page: Page) -> None:
    """Judge a form with questions and a password, and the pages of a booking that has to be confirmed."""
    options = {"requireHostConfirmation": "enabled", "bookingPagePassword": {"enable": True, "password": "tulip"}}
    await change_columns(site, spots=3, questions=QUESTIONS, options=options)
    await page.goto(f"{site.meeting}?start=2026-03-12T09:00:00Z")
    await page.click("button.main")
    await expect(page.locator("#question-1-wrong")).to_be_visible()
    await _judge(page, "wrong answers")
    await change_columns(site, questions=[])
    await page.goto(f"{site.meeting}?start=2026-03-12T09:00:00Z")
    await fill(page)
    await page.fill("#bookingPassword", "tulip")
    await page.click("button.main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Waiting for an answer")
    await _judge(page, "requested")
    booking = await waiting(site, page.url)
    await page.goto(guest_page(booking))
    await _judge(page, "guest's request")
    await page.goto(host_page(booking, site.host.id))
    await page.click("summary")
    await _judge(page, "host's request")


async def _judge(page: Page, name: str) -> None:
    if not await page.evaluate("'axe' in window"):
        await page.add_script_tag(path=AXE)
    found = await page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
    assert found == [], name
