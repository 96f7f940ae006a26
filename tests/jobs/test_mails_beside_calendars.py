"""What mails carry to hosts whose calendars we write."""

from email.message import EmailMessage

import pytest

from kalends.domain.recurrence import Recurrence
from kalends.ports import OutgoingMail
from kalends.services import bookings
from kalends.services.orders import NewAttendee, Order
from tests import statements
from tests.calendar_connections import connect
from tests.conftest import Outbox
from tests.fakes.memory_calendar import MemoryCalendar
from tests.jobs.stage import NOW, TUESDAY, Stage, to
from tests.jobs.test_mails_of_changes import owner_of
from tests.mail.snapshots import parsed, part


@pytest.fixture(autouse=True)
def _calendar(stage: Stage) -> None:
    stage.app.calendars = {"caldav": MemoryCalendar()}


def calendar_parts(mail: OutgoingMail) -> list[str]:
    """List the content types of a mail's iCalendar parts, attached ones too."""
    walked = [one for one in parsed(mail).walk() if isinstance(one, EmailMessage)]
    return [one.get_content_type() for one in walked if one.get_content_maintype() != "multipart"][2:]


async def both(stage: Stage, outbox: Outbox) -> tuple[list[list[str]], list[list[str]]]:
    """Work, then give the iCalendar parts of all mails to the host and to the guest."""
    await stage.work()
    owner = await owner_of(stage)
    return [calendar_parts(one) for one in to(outbox.mails, owner)], [
        calendar_parts(one) for one in to(outbox.mails, stage.guest)
    ]


INVITED = ["text/calendar", "application/ics"]


async def test_a_host_whose_calendar_we_write_is_told_without_an_invitation(stage: Stage, outbox: Outbox) -> None:
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)
    booked = await stage.book()
    await stage.work()
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    await stage.cancel(booked.appointment_id)

    to_host, to_guest = await both(stage, outbox)

    assert to_host[-3:] == [[], [], []]
    assert to_guest == [INVITED, INVITED, INVITED]


async def test_a_host_invited_before_he_connected_is_told_of_changes_as_he_was_invited(
    stage: Stage, outbox: Outbox
) -> None:
    booked = await stage.book()
    await stage.work()
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW.add(minutes=1))
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))

    to_host, _ = await both(stage, outbox)

    assert to_host == [INVITED, INVITED]


async def test_a_host_is_invited_while_his_calendar_does_not_let_us_in(stage: Stage, outbox: Outbox) -> None:
    connection_id = await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)
    async with stage.app.transaction() as conn:
        await conn.execute("UPDATE calendar_access SET status = 'refused' WHERE connection_id = %s", (connection_id,))
    await stage.book()

    to_host, _ = await both(stage, outbox)

    assert to_host == [INVITED]


async def test_a_host_is_invited_whose_calendar_may_not_be_written_to_any_more(stage: Stage, outbox: Outbox) -> None:
    connection_id = await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)
    async with stage.app.transaction() as conn:
        await conn.execute("UPDATE calendar SET writable = false WHERE connection_id = %s", (connection_id,))
    await stage.book()

    to_host, _ = await both(stage, outbox)

    assert to_host == [INVITED]


async def test_calendars_are_looked_up_for_mails_to_hosts_only(stage: Stage) -> None:
    booked = await stage.book()
    ((event_id,),) = await stage.rows("SELECT id FROM event WHERE appointment_id = %s", booked.appointment_id)
    await stage.run("event.happened", event_id=event_id)
    effects = await stage.rows(
        "SELECT id, target = %s FROM effect WHERE event_id = %s", stage.founded.user_id, event_id
    )

    asked = {}
    for effect_id, to_host in effects:
        with statements.counted() as sent:
            await stage.run("effect.mail", effect_id=effect_id)
        asked[to_host] = len([one for one in sent if "calendar" in one])

    assert asked == {True: 1, False: 0}


async def test_of_a_series_such_a_host_gets_no_files_either(stage: Stage, outbox: Outbox) -> None:
    await connect(stage.app, stage.founded.company_id, stage.founded.user_id, now=NOW)
    who = NewAttendee(stage.guest, full_name="Jo Lee", language="en", timezone="Europe/London")
    async with stage.app.transaction() as conn:
        order = Order(stage.meeting_type_id, TUESDAY, who, recurrence=Recurrence("weekly", 1, 3))
        await bookings.book(conn, actor=stage.actor, order=order, clock=stage.clock)

    to_host, to_guest = await both(stage, outbox)

    assert to_host == [[]]
    assert len(to_guest[0]) == 5
    (mail,) = to(outbox.mails, await owner_of(stage))
    assert "Attached" not in part(mail, "plain")
