"""Microsoft Graph and Microsoft's login as a real HTTP server on a port of this machine, in a thread of its own.

    def test_something(graph: FakeGraph) -> None:       # the fixture of tests/conftest.py
        mailbox = graph.account("host@acme.test")       # signed in; its default calendar is "Calendar"
        provider = graph.provider()                     # a MicrosoftCalendars that speaks to the fake
        connected = await graph.connect(provider, mailbox)  # what the owner does in his browser
        credential = graph.credential(mailbox)          # as if he had
        other = GraphOther(graph, mailbox)              # the owner with his telephone (tests/fakes/graph_other.py)

What can be made to go wrong:

    graph.login.end_access()             every access token has ended; `login.requests_left = 3`: after three requests
    graph.login.revoke(mailbox)          the owner took it back
    graph.login.consents = False         he says no on the page; `login.scopes = "…"`: he grants less
    graph.login.one_use = True           a refresh token is good once
    graph.throttle(2, after_s=7)         the next two requests are answered 429 with Retry-After
    graph.forget()                       410 for every link to go on with
    with graph.outage(): ...             requests are cut off; outage("hang"): never answered; outage("busy"): 503
    graph.lose_answer()                  the next POST is carried out, and its answer lost
    graph.no_mailbox = True              MailboxNotEnabledForRESTAPI
    mailbox.calendars[0].providers = ()  no Teams, as with private accounts

Subscriptions are validated and told of changes by real POSTs. Where kalends runs inside the test instead of on a port,
`graph.deliver_by(send)` has them carried by `async send(address, body | None) -> (status, text)` on the test's loop;
a body of None is the validation (its token is in the address). `await graph.settled()` waits until all is told;
`graph.told` are the notifications. `graph.expire_subscriptions()` lets them end.

`graph.requests` are all requests as ("GET", "/v1.0/me/calendars"); `mailbox.mailed` whom Exchange would have mailed.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Self
from uuid import uuid4

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from whenever import Instant

from kalends.integrations.microsoft import MicrosoftCalendars
from kalends.ports import Clock, Connected, Credential
from tests.fakes.graph_login import LIFE_S, Denied, Login
from tests.fakes.graph_mailbox import Calendar, Event, Json, Mailbox, Refused, lies
from tests.fakes.graph_subscriptions import Deliver, Subscriptions

_OURS = re.compile(r"singleValueExtendedProperties/Any\(ep: ep/id eq '([^']+)' and ep/value eq '([^']+)'\)")
_UID = re.compile(r"iCalUId eq '([^']+)'")
_EXPANDED = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '([^']+)'\)")
_PAGE = re.compile(r"odata\.maxpagesize=(\d+)")

# Promises more than is sent: the server then cuts the connection.
_CUT = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]}


class FakeGraph:
    """One Graph with one login; see above."""

    def __init__(self, *, clock: Clock = Instant.now) -> None:
        self.clock = clock
        self.login = Login()
        self.accounts: dict[str, Mailbox] = {}
        self.requests: list[tuple[str, str]] = []
        self.no_mailbox = False
        self.subscriptions = Subscriptions(clock)
        self._throttled: list[int] = []
        self._down: str | None = None
        self._losing = False
        self._up = threading.Event()
        self._states: dict[str, tuple[str, Instant, Instant, int]] = {}
        self._rest: dict[str, tuple[list[Json], Json]] = {}
        self._lock = threading.RLock()
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), host="127.0.0.1", port=0, log_config=None, lifespan="off", ws="none")
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._up.set()
        self._server.should_exit = self._server.force_exit = True  # it ends within a moment, which nobody waits for

    # What tests do.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def provider(self, **changed: Any) -> MicrosoftCalendars:
        """Make kalends' provider for this server."""
        given = {
            "client_id": self.login.client_id,
            "client_secret": self.login.client_secret,
            "clock": self.clock,
            "login_url": self.url,
            "graph_url": f"{self.url}/v1.0",
        }
        return MicrosoftCalendars(**{**given, **changed})

    def account(self, email: str) -> Mailbox:
        """Make an account, and have it signed in in the browser."""
        mailbox = Mailbox(email)
        self.accounts[mailbox.id] = mailbox
        self.login.signed_in = mailbox
        return mailbox

    def credential(self, mailbox: Mailbox) -> Credential:
        """Make the credential that connecting this account would give."""
        with self._lock:
            granted = self.login.grant(mailbox)
        return {
            "access_token": granted["access_token"],
            "refresh_token": granted["refresh_token"],
            "expires_at": self.clock().add(seconds=LIFE_S).format_iso(),
            "scope": granted["scope"],
        }

    async def connect(self, provider: MicrosoftCalendars, mailbox: Mailbox) -> Connected:
        """Do what the owner does in his browser."""
        self.login.signed_in = mailbox
        there, verifier = "https://kalends.test/back", "v" * 48
        page = provider.authorization_url(redirect_uri=there, state="of tests", verifier=verifier)
        async with httpx2.AsyncClient(trust_env=False) as browser:
            back = httpx2.URL((await browser.get(page)).headers["location"])
        return await provider.authorize(code=back.params["code"], redirect_uri=there, verifier=verifier)

    def throttle(self, requests: int, *, after_s: int) -> None:
        """Answer some requests with 429."""
        self._throttled += [after_s] * requests

    def lose_answer(self) -> None:
        """Carry the next POST out without answering."""
        self._losing = True

    def forget(self) -> None:
        """Forget where all readings ended."""
        with self._lock:
            self._states.clear()

    @contextlib.contextmanager
    def outage(self, kind: str = "cut") -> Iterator[None]:
        """Be out of order: "cut", "hang" or "busy"."""
        self._up.clear()
        self._down = kind
        try:
            yield
        finally:
            self._down = None
            self._up.set()

    def deliver_by(self, send: Deliver) -> None:
        """Have what is told to subscribers carried by a coroutine on the running loop."""
        self.subscriptions.carrier = (send, asyncio.get_running_loop())

    @property
    def told(self) -> list[Json]:
        return self.subscriptions.told

    def expire_subscriptions(self) -> None:
        self.subscriptions.known.clear()

    async def settled(self) -> None:
        """Wait until subscribers know all that changed."""
        await asyncio.to_thread(self.subscriptions.idle.wait, 10)

    @contextlib.contextmanager
    def changing(self, mailbox: Mailbox) -> Iterator[Mailbox]:
        """Change a mailbox as another client does; subscribers are told."""
        with self._lock:
            before = len(mailbox.log)
            yield mailbox
            changes = mailbox.log[before:]
        self.subscriptions.tell(self._loop, mailbox, changes)

    # What the server does.

    def _app(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        me = "/v1.0/me"
        app = Starlette(
            routes=[
                Route("/{tenant}/oauth2/v2.0/authorize", self._authorize),
                Route("/{tenant}/oauth2/v2.0/token", self._token, methods=["POST"]),
                Route(me, self._of(self._me)),
                Route(f"{me}/calendar", self._of(self._default_calendar)),
                Route(f"{me}/calendars", self._of(self._calendars)),
                Route(f"{me}/calendars/{{calendar}}", self._of(self._calendar)),
                Route(f"{me}/calendars/{{calendar}}/events", self._of(self._events), methods=["GET", "POST"]),
                Route(f"{me}/calendars/{{calendar}}/calendarView", self._of(self._view)),
                Route(f"{me}/calendars/{{calendar}}/calendarView/delta", self._of(self._delta)),
                Route(f"{me}/events/{{event}}", self._of(self._event), methods=["GET", "PATCH", "DELETE"]),
                Route(f"{me}/events/{{event}}/instances", self._of(self._instances)),
                Route("/v1.0/subscriptions", self._of(self._subscribe), methods=["POST"]),
                Route("/v1.0/subscriptions/{id}", self._of(self._subscription), methods=["PATCH", "DELETE"]),
            ]
        )

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            self._loop = asyncio.get_running_loop()
            self.requests.append((scope["method"], scope["path"]))
            if self._down == "busy":
                await Response(status_code=503, headers={"Retry-After": "30"})(scope, receive, send)
                return
            if self._down:
                if self._down == "hang":
                    await asyncio.to_thread(self._up.wait)
                await send(_CUT)
                return
            if self._losing and scope["method"] == "POST":
                self._losing = False
                await app(scope, receive, _nowhere)
                await send(_CUT)
                return
            await app(scope, receive, send)

        return guarded

    async def _authorize(self, request: Request) -> Response:
        try:
            return RedirectResponse(self.login.page(dict(request.query_params)), status_code=302)
        except (Denied, KeyError) as error:
            return PlainTextResponse(f"AADSTS900144: {error}", status_code=400)

    async def _token(self, request: Request) -> Response:
        form = {key: str(value) for key, value in (await request.form()).items()}
        with self._lock:
            try:
                if request.path_params["tenant"] != self.login.tenant:
                    raise Denied("invalid_request")
                return JSONResponse(self.login.token(form, self.accounts))
            except Denied as error:
                said = {"error": error.error, "error_description": f"AADSTS70000: {form}"}  # it does repeat what it got
                return JSONResponse(said, status_code=error.status)

    def _of(self, route: Callable[[Request, Mailbox, Json], Any]) -> Callable[[Request], Awaitable[Response]]:
        """Answer in the name of the account whose token it is."""

        async def answer(request: Request) -> Response:
            given = await request.json() if await request.body() else {}
            if self._throttled:
                return _refusal(Refused(429, "ApplicationThrottled"), {"Retry-After": str(self._throttled.pop())})
            with self._lock:
                owner = self.login.owner_of(request.headers.get("authorization", ""))
                if owner is None:
                    return _refusal(Refused(401, "InvalidAuthenticationToken"))
                if self.no_mailbox and request.url.path != "/v1.0/me":
                    return _refusal(Refused(404, "MailboxNotEnabledForRESTAPI"))
                before = len(owner.log)
                try:
                    found = route(request, owner, given)
                except Refused as refused:
                    return _refusal(refused)
                changes = owner.log[before:]
            self.subscriptions.tell(self._loop, owner, changes)
            try:
                found = await found if asyncio.iscoroutine(found) else found
            except Refused as refused:
                return _refusal(refused)
            if found is None:
                return Response(status_code=204)
            return JSONResponse(found, status_code=201 if request.method == "POST" else 200)

        return answer

    def _me(self, request: Request, owner: Mailbox, given: Json) -> Json:
        return {"id": owner.id, "mail": None, "userPrincipalName": owner.email}

    def _default_calendar(self, request: Request, owner: Mailbox, given: Json) -> Json:
        return next(one.shown() for one in owner.calendars if one.default)

    def _calendars(self, request: Request, owner: Mailbox, given: Json) -> Json:
        return self._paged(request, [one.shown() for one in owner.calendars])

    def _calendar(self, request: Request, owner: Mailbox, given: Json) -> Json:
        return _selected(request, self._calendar_of(request, owner).shown())

    def _events(self, request: Request, owner: Mailbox, given: Json) -> Json:
        calendar = self._calendar_of(request, owner)
        if request.method == "POST":
            made = owner.make(calendar, given).shown()
            return {**made, "onlineMeeting": None} if owner.joined_later else made
        wanted = request.query_params.get("$filter", "")
        ours, uids = _OURS.fullmatch(wanted), _UID.findall(wanted)
        if not ours and not uids:
            raise Refused(400, "ErrorInvalidUrlQueryFilter")
        found = [event for event in owner.events.values() if event.calendar == calendar.id]
        if ours:
            found = [event for event in found if event.properties.get(ours[1], "").lower() == ours[2].lower()]
        else:
            found = [event for event in found if event.uid in uids]
        return self._paged(request, [_shaped(request, owner, event.shown()) for event in found])

    def _view(self, request: Request, owner: Mailbox, given: Json) -> Json:
        found = owner.view(self._calendar_of(request, owner), *_window(request))
        return self._paged(request, [_shaped(request, owner, one) for one in found])

    def _delta(self, request: Request, owner: Mailbox, given: Json) -> Json:
        if set(request.query_params) & {"$select", "$expand", "$filter", "$top", "$orderby", "$search"}:
            raise Refused(400, "ErrorInvalidUrlQuery")
        calendar, asked = self._calendar_of(request, owner), request.query_params
        here = str(request.url.replace(query=""))
        if "$skiptoken" in asked:
            items, last = self._rest.pop(asked["$skiptoken"])
        else:
            since = None
            if "$deltatoken" in asked:
                if asked["$deltatoken"] not in self._states:
                    raise Refused(410, "syncStateNotFound")
                _, start, end, since = self._states[asked["$deltatoken"]]
            else:
                start, end = _window(request)
            state = uuid4().hex
            self._states[state] = (calendar.id, start, end, len(owner.log))
            items = owner.reported(calendar, start, end, since)
            last = {"@odata.deltaLink": f"{here}?$deltatoken={state}"}
        size = int((_PAGE.search(request.headers.get("prefer", "")) or ("", "10"))[1])
        if len(items) > size:
            rest = uuid4().hex
            self._rest[rest] = (items[size:], last)
            return {"value": items[:size], "@odata.nextLink": f"{here}?$skiptoken={rest}"}
        return {"value": items, **last}

    def _event(self, request: Request, owner: Mailbox, given: Json) -> Json | None:
        name, etag = request.path_params["event"], request.headers.get("if-match")
        if request.method == "DELETE":
            owner.remove(name, etag)
            return None
        found = owner.show(name) if request.method == "GET" else owner.change(name, given, etag)
        return _shaped(request, owner, found)

    def _instances(self, request: Request, owner: Mailbox, given: Json) -> Json:
        event, _ = owner.find(request.path_params["event"])
        if not event.recurs:
            raise Refused(400, "ErrorInvalidRequest")
        found = [one for one in event.instances() if lies(one, *_window(request))]
        return self._paged(request, [_shaped(request, owner, one) for one in found])

    def _subscribe(self, request: Request, owner: Mailbox, given: Json) -> Any:
        return self.subscriptions.add(owner, given)

    def _subscription(self, request: Request, owner: Mailbox, given: Json) -> Json | None:
        return self.subscriptions.change(owner, request.path_params["id"], given, request.method)

    def _calendar_of(self, request: Request, owner: Mailbox) -> Calendar:
        return owner.calendar(request.path_params["calendar"])

    def _paged(self, request: Request, items: list[Json]) -> Json:
        skip, top = (int(request.query_params.get(key, value)) for key, value in (("$skip", 0), ("$top", 10)))
        page: Json = {"value": items[skip : skip + top]}
        if len(items) > skip + top:
            page["@odata.nextLink"] = str(request.url.include_query_params(**{"$skip": skip + top}))
        return page


async def _nowhere(message: object) -> None:
    del message


def _window(request: Request) -> tuple[Instant, Instant]:
    start, end = (Instant.parse_iso(request.query_params[key]) for key in ("startDateTime", "endDateTime"))
    return start, end


def _shaped(request: Request, owner: Mailbox, found: Json) -> Json:
    """Add the extended properties asked for, and leave out what was not."""
    event, _ = owner.find(found["id"])
    expanded = _EXPANDED.fullmatch(request.query_params.get("$expand", ""))
    shown = _selected(request, found)
    if expanded and expanded[1] in event.properties:
        kept = {"id": expanded[1], "value": event.properties[expanded[1]]}
        shown["singleValueExtendedProperties"] = [kept]
    return shown


def _selected(request: Request, found: Json) -> Json:
    wanted = request.query_params.get("$select")
    keys = None if wanted is None else {"id", "@odata.etag", *wanted.split(",")}
    return {key: value for key, value in found.items() if keys is None or key in keys}


def _refusal(refused: Refused, headers: dict[str, str] | None = None) -> Response:
    error = {"code": refused.code, "message": "It tells who@acme.test something.", **refused.more}
    return JSONResponse({"error": error}, status_code=refused.status, headers=headers)


__all__ = ["Event", "FakeGraph", "Mailbox"]
