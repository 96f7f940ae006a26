"""What a meeting type can be besides one guest with one host: a group, a queue, hours by channel, behind a door."""

import re

import pytest

from kalends.pages import guards
from kalends.services import one_time_links
from kalends.storage import meeting_types
from tests import factories

from .conftest import NOW, Site
from .sending import START, actor_of, add_colleague, ask_queue, booked, change_columns, change_type, form_of

DAY = "month=2026-03&day=2026-03-10"


def _seats(page: str) -> list[str]:
    return re.findall(r"(\d+ of \d+) seats left", page)


async def test_a_group_shows_the_seats_left_and_is_joined(site: Site) -> None:
    """Cases G01, G05: nobody sees who else comes, and each leaves alone."""
    await change_columns(site, spots=3)
    async with site.client() as client:
        before = await client.get(f"{site.meeting}?{DAY}")
        mia = await booked(client, site)
        after = await client.get(f"{site.meeting}?{DAY}")
        details = await client.get(f"{site.meeting}?start={START}")
        tom_form = await form_of(client, site) | {"name": "Tom Winter", "email": "tom@guest.test"}
        tom = await client.post(site.meeting, data=tom_form)
        confirmation = await client.get(tom.headers["location"])
        shown, ics = await client.get(mia), await client.get(f"{mia}/calendar.ics")
        moving = await client.get(f"{mia}/move")
        left = await client.post(f"{mia}/cancel", data={})

    assert _seats(before.text) == ["3 of 3"] * 18
    assert sorted(_seats(after.text)) == ["2 of 3"] + ["3 of 3"] * 17
    assert _seats(details.text) == ["2 of 3"]
    assert tom.status_code == 303
    assert "tom@guest.test" in confirmation.text
    assert "mia@guest.test" not in confirmation.text
    assert "Mia Sommer" not in confirmation.text
    assert "mia@guest.test" in shown.text
    for page in (shown, ics):
        assert "tom@guest.test" not in page.text
        assert "Tom Winter" not in page.text
    assert moving.status_code == 303
    assert left.status_code == 303
    [appointment] = await site.appointments()
    assert appointment.cancelled_at is None
    assert [(one.full_name, one.cancelled_at is not None) for one in appointment.attendees] == [
        ("Mia Sommer", True), ("Tom Winter", False),
    ]  # fmt: skip


async def test_too_few_seats_are_said_and_other_times_offered(site: Site) -> None:
    await change_columns(site, spots=3)
    async with site.client() as client:
        await booked(client, site)
        form = await form_of(client, site) | {"guests": "a@x.test, b@x.test"}
        answer = await client.post(site.meeting, data=form)

    assert answer.status_code == 409
    assert "There are not enough seats left at this time." in answer.text
    offered = re.findall(r'name="start" value="([^"]+)"', answer.text)
    assert len(offered) == 6
    assert START not in offered
    assert 'value="a@x.test, b@x.test"' in answer.text


async def test_a_queue_is_booked_at_its_page_and_then_shows_who_hosts(site: Site) -> None:
    ben = await add_colleague(site)
    await ask_queue(site, ben.id)
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?{DAY}")
        details = await client.get(f"{site.meeting}?start={START}")
        answer = await client.post(site.meeting, data=await form_of(client, site))
        confirmation = await client.get(answer.headers["location"])
        own = "/b" + answer.headers["location"].split("?")[0].split("/booked")[1]
        shown, moving = await client.get(own), await client.get(f"{own}/move?{DAY}")

    for text in (page.text, details.text):
        assert "Acme" in text
        assert "One of our team meets you." in text
        assert ben.full_name not in text
    assert answer.status_code == 303
    for text in (confirmation.text, shown.text, moving.text):
        assert ben.full_name in text
        assert "One of our team" not in text


async def test_the_channel_chosen_decides_the_hours(site: Site) -> None:
    closed: dict[str, object] = {"enabled": False, "hours": []}
    days = ("monday", "wednesday", "thursday", "friday", "saturday", "sunday")
    evening = {
        **dict.fromkeys(days, closed),
        "tuesday": {"enabled": True, "hours": [{"start": "18:00", "end": "19:00"}]},
    }
    async with site.app.transaction() as conn:
        schedule = await factories.availability(conn, site.host, schedule=evening, now=NOW)
    await change_columns(
        site, options={"allowedChannels": ["jitsi", "phone"], "channelAvailabilities": {"phone": str(schedule.id)}}
    )
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?{DAY}&hours=24")
        by_phone = await client.get(f"{site.meeting}?{DAY}&hours=24&channel=phone")
        evening_start = "2026-03-10T17:00:00Z"
        wrong = await client.post(site.meeting, data=await form_of(client, site) | {"start": evening_start})
        form = await form_of(client, site, evening_start, "&channel=phone")
        details = await client.get(f"{site.meeting}?start={evening_start}&channel=phone")
        right = await client.post(f"{site.meeting}?channel=phone", data=form)

    assert re.findall(r'id="channel-(\w+)"', page.text) == ["jitsi", "phone"]
    assert _times(page.text)[:2] == ["08:00", "08:30"]
    assert _times(by_phone.text) == ["18:00", "18:30"]
    assert 'type="radio" name="channel"' not in details.text
    assert 'id="phone"' in details.text
    assert wrong.status_code == 409
    assert right.status_code == 303
    assert [one.channel for one in await site.appointments()] == ["phone"]


def _times(page: str) -> list[str]:
    return re.findall(r'class="slot"[^>]*>([\d:]+)', page)


async def test_a_length_is_chosen_among_several(site: Site) -> None:
    await change_columns(site, options={"allowedDurations": [15, 60]})
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?{DAY}&hours=24&duration=60")
        answer = await client.post(
            f"{site.meeting}?duration=60", data=await form_of(client, site, query="&duration=60")
        )

    assert re.findall(r'id="duration-(\d+)"', page.text) == ["15", "30", "60"]
    assert _times(page.text)[-1] == "16:00"
    assert answer.status_code == 303
    assert [str(one.end_at) for one in await site.appointments()] == ["2026-03-10T10:00:00Z"]


async def test_a_password_is_asked_with_the_form(site: Site) -> None:
    await change_columns(site, options={"bookingPagePassword": {"enable": True, "password": "tulip"}})
    async with site.client() as client:
        form = await form_of(client, site, query="&bookingPassword=tulip")
        none, wrong, right = [
            await client.post(f"{site.meeting}?bookingPassword=tulip", data=form | {"bookingPassword": text})
            for text in ("", "orchid", "tulip")
        ]

    assert (none.status_code, wrong.status_code, right.status_code) == (422, 422, 303)
    assert 'id="bookingPassword-wrong">Please enter the password.' in none.text
    assert 'id="bookingPassword-wrong">This is not the password.' in wrong.text
    assert 'value="Mia Sommer"' in wrong.text
    assert "orchid" not in wrong.text
    [appointment] = await site.appointments()
    assert appointment.attendees[0].notes == {}
    assert "tulip" not in right.headers["location"]


async def test_guessing_a_password_is_limited_by_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "GUESSES", (0.01, 2))
    await change_columns(site, options={"bookingPagePassword": {"enable": True, "password": "tulip"}})
    async with site.client() as client:
        form = await form_of(client, site)
        answers = [
            await client.post(site.meeting, data=form | {"bookingPassword": text}) for text in ("a", "b", "tulip")
        ]
        elsewhere = await client.post(
            site.meeting, data=form | {"bookingPassword": "tulip"}, headers={"X-Forwarded-For": "203.0.113.77"}
        )

    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert elsewhere.status_code == 303


async def test_a_one_time_link_books_once_and_then_offers_nothing(site: Site) -> None:
    async with site.app.transaction() as conn:
        kind = await meeting_types.get(conn, site.host.company_id, site.meeting_type_id)
        assert kind
        link = await one_time_links.add(conn, actor=await actor_of(site), kind=kind, now=NOW)
        other = await factories.meeting_type(conn, site.host, now=NOW, meeting_info={"name": "Other"})
    query = f"oneTimeLinkId={link.id}"
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?{DAY}&{query}")
        form = await form_of(client, site, query=f"&{query}")
        first = await client.post(f"{site.meeting}?{query}", data=form)
        again = await client.post(f"{site.meeting}?{query}", data=form)
        late = await client.post(f"{site.meeting}?{query}", data=await form_of(client, site, "2026-03-11T09:00:00Z"))
        used = await client.get(f"{site.meeting}?{query}")
        others = [
            await client.get(f"{site.person}/{other.slug}?{query}"),
            await client.get(f"{site.meeting}?oneTimeLinkId={other.id}"),
            await client.get(f"{site.meeting}?oneTimeLinkId=none"),
        ]

    steps = re.findall(r'class="(?:slot|step)"[^>]* href="([^"]+)"', page.text)
    assert len(steps) > 10
    assert all(query in step for step in steps)
    assert f'name="oneTimeLinkId" value="{link.id}"' in page.text  # choosing a zone keeps it
    assert first.status_code == 303
    assert again.headers["location"] == first.headers["location"]
    for answer in (late, used):
        assert answer.status_code == 410
        assert "This link has been used" in answer.text
        assert not re.search(r"<form|start=", answer.text)
    assert [answer.status_code for answer in others] == [404] * 3
    [appointment] = await site.appointments()
    assert appointment.attendees[0].notes == {}


async def test_a_phone_number_is_enough_where_the_host_says_so(site: Site) -> None:
    await change_type(site, channel="phone")
    await change_columns(site, options={"allowPhoneOnlyBooking": True})
    async with site.client() as client:
        form = await form_of(client, site) | {"email": ""}
        neither = await client.post(site.meeting, data=form)
        short = await client.post(site.meeting, data=form | {"phone": "12"})
        answer = await client.post(site.meeting, data=form | {"phone": "0171 1234567"})
        confirmation = await client.get(answer.headers["location"])

    assert "Please enter an e-mail address or a phone number." in neither.text
    assert re.findall(r'id="(\w+)-wrong"', short.text) == ["phone"]
    assert 'value="12"' in short.text
    assert answer.status_code == 303
    [appointment] = await site.appointments()
    assert [(one.email, one.phone) for one in appointment.attendees] == [(None, "+491711234567")]
    assert "An invitation is on its way" not in confirmation.text


async def test_guests_are_brought_along_only_where_the_host_allows_it(site: Site) -> None:
    await change_columns(site, options={"allowAddingGuests": False})
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?start={START}")
        await client.post(site.meeting, data=await form_of(client, site) | {"guests": "a@x.test"})

    assert 'name="guests"' not in page.text
    assert [[one.email for one in each.attendees] for each in await site.appointments()] == [["mia@guest.test"]]
