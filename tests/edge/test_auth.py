"""Contract 1.4 and 6.3, line by line."""

from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter
from httpx2 import Response
from whenever import Instant

from kalends.app import App
from kalends.edge.auth import AccountOrOwner, KeyOnly, Scheduling
from kalends.services import credentials
from tests.edge.conftest import Acme, ClientFor, Clock, bearer, company

router = APIRouter(prefix="/v4")


@router.get("/needs-user")
async def needs_user(actor: Scheduling) -> dict[str, str | bool | None]:
    return {
        "company": str(actor.company_id),
        "user": str(actor.user_id),
        "admin": actor.is_admin,
        "via": actor.via,
        "credential": str(actor.credential_id),
    }


@router.get("/owner-acts")
async def owner_acts(actor: AccountOrOwner) -> dict[str, str | bool]:
    return {"user": str(actor.user_id), "admin": actor.is_admin}


@router.post("/key-only", status_code=201)
async def key_only(actor: KeyOnly) -> dict[str, str]:
    return {"user": str(actor.user_id)}


@router.post("/with-body")
async def with_body(actor: Scheduling, body: dict[str, str]) -> dict[str, str]:
    return body


def refusal(answer: Response) -> tuple[int, str]:
    """Read status and message of an error answer, whose other keys must fit."""
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    assert body["requestId"] == answer.headers["x-request-id"]
    return answer.status_code, body["message"]


async def token(app: App, acme: Acme, *scopes: str, user: UUID | None = None, expires_at: Instant | None = None) -> str:
    """Make one more personal token, of the owner or of another user."""
    async with app.transaction() as conn:
        _, plain = await credentials.create_token(
            conn,
            company_id=acme.company_id,
            user_id=user or acme.owner_id,
            name=str(uuid4()),
            scopes=scopes,
            expires_at=expires_at,
            now=app.now(),
        )
    return plain


async def test_a_token_acts_as_its_owner_with_his_role(client_for: ClientFor, app: App, acme: Acme) -> None:
    client = await client_for(router)
    of_member = await token(app, acme, user=acme.member_id)

    owner = (await client.get("/v4/needs-user", headers=bearer(acme.token))).json()
    member = (await client.get("/v4/needs-user", headers=bearer(of_member))).json()

    assert (owner["user"], owner["admin"], owner["via"]) == (str(acme.owner_id), True, "token")
    assert (member["user"], member["admin"], member["via"]) == (str(acme.member_id), False, "token")
    assert owner["company"] == member["company"] == str(acme.company_id)


async def test_a_key_acts_as_the_user_named_with_his_role(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router)

    owner = (await client.get("/v4/needs-user", headers=bearer(acme.key, acme.owner_id))).json()
    member = (await client.get("/v4/needs-user", headers=bearer(acme.key, acme.member_id))).json()

    assert (owner["user"], owner["admin"], owner["via"]) == (str(acme.owner_id), True, "key")
    assert (member["user"], member["admin"], member["via"]) == (str(acme.member_id), False, "key")
    assert member["credential"] == str(acme.key_id)


@pytest.mark.parametrize("header", [{}, {"x-meetergo-api-user-id": ""}, {"x-meetergo-api-user-id": "  "}])
async def test_a_key_without_a_user_acts_as_the_owner_where_that_is_allowed(
    client_for: ClientFor, acme: Acme, header: dict[str, str]
) -> None:
    client = await client_for(router)

    allowed = await client.get("/v4/owner-acts", headers=bearer(acme.key) | header)
    needed = await client.get("/v4/needs-user", headers=bearer(acme.key) | header)

    assert allowed.json() == {"user": str(acme.owner_id), "admin": True}
    assert refusal(needed) == (
        400,
        "Missing required header 'x-meetergo-api-user-id' for API key authentication",
    )


@pytest.mark.parametrize("header", [{}, {"Authorization": ""}, {"Authorization": "  "}])
async def test_no_credential_is_401(client_for: ClientFor, header: dict[str, str]) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/needs-user", headers=header)

    assert refusal(answer) == (401, "Missing authorization header")
    assert answer.json()["error"] == "Unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Bearer ak_live:0197a3b0-5f6e-7c11-8d2a-3f0c9e1b7a44:unknown", "Invalid API key"),
        ("Bearer garbled", "Invalid API key"),
        ("Bearer", "Invalid API key"),
        ("Basic YTpi", "Invalid API key"),
        ("Bearer ak_live:\xe9\xff", "Invalid API key"),
        ("Bearer rgo-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Unauthorized"),
    ],
)
async def test_an_unknown_credential_is_401(client_for: ClientFor, header: str, message: str) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/needs-user", headers={b"Authorization": header.encode("latin-1")})

    assert refusal(answer) == (401, message)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
async def test_the_scheme_is_read_in_any_case(client_for: ClientFor, acme: Acme, scheme: str) -> None:
    client = await client_for(router)

    answer = await client.get("/v4/needs-user", headers={"Authorization": f"{scheme} {acme.token}"})

    assert answer.status_code == 200


async def test_an_expired_key_is_401(client_for: ClientFor, acme: Acme, clock: Clock) -> None:
    client = await client_for(router)

    clock.forward(hours=24 * 30, seconds=-1)
    before = await client.get("/v4/owner-acts", headers=bearer(acme.key))
    clock.forward(seconds=1)
    after = await client.get("/v4/owner-acts", headers=bearer(acme.key))

    assert before.status_code == 200
    assert refusal(after) == (401, "API key has expired")


async def test_an_expired_token_is_401(client_for: ClientFor, app: App, acme: Acme, clock: Clock) -> None:
    client = await client_for(router)
    short = await token(app, acme, expires_at=clock().add(hours=1))

    clock.forward(hours=1)
    answer = await client.get("/v4/needs-user", headers=bearer(short))

    assert refusal(answer) == (401, "Unauthorized")


async def test_a_deactivated_key_is_401_until_it_is_activated(client_for: ClientFor, app: App, acme: Acme) -> None:
    client = await client_for(router)

    async with app.transaction() as conn:
        await credentials.deactivate(conn, company_id=acme.company_id, key_id=acme.key_id, now=app.now())
    off = await client.get("/v4/owner-acts", headers=bearer(acme.key))
    async with app.transaction() as conn:
        await credentials.activate(conn, company_id=acme.company_id, key_id=acme.key_id)
    on = await client.get("/v4/owner-acts", headers=bearer(acme.key))

    assert refusal(off) == (401, "API key is deactivated")
    assert on.status_code == 200


async def test_a_revoked_credential_is_unknown(client_for: ClientFor, app: App, acme: Acme) -> None:
    client = await client_for(router)

    async with app.transaction() as conn:
        for kind in ("key", "token"):
            for one in await credentials.list_(conn, company_id=acme.company_id, kind=kind):
                await credentials.revoke(
                    conn, company_id=acme.company_id, kind=kind, credential_id=one.id, now=app.now()
                )

    assert refusal(await client.get("/v4/owner-acts", headers=bearer(acme.key))) == (401, "Invalid API key")
    assert refusal(await client.get("/v4/owner-acts", headers=bearer(acme.token))) == (401, "Unauthorized")


async def test_a_deleted_user_ends_his_token_and_cannot_be_acted_as(
    client_for: ClientFor, app: App, acme: Acme
) -> None:
    client = await client_for(router)
    of_member = await token(app, acme, user=acme.member_id)

    async with app.transaction() as conn:
        await conn.execute("UPDATE user_account SET deleted_at = now() WHERE id = %s", (acme.member_id,))
    with_token = await client.get("/v4/needs-user", headers=bearer(of_member))
    with_key = await client.get("/v4/needs-user", headers=bearer(acme.key, acme.member_id))

    assert refusal(with_token) == (401, "Unauthorized")
    assert with_key.status_code == 403


async def test_a_token_names_its_owner_or_nobody(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router)

    answers = [
        await client.get("/v4/needs-user", headers=bearer(acme.token, user))
        for user in (acme.owner_id, str(acme.owner_id).upper(), "", acme.member_id, "no-id", uuid4())
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 403, 403, 403]
    assert refusal(answers[3]) == (403, "A personal access token acts for its owner only")


async def test_a_key_acts_for_users_of_its_company_only(client_for: ClientFor, app: App, acme: Acme) -> None:
    client = await client_for(router)
    other = await company(app)

    for user in (other.owner_id, uuid4(), "no-id", "%00", "1" * 5000):
        for path in ("/v4/needs-user", "/v4/owner-acts"):
            answer = await client.get(path, headers=bearer(acme.key, user))

            assert refusal(answer) == (
                403,
                "The user named in 'x-meetergo-api-user-id' does not belong to your company",
            )


async def test_a_limited_token_is_refused_outside_its_scopes(client_for: ClientFor, app: App, acme: Acme) -> None:
    client = await client_for(router)
    limited = await token(app, acme, "contacts", "scheduling")

    inside = await client.get("/v4/needs-user", headers=bearer(limited))
    outside = await client.get("/v4/owner-acts", headers=bearer(limited))

    assert inside.status_code == 200
    assert refusal(outside) == (403, "This personal access token lacks the scope 'account'")
    assert outside.json()["error"] == "Forbidden"


async def test_tokens_are_refused_where_only_keys_may_act(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router)

    with_key = await client.post("/v4/key-only", headers=bearer(acme.key))
    with_token = await client.post("/v4/key-only", headers=bearer(acme.token))

    assert (with_key.status_code, with_key.json()) == (201, {"user": str(acme.owner_id)})
    assert refusal(with_token) == (403, "A personal access token cannot do this; use a platform API key")


@pytest.mark.parametrize("body", [b"{not json", b"\xff\xfe{", b"[" * 100_000])
async def test_who_calls_is_asked_before_what_he_sends(client_for: ClientFor, acme: Acme, body: bytes) -> None:
    client = await client_for(router)
    headers = {"Content-Type": "application/json"}

    unknown = await client.post("/v4/with-body", content=body, headers=headers)
    known = await client.post("/v4/with-body", content=body, headers=headers | bearer(acme.token))

    assert refusal(unknown) == (401, "Missing authorization header")
    assert refusal(known) == (400, "Validation failed")
    assert [error["field"] for error in known.json()["errors"]] == ["body"]


async def test_last_use_is_noted_once_a_minute(client_for: ClientFor, app: App, acme: Acme, clock: Clock) -> None:
    client = await client_for(router)
    start = clock()

    async def used() -> Instant | None:
        await client.get("/v4/owner-acts", headers=bearer(acme.key))
        async with app.reading() as conn:
            (key,) = await credentials.list_(conn, company_id=acme.company_id, kind="key")
        return key.last_used_at

    first = await used()
    clock.forward(seconds=59)
    second = await used()
    clock.forward(seconds=1)
    third = await used()

    assert (first, second, third) == (start, start, start.add(minutes=1))
