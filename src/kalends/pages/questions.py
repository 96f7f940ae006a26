"""A meeting type's own questions in the booking form: which fields they are, what was answered, what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kalends.domain import questions
from kalends.domain.texts import CONTROL, CONTROL_BUT_LINES
from kalends.languages import Translate

from .visit import VIEW, Visit

MAX_ANSWER: Final = 2000
# Fields that answer with what was typed; all the others are chosen from.
_TYPED: Final = {
    "text-multi": "textarea",
    "email": "email",
    "phone": "tel",
    "number": "number",
    "slide": "number",
    "url": "url",
    "date": "date",
    "date-of-birth": "date",
    "time": "time",
}
_CHOSEN: Final = {
    "select": "select",
    "radio": "radio",
    "yes-no": "radio",
    "rating": "radio",
    "scale": "radio",
    "checkbox-multi": "checkboxes",
    "checkbox-single": "checkbox",
}
_STEPS: Final = frozenset({"rating", "scale"})
_MOST_STEPS: Final = 11  # of a scale that is shown as buttons; a longer one is typed

Answers = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question as the form asks it.

    Attributes:
        id: of its field in the page; errors stand under it.
        name: of its field in the form.
        key: under which its answer stands in the booking's notes, and may stand in a link.
        kind: ``text``, ``textarea``, ``select``, ``radio``, ``checkboxes``, ``checkbox``, or an input's type.
        options: (value, text) of those to choose from.
        layout: ``tight`` or ``short`` where the options are words or digits and stand side by side.
        raw: as the meeting type keeps it.
    """

    id: str
    key: str
    label: str
    kind: str
    required: bool
    options: tuple[tuple[str, str], ...] = ()
    layout: str = ""
    placeholder: str = ""
    least: float | None = None
    most: float | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name the field in the form: no field of our own is called so."""
        return f"q:{self.key}"


def of(kind_questions: Sequence[Mapping[str, Any]], _: Translate) -> tuple[Question, ...]:
    """Make the fields of a meeting type's questions; hidden ones have none, a link alone answers them."""
    labels = Counter(raw["label"] for raw in kind_questions)
    return tuple(
        _question(f"question-{place}", raw, _, unique=labels[raw["label"]] == 1)
        for place, raw in enumerate(kind_questions, start=1)
        if not raw.get("hidden")
    )


def _question(html_id: str, raw: Mapping[str, Any], _: Translate, *, unique: bool) -> Question:
    field_type: str = raw["fieldType"]
    options: tuple[tuple[str, str], ...] = tuple((one["value"], one["label"]) for one in raw.get("options") or ())
    kind = _CHOSEN.get(field_type) or _TYPED.get(field_type, "text")
    if field_type == "yes-no":
        options = (("yes", _("Yes")), ("no", _("No")))
    elif field_type in _STEPS:
        least, most = (int(bound or 0) for bound in questions.bounds(raw))
        if 0 < most - least < _MOST_STEPS:
            options = tuple((str(step), str(step)) for step in range(least, most + 1))
        else:
            kind = "number"
    return Question(
        id=html_id,
        key=raw["label"] if unique else raw.get("name") or raw["label"],
        label=raw["label"],
        kind=kind,
        required=bool(raw.get("required")),
        options=options,
        layout="tight" if field_type == "yes-no" else "short" if field_type in _STEPS else "",
        placeholder=raw.get("placeholder") or "",
        least=raw.get("min") if kind in ("number", "text", "textarea") else None,
        most=raw.get("max") if kind in ("number", "text", "textarea") else None,
        raw=raw,
    )


def prefilled(asked: Sequence[Question], visit: Visit) -> dict[str, tuple[str, ...]]:
    """Answer the questions as far as the link does, by their names or labels (contract 6.5)."""
    found: dict[str, tuple[str, ...]] = {}
    for one in asked:
        text = next((visit.params[key] for key in _keys(one) if visit.params.get(key)), None)
        if text is not None:
            offered = [value for value, label in one.options if text in (value, label)]
            many = one.kind == "checkboxes" and not offered
            found[one.key] = tuple(part.strip() for part in text.split(",")) if many else (*offered, text)[:1]
    return found


def _keys(one: Question) -> tuple[str, ...]:
    return tuple(key for key in (one.raw.get("name"), one.label) if key and key not in VIEW)


def beside(asked: Sequence[Question], extra: Mapping[str, str]) -> dict[str, str]:
    """Leave out of what a link carries beyond our own keys the answers, which the form has by now."""
    answered = {key for one in asked for key in _keys(one)}
    return {key: value for key, value in extra.items() if key not in answered}


def notes(asked: Sequence[Question], answers: Answers) -> dict[str, Any]:
    """Write the answers as the booking's notes keep them; what was left open is left out."""
    found: dict[str, Any] = {}
    for one in asked:
        given = [text.strip() for text in answers.get(one.key, ()) if text.strip()]
        if given:
            found[one.key] = given if one.kind == "checkboxes" else given[0]
    return found


def errors(_: Translate, asked: Sequence[Question], answers: Answers, *, zone: str) -> dict[str, str]:
    """Say what is wrong with the answers, by the ids of their fields; nothing when all is well."""
    written = notes(asked, answers)
    found: dict[str, str] = {}
    for one in asked:
        unfit = CONTROL_BUT_LINES if one.kind == "textarea" else CONTROL
        if any(len(text) > MAX_ANSWER or unfit.search(text) for text in answers.get(one.key, ())):
            found[one.id] = _("Please enter a shorter answer.")
            continue
        if questions.wrong([one.raw], written, timezone=zone):
            found[one.id] = _sentence(_, one) if one.key in written else _missing(_, one)
    return found


def _missing(_: Translate, one: Question) -> str:
    if one.kind == "checkbox":
        return _("Please tick this box.")
    chosen = one.kind in ("radio", "checkboxes", "select")
    return _("Please choose an answer.") if chosen else _("Please enter an answer.")


def _sentence(_: Translate, one: Question) -> str:
    sentences = {
        "email": _("Please enter an e-mail address such as name@example.com."),
        "tel": _("Please enter the phone number with its country code, such as +49 30 1234567."),
        "url": _("Please enter an address that begins with https://."),
        "date": _("Please enter a date."),
        "time": _("Please enter a time."),
        "checkbox": _("Please tick this box."),
        "number": _number(_, one),
        "text": _length(_, one),
        "textarea": _length(_, one),
    }
    return sentences.get(one.kind) or _("Please choose an answer.")


def _number(_: Translate, one: Question) -> str:
    least, most = _shown(one.least), _shown(one.most)
    if least and most:
        return _("Please enter a number from {least} to {most}.", least=least, most=most)
    if least:
        return _("Please enter a number of at least {least}.", least=least)
    return _("Please enter a number of at most {most}.", most=most) if most else _("Please enter a number.")


def _length(_: Translate, one: Question) -> str:
    least, most = _shown(one.least), _shown(one.most)
    if least and most:
        return _("Please enter {least} to {most} characters.", least=least, most=most)
    return _("Please enter a longer answer.") if least else _("Please enter a shorter answer.")


def _shown(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"
