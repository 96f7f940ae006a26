"""Quick mails on their way, the last one through a real SMTP server (contract 2.8)."""

from uuid import UUID

import pytest
from whenever import Instant

from kalends.app import App
from kalends.domain.retry import MAIL_DELAYS_S
from kalends.errors import Upstream
from kalends.integrations.smtp import SmtpMailer
from kalends.ports import MailRefused
from kalends.services import quick_mails
from tests.conftest import Outbox
from tests.jobs.stage import Stage, to
from tests.jobs.test_mails_of_changes import Failing, owner_of
from tests.mail import smtp_server
from tests.mail.snapshots import parsed, part

CONTENT = "Dear Jo,\n\nplease bring <b>the plan</b>\nand a pen."


@pytest.fixture
async def attendee(stage: Stage, outbox: Outbox) -> UUID:
    """Book, and work off what that brings."""
    booked = await stage.book()
    await stage.work()
    outbox.mails.clear()
    ((found,),) = await stage.rows("SELECT id FROM attendee WHERE appointment_id = %s", booked.appointment_id)
    assert isinstance(found, UUID)
    return found


async def write(stage: Stage, attendee: UUID, title: str = "Before we meet") -> None:
    async with stage.app.transaction() as conn:
        await quick_mails.write(
            conn, actor=stage.actor, attendee_id=attendee, title=title, content=CONTENT, now=stage.now
        )


async def state(stage: Stage, attendee: UUID) -> tuple[object, ...]:
    (row,) = await stage.rows(
        "SELECT outcome, failures, done_at IS NOT NULL FROM quick_mail WHERE attendee_id = %s", attendee
    )
    return row


async def test_it_comes_as_written_and_is_answered_to_who_wrote_it(
    stage: Stage, outbox: Outbox, attendee: UUID
) -> None:
    await write(stage, attendee, "Before <we> meet")

    await stage.work()
    await stage.work()

    (mail,) = to(outbox.mails, stage.guest)
    assert (parsed(mail)["Subject"], mail.recipient) == ("Before <we> meet", stage.guest)
    assert parsed(mail)["Reply-To"].addresses[0].addr_spec == await owner_of(stage)
    assert CONTENT in part(mail, "plain")
    assert "please bring &lt;b&gt;the plan&lt;/b&gt;<br />and a pen." in part(mail, "html")
    assert await state(stage, attendee) == ("sent", 0, True)


async def test_it_is_tried_again_under_the_same_name_and_given_up_after_a_day(
    stage: Stage, outbox: Outbox, app: App, attendee: UUID
) -> None:
    app.mailer = failing = Failing(outbox, Upstream("the server is away"))
    await write(stage, attendee)
    await stage.work()
    for delay in MAIL_DELAYS_S:
        stage.now = stage.now.add(seconds=delay)
        await stage.run("upkeep.due", timestamp=0)
        await stage.work()

    tried = to(failing.tried, stage.guest)
    assert len(tried) == len(MAIL_DELAYS_S) + 1
    assert len({mail.message_id for mail in tried}) == 1
    assert await state(stage, attendee) == ("given-up", len(MAIL_DELAYS_S), True)


async def test_it_is_not_tried_again_where_it_is_refused(
    stage: Stage, outbox: Outbox, app: App, attendee: UUID
) -> None:
    app.mailer = failing = Failing(outbox, MailRefused("no such user"))
    await write(stage, attendee)
    await stage.work()
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    assert len(to(failing.tried, stage.guest)) == 1
    assert await state(stage, attendee) == ("refused", 0, True)


async def test_it_falls_under_the_limit_of_a_guests_address(stage: Stage, outbox: Outbox, attendee: UUID) -> None:
    for _ in range(5):
        await write(stage, attendee)
    await stage.work()
    soon = len(to(outbox.mails, stage.guest))
    stage.now = stage.now.add(minutes=60)
    await stage.run("upkeep.due", timestamp=0)
    await stage.work()

    # The confirmation of the booking was one of the first hour's five.
    assert (soon, len(to(outbox.mails, stage.guest))) == (4, 5)


async def test_it_arrives_through_a_real_server(stage: Stage, app: App, attendee: UUID) -> None:
    with smtp_server.running() as post:
        app.mailer = SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}")
        await write(stage, attendee)
        await stage.work()

    (mail,) = to(post.mails, stage.guest)
    assert CONTENT in part(mail, "plain")
    assert Instant.parse_rfc2822(parsed(mail)["Date"]) == stage.now
