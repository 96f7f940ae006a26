"""UIDs: how every calendar knows an appointment and the buffers around it; the same for life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias
from uuid import UUID

# What an appointment may be in a calendar: the event, and the time kept free around it.
Part: TypeAlias = Literal["event", "buffer-before", "buffer-after"]

_TAIL = "@kalends"
_MARKS: Mapping[Part, str] = {"event": "", "buffer-before": "-before", "buffer-after": "-after"}


def uid(appointment_id: UUID | str, part: Part = "event") -> str:
    """Name one part of an appointment."""
    return f"{appointment_id}{_MARKS[part]}{_TAIL}"


def appointment_named(uid: str | None) -> UUID | None:
    """Tell which appointment a UID names, its event's or that of one of its buffers; None: it is not of ours."""
    if not uid or not uid.endswith(_TAIL):
        return None
    name = uid.removesuffix(_TAIL)
    for mark in _MARKS.values():
        name = name.removesuffix(mark)
    try:
        return UUID(name)
    except ValueError:
        return None
