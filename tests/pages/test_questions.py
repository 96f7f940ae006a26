"""A meeting type's own questions: the fields they are, what is wrong with answers, what becomes of them."""

import re
from typing import Any

import pytest

from kalends import languages
from kalends.pages import questions

from .conftest import Site
from .sending import START, change_columns, form_of

WORDS = languages.translator("en")
COLOURS = [{"label": "Red", "value": "r"}, {"label": "Green", "value": "g"}]
ALL: list[dict[str, Any]] = [
    {"name": "company", "label": "Company", "fieldType": "text-single", "required": True},
    {"label": "Project", "fieldType": "text-multi"},
    {"label": "Work mail", "fieldType": "email"},
    {"label": "Second phone", "fieldType": "phone"},
    {"label": "Team size", "fieldType": "number", "required": True, "min": 1, "max": 500},
    {"label": "Website", "fieldType": "url"},
    {"label": "Industry", "fieldType": "select", "required": True, "options": COLOURS},
    {"label": "Source", "fieldType": "radio", "options": COLOURS},
    {"label": "Interests", "fieldType": "checkbox-multi", "required": True, "options": COLOURS},
    {"label": "I agree", "fieldType": "checkbox-single", "required": True},
    {"label": "Deadline", "fieldType": "date"},
    {"label": "Best time", "fieldType": "time"},
    {"label": "First visit", "fieldType": "yes-no"},
    {"label": "Stars", "fieldType": "rating"},
    {"name": "campaign", "label": "Campaign", "fieldType": "text-single", "hidden": True},
]
ANSWERS = {
    "q:Company": "Globex",
    "q:Project": "Two\nlines",
    "q:Work mail": "mia@globex.test",
    "q:Second phone": "030 1234567",
    "q:Team size": "12",
    "q:Website": "https://globex.test",
    "q:Industry": "g",
    "q:Source": "r",
    "q:Interests": ["r", "g"],
    "q:I agree": "true",
    "q:Deadline": "2026-04-01",
    "q:Best time": "09:30",
    "q:First visit": "yes",
    "q:Stars": "4",
}


async def test_questions_are_asked_with_fields_that_fit_and_answered_in_the_notes(site: Site) -> None:
    await change_columns(site, questions=ALL)
    query = "&company=Globex&Industry=Green&Interests=r,g&campaign=spring&First%20visit=no"
    async with site.client() as client:
        page = await client.get(f"{site.meeting}?start={START}{query}")
        form = await form_of(client, site)
        answer = await client.post(f"{site.meeting}?start={START}{query}", data=form | ANSWERS)

    types = re.findall(r'class="control"[^>]* name="q:([^"]+)"(?: type="(\w+)")?', page.text)
    assert dict(types) == {
        "Company": "text", "Project": "", "Work mail": "email", "Second phone": "tel", "Team size": "number",
        "Website": "url", "Industry": "", "Deadline": "date", "Best time": "time",
    }  # fmt: skip
    assert {kind: re.findall(rf'type="{kind}"[^>]* name="q:([^"]+)"', page.text) for kind in ("radio", "checkbox")} == {
        "radio": ["Source"] * 2 + ["First visit"] * 2 + ["Stars"] * 5,
        "checkbox": ["Interests"] * 2 + ["I agree"],
    }
    assert 'name="q:Company" type="text" maxlength="2000" required value="Globex"' in page.text
    assert '<option value="g" selected>Green</option>' in page.text
    assert re.findall(r'name="q:([^"]+)" value="(\w+)" checked', page.text) == [
        ("Interests", "r"), ("Interests", "g"), ("First visit", "no"),
    ]  # fmt: skip
    assert answer.status_code == 303
    [appointment] = await site.appointments()
    answers = {key.removeprefix("q:"): value for key, value in ANSWERS.items()}
    assert appointment.attendees[0].notes == {"campaign": "spring", **answers}


async def test_wrong_answers_are_said_beside_their_fields_and_kept(site: Site) -> None:
    await change_columns(site, questions=ALL)
    async with site.client() as client:
        form = await form_of(client, site)
        wrong = ANSWERS | {"q:Company": " ", "q:Team size": "many", "q:Interests": ["r", "x"], "q:I agree": ""}
        answer = await client.post(site.meeting, data=form | wrong, headers={"Accept-Language": "de"})

    assert answer.status_code == 422
    assert re.findall(r'id="(question-\d+)-wrong">([^<]+)', answer.text) == [
        ("question-1", "Bitte geben Sie eine Antwort ein."),
        ("question-5", "Bitte geben Sie eine Zahl von 1 bis 500 ein."),
        ("question-9", "Bitte wählen Sie eine Antwort."),
        ("question-10", "Bitte setzen Sie hier einen Haken."),
    ]
    assert re.findall(r'id="(question-\d+)"[^>]* aria-invalid="true"', answer.text) == [
        "question-1", "question-5", "question-9", "question-10",
    ]  # fmt: skip
    assert 'value="https://globex.test"' in answer.text
    assert "Two\nlines</textarea>" in answer.text
    assert '<option value="g" selected>' in answer.text
    assert await site.appointments() == []


@pytest.mark.parametrize(
    ("field", "text", "sentence"),
    [
        ({"fieldType": "email"}, "mia", "Please enter an e-mail address such as name@example.com."),
        ({"fieldType": "url"}, "javascript:alert(1)", "Please enter an address that begins with https://."),
        (
            {"fieldType": "phone"},
            "12",
            "Please enter the phone number with its country code, such as +49 30 1234567.",
        ),
        ({"fieldType": "date"}, "2026-02-30", "Please enter a date."),
        ({"fieldType": "time"}, "25:00", "Please enter a time."),
        ({"fieldType": "number"}, "x", "Please enter a number."),
        ({"fieldType": "number", "min": 3}, "2", "Please enter a number of at least 3."),
        ({"fieldType": "number", "max": 3.5}, "4", "Please enter a number of at most 3.5."),
        ({"fieldType": "rating"}, "6", "Please choose an answer."),
        ({"fieldType": "radio", "options": COLOURS}, "blue", "Please choose an answer."),
        ({"fieldType": "text-single", "min": 3, "max": 5}, "ab", "Please enter 3 to 5 characters."),
        ({"fieldType": "text-single", "max": 5}, "abcdef", "Please enter a shorter answer."),
        ({"fieldType": "text-multi", "min": 3}, "ab", "Please enter a longer answer."),
        ({"fieldType": "text-single"}, "a\nb", "Please enter a shorter answer."),
        ({"fieldType": "text-multi"}, "x" * 2001, "Please enter a shorter answer."),
        ({"fieldType": "text-single", "required": True, "options": COLOURS}, "", "Please enter an answer."),
        ({"fieldType": "select", "required": True, "options": COLOURS}, "", "Please choose an answer."),
    ],
)
def test_a_wrong_answer_is_told_in_words_that_help(field: dict[str, Any], text: str, sentence: str) -> None:
    asked = questions.of([{"label": "Q", **field}], WORDS)

    assert questions.errors(WORDS, asked, {"Q": (text,)}, zone="Europe/Berlin") == {"question-1": sentence}


def test_questions_of_the_same_label_are_told_apart_by_their_names() -> None:
    asked = questions.of(
        [
            {"name": "first", "label": "Guest", "fieldType": "text-single"},
            {"name": "second", "label": "Guest", "fieldType": "text-single"},
        ],
        WORDS,
    )

    assert questions.notes(asked, {"first": ("Mia",), "second": ("Tom",)}) == {"first": "Mia", "second": "Tom"}


def test_a_long_scale_is_typed() -> None:
    [asked] = questions.of([{"label": "Q", "fieldType": "scale", "min": 0, "max": 100}], WORDS)

    assert (asked.kind, asked.options, asked.least, asked.most) == ("number", (), 0, 100)
