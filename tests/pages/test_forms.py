"""The booking form over HTTP: what it takes, what it refuses, what becomes of it."""

import asyncio
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from kalends.pages import guards

from .conftest import Site
from .sending import START, booked, change_type, form_of


async def test_a_form_sent_twice_at_once_books_once(site: Site) -> None:
    async with site.client() as client:
        form = await form_of(client, site)

        answers = await asyncio.gather(*(client.post(site.meeting, data=form) for _ in range(4)))

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await site.appointments()) == 1


async def test_forms_of_other_sites_are_refused(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        form = await form_of(client, site, "2026-03-10T10:00:00Z")
        foreign = [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.test"},
            {"Origin": "http://["},
        ]

        refused = [
            (await client.post(path, data=form, headers=headers)).status_code
            for path in (site.meeting, f"{page}/cancel", f"{page}/move")
            for headers in foreign
        ]
        own = await client.post(f"{page}/cancel", data={}, headers={"Origin": site.url})

    assert refused == [403] * 12
    assert own.status_code == 303
    assert [one.cancelled_at is not None for one in await site.appointments()] == [True]


async def test_a_link_fills_the_form_and_its_other_words_go_into_the_notes(site: Site) -> None:
    """Contract 6.5."""
    query = "&firstname=Mia&lastname=Sommer&email=mia%40guest.test&timezone=America%2FNew_York&lang=de&utm_source=shop"
    async with site.client() as client:
        form = await form_of(client, site, query=query)
        page = await client.get(f"{site.meeting}?start={START}{query}")
        answer = await client.post(f"{site.meeting}?{query}", data=form | {"note": "Hello"})

    assert 'value="Mia Sommer"' in page.text
    assert 'value="mia@guest.test"' in page.text
    [appointment] = await site.appointments()
    guest = appointment.attendees[0]
    assert (guest.timezone, guest.language) == ("America/New_York", "de")
    assert guest.notes == {"utm_source": "shop", "note": "Hello"}
    assert parse_qs(urlsplit(answer.headers["location"]).query)["utm_source"] == ["shop"]


async def test_a_host_sends_his_guests_on(site: Site) -> None:
    await change_type(
        site, enableRedirect=True, redirect="https://shop.test/thanks?a=1", passEventDetailsToRedirect=True
    )
    async with site.client() as client:
        form = await form_of(client, site)
        answer = await client.post(f"{site.meeting}?utm_source=shop", data=form)
        page = await client.get(answer.headers["location"])

    found = re.search(r'href="([^"]+)" data-onward', page.text)
    assert found
    onward = urlsplit(unescape(found[1]))
    assert (onward.netloc, onward.path) == ("shop.test", "/thanks")
    query = {key: values[0] for key, values in parse_qs(onward.query).items()}
    [appointment] = await site.appointments()
    assert query == {
        "a": "1",
        "utm_source": "shop",
        "appointmentId": str(appointment.id),
        "start": START,
        "end": "2026-03-10T09:30:00Z",
        "name": "Mia Sommer",
        "email": "mia@guest.test",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "Mia\r\nBcc: x@evil.test"),
        ("email", "mia"),
        ("email", "mia@guest.test\r\nBcc: x@evil.test"),
        ("guests", "a@x.test, b"),
        ("guests", ",".join(f"g{number}@x.test" for number in range(6))),
        ("note", "x" * 2001),
        ("phone", "call me"),
    ],
)
async def test_a_field_that_is_wrong_books_nothing(site: Site, field: str, value: str) -> None:
    async with site.client() as client:
        form = await form_of(client, site)

        answer = await client.post(site.meeting, data=form | {field: value})

    assert answer.status_code == 422
    if field != "phone":
        assert f'id="{field}-wrong"' in answer.text
    assert await site.appointments() == []


@pytest.mark.parametrize("channel", ["phone", "whatsapp"])
async def test_name_and_email_are_enough_also_where_the_host_calls(site: Site, channel: str) -> None:
    await change_type(site, channel=channel)
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?start={START}", headers={"Accept-Language": "de"})
        await booked(client, site)
        form = await form_of(client, site, "2026-03-10T10:00:00Z") | {"phone": "+49 30 1234567"}
        await client.post(site.meeting, data=form)

    assert re.search(r'for="phone">Telefonnummer <span class="optional">\(freiwillig\)', page.text)
    assert not re.search(r'id="phone"[^>]* required', page.text)
    assert [(one.channel, one.attendees[0].phone) for one in await site.appointments()] == [
        (channel, None), (channel, "+49301234567"),
    ]  # fmt: skip


async def test_the_events_of_a_guest_keep_where_he_came_from(site: Site) -> None:
    """Mails to guests are limited by it (design section 6); an IPv6 customer has a /64."""
    async with site.client(**{"X-Forwarded-For": "2001:db8:1:2:3::9"}) as client:
        page = await booked(client, site)
        await client.post(f"{page}/move", data={"start": "2026-03-11T09:00:00Z"})
        await client.post(f"{page}/cancel", data={}, headers={"X-Forwarded-For": "203.0.113.5"})

    async with site.app.reading() as conn:
        cursor = await conn.execute(
            "SELECT actor->>'via', actor->>'client' FROM event WHERE company_id = %s ORDER BY id",
            (site.host.company_id,),
        )
        assert await cursor.fetchall() == [
            ("page", "2001:db8:1:2::/64"), ("guest", "2001:db8:1:2::/64"), ("guest", "203.0.113.5"),
        ]  # fmt: skip


async def test_guests_are_brought_along(site: Site) -> None:
    async with site.client() as client:
        form = await form_of(client, site)
        await client.post(site.meeting, data=form | {"guests": "a@x.test, b@x.test"})

    [appointment] = await site.appointments()
    assert [(one.email, one.brought_along) for one in appointment.attendees] == [
        ("mia@guest.test", False), ("a@x.test", True), ("b@x.test", True),
    ]  # fmt: skip


async def test_who_was_brought_along_leaves_alone(site: Site) -> None:
    async with site.client() as client:
        await client.post(site.meeting, data=await form_of(client, site) | {"guests": "a@x.test"})
        [appointment] = await site.appointments()
        page = f"/b/{appointment.id}/{appointment.attendees[1].secret}"

        shown = await client.get(page)
        left = await client.post(f"{page}/cancel", data={})

    assert "mia@guest.test" not in shown.text
    assert "/move" not in shown.text
    assert left.status_code == 303
    [after] = await site.appointments()
    assert after.cancelled_at is None
    assert [one.cancelled_at is not None for one in after.attendees] == [False, True]


async def test_one_address_books_only_so_often(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "SENDING", (0.01, 1))
    async with site.client() as client:
        await booked(client, site)
        form = await form_of(client, site, "2026-03-10T10:00:00Z")
        answer = await client.post(site.meeting, data=form)

    assert answer.status_code == 429
    assert 'value="Mia Sommer"' in answer.text
    assert f'value="{form["nonce"]}"' in answer.text
    assert len(await site.appointments()) == 1


async def test_a_guest_names_no_place_where_the_host_offers_none(site: Site) -> None:
    """His words would reach whoever he says he is, by our mails (design section 6)."""
    await change_type(site, channel="local")
    async with site.client() as client:
        form = await form_of(client, site) | {"location": "Buy now at https://evil.test"}
        answer = await client.post(site.meeting, data=form)

    assert answer.status_code == 303
    assert [(one.channel, one.location) for one in await site.appointments()] == [("local", None)]


async def test_forms_with_mistakes_are_counted_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "LOOKING", (0.01, 3))
    async with site.client() as client:
        form = await form_of(client, site) | {"name": ""}

        answers = [await client.post(site.meeting, data=form) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [422, 422, 429]
