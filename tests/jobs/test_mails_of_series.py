"""One mail for all dates of a series: booked, cancelled, changed before it left, failed, run twice (decision 0008)."""

import asyncio
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar
from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.errors import Upstream
from kalends.ports import OutgoingMail
from kalends.services import appointments, bookings, provisional_bookings
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Booked, Pending
from tests import factories
from tests.conftest import Outbox
from tests.jobs.stage import NOW, TUESDAY, Stage, to
from tests.jobs.test_mails_of_changes import Failing, owner_of
from tests.mail.snapshots import calendar, parsed, part

WEEK = 7 * 24


def week(number: int) -> Instant:
    return TUESDAY.add(hours=WEEK * number)  # before the clocks change


@pytest.fixture
async def weekly(stage: Stage) -> Stage:
    """Let the owner be booked as far ahead as anybody likes."""
    await _type(stage)
    return stage


async def _type(stage: Stage, **fields: Any) -> None:
    async with stage.app.transaction() as conn:
        kind = await factories.meeting_type(
            conn, stage.founded, now=NOW, days_into_future={"mode": "unlimited"}, **fields
        )
    stage.meeting_type_id = kind.id


async def _order(
    stage: Stage, count: int, guest: str | None = None, bringing: tuple[str, ...] = ()
) -> Booked | Pending:
    who = NewAttendee(
        guest or stage.guest, full_name="Jo Lee", language="en", timezone="Europe/London", bringalong_emails=bringing
    )
    order = Order(stage.meeting_type_id, TUESDAY, who, recurrence=Recurrence("weekly", 1, count))
    async with stage.app.transaction() as conn:
        return await bookings.book(conn, actor=stage.actor, order=order, clock=stage.clock)


async def _book(stage: Stage, count: int = 6, guest: str | None = None, bringing: tuple[str, ...] = ()) -> list[UUID]:
    booked = await _order(stage, count, guest, bringing)
    assert isinstance(booked, Booked)
    ids = [one.appointment_id for one in booked.series or ()]
    return [one for one in ids if one]


async def _cancel_from(stage: Stage, appointment_id: UUID) -> None:
    async with stage.app.transaction() as conn:
        await appointments.cancel(
            conn, actor=stage.actor, appointment_id=appointment_id, entire_series=True, clock=stage.clock
        )


async def _later(stage: Stage, seconds: int) -> None:
    stage.now = stage.now.add(seconds=seconds)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()


def _files(mail: OutgoingMail) -> dict[str, Calendar]:
    attached = [one for one in parsed(mail).iter_attachments() if isinstance(one, EmailMessage)]
    return {str(one.get_filename()): Calendar.from_ical(one.get_content().decode()) for one in attached}


def _dates(mail: OutgoingMail) -> list[str]:
    """Read the local days and times a mail tells, as its text names them."""
    return [line.strip() for line in part(mail, "plain").splitlines() if " – " in line]


async def _both(stage: Stage, outbox: Outbox) -> tuple[list[OutgoingMail], list[OutgoingMail]]:
    return to(outbox.mails, stage.guest), to(outbox.mails, await owner_of(stage))


async def test_a_series_is_one_mail_for_each_and_so_is_cancelling_the_rest_of_it(weekly: Stage, outbox: Outbox) -> None:
    ids = await _book(weekly)
    await weekly.work()
    await weekly.work()

    for mails in await _both(weekly, outbox):
        (mail,) = mails
        assert len(_dates(mail)) == 6
        method, event = calendar(mail)
        assert (method, str(event["UID"]), event.start.isoformat()) == (
            "REQUEST", f"{ids[0]}@kalends", "2031-03-11T09:00:00+00:00",
        )  # fmt: skip
        every, *each = _files(mail).values()
        assert (str(every["METHOD"]), {str(one["METHOD"]) for one in each}) == ("PUBLISH", {"REQUEST"})
        uids = [f"{one}@kalends" for one in ids]
        assert [str(one["UID"]) for one in every.walk("VEVENT")] == uids
        assert [str(one["UID"]) for file in each for one in file.walk("VEVENT")] == uids
    assert [await weekly.outcomes(one) for one in ids] == [["sent", "sent"]] * 6
    told = await weekly.rows("SELECT count(*) FROM told WHERE appointment_id = ANY(%s) AND revision = 1", ids)
    assert told == [(12,)]

    outbox.mails.clear()
    await weekly.move(ids[1], week(1).add(hours=2))
    await weekly.work()

    for (mail,) in await _both(weekly, outbox):
        method, event = calendar(mail)
        assert (method, str(event["UID"]), event["SEQUENCE"]) == ("REQUEST", f"{ids[1]}@kalends", 1)
        assert len(_dates(mail)) == 2  # when, and when before

    outbox.mails.clear()
    await _cancel_from(weekly, ids[2])
    await weekly.work()

    for (mail,) in await _both(weekly, outbox):
        assert len(_dates(mail)) == 4
        assert part(mail, "plain").startswith(("The meetings are cancelled\n", "Die Termine sind abgesagt\n"))
        files = _files(mail).values()
        assert [(str(one["METHOD"]), str(one.walk("VEVENT")[0]["UID"])) for one in files] == [
            ("CANCEL", f"{one}@kalends") for one in ids[2:]
        ]
        assert (calendar(mail)[0], calendar(mail)[1]["SEQUENCE"]) == ("CANCEL", 1)


async def test_one_cancelled_of_those_told_gets_its_own_cancellation(weekly: Stage, outbox: Outbox) -> None:
    ids = await _book(weekly, 3)
    await weekly.work()
    outbox.mails.clear()
    await weekly.cancel(ids[1])

    await weekly.work()

    for (mail,) in await _both(weekly, outbox):
        assert (calendar(mail)[0], str(calendar(mail)[1]["UID"])) == ("CANCEL", f"{ids[1]}@kalends")


async def test_what_changed_before_the_mail_left_is_told_as_it_is_then(weekly: Stage, outbox: Outbox) -> None:
    ids = await _book(weekly, 4)
    await weekly.cancel(ids[1])
    await weekly.move(ids[2], week(2).add(hours=2))

    await weekly.work()
    await _later(weekly, 10)

    for (mail,) in await _both(weekly, outbox):
        every = _files(mail)["all-dates.ics"].walk("VEVENT")
        assert [(str(one["UID"]), one["SEQUENCE"]) for one in every] == [
            (f"{ids[0]}@kalends", 0), (f"{ids[2]}@kalends", 1), (f"{ids[3]}@kalends", 0),
        ]  # fmt: skip
    left = await weekly.rows(
        "SELECT count(*) FROM effect f JOIN event e ON e.id = event_id"
        " WHERE appointment_id = ANY(%s) AND done_at IS NULL",
        ids,
    )
    assert left == [(0,)]


async def test_booked_and_cancelled_before_anything_was_told_is_never_told(weekly: Stage, outbox: Outbox) -> None:
    ids = await _book(weekly, 3)
    await _cancel_from(weekly, ids[0])

    await weekly.work()
    await _later(weekly, 10)

    assert await _both(weekly, outbox) == ([], [])
    assert [await weekly.outcomes(one) for one in ids] == [["nothing-new"] * 4] * 3


async def test_of_a_series_one_date_that_is_left_is_told_as_any_other(weekly: Stage, outbox: Outbox) -> None:
    ids = await _book(weekly, 3)
    await _cancel_from(weekly, ids[1])

    await weekly.work()
    await _later(weekly, 10)

    for (mail,) in await _both(weekly, outbox):
        assert list(_files(mail)) == ["invite.ics"]
        assert mail.message_id.startswith(f"<{ids[0]}.1.")


async def test_a_mail_that_failed_leaves_later_under_the_same_name(weekly: Stage, outbox: Outbox) -> None:
    mailer = Failing(outbox, Upstream("away"))
    weekly.app.mailer = mailer
    ids = await _book(weekly, 3)
    await weekly.work()
    mailer.failure = None

    await _later(weekly, 10)
    await _later(weekly, 3600)

    first, second = to(mailer.tried, weekly.guest)
    assert to(outbox.mails, weekly.guest) == [second]
    assert first.message_id == second.message_id
    assert [await weekly.outcomes(one) for one in ids] == [["sent", "sent"]] * 3


async def test_a_mail_that_waits_goes_along_with_the_next_that_tells_of_one_of_its_dates(
    weekly: Stage, outbox: Outbox
) -> None:
    mailer = Failing(outbox, Upstream("away"))
    weekly.app.mailer = mailer
    ids = await _book(weekly, 3)
    await weekly.work()
    mailer.failure = None
    await weekly.move(ids[1], week(1).add(hours=2))

    await weekly.work()
    await _later(weekly, 3600)

    for (mail,) in await _both(weekly, outbox):
        every = _files(mail)["all-dates.ics"].walk("VEVENT")
        assert [(str(one["UID"]), one["SEQUENCE"]) for one in every] == [
            (f"{ids[0]}@kalends", 0), (f"{ids[1]}@kalends", 1), (f"{ids[2]}@kalends", 0),
        ]  # fmt: skip


async def test_given_up_or_refused_is_so_for_all_its_dates(weekly: Stage, outbox: Outbox) -> None:
    weekly.app.mailer = Failing(outbox, Upstream("away"))
    ids = await _book(weekly, 2)
    await weekly.work()
    for _ in range(12):
        await _later(weekly, 9 * 3600)

    assert [await weekly.outcomes(one) for one in ids] == [["given-up", "given-up"]] * 2
    known = await weekly.rows("SELECT DISTINCT revision, tried FROM told WHERE appointment_id = ANY(%s)", ids)
    assert known == [(0, None)]


class Slow:
    """A mailer that holds back mails to one address until it may go on."""

    def __init__(self, inner: Outbox, address: str) -> None:
        self.inner, self.address = inner, address
        self.holding, self.go = asyncio.Event(), asyncio.Event()

    async def send(self, mail: OutgoingMail) -> None:
        if mail.recipient == self.address:
            self.holding.set()
            await self.go.wait()
        await self.inner.send(mail)


async def test_dates_cancelled_while_their_mail_is_on_its_way_are_told_after_it(weekly: Stage, outbox: Outbox) -> None:
    slow = Slow(outbox, weekly.guest)
    weekly.app.mailer = slow
    ids = await _book(weekly, 5)
    first = asyncio.create_task(weekly.work())
    await slow.holding.wait()
    await _cancel_from(weekly, ids[2])
    await weekly.move(ids[1], week(1).add(hours=2))

    second = asyncio.create_task(weekly.work())
    await asyncio.sleep(0.5)
    meanwhile = to(outbox.mails, weekly.guest)
    slow.go.set()
    await asyncio.gather(first, second)
    await _later(weekly, 5)

    booked, *others = to(outbox.mails, weekly.guest)
    assert meanwhile == []
    assert len(_dates(booked)) == 5
    told = {calendar(mail)[0]: [str(one.walk("VEVENT")[0]["UID"]) for one in _files(mail).values()] for mail in others}
    assert len(others) == 2
    assert told == {"CANCEL": [f"{one}@kalends" for one in ids[2:]], "REQUEST": [f"{ids[1]}@kalends"]}


async def test_jobs_that_run_twice_do_nothing_more(weekly: Stage, outbox: Outbox) -> None:
    ids = await _book(weekly, 3)
    await weekly.work()
    before = list(outbox.mails)
    found = await weekly.rows(
        "SELECT e.id, f.id FROM event e JOIN effect f ON f.event_id = e.id WHERE appointment_id = ANY(%s)", ids
    )

    for event_id in {row[0] for row in found}:
        await weekly.run("event.happened", event_id=event_id)
    for _, effect_id in found:
        await weekly.run("effect.mail", effect_id=effect_id)
    await weekly.work()

    assert outbox.mails == before
    assert len(found) == 6


async def test_a_series_is_one_mail_of_the_five_an_address_gets_within_an_hour(weekly: Stage, outbox: Outbox) -> None:
    pal = f"pal-{weekly.guest}"
    await _book(weekly, 8, bringing=(pal,))

    await weekly.work()
    for hours in range(1, 5):
        await weekly.book(TUESDAY.add(hours=hours))
    await weekly.work()

    assert len(to(outbox.mails, weekly.guest)) == 5
    (to_pal,) = to(outbox.mails, pal)
    assert "asks you to come to several meetings" in part(to_pal, "plain")
    assert len(_dates(to_pal)) == 8


async def test_a_guest_who_joins_sessions_for_a_series_is_told_once_and_so_is_the_host(
    weekly: Stage, outbox: Outbox
) -> None:
    """Case G05: who was there before is told nothing, and reads of nobody."""
    await _type(weekly, spots=3)
    second = f"second-{uuid4().hex[:8]}@guest.test"
    host, there = await owner_of(weekly), await _book(weekly, 2)
    await weekly.work()
    outbox.mails.clear()

    both = await _book(weekly, 4, guest=second)  # two sessions stand, two are new
    await weekly.work()

    (to_second,), (to_host,) = to(outbox.mails, second), to(outbox.mails, host)
    assert both[:2] == there
    assert to(outbox.mails, weekly.guest) == []
    assert len(_dates(to_second)) == 4
    assert weekly.guest.encode() not in to_second.content
    assert weekly.guest not in part(to_second, "plain") + part(to_second, "html")
    assert len(_dates(to_host)) == 4
    assert part(to_host, "html").count("/b/") == 0
    links = await weekly.rows("SELECT id, secret, appointment_id FROM attendee WHERE email = %s", second)
    assert all(f"/b/{row[2]}/{row[1]}" in part(to_second, "html") for row in links)
    assert [await weekly.outcomes(one) for one in both[:2]] == [["sent"] * 4] * 2


async def test_a_series_that_somebody_confirms_is_one_mail_and_so_is_the_one_before(
    weekly: Stage, outbox: Outbox
) -> None:
    await _type(weekly, meeting_options={"requireHostConfirmation": "enabled"})
    pending = await _order(weekly, 3)
    assert isinstance(pending, Pending)
    await weekly.work()
    asked = await _both(weekly, outbox)
    outbox.mails.clear()
    async with weekly.app.transaction() as conn:
        await provisional_bookings.confirm(
            conn, actor=weekly.actor, provisional_id=pending.provisional_booking_id, clock=weekly.clock
        )

    await weekly.work()

    for mails in (*asked, *await _both(weekly, outbox)):
        (mail,) = mails
        assert len(_dates(mail)) == 3
