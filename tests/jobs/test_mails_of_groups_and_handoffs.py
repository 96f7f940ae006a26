"""Who is told what when guests join and leave a group, and when somebody else takes a meeting over."""

from uuid import UUID, uuid4

import pytest

from kalends.services import appointments, handoffs
from kalends.services.handoffs import Target
from tests import factories
from tests.conftest import Outbox
from tests.jobs.stage import NOW, Stage, to
from tests.jobs.test_mails_of_changes import owner_of
from tests.mail.snapshots import calendar, parsed, part


@pytest.fixture
def guests() -> list[str]:
    """Name three guests nobody has mailed to: an address gets five an hour."""
    return [f"{name}-{uuid4().hex[:8]}@guest.test" for name in ("ann", "bob", "cyd")]


@pytest.fixture
async def group(stage: Stage) -> Stage:
    async with stage.app.transaction() as conn:
        stage.meeting_type_id = (await factories.meeting_type(conn, stage.founded, now=NOW, spots=3)).id
    return stage


def headings(outbox: Outbox, address: str) -> list[str]:
    return [part(mail, "plain").splitlines()[0] for mail in to(outbox.mails, address)]


async def seats(stage: Stage, guests: list[str]) -> tuple[UUID, list[UUID]]:
    """Book a seat for each guest, one after the other, and tell everybody; answer appointment and attendees."""
    for guest in guests:
        booked = await stage.book(guest=guest)
        await stage.work()
    rows = await stage.rows(
        "SELECT id FROM attendee WHERE appointment_id = %s ORDER BY position", booked.appointment_id
    )
    return booked.appointment_id, [UUID(str(row[0])) for row in rows]


async def test_who_joins_a_group_is_told_alone_and_the_host_of_each(
    group: Stage, outbox: Outbox, guests: list[str]
) -> None:
    appointment_id, _ = await seats(group, guests)

    assert [headings(outbox, guest) for guest in guests] == [["Your booking is confirmed"]] * 3
    assert headings(outbox, await owner_of(group)) == ["New booking", "A guest joined", "A guest joined"]
    assert await group.outcomes(appointment_id) == ["sent"] * 6  # no jobs for those whom it does not concern
    told = [mail for address in (*guests, await owner_of(group)) for mail in to(outbox.mails, address)]
    sequences = {calendar(mail)[1]["SEQUENCE"] for mail in told}
    assert sequences == {0}


async def test_guests_who_join_at_once_are_one_mail_for_the_host(
    group: Stage, outbox: Outbox, guests: list[str]
) -> None:
    for guest in guests:
        await group.book(guest=guest)

    await group.work()

    assert headings(outbox, await owner_of(group)) == ["New booking"]
    assert f"Guest: Jo Lee\n  {guests[2]}" in part(to(outbox.mails, await owner_of(group))[0], "plain")


async def test_who_leaves_a_group_is_told_alone(group: Stage, outbox: Outbox, guests: list[str]) -> None:
    """Case G01: the other two stay and hear nothing."""
    appointment_id, (_, second, _) = await seats(group, guests)
    outbox.mails.clear()
    await group.cancel(appointment_id, second)

    await group.work()

    assert [headings(outbox, guest) for guest in guests] == [[], ["You no longer take part"], []]
    assert headings(outbox, await owner_of(group)) == ["A guest left"]
    (mail,) = to(outbox.mails, guests[1])
    method, event = calendar(mail)
    assert (method, str(event["ATTENDEE"]), "STATUS" in event) == ("CANCEL", f"mailto:{guests[1]}", False)


async def test_no_guest_reads_of_the_others(group: Stage, outbox: Outbox, guests: list[str]) -> None:
    """Case G05."""
    appointment_id, (first, *_) = await seats(group, guests)
    await group.cancel(appointment_id, first)
    await group.work()

    for guest in guests:
        for mail in to(outbox.mails, guest):
            told = part(mail, "plain") + part(mail, "html") + str(calendar(mail)[1].to_ical())
            assert [other for other in guests if other != guest and other in told] == []


async def test_a_handoff_tells_old_host_new_host_and_guest_once_each(stage: Stage, outbox: Outbox) -> None:
    """Case K20: calendars keep the organizer they know, whoever hosts now."""
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    booked, ada = await stage.book(), await owner_of(stage)
    await stage.work()
    outbox.mails.clear()
    async with stage.app.transaction() as conn:
        await handoffs.hand_over(
            conn,
            actor=stage.actor,
            appointment_id=booked.appointment_id,
            target=Target(user_id=ben.id),
            clock=stage.clock,
        )

    await stage.work()

    (to_old,), (to_new,), (to_guest,) = (to(outbox.mails, address) for address in (ada, ben.email, stage.guest))
    assert [part(mail, "plain").splitlines()[0] for mail in (to_old, to_new, to_guest)] == [
        "You no longer take part", "New booking", "The meeting has changed",
    ]  # fmt: skip
    assert f"With: {ben.given_name} {ben.family_name}\nBefore: Ada Roth" in part(to_guest, "plain")
    events = [calendar(mail) for mail in (to_old, to_new, to_guest)]
    assert [method for method, _ in events] == ["CANCEL", "REQUEST", "REQUEST"]
    assert {str(event["ORGANIZER"]) for _, event in events} == {f"mailto:{ada}"}
    assert len({str(event["UID"]) for _, event in events}) == 1
    assert parsed(to_guest)["Reply-To"].addresses[0].addr_spec == ben.email


def told(outbox: Outbox, address: str) -> list[tuple[str, int]]:
    """List what a calendar of this address was asked to do, with the SEQUENCE of each."""
    return [(method, event["SEQUENCE"]) for method, event in map(calendar, to(outbox.mails, address))]


async def test_a_seat_taken_again_is_newer_than_the_cancellation_of_the_old_one(
    group: Stage, outbox: Outbox, guests: list[str]
) -> None:
    """RFC 5546 2.1.5: what has a lower SEQUENCE than what is known is old news."""
    appointment_id, (_, second, _) = await seats(group, guests)
    await group.cancel(appointment_id, second)
    await group.work()
    await group.book(guest=guests[1].upper())
    await group.work()

    assert told(outbox, guests[1]) == [("REQUEST", 0), ("CANCEL", 1)]
    assert told(outbox, guests[1].upper()) == [("REQUEST", 2)]
    assert told(outbox, guests[0]) == [("REQUEST", 0)]


async def test_who_is_brought_along_again_is_invited_with_a_higher_sequence(stage: Stage, outbox: Outbox) -> None:
    pal = f"pal-{stage.guest}"
    booked = await stage.book(bringing=(pal,))
    await stage.work()
    pal_id, booker_id = [
        UUID(str(row[0]))
        for address in (pal, stage.guest)
        for row in await stage.rows("SELECT id FROM attendee WHERE email = %s", address)
    ]
    await stage.cancel(booked.appointment_id, pal_id)
    await stage.work()
    async with stage.app.transaction() as conn:
        await appointments.add_guest(
            conn,
            actor=stage.actor,
            appointment_id=booked.appointment_id,
            attendee_id=booker_id,
            email=pal,
            clock=stage.clock,
        )

    await stage.work()

    assert told(outbox, pal) == [("REQUEST", 0), ("CANCEL", 1), ("REQUEST", 2)]


async def test_one_of_two_seats_given_back_leaves_the_meeting_in_the_calendar(
    group: Stage, outbox: Outbox, guests: list[str]
) -> None:
    appointment_id, (first, second) = await seats(group, [guests[0], guests[0]])
    outbox.mails.clear()
    await group.cancel(appointment_id, second)
    await group.work()
    (one_less,) = to(outbox.mails, guests[0])
    await group.cancel(appointment_id, first)
    await group.work()

    kinds = [part.get_content_type() for part in parsed(one_less).walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert headings(outbox, guests[0]) == ["You no longer take part", "The meeting is cancelled"]
    assert [calendar(mail)[0] for mail in to(outbox.mails, guests[0])[1:]] == ["CANCEL"]


async def test_a_meeting_handed_over_and_back_is_newer_each_time(stage: Stage, outbox: Outbox) -> None:
    async with stage.app.transaction() as conn:
        ben = (await factories.user(conn, stage.founded, now=NOW)).user
    booked, ada = await stage.book(), await owner_of(stage)
    await stage.work()
    for user_id in (ben.id, stage.founded.user_id):
        async with stage.app.transaction() as conn:
            await handoffs.hand_over(
                conn,
                actor=stage.actor,
                appointment_id=booked.appointment_id,
                target=Target(user_id=user_id),
                clock=stage.clock,
            )
        await stage.work()

    assert told(outbox, ada) == [("REQUEST", 0), ("CANCEL", 1), ("REQUEST", 2)]
    assert told(outbox, ben.email) == [("REQUEST", 1), ("CANCEL", 2)]
    assert told(outbox, stage.guest) == [("REQUEST", 0), ("REQUEST", 1), ("REQUEST", 2)]
