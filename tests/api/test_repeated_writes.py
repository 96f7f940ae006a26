"""Real writes that are sent again: with an Idempotency-Key, and bookings with the very same body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, Response
from whenever import Instant

from kalends.app import App
from kalends.edge.idempotency import WRITES
from tests import ordering
from tests.api.conftest import Api
from tests.ordering import START

BOOKING = "/v4/booking"


@pytest.fixture
def times(app: App) -> list[Instant]:
    """Make the clock show the last of these."""
    shown = [ordering.NOW]
    app.now = lambda: shown[-1]
    return shown


@pytest.fixture(autouse=True)
def _still(times: list[Instant]) -> None:
    """Every test here runs at NOW."""


async def _book(api: Api, key: str | None = None, **fields: Any) -> Response:
    body = {
        "meetingTypeId": str(api.company.meeting_type_id),
        "start": START.format_iso(),
        "attendee": {"email": "ana@guests.test", "fullname": "Ana Roth"},
        **fields,
    }
    return await api.call("POST", BOOKING, json=body, headers={} if key is None else {"Idempotency-Key": key})


async def _count(api: Api, table: str) -> int:
    async with api.app.reading() as conn:
        cursor = await conn.execute(f"SELECT count(*) FROM {table} WHERE company_id = %s", (api.company.company_id,))
        row = await cursor.fetchone()
    assert row
    return int(row[0])


def _replayed(answer: Response) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def _code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


async def test_a_lost_answer_is_had_again_with_the_same_key(api: Api) -> None:
    """Case A01: the same booking, one event and so one mail; with another body 422."""
    key = str(uuid4())
    first, again = await _book(api, key), await _book(api, key)
    other = await _book(api, key, notes="Something else")

    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), _replayed(first), _replayed(again)) == (first.json(), False, True)
    assert _code(other) == (422, "idempotency-mismatch")
    assert (await _count(api, "appointment"), await _count(api, "event")) == (1, 1)


async def test_a_refused_booking_can_be_sent_again_with_its_key(api: Api) -> None:
    key = str(uuid4())
    taken = (await _book(api)).json()["appointmentId"]
    refused = await _book(api, key, notes="Another guest")
    await api.post(f"/v4/appointment/{taken}/cancel")

    answer = await _book(api, key, notes="Another guest")

    assert _code(refused) == (400, "slot-occupied")
    assert (answer.status_code, _replayed(answer)) == (201, False)


async def test_a_guest_repeats_what_he_did_by_his_secret(api: Api) -> None:
    booked = (await _book(api)).json()
    path, key = f"{BOOKING}/{booked['appointmentId']}/reschedule", {"Idempotency-Key": str(uuid4())}
    body = {"secret": booked["secret"], "start": START.add(hours=1).format_iso()}

    first = await api.http.post(path, json=body, headers=key)
    again = await api.http.post(path, json=body, headers=key)
    other = await api.http.post(path, json={**body, "secret": "x" * 43}, headers=key)

    assert (first.status_code, again.json(), _replayed(again)) == (200, first.json(), True)
    assert again.headers["cache-control"] == "no-store"
    assert first.json()["appointment"]["rescheduleCount"] == 1
    assert _code(other) == (422, "idempotency-mismatch")


async def test_an_equal_booking_within_a_minute_gets_the_first_answer(api: Api, times: list[Instant]) -> None:
    first = await _book(api)
    times.append(times[-1].add(seconds=59))

    again = await _book(api)

    assert (again.status_code, again.json(), _replayed(again)) == (201, first.json(), True)
    assert await _count(api, "appointment") == 1


async def test_an_equal_booking_after_a_minute_is_another_one(api: Api, times: list[Instant]) -> None:
    await _book(api)
    times.append(times[-1].add(seconds=60))

    assert _code(await _book(api)) == (400, "slot-occupied")


async def test_what_was_cancelled_is_booked_anew(api: Api) -> None:
    first = await _book(api)
    await api.post(f"/v4/appointment/{first.json()['appointmentId']}/cancel")

    anew, again = await _book(api), await _book(api)

    assert (anew.status_code, _replayed(anew)) == (201, False)
    assert anew.json()["appointmentId"] != first.json()["appointmentId"]
    assert (again.json(), _replayed(again)) == (anew.json(), True)


async def test_who_left_a_group_joins_it_anew(api: Api) -> None:
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    assert (await api.patch(kind, {"spots": 3})).status_code == 200
    await _book(api, attendee={"email": "lee@guests.test"})
    first = (await _book(api)).json()
    own = f"{BOOKING}/{first['appointmentId']}/cancel"
    assert (await api.http.post(own, json={"secret": first["secret"]})).status_code == 200

    anew = await _book(api)

    assert (anew.status_code, _replayed(anew)) == (201, False)
    assert anew.json()["appointmentId"] == first["appointmentId"]
    assert anew.json()["secret"] != first["secret"]


async def test_what_was_moved_is_booked_anew(api: Api, times: list[Instant]) -> None:
    """The first answer would say that somebody comes at a time at which nothing stands any more."""
    first = await _book(api)
    times.append(times[-1].add(seconds=1))
    path = f"/v4/appointment/{first.json()['appointmentId']}"
    assert (await api.post(f"{path}/reschedule", {"start": START.add(hours=1).format_iso()})).status_code == 200

    anew, again = await _book(api), await _book(api)

    assert (anew.status_code, _replayed(anew)) == (201, False)
    assert anew.json()["appointmentId"] != first.json()["appointmentId"]
    assert (again.json(), _replayed(again)) == (anew.json(), True)


async def test_a_seat_of_a_session_that_was_moved_before_is_repeated(api: Api, times: list[Instant]) -> None:
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    assert (await api.patch(kind, {"spots": 3})).status_code == 200
    away = START.add(hours=1).format_iso()
    session = (await _book(api, attendee={"email": "lee@guests.test"}, start=away)).json()["appointmentId"]
    moved = await api.post(f"/v4/appointment/{session}/reschedule", {"start": START.format_iso()})
    assert moved.status_code == 200, moved.text
    times.append(times[-1].add(seconds=1))

    first, again = await _book(api), await _book(api)

    assert first.json()["appointmentId"] == session
    assert (again.json(), _replayed(again)) == (first.json(), True)


async def test_a_pending_booking_is_repeated_while_it_lives(api: Api, times: list[Instant]) -> None:
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    changed = await api.patch(kind, {"meetingOptions": {"requireHostConfirmation": "enabled"}})
    assert changed.status_code == 200, changed.text
    first = await _book(api)
    again = await _book(api)
    declined = f"/v4/provisional-booking/{first.json()['provisionalBookingId']}/decline"
    assert (await api.post(declined, {"reason": "Not then."})).status_code == 200

    anew = await _book(api)

    assert (again.status_code, again.json(), _replayed(again)) == (201, first.json(), True)
    assert (anew.status_code, _replayed(anew)) == (201, False)
    assert anew.json()["provisionalBookingId"] != first.json()["provisionalBookingId"]


async def _confirmed(api: Api, booked: Response) -> str:
    """Let the host agree; answers the appointment's path."""
    answer = await api.post(f"/v4/provisional-booking/{booked.json()['provisionalBookingId']}/confirm")
    assert answer.status_code == 200, answer.text
    return f"/v4/appointment/{answer.json()['appointmentId']}"


@pytest.mark.parametrize("undone", ["moved", "left"])
async def test_a_confirmed_booking_that_stands_no_more_is_made_anew(api: Api, undone: str) -> None:
    kind = f"/v4/meeting-type/{api.company.meeting_type_id}"
    changed = await api.patch(kind, {"spots": 3, "meetingOptions": {"requireHostConfirmation": "enabled"}})
    assert changed.status_code == 200, changed.text
    first = await _book(api)
    path = await _confirmed(api, first)
    await _confirmed(api, await _book(api, attendee={"email": "lee@guests.test"}))
    again = await _book(api)
    guests = (await api.get(path)).json()["attendees"]
    [attendee] = [guest["id"] for guest in guests if guest["email"] == "ana@guests.test"]
    if undone == "moved":
        done = await api.post(f"{path}/reschedule", {"start": START.add(hours=1).format_iso()})
    else:
        done = await api.post(f"{path}/cancel", {"attendeeId": attendee})
    assert done.status_code == 200, done.text

    anew = await _book(api)

    assert (again.json(), _replayed(again)) == (first.json(), True)
    assert (anew.status_code, _replayed(anew)) == (201, False)
    assert anew.json()["provisionalBookingId"] != first.json()["provisionalBookingId"]


async def test_another_credential_or_acting_user_does_not_repeat_a_booking(api: Api) -> None:
    await _book(api)

    answers = [await _book(await api.token()), await _book(await api.member())]

    assert [_code(one) for one in answers] == [(400, "slot-occupied")] * 2


def _writes(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    document = cast(FastAPI, cast(ASGITransport, api.http._transport).app).openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method.upper() in WRITES:
                yield method.upper(), path, operation


async def test_every_write_of_the_api_heeds_its_key(api: Api) -> None:
    """Each enters its key before it looks at anything: one that nobody can use is refused, whatever is asked for."""
    answers: dict[str, object] = {}

    for method, path, operation in _writes(api):
        names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        answer = await api.call(
            method,
            path.format(**{name: 7 if name == "exceptionId" else uuid4() for name in names}),
            json=content["examples"]["usual"]["value"] if content else None,
            headers={"Idempotency-Key": "x" * 256},
        )
        answers[f"{method} {path}"] = answer.json().get("errorCode") if answer.content else answer.status_code

    assert len(answers) >= 25
    assert answers == dict.fromkeys(answers, "idempotency-key-invalid")
