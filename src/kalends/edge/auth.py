"""Who is calling: dependencies that turn the Authorization header into an Actor (contract 1 and 6.3).

The credential, the user acted as and the rate limit are one statement, committed before the request's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

import psycopg
from fastapi import Depends, Request

from kalends.app import App, DatabaseBusy
from kalends.errors import Forbidden, Invalid, LimitReached, Unauthenticated
from kalends.services.actor import Actor
from kalends.services.credentials import TOKEN_PREFIX, Scope, secret_hash
from kalends.storage import credentials
from kalends.storage.buckets import Level, RateLimit
from kalends.storage.credentials import Presented

from .context import header, trace_of
from .limits import bucket_of_address

USER_HEADER = "x-meetergo-api-user-id"
_USER_HEADER = USER_HEADER.encode()
MISSING_USER = f"Missing required header '{USER_HEADER}' for API key authentication"
OWNER_ONLY = "A personal access token acts for its owner only"


@dataclass(frozen=True, slots=True)
class Guard:
    """A dependency that lets the credential in the header pass, or says why not.

    Attributes:
        scope: what a limited personal token must have; None: whatever it has is enough.
        owner_acts: a platform key may leave the user header out; then the company's owner acts.
        tokens: personal tokens may come at all.
    """

    scope: Scope | None
    owner_acts: bool = False
    tokens: bool = True

    async def __call__(self, request: Request) -> Actor:
        """Authenticate, take a token from the bucket and answer who acts.

        Raises:
            Unauthenticated: no credential, an unknown one, or one that is over.
            Invalid: a key does not say which user it acts as.
            Forbidden: the credential may not do this, or not as this user.
            LimitReached: too many requests.
            DatabaseBusy: the database is away, or takes no writes and this is one.
        """
        given = header(request.scope, b"authorization").strip()
        if not given:
            raise Unauthenticated("Missing authorization header")
        scheme, _, secret = given.partition(" ")
        secret = secret.strip() if scheme.lower() == "bearer" else ""
        named = header(request.scope, _USER_HEADER).strip()
        asked = _uuid(named) if named else None
        found = _live(await _present(request, secret, named, asked), secret, request)
        trace_of(request).credential_id = found.id
        if found.kind == "token":
            self._check_token(found, named, asked)
        elif not named and not self.owner_acts:
            raise Invalid(MISSING_USER)
        if found.user_id is None:
            raise Forbidden(f"The user named in '{USER_HEADER}' does not belong to your company")
        actor = trace_of(request).actor = Actor(
            company_id=found.company_id,
            user_id=found.user_id,
            is_admin=bool(found.is_admin),
            via=found.kind,
            credential_id=found.id,
        )
        return actor

    def _check_token(self, found: Presented, named: str, asked: UUID | None) -> None:
        if named and asked != found.user_id:
            raise Forbidden(OWNER_ONLY)
        if not self.tokens:
            raise Forbidden("A personal access token cannot do this; use a platform API key")
        if self.scope and found.scopes and self.scope not in found.scopes:
            raise Forbidden(scope_missing(self.scope))


def scope_missing(scope: Scope) -> str:
    """Say what a limited personal token lacks."""
    return f"This personal access token lacks the scope '{scope}'"


def _live(found: Presented | None, secret: str, request: Request) -> Presented:
    """Refuse what is unknown or over, with the contract's texts (1.4)."""
    is_token = found.kind == "token" if found else secret.startswith(TOKEN_PREFIX)
    unknown = "Unauthorized" if is_token else "Invalid API key"
    if found is None or found.revoked_at or (is_token and found.user_id is None):
        raise Unauthenticated(unknown)
    app: App = request.app.state.kalends
    if found.expires_at and found.expires_at <= app.now():
        raise Unauthenticated(unknown if is_token else "API key has expired")
    if found.deactivated_at:
        raise Unauthenticated("API key is deactivated")
    return found


async def _present(request: Request, secret: str, named: str, asked: UUID | None) -> Presented | None:
    app: App = request.app.state.kalends
    limit: RateLimit = request.app.state.limits
    hashed, now = secret_hash(secret), app.now()
    async with app.reading() as conn:
        try:
            found, level = await credentials.present(
                conn,
                secret_hash=hashed,
                named=bool(named),
                asked=asked,
                address=partial(bucket_of_address, request, "unknown"),
                limit=limit,
                now=now,
            )
        except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.FeatureNotSupported) as error:
            # A server that takes no writes has no buckets either (on a standby, UNLOGGED tables cannot even be read).
            if request.method not in ("GET", "HEAD"):
                raise DatabaseBusy(retry_after_s=5) from error
            return await credentials.read(conn, secret_hash=hashed, named=bool(named), asked=asked, now=now)
    if limit.burst:
        trace_of(request).headers.update(_headers(level))
    if not level.taken:
        raise LimitReached(retry_after_s=level.retry_after_s)
    return found


def _headers(level: Level) -> dict[str, str]:
    """Tell the bucket's state: draft-ietf-httpapi-ratelimit-headers, and the older X- names."""
    limit, remaining, reset = level.limit, max(0, int(level.tokens)), level.full_after_s
    return {
        "RateLimit-Policy": f'"requests";q={limit.burst};w={limit.window_s}',
        "RateLimit": f'"requests";r={remaining};t={reset}',
        "X-RateLimit-Limit": str(limit.burst),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# Clients ask with this whether a credential works (contract 1.6), whatever it is for.
Whoever = Annotated[Actor, Depends(Guard(None, owner_acts=True))]
Scheduling = Annotated[Actor, Depends(Guard("scheduling"))]
SchedulingOrOwner = Annotated[Actor, Depends(Guard("scheduling", owner_acts=True))]
Account = Annotated[Actor, Depends(Guard("account"))]
AccountOrOwner = Annotated[Actor, Depends(Guard("account", owner_acts=True))]
KeyOnly = Annotated[Actor, Depends(Guard("account", owner_acts=True, tokens=False))]
