"""Company settings: what listings and bookings ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

# What a company's settings are when nobody has said anything (contract 6.6).
SETTINGS: Mapping[str, Any] = {
    "doubleOptIn": "disabled",
    "requireHostConfirmation": "disabled",
    "provisionalExpiryMinutes": 1440,
    "holdMinutes": 5,
    "verifyAtBooking": "stale",
    "staleCalendarPolicy": "closed",
}


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """What listings and bookings ask of a company's settings; whatever nobody has set has its default.

    Attributes:
        double_opt_in, require_host_confirmation: what types with "useCompanySettings" do.
        provisional_expiry_minutes: how long a booking waits for a confirmation.
        hold_minutes: how long a hold keeps its time.
        verify_at_booking: when the calendars of hosts are asked live before a change.
        stale_calendar_policy: `closed`: a host whose calendars are not known has no slots.
    """

    double_opt_in: bool
    require_host_confirmation: bool
    provisional_expiry_minutes: int
    hold_minutes: int
    verify_at_booking: Literal["stale", "always", "never"]
    stale_calendar_policy: Literal["closed", "open"]

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> CompanySettings:
        """Read the settings as they are stored in `company.settings`."""
        found = {**SETTINGS, **stored}
        return cls(
            double_opt_in=found["doubleOptIn"] == "enabled",
            require_host_confirmation=found["requireHostConfirmation"] == "enabled",
            provisional_expiry_minutes=found["provisionalExpiryMinutes"],
            hold_minutes=found["holdMinutes"],
            verify_at_booking=found["verifyAtBooking"],
            stale_calendar_policy=found["staleCalendarPolicy"],
        )
