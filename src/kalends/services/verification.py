"""Verification: before a change takes time of hosts, their calendars are asked live where what is known is too old.

No transaction waits for a network. A change that rests on calendars it has to ask about first ends with `Unverified`
before it has written anything; whoever called it asks them, and tries once more (`calendar_checks`). Who takes part is
known by then: of a queue just the member whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from kalends.storage.hosts import Host

from .company_settings import CompanySettings
from .freshness import Freshness
from .slot_queries import Loaded

FRESH_FOR_S = 60


class Unverified(Exception):
    """These connections have to be asked live before the change is tried again; nothing was written."""

    def __init__(self, company_id: UUID, connection_ids: frozenset[UUID]) -> None:
        self.company_id, self.connection_ids = company_id, connection_ids


@dataclass(frozen=True, slots=True)
class Verified:
    """Whom a change has had asked so far.

    Attributes:
        connection_ids: whatever came of it, they are not asked again.
        enough: nobody is asked any more; what is stored counts, by its age.
    """

    connection_ids: frozenset[UUID] = frozenset()
    enough: bool = False


STORED = Verified(enough=True)


def require(verified: Verified, loaded: Loaded, hosts: Iterable[Host]) -> None:
    """Have the calendars of hosts asked live, as the company's setting `verifyAtBooking` wants it.

    Raises:
        Unverified: some are to be asked that were not.
    """
    if verified.enough or not loaded.connected:
        return
    when = CompanySettings.of(loaded.company.settings).verify_at_booking
    if when == "never":
        return
    known = [one for host in hosts if host.id in loaded.connected for one in loaded.connected[host.id].freshness]
    wanted = {one.connection_id for one in known if _can_tell(one) and (when == "always" or _is_old(one))}
    if wanted := wanted - verified.connection_ids:
        raise Unverified(loaded.company.id, frozenset(wanted))


def _can_tell(one: Freshness) -> bool:
    return one.age_s is not None and one.status != "refused"  # a first reading takes long, a new credential its owner


def _is_old(one: Freshness) -> bool:
    return one.age_s is not None and one.age_s > FRESH_FOR_S
