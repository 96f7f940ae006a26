"""Google Calendar, through its API version 3."""

from .provider import GoogleCalendars

__all__ = ["GoogleCalendars"]
