"""Bookings that somebody still has to confirm: who is asked, how long their time is kept, what becomes of them."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from whenever import Instant

from kalends.domain.recurrence import Recurrence
from kalends.errors import NotFound
from kalends.services import (
    appointments,
    booking_holds,
    bookings,
    companies,
    new_provisional_bookings,
    one_time_links,
    provisional_bookings,
    provisional_views,
)
from kalends.services.actor import Actor
from kalends.services.companies import Founded
from kalends.services.company_settings import CompanySettings
from kalends.services.new_provisional_bookings import TooManyUnconfirmed
from kalends.services.one_time_links import OneTimeLinkUsed
from kalends.services.orders import Order
from kalends.services.outcomes import Pending
from kalends.services.provisional_bookings import AlreadyConfirmed, AlreadyDeclined
from kalends.services.provisional_views import View
from kalends.services.refusals import CapReached, HoldExpired, SlotTaken
from kalends.services.slot_queries import SlotQuery
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType
from kalends.storage.provisional_bookings import ProvisionalBooking
from tests import calendar_rows, factories
from tests.ordering import NOW, START, booked, listed, order

OPT_IN = {"doubleOptIn": "enabled"}
APPROVAL = {"requireHostConfirmation": "enabled"}
AT = START.timestamp() // 60


def after(minutes: int) -> Any:
    """Make a clock that stands still so long after NOW."""
    return lambda: NOW.add(minutes=minutes)


def visitor(company: Founded, client: str = "198.51.100.7") -> Actor:
    return Actor(company.company_id, None, False, "page", client=client)


async def kind_of(conn: Connection, company: Founded, options: dict[str, str], **fields: Any) -> MeetingType:
    return await factories.meeting_type(conn, company, now=NOW, meeting_options=options, **fields)


async def pending(conn: Connection, actor: Actor, wanted: Order, minutes: int = 0) -> ProvisionalBooking:
    """Book, which asks somebody first; answer what waits."""
    outcome = await bookings.book(conn, actor=actor, order=wanted, clock=after(minutes))
    assert isinstance(outcome, Pending)
    admin = replace(actor, is_admin=True)
    found = await provisional_views.get(conn, actor=admin, provisional_id=outcome.provisional_booking_id)
    assert found.type == outcome.booking_type
    return found


async def guests_view(conn: Connection, booking: ProvisionalBooking, minutes: int = 1) -> View:
    return await provisional_views.opened_by(conn, booking.id, booking.guest_secret, NOW.add(minutes=minutes))


async def kinds_of_events(conn: Connection, company: Founded) -> list[str]:
    cursor = await conn.execute("SELECT kind FROM event WHERE company_id = %s ORDER BY id", (company.company_id,))
    return [row[0] for row in await cursor.fetchall()]


async def claims_of(conn: Connection, company: Founded) -> list[tuple[bool, bool, Instant | None]]:
    cursor = await conn.execute(
        "SELECT appointment_id IS NOT NULL, exclusive, expires_at FROM claim WHERE company_id = %s ORDER BY start_at",
        (company.company_id,),
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


@pytest.mark.parametrize(
    ("options", "settings", "fields", "asked"),
    [
        ({}, (False, False), {}, None),
        ({}, (True, False), {}, "doubleOptIn"),
        ({}, (True, True), {}, "doubleOptIn"),
        ({}, (False, True), {}, "requireHostConfirmation"),
        ({"doubleOptIn": "disabled"}, (True, False), {}, None),
        ({"doubleOptIn": "disabled"}, (True, True), {}, "requireHostConfirmation"),
        (OPT_IN, (False, False), {}, "doubleOptIn"),
        (APPROVAL, (False, False), {}, "requireHostConfirmation"),
        (OPT_IN | APPROVAL, (False, False), {}, "doubleOptIn"),
        (OPT_IN | APPROVAL, (False, False), {"ignore_availability": True}, None),
        (OPT_IN, (False, False), {"email": None, "phone": "+436601234567"}, None),
        (OPT_IN | APPROVAL, (False, False), {"email": None, "phone": "+436601234567"}, "requireHostConfirmation"),
    ],
)
async def test_who_is_asked_first(
    conn: Connection,
    company: Founded,
    options: dict[str, str],
    settings: tuple[bool, bool],
    fields: dict[str, Any],
    asked: str | None,
) -> None:
    kind = await kind_of(conn, company, options)

    found = new_provisional_bookings.needed(
        kind, CompanySettings(*settings, 1440, 5, "stale", "closed"), order(kind.id, **fields)
    )

    assert found == asked


async def test_a_company_can_ask_for_all_its_types(conn: Connection, company: Founded) -> None:
    actor = factories.actor(company)
    await companies.update(conn, actor=actor, columns={}, settings={"requireHostConfirmation": "enabled"}, now=NOW)

    waiting = await pending(conn, actor, order(company.meeting_type_id))

    assert (waiting.type, waiting.then_host) == ("requireHostConfirmation", False)


@pytest.mark.parametrize(
    ("options", "by_guest", "minutes"),
    [
        (OPT_IN, True, 30),
        (OPT_IN, False, 30),  # nobody knows that the credential's owner reads this e-mail
        (APPROVAL, True, 30),
        (APPROVAL, False, 1440),
    ],
)
async def test_time_is_kept_as_long_as_the_address_deserves(
    conn: Connection, company: Founded, options: dict[str, str], by_guest: bool, minutes: int
) -> None:
    kind = await kind_of(conn, company, options)

    waiting = await pending(conn, visitor(company) if by_guest else factories.actor(company), order(kind.id))

    assert waiting.expires_at == NOW.add(minutes=minutes)
    assert (waiting.proved_at is None) == (minutes == 30)
    assert await claims_of(conn, company) == [(False, True, waiting.expires_at)]


@pytest.mark.parametrize(("setting", "minutes"), [(10, 10), (10_000, 60 * 23)])
async def test_no_time_is_kept_beyond_the_setting_or_the_start(
    conn: Connection, company: Founded, setting: int, minutes: int
) -> None:
    actor = factories.actor(company)
    kind = await kind_of(conn, company, APPROVAL)
    settings = {"provisionalExpiryMinutes": setting}
    await companies.update(conn, actor=actor, columns={}, settings=settings, now=NOW)

    waiting = await pending(conn, actor, order(kind.id, NOW.add(hours=23)))

    assert waiting.expires_at == NOW.add(minutes=minutes)


async def test_a_pending_booking_hides_its_slot_until_it_expires(conn: Connection, company: Founded) -> None:
    """Case C04."""
    kind = await kind_of(conn, company, OPT_IN)
    await pending(conn, visitor(company), order(kind.id))

    hidden = AT not in await listed(conn, company, kind.id)
    with pytest.raises(SlotTaken):
        await bookings.book(conn, actor=visitor(company, "203.0.113.9"), order=order(kind.id), clock=after(29))
    taken = await pending(conn, visitor(company, "203.0.113.9"), order(kind.id), minutes=30)

    assert hidden
    assert taken.expires_at == NOW.add(minutes=60)


async def test_a_declined_booking_gives_its_slot_back(conn: Connection, company: Founded) -> None:
    """Case C04."""
    kind, actor = await kind_of(conn, company, APPROVAL), factories.actor(company)
    waiting = await pending(conn, actor, order(kind.id))
    hidden = AT not in await listed(conn, company, kind.id)

    declined = await provisional_bookings.decline(
        conn, actor=actor, provisional_id=waiting.id, reason="We are full.", clock=after(5)
    )

    assert hidden
    assert AT in await listed(conn, company, kind.id)
    assert (declined.status, declined.reason, declined.revision) == ("declined_by_host", "We are full.", 2)
    assert await claims_of(conn, company) == []
    assert await kinds_of_events(conn, company) == ["provisional_created", "provisional_declined"]


async def test_a_pending_booking_counts_for_caps_until_it_ends(conn: Connection, company: Founded) -> None:
    """Case S07."""
    actor = factories.actor(company)
    kind = await kind_of(conn, company, APPROVAL, booking_limits={"perDay": 1})
    waiting = await pending(conn, actor, order(kind.id))

    with pytest.raises(CapReached):
        await bookings.book(conn, actor=actor, order=order(kind.id, START.add(hours=1)), clock=after(0))
    await provisional_bookings.decline(conn, actor=actor, provisional_id=waiting.id, clock=after(1))

    assert await pending(conn, actor, order(kind.id, START.add(hours=1)), minutes=2)


async def test_a_guest_who_proves_himself_is_booked(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, OPT_IN)
    waiting = await pending(conn, visitor(company), order(kind.id, full_name="Gil Moss", notes={"Topic": "Roof"}))

    done = await provisional_bookings.prove(conn, view=await guests_view(conn, waiting), clock=after(1))
    again = await provisional_bookings.prove(conn, view=await guests_view(conn, waiting, 2), clock=after(2))

    assert done.booking.appointment_id
    made = await appointments.get(conn, actor=factories.actor(company), appointment_id=done.booking.appointment_id)
    (guest,) = made.attendees
    assert (made.start_at, guest.full_name, guest.notes, guest.secret) == (
        START, "Gil Moss", {"Topic": "Roof"}, done.secret,
    )  # fmt: skip
    assert (done.booking.status, done.booking.proved_at) == ("confirmed", NOW.add(minutes=1))
    assert again == done
    assert await claims_of(conn, company) == [(True, True, None)]
    assert await kinds_of_events(conn, company) == ["provisional_created", "booking_created", "provisional_confirmed"]


async def test_first_the_guest_then_the_host(conn: Connection, company: Founded) -> None:
    actor = factories.actor(company)
    kind = await kind_of(conn, company, OPT_IN | APPROVAL)
    waiting = await pending(conn, visitor(company), order(kind.id))

    proved = (await provisional_bookings.prove(conn, view=await guests_view(conn, waiting), clock=after(1))).booking
    kept = await claims_of(conn, company)
    done = await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(1000))

    assert (waiting.type, waiting.then_host) == ("doubleOptIn", True)
    assert (proved.type, proved.then_host, proved.status) == ("requireHostConfirmation", False, "pending")
    assert proved.expires_at == NOW.add(minutes=1440)
    assert kept == [(False, True, NOW.add(minutes=1440))]
    assert done.booking.status == "confirmed"
    assert await kinds_of_events(conn, company) == [
        "provisional_created", "provisional_proved", "booking_created", "provisional_confirmed",
    ]  # fmt: skip


async def test_a_guest_who_waits_for_the_host_alone_keeps_his_time_longer_by_proving_himself(
    conn: Connection, company: Founded
) -> None:
    kind = await kind_of(conn, company, APPROVAL)
    waiting = await pending(conn, visitor(company), order(kind.id))

    first = await provisional_bookings.prove(conn, view=await guests_view(conn, waiting), clock=after(29))
    again = await provisional_bookings.prove(conn, view=await guests_view(conn, waiting), clock=after(40))

    assert (first.booking.status, first.booking.expires_at) == ("pending", NOW.add(minutes=1440))
    assert again.booking == first.booking
    assert await kinds_of_events(conn, company) == ["provisional_created", "provisional_proved"]


async def test_opening_a_link_changes_nothing(conn: Connection, company: Founded) -> None:
    """Case P04: a mail scanner opens every link; only the button on the page acts."""
    kind = await kind_of(conn, company, OPT_IN)
    waiting = await pending(conn, visitor(company), order(kind.id))

    for secret in (waiting.guest_secret, waiting.host_secret_of(company.user_id)):
        view = await provisional_views.opened_by(conn, waiting.id, secret, NOW)
        assert view.booking == waiting

    assert await kinds_of_events(conn, company) == ["provisional_created"]


async def test_a_link_says_whose_it_is(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, APPROVAL)
    ben = (await factories.user(conn, company, now=NOW)).user
    wanted = order(kind.id, host_ids=(company.user_id, ben.id), mode="everyone")
    waiting = await pending(conn, factories.actor(company), wanted)

    views = [
        await provisional_views.opened_by(conn, waiting.id, secret, NOW)
        for secret in (waiting.guest_secret, *(waiting.host_secret_of(one) for one in waiting.host_ids))
    ]

    assert [(view.side, view.actor.user_id, view.actor.is_admin) for view in views] == [
        ("guest", None, False), ("host", company.user_id, False), ("host", ben.id, False),
    ]  # fmt: skip


async def test_other_secrets_and_old_links_open_nothing(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, OPT_IN)
    waiting = await pending(conn, visitor(company), order(kind.id))

    for secret, now in (
        ("x" * 43, NOW),
        ("", NOW),
        ("ü\ud800", NOW),
        (waiting.host_secret, NOW),
        (waiting.host_secret_of(uuid4()), NOW),
        (waiting.guest_secret, START.add(hours=24 * 30)),
    ):
        with pytest.raises(NotFound):
            await provisional_views.opened_by(conn, waiting.id, secret, now)
    with pytest.raises(NotFound):
        await provisional_views.opened_by(conn, uuid4(), waiting.guest_secret, NOW)


async def test_the_link_of_a_host_who_was_deleted_opens_nothing(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, APPROVAL)
    ben = (await factories.user(conn, company, now=NOW)).user
    waiting = await pending(conn, factories.actor(company), order(kind.id, host_ids=(ben.id,)))

    await conn.execute("UPDATE user_account SET deleted_at = %s WHERE id = %s", (NOW, ben.id))

    with pytest.raises(NotFound):
        await provisional_views.opened_by(conn, waiting.id, waiting.host_secret_of(ben.id), NOW)


@pytest.mark.parametrize("options", [OPT_IN, APPROVAL])
async def test_what_a_host_who_left_was_to_give_is_not_confirmed(
    conn: Connection, company: Founded, options: dict[str, str]
) -> None:
    kind, actor = await kind_of(conn, company, options), factories.actor(company)
    ben = (await factories.user(conn, company, now=NOW)).user
    waiting = await pending(conn, visitor(company), order(kind.id, host_ids=(ben.id,)))
    await conn.execute("UPDATE user_account SET deleted_at = %s WHERE id = %s", (NOW, ben.id))

    with pytest.raises(HoldExpired):
        await provisional_bookings.prove(conn, view=await guests_view(conn, waiting), clock=after(1))
    with pytest.raises(HoldExpired):
        await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(1))
    declined = await provisional_bookings.decline(conn, actor=actor, provisional_id=waiting.id, clock=after(1))

    assert declined.status == "declined_by_host"


async def test_hosts_and_administrators_decide_and_nobody_else(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, APPROVAL)
    ben, eve = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(2)]
    waiting = await pending(conn, visitor(company), order(kind.id, host_ids=(ben,)))
    guest = await guests_view(conn, waiting)

    for actor in (factories.actor(company, eve), guest.actor, factories.actor(await factories.company(conn, now=NOW))):
        with pytest.raises(NotFound):
            await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(1))
        with pytest.raises(NotFound):
            await provisional_bookings.decline(conn, actor=actor, provisional_id=waiting.id, clock=after(1))
    host = await provisional_views.opened_by(conn, waiting.id, waiting.host_secret_of(ben), NOW)
    with pytest.raises(NotFound):
        await provisional_bookings.prove(conn, view=host, clock=after(1))

    done = await provisional_bookings.confirm(conn, actor=host.actor, provisional_id=waiting.id, clock=after(1))
    assert done.booking.status == "confirmed"


async def test_a_host_may_confirm_what_the_guest_has_not(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, OPT_IN)
    waiting = await pending(conn, visitor(company), order(kind.id))

    done = await provisional_bookings.confirm(
        conn, actor=factories.actor(company), provisional_id=waiting.id, clock=after(1)
    )

    assert (done.booking.status, done.booking.proved_at) == ("confirmed", None)


async def test_what_is_decided_stays_decided(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    yes = await pending(conn, actor, order(kind.id))
    no = await pending(conn, actor, order(kind.id, START.add(hours=1)))
    confirmed = await provisional_bookings.confirm(conn, actor=actor, provisional_id=yes.id, clock=after(1))
    declined = await provisional_bookings.decline(conn, actor=actor, provisional_id=no.id, clock=after(1))
    events = await kinds_of_events(conn, company)

    assert await provisional_bookings.confirm(conn, actor=actor, provisional_id=yes.id, clock=after(9)) == confirmed
    assert await provisional_bookings.decline(conn, actor=actor, provisional_id=no.id, clock=after(9)) == declined
    with pytest.raises(AlreadyConfirmed):
        await provisional_bookings.decline(conn, actor=actor, provisional_id=yes.id, clock=after(9))
    with pytest.raises(AlreadyDeclined):
        await provisional_bookings.confirm(conn, actor=actor, provisional_id=no.id, clock=after(9))
    with pytest.raises(AlreadyDeclined):
        await provisional_bookings.prove(conn, view=await guests_view(conn, no), clock=after(9))
    assert await kinds_of_events(conn, company) == events


async def test_what_has_expired_can_neither_be_confirmed_nor_declined_nor_proved(
    conn: Connection, company: Founded
) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, OPT_IN)
    waiting = await pending(conn, visitor(company), order(kind.id))

    with pytest.raises(HoldExpired):
        await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(30))
    with pytest.raises(HoldExpired):
        await provisional_bookings.decline(conn, actor=actor, provisional_id=waiting.id, clock=after(30))
    with pytest.raises(HoldExpired):
        await provisional_bookings.prove(conn, view=await guests_view(conn, waiting), clock=after(30))
    assert waiting.status_at(NOW.add(minutes=29)) == "pending"
    assert waiting.status_at(NOW.add(minutes=30)) == "expired"


async def test_time_that_a_faster_clock_gave_to_somebody_else_is_not_booked_twice(
    conn: Connection, company: Founded
) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    waiting = await pending(conn, actor, order(kind.id))
    ahead = order(company.meeting_type_id, START)
    await bookings.book(conn, actor=actor, order=ahead, clock=after(1440))

    with pytest.raises(HoldExpired):
        await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(1439))


async def test_expiry_is_made_known_once(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, OPT_IN)
    waiting = await pending(conn, visitor(company), order(kind.id))

    known = [
        await provisional_bookings.expire(
            conn, company_id=company.company_id, provisional_id=waiting.id, clock=after(minutes)
        )
        for minutes in (29, 30, 31)
    ]

    assert known == [False, True, False]
    assert await kinds_of_events(conn, company) == ["provisional_created", "provisional_expired"]
    assert await claims_of(conn, company) == []


async def test_one_client_leaves_three_unproved_with_a_host_at_most(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, APPROVAL)
    other = (await factories.user(conn, company, now=NOW)).user.id
    made = [await pending(conn, visitor(company), order(kind.id, START.add(minutes=30 * n))) for n in range(3)]
    fourth = order(kind.id, START.add(hours=2))

    with pytest.raises(TooManyUnconfirmed):
        await bookings.book(conn, actor=visitor(company), order=fourth, clock=after(1))
    assert await pending(conn, visitor(company, "203.0.113.9"), order(kind.id, START.add(hours=3)))
    assert await pending(conn, factories.actor(company), order(kind.id, START.add(hours=4)))
    assert await pending(conn, visitor(company), order(kind.id, START, host_ids=(other,)))
    await provisional_bookings.prove(conn, view=await guests_view(conn, made[0]), clock=after(1))
    assert await pending(conn, visitor(company), fourth, minutes=2)


async def test_the_limit_forgets_what_has_expired(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, OPT_IN)
    for number in range(3):
        await pending(conn, visitor(company), order(kind.id, START.add(minutes=30 * number)))

    assert await pending(conn, visitor(company), order(kind.id, START.add(hours=2)), minutes=30)


async def test_a_series_waits_as_one_and_is_booked_as_one(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    weekly = order(kind.id, recurrence=Recurrence("weekly", 1, 3))
    waiting = await pending(conn, actor, weekly)
    kept = await claims_of(conn, company)

    done = await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(1))

    assert kept == [(False, True, waiting.expires_at)] * 3
    assert await claims_of(conn, company) == [(True, True, None)] * 3
    cursor = await conn.execute(
        "SELECT id, start_at FROM appointment WHERE company_id = %s ORDER BY start_at", (company.company_id,)
    )
    made = await cursor.fetchall()
    assert [row[1] for row in made] == [START.add(hours=24 * 7 * n) for n in range(3)]
    assert done.booking.appointment_id == made[0][0]


async def test_a_declined_series_gives_all_its_time_back(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    waiting = await pending(conn, actor, order(kind.id, recurrence=Recurrence("daily", 1, 2)))

    await provisional_bookings.decline(conn, actor=actor, provisional_id=waiting.id, clock=after(1))

    assert await claims_of(conn, company) == []


async def test_seats_of_a_group_wait_too(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL, spots=3)
    first = await pending(conn, actor, order(kind.id, email="a@guests.test"))
    second = await pending(conn, actor, order(kind.id, email="b@guests.test", bringalong_emails=("c@guests.test",)))

    with pytest.raises(SlotTaken):
        await bookings.book(conn, actor=actor, order=order(kind.id, email="d@guests.test"), clock=after(1))
    one = await provisional_bookings.confirm(conn, actor=actor, provisional_id=second.id, clock=after(1))
    two = await provisional_bookings.confirm(conn, actor=actor, provisional_id=first.id, clock=after(2))

    assert one.booking.appointment_id == two.booking.appointment_id is not None
    made = await appointments.get(conn, actor=actor, appointment_id=one.booking.appointment_id)
    assert [guest.email for guest in made.attendees] == ["b@guests.test", "c@guests.test", "a@guests.test"]
    assert [one.secret, two.secret] == [made.attendees[0].secret, made.attendees[2].secret]
    again = await provisional_bookings.confirm(conn, actor=actor, provisional_id=first.id, clock=after(3))
    assert again.secret == two.secret


async def test_a_queues_turn_is_kept_settled_and_given_back(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    people = [(await factories.user(conn, company, now=NOW)).user.id for _ in range(3)]
    queue_id = await calendar_rows.queue(conn, company, kind.id, people)
    yes, no, over = [await pending(conn, actor, order(kind.id, START.add(hours=n))) for n in range(3)]

    done = await provisional_bookings.confirm(conn, actor=actor, provisional_id=yes.id, clock=after(1))
    await provisional_bookings.decline(conn, actor=actor, provisional_id=no.id, clock=after(1))
    await provisional_bookings.expire(conn, company_id=company.company_id, provisional_id=over.id, clock=after(1440))

    assert [one.host_ids for one in (yes, no, over)] == [[people[0]], [people[1]], [people[2]]]
    assert yes.selection == {"userIds": [str(people[0])], "selectionReason": "position", "groupId": None}
    cursor = await conn.execute(
        "SELECT member_id, live, appointment_id, expires_at FROM queue_choice WHERE queue_id = %s ORDER BY id",
        (queue_id,),
    )
    ledger = await cursor.fetchall()
    assert [row[:3] for row in ledger] == [
        (people[0], True, done.booking.appointment_id), (people[1], False, None), (people[2], False, None),
    ]  # fmt: skip
    assert ledger[0][3] is None


async def test_a_room_is_kept_too(conn: Connection, company: Founded) -> None:
    actor = factories.actor(company)
    room = (await factories.user(conn, company, now=NOW, user_type="resource")).user
    channel = {"id": str(uuid4()), "name": "Room", "groupName": None, "groupMemberIndex": None}
    kind = await kind_of(
        conn, company, APPROVAL, resource_channels=[channel | {"availabilityId": None, "resourceId": str(room.id)}]
    )
    other = (await factories.user(conn, company, now=NOW)).user.id
    waiting = await pending(conn, actor, order(kind.id))

    with pytest.raises(SlotTaken):
        await bookings.book(conn, actor=actor, order=order(kind.id, host_ids=(other,)), clock=after(1))
    done = await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(1))

    assert done.booking.appointment_id
    cursor = await conn.execute(
        "SELECT count(*) FROM claim c JOIN user_account u USING (host_no) WHERE u.id = %s AND c.appointment_id = %s",
        (room.id, done.booking.appointment_id),
    )
    assert await cursor.fetchone() == (1,)


async def test_a_hold_becomes_a_booking_that_waits(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    query = SlotQuery(kind.id, START, START.add(minutes=1))
    held = await booking_holds.create(conn, actor=actor, query=query, clock=after(0))

    waiting = await pending(conn, actor, order(kind.id, hold_id=held.id), minutes=4)

    assert waiting.expires_at == NOW.add(minutes=4 + 1440)
    assert await claims_of(conn, company) == [(False, True, waiting.expires_at)]
    assert (await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(30))).secret


async def test_a_one_time_link_is_used_while_its_booking_waits(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, APPROVAL)
    link = (await one_time_links.create(conn, actor=actor, meeting_type_id=kind.id, now=NOW))[0].id
    waiting = await pending(conn, actor, order(kind.id, one_time_link_id=link))

    second = order(kind.id, START.add(hours=1), one_time_link_id=link)
    with pytest.raises(OneTimeLinkUsed):
        await bookings.book(conn, actor=actor, order=second, clock=after(1))
    await provisional_bookings.decline(conn, actor=actor, provisional_id=waiting.id, clock=after(1))
    again = await pending(conn, actor, second, minutes=2)
    await provisional_bookings.confirm(conn, actor=actor, provisional_id=again.id, clock=after(3))
    with pytest.raises(OneTimeLinkUsed):
        await bookings.book(conn, actor=actor, order=order(kind.id, one_time_link_id=link), clock=after(4))


async def test_a_one_time_link_that_a_faster_clock_took_for_free_books_once(conn: Connection, company: Founded) -> None:
    actor, kind = factories.actor(company), await kind_of(conn, company, OPT_IN | APPROVAL)
    link = (await one_time_links.create(conn, actor=actor, meeting_type_id=kind.id, now=NOW))[0].id
    waiting = await pending(conn, actor, order(kind.id, one_time_link_id=link))
    view = await guests_view(conn, waiting)
    other = await pending(conn, actor, order(kind.id, START.add(hours=1), one_time_link_id=link), minutes=30)

    with pytest.raises(HoldExpired):
        await provisional_bookings.prove(conn, view=view, clock=after(29))
    with pytest.raises(HoldExpired):
        await provisional_bookings.confirm(conn, actor=actor, provisional_id=waiting.id, clock=after(29))
    assert (await provisional_bookings.confirm(conn, actor=actor, provisional_id=other.id, clock=after(31))).secret


async def test_a_direct_booking_takes_no_notice_of_any_of_this(conn: Connection, company: Founded) -> None:
    kind = await kind_of(conn, company, {"doubleOptIn": "disabled", "requireHostConfirmation": "disabled"})

    made = await booked(conn, factories.actor(company), order(kind.id))

    assert made.start_at == START
    cursor = await conn.execute("SELECT FROM provisional_booking WHERE company_id = %s", (company.company_id,))
    assert cursor.rowcount == 0
    assert isinstance(made.id, UUID)
