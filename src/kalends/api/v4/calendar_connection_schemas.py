"""Calendar connections as they come in and go out (contract 2.14 and 6.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias, cast, get_args
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints
from whenever import Instant

from kalends.ports import CalendarKind, CalendarProvider
from kalends.services.calendar_connections import View
from kalends.services.calendar_settings import Changes
from kalends.storage.calendar_connections import Calendar, Status

from .schemas import Answer, Body, Flag, Line, OrEmpty, Stamp

# All the contract names; `exchange` and `smart-we` are refused.
Provider: TypeAlias = Literal["google", "outlook", "caldav", "icloud", "ics", "exchange", "smart-we"]

MOST_CALENDARS = 500
_CALENDAR = "0197f1a2-7f60-7b3a-9a44-5c8e1d2f3a4b"
# What a provider names a calendar may be a whole address.
CalendarName = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Calendars = Annotated[list[CalendarName], Field(max_length=MOST_CALENDARS)]
_NAMED = "By their ids, or as the provider names them."


class ConnectionNew(Body):
    """An account to be connected with an address or a password; Google and Microsoft 365 are authorized instead."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "provider": "caldav",
                    "url": "https://cloud.acme.test/remote.php/dav",
                    "username": "ada",
                    "password": "app-password",
                }
            ]
        }
    )

    provider: Provider
    url: Annotated[Annotated[str, StringConstraints(max_length=2000)] | None, OrEmpty] = Field(
        default=None, description="Of the CalDAV server, or of the ICS feed (`https:` or `webcal:`)."
    )
    username: Annotated[Line | None, OrEmpty] = None
    password: Annotated[Annotated[str, StringConstraints(max_length=1000)] | None, OrEmpty] = Field(
        default=None, description="Best one made for this app alone; it is stored encrypted and never shown."
    )
    set_as_calendar_sync: Flag = Field(
        default=False, description="Write appointments there, unless they are written to a calendar already."
    )

    def form(self) -> dict[str, str]:
        """Name what the provider is to try."""
        given = {"url": self.url, "username": self.username, "password": self.password}
        return {name: value for name, value in given.items() if value is not None}


class ConnectionPatch(Body):
    """What changes of a connection."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"selectedCalendars": [_CALENDAR], "cancelIfDeclinedOrDeleted": True}]}
    )
    keeps_null = frozenset({"primaryCalendar"})

    primary_calendar: Annotated[CalendarName | None, OrEmpty] = Field(
        default=None,
        description="The calendar appointments are written to, the only one of its user; null: none of this "
        "connection. By its id, or as the provider names it.",
    )
    selected_calendars: Calendars | None = Field(default=None, description=f"The calendars that block. {_NAMED}")
    treat_all_as_busy: Calendars | None = Field(
        default=None, description=f"The calendars whose events block though they are shown as free. {_NAMED}"
    )
    validate_availability: Flag | None = Field(default=None, description="False: its calendars block nothing.")
    unanswered_is_busy: Flag | None = Field(default=None, description="False: invitations block once answered.")
    cancel_if_declined_or_deleted: Flag | None = Field(
        default=None, description="True: an appointment that is deleted or declined in the calendar is cancelled."
    )
    disable_attendee_notification: Flag | None = Field(
        default=None, description="True: guests stand in an entry's description only, never as its attendees."
    )
    sync_buffers_to_calendar: Flag | None = Field(
        default=None, description="True: buffers are written as events of their own."
    )

    def changes(self) -> Changes:
        """Sort what the caller sent."""
        given = self.model_dump(exclude_unset=True)
        names = ("primary_calendar", "selected_calendars", "treat_all_as_busy")
        return Changes(
            flags={name: value for name, value in given.items() if name not in names},
            selected=self.selected_calendars,
            all_busy=self.treat_all_as_busy,
            primary=self.primary_calendar,
            keeps_primary="primary_calendar" not in given,
        )


class CalendarConnection(Answer):
    """An account of a user at a provider; no secret of it is ever answered."""

    id: UUID
    user_id: UUID
    provider: CalendarKind = Field(examples=["caldav"])
    email: str = Field(examples=["ada@acme.test"], description="What the account is called.")
    is_primary: bool = Field(examples=[True], description="Appointments are written to its `primaryCalendar`.")
    is_connected: bool = Field(examples=[True], description="False: the provider does not let us in; connect it again.")
    status: Status = Field(examples=["connected"])
    last_error: str | None = Field(description="What the last reading met; null: it went well.")
    synced_at: Stamp | None = Field(description="What is known of the calendars that block is no older than this.")
    age_seconds: int | None = Field(examples=[42], description="The same in seconds until now; null: not read yet.")
    selected_calendars: list[UUID] = Field(examples=[[_CALENDAR]], description="The calendars that block.")
    primary_calendar: UUID | None = Field(examples=[_CALENDAR])
    treat_all_as_busy: list[UUID] = Field(examples=[[]])
    validate_availability: bool = Field(examples=[True])
    unanswered_is_busy: bool = Field(examples=[True])
    cancel_if_declined_or_deleted: bool = Field(examples=[False])
    disable_attendee_notification: bool = Field(examples=[False])
    sync_buffers_to_calendar: bool = Field(examples=[False])
    created_at: Stamp
    updated_at: Stamp

    @classmethod
    def of(cls, view: View, now: Instant) -> CalendarConnection:
        """Show a connection as it is at an instant."""
        row = view.connection
        names = (
            "id", "user_id", "provider", "email", "is_primary", "status", "synced_at", "validate_availability",
            "unanswered_is_busy", "cancel_if_declined_or_deleted", "disable_attendee_notification",
            "sync_buffers_to_calendar", "created_at", "updated_at",
        )  # fmt: skip
        return cls.model_validate(
            {name: getattr(row, name) for name in names}
            | {
                "is_connected": row.status == "connected",
                "last_error": row.error,
                "age_seconds": None if row.synced_at is None else max(0, int((now - row.synced_at).total("seconds"))),
                "selected_calendars": [one.id for one in view.calendars if one.selected],
                "primary_calendar": next((one.id for one in view.calendars if one.is_primary), None),
                "treat_all_as_busy": [one.id for one in view.calendars if one.treat_all_as_busy],
            }
        )


class ProviderState(Answer):
    """Whether calendars of a provider can be connected on this server."""

    provider: CalendarKind = Field(examples=["google"])
    configured: bool = Field(examples=[False])
    missing: list[str] = Field(
        examples=[["KALENDS_GOOGLE_CLIENT_ID"]], description="Settings without which it cannot be used."
    )


class CalendarConnections(Answer):
    """A user's connections, oldest first; `items` is the same list, which some clients read."""

    connections: list[CalendarConnection]
    items: list[CalendarConnection]
    total: int = Field(examples=[1])
    providers: list[ProviderState]

    @classmethod
    def of(
        cls, views: Sequence[View], providers: Mapping[CalendarKind, CalendarProvider], now: Instant
    ) -> CalendarConnections:
        """Show a user's connections, and what else he could connect."""
        shown = [CalendarConnection.of(view, now) for view in views]
        states = [_state(kind, providers.get(kind)) for kind in cast(tuple[CalendarKind, ...], get_args(CalendarKind))]
        return cls(connections=shown, items=shown, total=len(shown), providers=states)


class ConnectedCalendar(Answer):
    """One calendar of a connection."""

    id: UUID = Field(examples=[_CALENDAR])
    remote_id: str = Field(examples=["/calendars/ada/work/"], description="What the provider calls it.")
    name: str = Field(examples=["Work"])
    color: str | None = Field(examples=["#0082c9"])
    timezone: str | None = Field(examples=["Europe/Vienna"], description="What all-day events are read in.")
    is_default: bool = Field(examples=[True], description="The provider puts new events into it.")
    writable: bool = Field(examples=[True])
    selected: bool = Field(examples=[True], description="It blocks.")
    is_primary: bool = Field(examples=[True], description="Appointments are written to it.")
    treat_all_as_busy: bool = Field(examples=[False])
    synced_at: Stamp | None = Field(description="When its last whole reading began.")
    unreadable_events: int = Field(
        examples=[0], description="How many of its events may block too little or too much: not all could be read."
    )

    @classmethod
    def of(cls, row: Calendar) -> ConnectedCalendar:
        """Show a calendar."""
        names = (
            "id", "remote_id", "name", "color", "is_default", "writable", "selected", "is_primary",
            "treat_all_as_busy", "synced_at", "unreadable_events",
        )  # fmt: skip
        return cls.model_validate({name: getattr(row, name) for name in names} | {"timezone": row.zone})


class ConnectedCalendars(Answer):
    """The calendars of a connection, the provider's default first; `items` is the same list."""

    calendars: list[ConnectedCalendar]
    items: list[ConnectedCalendar]
    total: int = Field(examples=[1])

    @classmethod
    def of(cls, rows: Sequence[Calendar]) -> ConnectedCalendars:
        """Show calendars."""
        shown = [ConnectedCalendar.of(row) for row in rows]
        return cls(calendars=shown, items=shown, total=len(shown))


class AuthorizationUrl(Answer):
    """Where a user lets us into his calendars."""

    auth_url: str = Field(
        examples=["https://accounts.google.com/o/oauth2/v2/auth?client_id=kalends"],
        description="Open it in the user's browser within ten minutes; it serves once.",
    )
    provider: CalendarKind = Field(examples=["google"])


def _state(kind: CalendarKind, provider: CalendarProvider | None) -> ProviderState:
    missing = [] if provider is None else list(provider.lacking)
    return ProviderState(provider=kind, configured=provider is not None and not missing, missing=missing)
