"""Where a browser ends after a calendar was connected, or was not, and nobody else wanted it back (contract 2.14).

Anybody can make a link to this page. So it says nothing but sentences of its own: which account was connected is told
by mail, and no text of the address is shown.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from kalends import languages
from kalends.edge.context import AppDep
from kalends.languages import Translate
from kalends.services.calendar_authorizations import OUR_PAGE

from . import guards, rendering, visit

NAMES: Final = {"google": "Google", "outlook": "Microsoft 365"}

router = APIRouter(include_in_schema=False)


@router.get(OUR_PAGE)
async def connected(request: Request, app: AppDep) -> Response:
    """Say whether it worked, and what to do where it did not."""
    await guards.look(app, request)
    seen = visit.read(request, zone="UTC", home_language=languages.SOURCE)
    _, done = languages.translator(seen.language), seen.params.get("success") == "true"
    headline, sentence = _success(_, seen.params.get("provider", "")) if done else _failure(_, seen.params)
    values = {
        "title": headline,
        "step": "calendar",
        "theme": None,
        "zone_wanted": False,
        "done": done,
        "headline": headline,
        "sentence": sentence,
    }
    return rendering.page(request, "calendar_connected.html", seen, values, secret=True)


def _success(_: Translate, provider: str) -> tuple[str, str]:
    told = _("You will get a mail that says which account it is. You can close this page.")
    name = NAMES.get(provider)
    return (
        _("Your {provider} calendar is connected", provider=name) if name else _("Your calendar is connected")
    ), told


def _failure(_: Translate, params: dict[str, str]) -> tuple[str, str]:
    return _("Your calendar is not connected"), {
        "calendar-access-denied": _("Access was not granted. You can go back and try again."),
        "calendar-authorization-over": _("This page was open for too long, or was used before. Please begin again."),
        "calendar-not-connected": _(
            "This account cannot be used like this. Please begin again and allow all that you are asked."
        ),
        "calendar-provider-not-configured": _("This server is not set up for it. Please ask who runs it."),
    }.get(params.get("errorCode", ""), _("It could not be reached just now. Please begin again in some minutes."))
