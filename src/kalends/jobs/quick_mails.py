"""Quick mails on their way."""

from __future__ import annotations

from procrastinate import App as Queue

from kalends.app import App
from kalends.services import quick_mails

from .delivery import deliver
from .patience import Patience


def register(queue: Queue, app: App) -> None:
    """Add the task ``quick-mail.send``."""

    @queue.task(name="quick-mail.send", retry=Patience())
    async def send(*, quick_mail_id: int, **_later: object) -> None:
        """Send one quick mail, if it has not left; a second run sends the same Message-ID again at worst."""
        async with app.transaction() as conn:
            owed = await quick_mails.owed(conn, quick_mail_id=quick_mail_id, now=app.now())
        if owed:
            await deliver(app, owed, quick_mails, quick_mail_id=quick_mail_id)
