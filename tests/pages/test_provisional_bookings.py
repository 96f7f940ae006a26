"""Bookings that wait to be confirmed: the guest proves himself, a host approves or declines, time runs out."""

import re
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from whenever import Instant

from kalends.pages import guards
from kalends.storage import appointments, provisional_bookings
from kalends.storage.provisional_bookings import ProvisionalBooking

from .conftest import Site
from .sending import (
    START,
    add_colleague,
    ask_queue,
    change_columns,
    form_of,
    guest_page,
    host_page,
    told_by_length,
    waiting,
)


async def _asked(client: AsyncClient, site: Site, **fields: str) -> ProvisionalBooking:
    """Book a type that has to be confirmed; answers what waits."""
    answer = await client.post(site.meeting, data=await form_of(client, site) | fields)
    assert answer.status_code == 303
    return await waiting(site, answer.headers["location"])


async def _now(site: Site, provisional_id: UUID) -> ProvisionalBooking:
    async with site.app.reading() as conn:
        found = await provisional_bookings.get(conn, site.host.company_id, provisional_id)
    assert found
    return found


def _headline(page: str) -> str:
    found = re.search(r"<h1[^>]*>([^<]+)</h1>", page)
    assert found
    return found[1]


async def test_a_guest_confirms_by_the_link_in_his_mail(site: Site) -> None:
    """Case P04: looking changes nothing, a scanner opens every link."""
    await change_columns(site, options={"doubleOptIn": "enabled"})
    async with site.client() as client:
        form = await form_of(client, site)
        first = await client.post(site.meeting, data=form | {"note": "Hello"})
        again = await client.post(site.meeting, data=form | {"note": "Hello"})
        requested = await client.get(first.headers["location"])
        booking = await waiting(site, first.headers["location"])
        page = guest_page(booking)
        asking = await client.get(page)
        await client.head(page)
        unchanged = await site.appointments(), (await _now(site, booking.id)).revision
        proved = await client.post(page)
        confirmed = await client.get(proved.headers["location"])
        twice = await client.post(page)
        link = re.search(r'href="(/b/[^"]+)"', confirmed.text)
        assert link
        appointment_page = await client.get(link[1])
        reloaded = await client.get(first.headers["location"])

    assert again.headers["location"] == first.headers["location"]
    assert _headline(requested.text) == "Please check your mail"
    assert f'data-booking-type="doubleOptIn" data-provisional-booking-id="{booking.id}"' in requested.text
    for text in (booking.guest_secret, "mia@guest.test", "Mia Sommer", "Hello"):
        assert text not in requested.text
        assert text not in reloaded.text
    assert _headline(asking.text) == "Confirm your booking?"
    assert all(text in asking.text for text in ("Mia Sommer", "mia@guest.test", "Hello", "Portfolio review"))
    assert unchanged == ([], booking.revision)
    assert (proved.status_code, twice.status_code) == (303, 303)
    assert _headline(confirmed.text) == "You are booked"
    assert "<form" not in confirmed.text
    assert _headline(appointment_page.text) == "Your meeting"
    assert _headline(reloaded.text) == "You are booked"
    assert [str(one.start_at) for one in await site.appointments()] == [START]


async def test_a_host_approves_once_the_guest_has_proved_himself(site: Site) -> None:
    await change_columns(site, options={"doubleOptIn": "enabled", "requireHostConfirmation": "enabled"})
    async with site.client() as client:
        booking = await _asked(client, site)
        before = await client.get(guest_page(booking))
        unproved = await client.get(host_page(booking, site.host.id))
        await client.post(guest_page(booking))
        waiting = await client.get(guest_page(booking))
        proved = await client.get(host_page(booking, site.host.id))
        none_yet = await site.appointments()
        answer = await client.post(host_page(booking, site.host.id))
        approved = await client.get(host_page(booking, site.host.id))
        late = await client.post(f"{host_page(booking, site.host.id)}/decline", data={"reason": "no"})
        confirmed = await client.get(guest_page(booking))

    assert (_headline(before.text), "is asked once you have confirmed it." in before.text) == (
        "Confirm your request?",
        True,
    )
    assert "The guest has not confirmed the e-mail address yet." in unproved.text
    assert _headline(waiting.text) == "Waiting for an answer"
    assert "<form" not in waiting.text
    assert "The guest has confirmed the e-mail address." in proved.text
    assert all(text in proved.text for text in ("Mia Sommer", "mia@guest.test"))
    assert none_yet == []
    assert answer.status_code == 303
    assert _headline(approved.text) == "This request has been approved"
    assert "<form" not in approved.text
    assert "/b/" not in approved.text  # the guest's secret is his
    assert late.status_code == 400
    assert _headline(late.text) == "This request has been approved"
    assert _headline(confirmed.text) == "You are booked"
    assert [one.cancelled_at for one in await site.appointments()] == [None]


async def test_a_host_declines_with_a_reason(site: Site) -> None:
    await change_columns(site, options={"requireHostConfirmation": "enabled"})
    async with site.client() as client:
        booking = await _asked(client, site)
        requested = await client.get(f"{site.meeting}/requested/{booking.id}")
        kept = await client.get(guest_page(booking))
        own = host_page(booking, site.host.id)
        too_long = await client.post(f"{own}/decline", data={"reason": "x" * 501})
        not_his = await client.post(f"{guest_page(booking)}/decline", data={"reason": "x"})
        declined = await client.post(f"{own}/decline", data={"reason": "I am <away>"})
        host, guest = await client.get(own), await client.get(guest_page(booking))
        late = await client.post(own)
        proving = await client.post(guest_page(booking))
        free = await client.get(f"{site.meeting}?start={START}")

    assert _headline(requested.text) == "Waiting for an answer"
    assert _headline(kept.text) == "Confirm your request?"
    assert (too_long.status_code, 'id="reason-wrong"' in too_long.text) == (422, True)
    assert not_his.status_code == 404
    assert declined.status_code == 303
    assert _headline(host.text) == "This request has been declined"
    assert _headline(guest.text) == "Your request was declined"
    for page in (host, guest):
        assert "I am &lt;away&gt;" in page.text
        assert "<form" not in page.text
    assert f'href="{site.meeting}">Book another time' in guest.text
    assert (late.status_code, proving.status_code) == (400, 400)
    assert 'name="nonce"' in free.text
    assert await site.appointments() == []


async def test_what_nobody_confirms_expires(site: Site) -> None:
    await change_columns(site, options={"doubleOptIn": "enabled"})
    async with site.client() as client:
        booking = await _asked(client, site)
        taken = await client.get(f"{site.meeting}?start={START}")
        site.clock.instant = booking.expires_at
        guest, host = await client.get(guest_page(booking)), await client.get(host_page(booking, site.host.id))
        sent = [await client.post(page) for page in (guest_page(booking), host_page(booking, site.host.id))]
        requested = await client.get(f"{site.meeting}/requested/{booking.id}")
        free = await client.get(f"{site.meeting}?start={START}")
        site.clock.instant = Instant(START).add(hours=24 * 30)
        gone = [await client.get(page) for page in (guest_page(booking), f"{site.meeting}/requested/{booking.id}")]

    assert "This time is no longer free" in taken.text
    for page in (guest, host, requested, *sent):
        assert _headline(page.text) == "This request has expired"
        assert "<form" not in page.text
    assert [page.status_code for page in sent] == [400, 400]
    assert 'name="nonce"' in free.text
    assert [page.status_code for page in gone] == [404, 404]
    assert await site.appointments() == []


async def test_pages_of_a_request_are_kept_secret(site: Site) -> None:
    await change_columns(site, options={"doubleOptIn": "enabled"})
    async with site.client() as client:
        booking = await _asked(client, site)
        pages = [await client.get(path) for path in (guest_page(booking), host_page(booking, site.host.id))]
        requested = await client.get(f"{site.meeting}/requested/{booking.id}")
        foreign = [
            await client.post(path, data={}, headers={"Sec-Fetch-Site": "cross-site"})
            for path in (
                guest_page(booking),
                host_page(booking, site.host.id),
                f"{host_page(booking, site.host.id)}/decline",
            )
        ]
        unknown = [
            f"{guest_page(booking)}x",
            f"/p/{uuid4()}/{booking.guest_secret}",
            f"/p/{booking.id}/{booking.host_secret}",
            f"/p/no-id/{booking.guest_secret}",
            f"{site.meeting}/requested/{uuid4()}",
            f"{site.person}/other/requested/{booking.id}",
        ]
        answers = [await client.get(path) for path in unknown]
        told = await told_by_length(client, f"/p/{booking.id}/{booking.guest_secret}", booking.guest_secret)

    assert not told
    for page in pages:
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-robots-tag"] == "noindex"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers
    assert "frame-ancestors" not in requested.headers["content-security-policy"]
    assert [answer.status_code for answer in foreign] == [403] * 3
    assert [answer.status_code for answer in answers] == [404] * len(unknown)
    assert (await _now(site, booking.id)).revision == booking.revision


async def test_guessing_these_secrets_is_limited_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "SECRETS", (0.01, 2))
    async with site.client() as client:
        answers = [await client.request(method, f"/p/{uuid4()}/x") for method in ("GET", "POST", "GET")]

    assert [answer.status_code for answer in answers] == [404, 404, 429]


async def test_too_many_requests_that_wait_are_refused_and_the_input_kept(site: Site) -> None:
    await change_columns(site, options={"doubleOptIn": "enabled"})
    async with site.client() as client:
        for hour in range(9, 12):
            form = await form_of(client, site, f"2026-03-10T{hour:02}:00:00Z")
            await client.post(site.meeting, data=form)
        answer = await client.post(site.meeting, data=await form_of(client, site, "2026-03-10T13:00:00Z"))

    assert answer.status_code == 400
    assert "Too many requests wait to be confirmed." in answer.text
    assert 'value="Mia Sommer"' in answer.text


async def test_whom_the_queue_chose_decides_and_nobody_else(site: Site) -> None:
    await change_columns(site, options={"requireHostConfirmation": "enabled"})
    ben = await add_colleague(site, language="de")
    await ask_queue(site, ben.id)
    async with site.client(**{"Accept-Language": "fr"}) as client:
        booking = await _asked(client, site)
        owners = await client.get(host_page(booking, site.host.id))
        bens = await client.get(host_page(booking, ben.id))
        await client.post(host_page(booking, ben.id))

    assert owners.status_code == 404
    assert _headline(bens.text) == "Diese Anfrage annehmen?"
    appointment_id = (await _now(site, booking.id)).appointment_id
    async with site.app.reading() as conn:
        appointment = await appointments.get(conn, site.host.company_id, appointment_id or uuid4())
    assert appointment
    assert [host.id for host in appointment.hosts] == [ben.id]
