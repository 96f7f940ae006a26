"""Sources: what a reading of calendars works with, and whose calendar it is that is read."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from uuid import UUID

from kalends.domain.remote_events import RemoteCalendar
from kalends.domain.sync import Rules
from kalends.ports import CalendarKind, CalendarProvider, Clock
from kalends.storage.calendar_connections import Calendar, CalendarConnection
from kalends.storage.calendar_readings import Host, Reading
from kalends.storage.database import Connection
from kalends.storage.secret_box import SecretBox

from .calendar_accounts import Accounts


@dataclass
class Reader:
    """Everything that reading calendars takes; `App.calendar_reader` makes one.

    Attributes:
        transaction, reading: open a transaction or lend a connection; never held while a network is waited for.
        base_url: where providers reach us.
        spread: gives a random number from 0 to 1.
    """

    transaction: Callable[[], AbstractAsyncContextManager[Connection]]
    reading: Callable[[], AbstractAsyncContextManager[Connection]]
    providers: Mapping[CalendarKind, CalendarProvider]
    box: SecretBox
    clock: Clock
    base_url: str = ""
    spread: Callable[[], float] = random.random

    @property
    def accounts(self) -> Accounts:
        """What opens connections."""
        return Accounts(self.providers, self.box, self.transaction)


@dataclass(frozen=True, slots=True)
class Source:
    """One calendar that is read.

    Attributes:
        days: how far ahead starts of the host's are offered.
        last: how far it was read so far.
    """

    reader: Reader
    connection: CalendarConnection
    calendar: Calendar
    host: Host
    days: float
    last: Reading

    @property
    def company_id(self) -> UUID:
        """Whose it is."""
        return self.connection.company_id

    @property
    def remote(self) -> RemoteCalendar:
        """The calendar as its provider is asked for it; days without a zone are its host's."""
        return self.known_as(self.calendar.remote)

    def known_as(self, other: RemoteCalendar) -> RemoteCalendar:
        """Say in which zone a calendar of the same account is read."""
        return replace(other, zone=other.zone or self.host.zone)

    @property
    def own(self) -> frozenset[str]:
        """The host's addresses, in lower case: whose answers count."""
        return frozenset({self.host.email.lower(), self.connection.email.lower()})

    @property
    def rules(self) -> Rules:
        """Which of its events block."""
        return Rules(
            blocks=self.calendar.selected and self.connection.validate_availability,
            treat_all_as_busy=self.calendar.treat_all_as_busy,
            unanswered_is_busy=self.connection.unanswered_is_busy,
        )
