"""The owner of a mailbox with another client: what he makes, moves, deletes and answers."""

from __future__ import annotations

from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_mailbox import Event, Mailbox
from tests.integrations.conformance import Other


class GraphOther(Other):
    """Names events by the UID kalends knows them by: its own where it wrote them, else iCalUId."""

    def __init__(self, graph: FakeGraph, mailbox: Mailbox) -> None:
        self.graph = graph
        self.mailbox = mailbox

    async def make_event(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, transparent: bool = False
    ) -> None:
        shown = {"subject": "Private", **({"showAs": "free"} if transparent else {})}
        with self.graph.changing(self.mailbox) as mailbox:
            mailbox.add(Event(calendar.remote_id, start, end, shown, uid=uid))

    async def make_weekly(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, count: int
    ) -> None:
        with self.graph.changing(self.mailbox) as mailbox:
            mailbox.add(Event(calendar.remote_id, start, end, {"subject": "Private"}, uid=uid, recurs=count))

    async def move(self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant) -> None:
        (event,) = self._named(calendar, uid)
        with self.graph.changing(self.mailbox) as mailbox:
            event.start, event.end = start, end
            mailbox.touched(event)

    async def remove(self, calendar: RemoteCalendar, uid: str) -> None:
        (event,) = self._named(calendar, uid)
        with self.graph.changing(self.mailbox) as mailbox:
            mailbox.remove(event.id)

    async def answer(self, calendar: RemoteCalendar, uid: str, response: str) -> None:
        """Answer an invitation: accepted, declined, tentativelyAccepted, notResponded."""
        (event,) = self._named(calendar, uid)
        with self.graph.changing(self.mailbox) as mailbox:
            event.fields["responseStatus"] = {"response": response}
            mailbox.touched(event)

    async def count(self, calendar: RemoteCalendar, uid: str) -> int:
        return len(self._named(calendar, uid))

    async def dead_token(self, calendar: RemoteCalendar, token: str) -> str:
        self.graph.forget()
        return token

    def _named(self, calendar: RemoteCalendar, uid: str) -> list[Event]:
        return [
            event
            for event in self.mailbox.events.values()
            if event.calendar == calendar.remote_id and uid in (event.uid, *event.properties.values())
        ]
