"""What the pages answer, byte by byte: headers, refusals, escaping, nothing changed by looking."""

import asyncio
import gzip
import re
from html import unescape
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, Response
from whenever import Instant

from kalends.pages import guards
from kalends.services import meeting_types as kinds
from kalends.services import personal_pages
from kalends.services.actor import Actor
from kalends.storage import meeting_types, users
from tests import factories

from .conftest import NOW, Site

START = "2026-03-10T09:00:00Z"


async def form_of(client: AsyncClient, site: Site, start: str = START, query: str = "") -> dict[str, str]:
    """Open the booking form and fill it in."""
    page = await client.get(f"{site.meeting}?start={start}{query}")
    nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert nonce
    return {"nonce": nonce[1], "start": start, "name": "Mia Sommer", "email": "mia@guest.test"}


async def booked(client: AsyncClient, site: Site, start: str = START) -> str:
    """Book; answers the path of the appointment's page."""
    answer = await client.post(site.meeting, data=await form_of(client, site, start))
    assert answer.status_code == 303
    return "/b" + urlsplit(answer.headers["location"]).path.split("/booked")[1]


async def actor_of(site: Site) -> Actor:
    return Actor(site.host.company_id, site.host.id, True, "key")


async def change_page(site: Site, **changes: object) -> None:
    """Change the host's personal page."""
    async with site.app.transaction() as conn:
        await personal_pages.update(conn, actor=await actor_of(site), changes=changes, now=NOW)


async def change_type(site: Site, **info: object) -> None:
    """Change the meeting type's meetingInfo."""
    async with site.app.transaction() as conn:
        kind = await meeting_types.get(conn, site.host.company_id, site.meeting_type_id)
        assert kind
        merged = {"meeting_info": {**kind.meeting_info, **info}}
        await meeting_types.update(conn, site.host.company_id, kind.id, merged)


async def test_a_form_sent_twice_at_once_books_once(site: Site) -> None:
    async with site.client() as client:
        form = await form_of(client, site)

        answers = await asyncio.gather(*(client.post(site.meeting, data=form) for _ in range(4)))

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await site.appointments()) == 1


async def test_looking_changes_nothing(site: Site) -> None:
    """Case P04: a mail scanner opens every link."""
    async with site.client() as client:
        page = await booked(client, site)
        before = await site.appointments()

        for path in ("", "/cancel", "/move", "/move?start=2026-03-11T09:00:00Z", "/calendar.ics"):
            for method in ("GET", "HEAD"):
                assert (await client.request(method, page + path)).status_code == 200

    assert await site.appointments() == before


async def test_whatever_is_not_there_is_the_same_404(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        async with site.app.transaction() as conn:
            founded = await factories.company(conn, now=NOW)
            private = await factories.meeting_type(conn, site.host, now=NOW, enabled=False)
            gone = await factories.meeting_type(conn, site.host, now=NOW)
            await meeting_types.update(conn, site.host.company_id, gone.id, {"deleted_at": NOW})
            other = await users.get(conn, founded.company_id, founded.user_id)
            assert other
        confirmation = f"{site.meeting}/booked{page.removeprefix('/b')}"
        paths = [
            "/nobody-is-here",
            f"{site.person}/no-such-type",
            f"{site.person}/{private.slug}",
            f"{site.person}/{gone.slug}",
            f"{site.person}/theme.css",
            f"/{other.slug}/{site.type_slug}",
            f"{page}x",
            f"{page}x/move",
            f"{page}x/cancel",
            f"{page}x/calendar.ics",
            f"/b/{uuid4()}/{page.split('/')[-1]}",
            f"/b/no-id/{page.split('/')[-1]}",
            f"{confirmation}x",
            confirmation.replace(site.host.slug, other.slug),
        ]
        answers = {path: await client.get(path) for path in paths}
        posted = await client.post(f"{page}x/cancel", data={})

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 404)
    assert posted.status_code == 404
    assert len({_without_own_address(answer) for answer in (*answers.values(), posted)}) == 1


def _without_own_address(answer: Response) -> str:
    return answer.text.replace(answer.request.url.path, "")


@pytest.mark.parametrize("path", ["", "/cancel", "/move"])
async def test_pages_with_a_secret_are_kept_secret(site: Site, path: str) -> None:
    async with site.client() as client:
        page = await booked(client, site)

        answer = await client.get(page + path)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    # Squeezed together with what a link puts in, the secret could be guessed by length.
    assert "content-encoding" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_booking_pages_may_be_framed_and_run_nothing_inline(site: Site) -> None:
    async with site.client() as client:
        answers = [await client.get(path) for path in (site.person, site.meeting, f"{site.meeting}?start={START}")]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors" not in policy
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", answer.text)
        assert "set-cookie" not in answer.headers


async def test_the_confirmation_may_be_framed_but_changes_nothing(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        answer = await client.get(f"{site.meeting}/booked{page.removeprefix('/b')}")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "<form" not in answer.text


async def test_forms_of_other_sites_are_refused(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        form = await form_of(client, site, "2026-03-10T10:00:00Z")
        foreign = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}]

        refused = [
            (await client.post(path, data=form, headers=headers)).status_code
            for path in (site.meeting, f"{page}/cancel", f"{page}/move")
            for headers in foreign
        ]
        own = await client.post(f"{page}/cancel", data={}, headers={"Origin": site.url})

    assert refused == [403] * 9
    assert own.status_code == 303
    assert [one.cancelled_at is not None for one in await site.appointments()] == [True]


async def test_markup_in_texts_is_shown_not_run(site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    async with site.app.transaction() as conn:
        await users.update(conn, site.host.company_id, site.host.id, {"given_name": evil, "title": evil})
    await change_page(
        site,
        description=evil,
        headerImage=f"https://x.test/{evil}",
        onlineProfiles={
            "customLinks": [{"name": evil, "url": "javascript:alert(1)", "icon": ""}],
            "xing": "data:text/html,x",
        },
    )
    await change_type(site, name=evil)
    async with site.client() as client:
        form = await form_of(client, site, query=f"&name={evil}&utm={evil}")
        answer = await client.post(f"{site.meeting}?utm={evil}", data=form | {"name": f"{evil} Sommer", "note": evil})
        page = "/b" + urlsplit(answer.headers["location"]).path.split("/booked")[1]
        texts = [
            (await client.get(path)).text
            for path in (
                site.person, site.meeting, f"{site.meeting}?start=2026-03-10T10:00:00Z&email={evil}", page,
                f"{page}/move", f"{page}/cancel", answer.headers["location"], f"/{evil}", f"{site.meeting}?lang={evil}",
            )
        ]  # fmt: skip

    for text in texts:
        assert "<script>" not in text
        assert "javascript:" not in text
        assert "data:text" not in text


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
        (channel, None), (channel, "+49 30 1234567"),
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


async def test_a_meeting_whose_type_is_gone_is_not_moved(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        async with site.app.transaction() as conn:
            await meeting_types.update(conn, site.host.company_id, site.meeting_type_id, {"deleted_at": NOW})

        shown = await client.get(f"{page}/move")
        moved = await client.post(f"{page}/move", data={"start": "2026-03-11T09:00:00Z"})

    assert "can no longer be moved here" in shown.text
    assert "can no longer be booked" in moved.text
    [appointment] = await site.appointments()
    assert appointment.start_at == Instant(START)


async def test_the_calendar_file_is_the_appointment(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        answer = await client.get(f"{page}/calendar.ics")

    [appointment] = await site.appointments()
    assert answer.headers["content-type"].startswith("text/calendar")
    assert f"UID:{appointment.id}@kalends" in answer.text
    assert "DTSTART:20260310T090000Z" in answer.text
    assert "METHOD:PUBLISH" in answer.text


async def test_every_zone_shows_the_same_instants(site: Site) -> None:
    """Case T07."""
    async with site.client() as client:
        own = await _instants(client, site, "Europe/Berlin")
        there = await _instants(client, site, "Pacific/Pago_Pago")
        again = await _instants(client, site, "Europe/Berlin")

    assert own == again
    # Half-hours from 8 to 17 on the 21 weekdays from 3 to 31 March; on the 2nd from 10, an hour after now.
    assert len(own) == 18 * 21 + 14
    # A month begins and ends elsewhere at other instants: compare what lies in both.
    first, last = Instant("2026-03-03T00:00:00Z"), Instant("2026-03-30T00:00:00Z")
    assert {one for one in there if first <= one < last} == {one for one in own if first <= one < last}


async def _instants(client: AsyncClient, site: Site, zone: str) -> set[Instant]:
    month = await client.get(site.meeting, params={"month": "2026-03", "timezone": zone})
    found: set[Instant] = set()
    for day in re.findall(r'id="day-([\d-]+)"', month.text):
        page = await client.get(site.meeting, params={"month": "2026-03", "day": day, "timezone": zone})
        links = re.findall(r'class="slot"[^>]* href="([^"]+)"', page.text)
        found |= {Instant(parse_qs(urlsplit(unescape(link)).query)["start"][0]) for link in links}
    return found


async def test_a_repeated_hour_shows_two_times_each_bookable(site: Site) -> None:
    """Case T05: in autumn 02:00 comes twice in Berlin."""
    site.clock.instant = Instant("2026-10-20T08:00:00Z")
    hours = {"enabled": True, "hours": [{"start": "01:00", "end": "05:00"}]}
    closed = {"enabled": False, "hours": []}
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday"), closed)
    async with site.app.transaction() as conn:
        schedule = await factories.availability(conn, site.host, schedule={**week, "sunday": hours}, now=NOW)
        await meeting_types.update(
            conn, site.host.company_id, site.meeting_type_id,
            {"availability_id": schedule.id, "timeslot_interval": 60},
        )  # fmt: skip
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?month=2026-10&day=2026-10-25&hours=24")
        shown = re.findall(r'class="slot"[^>]*>([\d:]+)(?:<small>([^<]+))?', page.text)
        for start in ("2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"):
            await booked(client, site, start)

    assert shown == [("01:00", ""), ("02:00", "GMT+2"), ("02:00", "GMT+1"), ("03:00", ""), ("04:00", "")]
    assert [str(one.start_at) for one in await site.appointments()] == ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"]


async def test_hours_out_of_office_follow_the_host(site: Site) -> None:
    """Case T10: away 14 to 16 January in Vancouver; a guest in Kolkata finds nothing before the host's 17th."""
    async with site.app.transaction() as conn:
        founded = await factories.company(conn, timezone="America/Vancouver", now=NOW)
        host = await users.get(conn, founded.company_id, founded.user_id)
        assert host
        days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        always = {day: {"enabled": True, "hours": [{"start": "00:00", "end": "24:00"}]} for day in days}
        away = factories.NewException(available=False, start="2027-01-14", end="2027-01-16")
        schedule = await factories.availability(
            conn, host, timezone="America/Vancouver", schedule=always, exceptions=[away], now=NOW
        )
        kind = await kinds.add(
            conn, company_id=host.company_id, user_id=host.id, created_by=host.id, now=NOW,
            fields={"meeting_info": {"name": "Talk"}, "availability_id": schedule.id},
        )  # fmt: skip
    site.clock.instant = Instant("2027-01-10T12:00:00Z")
    address = f"/{host.slug}/{kind.slug}"
    async with site.client() as client:
        found: list[str] = []
        for day in range(13, 19):
            page = await client.get(f"{address}?month=2027-01&day=2027-01-{day}&timezone=Asia/Kolkata")
            if f'id="day-2027-01-{day}"' in page.text:
                found += re.findall(r"start=([\dT%:A-Z-]+?)(?:&|\")", page.text.split('class="slots"')[1])
    starts = sorted({Instant(one.replace("%3A", ":")) for one in found})

    gap = [(one, two) for one, two in pairwise(starts) if one.add(hours=1) < two]
    assert gap == [(Instant("2027-01-14T07:30:00Z"), Instant("2027-01-17T08:00:00Z"))]


async def test_a_person_shows_what_he_offers_in_his_order(site: Site) -> None:
    async with site.app.transaction() as conn:
        second = await factories.meeting_type(conn, site.host, now=NOW, meeting_info={"name": "Second"})
        await factories.meeting_type(conn, site.host, now=NOW, meeting_info={"name": "Hidden"}, enabled=False)
    await change_page(
        site,
        meetingTypeOrder=[str(second.id), str(site.meeting_type_id)],
        showAllMeetingTypes=False,
        description="I look at portfolios.",
        onlineProfiles={"linkedIn": "https://linkedin.test/ada", "email": "ada@acme.test"},
    )
    async with site.client() as client:
        page = await client.get(site.person)

    names = re.findall(r"<h2>([^<]+)</h2>", page.text)
    assert names == ["Second", "Portfolio review"]
    assert "I look at portfolios." in page.text
    assert 'href="https://linkedin.test/ada"' in page.text
    assert 'href="mailto:ada@acme.test"' in page.text


async def test_the_hosts_colours_are_a_style_sheet_of_their_own(site: Site) -> None:
    await change_page(site, useCustomColors=True, primaryColor="#f5b301", secondaryColor="#e4572e")
    async with site.client() as client:
        page = await client.get(site.meeting)
        [link] = re.findall(r'href="([^"]*theme\.css[^"]*)"', page.text)
        sheet = await client.get(link)

    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert "--brand:light-dark(#f5b301,#f5b301)" in sheet.text


async def test_a_page_weighs_little(site: Site) -> None:
    """The whole page, style sheet and scripts included, stays under 40 KB on the wire."""
    async with site.client(**{"Accept-Encoding": "gzip"}) as client:
        sizes: dict[str, int] = {}
        async with client.stream("GET", site.meeting) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
        sizes["page"] = len(raw)
        text = gzip.decompress(raw).decode()
        for link in re.findall(r'(?:href|src)="(/static/[^"]+)"', text):
            async with client.stream("GET", link) as answer:
                sizes[link] = len(b"".join([part async for part in answer.aiter_raw()]))
            assert "immutable" in answer.headers["cache-control"], link

    assert sum(sizes.values()) < 40_000, sizes
    assert len([link for link in sizes if ".css" in link]) == 1


async def test_guessing_secrets_is_limited_by_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "SECRETS", (0.01, 3))
    async with site.client() as client:
        page = f"/b/{uuid4()}/{'x' * 43}"
        answers = [await client.get(page) for _ in range(4)]
        elsewhere = await client.get(page, headers={"X-Forwarded-For": "203.0.113.9"})

    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert elsewhere.status_code == 404


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


async def test_a_secret_dies_thirty_days_after_the_appointment(site: Site) -> None:
    async with site.client() as client:
        page = await booked(client, site)
        site.clock.instant = Instant("2026-04-09T09:29:00Z")
        last = await client.get(page)
        site.clock.instant = Instant("2026-04-09T09:31:00Z")
        dead = await client.get(page)

    assert "This meeting is over" in last.text
    assert dead.status_code == 404


async def test_unbuilt_names_are_no_files(site: Site) -> None:
    async with site.client() as client:
        answers = [await client.get(path) for path in ("/static/app.css.gz", "/static/../pages/static.py", "/static/x")]
        plain = await client.get("/static/app.css", headers={"Accept-Encoding": "identity"})

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert "content-encoding" not in plain.headers
    assert plain.headers["cache-control"] == "no-cache"
