"""Pages ask calendars live, too, before a guest gets a time."""

import pytest
from httpx2 import AsyncClient
from whenever import Instant

from tests import live_calendars
from tests.fakes.memory_calendar import MemoryCalendar
from tests.live_calendars import Several

from .conftest import NOW, Site
from .sending import START, booked, form_of

SPAN = (Instant(START), Instant(START).add(minutes=30))


@pytest.fixture
def provider(site: Site) -> Several:
    return live_calendars.provider(site.app)


@pytest.fixture
async def account(site: Site, provider: Several) -> MemoryCalendar:
    """Connect the host's calendar, read two minutes ago."""
    return await live_calendars.read(site.app, provider, site.host.company_id, site.host.id, NOW.subtract(minutes=2))


async def _sent(client: AsyncClient, site: Site) -> tuple[int, str]:
    answer = await client.post(site.meeting, data=await form_of(client, site))
    return answer.status_code, answer.text


async def test_a_time_that_has_just_been_taken_elsewhere_is_not_booked(
    site: Site, provider: Several, account: MemoryCalendar
) -> None:
    async with site.client() as client:
        account.add(*SPAN)
        status, text = await _sent(client, site)
        freed = await client.get(f"{site.meeting}?start={START}")

    assert (status, len(await site.appointments())) == (409, 0)
    assert "10:30" in text  # others to choose instead
    assert 'name="nonce"' not in freed.text
    assert provider.opened == [site.host.id]


async def test_looking_asks_nobody_and_booking_once(site: Site, provider: Several, account: MemoryCalendar) -> None:
    async with site.client() as client:
        await client.get(site.meeting)
        form = await form_of(client, site)
        looked = provider.opened[:]
        again = [await client.post(site.meeting, data=form) for _ in range(2)]

    assert looked == []
    assert [answer.status_code for answer in again] == [303, 303]
    assert (len(await site.appointments()), provider.opened) == (1, [site.host.id])


async def test_an_appointment_is_not_moved_to_where_the_host_has_just_become_busy(
    site: Site, provider: Several, account: MemoryCalendar
) -> None:
    async with site.client() as client:
        path = await booked(client, site, "2026-03-10T13:00:00Z")
        account.add(*SPAN)
        site.clock.instant = NOW.add(minutes=2)
        origin = {"Origin": site.url}
        refused = await client.post(f"{path}/move", data={"start": START}, headers=origin)
        account.remove(account.shown()[0])
        site.clock.instant = NOW.add(minutes=4)
        moved = await client.post(f"{path}/move", data={"start": START}, headers=origin)

    assert (refused.status_code, moved.status_code) == (409, 303)
    assert [one.start_at for one in await site.appointments()] == [Instant(START)]
    assert provider.opened == [site.host.id] * 3
