"""POST /v4/booking with all that its body may say (contract 2.5): series, links, passwords, questions, who confirms."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Response

from tests import factories
from tests.api.conftest import Api
from tests.ordering import NOW, START

pytestmark = pytest.mark.usefixtures("still")

PATH = "/v4/booking"


async def _kind(api: Api, **fields: Any) -> str:
    async with api.app.transaction() as conn:
        return str((await factories.meeting_type(conn, api.company, now=NOW, **fields)).id)


async def _post(api: Api, kind: str | None = None, **fields: Any) -> Response:
    body = {
        "meetingTypeId": kind or str(api.company.meeting_type_id),
        "start": START.format_iso(),
        "attendee": {"email": "ana@guests.test", "fullname": "Ana Roth"},
        **fields,
    }
    return await api.post(PATH, {name: value for name, value in body.items() if value is not ...})


def _refused(answer: Response) -> tuple[int, str | None, list[str]]:
    found = answer.json()
    return answer.status_code, found.get("errorCode"), [one["field"] for one in found.get("errors", ())]


async def test_a_series_answers_every_start(api: Api) -> None:
    await _post(api, start="2031-03-12T09:00:00Z")
    again = {"frequency": "weekly", "interval": 1, "count": 3}

    failed = await _post(api, recurrence=again)
    skipped = await _post(api, recurrence={**again, "onConflict": "skip"})

    assert _refused(failed) == (400, "series-conflict", ["recurrence[1]"])
    assert failed.json()["conflicts"] == [{"start": "2031-03-12T09:00:00.000Z", "errorCode": "slot-occupied"}]
    first = await api.stored(skipped)
    found = skipped.json()
    assert found == {
        "appointmentId": str(first.id),
        "secret": first.attendees[0].secret,
        "series": [
            {"start": "2031-03-05T09:00:00.000Z", "appointmentId": str(first.id)},
            {"start": "2031-03-12T09:00:00.000Z", "errorCode": "slot-occupied"},
            {"start": "2031-03-19T09:00:00.000Z", "appointmentId": found["series"][2]["appointmentId"]},
        ],
    }
    cancelled = await api.post(f"/v4/appointment/{first.id}/cancel", {"cancelEntireSeries": True})
    assert cancelled.json()["seriesId"] == str(first.series_id)
    last = await api.get(f"/v4/appointment/{found['series'][2]['appointmentId']}")
    assert last.json()["isCancelled"] is True


async def test_who_joins_anothers_series_leaves_by_his_own(api: Api) -> None:
    kind = await _kind(api, spots=2)
    again = {"frequency": "weekly", "interval": 1, "count": 3}
    starts = ["2031-03-05T09:00:00Z", "2031-03-12T09:00:00Z"]
    ana, ben = [
        (await _post(api, kind, start=start, attendee={"email": f"{name}@guests.test"}, recurrence=again)).json()
        for name, start in zip(("ana", "ben"), starts, strict=True)
    ]
    path = f"/v4/appointment/{ben['appointmentId']}"
    before = (await api.get(path)).json()
    mine = await api.http.get(f"{PATH}/{ben['appointmentId']}", params={"secret": ben["secret"]})

    left = await api.post(f"{path}/cancel", {"attendeeId": before["attendeeIds"][1], "cancelEntireSeries": True})

    assert left.status_code == 200
    dates = [one["appointmentId"] for one in (*ana["series"], ben["series"][2])]
    answers = [(await api.get(f"/v4/appointment/{one}")).json() for one in dates]
    assert [one["isCancelled"] for one in answers] == [False, False, False, True]
    coming = [[each["email"] for each in one["attendees"] if not each["isCancelled"]] for one in answers[:3]]
    assert coming == [["ana@guests.test"]] * 3
    assert (before["seriesId"], mine.json()["seriesId"]) == (answers[0]["seriesId"], answers[3]["seriesId"])


@pytest.mark.parametrize(
    ("recurrence", "field"),
    [
        ({"frequency": "monthly", "count": 2}, "recurrence.frequency"),
        ({"frequency": "weekly", "count": 53}, "recurrence.count"),
        ({"frequency": "weekly", "count": 0}, "recurrence.count"),
        ({"frequency": "weekly"}, "recurrence.count"),
        ({"frequency": "weekly", "count": 2, "interval": 53}, "recurrence.interval"),
        ({"frequency": "weekly", "count": 2, "onConflict": "ask"}, "recurrence.onConflict"),
    ],
)
async def test_a_recurrence_has_its_limits(api: Api, recurrence: dict[str, Any], field: str) -> None:
    assert _refused(await _post(api, recurrence=recurrence)) == (400, None, [field])


@pytest.mark.parametrize("waits_for", ["doubleOptIn", "requireHostConfirmation"])
async def test_what_somebody_has_to_confirm_answers_so(api: Api, waits_for: str) -> None:
    kind = await _kind(api, meeting_options={waits_for: "enabled"})

    answer = await _post(api, kind)

    assert answer.status_code == 201
    found = answer.json()
    assert found == {"bookingType": waits_for, "provisionalBookingId": found["provisionalBookingId"]}
    assert UUID(found["provisionalBookingId"])
    assert _refused(await _post(api, kind, notes="Once more"))[:2] == (400, "slot-occupied")


async def test_a_host_may_overlap_and_is_told_so(api: Api) -> None:
    await _post(api)

    over = await _post(api, ignoreAvailability=True)
    alone = await _post(api, start="2031-03-05T22:00:00Z", ignoreAvailability=True)

    assert (over.status_code, over.json()["overlaps"]) == (201, True)
    assert "overlaps" not in alone.json()
    answers = [await api.get(f"/v4/appointment/{one.json()['appointmentId']}") for one in (over, alone)]
    assert [one.json()["ignoredAvailability"] for one in answers] == [True, True]


async def test_a_one_time_link_books_once(api: Api) -> None:
    kind, other = str(api.company.meeting_type_id), await _kind(api)
    link = (await api.post(f"/v4/one-time-booking-link/create/{kind}")).json()["id"]
    later = "2031-03-05T10:00:00Z"

    assert _refused(await _post(api, other, oneTimeLinkId=link))[:2] == (400, "one-time-link-mismatch")
    assert (await _post(api, oneTimeLinkId=link)).status_code == 201
    assert _refused(await _post(api, start=later, oneTimeLinkId=link))[:2] == (400, "one-time-link-used")
    assert (await _post(api, start=later, oneTimeLinkId=str(uuid4()))).status_code == 404


async def test_a_refused_booking_leaves_its_link_unused(api: Api) -> None:
    link = (await api.post(f"/v4/one-time-booking-link/create/{api.company.meeting_type_id}")).json()["id"]

    assert _refused(await _post(api, start="2031-03-05T05:00:00Z", oneTimeLinkId=link))[:2] == (400, "outside-hours")
    assert (await _post(api, oneTimeLinkId=link)).status_code == 201


async def test_a_pending_attendee_books_by_his_number(api: Api) -> None:
    form = {
        "email": "gil@guests.test",
        "firstname": "Gil",
        "lastname": "Moss",
        "timezone": "Europe/Vienna",
        "phone": "0660 1234567",
        "notes": {"Topic": "Contract", "From": "form"},
        "bringalongEmails": ["pal@guests.test"],
    }
    number = (await api.post("/v4/attendee/pending", {"attendee": form})).json()

    answer = await _post(api, attendee=..., attendeePendingId=number, notes="Ring twice", timezone=None)

    stored = await api.stored(answer)

    booker, pal = stored.attendees
    assert (booker.email, booker.full_name, booker.phone) == ("gil@guests.test", "Gil Moss", "+436601234567")
    assert booker.notes == {"Topic": "Contract", "From": "form", "notes": "Ring twice"}
    assert pal.email == "pal@guests.test"
    again = await _post(api, start="2031-03-05T10:00:00Z", attendee=..., attendeePendingId=number)
    assert _refused(again)[:2] == (404, "pending-attendee-not-found")


async def test_what_the_attendee_says_wins_over_what_he_said_before(api: Api) -> None:
    form = {"email": "gil@guests.test", "fullname": "Gil Moss", "language": "de", "notes": {"a": "1", "b": "1"}}
    number = (await api.post("/v4/attendee/pending", {"attendee": form})).json()
    said = {"email": "new@guests.test", "firstname": "Ana", "notes": {"b": "2"}}

    stored = await api.stored(await _post(api, attendee=said, attendeePendingId=number))

    booker = stored.attendees[0]
    assert (booker.email, booker.full_name, booker.language) == ("new@guests.test", "Ana", "de")
    assert booker.notes == {"a": "1", "b": "2"}


async def test_a_password_is_asked_for_with_a_credential_too(api: Api) -> None:
    kind = await _kind(api, meeting_options={"bookingPagePassword": {"enable": True, "password": "Öffne dich"}})

    for wrong in (..., "", "Sesam"):
        assert _refused(await _post(api, kind, bookingPassword=wrong))[:2] == (400, "booking-password-wrong")
    assert (await _post(api, kind, bookingPassword="Öffne dich")).status_code == 201
    assert (await _post(api, kind, ignoreAvailability=True)).status_code == 201


async def test_questions_are_answered_in_the_notes(api: Api) -> None:
    questions = [{"label": "Topic", "name": "topic", "fieldType": "text-single", "required": True}]
    kind = await _kind(api, questions=questions)

    assert _refused(await _post(api, kind)) == (400, None, ["attendee.notes.Topic"])
    answered = {"email": "ana@guests.test", "notes": {"topic": "Plan", "utm_source": "mail"}}
    stored = await api.stored(await _post(api, kind, attendee=answered))
    assert stored.attendees[0].notes == {"topic": "Plan", "utm_source": "mail"}
    assert (await _post(api, kind, ignoreAvailability=True)).status_code == 201


@pytest.mark.parametrize(
    ("phone", "zone", "kept"),
    [
        ("0171 1234567", "Europe/Berlin", "+491711234567"),
        ("0043 660 1234567", None, "+436601234567"),
        ("+1 (212) 555-0100", "Europe/Berlin", "+12125550100"),
        ("0171 1234567", None, None),
        ("12", "Europe/Berlin", None),
    ],
)
async def test_phone_numbers_are_kept_as_e164(api: Api, phone: str, zone: str | None, kept: str | None) -> None:
    answer = await _post(api, attendee={"email": "ana@guests.test", "phone": phone, "timezone": zone})

    if kept is None:
        assert _refused(answer) == (400, None, ["attendee.phone"])
    else:
        assert (await api.stored(answer)).attendees[0].phone == kept


async def test_what_is_no_phone_number_is_said_in_words(api: Api) -> None:
    answer = await _post(api, attendee={"email": "ana@guests.test", "phone": "call me"})

    assert answer.json()["errors"] == [
        {"field": "attendee.phone", "message": "must be a phone number: digits, and + before the country's code"}
    ]


async def test_guests_of_a_group_see_themselves_only(api: Api) -> None:
    """Case G05, the API's part: a guest who joined sees nobody else."""
    kind = await _kind(api, spots=3)
    for name in ("ana", "ben"):
        answer = await _post(api, kind, attendee={"email": f"{name}@guests.test", "fullname": name})
    found = answer.json()

    shown = await api.http.get(f"{PATH}/{found['appointmentId']}", params={"secret": found["secret"]})

    assert [one["email"] for one in shown.json()["attendees"]] == ["ben@guests.test"]
    assert shown.json()["secret"] == found["secret"]
    assert "ana" not in shown.text
    left = await api.http.post(f"{PATH}/{found['appointmentId']}/cancel", json={"secret": found["secret"]})
    assert left.json()["isCancelled"] is False
    stored = await api.get(f"/v4/appointment/{found['appointmentId']}")
    assert [one["isCancelled"] for one in stored.json()["attendees"]] == [False, True]


def _living(name: str) -> dict[str, Any]:
    return {"email": f"{name}@guests.test", "notes": {"address": f"{name}'s flat"}}


async def test_what_a_guest_of_a_group_writes_is_no_other_guests_to_read(api: Api) -> None:
    """Case G05: neither his address, nor the words for his calendar, nor why he cancelled."""
    kind = await _kind(api, spots=3, meeting_info={"channel": "local-attendee"})
    ana, ben = [
        (await _post(api, kind, attendee=_living(name), icsTitle=f"About {name}")).json() for name in ("ana", "ben")
    ]

    async def shown(one: dict[str, str]) -> dict[str, Any]:
        answer = await api.http.get(f"{PATH}/{one['appointmentId']}", params={"secret": one["secret"]})
        return dict(answer.json())

    seen = [await shown(one) for one in (ana, ben)]
    for one in (ana, ben):
        body = {"secret": one["secret"], "reason": f"why {one['secret']} goes"}
        await api.http.post(f"{PATH}/{one['appointmentId']}/cancel", json=body)
    first, last = await shown(ana), await shown(ben)

    assert [(one["location"], one["icsTitle"]) for one in seen] == [("ana's flat", "About ana"), ("ben's flat", None)]
    assert ["About ana" in one["ics"] for one in seen] == [True, False]
    assert first["isCancelled"]
    assert (first["cancel"]["actionBy"], first["cancel"]["reason"]) == (None, None)
    assert last["cancel"]["reason"] == f"why {ben['secret']} goes"


async def test_a_group_is_shown_with_its_seats_until_they_are_taken(api: Api) -> None:
    kind = await _kind(api, spots=2)
    first = await api.stored(await _post(api, kind))

    async def spot() -> dict[str, Any] | None:
        days = await api.get("/v4/booking-availability", meetingTypeId=kind, start="2031-03-05", end="2031-03-05")
        spots = days.json()["dates"][0]["spots"]
        return next((one for one in spots if one["startTime"] == "2031-03-05T09:00:00.000Z"), None)

    seats = await spot()
    joined = await _post(api, kind, attendee={"email": "ben@guests.test"})

    assert seats is not None
    assert seats["appointment"] == {"id": str(first.id), "totalSpots": 2, "takenSpots": 1}
    assert joined.json()["appointmentId"] == str(first.id)
    assert await spot() is None


async def test_a_queue_is_named_with_its_choice(api: Api) -> None:
    member = await api.member()
    queue = await api.patch(f"/v4/queue/meeting-type/{api.company.meeting_type_id}", {"userId": str(member.user_id)})
    queue_id = queue.json()["id"]

    answer = await _post(api, queueId=queue_id)

    found = (await api.get(f"/v4/appointment/{answer.json()['appointmentId']}")).json()
    assert found["hostIds"] == [str(member.user_id)]
    assert (found["queueId"], found["queueBookingInfo"]) == (
        queue_id,
        {"userIds": [str(member.user_id)], "selectionReason": "only-one", "groupId": None},
    )
    shown = await api.http.get(f"{PATH}/{answer.json()['appointmentId']}", params={"secret": answer.json()["secret"]})
    assert (shown.json()["queueId"], shown.json()["queueBookingInfo"]) == (None, None)


async def test_what_nobody_here_knows_is_dropped(api: Api) -> None:
    extra = {
        "routingFormId": str(uuid4()), "appointmentId": str(uuid4()), "paymentId": "p", "paymentProvider": "none",
        "couponCode": "X", "waitlistToken": "w", "rwgToken": "r", "rwgMerchantId": "m", "source": "web",
    }  # fmt: skip

    assert (await _post(api, **extra)).status_code == 201
