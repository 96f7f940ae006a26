"""The change feed: what happened to appointments, provisional bookings and calendars, in order, each once."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from kalends.edge import problems
from kalends.edge.auth import SchedulingOrOwner
from kalends.edge.context import AppDep
from kalends.errors import NotFound
from kalends.services import change_feed
from kalends.services.change_feed import CursorUnknown
from kalends.storage import event_positions
from kalends.storage.change_feed import Event
from kalends.storage.events import Kind

from .schemas import Absent, Answer, Stamp

router = APIRouter(prefix="/v4", tags=["Event V4"])

_CURSOR = "AZd7LkxKejGfDgAA36uxFAAAAAEABm3Y_H1oAA"
_AFTER = {
    "id": "01977b2e-4c4a-7a31-9f0e-0000dfabb114",
    "revision": 1,
    "start": "2031-03-04T08:00:00Z",
    "end": "2031-03-04T08:30:00Z",
    "isCancelled": False,
}
Cursor = Annotated[str, Field(examples=[_CURSOR])]


class EventActor(Answer):
    """Who did it: a credential and the user it acted as, a guest, a host in his calendar, or the program itself."""

    via: str = Field(examples=["key"])
    user_id: UUID | None
    credential_id: UUID | None
    attendee_id: UUID | None = Field(examples=[None])


class EventAnswer(Answer):
    """One change, with what changed as it was before (null: it was made then) and after."""

    id: Cursor = Field(description="Also the cursor that stands behind this event.")
    kind: Kind
    appointment_id: UUID | None
    provisional_booking_id: UUID | None = Field(examples=[None])
    connection_id: UUID | None = Field(
        examples=[None], description="Of `calendar_connected`, `conflict` and `credential_error`."
    )
    revision: int = Field(
        description="Counts the changes of one appointment or provisional booking, or the events of one connection.",
        examples=[1],
    )
    actor: EventActor
    before: dict[str, Any] | None = Field(examples=[None])
    after: dict[str, Any] = Field(examples=[_AFTER])
    created_at: Stamp


class EventPage(Answer):
    """Events in order, and where to go on."""

    events: list[EventAnswer]
    next: Cursor = Field(description="Send it as `after`; the same as sent when nothing is new.")


@router.get("/event", responses=problems.document(CursorUnknown, NotFound))
async def get_events(
    actor: SchedulingOrOwner,
    app: AppDep,
    after: Annotated[str | None, Absent, Query(description="The `next` of an earlier answer; from the first")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    appointment_id: Annotated[UUID | None, Absent, Query(alias="appointmentId")] = None,
) -> EventPage:
    """List what has changed since a cursor.

    Whoever asks again with `next` misses nothing and gets nothing twice, also while others write. Administrators and
    platform keys see all of the company, members what they host, and their calendars.
    """
    async with app.reading() as conn:
        unnumbered = await event_positions.has_unnumbered(conn)
    if unnumbered:
        async with app.transaction() as conn:
            await event_positions.number(conn)
    async with app.reading() as conn:
        found = await change_feed.page(conn, actor=actor, after=after, limit=limit, appointment_id=appointment_id)
    return EventPage(events=[_answer(one) for one in found.events], next=found.next)


def _answer(event: Event) -> EventAnswer:
    return EventAnswer(
        id=change_feed.cursor(event),
        kind=event.kind,
        appointment_id=event.appointment_id,
        provisional_booking_id=event.provisional_id,
        connection_id=event.connection_id,
        revision=event.revision,
        actor=EventActor.model_validate(event.actor),
        before=event.before,
        after=event.after,
        created_at=event.created_at,
    )
