"""Questions of a meeting type as they come in and go out (data fields of contract 2.15)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema, model_validator

from kalends.domain import questions
from kalends.domain.questions import CHOICES, FieldType

from .schemas import Answer, Body, Flag, Line, OrEmpty

MOST, MOST_OPTIONS = 50, 200
LARGEST = 10**15


def _filled(text: str) -> str:
    """Cut blanks off; refuse what is nothing else."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


def _bound(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not -LARGEST <= value <= LARGEST:
        raise ValueError(f"must lie between {-LARGEST} and {LARGEST}")
    return value


Filled = Annotated[Line, AfterValidator(_filled)]
# Whole numbers stay whole; a union would name its branches in a refusal, not the field.
Bound = Annotated[
    int | float,
    PlainValidator(_bound),
    WithJsonSchema({"type": "number", "minimum": -LARGEST, "maximum": LARGEST}),
]


class OptionBody(Body):
    """Something to choose; label and value are the same where only one is said."""

    label: Annotated[Filled | None, OrEmpty] = None
    value: Annotated[Filled | None, OrEmpty] = None

    @model_validator(mode="after")
    def _both(self) -> OptionBody:
        if not (self.label or self.value):
            raise ValueError("needs a label")
        self.label, self.value = self.label or self.value, self.value or self.label
        return self


class QuestionBody(Body):
    """What guests are asked; they answer in `attendee.notes`, by name or label."""

    name: Annotated[Filled | None, OrEmpty] = None
    label: Filled = Field(examples=["Topic"])
    field_type: FieldType = Field(examples=["text-single"])
    required: Flag = False
    hidden: Flag = Field(default=False, description="Guests do not see it; it can be filled by the page's address.")
    options: Annotated[list[OptionBody], Field(max_length=MOST_OPTIONS)] = Field(
        default=[], description="Needed for `select`, `radio` and `checkbox-multi`."
    )
    min: Bound | None = Field(default=None, description="The least number; of a text, the fewest characters.")
    max: Bound | None = Field(default=None, description="The largest number; of a text, the most characters.")
    placeholder: Line | None = None
    default_value: Line | None = None

    @model_validator(mode="after")
    def _answerable(self) -> QuestionBody:
        if self.field_type in CHOICES and not self.options:
            raise ValueError(f"options are needed for {self.field_type}")
        least, most = questions.bounds(self.stored())
        if least is not None and most is not None and least > most:
            raise ValueError(f"min ({least:g}) must not be above max ({most:g})")
        return self

    def stored(self) -> dict[str, Any]:
        """Write it as meeting types keep it: every key, null when unset."""
        return self.model_dump(mode="json", by_alias=True)


def _told_apart(asked: Sequence[QuestionBody]) -> Sequence[QuestionBody]:
    """Refuse questions whose answers nobody could tell apart."""
    words = Counter(word for one in asked for word in {one.name or one.label, one.label})
    twice = [word for word, count in words.items() if count > 1]
    if twice:
        raise ValueError(f"names and labels must differ: {', '.join(map(repr, twice))}")
    return asked


Questions = Annotated[list[QuestionBody], Field(max_length=MOST), AfterValidator(_told_apart)]


class Option(Answer):
    """Something to choose."""

    label: str
    value: str


class Question(Answer):
    """What guests are asked; they answer in `attendee.notes`, by name or label."""

    name: str | None = Field(examples=["topic"])
    label: str = Field(examples=["Topic"])
    field_type: FieldType = Field(examples=["text-single"])
    required: bool
    hidden: bool
    options: list[Option] = Field(examples=[[]])
    min: int | float | None
    max: int | float | None
    placeholder: str | None
    default_value: str | None
