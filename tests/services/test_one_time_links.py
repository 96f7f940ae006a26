"""One-time booking links: each books once."""

import asyncio
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.app import App
from kalends.errors import DomainError
from kalends.services import one_time_links
from kalends.services.companies import Founded
from kalends.services.one_time_links import OneTimeLinkMismatch, OneTimeLinkNotFound, OneTimeLinkUsed
from kalends.storage import ids, locks, rows
from kalends.storage.database import Connection
from tests import factories
from tests.ordering import NOW, START


async def made(conn: Connection, company: Founded) -> UUID:
    """Make a link for the company's first type."""
    link, _, _ = await one_time_links.create(
        conn, actor=factories.actor(company), meeting_type_id=company.meeting_type_id, now=NOW
    )
    return link.id


async def provisional(conn: Connection, company: Founded, *, expires_at: Instant, status: str = "pending") -> UUID:
    """Store a provisional booking."""
    row = {
        "company_id": company.company_id, "id": ids.new_id(company.company_id),
        "meeting_type_id": company.meeting_type_id, "type": "doubleOptIn", "status": status, "dto": {},
        "host_ids": "{}", "start_at": START, "expires_at": expires_at, "guest_secret": "a", "host_secret": "b",
        "actor": {}, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    await conn.execute(*rows.insert("provisional_booking", [row]))
    return UUID(str(row["id"]))


async def state(conn: Connection, company: Founded, link: UUID, now: Instant = NOW) -> str:
    """Ask what a page would."""
    return await one_time_links.state(conn, company.company_id, link, meeting_type_id=company.meeting_type_id, now=now)


async def use(conn: Connection, company: Founded, link: UUID, now: Instant = NOW) -> None:
    """Use a link for the company's first type."""
    await locks.one_time_link(conn, company.company_id, link)
    await one_time_links.check(conn, company.company_id, link, company.meeting_type_id, now)


async def test_a_link_is_used_by_an_appointment_for_good(conn: Connection) -> None:
    company = await factories.company(conn, now=NOW)
    link = await made(conn, company)
    assert await state(conn, company, link) == "free"

    await use(conn, company, link)
    await one_time_links.settle(conn, company.company_id, link, appointment_id=uuid4())

    assert await state(conn, company, link, NOW.add(hours=24 * 365)) == "used"
    with pytest.raises(OneTimeLinkUsed):
        await use(conn, company, link)


async def test_a_link_belongs_to_one_meeting_type_of_one_company(conn: Connection) -> None:
    company, other = await factories.company(conn, now=NOW), await factories.company(conn, now=NOW)
    kind = await factories.meeting_type(conn, company, now=NOW)
    link = await made(conn, company)

    with pytest.raises(OneTimeLinkMismatch):
        await one_time_links.check(conn, company.company_id, link, kind.id, NOW)
    with pytest.raises(OneTimeLinkNotFound):
        await use(conn, other, link)
    with pytest.raises(OneTimeLinkNotFound):
        await use(conn, company, uuid4())

    pages = [
        await one_time_links.state(conn, company.company_id, link, meeting_type_id=kind.id, now=NOW),
        await state(conn, other, link),
    ]
    assert pages == ["mismatch", "unknown"]


async def test_a_link_is_used_while_its_provisional_booking_lives(conn: Connection) -> None:
    company = await factories.company(conn, now=NOW)
    link, later = await made(conn, company), NOW.add(minutes=30)
    waiting = await provisional(conn, company, expires_at=later)

    await one_time_links.settle(conn, company.company_id, link, provisional_id=waiting)

    states = [await state(conn, company, link, now) for now in (NOW, later.subtract(seconds=1), later)]
    assert states == ["used", "used", "free"]
    with pytest.raises(OneTimeLinkUsed):
        await use(conn, company, link)
    await use(conn, company, link, later)


async def test_a_declined_booking_gives_its_link_back_and_a_confirmed_one_keeps_it(conn: Connection) -> None:
    company = await factories.company(conn, now=NOW)
    later = NOW.add(minutes=30)
    states = {}

    for status in ("declined_by_host", "confirmed"):
        link = await made(conn, company)
        booking = await provisional(conn, company, expires_at=later, status=status)
        await one_time_links.settle(conn, company.company_id, link, provisional_id=booking)
        states[status] = [await state(conn, company, link, now) for now in (NOW, later)]

    assert states == {"declined_by_host": ["free", "free"], "confirmed": ["used", "used"]}


async def test_of_two_at_once_the_second_waits_and_is_refused(app: App) -> None:
    async with app.transaction() as conn:
        company = await factories.company(conn, now=NOW)
        link = await made(conn, company)
    inside, go = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with app.transaction() as conn:
            await use(conn, company, link)
            inside.set()
            await go.wait()
            await one_time_links.settle(conn, company.company_id, link, appointment_id=uuid4())

    async def second() -> str:
        await inside.wait()
        try:
            async with app.transaction() as conn:
                asyncio.get_running_loop().call_later(0.1, go.set)
                await use(conn, company, link)
        except DomainError as error:
            return error.code
        return "used twice"

    assert await asyncio.gather(first(), second()) == [None, "one-time-link-used"]
