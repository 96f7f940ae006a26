"""Nonces of forms."""

from uuid import uuid4

from kalends.storage import form_nonces
from kalends.storage.database import Connection
from kalends.storage.form_nonces import FirstSending
from tests import factories
from tests.ordering import NOW


async def test_a_nonce_is_forgotten_after_a_day(conn: Connection) -> None:
    company = await factories.company(conn, now=NOW)
    nonce, outcome = uuid4(), FirstSending(uuid4(), "secret")
    await form_nonces.enter(conn, nonce=nonce, company_id=company.company_id, now=NOW)
    await form_nonces.settle(conn, nonce=nonce, company_id=company.company_id, outcome=outcome)

    await form_nonces.sweep(conn, NOW.add(hours=24))
    kept = await form_nonces.enter(conn, nonce=nonce, company_id=company.company_id, now=NOW)
    await form_nonces.sweep(conn, NOW.add(hours=24, seconds=1))
    gone = await form_nonces.enter(conn, nonce=nonce, company_id=company.company_id, now=NOW)

    assert (kept, gone) == (outcome, None)


async def test_another_company_settles_nothing(conn: Connection) -> None:
    ours, theirs = await factories.company(conn, now=NOW), await factories.company(conn, now=NOW)
    nonce, outcome = uuid4(), FirstSending(uuid4(), "secret")
    await form_nonces.enter(conn, nonce=nonce, company_id=ours.company_id, now=NOW)
    await form_nonces.settle(conn, nonce=nonce, company_id=ours.company_id, outcome=outcome)

    await form_nonces.settle(conn, nonce=nonce, company_id=theirs.company_id, outcome=FirstSending(uuid4(), "other"))

    assert await form_nonces.enter(conn, nonce=nonce, company_id=ours.company_id, now=NOW) == outcome
