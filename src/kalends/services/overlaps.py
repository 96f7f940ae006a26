"""Claims of hosts who choose to overlap: exclusive where nothing stands, shared only where something does."""

from __future__ import annotations

from collections.abc import Sequence

from whenever import Instant

from kalends.domain.spans import intersect, merge, subtract
from kalends.storage.claims import Claim


def split(wanted: Sequence[Claim], taken: Sequence[tuple[int, Instant, Instant]]) -> list[Claim]:
    """Cut each wanted claim at the exclusive ones that stand there already (design section 4).

    Args:
        taken: (host_no, start, end) of exclusive claims.
    """
    pieces: list[Claim] = []
    for claim in wanted:
        span = [(claim.start.timestamp(unit="nanosecond"), claim.end.timestamp(unit="nanosecond"))]
        theirs = merge(
            (start.timestamp(unit="nanosecond"), end.timestamp(unit="nanosecond"))
            for host_no, start, end in taken
            if host_no == claim.host_no
        )
        for exclusive, spans in ((True, subtract(span, theirs)), (False, intersect(span, theirs))):
            pieces += [Claim(claim.host_no, _instant(start), _instant(end), exclusive) for start, end in spans]
    return pieces


def _instant(nanoseconds: int) -> Instant:
    return Instant.from_timestamp(nanoseconds, unit="nanosecond")
