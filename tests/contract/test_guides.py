"""The vendor's guides as call sequences (contract section 4), sent as the public clients send them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from .conftest import Installation

NEXT_WEEK = datetime.now(UTC).date() + timedelta(days=7)
UNKNOWN = "00000000-0000-7000-8000-000000000000"


def new_user(installation: Installation, email: str, **more: Any) -> dict[str, Any]:
    body = {"email": email, "givenName": "Ana", "familyName": "Roth", "timezone": "Europe/Vienna"} | more
    answer = installation.key().post("/v4/user", json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def slots(client: httpx2.Client, **query: Any) -> list[str]:
    window = {"start": str(NEXT_WEEK), "end": str(NEXT_WEEK + timedelta(days=6))}
    answer = client.get("/v4/booking-availability", params=window | query)
    assert answer.status_code == 200, answer.text
    return [spot["startTime"] for day in answer.json()["dates"] for spot in day["spots"]]


def test_quickstart_a_created_user_can_be_booked_at_once(installation: Installation) -> None:
    user = new_user(installation, "quick@klinik.test")

    assert set(user) == {"userId", "availabilityId", "meetingTypeId", "bookingUrl", "companyId"}
    assert user["bookingUrl"].startswith(installation.url)
    assert len(slots(installation.key(), meetingTypeId=user["meetingTypeId"])) == 5 * 18  # 08:00–17:00, 30 minutes
    assert httpx2.get(user["bookingUrl"]).status_code == 200


def test_white_label_the_older_schedule_shape_and_a_named_meeting_type(installation: Installation) -> None:
    user = new_user(
        installation,
        "member@platform.test",
        availability={
            "name": "Practice",
            "timezone": "Europe/Vienna",
            "schedule": [{"dayOfWeek": "monday", "intervals": [{"from": "09:00", "to": "11:00"}]}],
        },
        meetingType={"name": "Consultation", "duration": 60, "slug": "member-consultation", "channel": "zoom"},
    )

    found = slots(installation.key(), meetingTypeId=user["meetingTypeId"], timezone="Europe/Vienna")
    schedule = installation.key(user["userId"]).get(f"/v4/availability/{user['availabilityId']}").json()["schedule"]

    assert [start[11:16] for start in found] == ["09:00", "10:00"]
    assert schedule["monday"] == {"enabled": True, "hours": [{"start": "09:00", "end": "11:00"}]}
    assert schedule["tuesday"] == {"enabled": False, "hours": []}
    assert user["bookingUrl"].endswith("/member-consultation")


def test_minimal_integrator_type_then_slots_then_booking(installation: Installation) -> None:
    user = new_user(installation, "embed@brewery.test")
    api = installation.key(user["userId"])
    kind = api.get(f"/v4/meeting-type/{user['meetingTypeId']}").json()
    start = slots(api, meetingTypeId=kind["id"], hostIds=kind["userId"], timezone="Europe/Paris")[3]

    order = {
        "meetingTypeId": kind["id"],
        "start": start,
        "hostIds": [kind["userId"]],
        "sourceChannel": "website",
        "attendee": {"email": "guest@web.test", "fullname": "Gil Guest", "receiveReminders": True, "notes": {}},
    }
    booked = api.post("/v4/booking", json=order)
    again = api.post("/v4/booking", json={**order, "notes": "Somebody else's"})

    assert booked.status_code == 201
    assert set(booked.json()) == {"appointmentId", "secret"}
    assert again.status_code == 400
    told = again.json()
    assert (told["statusCode"], told["error"], told["errorCode"], told["message"]) == (
        400,
        "Bad Request",
        "slot-occupied",
        "slot-occupied",
    )
    assert start not in slots(api, meetingTypeId=kind["id"], refreshCache="true", timezone="Europe/Paris")


def test_community_client_books_without_host_scope_and_with_top_level_zone_and_notes(
    installation: Installation,
) -> None:
    user = new_user(installation, "community@acme.test")
    api = installation.key(user["userId"])
    start = slots(api, meetingTypeId=user["meetingTypeId"])[0]

    booked = api.post(
        "/v4/booking",
        json={
            "meetingTypeId": user["meetingTypeId"],
            "start": start,
            "attendee": {"email": "lee@web.test", "firstname": "Lee", "lastname": "Moss"},
            "timezone": "America/New_York",
            "notes": "by the door",
        },
    )
    appointment = api.get(f"/v4/appointment/{booked.json()['appointmentId']}").json()

    assert booked.status_code == 201
    assert appointment["attendees"][0]["timezone"] == "America/New_York"
    assert "by the door" in str(appointment["attendees"][0]["notes"])


def test_agent_loop_list_move_note_and_cancel(installation: Installation) -> None:
    with installation.client() as me:
        account = me.get("/v4/user/me").json()
        kind = me.get("/v4/meeting-type").json()[0]
        free = slots(me, meetingTypeId=kind["id"], hostIds=account["id"])
        booked = me.post(
            "/v4/booking",
            json={
                "meetingTypeId": kind["id"],
                "start": free[0],
                "hostIds": [account["id"]],
                "attendee": {"email": "agent@web.test", "fullname": "Ag Ent", "receiveReminders": False, "notes": {}},
            },
        ).json()
        one = f"/v4/appointment/{booked['appointmentId']}"

        page = me.get("/v4/appointment/paginated", params={"page": 0, "pageSize": 10, "status": "upcoming"}).json()
        moved = me.post(f"{one}/reschedule", json={"start": free[5]})
        noted = me.patch(f"{one}/notes", json={"note": "bring the plan"})
        written = me.patch(f"{one}/transcription", json={"transcription": "# Notes", "summary": None})
        guest = me.patch(
            f"{one}/guest", json={"attendeeId": noted.json()["attendees"][0]["id"], "email": "two@web.test"}
        )
        cancelled = me.post(f"{one}/cancel", json={"reason": "ill"})
        again = me.post(f"{one}/cancel", json={})
        late = me.post(f"{one}/reschedule", json={"start": free[6]})
        current = me.get("/v4/appointment/current")

        assert account["firstName"] == "Ada"
        assert booked["appointmentId"] in [a["id"] for a in page["appointments"]]
        assert set(page) >= {"appointments", "total"}
        assert moved.status_code == 200
        assert set(moved.json()) >= {"appointment", "previousStart", "start"}
        assert instant(moved.json()["appointment"]["start"]) == instant(free[5])
        assert moved.json()["appointment"]["rescheduleCount"] == 1
        assert noted.json()["note"] == "bring the plan"
        assert (written.json()["transcription"], written.json()["summary"]) == ("# Notes", None)
        assert guest.status_code == 200
        assert cancelled.json()["isCancelled"] is True
        assert cancelled.json()["cancel"]["reason"] == "ill"
        assert (again.status_code, again.json()["cancel"]) == (200, cancelled.json()["cancel"])
        assert (late.status_code, late.json()["errorCode"]) == (400, "already-cancelled")
        assert (current.status_code, current.json()) == (200, None)
        assert isinstance(me.get("/v4/appointment/today").json(), list)
        assert free[0] in slots(me, meetingTypeId=kind["id"], hostIds=account["id"])


def test_guest_moves_and_cancels_with_the_secret_alone(installation: Installation) -> None:
    user = new_user(installation, "secret@acme.test")
    api = installation.key(user["userId"])
    free = slots(api, meetingTypeId=user["meetingTypeId"])
    booked = api.post(
        "/v4/booking",
        json={"meetingTypeId": user["meetingTypeId"], "start": free[0], "attendee": {"email": "g@web.test"}},
    ).json()
    path, secret = f"/v4/booking/{booked['appointmentId']}", booked["secret"]
    with httpx2.Client(base_url=installation.url) as guest:
        seen = guest.get(path, params={"secret": secret})
        wrong = guest.get(path, params={"secret": "x" * 43})
        moved = guest.post(f"{path}/reschedule", json={"secret": secret, "start": free[1]})
        gone = guest.post(f"{path}/cancel", json={"secret": secret, "reason": "no time"})

    assert (seen.status_code, wrong.status_code, moved.status_code, gone.status_code) == (200, 404, 200, 200)
    assert gone.json()["isCancelled"] is True


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"from": "2031-01-01", "to": "2031-01-02"}, 400, ("start", "end")),
        ({"start": "2031-01-01"}, 400, ("end",)),
        ({"start": "2031-01-01", "end": "2033-01-01"}, 400, ("366",)),
        ({"start": "2031-01-01", "end": "2031-01-02", "timezone": "Mars/Base"}, 400, ("timezone",)),
        ({"start": "2031-01-01", "end": "2031-01-02", "hostIds": UNKNOWN}, 404, ()),
        ({"start": "2031-01-01", "end": "2031-01-02", "queueId": UNKNOWN}, 404, ()),
        ({"start": "2031-01-01", "end": "2031-01-02", "meetingTypeId": UNKNOWN}, 404, ()),
    ],
)
def test_a_bad_window_is_refused_with_the_name_of_what_is_wrong(
    installation: Installation, query: dict[str, str], status: int, words: tuple[str, ...]
) -> None:
    params = {"meetingTypeId": installation.first["meetingTypeId"]} | query

    answer = installation.client().get("/v4/booking-availability", params=params)

    assert answer.status_code == status, answer.text
    assert all(word in answer.text for word in words)


def test_host_lists_are_read_repeated_and_joined_and_empty_values_are_absent(installation: Installation) -> None:
    first, second = (new_user(installation, f"host{n}@team.test") for n in (1, 2))
    api = installation.key(first["userId"])
    both = [first["userId"], second["userId"]]
    wanted = {"meetingTypeId": first["meetingTypeId"], "calculationMethod": "everyone"}

    repeated = slots(api, hostIds=both, **wanted)
    joined = slots(api, hostIds=",".join(both), **wanted)
    alone = slots(api, hostIds="", queueId="", channel="", **wanted)

    assert repeated == joined == alone != []


def test_unknown_routes_answer_json_404_under_the_api_mounts(installation: Installation) -> None:
    for path in ("/v4/appointment", "/v4/calendar-connections", "/v4/nothing/here", "/crm/deals", "/webhooks/x/y"):
        answer = installation.client().get(path)

        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json"), path
        assert answer.json()["statusCode"] == 404


@pytest.mark.parametrize("bad", ["abc", "%00", "1", "01890a5d-ac96-774b-bcce-b302099a805"])
def test_a_malformed_id_is_404(installation: Installation, bad: str) -> None:
    for noun in ("meeting-type", "appointment", "user", "availability"):
        assert installation.client().get(f"/v4/{noun}/{bad}").status_code == 404, (noun, bad)


def test_the_user_header_is_checked(installation: Installation) -> None:
    mine = installation.first["userId"]

    assert installation.client(**{"x-meetergo-api-user-id": mine}).get("/v4/meeting-type").status_code == 200
    assert installation.client(**{"x-meetergo-api-user-id": UNKNOWN}).get("/v4/meeting-type").status_code == 403
    assert installation.key(UNKNOWN).get("/v4/meeting-type").status_code == 403
    missing = installation.key().get("/v4/meeting-type")
    assert (missing.status_code, missing.json()["message"]) == (
        400,
        "Missing required header 'x-meetergo-api-user-id' for API key authentication",
    )
    for path in ("/v4/user", "/v4/user/me", f"/v4/user/{mine}"):
        assert installation.key().get(path).status_code == 200, path


def test_wrong_credentials_are_told_apart(installation: Installation) -> None:
    def answer(header: dict[str, str]) -> tuple[int, str]:
        got = httpx2.get(f"{installation.url}/v4/user/me", headers=header)
        return got.status_code, got.json()["message"]

    assert answer({}) == (401, "Missing authorization header")
    assert answer({"Authorization": "Bearer ak_live:x:y"}) == (401, "Invalid API key")
    assert answer({"Authorization": "Bearer rgo-" + "x" * 32}) == (401, "Unauthorized")
    assert answer({"Authorization": "Basic abc"})[0] == 401


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
