"""Guests: what an attendee's secret opens (design section 6, contract 6.4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from uuid import UUID

from whenever import Instant

from kalends.errors import NotFound
from kalends.storage import appointments
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.database import Connection

from .actor import Actor

SECRET_LIVES_DAYS = 30  # after the appointment's end (contract 6.6)


@dataclass(frozen=True, slots=True)
class GuestView:
    """An appointment as the holder of a secret reached it; only `attendee` may be shown to him.

    Attributes:
        client: where he came from, as `Actor.client`.
    """

    appointment: Appointment
    attendee: Attendee
    client: str | None = None

    @property
    def actor(self) -> Actor:
        """The guest as who acts."""
        company_id = self.appointment.company_id
        return Actor(company_id, None, False, "guest", attendee_id=self.attendee.id, client=self.client)

    @property
    def shown(self) -> Appointment:
        """The appointment without what other guests wrote (case G05).

        Words, and an address to meet at, are of the booking that made it: whoever joins later has his own address.
        """
        one = self.appointment
        if not self._is_of(one.attendees[0].id):
            place = self.attendee.notes.get("address") if one.channel == "local-attendee" else one.location
            place = place if isinstance(place, str) else None
            one = replace(one, location=place, ics_title=None, ics_description=None)
        if one.cancel_source == "attendee" and not (one.cancelled_by and self._is_of(UUID(one.cancelled_by))):
            one = replace(one, cancelled_by=None, cancel_reason=None)
        return one

    def _is_of(self, attendee_id: UUID) -> bool:
        return attendee_id in (self.attendee.id, self.attendee.brought_by)


async def opened_by(
    conn: Connection, appointment_id: UUID, secret: str, now: Instant, *, client: str | None = None
) -> GuestView:
    """Open an appointment with an attendee's secret.

    Args:
        client: where whoever shows the secret comes from; needed where he is going to act.

    Raises:
        NotFound: an unknown appointment, another secret, or 30 days after its end: always the same.
    """
    appointment = await appointments.of_any_company(conn, appointment_id)
    found: Attendee | None = None
    for attendee in appointment.attendees if appointment else ():
        if hmac.compare_digest(attendee.secret.encode(), secret.encode("utf-8", "replace")):
            found = attendee
    if appointment is None or found is None or appointment.end_at.add(hours=24 * SECRET_LIVES_DAYS) <= now:
        raise NotFound("Appointment not found")
    return GuestView(appointment, found, client)
