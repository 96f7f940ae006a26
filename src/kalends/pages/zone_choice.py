"""All time zones as a guest chooses among them: by part of the world, with their distance from UTC now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from whenever import Instant

from kalends.domain.zones import canonical_zone

from . import month


@dataclass(frozen=True, slots=True)
class Zone:
    """One choice: `name` is the IANA name, `label` what is read."""

    name: str
    label: str


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Group the zones of the database's table for people choosing one (zone.tab): each country has its own."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    listed = sorted(line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#"))
    regions: dict[str, list[str]] = {}
    for name in listed:
        regions.setdefault(name.split("/")[0], []).append(name)
    return tuple((region, tuple(names)) for region, names in regions.items())


@lru_cache(maxsize=4)
def _grouped(hour: int) -> tuple[tuple[str, tuple[Zone, ...]], ...]:
    """Label all zones as they are in one hour since 1970."""
    now = Instant.from_timestamp(hour * 3600)
    return tuple((region, tuple(labelled(name, now) for name in names)) for region, names in _names())


def groups(now: Instant) -> Sequence[tuple[str, Sequence[Zone]]]:
    """List (region, zones) with their distance from UTC as it is now."""
    return _grouped(now.timestamp() // 3600)


def labelled(name: str, now: Instant) -> Zone:
    """Label one zone: ``New York (GMT−5)``."""
    place = name.split("/", 1)[-1].replace("_", " ").replace("/", " – ")
    return Zone(name, f"{place} ({month.offset(now, name)})")


@lru_cache(maxsize=1024)
def listed(name: str) -> str | None:
    """Find the name under which a zone is listed (`Asia/Calcutta` -> `Asia/Kolkata`); None: it is not."""
    names = [one for _, group in _names() for one in group]
    if name in names:
        return name
    shared = canonical_zone(name)
    return next((one for one in names if canonical_zone(one) == shared), None)
