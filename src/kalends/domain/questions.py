"""Questions of a meeting type, answered in the attendee's notes (data fields of contract 2.15)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from whenever import Date, Time

from . import phones
from .emails import checked_email
from .links import checked_link

FieldType: TypeAlias = Literal[
    "text-single", "text-multi", "email", "phone", "number", "select", "radio", "checkbox-single", "checkbox-multi",
    "slide", "url", "file", "date", "date-of-birth", "time", "yes-no", "rating", "scale", "signature", "currency",
    "location", "contact",
]  # fmt: skip
Question: TypeAlias = Mapping[str, Any]

# What needs options to choose from.
CHOICES = frozenset({"select", "radio", "checkbox-multi"})
YES, NO = frozenset({"yes", "true"}), frozenset({"no", "false"})
_BOUNDS: Mapping[str, tuple[float | None, float | None]] = {"rating": (1, 5), "scale": (0, 10)}


def wrong(
    questions: Sequence[Question], notes: Mapping[str, Any], *, timezone: str | None = None
) -> list[tuple[str, str]]:
    """Find the questions that are required and left open, or answered with what they do not ask for.

    An answer stands under the question's name or its label; what answers no question is let be. Hidden questions are
    never required. Answers (label, what is wrong) of each.

    Args:
        timezone: the attendee's, for phone numbers without a country's code.
    """
    found = []
    for question in questions:
        try:
            _check(question, _answer(question, notes), timezone)
        except ValueError as error:
            found.append((question["label"], str(error)))
    return found


def _answer(question: Question, notes: Mapping[str, Any]) -> Any:
    """Find what the notes answer, by the question's name or else its label; None when it was left open."""
    for key in (question.get("name"), question["label"]):
        value = notes.get(key) if key else None
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, "", [], {}):
            return value
    return None


def _check(question: Question, value: Any, timezone: str | None) -> None:
    kind = question["fieldType"]
    needed = bool(question.get("required")) and not question.get("hidden")
    if value is None:
        if needed:
            raise ValueError("is required")
    elif kind == "phone":
        phones.e164(_text(value), timezone=timezone)
    elif kind == "checkbox-single":
        if not _yes(value) and needed:  # such a box is one to agree to
            raise ValueError("must be ticked")
    else:
        _CHECKS.get(kind, _plain)(question, value)


def _text(value: Any) -> str:
    """Read a text; clients send numbers for some."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("must be a text")
    return str(value)


def _yes(value: Any) -> bool:
    word = value if isinstance(value, bool) else _text(value).lower()
    if word is True or word in YES:
        return True
    if word is False or word in NO:
        return False
    raise ValueError("must be yes or no")


def _plain(_: Question, value: Any) -> None:
    _text(value)


def _line(question: Question, value: Any) -> None:
    length, (least, most) = len(_text(value)), bounds(question)
    if least is not None and length < least:
        raise ValueError(f"must have at least {least:g} characters")
    if most is not None and length > most:
        raise ValueError(f"must have at most {most:g} characters")


def _number(question: Question, value: Any) -> None:
    text = _text(value).replace(",", ".")
    number = float(text) if re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text, re.ASCII) else math.nan
    if not math.isfinite(number):
        raise ValueError("must be a number")
    least, most = bounds(question)
    if least is not None and number < least:
        raise ValueError(f"must be at least {least:g}")
    if most is not None and number > most:
        raise ValueError(f"must be at most {most:g}")


def _one(question: Question, value: Any) -> None:
    if not _offered(question, [_text(value)]):
        raise ValueError("must be one of the options")


def _some(question: Question, value: Any) -> None:
    if isinstance(value, list):
        chosen = [_text(one).strip() for one in value]
    else:
        whole = _text(value)  # an option may hold commas itself
        chosen = [whole] if _offered(question, [whole]) else [part.strip() for part in whole.split(",")]
    if not _offered(question, chosen):
        raise ValueError("must be some of the options")


def _offered(question: Question, chosen: Iterable[str]) -> bool:
    words = {word for option in question.get("options") or () for word in (option["value"], option["label"])}
    return words.issuperset(chosen)


def _date(_: Question, value: Any) -> None:
    _parse(Date.parse_iso, r"\d{4}-\d{2}-\d{2}", _text(value), "must be a date such as 2031-03-05")


def _time(_: Question, value: Any) -> None:
    _parse(Time.parse_iso, r"\d{2}:\d{2}", _text(value), "must be a time such as 09:30")


def _parse(parse: Callable[[str], object], form: str, text: str, otherwise: str) -> None:
    """Refuse every other form of ISO 8601, and days and times that do not exist."""
    try:
        if re.fullmatch(form, text, re.ASCII):
            parse(text)
            return
    except ValueError:  # no such day or time; said below
        pass
    raise ValueError(otherwise)


def bounds(question: Question) -> tuple[float | None, float | None]:
    """Name the least and the largest number an answer may be, or its text's length; None: any."""
    least, most = _BOUNDS.get(question["fieldType"], (None, None))
    low, high = question.get("min"), question.get("max")
    return least if low is None else low, most if high is None else high


_CHECKS: Mapping[str, Callable[[Question, Any], object]] = {
    "text-single": _line,
    "text-multi": _line,
    "email": lambda _, value: checked_email(_text(value)),
    "url": lambda _, value: checked_link(_text(value)),
    "number": _number,
    "rating": _number,
    "scale": _number,
    "select": _one,
    "radio": _one,
    "checkbox-multi": _some,
    "date": _date,
    "date-of-birth": _date,
    "time": _time,
    "yes-no": lambda _, value: _yes(value),
}
