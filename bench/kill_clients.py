"""Clients of bench/kill.py: they book, hold, confirm, move and cancel, and write down what they were told.

Every write carries an Idempotency-Key. One whose answer was lost is sent again, as it was, once the server is back.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

FIRST_DAY, DAYS = 2, 50  # starts are asked for within these from today
Body = dict[str, Any]


@dataclass
class Request:
    """One write, with what to note once it is answered with success."""

    kind: str
    method: str
    path: str
    body: Body | None
    note: Callable[[Body], None]
    user: str = ""
    key: str = field(default_factory=lambda: str(uuid4()))


@dataclass
class Told:
    """What all clients were told, and what they saw besides."""

    starts: dict[str, str | None] = field(default_factory=dict)  # of appointments; None: cancelled
    secrets: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)  # provisional bookings by their status
    holds: set[str] = field(default_factory=set)
    lost: list[Request] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


class Client:
    """One connection; runs until told to stop, or until the server is gone."""

    def __init__(self, port: int, key: str, hosts: list[dict[str, str]], told: Told, name: str) -> None:
        self.port, self.key, self.hosts, self.told = port, key, hosts, told
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.chance, self.name = random.Random(name), name
        self.gone = False
        self.number = 0

    def run(self, stop: threading.Event) -> None:
        """Do one thing after the other."""
        while not stop.is_set() and not self.gone:
            host = self.chance.choice(self.hosts)
            starts = self.free(host)
            if starts and not self.gone:
                self.live_through(host, starts)

    def live_through(self, host: dict[str, str], starts: list[str]) -> None:
        """Book one start, maybe through a hold, and let the booking live some more of its life."""
        start, other = self.chance.choice(starts), self.chance.choice(starts)
        hold = self.hold(host, start) if self.chance.random() < 0.4 else None
        if hold and self.chance.random() < 0.3:
            self.write("release", "DELETE", f"/v4/booking-hold/{hold}", None, lambda _: self.told.holds.discard(hold))
            return
        booked = self.book(host, start, hold)
        if not booked:
            return
        if waiting := booked.get("provisionalBookingId"):
            self.decide(host, waiting)
        elif self.chance.random() < 0.4:
            self.move(booked, other)
        if self.chance.random() < 0.5 and "appointmentId" in booked:
            self.cancel(booked)

    def hold(self, host: dict[str, str], start: str) -> str | None:
        body = {"meetingTypeId": host["meetingTypeId"], "start": start}
        found = self.write("hold", "POST", "/v4/booking-hold", body, lambda held: self.told.holds.add(held["holdId"]))
        return str(found["holdId"]) if found else None

    def book(self, host: dict[str, str], start: str, hold: str | None) -> Body | None:
        self.number += 1
        guest = {"email": f"{self.name}-{self.number}@kill.test", "fullname": "Gil Moss", "timezone": "UTC"}
        body: Body = {"meetingTypeId": host["meetingTypeId"], "start": start, "attendee": guest}

        def note(booked: Body) -> None:
            if hold:
                self.told.holds.discard(hold)
            if "appointmentId" in booked:
                self.told.starts[booked["appointmentId"]] = start
                self.told.secrets[booked["appointmentId"]] = booked["secret"]
            else:
                self.told.pending[booked["provisionalBookingId"]] = "pending"

        return self.write("book", "POST", "/v4/booking", body | ({"holdId": hold} if hold else {}), note)

    def decide(self, host: dict[str, str], waiting: str) -> None:
        what = self.chance.choice(["confirm", "decline"])
        status = {"confirm": "confirmed", "decline": "declined_by_host"}[what]

        def note(_: Body) -> None:
            self.told.pending[waiting] = status

        self.write(what, "POST", f"/v4/provisional-booking/{waiting}/{what}", {}, note, user=host["userId"])

    def move(self, booked: Body, start: str) -> None:
        appointment = booked["appointmentId"]

        def note(moved: Body) -> None:
            self.told.starts[appointment] = moved["start"]

        body = {"secret": booked["secret"], "start": start}
        self.write("move", "POST", f"/v4/booking/{appointment}/reschedule", body, note)

    def cancel(self, booked: Body) -> None:
        appointment = booked["appointmentId"]

        def note(_: Body) -> None:
            self.told.starts[appointment] = None

        self.write("cancel", "POST", f"/v4/booking/{appointment}/cancel", {"secret": booked["secret"]}, note)

    def free(self, host: dict[str, str]) -> list[str]:
        """List some starts of one week."""
        first = datetime.now(UTC).date() + timedelta(days=self.chance.randrange(FIRST_DAY, FIRST_DAY + DAYS))
        path = f"/v4/booking-availability?meetingTypeId={host['meetingTypeId']}&start={first}"
        try:
            status, body = self.send("GET", f"{path}&end={first + timedelta(days=6)}", None, {})
        except (OSError, http.client.HTTPException):
            self.gone = True
            return []
        if status != 200:
            return []
        starts = [spot["startTime"] for day in body["dates"] for spot in day["spots"]]
        return self.chance.sample(starts, min(3, len(starts)))

    def write(
        self, kind: str, method: str, path: str, body: Body | None, note: Callable[[Body], None], *, user: str = ""
    ) -> Body | None:
        """Send one write; None: it was refused, its answer was lost, or the server was gone before."""
        return None if self.gone else self.carry_out(Request(kind, method, path, body, note, user))

    def carry_out(self, request: Request) -> Body | None:
        """Send a request, for the first time or again, and note what became of it."""
        headers = {"Idempotency-Key": request.key}
        if request.user:
            headers["x-meetergo-api-user-id"] = request.user
        try:
            status, body = self.send(request.method, request.path, request.body, headers)
        except (OSError, http.client.HTTPException):
            self.gone = True
            self.told.lost.append(request)
            return None
        if status < 300:
            self.told.answers[request.kind] += 1
            request.note(body)
            return body
        code = body.get("errorCode", "")
        if code == "outcome-unknown":
            self.told.lost.append(request)
        elif status >= 500 and status != 503:
            self.told.bad.append(f"{request.kind} {status} {body}")
        else:
            self.told.answers[f"refused {status} {code}"] += 1
        return None

    def send(self, method: str, path: str, body: Body | None, headers: dict[str, str]) -> tuple[int, Body]:
        """Send one request.

        Raises:
            OSError, HTTPException: there is no answer, or not all of it.
        """
        common = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, common | headers)
        response = self.connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text else {}
