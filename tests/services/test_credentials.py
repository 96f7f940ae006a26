"""Platform keys and personal tokens: their shape, their limits, what is kept of them."""

import re
from uuid import uuid4

import pytest
from whenever import Instant

from kalends.errors import Invalid
from kalends.services import credentials
from kalends.services.companies import Founded
from kalends.services.credentials import CredentialNotFound, TokenNameTaken
from kalends.storage.database import Connection
from tests import factories

NOW = Instant("2026-03-02T09:00:00Z")


@pytest.fixture
async def founded(conn: Connection) -> Founded:
    return await factories.company(conn, now=NOW)


async def a_token(conn: Connection, founded: Founded, name: str = "laptop", *scopes: str) -> str:
    _, plain = await credentials.create_token(
        conn,
        company_id=founded.company_id,
        user_id=founded.user_id,
        name=name,
        scopes=scopes,
        expires_at=None,
        now=NOW,
    )
    return plain


async def test_a_key_names_itself_and_ends(conn: Connection, founded: Founded) -> None:
    key, plain = await credentials.create_key(conn, company_id=founded.company_id, name="CI", days=90, now=NOW)

    assert re.fullmatch(rf"ak_live:{key.id}:[A-Za-z0-9_-]{{43}}", plain)
    assert (key.kind, key.name, key.user_id) == ("key", "CI", None)
    assert key.expires_at == NOW.add(hours=90 * 24)


async def test_a_token_is_rgo_and_32_characters(conn: Connection, founded: Founded) -> None:
    tokens = {await a_token(conn, founded, str(number)) for number in range(5)}

    assert len(tokens) == 5
    assert all(re.fullmatch(r"rgo-[A-Za-z0-9]{32}", token) for token in tokens)


async def test_no_secret_is_kept(conn: Connection, founded: Founded) -> None:
    _, key = await credentials.create_key(conn, company_id=founded.company_id, name=None, days=1, now=NOW)
    token = await a_token(conn, founded)

    kept = ""
    for table in ("credential", "directory"):
        rows = await conn.execute(f"SELECT t::text FROM {table} t WHERE company_id = %s", (founded.company_id,))
        kept += str(await rows.fetchall())
    assert key.rsplit(":")[-1] not in kept
    assert token not in kept
    assert credentials.secret_hash(key).hex() in kept


@pytest.mark.parametrize("days", [-1, 0, 91, 10_000])
async def test_a_key_lives_1_to_90_days(conn: Connection, founded: Founded, days: int) -> None:
    with pytest.raises(Invalid) as caught:
        await credentials.create_key(conn, company_id=founded.company_id, name=None, days=days, now=NOW)

    assert [error.field for error in caught.value.errors] == ["days"]


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "nul\0", "x" * 101])
async def test_a_token_has_a_name_of_one_line(conn: Connection, founded: Founded, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        await a_token(conn, founded, name)

    assert [error.field for error in caught.value.errors] == ["name"]


async def test_unknown_scopes_and_past_expiries_are_refused(conn: Connection, founded: Founded) -> None:
    with pytest.raises(Invalid, match="Validation failed"):
        await a_token(conn, founded, "x", "everything")
    with pytest.raises(Invalid, match="Validation failed"):
        await credentials.create_token(
            conn,
            company_id=founded.company_id,
            user_id=founded.user_id,
            name="x",
            scopes=(),
            expires_at=NOW,
            now=NOW,
        )


async def test_a_tokens_name_is_taken_until_it_is_revoked(conn: Connection, founded: Founded) -> None:
    await a_token(conn, founded, "laptop")

    with pytest.raises(TokenNameTaken):
        await a_token(conn, founded, "laptop")
    (token,) = await credentials.list_(conn, company_id=founded.company_id, kind="token")
    await credentials.revoke(conn, company_id=founded.company_id, kind="token", credential_id=token.id, now=NOW)

    assert await a_token(conn, founded, "laptop")


async def test_another_companys_credentials_are_not_there(conn: Connection, founded: Founded) -> None:
    other = await factories.company(conn, now=NOW)
    key, _ = await credentials.create_key(conn, company_id=founded.company_id, name=None, days=1, now=NOW)

    with pytest.raises(CredentialNotFound):
        await credentials.deactivate(conn, company_id=other.company_id, key_id=key.id, now=NOW)
    with pytest.raises(CredentialNotFound):
        await credentials.revoke(conn, company_id=other.company_id, kind="key", credential_id=key.id, now=NOW)
    with pytest.raises(CredentialNotFound):
        await credentials.activate(conn, company_id=founded.company_id, key_id=uuid4())

    assert await credentials.list_(conn, company_id=other.company_id, kind="key") == []
    assert await credentials.list_(conn, company_id=founded.company_id, kind="key") == [key]


async def test_a_revoked_key_cannot_come_back(conn: Connection, founded: Founded) -> None:
    key, _ = await credentials.create_key(conn, company_id=founded.company_id, name=None, days=1, now=NOW)

    await credentials.revoke(conn, company_id=founded.company_id, kind="key", credential_id=key.id, now=NOW)

    with pytest.raises(CredentialNotFound):
        await credentials.activate(conn, company_id=founded.company_id, key_id=key.id)
    assert await credentials.list_(conn, company_id=founded.company_id, kind="key") == []
