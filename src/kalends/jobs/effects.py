"""Effects carried out: so far, mails."""

from __future__ import annotations

from procrastinate import App as Queue

from kalends.app import App
from kalends.services import effects

from .delivery import deliver
from .patience import Patience


def register(queue: Queue, app: App) -> None:
    """Add the task ``effect.mail``."""

    @queue.task(name="effect.mail", retry=Patience())
    async def mail(*, effect_id: int, **_later: object) -> None:
        """Send the mail of one effect, if it is still owed; a second run sends the same Message-ID again at worst."""
        async with app.transaction() as conn:
            owed = await effects.owed(conn, effect_id=effect_id, now=app.now())
        if owed:
            await deliver(app, owed, effects, effect_id=effect_id)
