"""How keys and tokens are printed, for people and as JSON; instants in UTC, as ISO 8601 with Z."""

from __future__ import annotations

import json as jsons
from collections.abc import Iterable
from typing import Any

from whenever import Instant

from kalends.storage.credentials import Credential


def created(credential: Credential, plain: str, *, json: bool) -> None:
    """Print a new credential with its secret; nobody can read that again."""
    if json:
        fields = {"id": str(credential.id), "name": credential.name, credential.kind: plain}
        print(jsons.dumps(fields | {"expiresAt": _iso(credential.expires_at), "scopes": credential.scopes}))
        return
    print(plain)
    print("It is shown only now: keep it in a safe place.")


def changed(credential: Credential, *, now: Instant, json: bool) -> None:
    """Print what a credential has become."""
    fields = _fields(credential, now)
    print(jsons.dumps(fields) if json else f"{credential.kind} {credential.id} is {fields['state']}.")


def listed(credentials: Iterable[Credential], *, now: Instant, json: bool) -> None:
    """Print credentials, a line for each."""
    rows = [_fields(credential, now) for credential in credentials]
    if json:
        print(jsons.dumps(rows))
        return
    for row in rows:
        until = row["expiresAt"] or "for good"
        print(f"{row['id']}  {row['state']:<11}  {until:<20}  {', '.join(row['scopes']) or 'all'}  {row['name'] or ''}")


def _fields(credential: Credential, now: Instant) -> dict[str, Any]:
    return {
        "id": str(credential.id),
        "name": credential.name,
        "expiresAt": _iso(credential.expires_at),
        "scopes": credential.scopes,
        "state": _state(credential, now),
        "userId": str(credential.user_id) if credential.user_id else None,
        "lastUsedAt": _iso(credential.last_used_at),
        "createdAt": _iso(credential.created_at),
    }


def _state(credential: Credential, now: Instant) -> str:
    if credential.revoked_at:
        return "revoked"
    if credential.expires_at and credential.expires_at <= now:
        return "expired"
    return "deactivated" if credential.deactivated_at else "active"


def _iso(instant: Instant | None) -> str | None:
    return instant.format_iso(unit="second") if instant else None
