"""Tokens: what a server granted, read and kept."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from whenever import Instant

from kalends.errors import Upstream
from kalends.ports import Credential, CredentialRefused

from .http import Answer

LIFE_S = 3600  # of an access token whose server does not say


@dataclass(frozen=True, slots=True)
class Tokens:
    """What opens an account.

    Attributes:
        refresh: None: the server gave none.
        scopes: what was granted; empty: the server did not say.
        more: whatever else the provider keeps in its credential.
    """

    access: str = field(repr=False)
    expires_at: Instant
    refresh: str | None = field(repr=False, default=None)
    scopes: frozenset[str] = frozenset()
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, vendor: str, credential: Credential) -> Tokens:
        """Read a credential.

        Raises:
            CredentialRefused: it is none that was made here.
        """
        known = ("access_token", "expires_at", "refresh_token", "scope")
        try:
            return cls(
                access=str(credential["access_token"]),
                expires_at=Instant.parse_iso(credential["expires_at"]),
                refresh=credential.get("refresh_token"),
                scopes=frozenset(credential.get("scope", "").split()),
                more={key: value for key, value in credential.items() if key not in known},
            )
        except (KeyError, TypeError, ValueError, AttributeError):  # not "from": it may name what is secret
            raise CredentialRefused(f"the calendar at {vendor} has to be connected again") from None

    def credential(self) -> Credential:
        """Write them as JSON values."""
        return {
            **self.more,
            "access_token": self.access,
            "refresh_token": self.refresh,
            "expires_at": self.expires_at.format_iso(),
            "scope": " ".join(sorted(self.scopes)),
        }

    def renewed(self, grant: Grant) -> Tokens:
        """Take over what a refresh brought; what it does not mention stays (RFC 6749 5.1, 6)."""
        return replace(
            grant.tokens,
            refresh=grant.tokens.refresh or self.refresh,
            scopes=grant.tokens.scopes or self.scopes,
            more=self.more,
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """An answer of a token endpoint.

    Attributes:
        id_token: says who the account's owner is (OpenID Connect); None: not asked for.
    """

    tokens: Tokens
    id_token: str | None = field(repr=False, default=None)


def granted(vendor: str, answer: Answer, *, now: Instant) -> Grant:
    """Read a token endpoint's answer (RFC 6749 5.1).

    Raises:
        Upstream: there is no token in it.
    """
    body = answer.body
    access, refresh, id_token = (body.get(key) for key in ("access_token", "refresh_token", "id_token"))
    if not isinstance(access, str) or not access:
        raise Upstream(f"{vendor} answers without a token")
    tokens = Tokens(
        access=access,
        expires_at=now.add(seconds=_life_s(body.get("expires_in"))),
        refresh=refresh if isinstance(refresh, str) and refresh else None,
        scopes=frozenset(str(body.get("scope", "")).split()),
    )
    return Grant(tokens, id_token if isinstance(id_token, str) else None)


def claims(vendor: str, grant: Grant, *, client_id: str) -> Mapping[str, Any]:
    """Read who the owner is out of the id token; it came from the server itself over TLS (OpenID Connect 3.1.3.7).

    Raises:
        Upstream: there is none, or it is somebody else's.
    """
    try:
        payload = (grant.id_token or "").split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        found = None
    if not isinstance(found, dict) or client_id not in (found.get("aud"), *_several(found.get("aud"))):
        raise Upstream(f"{vendor} does not say who was connected") from None
    return found


def _life_s(given: object) -> int:
    try:
        return max(0, min(int(str(given)), 30 * 86_400))
    except ValueError:
        return LIFE_S


def _several(given: object) -> list[object]:
    return given if isinstance(given, list) else []
