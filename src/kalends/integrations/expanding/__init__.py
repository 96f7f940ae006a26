"""iCalendar text is read in a process of its own: however large or hostile, it holds up nobody who waits for a page."""

from .expander import Expander, Feed

__all__ = ["Expander", "Feed"]
