"""Hand a mail over: written outside any transaction, and what became of it noted in one of its own."""

from __future__ import annotations

from typing import Protocol, TypeVar

import structlog
from whenever import Instant

from kalends.app import App
from kalends.errors import Upstream
from kalends.ports import MailRefused, OutgoingMail
from kalends.services.messages import Office
from kalends.storage.database import Connection

log = structlog.get_logger("kalends.jobs")


class Waiting(Protocol):
    """A mail that is to be sent now."""

    def mail(self, office: Office) -> OutgoingMail:
        """Write it, with the same Message-ID every time."""
        ...


Mail = TypeVar("Mail", bound=Waiting, contravariant=True)


class Notes(Protocol[Mail]):
    """A service that keeps what becomes of its mails."""

    async def sent(self, conn: Connection, owed: Mail, *, now: Instant) -> None:
        """Note that it left."""
        ...

    async def refused(self, conn: Connection, owed: Mail, *, now: Instant) -> None:
        """Note that the recipient's server refuses it for good."""
        ...

    async def failed(self, conn: Connection, owed: Mail, failure: Upstream, *, now: Instant) -> bool:
        """Put it off; False: it is given up."""
        ...


async def deliver(app: App, owed: Mail, notes: Notes[Mail], **logged: object) -> None:
    """Send one mail and note the outcome; `logged` names it in the log."""
    try:
        await app.mailer.send(owed.mail(Office(app.base_url, app.mail_from)))
    except MailRefused as refusal:
        log.warning("mail.refused", answer=refusal.message, **logged)
        async with app.transaction() as conn:
            await notes.refused(conn, owed, now=app.now())
    except Upstream as failure:
        async with app.transaction() as conn:
            again = await notes.failed(conn, owed, failure, now=app.now())
        log.warning("mail.failed" if again else "mail.given-up", reason=failure.message, **logged)
    else:
        async with app.transaction() as conn:
            await notes.sent(conn, owed, now=app.now())
