"""All time zones as a guest chooses among them: by part of the world, with their distance from UTC now."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from markupsafe import escape
from whenever import Instant

from kalends import languages
from kalends.domain.zones import canonical_zone

from . import month
from .packing import Part


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Group the zones of the database's table for people choosing one (zone.tab): each country has its own."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    listed = sorted(line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#"))
    regions: dict[str, list[str]] = {}
    for name in listed:
        regions.setdefault(name.split("/")[0], []).append(name)
    return tuple((region, tuple(names)) for region, names in regions.items())


def options(now: Instant, language: str, chosen: str | None) -> Part:
    """Write the options of a select: all zones by region, with their distance from UTC as it is now.

    Args:
        chosen: a name as `listed` answers it.
    """
    return _chosen(now.timestamp() // 3600, languages.spoken(language), chosen)


@lru_cache(maxsize=64)
def _chosen(hour: int, language: str, chosen: str | None) -> Part:
    text = _options(hour, language)
    return Part(text.replace(f'value="{chosen}"', f'value="{chosen}" selected', 1) if chosen else text)


@lru_cache(maxsize=8)
def _options(hour: int, language: str) -> str:
    """Write the options as they are in one hour since 1970: hundreds of lines that are the same for everybody."""
    now, _ = Instant.from_timestamp(hour * 3600), languages.translator(language)
    groups = []
    for region, names in _names():
        lines = (f'<option value="{escape(name)}">{escape(_label(name, now))}</option>' for name in names)
        groups.append(f'<optgroup label="{escape(_(region))}">{"".join(lines)}</optgroup>')
    return "\n".join(groups)


def _label(name: str, now: Instant) -> str:
    """Label one zone: ``New York (GMT−5)``."""
    place = name.split("/", 1)[-1].replace("_", " ").replace("/", " – ")
    return f"{place} ({month.offset(now, name)})"


@lru_cache(maxsize=1024)
def listed(name: str) -> str | None:
    """Find the name under which a zone is listed (`Asia/Calcutta` -> `Asia/Kolkata`); None: it is not."""
    names = [one for _, group in _names() for one in group]
    if name in names:
        return name
    shared = canonical_zone(name)
    return next((one for one in names if canonical_zone(one) == shared), None)
