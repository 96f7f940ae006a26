"""A guest's page of an appointment that is more than one meeting with one host."""

import re
from html import unescape

from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.services import bookings, handoffs
from kalends.services.actor import Actor
from kalends.services.handoff_candidates import Target
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Booked

from .conftest import Site
from .sending import START, actor_of, add_colleague, change_columns

WEEKS = ["2026-03-10", "2026-03-17", "2026-03-24"]


async def _series(site: Site, email: str = "mia@guest.test", start: str = START) -> Booked:
    """Book three Tuesdays; answers the first one."""
    order = Order(
        meeting_type_id=site.meeting_type_id,
        start=Instant(start),
        attendee=NewAttendee(email, full_name="Mia Sommer"),
        recurrence=Recurrence("weekly", 1, 3),
    )
    async with site.app.transaction() as conn:
        actor = Actor(site.host.company_id, None, False, "page")
        booked = await bookings.book(conn, actor=actor, order=order, clock=site.clock)
    assert isinstance(booked, Booked)
    return booked


async def _standing(site: Site) -> list[str]:
    return [str(one.start_at)[:10] for one in await site.appointments() if one.cancelled_at is None]


async def test_a_series_shows_its_other_dates_and_each_has_its_page(site: Site) -> None:
    booked = await _series(site)
    page = f"/b/{booked.appointment_id}/{booked.secret}"
    async with site.client() as client:
        first = await client.get(page)
        links = re.findall(r'href="(/b/[^"?]+)"[^>]*>(\w+day, [^<]+)<', first.text)
        second = await client.get(links[0][0])
        await client.post(f"{links[0][0]}/cancel", data={"which": "one"})
        after = await client.get(page)

    assert [day for _, day in links] == ["Tuesday, March 17, 2026", "Tuesday, March 24, 2026"]
    assert "Tuesday, March 10, 2026</a>" in second.text
    assert await _standing(site) == [WEEKS[0], WEEKS[2]]
    assert "March 17" not in after.text


async def test_a_guest_cancels_a_date_of_a_series_and_all_later_ones(site: Site) -> None:
    booked = await _series(site)
    async with site.client() as client:
        first = await client.get(f"/b/{booked.appointment_id}/{booked.secret}")
        second, last = re.findall(r'href="(/b/[^"?]+)"[^>]*>\w+day, ', first.text)
        asked, asked_last = await client.get(f"{second}/cancel"), await client.get(f"{last}/cancel")
        before = await _standing(site)
        answer = await client.post(f"{second}/cancel", data={"which": "later", "reason": "I am away"})

    assert "This one and all later ones (1)" in asked.text
    assert 'name="which"' not in asked_last.text
    assert before == WEEKS
    assert answer.status_code == 303
    assert await _standing(site) == WEEKS[:1]
    assert [(one.cancel_source, one.cancel_reason) for one in (await site.appointments())[1:]] == [
        ("attendee", "I am away")
    ] * 2


async def test_who_joins_a_date_of_a_series_gets_no_hold_of_the_others(site: Site) -> None:
    """Case G05: an e-mail address is no proof, so joining under somebody's own shows and cancels nothing of his."""
    await change_columns(site, spots=5)
    await _series(site)
    joined = Order(meeting_type_id=site.meeting_type_id, start=Instant(START), attendee=NewAttendee("mia@guest.test"))
    async with site.app.transaction() as conn:
        actor = Actor(site.host.company_id, None, False, "page")
        other = await bookings.book(conn, actor=actor, order=joined, clock=site.clock)
    assert isinstance(other, Booked)
    page = f"/b/{other.appointment_id}/{other.secret}"
    async with site.client() as client:
        shown, asked = await client.get(page), await client.get(f"{page}/cancel")
        answer = await client.post(f"{page}/cancel", data={"which": "later"})

    assert "March 17" not in shown.text
    assert 'name="which"' not in asked.text
    assert answer.status_code == 303
    assert await _standing(site) == WEEKS
    assert [[one.cancelled_at is not None for one in each.attendees] for each in await site.appointments()] == [
        [False, True], [False], [False],
    ]  # fmt: skip


async def test_who_joins_with_a_series_of_his_own_sees_and_cancels_that(site: Site) -> None:
    await change_columns(site, spots=2)
    mia, tom = await _series(site), await _series(site, "tom@guest.test", "2026-03-17T09:00:00Z")
    pages = [f"/b/{one.appointment_id}/{one.secret}" for one in (mia, tom)]
    async with site.client() as client:
        shown = [re.findall(r'href="/b/[^>]+>\w+day, (March \d+), ', (await client.get(page)).text) for page in pages]
        answer = await client.post(f"{pages[1]}/cancel", data={"which": "later"})

    assert shown == [["March 17", "March 24"], ["March 24", "March 31"]]
    assert answer.status_code == 303
    assert await _standing(site) == WEEKS
    left = [[one.email for one in each.attendees if not one.cancelled_at] for each in await site.appointments()]
    assert left[:3] == [["mia@guest.test"]] * 3


async def test_what_one_guest_of_a_group_writes_no_other_reads(site: Site) -> None:
    """Case G05: neither the address where he wants to meet nor why he cancelled."""
    await change_columns(site, spots=5)
    actor = Actor(site.host.company_id, None, False, "page")
    pages = []
    for name in ("mia", "tom"):
        guest = NewAttendee(f"{name}@guest.test", notes={"address": f"{name}'s flat"})
        order = Order(site.meeting_type_id, Instant(START), guest, channel="local-attendee")
        async with site.app.transaction() as conn:
            booked = await bookings.book(conn, actor=actor, order=order, clock=site.clock)
        assert isinstance(booked, Booked)
        pages.append(f"/b/{booked.appointment_id}/{booked.secret}")
    async with site.client() as client:
        mia, tom = [unescape((await client.get(page)).text) for page in pages]
        for page, reason in zip(pages, ("Mia is away", "Tom is ill"), strict=True):
            await client.post(f"{page}/cancel", data={"reason": reason})
        mia_after, tom_after = [(await client.get(page)).text for page in pages]

    assert "mia's flat" in mia
    assert "tom's flat" in tom
    assert "mia's flat" not in tom
    assert "Tom is ill" in tom_after
    assert "Tom is ill" not in mia_after


async def test_a_meeting_handed_over_shows_who_hosts_now(site: Site) -> None:
    order = Order(site.meeting_type_id, Instant(START), NewAttendee("mia@guest.test"))
    ben = await add_colleague(site)
    async with site.app.transaction() as conn:
        actor = Actor(site.host.company_id, None, False, "page")
        booked = await bookings.book(conn, actor=actor, order=order, clock=site.clock)
    assert isinstance(booked, Booked)
    async with site.app.transaction() as conn:
        await handoffs.hand_over(
            conn, actor=await actor_of(site), appointment_id=booked.appointment_id, target=Target(user_id=ben.id),
            clock=site.clock,
        )  # fmt: skip
    page = f"/b/{booked.appointment_id}/{booked.secret}"
    async with site.client() as client:
        shown, moving = await client.get(page), await client.get(f"{page}/move")

    for text in (shown.text, moving.text):
        assert ben.full_name in text
        assert site.host.full_name not in text
