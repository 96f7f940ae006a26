"""What request and answer models of all nouns share."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from whenever import Instant

from kalends.domain import zones
from kalends.domain.emails import checked_email
from kalends.domain.links import checked_link
from kalends.domain.texts import CONTROL, CONTROL_BUT_LINES, PHONE

INT32 = 2**31 - 1
MOST_IDS = 100


def _whole(value: Any) -> Any:
    """Read 30.0 as 30: JSON does not tell them apart."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Body(BaseModel):
    """Base of request bodies: camelCase names, unknown keys dropped, null the same as absent, 30.0 the same as 30.

    `keeps_null` names (as on the wire) the keys where null means something: usually "forget the value".
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")

    keeps_null: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _absent_or_set(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {
            key: [_whole(one) for one in value] if isinstance(value, list) else _whole(value)
            for key, value in data.items()
            if value is not None or key in cls.keeps_null
        }

    def given(self) -> dict[str, Any]:
        """Answer what the caller sent, by the wire's names, nested bodies included."""
        return self.model_dump(exclude_unset=True, by_alias=True)


class Answer(BaseModel):
    """Base of answers: camelCase names, every key always there."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        json_schema_serialization_defaults_required=True,
    )


def _single_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _many_lines(text: str) -> str:
    if CONTROL_BUT_LINES.search(text):
        raise ValueError("must not contain control characters")
    return text


def _none_when_empty(value: Any) -> Any:
    return None if value == "" else value


def _none_when_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _split(value: Any) -> Any:
    """Read a list of ids: repeated keys, one value, or values joined by commas; empty ones are absent."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list):
        return given
    parts = [part for one in given for part in (one.split(",") if isinstance(one, str) else [one])]
    return [part for part in (part.strip() if isinstance(part, str) else part for part in parts) if part != ""]


def switch(value: Any) -> Any:
    """Read true and false as the words the contract has for them."""
    return {True: "enabled", False: "disabled"}[value] if isinstance(value, bool) else value


def _zone(name: str) -> str:
    zones.canonical_zone(name)
    return name


def contact_link(text: str) -> str:
    """Check a link that guests are shown: http(s), or a mailto: or tel: address.

    Raises:
        ValueError: anything else, such as javascript:.
    """
    scheme, _, rest = _single_line(text).partition(":")
    if scheme.lower() == "mailto":
        return f"mailto:{checked_email(rest)}"
    if scheme.lower() == "tel":
        if not re.fullmatch(PHONE, rest):
            raise ValueError("must hold a phone number after tel:")
        return text
    return checked_link(text)


def _phone(text: str) -> str:
    if not re.fullmatch(PHONE, text):
        raise ValueError("must be a phone number: digits, and + before the country's code")
    return text


# One line of text; the second must hold something, the third may be long and have line breaks.
Line = Annotated[str, StringConstraints(max_length=250), AfterValidator(_single_line)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120), AfterValidator(_single_line)
]
Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_many_lines)]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_single_line),
    AfterValidator(checked_email),
    Field(json_schema_extra={"format": "email"}),
]
Phone = Annotated[str, AfterValidator(_phone), Field(json_schema_extra={"pattern": f"^{PHONE}$"})]
Link = Annotated[
    str,
    StringConstraints(max_length=2000),
    AfterValidator(_single_line),
    AfterValidator(checked_link),
    Field(json_schema_extra={"format": "uri", "examples": ["https://www.acme.test/"]}),
]
Zone = Annotated[
    str,
    StringConstraints(max_length=64),
    AfterValidator(_single_line),
    AfterValidator(_zone),
    Field(json_schema_extra={"description": "IANA name.", "examples": ["Europe/Vienna"]}),
]
# For what clients send empty instead of leaving it out: links, colours, ids (contract 6.2).
OrEmpty = BeforeValidator(_none_when_empty)
# For what counts as absent when it is empty or nothing but spaces: parameters, and what guests fill in (contract 6.2).
Absent = BeforeValidator(_none_when_blank)
# Ids in the order given.
IdList = Annotated[list[UUID], Field(max_length=MOST_IDS), BeforeValidator(_split)]
Whole = Annotated[int, Field(strict=True, ge=-INT32, le=INT32)]
Flag = Annotated[bool, Field(strict=True)]


def stamp(instant: Instant) -> str:
    """Write an instant as the contract's timestamps: UTC with milliseconds and `Z`."""
    return instant.format_iso(unit="millisecond")


# An instant in an answer.
Stamp = Annotated[
    Instant,
    PlainSerializer(stamp, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2031-03-04T09:00:00.000Z"]}),
]
