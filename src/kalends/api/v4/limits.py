"""Caps on appointments, as meeting types and users have them."""

from typing import Annotated

from pydantic import Field

from .schemas import Answer, Body, Whole

Cap = Annotated[Whole, Field(ge=1)]


class BookingLimitsBody(Body):
    """At most so many appointments begin in one local day, week (from Monday) and month; left out is no limit."""

    per_day: Cap | None = None
    per_week: Cap | None = None
    per_month: Cap | None = None


class BookingLimits(Answer):
    """At most so many appointments begin in one local day, week (from Monday) and month; null is no limit."""

    per_day: int | None = None
    per_week: int | None = None
    per_month: int | None = None
