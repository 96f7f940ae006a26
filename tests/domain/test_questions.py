"""Questions of a meeting type and their answers."""

from typing import Any

import pytest

from kalends.domain.questions import wrong


def question(kind: str, **more: Any) -> dict[str, Any]:
    """Ask something labelled "Ask", as meeting types keep it."""
    options = [{"label": label, "value": value} for label, value in more.pop("options", ())]
    empty = dict.fromkeys(("name", "min", "max", "placeholder", "defaultValue"))
    asked = {"label": "Ask", "fieldType": kind, "required": False, "hidden": False, "options": options}
    return {**empty, **asked, **more}


SIZES = [("Small, cheap", "s"), ("Large", "l")]


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        (question("text-single", min=2, max=4), ["ab", "abcd", " ab ", 1234]),
        (question("text-multi"), ["one\ntwo"]),
        (question("email"), ["ana@guests.test"]),
        (question("phone"), ["+49 171 1234567", "0171 1234567"]),
        (question("number", min=-1, max=10.5), [0, -1, 10.5, "10.5", "3,5", "+2", "1e1"]),
        (question("select", options=SIZES), ["s", "Large", "Small, cheap"]),
        (question("radio", options=[("Two", "2")]), ["2", 2, "Two"]),
        (question("checkbox-single", required=True), [True, "yes", "TRUE"]),
        (question("checkbox-single"), [False, "no", True]),
        (question("checkbox-multi", options=SIZES), [["s", "Large"], "l", "s,l", "s, Large", "Small, cheap", ["l"]]),
        (question("url"), ["https://acme.test/"]),
        (question("date"), ["2032-02-29"]),
        (question("date-of-birth"), ["1999-12-31"]),
        (question("time"), ["00:00", "23:59"]),
        (question("yes-no", required=True), [True, False, "yes", "no", "False"]),
        (question("rating"), [1, 5, "3"]),
        (question("rating", max=10), [10]),
        (question("scale"), [0, 10]),
        *(
            (question(kind), ["whatever", 7])
            for kind in ("slide", "file", "signature", "currency", "location", "contact")
        ),
        (question("text-single", required=True, hidden=True), [None, "", "x"]),
        (question("text-single"), [None, "", "  "]),
    ],
    ids=lambda value: value["fieldType"] if isinstance(value, dict) else None,
)
def test_what_is_asked_for_may_be_answered(asked: dict[str, Any], answers: list[Any]) -> None:
    for answer in answers:
        assert wrong([asked], {"Ask": answer, "Something else": object()}, timezone="Europe/Berlin") == []


@pytest.mark.parametrize(
    ("asked", "answers", "message"),
    [
        (question("text-single", required=True), [None, "", "  ", [], {}], "is required"),
        (question("text-single", min=2), ["a"], "must have at least 2 characters"),
        (question("text-single", max=4), ["abcde", 12345], "must have at most 4 characters"),
        (question("text-single"), [True, ["a"], {"a": 1}], "must be a text"),
        (question("phone"), ["12", "hello"], "is not a phone number"),
        (question("number"), ["x", "nan", "inf", "1e999", "1.2.3", "0x10", "١"], "must be a number"),
        (question("number", min=0), [-0.5, "-1"], "must be at least 0"),
        (question("number", max=2.5), [3], "must be at most 2.5"),
        (question("select", options=SIZES), ["x", "S", "s,l"], "must be one of the options"),
        (question("checkbox-single"), ["perhaps", 1], "must be yes or no"),
        (question("checkbox-single", required=True), [False, "no"], "must be ticked"),
        (question("checkbox-multi", options=SIZES), [["s", "x"], "s,x", "s,,l"], "must be some of the options"),
        (question("checkbox-multi", options=SIZES, required=True), [[], None], "is required"),
        (question("url"), ["acme.test", "javascript:alert(1)"], "must be a link that begins with http:// or https://"),
        (question("date"), ["2031-02-29", "20310203", "3.2.2031", "2031-W05-1"], "must be a date such as 2031-03-05"),
        (question("time"), ["24:00", "9:30", "09:30:00"], "must be a time such as 09:30"),
        (question("yes-no"), ["maybe"], "must be yes or no"),
        (question("rating"), [0, 0.5], "must be at least 1"),
        (question("rating"), [6], "must be at most 5"),
        (question("scale"), [11], "must be at most 10"),
        (question("file"), [["a"]], "must be a text"),
        (question("text-single", hidden=True, max=1), ["ab"], "must have at most 1 characters"),
    ],
    ids=lambda value: value["fieldType"] if isinstance(value, dict) else None,
)
def test_everything_else_is_refused_and_named(asked: dict[str, Any], answers: list[Any], message: str) -> None:
    for answer in answers:
        assert wrong([asked], {"Ask": answer}, timezone="Europe/Berlin") == [("Ask", message)]


def test_an_answer_stands_under_name_or_label() -> None:
    asked = [question("number", name="age", label="How old?", required=True)]

    for notes in ({"age": 7}, {"How old?": 7}, {"age": "", "How old?": 7}):
        assert wrong(asked, notes) == []
    for notes in ({"Age": 7}, {"how old?": 7}):
        assert wrong(asked, notes) == [("How old?", "is required")]


def test_all_that_is_wrong_is_named_at_once() -> None:
    asked = [
        question("email", label="Mail"),
        question("text-single", label="Fine"),
        question("date", name="when", label="Day", required=True),
    ]

    (mail, why), day = wrong(asked, {"Mail": "nobody", "Fine": "yes"})

    assert (mail, day) == ("Mail", ("Day", "is required"))
    assert why.startswith("is not an e-mail address")
