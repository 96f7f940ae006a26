"""Routes of authorizations: the way to a provider's page, and back from it (contract 2.14)."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic import StringConstraints
from starlette.responses import RedirectResponse

from kalends.app import App
from kalends.domain import redirects
from kalends.edge import problems
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.edge.limits import take_address
from kalends.errors import DomainError, Invalid
from kalends.ports import ConnectionRefused, ProviderNotConfigured
from kalends.services import calendar_authorizations, found_accounts
from kalends.services.actor import Actor
from kalends.services.calendar_authorizations import OUR_PAGE, AuthorizationOver, Wanted
from kalends.services.rights import NotYours, UserNotFound
from kalends.storage.calendar_authorizations import Authorization

from .calendar_connection_schemas import AuthorizationUrl, Provider
from .calendar_connections import UserId, connect, usable
from .schemas import Absent

router = APIRouter(prefix="/v4/calendar-connections/auth/{provider}", tags=["calendar connection"])

PER_MINUTE, BURST = 20, 20  # of one client address
_ERROR = re.compile(r"[a-z_]{1,60}")  # as RFC 6749 4.1.2.1 writes them


class AccessDenied(Invalid):
    """Access to the calendars was not granted."""

    code = "calendar-access-denied"


@router.get("/url", responses=problems.document(ConnectionRefused, ProviderNotConfigured, UserNotFound, NotYours))
async def get_authorization_url(
    provider: Provider,
    actor: Scheduling,
    app: AppDep,
    redirect_url: Annotated[
        Annotated[str, StringConstraints(max_length=2000)] | None,
        Absent,
        Query(alias="redirectUrl", description="An address of an allowed origin to come back to."),
    ] = None,
    user_id: UserId = None,
    set_as_calendar_sync: Annotated[
        bool | None,
        Absent,
        Query(
            alias="setAsCalendarSync",
            description="Write appointments there, unless they are written to a calendar already.",
        ),
    ] = None,
) -> AuthorizationUrl:
    """Begin to connect a Google or Microsoft 365 account: answers the address to open in the user's browser.

    Afterwards the browser comes back to `redirectUrl` with `success=true&provider=…&connectionId=…`, or with
    `error=true&provider=…&errorCode=…&message=…` (`message` is encoded twice); without one to a page of ours. The user
    is told by mail which account was connected.
    """
    async with app.transaction() as conn:
        url = await calendar_authorizations.begin(
            conn,
            actor=actor,
            provider=(found := usable(app, provider)),
            wanted=Wanted(user_id, redirect_url, bool(set_as_calendar_sync)),
            base_url=app.base_url,
            origins=app.redirect_origins,
            box=app.box,
            now=app.now(),
        )
    return AuthorizationUrl(auth_url=url, provider=found.kind)


@router.get("/callback", include_in_schema=False)
async def finish_authorization(
    provider: Provider, request: Request, app: AppDep, state: str = "", code: str = "", error: str = ""
) -> RedirectResponse:
    """Take a browser back from a provider's page, and send it on; the state is its credential."""
    await take_address(app, request, "calendar-callback", PER_MINUTE, BURST)
    async with app.transaction() as conn:
        begun = await calendar_authorizations.take(conn, state=state)
    try:
        if begun is None or begun.provider != provider:
            raise AuthorizationOver
        if error or not code:
            raise _denied(error)
        answer = {"success": "true", "provider": provider, "connectionId": await _connect(app, begun, code)}
    except DomainError as refusal:
        answer = {
            "error": "true",
            "provider": provider,
            "errorCode": refusal.code,
            "message": quote(refusal.message, safe=""),
        }
    target = begun.redirect_url if begun and begun.redirect_url else app.base_url + OUR_PAGE
    return RedirectResponse(redirects.answered(target, answer), status_code=302)


async def _connect(app: App, begun: Authorization, code: str) -> str:
    provider = found_accounts.provider_of(app.calendars, begun.provider)
    found = await calendar_authorizations.finish(
        provider, begun, code=code, base_url=app.base_url, box=app.box, now=app.now()
    )
    actor = Actor(begun.company_id, begun.user_id, is_admin=False, via="page")
    view = await connect(app, actor=actor, user_id=begun.user_id, found=found, as_sync=begun.set_as_calendar_sync)
    return str(view.connection.id)


def _denied(error: str) -> AccessDenied:
    # What else a provider says of it is its own text, on its own pages; only the word is passed on.
    known = error if _ERROR.fullmatch(error) and error != "access_denied" else ""
    return AccessDenied(f"The provider did not grant access ({known})" if known else None)
