"""Settings -> App, web application and worker; the one module that knows every vendor."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr
from whenever import Instant

from kalends.app import App
from kalends.integrations.smtp import FolderMailer, SmtpMailer
from kalends.ports import CalendarKind, CalendarProvider, ConferenceProvider, Mailer
from kalends.settings import Settings
from kalends.storage import database
from kalends.storage.buckets import RateLimit
from kalends.storage.key_file import KeyFile
from kalends.storage.secret_box import SecretBox

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kalends.integrations.expanding import Expander

CONNECTIONS = 16  # of one process's pool


def build(settings: Settings, conninfo: str, *, connections: int = CONNECTIONS) -> App:
    """Make the App of one process, not yet open.

    Args:
        conninfo: the database, running and migrated before the App is opened.
        connections: the most that its pool ever holds.
    """
    calendars = calendar_providers(settings)
    return App(
        pool=database.pool(conninfo, min_size=min(2, connections), max_size=connections),
        mailer=_mailer(settings),
        base_url=settings.public_url,
        mail_from=settings.sender,
        box=secret_box(settings),
        calendars=calendars,
        closing=calendars.aclose,
        conferences=conference_providers(settings),
        redirect_origins=settings.redirect_origins,
    )


def _mailer(settings: Settings) -> Mailer:
    """Choose who carries mails away: the server of the settings, else the folder of `.eml` files."""
    if settings.smtp_url is not None:
        return SmtpMailer.from_url(settings.smtp_url.get_secret_value())
    return FolderMailer(mail_folder(settings))


def _load(app: App) -> None:
    """Load what speaks to providers now, so that no guest waits for it later."""
    deque(app.calendars.values(), maxlen=0)


class Loaded(Mapping[CalendarKind, CalendarProvider]):
    """Providers by kind, each made when it is first asked for: what speaks to vendors takes long to load."""

    def __init__(self, settings: Settings) -> None:
        self._made: dict[CalendarKind, CalendarProvider] = {}
        self._makers: dict[CalendarKind, Callable[[], CalendarProvider]] = {
            "google": partial(_google, settings),
            "outlook": partial(_microsoft, settings),
            "caldav": lambda: _caldav(settings, "caldav", self._expander),
            "icloud": lambda: _caldav(settings, "icloud", self._expander),
            "ics": lambda: _ics(settings, self._expander),
        }

    def __getitem__(self, kind: CalendarKind) -> CalendarProvider:
        if kind not in self._made:
            self._made[kind] = self._makers[kind]()
        return self._made[kind]

    def __iter__(self) -> Iterator[CalendarKind]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    async def aclose(self) -> None:
        """End the processes that read iCalendar, if there are any."""
        if "_expander" in vars(self):
            await self._expander.aclose()

    @cached_property
    def _expander(self) -> Expander:
        from kalends.integrations.expanding import Expander

        return Expander()


def calendar_providers(settings: Settings) -> Loaded:
    """Choose who keeps calendars; whoever lacks a setting is there too, and says which."""
    return Loaded(settings)


def _caldav(settings: Settings, kind: Literal["caldav", "icloud"], expander: Expander) -> CalendarProvider:
    from kalends.integrations.caldav import CalDavProvider
    from kalends.integrations.web import Web

    return CalDavProvider(kind, Web(settings.outgoing_networks), expander)


def _ics(settings: Settings, expander: Expander) -> CalendarProvider:
    from kalends.integrations.ics import IcsProvider
    from kalends.integrations.web import Web

    return IcsProvider(Web(settings.outgoing_networks), expander)


def _google(settings: Settings) -> CalendarProvider:
    from kalends.integrations.google import GoogleCalendars

    return GoogleCalendars(settings.google_client_id, _plain(settings.google_client_secret), clock=Instant.now)


def _microsoft(settings: Settings) -> CalendarProvider:
    from kalends.integrations.microsoft import MicrosoftCalendars

    return MicrosoftCalendars(
        settings.microsoft_client_id,
        _plain(settings.microsoft_client_secret),
        tenant=settings.microsoft_tenant,
        clock=Instant.now,
    )


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def conference_providers(settings: Settings) -> dict[str, ConferenceProvider]:
    """Choose who makes the links of which channel (contract 2.2); those of Meet and Teams come with calendar events."""
    # Imported here, as below: what speaks to vendors takes long to load, and most commands speak to none.
    from kalends.integrations.jitsi import JitsiRooms

    found: dict[str, ConferenceProvider] = {"jitsi": JitsiRooms(settings.jitsi_url)}
    secret = _plain(settings.zoom_client_secret)
    if settings.zoom_account_id or settings.zoom_client_id or secret:
        from kalends.integrations.zoom import ZoomApp, ZoomMeetings

        app = ZoomApp(settings.zoom_account_id, settings.zoom_client_id, secret)
        found["zoom"] = ZoomMeetings(app, Instant.now)
    return found


def mail_folder(settings: Settings) -> Path:
    """Name the folder that mails are written into while no mail server is set."""
    return settings.data_dir.absolute() / "mails"


def configure_logs(settings: Settings) -> None:
    """Send the log lines of this process and its children to stderr, in the form of the settings."""
    from kalends.edge import logs

    logs.configure(settings.log_format)
    # Lines for every job, step and request that went well; the last with addresses, and an ICS feed's is secret.
    for talkative in ("procrastinate", "alembic", "httpx2"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def web(app: App, settings: Settings) -> FastAPI:
    """Make the web application: API, booking pages, documentation, health; it opens and closes the App."""
    _load(app)
    # Imported here, as in the functions beside it: the commands that serve nothing start in half the time.
    from kalends import pages
    from kalends.api import calendar_hooks, v4
    from kalends.edge import web as edge

    limits = RateLimit(settings.rate_limit_per_minute, settings.rate_limit_burst)
    proxies = [str(network) for network in settings.trusted_proxies]
    routers = [*v4.routers, calendar_hooks.router, *pages.routers]
    express = [*v4.express, *pages.express]
    made = edge.create(app, routers=routers, limits=limits, trusted_proxies=proxies, express=express)
    pages.mount(made)
    return made


async def work(app: App, conninfo: str, stop: asyncio.Event, *, grace_s: float) -> None:
    """Do jobs with an open App until `stop` is set, then finish those in hand, for `grace_s` at most."""
    from kalends.jobs import worker

    _load(app)
    await worker.run(app, conninfo, stop=stop, grace_s=grace_s)


def secret_box(settings: Settings) -> SecretBox:
    """Make the box of secrets at rest: with the keys of the settings, else those of the key file.

    Raises:
        OSError: the file cannot be read or made; raised when something is sealed or opened.
    """
    if settings.secret_key is None:
        keys = KeyFile(key_file(settings))
        return SecretBox(lambda: keys.newest, lambda: keys.previous)
    key = settings.secret_key.get_secret_value().encode()
    previous = [one.get_secret_value().encode() for one in settings.previous_secret_keys]
    return SecretBox(lambda: key, lambda: previous)


def key_file(settings: Settings) -> Path:
    """Name the file that holds the key while the settings hold none."""
    return settings.data_dir.absolute() / "secret.key"
