"""Pages beside the API: what other routes need never reaches a person's page."""

from collections.abc import AsyncIterator

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from whenever import Instant

from kalends import pages
from kalends.api import v4
from kalends.app import App
from kalends.domain import slugs
from kalends.edge import web
from kalends.storage import users
from kalends.storage.buckets import RateLimit
from tests import factories

BROWSER = {"Accept": "text/html,*/*;q=0.8"}
METHODS = ("GET", "HEAD", "PUT")
NOW = Instant("2026-03-02T08:00:00Z")


@pytest.fixture
async def client(app: App) -> AsyncIterator[AsyncClient]:
    """Ask the whole application, as the server puts it together."""
    whole = web.create(app, routers=[*v4.routers, *pages.routers], limits=RateLimit(100, 0))
    pages.mount(whole)
    async with AsyncClient(transport=ASGITransport(app=whole), base_url="http://kalends.test") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v4/booking", "POST"),
        ("PUT", "/v4/booking", "POST"),
        ("POST", "/v4/booking-availability", "GET, HEAD"),
        ("DELETE", "/availability", "GET, HEAD, POST"),
    ],
)
async def test_a_wrong_method_below_the_api_says_which_are_right(
    client: AsyncClient, method: str, path: str, allow: str
) -> None:
    answer = await client.request(method, path, headers=BROWSER)

    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json() == {
        "statusCode": 405,
        "message": "Method Not Allowed",
        "error": "Method Not Allowed",
        "requestId": answer.headers["x-request-id"],
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/v4", "/v4/appointment", "/crm", "/crm/deals", "/webhooks", "/data-field/x/y"])
async def test_unknown_paths_of_the_api_are_its_own_404(client: AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, headers=BROWSER)

    assert answer.status_code == 404
    assert answer.json() == {
        "statusCode": 404,
        "message": "Not Found",
        "error": "Not Found",
        "requestId": answer.headers["x-request-id"],
    }


async def test_no_name_that_routes_need_is_looked_up_as_a_person(app: App, client: AsyncClient) -> None:
    """A user who got such a slug before it was reserved takes nothing from anybody."""
    async with app.transaction() as conn:
        founded = await factories.company(conn)
        for slug in ("status", "web-chat"):
            member = await factories.user(conn, founded)
            await conn.execute("UPDATE directory SET name = %s WHERE target_id = %s AND kind = 'slug'",
                               (slug, member.user.id))  # fmt: skip
            assert await users.by_slug(conn, slug)

    answers = {slug: await client.get(f"/{slug}", headers=BROWSER) for slug in slugs.RESERVED}

    assert (answers["status"].status_code, answers["web-chat"].status_code) == (404, 404)
    assert "Ben Vogt" not in "".join(answer.text for answer in answers.values())


@pytest.mark.parametrize("slug", ["ada", "Ada-Lovelace", "ada.lovelace", "a" * 81])
async def test_what_is_no_slug_is_the_same_404_page(client: AsyncClient, slug: str) -> None:
    answers = [await client.get(path, headers=BROWSER) for path in (f"/{slug}", f"/{slug}/talk", "/nobody-is-here")]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert len({answer.text.replace(answer.request.url.path, "") for answer in answers}) == 1


async def test_the_express_lane_shows_what_the_framework_shows(app: App) -> None:
    app.now = lambda: NOW
    async with app.transaction() as conn:
        founded = await factories.company(conn, now=NOW)
    meeting = f"/{founded.user_slug}/{founded.meeting_type_slug}"
    paths = [
        meeting, f"{meeting}?month=2026-03&day=2026-03-10&utm=x&utm=y", f"{meeting}?start=2026-03-03T03:00:00Z&lang=de",
        f"{meeting}?oneTimeLinkId=x", f"{meeting}x", f"{meeting}/", f"/{founded.user_slug}/%00",
        f"/{founded.user_slug}/a%2Fb", f"/{founded.user_slug}", "/nobody-is-here/talk", "/docs/x", "/v4/booking",
    ]  # fmt: skip
    told = []
    for express in (pages.express, []):
        whole = web.create(app, routers=[*v4.routers, *pages.routers], limits=RateLimit(100, 0), express=express)
        pages.mount(whole)
        async with AsyncClient(transport=ASGITransport(app=whole), base_url="http://kalends.test") as client:
            answers = [await client.request(method, path, headers=BROWSER) for path in paths for method in METHODS]
        told.append([(one.status_code, {**one.headers, "x-request-id": ""}, _without_number(one)) for one in answers])

    assert told[0] == told[1]
    assert {status for status, _, _ in told[0]} == {200, 404, 405}


def _without_number(answer: Response) -> str:
    return answer.text.replace(answer.headers["x-request-id"], "")


async def test_names_that_only_begin_like_a_reserved_one_are_peoples(app: App, client: AsyncClient) -> None:
    async with app.transaction() as conn:
        founded = await factories.company(conn)
        member = await factories.user(conn, founded, slug="status-" + founded.user_slug[-12:])

    answer = await client.get(f"/{member.user.slug}", headers=BROWSER)

    assert answer.status_code == 200
    assert member.user.full_name in answer.text
