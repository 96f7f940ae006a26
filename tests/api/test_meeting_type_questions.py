"""Questions of a meeting type over HTTP."""

from typing import Any

import pytest
from httpx2 import Response

from tests.api.conftest import Api
from tests.api.test_meeting_types import INFO, made

pytestmark = pytest.mark.usefixtures("still")

KINDS = [
    "text-single", "text-multi", "email", "phone", "number", "select", "radio", "checkbox-single", "checkbox-multi",
    "slide", "url", "file", "date", "date-of-birth", "time", "yes-no", "rating", "scale", "signature", "currency",
    "location", "contact",
]  # fmt: skip
EMPTY = {
    "name": None, "required": False, "hidden": False, "options": [], "min": None, "max": None, "placeholder": None,
    "defaultValue": None,
}  # fmt: skip


async def test_questions_are_kept_with_every_key(api: Api) -> None:
    full = {
        "name": "size", "label": "How large?", "fieldType": "select", "required": True, "hidden": True, "min": 1,
        "max": 2.5, "placeholder": "choose", "defaultValue": "l",
        "options": [{"label": "Large", "value": "l"}, {"label": "Small"}, {"value": "xs"}],
    }  # fmt: skip
    options = [{"label": "Large", "value": "l"}, {"label": "Small", "value": "Small"}, {"label": "xs", "value": "xs"}]

    kind = await made(api, questions=[full, {"label": " Topic ", "fieldType": "text-multi", "unknown": 1}])

    topic = {**EMPTY, "label": "Topic", "fieldType": "text-multi"}
    assert kind["questions"] == [{**full, "options": options}, topic]
    assert (await api.get(f"/v4/meeting-type/{kind['id']}")).json() == kind


async def test_a_patch_replaces_all_questions_or_leaves_them(api: Api) -> None:
    kind = await made(api, questions=[{"label": "Topic", "fieldType": "text-single"}])
    path = f"/v4/meeting-type/{kind['id']}"

    answers = [
        (await api.patch(path, body)).json()["questions"]
        for body in (
            {"spots": 2},
            {"questions": None},
            {"questions": [{"label": "Age", "fieldType": "number"}]},
            {"questions": []},
        )
    ]

    age = {**EMPTY, "label": "Age", "fieldType": "number"}
    assert answers == [kind["questions"], kind["questions"], [age], []]


async def test_every_kind_of_data_field_can_be_asked(api: Api) -> None:
    asked = [{"label": kind, "fieldType": kind, "options": [{"label": "a"}]} for kind in KINDS]

    kind = await made(api, questions=asked)

    assert [one["fieldType"] for one in kind["questions"]] == KINDS


def text(label: str = "Ask", **more: Any) -> dict[str, Any]:
    return {"label": label, "fieldType": "text-single", **more}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([text(fieldType="colour")], "questions.0.fieldType"),
        ([text(), text(label=" ")], "questions.1.label"),
        ([{"fieldType": "date"}], "questions.0.label"),
        ([text("a\nb")], "questions.0.label"),
        ([text(), text()], "questions"),
        ([text(name="n"), text("Other", name="n")], "questions"),
        ([text(name="Other"), text("Other")], "questions"),
        ([text(fieldType="select")], "questions.0"),
        ([text(fieldType="radio", options=[])], "questions.0"),
        ([text(fieldType="checkbox-multi")], "questions.0"),
        ([text(fieldType="select", options=[{}])], "questions.0.options.0"),
        ([text(min=3, max=2)], "questions.0"),
        ([text(min="3")], "questions.0.min"),
        ([text(max=True)], "questions.0.max"),
        ([text(max=10**16)], "questions.0.max"),
        ([text(fieldType="rating", min=6)], "questions.0"),
        ([text(fieldType="scale", max=-1)], "questions.0"),
        ([text(str(number)) for number in range(51)], "questions"),
        ("none", "questions"),
    ],
)
async def test_what_nobody_could_answer_is_refused(api: Api, asked: Any, field: str) -> None:
    answer = await api.post("/v4/meeting-type", {"meetingInfo": INFO, "questions": asked})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_a_question_may_have_its_label_as_its_name(api: Api) -> None:
    kind = await made(api, questions=[text(name="Ask")])

    assert kind["questions"] == [{**EMPTY, **text(name="Ask")}]


async def test_a_password_that_is_on_has_to_be_set(api: Api) -> None:
    body = {"meetingInfo": INFO, "meetingOptions": {"bookingPagePassword": {"enable": True, "password": ""}}}

    answer = await api.post("/v4/meeting-type", body)

    field = "meetingOptions.bookingPagePassword"
    assert (answer.status_code, answer.json()["errors"]) == (400, [{"field": field, "message": "password is needed"}])


async def test_a_booking_answers_them_and_knows_the_password(api: Api) -> None:
    kind = await made(
        api,
        questions=[text("Topic", name="topic", required=True), text("Age", fieldType="number", min=18)],
        meetingOptions={"bookingPagePassword": {"enable": True, "password": "Sesam"}},
    )

    async def book(notes: dict[str, Any], password: str | None = "Sesam") -> Response:
        attendee = {"email": "gil@guests.test", "notes": notes}
        order = {
            "meetingTypeId": kind["id"],
            "start": "2031-03-05T07:00:00Z",
            "attendee": attendee,
            "bookingPassword": password,
        }
        return await api.post("/v4/booking", order)

    locked_out = [await book({"topic": "Tax"}, password) for password in (None, "sesam")]
    unanswered = await book({"Age": 17})
    booked = await book({"Topic": "Tax", "Age": "18", "utm_source": "mail"})

    assert [(one.status_code, one.json()["errorCode"]) for one in locked_out] == [(400, "booking-password-wrong")] * 2
    assert (unanswered.status_code, unanswered.json()["message"]) == (400, "Validation failed")
    assert unanswered.json()["errors"] == [
        {"field": "attendee.notes.Topic", "message": "is required"},
        {"field": "attendee.notes.Age", "message": "must be at least 18"},
    ]
    assert booked.status_code == 201, booked.text
    found = (await api.get(f"/v4/appointment/{booked.json()['appointmentId']}")).json()
    assert found["attendees"][0]["notes"] == {"Topic": "Tax", "Age": "18", "utm_source": "mail"}
