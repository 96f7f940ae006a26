"""Changes of appointments: what every one of them leaves behind, in its own transaction (design section 5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.storage import events
from kalends.storage.appointments import Appointment
from kalends.storage.attendees import Attendee
from kalends.storage.events import Kind
from kalends.storage.hosts import Host
from kalends.storage.parts import Part

from .actor import Actor


def recording(
    *,
    kind: Kind,
    before: Appointment | None,
    after: Appointment,
    actor: Actor,
    now: Instant,
    batch_id: UUID | None = None,
) -> list[Part]:
    """Write the event of a change, with both snapshots, and its job; those of one `batch_id` are told in one mail."""
    return events.recording(
        company_id=after.company_id,
        appointment_id=after.id,
        revision=after.revision,
        kind=kind,
        actor=who(actor),
        before=None if before is None else snapshot(before),
        after=snapshot(after),
        now=now,
        batch_id=batch_id,
    )


def who(actor: Actor) -> dict[str, Any]:
    """Write down who made a change, as events keep it."""
    return {
        "via": actor.via,
        "userId": str(actor.user_id) if actor.user_id else None,
        "credentialId": str(actor.credential_id) if actor.credential_id else None,
        "attendeeId": str(actor.attendee_id) if actor.attendee_id else None,
        # An IP address is personal data: it is kept here only, for the limit of mails, and never in an answer.
        "client": actor.client,
    }


def snapshot(appointment: Appointment) -> dict[str, Any]:
    """Write down one revision of an appointment as JSON values, without any secret."""
    return {
        "id": str(appointment.id),
        "revision": appointment.revision,
        "sequence": appointment.sequence,
        "meetingTypeId": str(appointment.meeting_type_id),
        "seriesId": str(appointment.series_id) if appointment.series_id else None,
        "queueId": str(appointment.queue_id) if appointment.queue_id else None,
        "resources": appointment.resources,
        "start": appointment.start_at.format_iso(),
        "end": appointment.end_at.format_iso(),
        "isCancelled": appointment.cancelled_at is not None,
        "cancelReason": appointment.cancel_reason,
        "cancelSource": appointment.cancel_source,
        "rescheduleCount": appointment.reschedule_count,
        "channel": appointment.channel,
        "location": appointment.location,
        "icsTitle": appointment.ics_title,
        "icsDescription": appointment.ics_description,
        "note": appointment.note,
        "skipNotifications": appointment.skip_notifications,
        "ignoredAvailability": appointment.ignored_availability,
        "meetingInfo": appointment.meeting_info,
        "typeSlug": appointment.type_slug,
        "ics": appointment.type_ics,
        "companyName": appointment.company_name,
        "companyLanguage": appointment.company_language,
        "hosts": [host_entry(host) for host in appointment.hosts],
        "attendees": [attendee_entry(attendee) for attendee in appointment.attendees],
    }


def host_entry(host: Host) -> dict[str, Any]:
    """Write down a host as snapshots do."""
    return {
        "id": str(host.id),
        "email": host.email,
        "givenName": host.given_name,
        "familyName": host.family_name,
        "fullName": host.full_name,
        "slug": host.slug,
        "language": host.language,
        "timezone": host.timezone,
        "picture": host.picture,
    }


def attendee_entry(attendee: Attendee) -> dict[str, Any]:
    """Write down an attendee as snapshots do, without his secret."""
    return {
        "id": str(attendee.id),
        "email": attendee.email,
        "firstname": attendee.first_name,
        "lastname": attendee.last_name,
        "fullname": attendee.full_name,
        "phone": attendee.phone,
        "language": attendee.language,
        "timezone": attendee.timezone,
        "notes": attendee.notes,
        "broughtAlong": attendee.brought_along,
        "broughtBy": str(attendee.brought_by) if attendee.brought_by else None,
        "isCancelled": attendee.cancelled_at is not None,
        "answer": attendee.answer,
    }
