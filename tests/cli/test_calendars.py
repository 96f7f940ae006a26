"""A fresh start with a real CalDAV server: connected, read, booked by a guest, moved and deleted over there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from whenever import Instant

from tests.cli.conftest import Install, Service, line, until
from tests.integrations import servers
from tests.integrations.caldav_client import ics

WHO = "host0@acme.test"


@pytest.fixture
def calendar(tmp_path: Path) -> Iterator[httpx2.Client]:
    """Give another client of the calendar, whose paths begin in it."""
    folder = tmp_path / "radicale"
    folder.mkdir()
    with servers.radicale(folder) as server:
        url = f"{server.url}{quote(WHO)}/work/"
        with httpx2.Client(base_url=url, auth=(WHO, servers.PASSWORD), trust_env=False) as client:
            assert client.request("MKCALENDAR", url).status_code == 201
            yield client


@pytest.fixture
def service(install: Install) -> Iterator[Service]:
    with install.serving("--first-run", KALENDS_OUTGOING_NETWORKS="127.0.0.0/8", TZ="Etc/UTC") as running:
        yield running


class Host:
    """The first host, with the key of a first start."""

    def __init__(self, service: Service) -> None:
        self._api = httpx2.Client(
            base_url=f"{service.url}/v4/", headers={"Authorization": f"Bearer {line(service, 'Key')}"}, trust_env=False
        )
        self._api.headers["x-meetergo-api-user-id"] = self.get("user/me")["id"]
        self.page = line(service, "Book")
        self.type_id = next(iter(self.get("meeting-type")))["id"]
        self.connection = ""

    def get(self, path: str, **query: str) -> Any:
        answer = self._api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connect(self, **form: str) -> None:
        made = self._api.post("calendar-connections/connections", json=form)
        assert made.status_code == 201, made.text
        self.connection = f"calendar-connections/connections/{made.json()['id']}"
        until(lambda: bool(self.get(self.connection)["syncedAt"]))

    def sync(self) -> None:
        """Have the calendar read, and wait until a reading is over that began after this."""
        asked = Instant.now().round("millisecond", mode="floor")
        assert self._api.post(f"{self.connection}/sync").status_code in (200, 202)
        until(lambda: Instant.parse_iso(self.get(self.connection)["syncedAt"]) >= asked)

    def cancel_what_is_deleted(self) -> None:
        done = self._api.patch(self.connection, json={"cancelIfDeclinedOrDeleted": True})
        assert done.json()["cancelIfDeclinedOrDeleted"] is True

    def starts(self, day: str) -> list[str]:
        found = self.get("booking-availability", meetingTypeId=self.type_id, start=day, end=day, timezone="UTC")
        return [spot["startTime"][11:16] for one in found["dates"] for spot in one["spots"]]

    def book(self, start: str) -> str:
        """Book as a guest does, on the page; answers the appointment."""
        form = httpx2.get(self.page, params={"start": start}, trust_env=False).text
        nonce = re.search(r'name="nonce" value="([^"]+)"', form)
        assert nonce
        said = {"nonce": nonce[1], "start": start, "name": "Gil Moss", "email": "gil@guest.test"}
        answer = httpx2.post(self.page, data=said, trust_env=False)
        assert answer.status_code == 303, answer.text
        booked = re.search(r"/booked/([0-9a-f-]{36})/", answer.headers["location"])
        assert booked
        return booked[1]

    def appointment(self, appointment_id: str) -> tuple[str, bool]:
        found = self.get(f"appointment/{appointment_id}")
        return found["start"][11:16], found["isCancelled"]


def test_what_happens_in_the_calendar_and_on_the_page_meet(service: Service, calendar: httpx2.Client) -> None:
    """Connect, close a start, book, move there, delete there: a calendar's whole life beside a fresh install."""
    host = Host(service)
    day = _workday()
    host.connect(provider="caldav", url=str(calendar.base_url), username=WHO, password=servers.PASSWORD)
    host.cancel_what_is_deleted()
    before = host.starts(day)

    _put(calendar, "foreign.ics", ics("foreign@else", _at(day, 9), _at(day, 10)))
    host.sync()
    closed = set(before) - set(host.starts(day))
    booked = host.book(f"{day}T11:00:00Z")
    event = f"{quote(booked)}%40kalends.ics"
    until(lambda: calendar.get(event).status_code == 200)
    written = calendar.get(event).text
    _put(calendar, event, written.replace("T110000Z", "T140000Z").replace("T113000Z", "T143000Z"))
    host.sync()
    until(lambda: host.appointment(booked) == ("14:00", False))
    freed = "11:00" in host.starts(day)
    assert calendar.delete(event).status_code == 200
    host.sync()
    until(lambda: host.appointment(booked) == ("14:00", True))

    assert closed == {"09:00", "09:30"}
    assert "SUMMARY:30min Meeting with Gil Moss" in written
    assert "SCHEDULE-AGENT=CLIENT" in written.replace("\r\n ", "")
    assert freed
    assert {"11:00", "14:00"} <= set(host.starts(day))


def _put(calendar: httpx2.Client, name: str, text: str) -> None:
    answer = calendar.put(name, content=text.encode(), headers={"Content-Type": "text/calendar"})
    assert answer.status_code in (201, 204), answer.text


def _workday() -> str:
    """Name a Tuesday that can be booked."""
    day = Instant.now().to_tz("UTC").date().add(days=7)
    while day.day_of_week().name != "TUESDAY":
        day = day.add(days=1)
    return day.format_iso()


def _at(day: str, hour: int) -> Instant:
    return Instant.parse_iso(f"{day}T{hour:02}:00:00Z")
