"""From a provisional booking to the mails about it, its expiry included, with the real services and queue."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from whenever import Instant

from kalends.app import App
from kalends.errors import Upstream
from kalends.ports import OutgoingMail
from kalends.services import bookings, provisional_bookings, provisional_views
from kalends.services.actor import Actor
from kalends.services.orders import NewAttendee, Order
from kalends.services.outcomes import Pending
from kalends.storage import provisional_bookings as stored
from kalends.storage.provisional_bookings import ProvisionalBooking
from tests import factories
from tests.conftest import Outbox
from tests.jobs.stage import NOW, TUESDAY, Stage, to
from tests.jobs.test_mails_of_changes import Failing, owner_of
from tests.mail.snapshots import parsed, part

OPT_IN = {"doubleOptIn": "enabled"}
APPROVAL = {"requireHostConfirmation": "enabled"}


@dataclass
class Waiting:
    """Bookings that wait, and who decides about them."""

    stage: Stage
    outbox: Outbox
    host: str

    async def book(
        self,
        options: dict[str, str],
        *,
        client: str | None = "198.51.100.7",
        skip: bool = False,
        start: Instant = TUESDAY,
    ) -> ProvisionalBooking:
        stage = self.stage
        async with stage.app.transaction() as conn:
            kind = await factories.meeting_type(conn, stage.founded, now=NOW, meeting_options=options)
        actor = Actor(stage.founded.company_id, None, False, "page", client=client) if client else stage.actor
        guest = NewAttendee(stage.guest, full_name="Jo Lee", language="en", notes={"Wish": "Buy now at evil.test"})
        wanted = Order(kind.id, start, guest, skip_notifications=skip)
        async with stage.app.transaction() as conn:
            outcome = await bookings.book(conn, actor=actor, order=wanted, clock=stage.clock)
        assert isinstance(outcome, Pending)
        return await self.read(outcome.provisional_booking_id)

    async def read(self, provisional_id: UUID) -> ProvisionalBooking:
        async with self.stage.app.reading() as conn:
            found = await stored.of_any_company(conn, provisional_id)
        assert found
        return found

    async def prove(self, booking: ProvisionalBooking) -> None:
        stage = self.stage
        async with stage.app.transaction() as conn:
            view = await provisional_views.opened_by(conn, booking.id, booking.guest_secret, stage.now)
            await provisional_bookings.prove(conn, view=view, clock=stage.clock)

    async def confirm(self, booking: ProvisionalBooking) -> None:
        async with self.stage.app.transaction() as conn:
            await provisional_bookings.confirm(
                conn, actor=self.stage.actor, provisional_id=booking.id, clock=self.stage.clock
            )

    async def decline(self, booking: ProvisionalBooking, reason: str | None = None) -> None:
        async with self.stage.app.transaction() as conn:
            await provisional_bookings.decline(
                conn, actor=self.stage.actor, provisional_id=booking.id, reason=reason, clock=self.stage.clock
            )

    async def expire(self, minutes: int) -> None:
        """Let time pass, and the periodic jobs run."""
        self.stage.now = self.stage.now.add(minutes=minutes)
        await self.stage.run("upkeep.expire", timestamp=0)
        await self.stage.run("upkeep.sweep", timestamp=0)

    async def subjects(self) -> tuple[list[str], list[str]]:
        """Do all jobs; answer what the guest and the host have been told so far."""
        await self.stage.work()
        guest, host = to(self.outbox.mails, self.stage.guest), to(self.outbox.mails, self.host)
        return [parsed(mail)["Subject"] for mail in guest], [parsed(mail)["Subject"] for mail in host]

    @property
    def last(self) -> OutgoingMail:
        """The newest mail to the guest."""
        return to(self.outbox.mails, self.stage.guest)[-1]


@pytest.fixture
async def waiting(stage: Stage, outbox: Outbox) -> Waiting:
    return Waiting(stage, outbox, await owner_of(stage))


async def test_a_guest_is_asked_to_confirm_and_the_host_hears_of_it_when_it_is_booked(waiting: Waiting) -> None:
    booking = await waiting.book(OPT_IN)
    asked = await waiting.subjects()
    mail = waiting.last
    await waiting.prove(booking)

    (_, confirmation), (to_host,) = await waiting.subjects()

    assert asked == (["Please confirm your booking: Talk"], [])
    assert f"http://kalends.test/p/{booking.id}/{booking.guest_secret}" in part(mail, "plain")
    assert "evil.test" not in part(mail, "plain") + part(mail, "html")
    assert confirmation.startswith("Talk with Ada Roth")
    assert to_host == "Talk with Jo Lee"


async def test_a_host_who_has_to_approve_is_asked_at_once_and_the_guest_told_so(waiting: Waiting) -> None:
    booking = await waiting.book(APPROVAL)

    guest, host = await waiting.subjects()

    assert (guest, host) == (["Your request was received: Talk"], ["A booking waits for you: Talk"])
    (received,), (asked,) = to(waiting.outbox.mails, waiting.stage.guest), to(waiting.outbox.mails, waiting.host)
    own = booking.host_secret_of(waiting.stage.founded.user_id)
    assert f"/p/{booking.id}/{booking.guest_secret}" in part(received, "plain")
    assert f"/p/{booking.id}/{own}" in part(asked, "plain")
    assert booking.guest_secret not in part(asked, "plain")
    assert "Wish: Buy now at evil.test" in part(asked, "plain")
    assert "evil.test" not in part(received, "plain")
    assert "confirm first that this is your address" in part(received, "plain")


async def test_with_both_the_host_is_asked_once_the_guest_has_proved_himself(waiting: Waiting) -> None:
    booking = await waiting.book(OPT_IN | APPROVAL)
    before = await waiting.subjects()
    await waiting.prove(booking)

    guest, host = await waiting.subjects()

    assert before == (["Please confirm your booking: Talk"], [])
    assert guest[1:] == ["Your request was received: Talk"]
    assert host == ["A booking waits for you: Talk"]
    assert "confirm first" not in part(to(waiting.outbox.mails, waiting.stage.guest)[-1], "plain")


async def test_who_has_proved_himself_is_not_asked_to(waiting: Waiting) -> None:
    await waiting.book(APPROVAL, client=None)

    await waiting.subjects()

    (received,) = to(waiting.outbox.mails, waiting.stage.guest)
    assert "confirm first" not in part(received, "plain")
    assert "View your request: http" in part(received, "plain")


async def test_a_guest_is_told_that_he_is_declined_and_why(waiting: Waiting) -> None:
    booking = await waiting.book(APPROVAL)
    await waiting.subjects()
    await waiting.decline(booking, "We are full that week.")

    guest, host = await waiting.subjects()

    assert (guest[1:], host[1:]) == (["Your booking was declined: Talk"], [])
    assert "Reason: We are full that week." in part(waiting.last, "plain")
    assert "/p/" not in part(waiting.last, "plain")


async def test_what_is_decided_before_the_mail_left_asks_nobody_any_more(waiting: Waiting) -> None:
    await waiting.decline(await waiting.book(APPROVAL))
    await waiting.confirm(await waiting.book(APPROVAL, start=TUESDAY.add(hours=1)))

    guest, host = await waiting.subjects()

    assert [subject.partition(" Roth")[0] for subject in sorted(guest)] == [
        "Talk with Ada", "Your booking was declined: Talk",
    ]  # fmt: skip
    assert host == ["Talk with Jo Lee"]


async def test_who_never_proved_himself_is_not_told_of_the_expiry_and_neither_is_the_host(waiting: Waiting) -> None:
    booking = await waiting.book(OPT_IN)
    await waiting.subjects()
    await waiting.expire(30)

    guest, host = await waiting.subjects()

    assert (guest, host) == (["Please confirm your booking: Talk"], [])
    assert (await waiting.read(booking.id)).expired_at == NOW.add(minutes=30)


async def test_who_proved_himself_is_told_once_that_nobody_approved(waiting: Waiting) -> None:
    booking = await waiting.book(APPROVAL)
    await waiting.prove(booking)
    await waiting.subjects()
    await waiting.expire(1440)
    await waiting.expire(1)

    guest, host = await waiting.subjects()

    assert guest[1:] == ["Your request has expired: Talk"]
    assert len(host) == 1
    rows = await waiting.stage.rows(
        "SELECT kind FROM event WHERE provisional_id = %s AND kind = 'provisional_expired'", booking.id
    )
    assert len(rows) == 1


async def test_ended_reservations_go_after_a_day_and_their_claims_before(waiting: Waiting) -> None:
    booking = await waiting.book(OPT_IN)
    counted = "SELECT (SELECT count(*) FROM claim c WHERE c.company_id = r.company_id) FROM reservation r WHERE id IN ("
    mine = f"{counted} SELECT id FROM reservation WHERE provisional_id = %s)"
    begun = await waiting.stage.rows(mine, booking.id)
    await waiting.expire(31)
    ended = await waiting.stage.rows(mine, booking.id)
    await waiting.expire(1441)

    assert (begun, ended, await waiting.stage.rows(mine, booking.id)) == ([(1,)], [(0,)], [])


async def test_times_are_kept_until_the_expiry_is_known_however_long_no_job_ran(waiting: Waiting) -> None:
    booking = await waiting.book(APPROVAL, client=None)
    await waiting.stage.work()
    waiting.stage.now = booking.expires_at.add(hours=25)

    await waiting.stage.run("upkeep.sweep", timestamp=0)
    await waiting.expire(0)

    assert (await waiting.read(booking.id)).expired_at == waiting.stage.now
    assert (await waiting.subjects())[0][-1] == "Your request has expired: Talk"


async def test_without_notifications_only_the_guest_who_has_to_confirm_hears_of_it(waiting: Waiting) -> None:
    await waiting.book(OPT_IN, client=None, skip=True)
    quiet = await waiting.book(APPROVAL, client=None, skip=True, start=TUESDAY.add(hours=1))
    await waiting.decline(quiet)

    assert await waiting.subjects() == (["Please confirm your booking: Talk"], [])


async def test_a_mail_that_cannot_leave_is_tried_again_with_the_same_message_id(waiting: Waiting, app: App) -> None:
    failing = Failing(waiting.outbox, Upstream("the server is away"))
    app.mailer = failing
    await waiting.book(OPT_IN)
    await waiting.stage.work()
    failing.failure = None
    waiting.stage.now = waiting.stage.now.add(seconds=11)
    await waiting.stage.run("upkeep.due", timestamp=0)

    await waiting.stage.work()

    mine = to(failing.tried, waiting.stage.guest)
    assert len(mine) == 2
    assert len({mail.message_id for mail in mine}) == 1


async def test_a_mail_put_off_until_it_is_too_late_is_not_sent(waiting: Waiting, app: App) -> None:
    failing = Failing(waiting.outbox, Upstream("the server is away"))
    app.mailer = failing
    await waiting.book(OPT_IN)
    await waiting.stage.work()
    failing.failure = None
    waiting.stage.now = waiting.stage.now.add(minutes=30)
    await waiting.stage.run("upkeep.due", timestamp=0)

    assert await waiting.subjects() == ([], [])


async def test_these_mails_fall_under_the_limit_of_a_guests_address(waiting: Waiting) -> None:
    for number in range(6):
        await waiting.book(OPT_IN, client=f"198.51.100.{number}", start=TUESDAY.add(minutes=30 * number))

    guest, _ = await waiting.subjects()

    assert len(guest) == 5
