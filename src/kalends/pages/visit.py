"""What the address of a page says: whose words, which zone and clock, which month and day, and what fills the form.

The whole state of a page stands in its query, so every view is a link, works without script and without cookies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote_plus
from uuid import UUID

from starlette.requests import Request
from whenever import Date, Instant, YearMonth

from kalends import languages
from kalends.domain.zones import canonical_zone
from kalends.languages import Clock

MAX_PARAMS = 60
MAX_VALUE = 500
YEARS = range(1971, 5000)  # far from where calendars end; contract 6.2 reads such years, too
# Query keys with a meaning of their own; every other one is a field's value or goes into the booking's notes.
VIEW = frozenset({
    "month", "day", "start", "timezone", "hours", "duration", "channel", "embed", "lang", "locale", "new",
    "oneTimeLinkId", "bookingPassword",
})  # fmt: skip
FIELDS = frozenset({"email", "firstname", "lastname", "lastName", "fullname", "name", "phone", "note", "guests",
    "address", "location"})  # fmt: skip
# What a browser says a page is for when another page frames it; what a script in that frame asks for is "empty".
FRAMES = frozenset({"iframe", "frame"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Visit:
    """One view of a page.

    Attributes:
        params: the query as it came, keys once, over-long values and values beyond `MAX_PARAMS` left out.
        language: the tag dates are written in; `zone` the IANA zone they are shown in.
        zone_chosen: the guest (or his browser) named the zone; else it is the host's.
    """

    path: str
    params: dict[str, str]
    language: str
    zone: str
    zone_chosen: bool
    clock: Clock

    @property
    def embed(self) -> bool:
        """The page is to be shown in a frame."""
        return self.params.get("embed", "").lower() in {"true", "1"}

    @property
    def month(self) -> YearMonth | None:
        """The month asked for."""
        found = self._read("month", YearMonth.parse_iso)
        return found if found and found.year in YEARS else None

    @property
    def day(self) -> Date | None:
        """The day asked for."""
        found = self._read("day", Date.parse_iso)
        return found if found and found.year in YEARS else None

    @property
    def start(self) -> Instant | None:
        """The start asked for."""
        return self._read("start", instant)

    @property
    def duration(self) -> int | None:
        """The length asked for, in minutes."""
        return self._read("duration", int)

    @property
    def one_time_link(self) -> UUID | None:
        """The one-time link it is.

        Raises:
            ValueError: what it names can be none.
        """
        named = self.params.get("oneTimeLinkId")
        return UUID(named) if named else None

    @property
    def extra(self) -> dict[str, str]:
        """What the link carries beyond what we know: kept for the booking's notes (contract 6.5)."""
        return {key: value for key, value in self.params.items() if key not in VIEW | FIELDS and value}

    def prefill(self, *names: str) -> str:
        """Find the first of the fields that the link fills; on one line."""
        return next((" ".join(self.params[name].split()) for name in names if self.params.get(name)), "")

    def link(self, path: str | None = None, **changes: str | None) -> str:
        """Write the address of another view: this one's query with changes; None takes a key away."""
        return _address(self.path if path is None else path, {**self.params, **changes})

    def stem(self, key: str, **changes: str | None) -> str:
        """Write the address of views that differ in one key, up to its value, which must be nothing to quote."""
        address = self.link(**changes, **{key: None})
        return f"{address}{'&' if '?' in address else '?'}{key}="

    def carry(self, path: str, **changes: str | None) -> str:
        """Write the address of another page, keeping only how this visit reads: zone, clock, language, frame."""
        kept: dict[str, str] = {
            key: self.params[key] for key in ("timezone", "hours", "lang", "locale", "embed") if key in self.params
        }
        return _address(path, {**kept, **changes})

    def _read(self, key: str, parse: Callable[[str], T]) -> T | None:
        try:
            return parse(self.params[key].replace(" ", "+"))
        except (KeyError, ValueError):
            return None


def instant(text: str) -> Instant:
    """Read an instant of the years that are shown.

    Raises:
        ValueError: it is something else, or lies outside them.
    """
    found = Instant.parse_iso(text)
    if found.to_tz("UTC").year not in YEARS:
        raise ValueError("an instant of another age")
    return found


def read(request: Request, *, zone: str, home_language: str) -> Visit:
    """Read a page's address and the browser's languages.

    Args:
        zone: shown until the guest names his own.
        home_language: spoken to browsers that want none of ours.
    """
    params: dict[str, str] = {}
    for key, value in request.query_params.multi_items():
        if len(params) < MAX_PARAMS and len(key) <= MAX_VALUE and len(value) <= MAX_VALUE:
            params.setdefault(key, value)
    if request.headers.get("sec-fetch-dest") in FRAMES:
        params.setdefault("embed", "true")  # and so all its links say so
    asked = params.get("timezone", "")
    chosen = _known_zone(asked)
    language = _language(request, params, home_language)
    hours = params.get("hours")
    return Visit(
        path=request.url.path,
        params=params,
        language=language,
        zone=asked if chosen else zone,
        zone_chosen=chosen,
        clock=12 if hours == "12" else 24 if hours == "24" else languages.usual_clock(language),
    )


def _address(path: str, query: Mapping[str, str | None]) -> str:
    written = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in query.items() if value is not None)
    return f"{path}?{written}" if written else path


_quoted = lru_cache(maxsize=4096)(quote_plus)  # a page has a dozen links, of much the same words


def _known_zone(name: str) -> bool:
    try:
        canonical_zone(name)
    except ValueError:
        return False
    return True


def _language(request: Request, params: dict[str, str], home: str) -> str:
    """Choose a language: the link's, else the first of the browser's that we speak, else the host's."""
    wanted = [params.get("lang", ""), params.get("locale", "")]
    weighed: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    wanted += [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if weight < 0]
    for tag in wanted:
        if tag and tag.replace("_", "-").split("-")[0].lower() in languages.languages():
            return tag[:35]
    return languages.spoken(home)
