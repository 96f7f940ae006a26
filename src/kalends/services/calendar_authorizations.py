"""Authorizations: a user goes to his provider's page, says yes there, and comes back with a code.

The `state` that comes back is the proof of having begun: 256 bits nobody else has seen, of use once, for ten minutes.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeGuard
from uuid import UUID

from whenever import Instant

from kalends.domain import redirects
from kalends.errors import Invalid
from kalends.ports import AuthorizingProvider, CalendarKind, CalendarProvider, ConnectionRefused
from kalends.storage import calendar_authorizations
from kalends.storage.calendar_authorizations import Authorization
from kalends.storage.database import Connection
from kalends.storage.secret_box import CannotOpen, SecretBox

from . import calendar_connections, found_accounts
from .actor import Actor
from .credentials import secret_hash
from .found_accounts import Found

VALID_MINUTES = 10
OUR_PAGE = "/calendar-connected"  # where a browser ends that nobody else wants back
# 256 and 384 bits; RFC 7636 asks for 43 to 128 characters of a verifier.
_STATE_BYTES, _VERIFIER_BYTES = 32, 48


class AuthorizationOver(Invalid):
    """This way to connect a calendar was used before, or ten minutes have passed; begin again."""

    code = "calendar-authorization-over"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of an authorization.

    Attributes:
        redirect_url: where the browser goes afterwards; None: to our own page.
        as_sync: appointments are to be written there, unless they are written somewhere already.
    """

    user_id: UUID | None
    redirect_url: str | None
    as_sync: bool


def callback(base_url: str, kind: CalendarKind) -> str:
    """Name our address that a provider sends browsers back to; it has to know it beforehand."""
    return f"{base_url}/v4/calendar-connections/auth/{kind}/callback"


def _authorizes(provider: CalendarProvider) -> TypeGuard[AuthorizingProvider]:
    """Tell whether a provider lets us in on a page of its own."""
    return hasattr(provider, "authorization_url")


async def begin(
    conn: Connection,
    *,
    actor: Actor,
    provider: CalendarProvider,
    wanted: Wanted,
    base_url: str,
    origins: Collection[str],
    box: SecretBox,
    now: Instant,
) -> str:
    """Write an authorization down, and answer the provider's address it begins at.

    Args:
        base_url: ours; always one to come back to, beside those of `origins`.

    Raises:
        ConnectionRefused: the provider is connected with an address or a password instead.
        Invalid: the browser may not be sent to that address.
        UserNotFound, NotYours: as of `calendar_connections.owner`.
    """
    if not _authorizes(provider):
        raise ConnectionRefused(f"'{provider.kind}' is connected by POST /v4/calendar-connections/connections")
    if wanted.redirect_url is not None and not redirects.is_allowed(wanted.redirect_url, (base_url, *origins)):
        raise Invalid.at("redirectUrl", "is not an address of an allowed origin")
    user = await calendar_connections.host(conn, actor=actor, user_id=wanted.user_id)
    state, verifier = secrets.token_urlsafe(_STATE_BYTES), secrets.token_urlsafe(_VERIFIER_BYTES)
    row = Authorization(
        secret_hash(state),
        actor.company_id,
        user.id,
        provider.kind,
        box.seal(verifier.encode()),
        wanted.redirect_url,
        wanted.as_sync,
        now.add(minutes=VALID_MINUTES),
    )
    await calendar_authorizations.add(conn, row)
    redirect_uri = callback(base_url, provider.kind)
    return provider.authorization_url(redirect_uri=redirect_uri, state=state, verifier=verifier)


async def take(conn: Connection, *, state: str) -> Authorization | None:
    """Take out the authorization a state belongs to, whether it is still of use or not; nobody can use it again."""
    return await calendar_authorizations.take(conn, secret_hash(state)) if state else None


async def finish(
    provider: CalendarProvider, authorization: Authorization, *, code: str, base_url: str, box: SecretBox, now: Instant
) -> Found:
    """Change the code for a credential, and see which calendars it leads to; outside any transaction.

    Raises:
        AuthorizationOver: it took longer than ten minutes, or was begun before the server's secret key was lost.
        ConnectionRefused: the provider does not take the code, or not all that is needed was granted.
        Upstream: the provider could not be asked.
    """
    if authorization.expires_at <= now:
        raise AuthorizationOver
    if not _authorizes(provider):
        raise ConnectionRefused
    try:
        verifier = box.open(authorization.verifier).decode()
    except CannotOpen:
        raise AuthorizationOver from None
    redirect_uri = callback(base_url, provider.kind)
    connected = await provider.authorize(code=code, redirect_uri=redirect_uri, verifier=verifier)
    return await found_accounts.look(provider, connected)
