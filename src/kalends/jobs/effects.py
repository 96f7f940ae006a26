"""Effects carried out: so far, mails."""

from __future__ import annotations

import structlog
from procrastinate import App as Queue

from kalends.app import App
from kalends.errors import Upstream
from kalends.ports import MailRefused
from kalends.services import effects
from kalends.services.messages import Office

from .patience import Patience

log = structlog.get_logger("kalends.jobs")


def register(queue: Queue, app: App) -> None:
    """Add the task ``effect.mail``."""

    @queue.task(name="effect.mail", retry=Patience())
    async def mail(*, effect_id: int, **_later: object) -> None:
        """Send the mail of one effect, if it is still owed; a second run sends the same Message-ID again at worst."""
        async with app.transaction() as conn:
            owed = await effects.owed(conn, effect_id=effect_id, now=app.now())
        if owed is None:
            return
        try:
            await app.mailer.send(owed.mail(Office(app.base_url, app.mail_from)))
        except MailRefused as refusal:
            log.warning("mail.refused", effect_id=effect_id, answer=refusal.message)
            async with app.transaction() as conn:
                await effects.refused(conn, owed, now=app.now())
        except Upstream as failure:
            async with app.transaction() as conn:
                again = await effects.failed(conn, owed, now=app.now())
            log.warning("mail.failed" if again else "mail.given-up", effect_id=effect_id, reason=failure.message)
        else:
            async with app.transaction() as conn:
                await effects.sent(conn, owed, now=app.now())
