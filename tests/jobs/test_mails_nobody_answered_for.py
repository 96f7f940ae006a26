"""Mails of which nobody knows whether they left: the worker died, or the server fell silent, after the last byte."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from kalends.errors import Upstream
from kalends.ports import MailRefused, MailUnanswered, OutgoingMail
from tests.conftest import Outbox
from tests.jobs.stage import TUESDAY, Stage, to
from tests.jobs.test_mails_of_groups_and_handoffs import told
from tests.mail.snapshots import calendar

DIED = RuntimeError("killed before it could note that")
SILENT = MailUnanswered("no answer")


@dataclass
class Falling:
    """A mailer that does each of `failures`, then none; those in `left` come after the mail was delivered."""

    inner: Outbox
    failures: list[Exception] = field(default_factory=list)
    left: tuple[Exception, ...] = (DIED, SILENT)

    async def send(self, mail: OutgoingMail) -> None:
        failure = self.failures.pop(0) if self.failures and "guest" in mail.recipient else None
        if failure is None or failure in self.left:
            await self.inner.send(mail)
        if failure:
            raise failure


@pytest.fixture
def falling(stage: Stage, outbox: Outbox) -> Falling:
    stage.app.mailer = mailer = Falling(outbox)
    return mailer


async def again(stage: Stage, appointment_id: UUID) -> None:
    """Do what is still to be done: jobs whose worker died come back, mails that were put off are due."""
    async with stage.app.transaction() as conn:
        await conn.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL, attempts = 0 WHERE status = 'todo'")
    await stage.later(hours=1)
    assert None not in await stage.outcomes(appointment_id)


@pytest.mark.parametrize("failures", [[DIED], [SILENT], [SILENT, Upstream("away")], [SILENT, SILENT]])
async def test_a_meeting_cancelled_meanwhile_is_taken_back(
    stage: Stage, outbox: Outbox, falling: Falling, failures: list[Exception]
) -> None:
    falling.failures = [failures[0]]
    booked = await stage.book()
    await stage.work()
    falling.failures = failures[1:]
    await stage.cancel(booked.appointment_id)

    await stage.work()
    await again(stage, booked.appointment_id)

    left = 2 if failures[1:] == [SILENT] else 1
    assert told(outbox, stage.guest) == [("REQUEST", 0), *[("CANCEL", 1)] * left]


@pytest.mark.parametrize("failure", [Upstream("away"), MailRefused("550")])
async def test_what_did_not_leave_for_sure_is_not_taken_back(
    stage: Stage, outbox: Outbox, falling: Falling, failure: Exception
) -> None:
    falling.failures = [failure]
    booked = await stage.book()
    await stage.work()
    await stage.cancel(booked.appointment_id)

    await stage.work()
    await again(stage, booked.appointment_id)

    assert told(outbox, stage.guest) == []


@pytest.mark.parametrize("failures", [[DIED], [SILENT], [SILENT, SILENT]])
async def test_a_meeting_moved_back_meanwhile_is_told_to_be_where_it_was(
    stage: Stage, outbox: Outbox, falling: Falling, failures: list[Exception]
) -> None:
    booked = await stage.book()
    await stage.work()
    falling.failures = list(failures)
    await stage.move(booked.appointment_id, TUESDAY.add(hours=2))
    await stage.work()
    await stage.move(booked.appointment_id, TUESDAY)

    await stage.work()
    await again(stage, booked.appointment_id)

    hours = [calendar(mail)[1].start.hour for mail in to(outbox.mails, stage.guest)]
    assert hours == [9, 11, *[9] * len(failures)]
