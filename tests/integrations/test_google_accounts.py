"""How Google lets us in: its page, tokens that die and are renewed, and what it says when it does not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from whenever import Instant

from kalends.domain.remote_events import Window
from kalends.errors import Upstream
from kalends.integrations.google import GoogleCalendars
from kalends.integrations.oauth import http
from kalends.ports import Connected, ConnectionRefused, Credential, CredentialRefused
from tests.fakes.google import CLIENT_SECRET, SCOPES, FakeGoogle

HOST = "host@acme.test"
NOW = Instant.from_utc(2031, 3, 3, 8)
WINDOW = Window(NOW, NOW.add(hours=24 * 60))
VERIFIER = "v" * 64
REDIRECT = "https://kalends.test/callback"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Instant:
        return self.now


class Safe:
    """Keeps credentials, and when it did so: after how many requests of the API."""

    def __init__(self, google: FakeGoogle) -> None:
        self._google = google
        self.kept: list[Credential] = []
        self.after: list[int] = []

    async def __call__(self, credential: Credential) -> None:
        await asyncio.sleep(0)
        self.kept.append(credential)
        self.after.append(len(self._google.requests))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(google: FakeGoogle, clock: Clock) -> GoogleCalendars:
    google.account(HOST)
    return google.provider(clock=clock)


@pytest.fixture
async def connected(google: FakeGoogle, provider: GoogleCalendars) -> Connected:
    return await google.connect(provider)


@pytest.fixture
def safe(google: FakeGoogle) -> Safe:
    return Safe(google)


def test_the_page_is_asked_for_what_is_needed_and_no_more(provider: GoogleCalendars) -> None:
    url = provider.authorization_url(redirect_uri=REDIRECT, state="s t", verifier=VERIFIER)

    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked == {
        "response_type": "code",
        "client_id": "kalends.apps.google.test",
        "redirect_uri": REDIRECT,
        "scope": "openid email https://www.googleapis.com/auth/calendar.events"
        " https://www.googleapis.com/auth/calendar.calendarlist.readonly"
        " https://www.googleapis.com/auth/calendar.events.freebusy",
        "state": "s t",
        "code_challenge": create_s256_code_challenge(VERIFIER),
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "true",
    }
    assert VERIFIER not in url


async def test_who_was_connected_is_told_by_google(google: FakeGoogle, provider: GoogleCalendars) -> None:
    account = google.account(HOST)

    connected = await google.connect(provider)

    assert (connected.account, connected.email) == (account.sub, HOST)
    assert connected.credential["expires_at"] == NOW.add(seconds=3600).format_iso()


@pytest.mark.parametrize(
    ("unticked", "told"),
    [
        ({"events"}, "Google was not allowed to see and edit events; please tick all boxes there"),
        ({"list"}, "Google was not allowed to see the list of calendars; please tick all boxes there"),
    ],
)
async def test_a_box_left_unticked_is_told(
    google: FakeGoogle, provider: GoogleCalendars, unticked: set[str], told: str
) -> None:
    google.unticked = {SCOPES[one] for one in unticked}

    with pytest.raises(ConnectionRefused) as refused:
        await google.connect(provider)

    assert refused.value.message == told


async def test_without_the_box_for_busy_times_the_host_is_connected(
    google: FakeGoogle, provider: GoogleCalendars
) -> None:
    google.unticked = {SCOPES["freebusy"]}

    assert (await google.connect(provider)).email == HOST


@pytest.mark.parametrize("changed", [{"verifier": "x" * 64}, {"code": "4/other"}])
async def test_a_code_of_somebody_else_is_not_taken(
    google: FakeGoogle, provider: GoogleCalendars, changed: dict[str, str]
) -> None:
    url = provider.authorization_url(redirect_uri=REDIRECT, state="s", verifier=VERIFIER)
    back = await google.consent(url)

    with pytest.raises(ConnectionRefused):
        await provider.authorize(**{"code": back["code"], "redirect_uri": REDIRECT, "verifier": VERIFIER, **changed})


async def test_a_code_is_taken_once(google: FakeGoogle, provider: GoogleCalendars) -> None:
    url = provider.authorization_url(redirect_uri=REDIRECT, state="s", verifier=VERIFIER)
    back = await google.consent(url)
    await provider.authorize(code=back["code"], redirect_uri=REDIRECT, verifier=VERIFIER)

    with pytest.raises(ConnectionRefused):
        await provider.authorize(code=back["code"], redirect_uri=REDIRECT, verifier=VERIFIER)


def test_without_its_settings_it_names_them() -> None:
    provider = GoogleCalendars("id", None, clock=Clock())

    assert provider.lacking == ("KALENDS_GOOGLE_CLIENT_SECRET",)


async def test_nobody_is_connected_by_password(provider: GoogleCalendars) -> None:
    with pytest.raises(ConnectionRefused):
        await provider.connect({"username": HOST, "password": "x"})


async def test_a_wrong_client_secret_is_the_operators_affair(
    google: FakeGoogle, connected: Connected, clock: Clock, safe: Safe
) -> None:
    google.expire_tokens()

    with pytest.raises(Upstream, match="KALENDS_GOOGLE_CLIENT_SECRET") as raised:
        async with google.provider(clock=clock, client_secret="wrong").open(connected.credential, safe) as account:
            await account.calendars()

    assert not isinstance(raised.value, CredentialRefused)


async def test_a_token_that_dies_in_the_middle_is_renewed_and_kept_first(
    google: FakeGoogle, provider: GoogleCalendars, connected: Connected, safe: Safe
) -> None:
    for number in range(5):
        google._accounts[HOST].primary.add({"iCalUID": f"{number}", **_at(NOW.add(hours=1))})
    google.page_size = 2
    read = []

    async with provider.open(connected.credential, safe) as account:
        (calendar,) = await account.calendars()
        async for page in account.changes(calendar, token=None, window=WINDOW, own={HOST}):
            if not read:
                google.expire_tokens()
                before = len(google.requests)
            read += [event.uid for event in page.events]
        await account.calendars()

    assert sorted(read) == ["0", "1", "2", "3", "4"]
    assert (google.refreshes, len(safe.kept)) == (1, 1)
    assert safe.after == [before + 1]  # the request that was refused, then kept, then asked again
    assert safe.kept[0]["refresh_token"] == connected.credential["refresh_token"]
    assert safe.kept[0]["access_token"] != connected.credential["access_token"]


@pytest.mark.parametrize(("passed_s", "refreshes"), [(3539, 0), (3540, 1), (90_000, 1)])
async def test_a_token_is_renewed_a_minute_before_it_dies(
    google: FakeGoogle,
    provider: GoogleCalendars,
    connected: Connected,
    clock: Clock,
    safe: Safe,
    passed_s: int,
    refreshes: int,
) -> None:
    clock.now = NOW.add(seconds=passed_s)

    async with provider.open(connected.credential, safe) as account:
        await account.calendars()
        await account.calendars()

    assert (google.refreshes, len(safe.kept)) == (refreshes, refreshes)


async def test_of_many_at_once_one_renews(
    google: FakeGoogle, provider: GoogleCalendars, connected: Connected, clock: Clock, safe: Safe
) -> None:
    google.rotates = True
    clock.now = NOW.add(hours=2)

    async def ask() -> None:
        async with provider.open(connected.credential, safe) as account:
            await asyncio.gather(account.calendars(), account.calendars())

    await asyncio.gather(*(ask() for _ in range(4)))

    assert (google.refreshes, len(safe.kept)) == (1, 1)
    assert safe.kept[0]["refresh_token"] != connected.credential["refresh_token"]


async def test_a_new_refresh_token_is_kept_even_when_nobody_waits_for_it(
    google: FakeGoogle, provider: GoogleCalendars, connected: Connected, clock: Clock, safe: Safe
) -> None:
    google.rotates, google.hang_s = True, 0.2
    clock.now = NOW.add(hours=2)

    async with provider.open(connected.credential, safe) as account:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await account.calendars()
        google.hang_s = 0
        await account.calendars()

    assert (google.refreshes, len(safe.kept)) == (1, 1)


async def test_what_cannot_be_kept_is_not_used(
    google: FakeGoogle, provider: GoogleCalendars, connected: Connected, clock: Clock
) -> None:
    async def broken(credential: Credential) -> None:
        raise OSError("no database")

    clock.now = NOW.add(hours=2)

    async with provider.open(connected.credential, broken) as account:
        for _ in range(2):
            with pytest.raises(OSError, match="no database"):
                await account.calendars()
    assert google.requests == []


@pytest.mark.parametrize(
    ("failure", "retry_after_s"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, 7),
        ({"status": 503, "headers": {"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}}, 0),
        ({"status": 500}, None),
        ({"status": 403, "reason": "rateLimitExceeded"}, 60),
        ({"status": 403, "reason": "userRateLimitExceeded"}, 60),
        ({"status": 403, "reason": "quotaExceeded"}, 60),
        ({"status": 429, "path": "/token", "headers": {"Retry-After": "9"}}, 9),
        ({"status": 500, "path": "/token"}, None),
    ],
)
async def test_not_now_is_not_never(
    google: FakeGoogle,
    provider: GoogleCalendars,
    connected: Connected,
    clock: Clock,
    safe: Safe,
    failure: dict[str, Any],
    retry_after_s: int | None,
) -> None:
    clock.now = NOW.add(hours=2)
    google.fail(**{"path": "calendarList", **failure})

    async with provider.open(connected.credential, safe) as account:
        with pytest.raises(Upstream) as raised:
            await account.calendars()
        calendars = await account.calendars()

    assert (type(raised.value), raised.value.retry_after_s) == (Upstream, retry_after_s)
    assert [one.name for one in calendars] == [HOST]


async def test_a_scope_taken_back_is_for_the_owner_to_mend(
    google: FakeGoogle, provider: GoogleCalendars, connected: Connected, safe: Safe
) -> None:
    google.fail(403, reason="insufficientPermissions")

    async with provider.open(connected.credential, safe) as account:
        with pytest.raises(CredentialRefused):
            await account.calendars()


async def test_an_api_that_is_not_switched_on_is_the_operators_affair(
    google: FakeGoogle, provider: GoogleCalendars, connected: Connected, safe: Safe
) -> None:
    google.fail(403, reason="accessNotConfigured")

    async with provider.open(connected.credential, safe) as account:
        with pytest.raises(Upstream, match="KALENDS_GOOGLE_CLIENT_ID") as raised:
            await account.calendars()
    assert not isinstance(raised.value, CredentialRefused)


@pytest.mark.parametrize("late", [0, 2])
async def test_who_answers_too_slowly_is_not_waited_for(
    google: FakeGoogle,
    provider: GoogleCalendars,
    connected: Connected,
    clock: Clock,
    safe: Safe,
    monkeypatch: pytest.MonkeyPatch,
    late: int,
) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.1)
    clock.now = NOW.add(hours=late)  # the token server hangs, or the API
    google.hang_s = 0.4

    async with provider.open(connected.credential, safe) as account:
        with pytest.raises(Upstream, match="Google takes too long"):
            await account.calendars()


async def test_an_answer_is_read_up_to_a_size(
    provider: GoogleCalendars, connected: Connected, safe: Safe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_ANSWER", 20)

    async with provider.open(connected.credential, safe) as account:
        with pytest.raises(Upstream, match="Google answers with more than"):
            await account.calendars()


async def test_a_credential_of_another_making_has_to_be_connected_again(provider: GoogleCalendars, safe: Safe) -> None:
    for nonsense in ({}, {"access_token": "a", "expires_at": "soon"}, {"access_token": "a", "expires_at": 7}):
        with pytest.raises(CredentialRefused):
            async with provider.open(nonsense, safe):
                pass


async def test_no_error_tells_what_is_secret(
    google: FakeGoogle, connected: Connected, clock: Clock, safe: Safe
) -> None:
    provider = google.provider(clock=clock)
    secrets = {CLIENT_SECRET, *(str(connected.credential[one]) for one in ("access_token", "refresh_token"))}
    said = []

    async def note(doing: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(Upstream) as raised:
            await doing()
        error: BaseException | None = raised.value
        while error:
            said.append(f"{error!r} {error}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    async def ask() -> None:
        async with provider.open(connected.credential, safe) as account:
            await account.calendars()

    for status in (400, 403, 404, 429, 500):
        google.fail(status, path="calendarList")
        await note(ask)
    google.expire_tokens()
    for status in (400, 401, 429, 500):
        google.fail(status, path="/token")
        await note(ask)
    with google.outage():
        await note(ask)
    google.revoke(google._accounts[HOST])
    await note(ask)
    said.append(repr(provider._client.server))

    assert len(said) > 12
    assert [line for line in said for secret in secrets if secret in line or "jo@guest.test" in line] == []


def _at(start: Instant) -> dict[str, Any]:
    return {
        "start": {"dateTime": start.format_iso()},
        "end": {"dateTime": start.add(hours=1).format_iso()},
    }
