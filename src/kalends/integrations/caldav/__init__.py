"""Calendars spoken to over CalDAV (RFC 4791): Nextcloud, Fastmail, Radicale, Baïkal, SOGo, iCloud and others."""

from .provider import CalDavProvider
from .reading import Expander

__all__ = ["CalDavProvider", "Expander"]
