"""Appointments in real CalDAV, in a Google and in a Graph that are not theirs: booked, moved and cancelled."""

from collections.abc import Collection
from typing import TypeAlias

import pytest
from icalendar import Calendar
from whenever import Instant

from kalends.app import App
from kalends.integrations.caldav import CalDavProvider
from kalends.integrations.expanding import Expander
from kalends.integrations.web import Web
from kalends.ports import CalendarKind, Connected
from kalends.services import calendar_connections, calendar_sync, found_accounts
from kalends.services.found_accounts import Found
from tests.conftest import Outbox
from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph
from tests.integrations.conftest import Desk
from tests.jobs.stage import TUESDAY, Stage, staged, to
from tests.mail.snapshots import part

Shown: TypeAlias = tuple[Instant, str, str | None]  # start, link and place of an event


@pytest.fixture
async def stage(app: App, conninfo: str) -> Stage:
    return await staged(app, conninfo)


async def connect(stage: Stage, kind: CalendarKind, connected: Connected) -> Found:
    """Connect an account as its owner does, and have it read once."""
    found = await found_accounts.look(stage.app.calendars[kind], connected)
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


class Meet:
    """A Google account, whose events have a link of Meet."""

    kind: CalendarKind = "google"
    channel = "google"

    def __init__(self, google: FakeGoogle, stage: Stage, *, late: bool) -> None:
        google.rooms = "later" if late else "at once"
        self._google, self._account = google, google.account("ada@acme.test")
        self.provider = google.provider(clock=stage.clock)
        self.mails: Collection[object] = google.mails

    async def connected(self) -> Connected:
        return await self._google.connect(self.provider, self._account)

    def events(self) -> list[Shown]:
        standing = (one for one in self._account.primary.events.values() if one["status"] != "cancelled")
        return [
            (Instant.parse_iso(one["start"]["dateTime"]), one["hangoutLink"], one.get("location")) for one in standing
        ]


class Teams:
    """A Microsoft 365 mailbox, whose events have a link of Teams."""

    kind: CalendarKind = "outlook"
    channel = "teamsForBusiness2"

    def __init__(self, graph: FakeGraph, stage: Stage, *, late: bool) -> None:
        self._graph, self._mailbox = graph, graph.account("ada@acme.test")
        self._mailbox.joined_later = late
        self.provider = graph.provider(clock=stage.clock)
        self.mails: Collection[object] = self._mailbox.mailed

    async def connected(self) -> Connected:
        return await self._graph.connect(self.provider, self._mailbox)

    def events(self) -> list[Shown]:
        return [
            (one.start, one.fields["onlineMeeting"]["joinUrl"], one.fields["location"]["displayName"])
            for one in self._mailbox.events.values()
        ]


Account: TypeAlias = Meet | Teams


@pytest.fixture(params=["at once", "late"])
def late(request: pytest.FixtureRequest) -> bool:
    """Make the link with the event, or some moments after it."""
    return bool(request.param == "late")


@pytest.fixture(params=["meet", "teams"])
def account(request: pytest.FixtureRequest, google: FakeGoogle, graph: FakeGraph, stage: Stage, late: bool) -> Account:
    return Meet(google, stage, late=late) if request.param == "meet" else Teams(graph, stage, late=late)


async def test_a_meeting_keeps_its_link_where_it_moves(stage: Stage, account: Account, outbox: Outbox) -> None:
    stage.app.calendars = {account.kind: account.provider}
    await connect(stage, account.kind, await account.connected())
    await stage.meet_on(account.channel)
    booked = await stage.book()
    await stage.work()
    await stage.later(seconds=11)
    ((_, link, _),) = account.events()

    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    moved = account.events()
    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert [link in part(mail, "plain") for mail in to(outbox.mails, stage.guest)] == [True, True, True]
    assert moved == [(TUESDAY.add(hours=2), link, link)]
    assert (account.events(), list(account.mails)) == ([], [])
