"""Failures as pages: one and the same 404 for what is private, deleted or never was."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kalends import languages
from kalends.edge.context import trace_of
from kalends.edge.problems import Problem
from kalends.languages import Translate

from . import rendering, visit


async def render(request: Request, problem: Problem) -> Response:
    """Show a failure as a page (an `edge.problems.ErrorPage`)."""
    seen = visit.read(request, zone="UTC", home_language=languages.SOURCE)
    headline, sentence = _words(languages.translator(seen.language), problem.status)
    values = {
        "title": headline,
        "step": "problem",
        "theme": None,
        "zone_wanted": False,
        "status": problem.status,
        "headline": headline,
        "sentence": sentence,
        "request_id": trace_of(request).request_id if problem.status >= 500 else None,
    }
    headers = {**problem.headers, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    return rendering.page(request, "problem.html", seen, values, status=problem.status, headers=headers)


def _words(_: Translate, status: int) -> tuple[str, str]:
    if status == 404:
        return _("There is nothing here"), _("The address may be mistyped, or the page no longer exists.")
    if status == 429:
        return _("Too many requests"), _("Please wait a minute and try again.")
    if status == 503:
        return _("A moment, please"), _("There is a lot going on right now. Please try again in a moment.")
    if status >= 500:
        return _("Something went wrong"), _("It is our fault, not yours. If it stays so, tell us this number:")
    return _("This did not work"), _("Please go back and try again.")
