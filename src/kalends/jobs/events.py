"""The job every event brings with it."""

from __future__ import annotations

from procrastinate import App as Queue

from kalends.app import App
from kalends.services import effects

from .conferences import offered
from .patience import Patience


def register(queue: Queue, app: App) -> None:
    """Add the task ``event.happened``."""

    @queue.task(name="event.happened", retry=Patience())
    async def happened(*, event_id: int, **_later: object) -> None:
        """Turn an event into its effects; safe to run twice, effects are unique."""
        async with app.transaction() as conn:
            await effects.happened(conn, event_id=event_id, offered=offered(app), now=app.now())
