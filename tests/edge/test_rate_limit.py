"""One bucket a credential, shared by all processes; one an address for what has no credential (contract 3.1)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter, Request
from psycopg.conninfo import make_conninfo

from kalends.app import App
from kalends.edge.auth import Scheduling
from kalends.edge.context import AppDep
from kalends.edge.limits import Proxies, client_address, take_address
from kalends.services import credentials
from kalends.storage import buckets, database
from kalends.storage.buckets import RateLimit
from tests.edge.conftest import Acme, ClientFor, Clock, bearer

router = APIRouter(prefix="/v4")
LIMIT = RateLimit(per_minute=60, burst=3)
NAMES = ["ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]


@router.get("/limited")
async def limited(actor: Scheduling) -> None:
    """Answer nothing."""


@router.post("/limited")
async def limited_write(actor: Scheduling) -> None:
    """Answer nothing."""


@router.get("/guessing")
async def guessing(app: AppDep, request: Request) -> str:
    await take_address(app, request, "guesses", per_minute=60, burst=2)
    return client_address(request)


@pytest.fixture
async def second_app(conninfo: str, app: App, clock: Clock) -> AsyncIterator[App]:
    """What another process would have: a pool of its own on the same database."""
    second = App(
        pool=database.pool(conninfo, min_size=1, max_size=2),
        mailer=app.mailer,
        base_url=app.base_url,
        mail_from=app.mail_from,
        box=app.box,
        now=clock,
    )
    await second.open()
    yield second
    await second.aclose()


@pytest.fixture
async def read_only_app(conninfo: str, app: App, clock: Clock) -> AsyncIterator[App]:
    """What is left when the database takes no writes."""
    frozen = App(
        pool=database.pool(make_conninfo(conninfo), min_size=1, max_size=2),
        mailer=app.mailer,
        base_url=app.base_url,
        mail_from=app.mail_from,
        box=app.box,
        now=clock,
    )
    await frozen.open()
    async with frozen.pool.connection() as conn:
        await conn.execute("SET default_transaction_read_only = on")
    yield frozen
    await frozen.aclose()


async def test_an_empty_bucket_answers_429_and_fills_again(client_for: ClientFor, acme: Acme, clock: Clock) -> None:
    client = await client_for(router, limits=LIMIT)

    async def call() -> int:
        return (await client.get("/v4/limited", headers=bearer(acme.token))).status_code

    assert [await call() for _ in range(4)] == [200, 200, 200, 429]
    clock.forward(seconds=0.9)
    assert await call() == 429
    clock.forward(seconds=0.1)
    assert [await call(), await call()] == [200, 429]
    clock.forward(hours=1)
    assert [await call() for _ in range(4)] == [200, 200, 200, 429]


async def test_a_429_has_the_contracts_body_and_says_when_to_come_back(
    client_for: ClientFor, acme: Acme, clock: Clock
) -> None:
    client = await client_for(router, limits=RateLimit(per_minute=6, burst=1))

    await client.get("/v4/limited", headers=bearer(acme.token))
    clock.forward(seconds=3)
    answer = await client.get("/v4/limited", headers=bearer(acme.token))

    assert answer.json() == {
        "statusCode": 429,
        "message": "Too Many Requests",
        "error": "Too Many Requests",
        "requestId": answer.headers["x-request-id"],
    }
    assert answer.headers["retry-after"] == "7"
    assert [answer.headers[name] for name in NAMES] == ['"requests";r=0;t=7', '"requests";q=1;w=10', "1", "0", "7"]


async def test_every_answer_tells_the_bucket_errors_included(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router, limits=RateLimit(per_minute=100, burst=200))

    good = await client.get("/v4/limited", headers=bearer(acme.token))
    refused = await client.get("/v4/limited", headers=bearer(acme.key))

    assert good.status_code == 200
    assert refused.status_code == 400
    expected = ['"requests";r=199;t=1', '"requests";q=200;w=120', "200", "199", "1"]
    assert [good.headers[name] for name in NAMES] == expected
    assert [refused.headers[name] for name in NAMES] == expected


async def test_credentials_have_a_bucket_each(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router, limits=RateLimit(per_minute=1, burst=1))

    statuses = [
        (await client.get("/v4/limited", headers=bearer(secret, acme.owner_id))).status_code
        for secret in (acme.token, acme.key, acme.token, acme.key)
    ]

    assert statuses == [200, 200, 429, 429]


async def test_two_processes_share_a_bucket(client_for: ClientFor, acme: Acme, second_app: App) -> None:
    one = await client_for(router, limits=LIMIT)
    two = await client_for(router, limits=LIMIT, on=second_app)

    statuses = [
        (await client.get("/v4/limited", headers=bearer(acme.token))).status_code
        for client in (one, two, one, two, one)
    ]

    assert statuses == [200, 200, 200, 429, 429]


async def test_requests_at_once_take_a_token_each(client_for: ClientFor, acme: Acme, second_app: App) -> None:
    clients = [await client_for(router, limits=LIMIT), await client_for(router, limits=LIMIT, on=second_app)]

    answers = await asyncio.gather(
        *(clients[number % 2].get("/v4/limited", headers=bearer(acme.token)) for number in range(24))
    )

    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 21


async def test_a_clock_behind_gives_and_takes_nothing(client_for: ClientFor, acme: Acme, clock: Clock) -> None:
    client = await client_for(router, limits=LIMIT)

    async def call() -> int:
        return (await client.get("/v4/limited", headers=bearer(acme.token))).status_code

    assert [await call(), await call()] == [200, 200]
    clock.forward(seconds=-30)
    assert [await call(), await call()] == [200, 429]
    clock.forward(seconds=30)
    assert await call() == 429


async def test_a_burst_of_zero_switches_the_limit_off(client_for: ClientFor, acme: Acme) -> None:
    client = await client_for(router, limits=RateLimit(per_minute=1, burst=0))

    answers = [await client.get("/v4/limited", headers=bearer(acme.token)) for _ in range(5)]

    guesses = [await client.get("/v4/guessing") for _ in range(5)]

    assert [answer.status_code for answer in (*answers, *guesses)] == [200] * 10
    assert "ratelimit" not in answers[0].headers


async def test_unknown_and_dead_credentials_take_from_their_address(
    client_for: ClientFor, app: App, acme: Acme
) -> None:
    async with app.transaction() as conn:
        await credentials.deactivate(conn, company_id=acme.company_id, key_id=acme.key_id, now=app.now())
    here = await client_for(router, limits=LIMIT, address="203.0.113.7")
    there = await client_for(router, limits=LIMIT, address="203.0.113.8")

    guesses = [
        (await here.get("/v4/limited", headers=bearer(secret, acme.owner_id))).status_code
        for secret in ("rgo-guess", "ak_live:guess", acme.key, "rgo-guess", acme.key)
    ]

    assert guesses == [401, 401, 401, 429, 429]
    assert (await there.get("/v4/limited", headers=bearer("rgo-guess"))).status_code == 401
    assert (await here.get("/v4/limited", headers=bearer(acme.token))).status_code == 200


async def test_a_database_without_writes_still_serves_reads(
    client_for: ClientFor, acme: Acme, read_only_app: App
) -> None:
    for limits in (LIMIT, RateLimit(1, 0)):
        client = await client_for(router, limits=limits, on=read_only_app)

        read = await client.get("/v4/limited", headers=bearer(acme.token))
        unknown = await client.get("/v4/limited", headers=bearer("rgo-unknown"))
        write = await client.post("/v4/limited", headers=bearer(acme.token))

        assert (read.status_code, unknown.status_code, write.status_code) == (200, 401, 503)
        assert write.headers["retry-after"] == "5"


async def test_addresses_have_buckets_by_name(client_for: ClientFor, clock: Clock) -> None:
    client = await client_for(router, limits=LIMIT, address="198.51.100.1")

    statuses = [(await client.get("/v4/guessing")).status_code for _ in range(3)]
    refused = await client.get("/v4/guessing")
    clock.forward(seconds=1)
    later = await client.get("/v4/guessing")

    assert statuses == [200, 200, 429]
    assert refused.headers["retry-after"] == "1"
    assert later.status_code == 200


async def test_one_ipv6_customer_has_one_bucket(client_for: ClientFor, clock: Clock) -> None:
    addresses = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::abcd", "2001:db8:1:3::1"]

    clients = [await client_for(router, limits=LIMIT, address=address) for address in addresses]

    assert [(await client.get("/v4/guessing")).status_code for client in clients] == [200, 200, 429, 200]


async def test_forwarded_addresses_count_from_trusted_proxies_only(client_for: ClientFor, clock: Clock) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.9"}
    behind_proxy = await client_for(router, address="10.0.0.2", trusted_proxies=("10.0.0.0/8",))
    liar = await client_for(router, address="203.0.113.99", trusted_proxies=("10.0.0.0/8",))

    assert (await behind_proxy.get("/v4/guessing", headers=forwarded)).json() == "192.0.2.9"
    assert (await liar.get("/v4/guessing", headers=forwarded)).json() == "203.0.113.99"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4, 10.0.0.9"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3"], "10.0.0.3"),
        ("::ffff:10.0.0.1", ["2001:db8::5"], "2001:db8::5"),
        ("9.9.9.9", ["1.2.3.4"], "9.9.9.9"),
        ("local", ["1.2.3.4"], "local"),
    ],
)
def test_the_client_is_the_last_address_nobody_trusted_wrote(peer: str, forwarded: list[str], client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client(peer, forwarded) == client


def test_a_trusted_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Proxies(["nonsense"])


async def test_idle_buckets_are_swept(app: App, clock: Clock) -> None:
    async with app.reading() as conn:
        await buckets.take(conn, "sweep:old", LIMIT, clock().subtract(hours=25))
        await buckets.take(conn, "sweep:new", LIMIT, clock().subtract(hours=23))

        await buckets.sweep(conn, clock())

        left = await (await conn.execute("SELECT name FROM bucket WHERE name LIKE 'sweep:%'")).fetchall()
    assert left == [("sweep:new",)]
