"""Lists of starts and of appointments are the same by the express lane and by the framework, whatever is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from kalends.api.v4 import express, routers
from kalends.app import App
from kalends.edge import web
from kalends.storage.buckets import RateLimit
from tests.api.conftest import Api, CompanyMaker

pytestmark = pytest.mark.usefixtures("still")

# What differs from one request to the next.
COUNTED = (b"x-request-id", b"ratelimit", b"x-ratelimit-remaining", b"x-ratelimit-reset")

# {type}, {host}, ... stand for ids that the test fills in.
STARTS_PLAIN = {
    "meetingTypeId": ["{type}"],
    "start": ["2031-03-05", "2031-03-05T08:00:00Z", "2031-03-05T09:00:00+01:00", "2031-03-05T08:00"],
    "end": ["2031-03-05", "2031-03-06", "2031-03-06T00:00:00.000Z", "2031-03-04"],
}
STARTS_FURTHER = {
    "timezone": ["Europe/Vienna", "America/New_York", "Asia/Katmandu", "", " "],
    "hostIds": ["{host}", "{host},{member}", " {member} , {host}", "", ",", "{foreign}", "{host},x"],
    "queueId": ["", "{nobody}", "x"],
    "calculationMethod": ["anyone", "everyone", "", "Anyone"],
    "requiredHosts": ["1", "2", "0", "1001", "1.0", " 1 ", "+1", "1_0", ""],
    "meetingDuration": ["30", "45", "030", "-30", "30.0", "x"],
    "channel": ["webex", "connect", "phone", ""],
    "existingAppointmentId": ["{nobody}", ""],
    "resourceChannelIds": ["", "{nobody}"],
    "holdId": ["{nobody}", "x"],
    "hideGroupAppointments": ["true", "no", "2"],
    "troubleshoot": ["true", "off", "1", ""],
    "refreshCache": ["t", "f"],
    "skipEarliestBookingCalculation": ["TRUE", "yes"],
    "from": ["2031-03-05", ""],
    "to": ["x"],
    "utm_source": ["mail"],
    "hostids": ["{host}"],
    "": [""],
}
PAGE_PLAIN = {"page": ["0", "1", "00", "-1"], "pageSize": ["1", "20", "100", "0", "101"]}
PAGE_FURTHER = {
    "start": ["2031-03-05", "2031-03-05T08:00:00Z", ""],
    "end": ["2031-03-06", "2031-03-05T09:00:00+01:00", ""],
    "search": ["Ada", "", "a" * 251],
    "status": ["upcoming", "past", "cancelled", "Past", ""],
    "meetingTypeId": ["{type}", "{foreigntype}", "{nobody}", "x", ""],
    "userId": ["{host}", "{member}", "{foreign}", ""],
    "sortBy": ["appointment.start", "appointment.createdAt", "start", ""],
    "sortDirection": ["ASC", "DESC", "asc", ""],
    "utm_source": ["mail"],
}
ASKED = {
    "/v4/booking-availability": (STARTS_PLAIN, STARTS_FURTHER),
    "/v4/appointment/paginated": (PAGE_PLAIN, PAGE_FURTHER),
}
ODD = [
    "x", "null", "{foreigntype}", "{nobody}", "{{type}}", "2031-02-30", "0001-01-01", "5000-12-31", "9999-12-31",
    "2031-03-05T24:00", "2031-03-05 08:00:00", " 2031-03-05 ", "2031-03-05T08:00:00 01:00", "2032-12-31", "Factory",
    "\0", "\n", "ä", "\ud800", "\N{ARABIC-INDIC DIGIT THREE}",
]  # fmt: skip
HEADERS = [
    {"authorization": "{key}"}, {"authorization": "Bearer x"}, {"authorization": ""}, {"authorization": "Basic {key}"},
    {"x-meetergo-api-user-id": "{member}"}, {"x-meetergo-api-user-id": "{foreign}"}, {"x-meetergo-api-user-id": "x"},
    {"if-none-match": "*"}, {"if-none-match": '"x"'}, {"accept": "application/problem+json"}, {"content-length": "x"},
]  # fmt: skip


class Asked(NamedTuple):
    """One request; in pairs and headers stand names of ids instead of ids."""

    path: str
    pairs: list[tuple[str, str]]
    by: str
    method: str
    headers: dict[str, str]


def _pairs(names: Mapping[str, list[str]]) -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from(sorted(names)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(names[name])))


@st.composite
def _asked(draw: st.DrawFn) -> Asked:
    """Ask plainly, then change one thing or none."""
    path = draw(st.sampled_from(sorted(ASKED)))
    plain, further = ASKED[path]
    pairs = [(name, draw(st.sampled_from(values))) for name, values in plain.items()]
    pairs += draw(st.lists(_pairs(further), max_size=2))
    changed = draw(st.sampled_from(["nothing", "nothing", "left out", "odd", "twice"]))
    if changed != "nothing":
        name, value = pairs.pop(draw(st.integers(0, len(pairs) - 1)))
        other = draw(st.sampled_from(ODD + (plain | further)[name]) | st.text(max_size=8))
        pairs += {"left out": [], "odd": [(name, other)], "twice": [(name, value), (name, other)]}[changed]
    return Asked(
        path,
        pairs,
        draw(st.sampled_from(["quote", "plus", "all", "raw"])),
        draw(st.sampled_from(["GET", "GET", "GET", "HEAD"])),
        draw(st.sampled_from([{}] * 8 + HEADERS)),
    )


def _query(asked: Asked, ids: Mapping[str, str]) -> bytes:
    def written(text: str) -> bytes:
        for name, one in ids.items():
            text = text.replace(f"{{{name}}}", one)
        octets = text.encode("utf-8", "surrogatepass")  # a lone surrogate is not UTF-8
        match asked.by:
            case "quote":
                return quote(octets).encode()
            case "plus":
                return quote_plus(octets).encode()
            case "all":
                return b"".join(b"%%%02x" % octet for octet in octets)
        return octets

    return b"&".join(written(name) + b"=" + written(value) for name, value in asked.pairs)


async def _answer(served: FastAPI, asked: Asked, ids: Mapping[str, str]) -> tuple[Any, ...]:
    sent: list[Message] = []
    headers = {"host": "kalends.test", "authorization": f"Bearer {ids['key']}"}
    if asked.path.endswith("paginated"):
        headers["x-meetergo-api-user-id"] = "{host}"
    headers |= asked.headers
    for name, one in ids.items():
        headers = {header: value.replace(f"{{{name}}}", one) for header, value in headers.items()}
    scope = {
        "type": "http",
        "method": asked.method,
        "path": asked.path,
        "raw_path": asked.path.encode(),
        "query_string": _query(asked, ids),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
    }

    async def receive() -> Message:
        raise AssertionError("nobody reads a body")

    async def send(message: Message) -> None:
        sent.append(message)

    await served(scope, receive, send)
    start, *rest = sent
    own = dict(start["headers"])[b"x-request-id"]
    told = [(name, b"" if name in COUNTED else value) for name, value in start["headers"]]
    return start["status"], told, b"".join(one["body"] for one in rest).replace(own, b"")


@pytest.fixture
async def ids(api: Api, another_company: CompanyMaker) -> dict[str, str]:
    """Name the ids of two companies."""
    foreign = (await another_company()).company
    return {
        "key": api.secret,
        "type": str(api.company.meeting_type_id),
        "host": str(api.company.user_id),
        "member": str((await api.member()).user_id),
        "foreigntype": str(foreign.meeting_type_id),
        "foreign": str(foreign.user_id),
        "nobody": str(uuid4()),
    }


@pytest.fixture
def both(app: App) -> tuple[FastAPI, FastAPI]:
    """Serve the API with the lane, and without."""
    limits = RateLimit(6000, 10**6)
    return (
        web.create(app, routers=routers, limits=limits, express=express),
        web.create(app, routers=routers, limits=limits),
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=_asked())
async def test_the_lane_answers_as_the_framework_does(
    both: tuple[FastAPI, FastAPI], ids: dict[str, str], asked: Asked
) -> None:
    lane, framework = [await _answer(served, asked, ids) for served in both]

    assert lane == framework
    event(f"{asked.path} {lane[0]}")
