"""Guests: what an attendee's secret opens (design section 6, contract 6.4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
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
