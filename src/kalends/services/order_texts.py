"""Orders as JSON: the contract's booking body (2.5), as a provisional booking keeps and shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain.recurrence import Recurrence

from .orders import NewAttendee, Order


def dto(order: Order) -> dict[str, Any]:
    """Write an order as a booking body; the form's nonce and the password are left out."""
    who = order.attendee
    return {
        "meetingTypeId": str(order.meeting_type_id),
        "start": order.start.format_iso(),
        "hostIds": [str(host_id) for host_id in order.host_ids],
        "queueId": _text(order.queue_id),
        "calculationMethod": order.mode,
        "requiredHosts": order.required,
        "duration": order.duration,
        "channel": order.channel,
        "location": order.location,
        "icsTitle": order.ics_title,
        "icsDescription": order.ics_description,
        "skipNotifications": order.skip_notifications,
        "phoneOnlyBooking": order.phone_only,
        "ignoreAvailability": order.ignore_availability,
        "resourceChannelIds": [str(channel_id) for channel_id in order.resource_channel_ids],
        "holdId": _text(order.hold_id),
        "oneTimeLinkId": _text(order.one_time_link_id),
        "attendeePendingId": order.pending_attendee_id,
        "context": order.context,
        "recurrence": order.recurrence
        and {
            "frequency": order.recurrence.frequency,
            "interval": order.recurrence.interval,
            "count": order.recurrence.count,
            "onConflict": order.recurrence.on_conflict,
        },
        "attendee": {
            "email": who.email,
            "firstname": who.first_name,
            "lastname": who.last_name,
            "fullname": who.full_name,
            "phone": who.phone,
            "language": who.language,
            "timezone": who.timezone,
            "notes": who.notes,
            "receiveReminders": who.receive_reminders,
            "bringalongEmails": list(who.bringalong_emails),
            "dataPolicyAccepted": who.data_policy_accepted,
        },
    }


def of_dto(body: Mapping[str, Any]) -> Order:
    """Read an order out of what `dto` wrote."""
    who, again = body["attendee"], body["recurrence"]
    return Order(
        meeting_type_id=UUID(body["meetingTypeId"]),
        start=Instant.parse_iso(body["start"]),
        host_ids=tuple(map(UUID, body["hostIds"])),
        queue_id=_id(body["queueId"]),
        mode=body["calculationMethod"],
        required=body["requiredHosts"],
        duration=body["duration"],
        channel=body["channel"],
        location=body["location"],
        ics_title=body["icsTitle"],
        ics_description=body["icsDescription"],
        skip_notifications=body["skipNotifications"],
        phone_only=body["phoneOnlyBooking"],
        ignore_availability=body["ignoreAvailability"],
        resource_channel_ids=tuple(map(UUID, body["resourceChannelIds"])),
        hold_id=_id(body["holdId"]),
        one_time_link_id=_id(body["oneTimeLinkId"]),
        pending_attendee_id=body["attendeePendingId"],
        context=body["context"],
        recurrence=again and Recurrence(again["frequency"], again["interval"], again["count"], again["onConflict"]),
        attendee=NewAttendee(
            email=who["email"],
            first_name=who["firstname"],
            last_name=who["lastname"],
            full_name=who["fullname"],
            phone=who["phone"],
            language=who["language"],
            timezone=who["timezone"],
            notes=who["notes"],
            receive_reminders=who["receiveReminders"],
            bringalong_emails=tuple(who["bringalongEmails"]),
            data_policy_accepted=who["dataPolicyAccepted"],
        ),
    )


def _text(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
