"""Calendars that are published as iCalendar at an address: read only, and whoever knows the address sees them."""

from .provider import IcsProvider

__all__ = ["IcsProvider"]
