"""Texts of the invitation, from the meeting type to what the mails read."""

from typing import Any

from tests.api.conftest import Api

INFO = {"name": "Talk", "description": "", "duration": 30, "channel": "phone"}


async def test_the_types_texts_reach_the_snapshot_by_part_and_language(api: Api) -> None:
    ics = {"title": "Talk with {!M.Guest.Fullname}", "description": {"de": "Hallo", "en": "Hello"}}
    kind = (await api.post("/v4/meeting-type", {"meetingInfo": INFO, "ics": ics})).json()["id"]
    today = api.app.now().to_tz("UTC").date()
    window = {"start": today.add(days=1).format_iso(), "end": today.add(days=7).format_iso()}
    dates: list[Any] = (await api.get("/v4/booking-availability", meetingTypeId=kind, **window)).json()["dates"]

    answer = await api.post(
        "/v4/booking",
        {
            "meetingTypeId": kind,
            "start": dates[0]["spots"][0]["startTime"],
            "attendee": {"email": "guest@acme.test", "receiveReminders": True, "notes": {}},
        },
    )

    assert answer.status_code == 201, answer.text
    async with api.app.reading() as conn:
        cur = await conn.execute(
            "SELECT after -> 'ics' FROM event WHERE appointment_id = %s", (answer.json()["appointmentId"],)
        )
        assert await cur.fetchone() == (
            {"title": {"en": "Talk with {!M.Guest.Fullname}"}, "description": {"de": "Hallo", "en": "Hello"}},
        )
