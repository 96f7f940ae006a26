"""Make, list and end platform keys and personal tokens; the secret is shown once and kept as SHA-256 only."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Sequence
from typing import Literal, get_args
from uuid import UUID

from whenever import Instant

from kalends.errors import Conflict, Invalid, NotFound
from kalends.storage import credentials, ids
from kalends.storage.credentials import Credential, Kind
from kalends.storage.database import Connection

KEY_PREFIX = "ak_live:"
TOKEN_PREFIX = "rgo-"
Scope = Literal["scheduling", "contacts", "forms", "account"]
SCOPES = get_args(Scope)
KEY_DAYS = range(1, 91)
NAME_LENGTH = 100

_ALPHABET = string.ascii_letters + string.digits
_TOKEN_LENGTH = 32  # 190 random bits in 62 letters; the length is the contract's (1.1)


class TokenNameTaken(Conflict):
    """You already have a token of this name."""

    code = "token-name-taken"


class CredentialNotFound(NotFound):
    """There is no such credential."""

    code = "credential-not-found"


def secret_hash(secret: str) -> bytes:
    """Hash a secret of ours as it is stored; being random it needs no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


async def create_key(
    conn: Connection, *, company_id: UUID, name: str | None, days: int, now: Instant
) -> tuple[Credential, str]:
    """Make a platform key of the company; answer it and the secret, which nobody can read again.

    Args:
        days: how long it lives, 1–90 (contract 1.1).

    Raises:
        Invalid: the days or the name are not allowed.
    """
    if days not in KEY_DAYS:
        raise Invalid.at("days", "must be between 1 and 90")
    _check_name(name)
    key_id = ids.new_id(company_id)
    plain = f"{KEY_PREFIX}{key_id}:{secrets.token_urlsafe(32)}"
    key = Credential(company_id, key_id, "key", None, name, [], now.add(hours=24 * days), None, None, None, now)
    await credentials.add(conn, key, secret_hash(plain))
    return key, plain


async def create_token(
    conn: Connection,
    *,
    company_id: UUID,
    user_id: UUID,
    name: str,
    scopes: Sequence[str],
    expires_at: Instant | None,
    now: Instant,
) -> tuple[Credential, str]:
    """Make a personal token of the user; answer it and the secret, which nobody can read again.

    Args:
        name: unique among the user's live tokens.
        scopes: some of SCOPES; none means all.
        expires_at: later than now; None for a token that does not expire.

    Raises:
        Invalid: name, scopes or expiry are not allowed.
        TokenNameTaken: the user has a live token of this name.
    """
    _check_name(name)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise Invalid.at("scopes", f"must be among {', '.join(SCOPES)}")
    if expires_at is not None and expires_at <= now:
        raise Invalid.at("expiresAt", "must lie in the future")
    plain = TOKEN_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_TOKEN_LENGTH))
    kept = [scope for scope in SCOPES if scope in scopes]
    token_id = ids.new_id(company_id)
    token = Credential(company_id, token_id, "token", user_id, name, kept, expires_at, None, None, None, now)
    try:
        async with conn.transaction():
            await credentials.add(conn, token, secret_hash(plain))
    except credentials.NameTaken as error:
        raise TokenNameTaken from error
    return token, plain


async def list_(conn: Connection, *, company_id: UUID, kind: Kind) -> list[Credential]:
    """List a company's keys or tokens that are not revoked, oldest first."""
    return await credentials.of_company(conn, company_id, kind)


async def deactivate(conn: Connection, *, company_id: UUID, key_id: UUID, now: Instant) -> Credential:
    """Switch a key off until it is activated again.

    Raises:
        CredentialNotFound: the company has no such key.
    """
    return _found(await credentials.set_deactivated(conn, company_id, key_id, now))


async def activate(conn: Connection, *, company_id: UUID, key_id: UUID) -> Credential:
    """Switch a key on again; its expiry stays.

    Raises:
        CredentialNotFound: the company has no such key.
    """
    return _found(await credentials.set_deactivated(conn, company_id, key_id, None))


async def revoke(conn: Connection, *, company_id: UUID, kind: Kind, credential_id: UUID, now: Instant) -> Credential:
    """End a key or token for good.

    Raises:
        CredentialNotFound: the company has no such credential, or it is revoked already.
    """
    return _found(await credentials.set_revoked(conn, company_id, kind, credential_id, now))


def _found(credential: Credential | None) -> Credential:
    if credential is None:
        raise CredentialNotFound
    return credential


def _check_name(name: str | None) -> None:
    if name is not None and (len(name) > NAME_LENGTH or not name.isprintable()):
        raise Invalid.at("name", f"must be one line of at most {NAME_LENGTH} characters")
    if name is not None and not name.strip():
        raise Invalid.at("name", "must not be empty")
