"""The families of refusals we expect, each with a stable code; how HTTP answers them is edge/problems.py's affair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong in what the caller sent; `field` is a dotted path such as ``attendee.email``."""

    field: str
    message: str


class DomainError(Exception):
    """A refusal that the caller is told about.

    Every concrete error has a `code` that never changes once published (docs/errors.md lists them all).
    `reason` narrows a code down where the contract has a word for it (``slot-occupied``: buffer, busy, claimed).
    `details` are further keys of the answer, JSON values.
    """

    code: ClassVar[str] = "error"
    message: str

    def __init__(
        self,
        message: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        reason: str | None = None,
        retry_after_s: int | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        self.message = message or (type(self).__doc__ or self.code).strip().splitlines()[0]
        self.errors = tuple(errors)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.details = dict(details or {})
        super().__init__(self.message)


class Invalid(DomainError):
    """The request cannot be carried out as it was sent."""

    code = "invalid"

    @classmethod
    def at(cls, field: str, message: str) -> Self:
        """Make the refusal of one field; `field` as in FieldError."""
        return cls("Validation failed", errors=[FieldError(field, message)])


class Unauthenticated(DomainError):
    """The credential is missing or not valid."""

    code = "unauthenticated"


class Forbidden(DomainError):
    """The credential is valid and does not allow this."""

    code = "forbidden"


class NotFound(DomainError):
    """Nothing of this kind is there for this caller."""

    code = "not-found"


class Conflict(DomainError):
    """Somebody else's change stands in the way."""

    code = "conflict"


class LimitReached(DomainError):
    """Too many requests; nothing was applied."""

    code = "too-many-requests"


class Unavailable(DomainError):
    """The server cannot do this right now; nothing was applied."""

    code = "unavailable"


class Upstream(DomainError):
    """A remote service did not do what it was asked; trying again later may help."""

    code = "upstream"
