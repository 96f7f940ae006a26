"""Templates into answers: one Jinja environment, the words of the reader's language, packed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from whenever import Instant

from kalends import languages
from kalends.edge import headers as security

from . import month, packing, static, styles
from .icons import icon
from .styles import Style
from .visit import Visit

_ENVIRONMENT = Environment(
    loader=PackageLoader("kalends.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.globals["icon"] = icon


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

    What no browser may store, because it holds a secret or what somebody typed, is not squeezed together either.

    Args:
        values: with `theme`, the style of the page's owner.
        secret: a guest's secret stands in the address: the page is never stored, never indexed, and the next site never
            learns the address.
    """
    theme: Style | None = values["theme"]
    inside = [styles.app(), *([theme] if theme else [])]
    text = _ENVIRONMENT.get_template(template).render(
        _=languages.translator(visit.language),
        lang=languages.spoken(visit.language),
        languages=languages.languages(),
        visit=visit,
        words=Words(visit),
        asset=static.url,
        styles=inside,
        **values,
    )
    sent = {
        "Vary": "Accept-Encoding, Accept-Language, Sec-Fetch-Dest",
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": security.policy(request.scope["path"], [style.source for style in inside]),
        **(headers or {}),
    }
    if secret:
        sent |= {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    whole = packing.pieces(text)
    if "gzip" not in packing.taken(request.headers):
        return Response(packing.plain(whole), status, headers=sent, media_type="text/html")
    sent["Content-Encoding"] = "gzip"
    level = packing.STORED if sent["Cache-Control"] == "no-store" else packing.LEVEL
    return Response(packing.gzipped(whole, level), status, headers=sent, media_type="text/html")
