"""A Zoom that is not Zoom: tokens, users and their meetings on a port of this machine, in a thread of its own."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kalends.integrations.zoom import ZoomApp, ZoomMeetings
from kalends.ports import Clock

ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET = "account-7", "client-7", "the secret of the Zoom app"

Answer = tuple[int, dict[str, Any]]


@dataclass
class FakeZoom:
    """What the server knows and does.

    Attributes:
        meetings: by number; each says whose it is in `user`.
        answers: said to the next requests of the API instead of what they ask for: status, body, headers.
        loses: so many of the next meetings are made, and then the connection breaks off.
        asked: method and path of each request.
        page_size: of lists, whatever is asked for.
    """

    users: set[str] = field(default_factory=lambda: {"me"})
    meetings: dict[int, dict[str, Any]] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    loses: int = 0
    may_list: bool = True
    tokens: list[str] = field(default_factory=list)
    dead_tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    page_size: int = 300
    port: int = 0

    def provider(self, clock: Clock, *, client_secret: str = CLIENT_SECRET) -> ZoomMeetings:
        """Make a provider that speaks to this server."""
        url = f"http://127.0.0.1:{self.port}"
        return ZoomMeetings(
            ZoomApp(ACCOUNT_ID, CLIENT_ID, client_secret, api_url=f"{url}/v2", token_url=f"{url}/oauth/token"), clock
        )

    def token(self, authorization: str, form: dict[str, list[str]]) -> Answer:
        """Hand out a token to the app."""
        if authorization != f"Basic {b64encode(f'{CLIENT_ID}:{CLIENT_SECRET}'.encode()).decode()}":
            return 400, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
        if form != {"grant_type": ["account_credentials"], "account_id": [ACCOUNT_ID]}:
            return 400, {"reason": "unsupported grant type", "error": "unsupported_grant_type"}
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        return 200, {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 3600}

    def do(self, method: str, path: list[str], query: dict[str, list[str]], body: dict[str, Any]) -> Answer:
        """Do what the API is asked for."""
        match method, path:
            case "GET", ["users", user, "meetings"]:
                return self._list(user, query)
            case "POST", ["users", user, "meetings"]:
                return self._make(user, body)
            case (("PATCH" | "DELETE"), ["meetings", number]) if int(number) not in self.meetings:
                return 404, {"code": 3001, "message": f"Meeting does not exist: {number}."}
            case "PATCH", ["meetings", number]:
                self.meetings[int(number)] |= body
                return 204, {}
            case "DELETE", ["meetings", number]:
                del self.meetings[int(number)]
                return 204, {}
        return 400, {"code": 300, "message": "Request path is not valid."}

    def _list(self, user: str, query: dict[str, list[str]]) -> Answer:
        if not self.may_list:
            return 400, {"code": 4711, "message": "Invalid access token, does not contain scopes."}
        if user not in self.users:
            return 404, {"code": 1001, "message": f"User does not exist: {user}."}
        found = [one for one in self.meetings.values() if one["user"] == user]
        first = int(query.get("next_page_token", ["0"])[0])
        following = first + self.page_size if len(found) > first + self.page_size else ""
        return 200, {"meetings": found[first : first + self.page_size], "next_page_token": str(following)}

    def _make(self, user: str, body: dict[str, Any]) -> Answer:
        if user not in self.users:
            return 404, {"code": 1001, "message": f"User does not exist: {user}."}
        number = 81_234_567_890 + len(self.meetings)
        made = {**body, "id": number, "join_url": f"https://acme.zoom.test/j/{number}?pwd=x", "user": user}
        self.meetings[number] = made
        return 201, made


@contextmanager
def running() -> Iterator[FakeZoom]:
    """Run one, on a port of its own."""
    zoom = FakeZoom()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            authorization = self.headers.get("Authorization", "")
            if url.path == "/oauth/token":
                self.say(*zoom.token(authorization, parse_qs(sent)))
                return
            zoom.asked.append(f"{self.command} {unquote(url.path.removeprefix('/v2'))}")
            token = authorization.removeprefix("Bearer ")
            if token not in zoom.tokens or token in zoom.dead_tokens:
                self.say(401, {"code": 124, "message": "Access token is expired."})
            elif zoom.answers:
                self.say(*zoom.answers.pop(0))
            else:
                path = [unquote(part) for part in url.path.removeprefix("/v2/").split("/")]
                status, body = zoom.do(self.command, path, parse_qs(url.query), json.loads(sent or "{}"))
                if status == 201 and zoom.loses:
                    zoom.loses -= 1
                    self.close_connection = True
                    return
                self.say(status, body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names http.server looks for

        def say(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            content = b"" if status == 204 else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    zoom.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield zoom
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
