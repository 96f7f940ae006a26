"""From a change to the mails about it, with the real services and queue (cases I01, I02; design section 5)."""

from uuid import UUID, uuid4

from kalends.errors import Upstream
from kalends.ports import MailRefused, OutgoingMail
from kalends.services import appointments, guests
from kalends.storage import guest_mails
from kalends.storage.guest_mails import Permit
from tests import factories
from tests.conftest import Outbox
from tests.jobs.stage import NOW, TUESDAY, Stage, to
from tests.mail.snapshots import calendar, part


async def owner_of(stage: Stage) -> str:
    ((email,),) = await stage.rows("SELECT email FROM user_account WHERE id = %s", stage.founded.user_id)
    return str(email)


class Failing:
    """A mailer that fails in one way until it is mended."""

    def __init__(self, inner: Outbox, failure: Exception | None) -> None:
        self.inner, self.failure, self.tried = inner, failure, list[OutgoingMail]()

    async def send(self, mail: OutgoingMail) -> None:
        self.tried.append(mail)
        if self.failure:
            raise self.failure
        await self.inner.send(mail)


async def test_a_booking_is_confirmed_to_host_and_guest_once(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()

    await stage.work()
    await stage.work()

    (to_guest,), (to_host,) = to(outbox.mails, stage.guest), to(outbox.mails, await owner_of(stage))
    assert f"http://kalends.test/b/{booked.appointment_id}/{booked.secret}" in part(to_guest, "plain")
    assert booked.secret.encode() not in to_host.content
    assert await stage.outcomes(booked.appointment_id) == ["sent", "sent"]


async def test_moved_twice_and_cancelled_keeps_the_uid_and_counts_the_sequence(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()
    await stage.work()
    for hours in (2, 3):
        await stage.move(booked.appointment_id, TUESDAY.add(hours=hours))
        await stage.work()
    await stage.cancel(booked.appointment_id)
    await stage.work()

    for address in (stage.guest, await owner_of(stage)):
        told = [calendar(mail) for mail in to(outbox.mails, address)]
        assert [(method, event["SEQUENCE"], event.start.hour) for method, event in told] == [
            ("REQUEST", 0, 9), ("REQUEST", 1, 11), ("REQUEST", 2, 12), ("CANCEL", 3, 12),
        ]  # fmt: skip
        assert len({str(event["UID"]) for _, event in told}) == 1


async def test_booked_and_cancelled_before_anything_was_told_is_never_told(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()
    await stage.cancel(booked.appointment_id)

    await stage.work()

    assert to(outbox.mails, stage.guest) + to(outbox.mails, await owner_of(stage)) == []
    assert await stage.outcomes(booked.appointment_id) == ["nothing-new"] * 4


async def test_booked_and_moved_before_anything_was_told_is_one_confirmation(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))

    await stage.work()

    (mail,) = to(outbox.mails, stage.guest)
    assert mail.message_id.startswith(f"<{booked.appointment_id}.2.")
    assert part(mail, "plain").startswith("Your booking is confirmed\n")
    assert calendar(mail)[1].start.hour == 11


async def test_moved_there_and_back_is_no_news(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()
    await stage.work()
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.move(booked.appointment_id, TUESDAY)

    await stage.work()

    assert len(to(outbox.mails, stage.guest)) == 1


async def test_without_notifications_nobody_is_told_anything(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book(skip=True)
    await stage.work()
    await stage.cancel(booked.appointment_id)
    await stage.work()

    assert to(outbox.mails, stage.guest) + to(outbox.mails, await owner_of(stage)) == []


async def test_a_note_is_no_news(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()
    await stage.work()
    async with stage.app.transaction() as conn:
        await appointments.annotate(
            conn, actor=stage.actor, appointment_id=booked.appointment_id, fields={"note": "x"}, clock=stage.clock
        )

    await stage.work()

    assert (len(to(outbox.mails, stage.guest)), len(to(outbox.mails, await owner_of(stage)))) == (1, 1)


async def test_a_guest_taken_off_gets_the_cancellation_and_nobody_else_does(stage: Stage, outbox: Outbox) -> None:
    pal = f"pal-{stage.guest}"
    booked = await stage.book(bringing=(pal,))
    await stage.work()
    ((pal_id,),) = await stage.rows("SELECT id FROM attendee WHERE email = %s", pal)
    assert isinstance(pal_id, UUID)
    await stage.cancel(booked.appointment_id, pal_id)

    await stage.work()

    assert [calendar(mail)[0] for mail in to(outbox.mails, pal)] == ["REQUEST", "CANCEL"]
    assert [calendar(mail)[0] for mail in to(outbox.mails, stage.guest)] == ["REQUEST"]
    assert [calendar(mail)[0] for mail in to(outbox.mails, await owner_of(stage))] == ["REQUEST", "REQUEST"]


async def test_every_host_of_a_collective_booking_is_told(stage: Stage, outbox: Outbox) -> None:
    async with stage.app.transaction() as conn:
        second = await factories.user(conn, stage.founded, now=NOW)
    await stage.book(hosts=(stage.founded.user_id, second.user.id))

    await stage.work()

    hosts = [await owner_of(stage), second.user.email]
    for address in (*hosts, stage.guest):
        (mail,) = to(outbox.mails, address)
        attendees = {str(one).removeprefix("mailto:") for one in calendar(mail)[1]["ATTENDEE"]}
        assert attendees == {*hosts, stage.guest}


async def test_jobs_that_run_twice_do_nothing_more(stage: Stage, outbox: Outbox) -> None:
    booked = await stage.book()
    await stage.work()
    before = list(outbox.mails)
    ((event_id,),) = await stage.rows("SELECT id FROM event WHERE appointment_id = %s", booked.appointment_id)
    effects = await stage.rows("SELECT id FROM effect WHERE event_id = %s", event_id)

    await stage.run("event.happened", event_id=event_id)
    for (effect_id,) in effects:
        await stage.run("effect.mail", effect_id=effect_id)
    await stage.work()

    assert outbox.mails == before
    assert len(effects) == 2
    assert await stage.outcomes(booked.appointment_id) == ["sent", "sent"]


async def test_a_mail_that_cannot_leave_is_tried_again_with_the_same_message_id(stage: Stage, outbox: Outbox) -> None:
    mailer = Failing(outbox, Upstream("away"))
    stage.app.mailer = mailer
    booked = await stage.book()
    await stage.work()
    waiting = await stage.rows(
        "SELECT failures, due_at, done_at FROM effect f JOIN event e ON e.id = f.event_id WHERE appointment_id = %s",
        booked.appointment_id,
    )

    mailer.failure = None
    stage.now = NOW.add(seconds=9)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()
    too_early = to(outbox.mails, stage.guest)
    stage.now = NOW.add(seconds=10)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    assert waiting == [(1, NOW.add(seconds=10), None)] * 2
    assert too_early == []
    first, second = to(mailer.tried, stage.guest)
    assert to(outbox.mails, stage.guest) == [second]
    assert first.message_id == second.message_id
    assert await stage.outcomes(booked.appointment_id) == ["sent", "sent"]


async def test_a_mail_refused_for_good_is_not_tried_again(stage: Stage, outbox: Outbox) -> None:
    mailer = Failing(outbox, MailRefused("550"))
    stage.app.mailer = mailer
    booked = await stage.book()

    await stage.work()
    stage.now = NOW.add(hours=48)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    assert len(to(mailer.tried, stage.guest)) == 1
    assert await stage.outcomes(booked.appointment_id) == ["refused", "refused"]
    known = await stage.rows("SELECT revision, tried FROM told WHERE appointment_id = %s", booked.appointment_id)
    assert known == [(0, None)] * 2


async def test_a_mail_is_given_up_after_about_a_day(stage: Stage, outbox: Outbox) -> None:
    mailer = Failing(outbox, Upstream("away"))
    stage.app.mailer = mailer
    booked = await stage.book()
    await stage.work()

    for _ in range(12):
        stage.now = stage.now.add(hours=9)
        await stage.run("upkeep.due", timestamp=0)
        await stage.work()

    assert len(to(mailer.tried, stage.guest)) == 10
    assert await stage.outcomes(booked.appointment_id) == ["given-up", "given-up"]


async def test_a_guests_address_gets_five_mails_within_an_hour_and_hosts_get_all(stage: Stage, outbox: Outbox) -> None:
    for number in range(7):
        await stage.book(TUESDAY.add(minutes=30 * number))
        await stage.work()
        stage.now = stage.now.add(minutes=5)

    def count() -> int:
        return len(to(outbox.mails, stage.guest))

    at_once = count()
    counts = []
    for minutes in (59, 60, 64, 65):  # after the first mail
        stage.now = NOW.add(minutes=minutes)
        await stage.run("upkeep.due", timestamp=0)
        await stage.work()
        counts.append(count())

    assert (at_once, counts) == (5, [5, 6, 6, 7])
    assert len(to(outbox.mails, await owner_of(stage))) == 7


async def test_a_client_brings_about_twenty_mails_to_guests_within_an_hour_and_none_is_lost(
    stage: Stage, outbox: Outbox
) -> None:
    client = str(uuid4())
    people = [f"guest{number}-{stage.guest}" for number in range(24)]

    def told() -> list[bool]:
        return [bool(to(outbox.mails, guest)) for guest in people]

    for number, guest in enumerate(people[:22]):
        await stage.book(TUESDAY.add(hours=24 * (number // 8), minutes=30 * (number % 8)), guest=guest, client=client)
    await stage.work()
    at_once = sum(told())
    await stage.book(TUESDAY.add(hours=24 * 6), guest=people[22], client=str(uuid4()))
    await stage.book(TUESDAY.add(hours=24 * 6, minutes=30), guest=people[23])
    await stage.work()
    others = told()[22:]
    stage.now = NOW.add(minutes=59)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()
    too_early = sum(told()[:22])
    stage.now = NOW.add(minutes=60)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    assert (at_once, too_early, sum(told()[:22])) == (20, 20, 22)
    assert others == [True, True]
    assert len(to(outbox.mails, await owner_of(stage))) == 24


async def test_what_a_guest_does_by_his_secret_counts_for_his_client(stage: Stage, outbox: Outbox) -> None:
    client = str(uuid4())
    booked = await stage.book()
    await stage.work()
    async with stage.app.transaction() as conn:
        for _ in range(20):
            await guest_mails.take(conn, f"{uuid4()}@guest.test", client=client, now=NOW)
        view = await guests.opened_by(conn, booked.appointment_id, booked.secret, NOW, client=client)
        await appointments.cancel(conn, actor=view.actor, appointment_id=booked.appointment_id, clock=stage.clock)
    await stage.work()
    at_once = [calendar(mail)[0] for mail in to(outbox.mails, stage.guest)]
    stage.now = NOW.add(hours=1)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    assert at_once == ["REQUEST"]
    assert [calendar(mail)[0] for mail in to(outbox.mails, stage.guest)] == ["REQUEST", "CANCEL"]
    assert [calendar(mail)[0] for mail in to(outbox.mails, await owner_of(stage))] == ["REQUEST", "CANCEL"]


async def test_a_mail_that_waits_for_one_limit_does_not_use_up_the_other(stage: Stage) -> None:
    full, free, client = f"{uuid4()}@guest.test", f"{uuid4()}@guest.test", str(uuid4())
    async with stage.app.transaction() as conn:
        for _ in range(5):
            await guest_mails.take(conn, full, client=None, now=NOW)
        refused = [await guest_mails.take(conn, full.upper(), client=client, now=NOW) for _ in range(3)]
        taken = [await guest_mails.take(conn, f"{n}{free}", client=client, now=NOW) for n in range(21)]
        waiting = await guest_mails.take(conn, free, client=client, now=NOW)
        again = [await guest_mails.take(conn, free, client=None, now=NOW) for _ in range(5)]

    assert refused == [NOW.add(hours=1)] * 3
    assert [isinstance(one, Permit) for one in taken] == [True] * 20 + [False]
    assert waiting == NOW.add(hours=1)
    assert all(isinstance(one, Permit) for one in again)


async def test_mails_that_did_not_leave_do_not_count(stage: Stage, outbox: Outbox) -> None:
    mailer = Failing(outbox, Upstream("away"))
    stage.app.mailer = mailer
    for number in range(6):
        await stage.book(TUESDAY.add(minutes=30 * number))
    await stage.work()
    mailer.failure = None
    stage.now = NOW.add(seconds=30)

    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    assert len(to(outbox.mails, stage.guest)) == 5


async def test_a_job_that_breaks_comes_back(stage: Stage, outbox: Outbox) -> None:
    stage.app.mailer = Failing(outbox, RuntimeError("a bug"))
    booked = await stage.book()

    await stage.work()

    waiting = await stage.rows(
        "SELECT status::text, attempts FROM procrastinate_jobs WHERE lock LIKE %s", f"mail {booked.appointment_id}%"
    )
    assert [row[0] for row in waiting] == ["todo", "todo"]
    assert {row[1] for row in waiting} <= {1, 2}
