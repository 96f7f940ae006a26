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
        one = replace(self.appointment, series_id=self.attendee.series_id)
        if not self._is_of(one.attendees[0].id):
            place = self.attendee.notes.get("address") if one.channel == "local-attendee" else one.location
            place = place if isinstance(place, str) else None
            one = replace(one, location=place, ics_title=None, ics_description=None)
        if one.cancel_source == "attendee" and not (one.cancelled_by and self._is_of(UUID(one.cancelled_by))):
            one = replace(one, cancelled_by=None, cancel_reason=None)
        return one

    def _is_of(self, attendee_id: UUID) -> bool:
        return attendee_id in (self.attendee.id, self.attendee.brought_by)


async def other_dates(
    conn: Connection, appointment: Appointment, guest: Attendee, *, since: Instant
) -> list[tuple[Appointment, Attendee]]:
    """List the other live appointments a guest comes to by the series that made him, by start, each with him there.

    Args:
        since: begins then or later.
    """
    if guest.series_id is None:
        return []
    found = await appointments.attended_by_series(
        conn, appointment.company_id, guest.series_id, since=since, without=appointment.id
    )
    both = ((one, in_series(one, guest)) for one in found)
    return [(one, there) for one, there in both if there]


def in_series(appointment: Appointment, guest: Attendee) -> Attendee | None:
    """Find the guest of one date of a series in another, while he comes to it.

    The series' id is ours, so nobody gets into another's by booking under his address. Of those who come by one series
    to one appointment a single one has booked it; the others, whom he brings along, have an address each.
    """

    def name(one: Attendee) -> str | None:
        return (one.email or "").lower() if one.brought_along else None

    coming = (one for one in appointment.attendees if one.series_id and one.cancelled_at is None)
    return next((one for one in coming if (one.series_id, name(one)) == (guest.series_id, name(guest))), None)


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
