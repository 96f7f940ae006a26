"""Times as the pages show them: zones, clock changes, absences."""

import re
from html import unescape
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from httpx2 import AsyncClient
from whenever import Instant

from kalends.services import meeting_types as kinds
from kalends.storage import meeting_types, users
from tests import factories

from .conftest import NOW, Site
from .sending import booked


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
