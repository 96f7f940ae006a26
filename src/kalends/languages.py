"""What people read: sentences in their language, dates and times in their zone and on their clock.

English sentences are the keys; `locale/<area>.<language>.po` translate them (`mail.de.po`, `pages.de.po`) and are read
at run time. A language with no catalogue is read, and its dates are written, in English.
"""

from __future__ import annotations

from datetime import time as time_of_day
from functools import lru_cache
from importlib.resources import files
from typing import Literal, Protocol, TypeAlias

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name
from babel.messages.pofile import read_po
from whenever import Instant

SOURCE = "en"
Clock: TypeAlias = Literal[12, 24]

_HOURS = {12: "h:mm a", 24: "HH:mm"}


class Translate(Protocol):
    """Speaks one language."""

    def __call__(self, sentence: str, /, **values: object) -> str:
        """Translate an English sentence and fill its ``{placeholders}``; one that no catalogue has stays English."""
        ...


def translator(language: str | None) -> Translate:
    """Find who speaks a language (`de`, `de-AT`, `en_GB`); None and unknown ones are answered in English."""
    sentences = _catalogue(spoken(language))

    def translate(sentence: str, /, **values: object) -> str:
        text = sentences.get(sentence, sentence)
        return text.format(**values) if values else text

    return translate


def spoken(language: str | None) -> str:
    """Name the language somebody is addressed in: the base of his own (`de` for `de-AT`) if we speak it, else `en`."""
    base = (language or SOURCE).replace("_", "-").split("-")[0].lower()
    return base if base in languages() else SOURCE


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """List the languages we speak, English first."""
    names = (entry.name.split(".") for entry in files("kalends").joinpath("locale").iterdir())
    return (SOURCE, *sorted({parts[-2] for parts in names if len(parts) == 3 and parts[-1] == "po"}))


@lru_cache(maxsize=64)
def _catalogue(language: str) -> dict[str, str]:
    sentences: dict[str, str] = {}
    for entry in files("kalends").joinpath("locale").iterdir():
        if entry.name.endswith(f".{language}.po"):
            with entry.open("rb") as file:
                catalogue = read_po(file, locale=language)
            sentences |= {str(m.id): str(m.string) for m in catalogue if m.id and m.string and not m.fuzzy}
    return sentences


@lru_cache(maxsize=256)
def locale(language: str | None) -> Locale:
    """Find how a language writes; the region of one we speak is kept (`en-GB` is unlike `en`), others are English."""
    base = spoken(language)
    tag = (language or base).replace("-", "_")
    try:
        return Locale.parse(tag if tag.lower().startswith(base) else base)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(base)


def usual_clock(language: str | None) -> Clock:
    """Tell which clock a language's readers use: 12 hours in `en`, 24 in `de` and `en-GB`."""
    return 12 if "a" in locale(language).time_formats["short"].pattern else 24


def day(instant: Instant, zone: str, language: str | None) -> str:
    """Write the local day of an instant in full: ``Tuesday, October 27, 2026``."""
    return format_date(instant.to_tz(zone).date().to_stdlib(), "full", locale(language))


def time(instant: Instant, zone: str, language: str | None, clock: Clock | None = None) -> str:
    """Write the local time of an instant: ``10:00 AM`` or ``10:00``; without a clock, the language's usual one."""
    wall = instant.to_tz(zone)
    return _time(wall.hour, wall.minute, _HOURS[clock or usual_clock(language)], locale(language))


@lru_cache(maxsize=4096)  # a booking page writes all times of a day
def _time(hour: int, minute: int, pattern: str, locale: Locale) -> str:
    return format_time(time_of_day(hour, minute), pattern, locale=locale)


def day_and_time(instant: Instant, zone: str, language: str | None, clock: Clock | None = None) -> str:
    """Write local day and time of an instant: ``Tuesday, October 27, 2026, 10:00 AM``."""
    return f"{day(instant, zone, language)}, {time(instant, zone, language, clock)}"


def span(start: Instant, end: Instant, zone: str, language: str | None, clock: Clock | None = None) -> str:
    """Write a span in local time, the day once unless it changes: ``Tuesday, October 27, 2026, 10:00 – 10:30 AM``."""
    first = day_and_time(start, zone, language, clock)
    same_day = start.to_tz(zone).date() == end.to_tz(zone).date()
    last = time(end, zone, language, clock) if same_day else day_and_time(end, zone, language, clock)
    return f"{first} – {last}"


def zone_label(instant: Instant, zone: str, language: str | None) -> str:
    """Name a zone as it is at an instant, with its IANA name: ``Central European Summer Time (Europe/Berlin)``."""
    name = get_timezone_name(instant.to_tz(zone).to_stdlib(), locale=locale(language))
    return zone if name == zone else f"{name} ({zone})"
