"""What zones are called: by the time zone database, by Windows, and by Exchange to people."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON
from whenever import Instant, available_timezones

from .kept import forgettable

_LONGEST = 255  # characters
_PREFIX = re.compile(r"\(\s*(?:UTC|GMT)\s*(?:([+-])(\d{1,2}):?(\d{2}))?\s*\)\s*")
_FIXED = re.compile(r"(?:UTC|GMT|Z)?\s*([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)

# What Windows shows people of zones that have no city of the time zone database in their names, or one that lies
# elsewhere too. Those with cities are found by them.
_SHOWN = {
    "international date line west": "Dateline Standard Time",
    "aleutian islands": "Aleutian Standard Time",
    "hawaii": "Hawaiian Standard Time",
    "marquesas islands": "Marquesas Standard Time",
    "alaska": "Alaskan Standard Time",
    "baja california": "Pacific Standard Time (Mexico)",
    "pacific time (us & canada)": "Pacific Standard Time",
    "arizona": "US Mountain Standard Time",
    "la paz, mazatlan": "Mountain Standard Time (Mexico)",
    "mountain time (us & canada)": "Mountain Standard Time",
    "yukon": "Yukon Standard Time",
    "central america": "Central America Standard Time",
    "central time (us & canada)": "Central Standard Time",
    "easter island": "Easter Island Standard Time",
    "saskatchewan": "Canada Central Standard Time",
    "chetumal": "Eastern Standard Time (Mexico)",
    "eastern time (us & canada)": "Eastern Standard Time",
    "haiti": "Haiti Standard Time",
    "indiana (east)": "US Eastern Standard Time",
    "turks and caicos": "Turks And Caicos Standard Time",
    "atlantic time (canada)": "Atlantic Standard Time",
    "georgetown, la paz, manaus, san juan": "SA Western Standard Time",
    "newfoundland": "Newfoundland Standard Time",
    "brasilia": "E. South America Standard Time",
    "city of buenos aires": "Argentina Standard Time",
    "greenland": "Greenland Standard Time",
    "saint pierre and miquelon": "Saint Pierre Standard Time",
    "salvador": "Bahia Standard Time",
    "mid-atlantic": "UTC-02",
    "mid-atlantic - old": "UTC-02",
    "cabo verde is.": "Cape Verde Standard Time",
    "cape verde is.": "Cape Verde Standard Time",
    "coordinated universal time": "UTC",
    "tzone://microsoft/utc": "UTC",
    "co-ordinated universal time": "UTC",
    "west central africa": "W. Central Africa Standard Time",
    "gaza, hebron": "West Bank Standard Time",
    "harare, pretoria": "South Africa Standard Time",
    "moscow, st. petersburg": "Russian Standard Time",
    "abu dhabi, muscat": "Arabian Standard Time",
    "izhevsk, samara": "Russia Time Zone 3",
    "port louis": "Mauritius Standard Time",
    "ekaterinburg": "Ekaterinburg Standard Time",
    "islamabad, karachi": "Pakistan Standard Time",
    "chennai, kolkata, mumbai, new delhi": "India Standard Time",
    "sri jayawardenepura": "Sri Lanka Standard Time",
    "astana": "Central Asia Standard Time",
    "yangon (rangoon)": "Myanmar Standard Time",
    "beijing, chongqing, hong kong, urumqi": "China Standard Time",
    "beijing, chongqing, hong kong sar, urumqi": "China Standard Time",
    "osaka, sapporo, tokyo": "Tokyo Standard Time",
    "guam, port moresby": "West Pacific Standard Time",
    "lord howe island": "Lord Howe Standard Time",
    "bougainville island": "Bougainville Standard Time",
    "chokurdakh": "Russia Time Zone 10",
    "solomon is., new caledonia": "Central Pacific Standard Time",
    "anadyr, petropavlovsk-kamchatsky": "Russia Time Zone 11",
    "auckland, wellington": "New Zealand Standard Time",
    "chatham islands": "Chatham Islands Standard Time",
    "nuku'alofa": "Tonga Standard Time",
    "samoa": "Samoa Standard Time",
    "kiritimati island": "Line Islands Standard Time",
}


def known_name(name: str) -> str | None:
    """Find the time zone database's name for what a text calls a zone; None: there is none."""
    key = tidy(name)
    return database_name(key) or (_shown_name(key) if len(key) <= _LONGEST else None)


def fixed_offset(name: str) -> int | None:
    """Read an offset that is all a zone is called by, or that Windows shows before its name; in seconds east of UTC."""
    key = tidy(name)
    found = _FIXED.fullmatch(key) or _PREFIX.match(key)
    return offset_of(found[1], found[2], found[3] or "0") if found is not None and found[1] else None


def database_name(name: str) -> str | None:
    """Look a name up as it is, without what programs write before it (`/mozilla.org/20070129_1/Europe/Berlin`)."""
    key = tidy(name)
    if len(key) > _LONGEST:
        return None
    folded = key.casefold()
    windows = _windows().get(folded)
    if windows is not None:
        return windows
    parts = folded.strip("/").split("/")
    for start in range(len(parts)):
        # Only a prefix may be dropped that is one: "Somewhere/GMT" is no zone.
        if (start == 0 or key.startswith("/")) and (known := _names().get("/".join(parts[start:]))):
            return known
    return None


def tidy(name: str) -> str:
    """Write a name in one way: without quotes, escapes and spaces too many."""
    return " ".join(name.replace("\\,", ",").replace('"', "").split())


def offset_of(sign: str, hours: str, minutes: str, seconds: str | None = None) -> int:
    """Put an offset together from what was written."""
    offset = int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
    return -offset if sign == "-" else offset


@forgettable
@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    """Know all names, however they are spelled; "Factory" is a machine's whose zone nobody has set."""
    return {name.casefold(): name for name in sorted(available_timezones()) if name not in ("Factory", "localtime")}


@forgettable
@lru_cache(maxsize=1)
def _windows() -> Mapping[str, str]:
    return {windows.casefold(): name for windows, name in WINDOWS_TO_OLSON.items()}


@forgettable
@lru_cache(maxsize=1)
def _cities() -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in _names().values():
        found.setdefault(name.rpartition("/")[2].replace("_", " ").casefold(), []).append(name)
    return found


@forgettable
@lru_cache(maxsize=256)
def _shown_name(key: str) -> str | None:
    """Look up what Windows shows: an offset in parentheses, if any, and cities or a region."""
    found = _PREFIX.match(key)
    text = (key[found.end() :] if found else key).casefold()
    if text in _SHOWN:
        return _windows()[_SHOWN[text].casefold()]
    offset = offset_of(found[1], found[2], found[3]) if found and found[1] else None
    for city in re.split(r"\s*[,;]\s*", text):
        for name in _cities().get(city, ()):
            if offset is None or offset == _standard_offset(name):
                return name
    return None


def _standard_offset(name: str) -> int:
    """Know a zone's offset in winter, in seconds: Windows shows it all year."""
    year = [Instant.from_utc(2026, month, 1).to_tz(name) for month in (1, 7)]
    return min(int(one.offset.total("seconds")) for one in year)
