"""Meeting types: what can be booked with a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from whenever import Instant

from kalends.domain import slugs
from kalends.errors import FieldError, Invalid
from kalends.storage import ids, meeting_types
from kalends.storage.database import Connection
from kalends.storage.meeting_types import MeetingType

DEFAULT_CHANNEL = "phone"
DEFAULT_DURATION = 30

# Every key of meetingInfo and meetingOptions (contract 2.2) with what it is when nobody has said anything.
MEETING_INFO: Mapping[str, Any] = {
    "name": "",
    "description": "",
    "duration": DEFAULT_DURATION,
    "channel": DEFAULT_CHANNEL,
    "enableRedirect": False,
    "redirect": None,
    "passEventDetailsToRedirect": False,
    "customChannelName": None,
    "customChannelLink": None,
    "connectChannelName": None,
    "groupBooking": False,
    "showAvailableSlots": False,
    "enrichInvitee": False,
    "confirmationButton": None,
    "bufferBefore": 0,
    "bufferAfter": 0,
    "bufferMustStayWithinWorkingHours": False,
    "color": None,
}
MEETING_OPTIONS: Mapping[str, Any] = {
    "allowedDurations": [],
    "allowSelectChannel": False,
    "allowHostSelection": False,
    "forceHostSelection": False,
    "allowedChannels": [],
    "allowAddingGuests": True,
    "doubleOptIn": "useCompanySettings",
    "requireHostConfirmation": "useCompanySettings",
    "enableClusterMeeting": False,
    "enableBufferCarryOver": False,
    "maxBufferCarryOverDelay": None,
    "allowPhoneOnlyBooking": False,
    "confirmationPageCssSetting": None,
    "bookingPagePassword": None,
    "channelAvailabilities": None,
}
# 60 days (contract 6.6).
DAYS_INTO_FUTURE: Mapping[str, Any] = {"mode": "limit", "bookingLimit": 86400, "countMode": "calendar"}


class MeetingTypeSlugTaken(Invalid):
    """The user has another meeting type with this slug."""

    code = "meeting-type-slug-taken"


async def add(
    conn: Connection,
    *,
    company_id: UUID,
    user_id: UUID,
    created_by: UUID | None,
    fields: Mapping[str, Any],
    now: Instant,
) -> MeetingType:
    """Store a meeting type; what `fields` leaves out gets the defaults of contract 6.6.

    Without a slug one is made from the name, with a number when the user has it already.

    Args:
        fields: columns, checked by the caller; `meeting_info` and `meeting_options` may be partial.

    Raises:
        MeetingTypeSlugTaken: the slug in `fields` is another live type's of the user.
    """
    info = {**MEETING_INFO, **fields.get("meeting_info", {})}
    row = {
        "days_into_future": dict(DAYS_INTO_FUTURE),
        "created_by_id": created_by,
        **fields,
        "company_id": company_id,
        "id": ids.new_id(company_id),
        "user_id": user_id,
        "meeting_info": info,
        "meeting_options": {**MEETING_OPTIONS, **fields.get("meeting_options", {})},
        "created_at": now,
        "updated_at": now,
    }
    if fields.get("slug"):
        try:
            return await meeting_types.add(conn, row)
        except meeting_types.SlugTaken as error:
            raise _slug_taken() from error
    taken = await meeting_types.slugs_of_user(conn, company_id, user_id)
    for slug in slugs.numbered(slugs.normalise(info["name"]) or "meeting"):
        if slug in taken:
            continue
        try:
            async with conn.transaction():
                return await meeting_types.add(conn, row | {"slug": slug})
        except meeting_types.SlugTaken:  # somebody was faster; the next number is tried
            continue
    raise AssertionError("numbers do not end")


def _slug_taken() -> MeetingTypeSlugTaken:
    return MeetingTypeSlugTaken(errors=[FieldError("slug", "is the slug of another meeting type")])
