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

    @property
    def location(self) -> str | None:
        """The place as he may know it: one that a guest gave is that guest's, and whoever joins later is at his own."""
        one = self.appointment
        if one.channel != "local-attendee" or self._is_of(one.attendees[0].id):
            return one.location
        address = self.attendee.notes.get("address")
        return address if isinstance(address, str) else None

    @property
    def cancelled_by(self) -> str | None:
        """Who cancelled it, unless that was another guest."""
        return self.appointment.cancelled_by if self._may_read_reason else None

    @property
    def cancel_reason(self) -> str | None:
        """Why it was cancelled, unless another guest wrote that."""
        return self.appointment.cancel_reason if self._may_read_reason else None

    @property
    def _may_read_reason(self) -> bool:
        one = self.appointment
        return one.cancel_source != "attendee" or bool(one.cancelled_by and self._is_of(UUID(one.cancelled_by)))

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
