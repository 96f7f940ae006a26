"""A small CalDAV server with the habits of real ones that Radicale and xandikos do not have."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .relay import Relay
from .scripted import Asked, Reply
from .servers import PASSWORD

USER = "host@acme.test"
HOME = "/cal/host@acme.test/"
WORK = f"{HOME}work/"
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"

_DAV = "{DAV:}"
_CAL = "{urn:ietf:params:xml:ns:caldav}"
_OPEN = (
    '<?xml version="1.0" encoding="utf-8"?>\n<x0:multistatus xmlns:x0="DAV:" xmlns:zz="urn:ietf:params:xml:ns:caldav" '
    'xmlns:cs="http://calendarserver.org/ns/" xmlns:ical="http://apple.com/ns/ical/">'
)
_DEFAULT = f"<zz:schedule-default-calendar-URL><x0:href>{quote(WORK)}</x0:href></zz:schedule-default-calendar-URL>"
_DAVICAL = {"X-DAViCal-Version": "DAViCal/1.1.12; DB/1.3.6"}
_ZONE = "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\nEND:VCALENDAR"


@dataclass
class Change:
    """One entry of the server's memory."""

    path: str
    is_gone: bool
    second: int


@dataclass
class OddServer:
    """Answers as told by `habits`:

    digest: asks for Digest, and takes nothing else. moved-home: the calendars are on another host than the principal.
    no-sync: knows ctags only. no-range, no-multiget, no-search: does not take the query. no-etag: PUT says none.
    other-etags: GET says another ETag, as compressing proxies do. paged: lists two changes at once.
    phantoms: lists what is not gone as gone, and loses data of it in multiget. teapot: deletions come with 418.
    cut: lists a part, and says so. no-principal: does not know whose calendars are whose. tasks-only: has no events.
    no-organizer: takes no event with an organizer; vague: and says 412 then. one-uid: takes a UID once, and says where
    it stands; scheduling: and says that as RFC 6638 does. heedless: deletes whatever the condition says.
    seconds: a token is the second of the last change. two-names: writes the principal with a slash and without.
    sabre: counts changes and answers to any number; says of the principal where invitations go. davical: tells all
    there is where it does not know a token, of a calendar whose it is, and its own name. cyrus: tells that of a
    calendar as well, and has tokens that begin as DAViCal's do.

    The owner is invited under `called`, too. `cleared` changes are not told any more.
    """

    port: int = 0
    habits: frozenset[str] = frozenset()
    files: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    cleared: int = 0
    relay: Relay = field(default_factory=lambda: Relay(0))
    asked: list[Asked] = field(default_factory=list)
    broken: Reply | None = None
    second: int = 1_772_356_800

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        path = unquote(urlsplit(asked.target).path)
        if self.broken is not None:
            return self.broken
        reply = self._answer(asked, path)
        return replace(reply, headers={**reply.headers, **_DAVICAL}) if "davical" in self.habits else reply

    def _answer(self, asked: Asked, path: str) -> Reply:
        if path == "/.well-known/caldav":
            return Reply(301, headers={"Location": "/dav/principals/me"})
        if not self._lets_in(asked):
            kind = (
                f'Digest realm="odd", nonce="{NONCE}", qop="auth"' if "digest" in self.habits else 'Basic realm="odd"'
            )
            return Reply(401, headers={"WWW-Authenticate": kind})
        if path == "/":
            return Reply(405)
        if asked.method == "REPORT":
            return self._report(ElementTree.fromstring(asked.body), path)
        if asked.method == "PROPFIND":
            return self._properties(path, asked.headers["depth"])
        return self._file(asked, path)

    def _lets_in(self, asked: Asked) -> bool:
        told = asked.headers.get("authorization", "")
        if "digest" not in self.habits:
            return told == "Basic aG9zdEBhY21lLnRlc3Q6cGEgc3M6d8O2cmQ="
        parts = dict(re.findall(r'(\w+)="?([^",]*)"?', told.removeprefix("Digest ")))
        if not told.startswith("Digest ") or parts.get("username") != USER:
            return False
        one = _md5(f"{USER}:odd:{PASSWORD}")
        two = _md5(f"{asked.method}:{asked.target}")
        return parts["response"] == _md5(f"{one}:{NONCE}:{parts['nc']}:{parts['cnonce']}:auth:{two}")

    def _properties(self, path: str, depth: str) -> Reply:
        if path.rstrip("/") == "/dav/principals/me" and "no-principal" not in self.habits:
            host = f"http://localhost:{self.port}/" if "moved-home" in self.habits else "../../"
            return _multi(
                _response(
                    "/dav/principals/me",
                    "<x0:current-user-principal><x0:href>me</x0:href></x0:current-user-principal>"
                    f"<zz:calendar-home-set><x0:href>{host}cal/host%40acme.test</x0:href></zz:calendar-home-set>"
                    "<zz:calendar-user-address-set><x0:href>/dav/principals/me</x0:href>"
                    "<x0:href>mailto:Host@acme.test</x0:href>"
                    + "".join(f"<x0:href>mailto:{quote(one)}</x0:href>" for one in self.called)
                    + "</zz:calendar-user-address-set>"
                    "<zz:schedule-inbox-URL><x0:href>/inbox/</x0:href></zz:schedule-inbox-URL>"
                    + (_DEFAULT if "sabre" in self.habits else ""),
                )
            )
        if path == "/inbox/":
            return _multi(_response(path, _DEFAULT if "sabre" not in self.habits else ""))
        if path.rstrip("/") == HOME.rstrip("/"):
            home = _response(path, f"<x0:resourcetype><x0:collection/></x0:resourcetype>{self._principal()}")
            return _multi(home, *(self._calendars() if depth == "1" else ()))
        if path == WORK and depth == "0":
            return _multi(self._calendar())
        if path == WORK:
            return self._list(self._calendar())
        return _multi(self._listed(path)) if path in self.files else Reply(404)

    def put(self, path: str, text: str) -> None:
        """Store a resource, as another client would."""
        self.files[path] = text
        self.changes.append(Change(path, False, self.second))

    def remove(self, path: str) -> None:
        """Delete a resource, as another client would."""
        del self.files[path]
        self.changes.append(Change(path, True, self.second))

    def _calendars(self) -> list[str]:
        kind = "<x0:resourcetype><x0:collection/><zz:calendar/></x0:resourcetype>"
        todo = '<zz:supported-calendar-component-set><zz:comp name="VTODO"/></zz:supported-calendar-component-set>'
        read = "<x0:current-user-privilege-set><x0:privilege><x0:read/></x0:privilege></x0:current-user-privilege-set>"
        if "tasks-only" in self.habits:
            return [_response(f"{HOME}tasks/", kind + todo)]
        return [
            self._calendar(),
            _response(f"{HOME}tasks/", kind + todo),
            _response(f"{HOME}holidays/", kind + read + "<x0:displayname>Holidays</x0:displayname>"),
            _response(f"{HOME}inbox/", "<x0:resourcetype><x0:collection/><zz:schedule-inbox/></x0:resourcetype>"),
        ]

    def _calendar(self) -> str:
        token = self._second() if "seconds" in self.habits else self._token(len(self.changes))
        sync = f"<x0:sync-token>{token}</x0:sync-token>" if "no-sync" not in self.habits else ""
        whose = f"<zz:calendar-user-address-set><x0:href>mailto:{USER}</x0:href></zz:calendar-user-address-set>"
        return _response(
            WORK,
            "<x0:resourcetype><x0:collection/><zz:calendar/></x0:resourcetype><x0:displayname>Wörk</x0:displayname>"
            f"<ical:calendar-color>#FF2968FF</ical:calendar-color><zz:calendar-timezone><![CDATA[{_ZONE}]]></zz:calendar-timezone>"
            f"<cs:getctag>{len(self.changes)}</cs:getctag>{sync}{self._principal()}"
            + (whose if self.habits & {"davical", "cyrus"} else ""),
            missing="<x0:current-user-privilege-set/><zz:supported-calendar-component-set/>",
        )

    def _list(self, *first: str) -> Reply:
        cut = f"<x0:response><x0:href>{quote(WORK)}</x0:href>{_status(507)}</x0:response>"
        return _multi(*first, *(self._listed(one) for one in self.files), *([cut] if "cut" in self.habits else []))

    def _principal(self) -> str:
        if "no-principal" in self.habits:
            return "<x0:current-user-principal><x0:unauthenticated/></x0:current-user-principal>"
        slash = "/" if "two-names" in self.habits else ""
        return f"<x0:current-user-principal><x0:href>/dav/principals/me{slash}</x0:href></x0:current-user-principal>"

    def _listed(self, path: str) -> str:
        tag = f'<x0:getetag>"{_md5(self.files[path])}"</x0:getetag><x0:getcontenttype>text/calendar</x0:getcontenttype>'
        return _response(path, tag + "<x0:resourcetype/>")

    def _report(self, root: ElementTree.Element, path: str) -> Reply:
        if root.tag == f"{_DAV}sync-collection":
            return Reply(415) if "no-sync" in self.habits else self._sync(root.findtext(f"{_DAV}sync-token") or "")
        if root.tag == f"{_CAL}calendar-multiget":
            names = [unquote(urlsplit(one.text or "").path) for one in root.findall(f"{_DAV}href")]
            return Reply(501) if "no-multiget" in self.habits else _multi(*map(self._data, names))
        if root.find(f".//{_CAL}time-range") is not None and "no-range" in self.habits:
            return Reply(
                403, b'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><c:valid-filter/></d:error>'
            )
        uid = root.findtext(f".//{_CAL}text-match")
        if uid is None:
            return self._list()
        return Reply(500) if "no-search" in self.habits else _multi(*map(self._data, self._with_uid(uid)))

    def _sync(self, token: str) -> Reply:
        if "seconds" in self.habits:
            later = {one.path: one for one in self.changes if one.second > int(token)}
            return _multi(*map(self._told, later.values()), f"<x0:sync-token>{self._second()}</x0:sync-token>")
        is_sabre, number = "sabre" in self.habits, (re.findall(r"[0-9]+$", token) or ["0"])[0]
        now = f"<x0:sync-token>{self._token(len(self.changes))}</x0:sync-token>"
        if "davical" in self.habits and (token != self._token(number) or int(number) < self.cleared):
            return _multi(*map(self._listed, self.files), now)
        if token != self._token(number) or (int(number) > len(self.changes) and not is_sabre):
            return Reply(403 if is_sabre else 412)
        begin = max(int(number), self.cleared)
        end = min(begin + 2, len(self.changes)) if "paged" in self.habits else len(self.changes)
        parts = [self._told(one) for one in {one.path: one for one in self.changes[begin:end]}.values()]
        if end < len(self.changes):
            parts.append(f"<x0:response><x0:href>{quote(WORK)}</x0:href>{_status(507)}</x0:response>")
        return _multi(*parts, f"<x0:sync-token>{self._token(end)}</x0:sync-token>")

    def _token(self, number: int | str) -> str:
        kinds = {"sabre": "http://sabre.io/ns/sync/", "davical": "data:,", "cyrus": "data:,1790000000-"}
        return next((start for habit, start in kinds.items() if habit in self.habits), "odd:") + str(number)

    def _second(self) -> int:
        return max((one.second for one in self.changes), default=self.second)

    def _told(self, change: Change) -> str:
        gone = change.is_gone or "phantoms" in self.habits
        if not gone and change.path in self.files:
            return self._listed(change.path)
        status = 418 if "teapot" in self.habits else 404
        return f"<x0:response><x0:href>{quote(change.path)}</x0:href>{_status(status)}</x0:response>"

    def _data(self, path: str) -> str:
        if path not in self.files:
            return f"<x0:response><x0:href>{quote(path)}</x0:href>{_status(404)}</x0:response>"
        tag = f'<x0:getetag>"{_md5(self.files[path])}"</x0:getetag>'
        if "phantoms" in self.habits:
            return _response(path, tag, missing="<zz:calendar-data/>")
        return _response(path, f"{tag}<zz:calendar-data>{escape(self.files[path])}</zz:calendar-data>")

    def _file(self, asked: Asked, path: str) -> Reply:
        stands = self.files.get(path)
        match, none = asked.headers.get("if-match"), asked.headers.get("if-none-match")
        is_heeded = asked.method != "DELETE" or "heedless" not in self.habits
        is_other = match and (stands is None or match != f'"{_md5(stands)}"')
        if is_heeded and (is_other or (none == "*" and stands is not None)):
            return Reply(412)
        if asked.method == "PUT":
            return self._put(path, asked.body.decode())
        if stands is None:
            return Reply(404)
        if asked.method == "DELETE":
            self.remove(path)
            return Reply(204)
        tag = f'"{_md5(stands)}"'
        if "other-etags" in self.habits:
            tag = f'"{_md5(stands)}-gzip"' if "gzip" in asked.headers.get("accept-encoding", "") else f"W/{tag}"
        return Reply(body=stands.encode(), headers={"ETag": tag, "Content-Type": "text/calendar"})

    def _put(self, path: str, text: str) -> Reply:
        uid = re.search(r"^UID:(.*?)\r?$", text, re.MULTILINE)
        assert uid is not None
        elsewhere = [one for one in self._with_uid(uid[1]) if one != path]
        if elsewhere and "one-uid" in self.habits:
            where = f"<d:href>{quote(elsewhere[0])}</d:href>"
            status, name = 409, "no-uid-conflict"
            if "scheduling" in self.habits:
                status, name = 403, "unique-scheduling-object-resource"
            return Reply(status, _error(f"<c:{name}>{where}</c:{name}>"))
        if "no-organizer" in self.habits and "ORGANIZER" in text:
            return Reply(412 if "vague" in self.habits else 403)
        is_new = path not in self.files
        # Many reorder what they are given, and so say no ETag.
        self.put(path, text.replace("PRODID:", "X-ODD:1\r\nPRODID:", 1) if "no-etag" in self.habits else text)
        tag = {} if "no-etag" in self.habits else {"ETag": f'"{_md5(self.files[path])}"'}
        return Reply(201 if is_new else 204, headers=tag)

    def _with_uid(self, uid: str) -> list[str]:
        return [path for path, text in self.files.items() if f"UID:{uid}\r\n" in text]


def _multi(*responses: str) -> Reply:
    text = _OPEN + "".join(responses) + "</x0:multistatus>"
    return Reply(207, text.encode(), {"Content-Type": "application/xml"})


def _response(path: str, found: str, *, missing: str = "") -> str:
    parts = [f"<x0:propstat><x0:prop>{found}</x0:prop>{_status(200)}</x0:propstat>"]
    if missing:
        parts.append(f"<x0:propstat><x0:prop>{missing}</x0:prop>{_status(404)}</x0:propstat>")
    return f"<x0:response><x0:href>\n  {quote(path)}\n</x0:href>{''.join(parts)}</x0:response>"


def _error(named: str) -> bytes:
    return f'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{named}</d:error>'.encode()


def _status(number: int) -> str:
    return f"<x0:status>HTTP/1.1 {number} Said</x0:status>"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
