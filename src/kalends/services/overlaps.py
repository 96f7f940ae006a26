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
        span = [(claim.start.timestamp_nanos(), claim.end.timestamp_nanos())]
        theirs = merge(
            (start.timestamp_nanos(), end.timestamp_nanos())
            for host_no, start, end in taken
            if host_no == claim.host_no
        )
        for exclusive, spans in ((True, subtract(span, theirs)), (False, intersect(span, theirs))):
            pieces += [
                Claim(claim.host_no, Instant.from_timestamp_nanos(start), Instant.from_timestamp_nanos(end), exclusive)
                for start, end in spans
            ]
    return pieces
