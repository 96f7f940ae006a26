"""Templates into answers: one Jinja environment, the words of the reader's language, packed on the way."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from whenever import Instant

from kalends import languages

from . import month, static
from .visit import Visit

_ENVIRONMENT = Environment(
    loader=PackageLoader("kalends.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PACK_FROM_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Words:
    """Writes days and times as one visit reads them."""

    visit: Visit

    def day(self, at: Instant) -> str:
        """Write the local day in full."""
        return languages.day(at, self.visit.zone, self.visit.language)

    def time(self, at: Instant) -> str:
        """Write the local time."""
        return languages.time(at, self.visit.zone, self.visit.language, self.visit.clock)

    def times(self, start: Instant, end: Instant) -> str:
        """Write the times of a span on its day; the last day too where it is another."""
        same_day = start.to_tz(self.visit.zone).date() == end.to_tz(self.visit.zone).date()
        last = self.time(end) if same_day else f"{self.time(end)} ({self.day(end)})"
        return f"{self.time(start)} – {last}"

    def zone(self, at: Instant) -> str:
        """Name the zone as it is at an instant: ``Europe/Berlin (GMT+2)``."""
        return f"{self.visit.zone.replace('_', ' ')} ({month.offset(at, self.visit.zone)})"


def page(
    request: Request,
    template: str,
    visit: Visit,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    secret: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer one page.

    Args:
        secret: a guest's secret stands in the address: the page is not packed (what is secret and what others put in
            must not be squeezed together), never stored, never indexed, and the next site never learns the address.
    """
    text = _ENVIRONMENT.get_template(template).render(
        _=languages.translator(visit.language),
        lang=languages.spoken(visit.language),
        languages=languages.languages(),
        visit=visit,
        words=Words(visit),
        asset=static.url,
        **values,
    )
    body = text.encode()
    sent = {"Vary": "Accept-Encoding, Accept-Language", "Cache-Control": "private, no-cache", **(headers or {})}
    if secret:
        sent |= {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    elif len(body) >= _PACK_FROM_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=5)
        sent["Content-Encoding"] = "gzip"
    return Response(body, status, headers=sent, media_type="text/html")
