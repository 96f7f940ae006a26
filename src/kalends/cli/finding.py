"""What `kalends doctor` finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found; `mend` says what to do where something is wrong, None where all is well."""

    what: str
    state: str
    mend: str | None = None
