"""What a meeting type is when nobody has said anything (contract 2.2 and 6.6)."""

from collections.abc import Mapping
from typing import Any

CHANNEL = "phone"
DURATION = 30

# Every key of meetingInfo and meetingOptions; a stored type has all of them.
MEETING_INFO: Mapping[str, Any] = {
    "name": "",
    "description": "",
    "duration": DURATION,
    "channel": CHANNEL,
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
    "calendarIds": None,
}
# 60 days.
DAYS_INTO_FUTURE: Mapping[str, Any] = {"mode": "limit", "bookingLimit": 86400, "countMode": "calendar"}
