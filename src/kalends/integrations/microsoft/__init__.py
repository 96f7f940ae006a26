"""Calendars of Microsoft 365 and outlook.com, by Microsoft Graph."""

from .provider import MicrosoftCalendars

__all__ = ["MicrosoftCalendars"]
