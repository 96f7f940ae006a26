"""A Google that is not Google: OAuth 2, the Calendar API and its push channels on a port of this machine.

    def test_something(google: FakeGoogle) -> None:       # the fixture of tests/conftest.py
        host = google.account("host@acme.test")           # host.primary is its calendar; more: host.calendar("Work")
        provider = google.provider(clock=Instant.now)     # a GoogleCalendars that speaks to the fake
        connected = await google.connect(provider, host)  # what the host does in his browser
        phone = GoogleOther(google, host)                 # his telephone: makes, moves, removes, declines
        google.fail(429, headers={"Retry-After": "7"})    # the next request; `path=` chooses which
        with google.outage(): ...                         # nobody answers the port; google.hang_s = 30: slow

The server runs in a thread of its own, so that it may be asked from anywhere; what is set on it counts at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit
from uuid import uuid4

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from whenever import Instant

from kalends.domain.remote_events import RemoteCalendar
from kalends.integrations.google import GoogleCalendars
from kalends.ports import Clock, Connected

from .google_calendar import FakeCalendar, Item, Refused, _given, selected

CLIENT_ID = "kalends.apps.google.test"
CLIENT_SECRET = "client-secret-7Q"
SCOPES = {
    "list": "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
    "events": "https://www.googleapis.com/auth/calendar.events",
    "freebusy": "https://www.googleapis.com/auth/calendar.events.freebusy",
}


@dataclass
class FakeAccount:
    """Somebody with a Google account."""

    google: FakeGoogle
    email: str
    sub: str
    calendars: list[FakeCalendar] = field(default_factory=list)

    @property
    def primary(self) -> FakeCalendar:
        return self.calendars[0]

    def calendar(self, summary: str, **more: Any) -> FakeCalendar:
        """Add a calendar."""
        made = FakeCalendar(f"{uuid4().hex[:12]}@group.calendar.google.com", summary, self.email, **more)
        self.calendars.append(made)
        return made

    def named(self, calendar_id: str) -> FakeCalendar:
        """Find a calendar."""
        for each in self.calendars:
            if calendar_id == each.id or (calendar_id == "primary" and each.primary):
                return each
        raise Refused(404, "notFound")


@dataclass
class Grant:
    """What somebody let us do."""

    account: FakeAccount
    scopes: frozenset[str]
    revoked: bool = False


@dataclass
class FakeChannel:
    """Somebody who wants to be told."""

    body: Item
    calendar: FakeCalendar
    resource: str
    expired: bool = False
    messages: int = 0


@dataclass
class Failure:
    """What the next request to a path is answered with."""

    status: int
    path: str
    reason: str
    headers: dict[str, str]


class FakeGoogle:
    """The server and all it keeps.

    Attributes:
        page_size: events on a page at most, whatever is asked for.
        unticked: scopes its users do not agree to on the consent page.
        rotates: a refresh gives a new refresh token, and the old one is dead.
        rooms: how conferences come about: "at once", "later" (after two looks), "never".
        hang_s: before each answer of the API.
        wants_https: of addresses of channels; that of a test's is http else.
        hide_once: a UID that the next search does not find although it is there.
        life_s: of access tokens, as it says.
        mails: what Google would have mailed to guests: (event id, sendUpdates).
        requests: method and path with query of all requests to the API, oldest first.
        refreshes: how often a token was renewed.
        told: (address, headers) of all messages of channels, with the status they were answered with.
    """

    def __init__(self) -> None:
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everybody and everything."""
        self.page_size = 250
        self.unticked: set[str] = set()
        self.rotates = False
        self.rooms = "at once"
        self.hang_s = 0.0
        self.life_s = 3600
        self.wants_https = False
        self.hide_once = ""
        self.mails: list[tuple[str, str]] = []
        self.requests: list[str] = []
        self.refreshes = 0
        self.told: list[tuple[str, dict[str, str], int]] = []
        self.channels: list[FakeChannel] = []
        self.failures: list[Failure] = []
        self._accounts: dict[str, FakeAccount] = {}
        self._codes: dict[str, tuple[Item, Grant]] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._rooms: dict[str, int] = {}
        self._asked: dict[str, str] = {}
        self._telling: set[asyncio.Task[None]] = set()

    # --- what tests do

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def provider(self, *, clock: Clock, client_secret: str = CLIENT_SECRET) -> GoogleCalendars:
        """Make a provider that speaks to this server."""
        return GoogleCalendars(
            CLIENT_ID,
            client_secret,
            clock=clock,
            authorize_url=f"{self.url}/o/oauth2/v2/auth",
            token_url=f"{self.url}/token",
            revoke_url=f"{self.url}/revoke",
            api_url=f"{self.url}/calendar/v3",
        )

    def account(self, email: str) -> FakeAccount:
        """Give somebody an account with a primary calendar; whoever was made last consents on the page."""
        made = FakeAccount(self, email, sub=str(uuid4().int))
        made.calendars.append(FakeCalendar(email, email, email, primary=True))
        self._accounts[email] = made
        self._consents = made
        return made

    async def consent(self, url: str, account: FakeAccount | None = None) -> dict[str, str]:
        """Say yes as the host does in his browser; gives the parameters he comes back with."""
        self._consents = account or self._consents
        async with httpx2.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(url)
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def connect(self, provider: GoogleCalendars, account: FakeAccount | None = None) -> Connected:
        """Go the whole way of a host who connects his account."""
        redirect_uri, verifier = "https://kalends.test/callback", uuid4().hex + uuid4().hex
        url = provider.authorization_url(redirect_uri=redirect_uri, state="xyz", verifier=verifier)
        back = await self.consent(url, account)
        assert back["state"] == "xyz"
        return await provider.authorize(code=back["code"], redirect_uri=redirect_uri, verifier=verifier)

    def fail(
        self,
        status: int,
        *,
        times: int = 1,
        path: str = "",
        reason: str = "backendError",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer the next requests whose path holds `path` with an error."""
        self.failures += [Failure(status, path, reason, headers or {}) for _ in range(times)]

    def expire_tokens(self) -> None:
        """Let all access tokens die, as after an hour."""
        self._access.clear()

    def revoke(self, account: FakeAccount) -> None:
        """Take back what somebody granted."""
        for grants in (self._access, self._refresh):
            for token in [token for token, grant in grants.items() if grant.account is account]:
                grants.pop(token).revoked = True

    def grants(self, account: FakeAccount) -> int:
        """Count the tokens that still let somebody into an account."""
        return sum(grant.account is account for grants in (self._access, self._refresh) for grant in grants.values())

    def expire_channels(self) -> None:
        """Let all channels die, as after a week."""
        for channel in self.channels:
            channel.expired = True

    def notify(self, calendar: FakeCalendar) -> None:
        """Tell whoever watches a calendar that it changed; a change over HTTP does so by itself."""
        assert self._loop
        asyncio.run_coroutine_threadsafe(self._tell(calendar, "exists"), self._loop).result(10)

    def wait_told(self, count: int) -> list[dict[str, str]]:
        """Wait until so many messages of channels have left; gives their headers."""
        deadline = time.monotonic() + 30
        while len(self.told) < count:
            assert time.monotonic() < deadline, self.told
            time.sleep(0.005)
        return [headers for _, headers, _ in self.told]

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Refuse connections for a while."""
        self._stop()
        try:
            yield
        finally:
            self._start()

    # --- the server

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[FakeGoogle]:
        """Serve on a free port."""
        google = cls()
        google._start()
        try:
            yield google
        finally:
            google._stop()

    def _start(self) -> None:
        # Named TCP, or asyncio lets each answer wait 40 ms for the receiver (Nagle, delayed acknowledgements).
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        routes = [
            Route("/o/oauth2/v2/auth", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/revoke", self._given_back, methods=["POST"]),
            Route("/calendar/v3/{path:path}", self._api, methods=["GET", "POST", "PATCH", "DELETE"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), log_config=None, lifespan="off", loop="asyncio", timeout_graceful_shutdown=0
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def _serve(self, listener: socket.socket) -> None:
        async def serve() -> None:
            assert self._server
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[listener])

        asyncio.run(serve())

    def _stop(self) -> None:
        assert self._server
        assert self._thread
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()

    # --- OAuth

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code":
            return Response("Error 400: invalid_request", 400)
        if asked.get("code_challenge_method") != "S256":
            return Response("Error 400: invalid_request", 400)
        code = f"4/{uuid4().hex}"
        scopes = frozenset(asked["scope"].split()) - self.unticked
        self._codes[code] = (asked, Grant(self._consents, scopes))
        back = urlencode({"state": asked["state"], "code": code, "scope": " ".join(sorted(scopes))})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        asked = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        answer = self._answered(asked)
        await self._hang()  # what it did is done, even where nobody waits for the answer
        return answer

    async def _given_back(self, request: Request) -> Response:
        failure = self._failure("/revoke")
        if failure:
            return JSONResponse({"error": failure.reason}, failure.status, failure.headers)
        token = parse_qs((await request.body()).decode())["token"][0]
        grant = self._refresh.get(token) or self._access.get(token)
        if grant is None:
            return JSONResponse({"error": "invalid_token", "error_description": "Token expired or revoked"}, 400)
        self.revoke(grant.account)  # all that was granted, whichever token was given back
        return JSONResponse({})

    def _answered(self, asked: Item) -> Response:
        failure = self._failure("/token")
        if failure:
            return JSONResponse({"error": failure.reason}, failure.status, failure.headers)
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if asked["grant_type"] == "authorization_code":
            return self._exchanged(asked)
        grant = self._refresh.get(asked["refresh_token"])
        if grant is None:
            return JSONResponse({"error": "invalid_grant", "error_description": "Token has been revoked."}, 400)
        self.refreshes += 1
        answer = self._granted(grant)
        if self.rotates:
            del self._refresh[asked["refresh_token"]]
            answer["refresh_token"] = self._remember(grant)
        return JSONResponse(answer)

    def _exchanged(self, asked: Item) -> Response:
        found = self._codes.pop(asked.get("code", ""), None)
        if found is None:
            return JSONResponse({"error": "invalid_grant", "error_description": "Bad Request"}, 400)
        page, grant = found
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != page["code_challenge"]:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid code verifier."}, 400)
        if asked.get("redirect_uri") != page["redirect_uri"]:
            return JSONResponse({"error": "redirect_uri_mismatch"}, 400)
        answer = self._granted(grant)
        if page.get("access_type") == "offline" and page.get("prompt") == "consent":
            answer["refresh_token"] = self._remember(grant)
        claims = {"aud": CLIENT_ID, "sub": grant.account.sub, "email": grant.account.email, "email_verified": True}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        answer["id_token"] = f"e30.{payload}.c2ln"
        return JSONResponse(answer)

    def _granted(self, grant: Grant) -> Item:
        token = f"ya29.{uuid4().hex}"
        self._access[token] = grant
        scope = " ".join(sorted(grant.scopes))
        return {"access_token": token, "expires_in": self.life_s, "scope": scope, "token_type": "Bearer"}

    def _remember(self, grant: Grant) -> str:
        token = f"1//{uuid4().hex}"
        self._refresh[token] = grant
        return token

    # --- the API

    async def _api(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode().removeprefix("/calendar/v3/")
        query = dict(request.query_params)
        self.requests.append(f"{request.method} {path}?{urlencode(query)}")
        failure = self._failure(path)
        raw = await request.body()
        await self._hang()
        try:
            if failure:
                raise Refused(failure.status, failure.reason, headers=failure.headers)
            account = self._let_in(request)
            body = json.loads(raw) if raw else {}
            parts = [unquote(part) for part in path.split("/")]
            answer = await self._answer(account, request, parts, query, body)
        except Refused as refused:
            return JSONResponse(refused.body, refused.status, refused.headers)
        if answer is None:
            return Response(status_code=204)
        return JSONResponse(selected(answer, query.get("fields")))

    def _let_in(self, request: Request) -> Grant:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._access:
            raise Refused(401, "authError")
        return self._access[token]

    async def _answer(
        self, grant: Grant, request: Request, parts: list[str], query: dict[str, str], body: Item
    ) -> Item | None:
        etag = request.headers.get("if-match")
        account = grant.account
        match [request.method, *parts]:
            case ["GET", "users", "me", "calendarList"]:
                _needs(grant, "list")
                listed = [each.listed() for each in account.calendars if not (each.hidden or each.deleted)]
                return self._page(account.primary, listed, query, {})
            case ["POST", "freeBusy"]:
                _needs(grant, "freebusy")
                return _free_busy(account, body)
            case ["POST", "channels", "stop"]:
                self._unwatch(body)
                return None
        _needs(grant, "events")
        calendar = account.named(parts[1])
        if calendar.role == "freeBusyReader":
            raise Refused(403, "requiredAccessLevel", domain="calendar")
        match [request.method, *parts[2:]]:
            case ["GET", "events"]:
                return self._list(calendar, query)
            case ["POST", "events"]:
                return await self._written(calendar, calendar.add(body), body, query)
            case ["POST", "events", "watch"]:
                return await self._watch(calendar, body)
            case ["GET", "events", event_id]:
                return self._shown(calendar, calendar.found(event_id))
            case ["PATCH", "events", event_id]:
                return await self._written(calendar, calendar.change(event_id, body, etag=etag), body, query)
            case ["DELETE", "events", event_id]:
                guests = calendar.found(event_id).get("attendees")
                calendar.remove(event_id, etag=etag)
                self._mail(event_id, guests, query)
                await self._tell(calendar, "exists")
                return None
            case ["GET", "events", event_id, "instances"]:
                bounds = (_given(query.get(name)) for name in ("timeMin", "timeMax"))
                found = calendar.instances(event_id, *bounds)
                shown = [self._shown(calendar, event) for event in found]
                return self._page(calendar, shown, query, {"timeZone": calendar.zone})
        raise Refused(404, "notFound")

    def _list(self, calendar: FakeCalendar, query: dict[str, str]) -> Item:
        if "pageToken" in query:
            return self._page(calendar, [], query, {"timeZone": calendar.zone})
        found, token = calendar.search(query)
        if self.hide_once and query.get("iCalUID") == self.hide_once:
            self.hide_once, found = "", []
        return self._page(calendar, found, query, {"timeZone": calendar.zone, "nextSyncToken": token})

    def _page(self, calendar: FakeCalendar, found: list[Item], query: dict[str, str], more: Item) -> Item:
        """Cut a list into pages; later ones are of what was there when the first was asked for."""
        size = min(self.page_size, int(query.get("maxResults", 250)))
        if "pageToken" in query:
            number, first = (int(part) for part in query["pageToken"].split("."))
            found, more = calendar.snapshots[number]
        else:
            number, first = len(calendar.snapshots), 0
            calendar.snapshots.append((found, more))
        answer: Item = {"kind": "calendar#events", **more, "items": found[first : first + size]}
        if first + size < len(found):
            answer.pop("nextSyncToken", None)
            answer["nextPageToken"] = f"{number}.{first + size}"
        return answer

    async def _written(self, calendar: FakeCalendar, event: Item, body: Item, query: dict[str, str]) -> Item:
        asked = (body.get("conferenceData") or {}).get("createRequest")
        if query.get("conferenceDataVersion") == "1" and asked:
            event = self._ask_for_room(calendar, event, asked)
        elif "conferenceData" in body:
            event.pop("conferenceData", None)
        self._mail(event["id"], event.get("attendees"), query)
        await self._tell(calendar, "exists")
        return _public(event)

    def _ask_for_room(self, calendar: FakeCalendar, event: Item, asked: Item) -> Item:
        if self._asked.get(event["id"]) == asked["requestId"]:
            return event
        self._asked[event["id"]] = asked["requestId"]
        status = {"at once": "success", "later": "pending", "never": "failure"}[self.rooms]
        self._rooms[event["id"]] = 2
        request = {**asked, "status": {"statusCode": status}}
        made = {**event, "conferenceData": {"createRequest": request}}
        if status == "success":
            made["hangoutLink"] = f"https://meet.google.test/{uuid4().hex[:10]}"
        return calendar.keep(made)

    def _shown(self, calendar: FakeCalendar, event: Item) -> Item:
        """Show an event, and let the making of its room go on."""
        request = (event.get("conferenceData") or {}).get("createRequest", {})
        if request.get("status", {}).get("statusCode") == "pending":
            self._rooms[event["id"]] -= 1
            if self._rooms[event["id"]] <= 0:
                request["status"] = {"statusCode": "success"}
                event["hangoutLink"] = f"https://meet.google.test/{uuid4().hex[:10]}"
                event = calendar.keep(event)
        return _public(event)

    def _mail(self, event_id: str, guests: list[Item] | None, query: dict[str, str]) -> None:
        if guests and query.get("sendUpdates", "all") != "none":
            self.mails.append((event_id, query.get("sendUpdates", "all")))

    def _failure(self, path: str) -> Failure | None:
        for failure in self.failures:
            if failure.path in path:
                self.failures.remove(failure)
                return failure
        return None

    async def _hang(self) -> None:
        if self.hang_s:
            await asyncio.sleep(self.hang_s)

    # --- channels

    async def _watch(self, calendar: FakeCalendar, body: Item) -> Item:
        if not calendar.watchable:
            raise Refused(400, "pushNotSupportedForRequestedResource", domain="calendar")
        if body["type"] != "web_hook":
            raise Refused(400, "badRequest")
        if self.wants_https and not body["address"].startswith("https://"):
            raise Refused(401, "push.webhookUrlUnauthorized")
        if any(channel.body["id"] == body["id"] for channel in self.channels):
            raise Refused(400, "channelIdNotUnique")
        channel = FakeChannel(body, calendar, resource=f"res-{calendar.id}")
        self.channels.append(channel)
        self._begin(self._post(channel, "sync"))
        latest = int((time.time() + 30 * 86_400) * 1000)
        expiration = min(int(body.get("expiration", latest)), max(latest, int(body.get("expiration", 0))))
        return {"kind": "api#channel", "id": body["id"], "resourceId": channel.resource, "expiration": str(expiration)}

    def _unwatch(self, body: Item) -> None:
        for channel in self.channels:
            if (channel.body["id"], channel.resource) == (body.get("id"), body.get("resourceId")):
                self.channels.remove(channel)
                return
        raise Refused(404, "notFound")

    async def _tell(self, calendar: FakeCalendar, state: str) -> None:
        for channel in self.channels:
            if channel.calendar is calendar and not channel.expired:
                self._begin(self._post(channel, state))

    def _begin(self, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _post(self, channel: FakeChannel, state: str) -> None:
        channel.messages += 1
        headers = {
            "X-Goog-Channel-ID": channel.body["id"],
            "X-Goog-Channel-Token": channel.body.get("token", ""),
            "X-Goog-Resource-ID": channel.resource,
            "X-Goog-Resource-URI": f"{self.url}/calendar/v3/calendars/{channel.calendar.id}/events?alt=json",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(channel.messages),
        }
        status = 0
        with contextlib.suppress(httpx2.HTTPError):
            async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
                status = (await client.post(channel.body["address"], headers=headers)).status_code
        self.told.append((channel.body["address"], headers, status))


class GoogleOther:
    """The owner with his telephone: another client of the same account."""

    def __init__(self, google: FakeGoogle, account: FakeAccount) -> None:
        self._google = google
        self._account = account

    async def make_event(
        self,
        calendar: RemoteCalendar,
        uid: str,
        start: Instant,
        end: Instant,
        *,
        transparent: bool = False,
        **more: Any,
    ) -> Item:
        """Make an event; `more` as its further fields."""
        body = {"iCalUID": uid, "start": _at(start), "end": _at(end), **more}
        if transparent:
            body["transparency"] = "transparent"
        return self._done(calendar, self._of(calendar).add(body))

    async def make_weekly(
        self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant, *, count: int | None
    ) -> Item:
        """Make an event that takes place every seven days; None: for ever."""
        rule = "RRULE:FREQ=WEEKLY" + (f";COUNT={count}" if count else "")
        return await self.make_event(calendar, uid, start, end, recurrence=[rule])

    async def make_many(self, calendar: RemoteCalendar, uids: list[str], start: Instant, end: Instant) -> None:
        """Make an event of each UID, all at one time."""
        for uid in uids:
            self._of(calendar).add({"iCalUID": uid, "start": _at(start), "end": _at(end)})

    async def move(self, calendar: RemoteCalendar, uid: str, start: Instant, end: Instant) -> None:
        """Give an event another time."""
        await self.change(calendar, uid, start=_at(start), end=_at(end))

    async def change(self, calendar: RemoteCalendar, uid: str, **fields: Any) -> None:
        """Change an event's fields."""
        self._done(calendar, self._of(calendar).change(self.name(calendar, uid), fields, forced=True))

    async def change_instance(self, calendar: RemoteCalendar, uid: str, number: int, **fields: Any) -> None:
        """Change the nth instance of a series; `status="cancelled"` deletes it."""
        mine = self._of(calendar)
        instance = mine.instances(self.name(calendar, uid), None, None)[number]
        self._done(calendar, mine.keep({**instance, **fields}))

    async def decline(self, calendar: RemoteCalendar, uid: str) -> None:
        """Say no to an event as its owner's calendar shows it."""
        event = self._of(calendar).events[self.name(calendar, uid)]
        others = [each for each in event.get("attendees", ()) if each["email"] != self._account.email]
        mine = {"email": self._account.email, "responseStatus": "declined"}
        await self.change(calendar, uid, attendees=[*others, mine])

    async def remove(self, calendar: RemoteCalendar, uid: str) -> None:
        """Delete an event, or a whole series."""
        self._of(calendar).remove(self.name(calendar, uid))
        self._google.notify(self._of(calendar))

    async def count(self, calendar: RemoteCalendar, uid: str) -> int:
        """Count the events with a UID that stand in the calendar."""
        return len(self._standing(calendar, uid))

    async def dead_token(self, calendar: RemoteCalendar, token: str) -> str:
        """Let all tokens of a calendar die."""
        self._of(calendar).generation += 1
        return token

    def name(self, calendar: RemoteCalendar, uid: str) -> str:
        """Name the one event of a UID."""
        (event,) = self._standing(calendar, uid)
        return str(event["id"])

    def _standing(self, calendar: RemoteCalendar, uid: str) -> list[Item]:
        events = self._of(calendar).events.values()
        return [
            event
            for event in events
            if event["iCalUID"] == uid and event["status"] != "cancelled" and "recurringEventId" not in event
        ]

    def _of(self, calendar: RemoteCalendar) -> FakeCalendar:
        return self._account.named(calendar.remote_id)

    def _done(self, calendar: RemoteCalendar, event: Item) -> Item:
        self._google.notify(self._of(calendar))
        return event


def _at(time: Instant) -> Item:
    return {"dateTime": time.format_iso(), "timeZone": "UTC"}


def _needs(grant: Grant, what: str) -> None:
    if SCOPES[what] not in grant.scopes:
        raise Refused(403, "insufficientPermissions")


def _free_busy(account: FakeAccount, body: Item) -> Item:
    start, end = _given(body["timeMin"]), _given(body["timeMax"])
    assert start
    assert end
    if (end - start).days > 90:
        raise Refused(400, "timeRangeTooLong", domain="calendar")
    calendars: Item = {}
    for asked in body["items"]:
        try:
            calendars[asked["id"]] = {"busy": account.named(asked["id"]).busy(start, end)}
        except Refused as refused:
            calendars[asked["id"]] = {"errors": refused.body["error"]["errors"], "busy": []}
    return {"kind": "calendar#freeBusy", "calendars": calendars}


def _public(event: Item) -> Item:
    return {key: value for key, value in event.items() if not key.startswith("_")}
