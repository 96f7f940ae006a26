"""Freshness: how old what is known of a host's connected calendars is, and when a host counts as unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from whenever import Instant

from kalends.storage.taken_time import Access

Status: TypeAlias = Literal["connected", "refused", "stale", "never"]

STALE_AFTER_S = 24 * 60 * 60  # a day without news: meanwhile anything may have been put into the calendar


@dataclass(frozen=True, slots=True)
class Freshness:
    """How well the calendars of one connection are known.

    Attributes:
        age_s: what is known is at most so many seconds old; None: they were never read.
        status: `refused` by the provider, `never` read, `stale`: over a day old, else `connected`.
    """

    connection_id: UUID
    age_s: int | None
    status: Status

    @property
    def is_known(self) -> bool:
        """Whether what is stored can be relied on."""
        return self.status == "connected"


def of(connection_id: UUID, access: Access | None, now: Instant, grace_minutes: int = 0) -> Freshness:
    """Say how fresh a connection is; without access it was never read.

    Args:
        grace_minutes: it is stale so much later.
    """
    synced_at = access.synced_at if access else None
    age_s = None if synced_at is None else max(0, int((now - synced_at).total("seconds")))
    if access and access.refused:
        return Freshness(connection_id, age_s, "refused")
    if age_s is None:
        return Freshness(connection_id, None, "never")
    return Freshness(connection_id, age_s, "stale" if age_s > STALE_AFTER_S + grace_minutes * 60 else "connected")


def is_known(found: Iterable[Freshness]) -> bool:
    """Tell whether a host's calendars are all known."""
    return all(one.is_known for one in found)
