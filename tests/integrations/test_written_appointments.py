"""Appointments in real CalDAV, in a Google and in a Graph that are not theirs: booked, moved and cancelled."""

import pytest
from icalendar import Calendar
from whenever import Instant

from kalends.app import App
from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.ports import CalendarKind, Connected
from kalends.services import calendar_connections, calendar_sync
from kalends.services.calendar_connections import Found
from kalends.storage import calendar_writes, effects
from tests import factories
from tests.conftest import Outbox
from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph
from tests.integrations.conftest import Desk
from tests.jobs.stage import NOW, TUESDAY, Stage, to
from tests.mail.snapshots import part


@pytest.fixture
async def stage(app: App, conninfo: str) -> Stage:
    async with app.transaction() as conn:
        founded = await factories.company(conn, now=NOW)
        meeting_type = await factories.meeting_type(conn, founded, now=NOW)
    stage = Stage(app, conninfo, founded, meeting_type.id)
    app.now = stage.clock
    return stage


@pytest.fixture(autouse=True)
async def _nothing_owed_by_others(stage: Stage) -> None:
    async with stage.app.transaction() as conn:  # their calendars would be these
        await conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        await conn.execute("DELETE FROM calendar_write")


async def connect(stage: Stage, kind: CalendarKind, connected: Connected) -> Found:
    """Connect an account as its owner does, and have it read once."""
    found = await calendar_connections.look(stage.app.calendars[kind], connected)
    async with stage.app.transaction() as conn:
        view = await calendar_connections.connect(
            conn, actor=stage.actor, user_id=stage.founded.user_id, found=found, as_sync=True, box=stage.app.box,
            clock=stage.clock,
        )  # fmt: skip
    await stage.work()
    for _ in range(5):  # on a busy machine a server may be too slow
        outcome = await calendar_sync.read_now(stage.app.calendar_reader, stage.founded.company_id, view.connection.id)
        if outcome == "read":
            break
    return found


async def later(stage: Stage, **time: int) -> None:
    """Do what there is to do; let time pass, and do what is due."""
    await stage.work()
    stage.now = stage.now.add(**time)
    async with stage.app.transaction() as conn:
        await effects.start_due(conn, stage.now)
        await calendar_writes.start_due(conn, stage.now)
    await stage.work()


async def test_caldav(stage: Stage, radicale_desk: Desk, web: Web, expander: Expander, outbox: Outbox) -> None:
    stage.app.calendars = {"caldav": CalDavProvider("caldav", web, expander)}
    connected = await stage.app.calendars["caldav"].connect(radicale_desk.form)
    found = await connect(stage, "caldav", connected)
    (calendar,) = [one for one in found.calendars if one.name == radicale_desk.calendar]
    booked = await stage.book()
    await stage.work()
    (written,) = (await radicale_desk.telephone.texts(calendar)).values()

    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    (moved,) = (await radicale_desk.telephone.texts(calendar)).values()
    await stage.cancel(booked.appointment_id)
    await stage.work()

    lines = written.replace("\r\n ", "").splitlines()
    assert f"UID:{booked.appointment_id}@kalends" in lines
    assert [line for line in lines if "SCHEDULE-AGENT=CLIENT" in line and line.endswith(f"mailto:{stage.guest}")]
    assert [start_of(text) for text in (written, moved)] == [TUESDAY, TUESDAY.add(hours=2)]
    assert await radicale_desk.telephone.texts(calendar) == {}


def start_of(text: str) -> Instant:
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    return Instant(event.start)


async def on(stage: Stage, channel: str) -> None:
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(conn, stage.founded, meeting_info={"channel": channel}, now=NOW)
    stage.meeting_type_id = kind.id


def told(stage: Stage, outbox: Outbox) -> list[str]:
    return [part(mail, "plain") for mail in to(outbox.mails, stage.guest)]


@pytest.mark.parametrize("rooms", ["at once", "later"])
async def test_google_with_meet(stage: Stage, google: FakeGoogle, outbox: Outbox, rooms: str) -> None:
    account = google.account("ada@acme.test")
    google.rooms = rooms
    provider = google.provider(clock=stage.clock)
    stage.app.calendars = {"google": provider}
    await connect(stage, "google", await google.connect(provider, account))
    await on(stage, "google")
    booked = await stage.book()
    await later(stage, seconds=11)
    (event,) = account.primary.events.values()
    link = event["hangoutLink"]

    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    (moved,) = account.primary.events.values()
    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert [link in one for one in told(stage, outbox)] == [True, True, True]
    assert (moved["iCalUID"], Instant.parse_iso(moved["start"]["dateTime"])) == (
        f"{booked.appointment_id}@kalends", TUESDAY.add(hours=2),
    )  # fmt: skip
    assert (moved["hangoutLink"], moved["location"]) == (link, link)
    assert [one["status"] for one in account.primary.events.values()] in ([], ["cancelled"])
    assert google.mails == []


@pytest.mark.parametrize("joined_later", [False, True])
async def test_microsoft_with_teams(stage: Stage, graph: FakeGraph, outbox: Outbox, joined_later: bool) -> None:
    mailbox = graph.account("ada@acme.test")
    mailbox.joined_later = joined_later
    provider = graph.provider(clock=stage.clock)
    stage.app.calendars = {"outlook": provider}
    await connect(stage, "outlook", await graph.connect(provider, mailbox))
    await on(stage, "teamsForBusiness2")
    booked = await stage.book()
    await later(stage, seconds=11)
    (event,) = mailbox.events.values()
    link = event.fields["onlineMeeting"]["joinUrl"]

    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    (moved,) = [one.start for one in mailbox.events.values()]
    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert [link in one for one in told(stage, outbox)] == [True, True, True]
    assert moved == TUESDAY.add(hours=2)
    assert (mailbox.events, mailbox.mailed) == ({}, [])
