"""The way to a provider's page and back (contract 2.14): who may go it, once, for ten minutes, and where it ends."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx2
import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from whenever import Instant

from kalends.api.v4 import calendar_authorizations as routes
from kalends.app import App
from kalends.edge import web
from kalends.storage import calendar_authorizations
from kalends.storage.buckets import RateLimit
from tests.api.conftest import Api, CompanyMaker
from tests.fakes.accounts import PASSWORD, AuthorizingProvider, providers
from tests.fakes.google import FakeGoogle
from tests.fakes.graph import FakeGraph

AUTH = "/v4/calendar-connections/auth"
CONNECTIONS = "/v4/calendar-connections/connections"
APP = "https://app.acme.test"
NOW = Instant("2031-03-03T08:00:00Z")


@pytest.fixture(autouse=True)
def login(app: App) -> AuthorizingProvider:
    app.now = lambda: NOW
    app.redirect_origins = [APP]
    provider = AuthorizingProvider("google")
    app.calendars = providers(provider)
    return provider


async def _begin(api: Api, kind: str = "google", **query: Any) -> str:
    """Begin an authorization; answer its state."""
    answer = await api.get(f"{AUTH}/{kind}/url", **query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["provider"] == kind
    return dict(parse_qsl(urlsplit(answer.json()["authUrl"]).query))["state"]


async def _back(api: Api, kind: str = "google", **query: str) -> Response:
    """Come back from the provider as a browser does: without any credential."""
    return await api.http.get(f"{AUTH}/{kind}/callback", params=query)


def _answered(answer: Response) -> tuple[str, dict[str, str]]:
    """Read where a browser is sent on to, and with which answer."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    return f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query))


async def test_the_browser_comes_back_to_where_it_was_asked_to_with_the_connection(api: Api) -> None:
    state = await _begin(api, redirectUrl=f"{APP}/settings?tab=calendars")

    answer = await _back(api, state=state, code="yes")

    [made] = (await api.get(CONNECTIONS)).json()["connections"]
    assert _answered(answer) == (
        f"{APP}/settings",
        {"tab": "calendars", "success": "true", "provider": "google", "connectionId": made["id"]},
    )
    assert (made["userId"], made["email"], made["isPrimary"]) == (str(api.user_id), "ada@login.test", True)
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_without_an_address_it_ends_on_our_own_page(api: Api) -> None:
    answer = await _back(api, state=await _begin(api), code="yes")

    where, query = _answered(answer)
    assert where == "http://kalends.test/calendar-connected"
    assert query["success"] == "true"


async def test_a_no_is_told_in_words_encoded_twice(api: Api) -> None:
    state = await _begin(api, redirectUrl=APP)

    answer = await _back(api, state=state, error="access_denied", error_description="<b>ring 555</b>")

    assert _answered(answer) == (
        APP,
        {
            "error": "true",
            "provider": "google",
            "errorCode": "calendar-access-denied",
            "message": quote("Access to the calendars was not granted."),
        },
    )
    assert unquote(_answered(answer)[1]["message"]) == "Access to the calendars was not granted."
    assert (await api.get(CONNECTIONS)).json()["total"] == 0


@pytest.mark.parametrize("error", ["consent_required", "<script>", "a" * 200])
async def test_of_other_refusals_only_the_word_is_passed_on(api: Api, error: str) -> None:
    answer = await _back(api, state=await _begin(api), error=error)

    told = unquote(_answered(answer)[1]["message"])
    known = " (consent_required)" if error == "consent_required" else ""
    assert told == (
        f"The provider did not grant access{known}" if known else "Access to the calendars was not granted."
    )


async def test_a_state_serves_once(api: Api) -> None:
    state = await _begin(api, redirectUrl=APP)
    first = await _back(api, state=state, code="yes")

    again = await _back(api, state=state, code="yes")

    assert _answered(first)[1]["success"] == "true"
    assert _answered(again)[0] == "http://kalends.test/calendar-connected"  # who knows no state is sent nowhere else
    assert _answered(again)[1]["errorCode"] == "calendar-authorization-over"
    assert (await api.get(CONNECTIONS)).json()["total"] == 1


async def test_of_two_browsers_with_one_state_at_once_one_connects(
    app: App, api: Api, login: AuthorizingProvider
) -> None:
    state = await _begin(api)

    answers = await asyncio.gather(*(_back(api, state=state, code="yes") for _ in range(5)))

    told = sorted("success" if "success" in _answered(one)[1] else _answered(one)[1]["errorCode"] for one in answers)
    assert told == ["calendar-authorization-over"] * 4 + ["success"]
    assert len(login.opened) == 1


async def test_a_no_uses_the_state_up_too(api: Api) -> None:
    state = await _begin(api)
    await _back(api, state=state, error="access_denied")

    answer = await _back(api, state=state, code="yes")

    assert _answered(answer)[1]["errorCode"] == "calendar-authorization-over"


@pytest.mark.parametrize("state", ["", "x", "\ud800", "a" * 5000])
async def test_a_state_nobody_has_leads_nowhere(api: Api, state: str) -> None:
    await _begin(api, redirectUrl=APP)

    answer = await api.http.get(f"{AUTH}/google/callback?state={quote(state, errors='surrogatepass')}&code=yes")

    assert _answered(answer)[0] == "http://kalends.test/calendar-connected"
    assert (await api.get(CONNECTIONS)).json()["total"] == 0


async def test_a_state_is_of_the_provider_it_was_begun_with(app: App, api: Api) -> None:
    app.calendars = providers(AuthorizingProvider("google"), AuthorizingProvider("outlook"))
    state = await _begin(api, redirectUrl=APP)

    answer = await _back(api, "outlook", state=state, code="yes")

    assert _answered(answer)[1]["errorCode"] == "calendar-authorization-over"
    assert (await api.get(CONNECTIONS)).json()["total"] == 0


async def test_after_ten_minutes_it_is_over(app: App, api: Api) -> None:
    late, state = await _begin(api, redirectUrl=APP), await _begin(api, redirectUrl=APP)
    app.now = lambda: NOW.add(minutes=9, seconds=59)
    in_time = await _back(api, state=state, code="yes")
    app.now = lambda: NOW.add(minutes=10)

    answer = await _back(api, state=late, code="yes")

    assert _answered(in_time)[1]["success"] == "true"
    assert (_answered(answer)[0], _answered(answer)[1]["errorCode"]) == (APP, "calendar-authorization-over")


async def test_what_is_over_is_swept(app: App, api: Api) -> None:
    state = await _begin(api)
    async with app.transaction() as conn:
        await calendar_authorizations.sweep(conn, NOW.add(minutes=9))
        kept = await calendar_authorizations.take(conn, hashlib.sha256(state.encode()).digest())
        assert kept is not None
        await calendar_authorizations.add(conn, kept)
        await calendar_authorizations.sweep(conn, NOW.add(minutes=10))
        gone = await calendar_authorizations.take(conn, hashlib.sha256(state.encode()).digest())

    assert gone is None


async def test_state_and_verifier_are_long_new_each_time_and_not_stored_plain(
    app: App, api: Api, login: AuthorizingProvider
) -> None:
    states = {await _begin(api), await _begin(api)}
    verifier = login.asked["verifier"]

    async with app.reading() as conn:
        cursor = await conn.execute(
            "SELECT a::text FROM calendar_authorization a WHERE company_id = %s", (api.company.company_id,)
        )
        stored = str(await cursor.fetchall())
    assert [len(state) for state in states] == [43, 43]
    assert len(verifier) == 64
    assert not any(secret in stored or secret.encode().hex() in stored for secret in (*states, verifier))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/",
        f"{APP}.evil.test/",
        f"https://evil.test/{APP}",
        "https://app.acme.test:8443/",
        "http://app.acme.test/",
        "https://user@app.acme.test/",
        "https://app.acme.test@evil.test/",
        "https://app.acme.test\\@evil.test/",
        "https://evil.test\\.app.acme.test/",
        "https:app.acme.test",
        "//app.acme.test/",
        "javascript:alert(1)//app.acme.test",
        "https://app.acme.test\t.evil.test/",
        f"{APP}/\\evil.test",
        f"{APP}\\.evil.test/",
        "https://\\app.acme.test/",
        "https:\\\\app.acme.test/",
        "https://app.äcme.test/",
        "https://app.acme.test%2eevil.test/",
        "https://app.acme.test:99999/",
        "https://[app.acme.test",
        "/settings",
    ],
)
async def test_the_browser_is_sent_to_allowed_origins_only(api: Api, url: str) -> None:
    answer = await api.get(f"{AUTH}/google/url", redirectUrl=url)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["redirectUrl"]


@pytest.mark.parametrize("url", ["HTTPS://APP.acme.test:443/x#y", "http://kalends.test/anything", APP, ""])
async def test_an_origin_is_the_same_however_it_is_written_and_ours_is_allowed(api: Api, url: str) -> None:
    assert (await api.get(f"{AUTH}/google/url", redirectUrl=url)).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("outlook", 400, "calendar-provider-not-configured"),
        ("caldav", 400, "calendar-not-connected"),
        ("ics", 400, "calendar-not-connected"),
        ("exchange", 400, "calendar-not-connected"),
        ("smart-we", 400, "calendar-not-connected"),
        ("yahoo", 404, None),
    ],
)
async def test_other_providers_have_no_page(api: Api, kind: str, status: int, code: str | None) -> None:
    answer = await api.get(f"{AUTH}/{kind}/url")

    assert (answer.status_code, answer.json().get("errorCode")) == (status, code)
    if kind == "outlook":
        assert "KALENDS_MICROSOFT_CLIENT_ID" in answer.json()["message"]


async def test_administrators_begin_for_others_and_nobody_else_does(api: Api) -> None:
    ben, cleo = await api.member(), await api.member()

    state = await _begin(api, userId=str(ben.user_id))
    refused = await cleo.get(f"{AUTH}/google/url", userId=str(ben.user_id))
    await _back(api, state=state, code="yes")

    assert (refused.status_code, refused.json()["errorCode"]) == (403, "not-yours")
    assert [(await one.get(CONNECTIONS)).json()["total"] for one in (api, ben, cleo)] == [0, 1, 0]


async def test_nothing_is_connected_for_somebody_who_left_meanwhile(api: Api) -> None:
    ben = await api.member()
    state = await _begin(ben)
    await api.delete(f"/v4/user/{ben.user_id}")

    answer = await _back(api, state=state, code="yes")

    assert _answered(answer)[1]["errorCode"] == "calendar-authorization-over"


async def test_a_calendar_to_be_written_to_is_asked_for(app: App, api: Api) -> None:
    feed = {"provider": "ics", "url": "https://feeds.test/a.ics"}
    await api.post(CONNECTIONS, feed)
    unasked = await _back(api, state=await _begin(api), code="yes")

    asked = await _back(api, state=await _begin(api, setAsCalendarSync="true"), code="yes")

    assert _answered(unasked)[1]["connectionId"] == _answered(asked)[1]["connectionId"]  # the same account
    assert [one["isPrimary"] for one in (await api.get(CONNECTIONS)).json()["connections"]] == [False, False]


Granting = Callable[[str], Awaitable[dict[str, str]]]


async def test_google_is_connected_in_the_browser(app: App, api: Api, google: FakeGoogle) -> None:
    host = google.account("ada@gmail.test")
    host.calendar("Side projects")
    app.calendars = {"google": google.provider(clock=app.now)}
    begun = await api.get(f"{AUTH}/google/url", redirectUrl=APP)

    back = await google.consent(begun.json()["authUrl"])
    answer = await _back(api, **back)

    [made] = (await api.get(CONNECTIONS)).json()["connections"]
    calendars = (await api.get(f"{CONNECTIONS}/{made['id']}/calendars")).json()["calendars"]
    assert _answered(answer)[1] == {"success": "true", "provider": "google", "connectionId": made["id"]}
    assert (made["email"], made["isPrimary"]) == ("ada@gmail.test", True)
    assert [(one["name"], one["selected"]) for one in calendars] == [("ada@gmail.test", True), ("Side projects", False)]


async def test_google_left_with_a_box_unticked_is_not_connected(app: App, api: Api, google: FakeGoogle) -> None:
    google.account("ada@gmail.test")
    google.unticked = {"https://www.googleapis.com/auth/calendar.events"}
    app.calendars = {"google": google.provider(clock=app.now)}
    begun = await api.get(f"{AUTH}/google/url", redirectUrl=APP)

    answer = await _back(api, **await google.consent(begun.json()["authUrl"]))

    told = _answered(answer)[1]
    assert (told["error"], told["errorCode"]) == ("true", "calendar-not-connected")
    assert "tick all boxes" in unquote(told["message"])


async def test_a_code_of_somebody_elses_authorization_is_of_no_use(app: App, api: Api, google: FakeGoogle) -> None:
    """The verifier stays with us, so a code that was overheard connects nothing (RFC 7636)."""
    google.account("eve@gmail.test")
    app.calendars = {"google": google.provider(clock=app.now)}
    overheard = await google.consent((await api.get(f"{AUTH}/google/url")).json()["authUrl"])
    own = await google.consent((await api.get(f"{AUTH}/google/url")).json()["authUrl"])

    answer = await _back(api, state=own["state"], code=overheard["code"])

    assert _answered(answer)[1]["error"] == "true"
    assert (await api.get(CONNECTIONS)).json()["total"] == 0


async def test_a_google_that_is_away_is_told_and_nothing_is_stored(app: App, api: Api, google: FakeGoogle) -> None:
    google.account("ada@gmail.test")
    app.calendars = {"google": google.provider(clock=app.now)}
    back = await google.consent((await api.get(f"{AUTH}/google/url", redirectUrl=APP)).json()["authUrl"])

    with google.outage():
        answer = await _back(api, **back)

    assert (_answered(answer)[0], _answered(answer)[1]["errorCode"]) == (APP, "upstream")
    assert (await api.get(CONNECTIONS)).json()["total"] == 0


async def test_microsoft_is_connected_in_the_browser(app: App, api: Api, graph: FakeGraph) -> None:
    graph.account("ada@acme.test")
    app.calendars = {"outlook": graph.provider(clock=app.now)}
    begun = await api.get(f"{AUTH}/outlook/url", redirectUrl=APP)

    answer = await _back(api, "outlook", **await _consent(begun.json()["authUrl"]))

    [made] = (await api.get(CONNECTIONS)).json()["connections"]
    assert _answered(answer)[1] == {"success": "true", "provider": "outlook", "connectionId": made["id"]}
    assert (made["email"], made["provider"], made["isPrimary"]) == ("ada@acme.test", "outlook", True)


async def test_a_no_on_microsofts_page_is_told(app: App, api: Api, graph: FakeGraph) -> None:
    graph.account("ada@acme.test")
    graph.login.consents = False
    app.calendars = {"outlook": graph.provider(clock=app.now)}
    begun = await api.get(f"{AUTH}/outlook/url", redirectUrl=APP)

    answer = await _back(api, "outlook", **await _consent(begun.json()["authUrl"]))

    assert _answered(answer)[1]["errorCode"] == "calendar-access-denied"


async def _consent(url: str) -> dict[str, str]:
    async with httpx2.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(url)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def test_no_answer_and_no_log_shows_a_secret_of_any_connection(
    app: App, another_company: CompanyMaker, login: AuthorizingProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    api = await another_company()
    state = await _begin(api)
    await _back(api, state=state, code="yes")
    [made] = (await api.get(CONNECTIONS)).json()["connections"]
    one = f"{CONNECTIONS}/{made['id']}"

    answers = [
        await api.get(CONNECTIONS),
        await api.get(one),
        await api.get(f"{one}/calendars"),
        await api.patch(one, {"validateAvailability": False}),
        await api.post(f"{one}/sync"),
        await api.get("/v4/event"),
        await api.patch(one, {"password": PASSWORD, "selectedCalendars": 5}),
        await api.post(CONNECTIONS, {"provider": "caldav", "password": [PASSWORD]}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 6 + [400] * 2
    logged = "".join(capsys.readouterr())
    assert "/v4/calendar-connections/auth/{provider}/callback" in logged
    for secret in (PASSWORD, state, login.asked["verifier"]):
        assert not any(secret in answer.text for answer in answers)
        assert secret not in logged


async def test_one_address_guesses_states_twenty_times_a_minute(app: App) -> None:
    served = web.create(app, routers=[routes.router], limits=RateLimit(100, 200))
    client = ASGITransport(app=served, client=("10.9.8.7", 1))
    async with AsyncClient(transport=client, base_url="http://kalends.test") as http:
        answers = [await http.get(f"{AUTH}/google/callback?state=x&code=yes") for _ in range(21)]

    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
