"""`kalends doctor`: look at everything a running kalends needs, and say how to mend what is wrong."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import typer
from whenever import Instant

from kalends import bootstrap, settings
from kalends.integrations.smtp import SmtpMailer
from kalends.settings import Settings
from kalends.storage import migrations
from kalends.storage.database import adapt_instants

from . import calendar_findings, conference_findings, database
from .failures import sentences
from .finding import Finding

TIMEOUT_S = 5
CLOCK_TOLERANCE_S = 2.0


def doctor() -> None:
    """Check data, database, keys, mail, public address, calendars, meetings, clock; exit code 1 if one is wrong."""
    configured = settings.load()
    wrong = 0
    for finding in findings(configured):
        print(f"{'ok   ' if finding.mend is None else 'WRONG'}  {finding.what}: {finding.state}")
        if finding.mend:
            wrong += 1
            print(f"       {finding.mend}")
        sys.stdout.flush()
    if wrong:
        raise typer.Exit(1)


def findings(configured: Settings) -> Iterator[Finding]:
    """Look at one thing after the other."""
    yield _spelling()
    yield (folder := data_folder(configured.data_dir, embedded=configured.database_url is None))
    if folder.mend is None or configured.database_url is not None:
        yield from _on_database(configured)
    if configured.secret_key is None and os.access(configured.data_dir, os.X_OK):
        yield key_file(bootstrap.key_file(configured))
    yield mail(configured)
    yield (address := public_address(configured))
    yield from calendar_findings.providers(configured, reachable=address.mend is None)
    yield from conference_findings.providers(configured)


def _spelling() -> Finding:
    """Look for variables that begin like a setting and are none."""
    names = settings.unknown_names()
    if names:
        return Finding("Settings", f"{', '.join(names)} unknown", "Correct the name or remove it: docs/settings.md.")
    return Finding("Settings", "all understood")


def data_folder(folder: Path, *, embedded: bool = True) -> Finding:
    """Look whether the data folder is there, ours and closed to others.

    Args:
        embedded: the database stands in it, so that it has to be there already.
    """
    at = folder.absolute()
    try:
        mode = at.stat().st_mode
    except FileNotFoundError:
        if not embedded:
            return Finding("Data folder", f"{at}, made by the next `kalends serve`")
        return Finding("Data folder", f"{at} does not exist", "`kalends migrate` makes it, or set KALENDS_DATA_DIR.")
    except OSError:
        mode = 0  # a folder above is closed to us, or is none
    if not stat.S_ISDIR(mode) or not os.access(at, os.R_OK | os.W_OK | os.X_OK):
        return Finding(
            "Data folder",
            f"{at} cannot be written to",
            "Run kalends as its owner, or set KALENDS_DATA_DIR to a folder that you may write to.",
        )
    if mode & stat.S_IWOTH:
        return Finding("Data folder", f"{at} can be written to by everybody", f"Close it: chmod o-w '{at}'")
    return Finding("Data folder", str(at))


def key_file(path: Path) -> Finding:
    """Look whether the key file, where there is one, is closed to others."""
    if not path.exists():
        return Finding("Key file", "made by the next `kalends serve`")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("Key file", f"{path} can be read by others", f"Close it: chmod 600 '{path}'")
    return Finding("Key file", str(path))


def migrated(current: str | None, newest: str) -> Finding:
    """Compare the database's revision with this program's."""
    if current == newest:
        return Finding("Migrations", f"at {current}, the newest")
    if current is None or current < newest:
        return Finding("Migrations", f"at {current or 'none'}, behind {newest}", "Run `kalends migrate`.")
    return Finding("Migrations", f"at {current}, newer than {newest}", "Install the kalends that migrated it.")


def clock(ours: Instant, database_says: Instant) -> Finding:
    """Compare this machine's clock with the database's: bookings and expiries depend on both."""
    apart = abs((ours - database_says).total("seconds"))
    if apart > CLOCK_TOLERANCE_S:
        state = f"{apart:.0f} s apart from the database's"
        return Finding("Clock", state, "Set the clocks of both machines by NTP (timedatectl set-ntp true).")
    return Finding("Clock", f"{ours.format_iso(unit='second')}, as the database's")


def mail(configured: Settings) -> Finding:
    """Look whether the mail server takes us; nothing is sent."""
    if configured.smtp_url is None:
        return Finding("Mail", "no server set (KALENDS_SMTP_URL): mails are written as .eml files")
    server = SmtpMailer.from_url(configured.smtp_url.get_secret_value())
    address = f"{server.host}:{server.port}"
    try:
        _greet(server)
    except smtplib.SMTPAuthenticationError:
        return Finding("Mail", f"{address} refuses the login", "Correct user and password in KALENDS_SMTP_URL.")
    except (OSError, smtplib.SMTPException) as error:
        state = f"{address} does not take us ({error})"
        return Finding("Mail", state, "Correct host and port in KALENDS_SMTP_URL, or start the mail server.")
    if not configured.mail_from:
        return Finding("Mail", f"{address}, from {configured.sender}", "Set KALENDS_MAIL_FROM to an address of yours.")
    return Finding("Mail", f"{address}, from {configured.sender}")


def _greet(server: SmtpMailer) -> None:
    verified = ssl.create_default_context()
    with ExitStack() as stack:
        if server.tls == "always":
            line: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=verified)
        else:
            line = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        stack.enter_context(line)
        line.ehlo()
        if server.tls == "starttls" or (server.tls == "offered" and line.has_extn("starttls")):
            line.starttls(context=verified)
            line.ehlo()
        if server.user:
            line.login(server.user, server.password or "")


def public_address(configured: Settings) -> Finding:
    """Look whether the address in our links leads to us; that nothing answers may only mean that we are not serving."""
    url = configured.public_url
    host = urlsplit(url).hostname or ""
    mend = "Set KALENDS_BASE_URL to the address that guests reach."
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return Finding("Public address", f"nobody knows the name {host} of {url}", mend)
    try:
        # Without the proxies of the environment: what counts is the address itself.
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{url}/healthz", timeout=TIMEOUT_S) as answer:
            ours = answer.read(100).replace(b" ", b"") == b'{"status":"ok"}'
    except urllib.error.HTTPError:
        ours = False
    except OSError:
        return Finding("Public address", f"{url}, where nothing answers now; `kalends serve` does")
    if not ours:
        return Finding("Public address", f"{url} is answered by another program", mend)
    return Finding("Public address", f"{url} answers")


def _on_database(configured: Settings) -> Iterator[Finding]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(database.running(configured))
            version = database.check_version(server.conninfo)
            current = migrations.current(server.conninfo)
            with psycopg.connect(server.conninfo) as conn:
                adapt_instants(conn)
                row = conn.execute("SELECT clock_timestamp()").fetchone()
                now = Instant.now()
        except Exception as error:  # whatever it is, it is what the doctor is asked to find
            yield Finding("Database", " ".join(sentences(error)), "Mend this first; the rest depends on it.")
            return
        where = "embedded" if configured.database_url is None else "KALENDS_DATABASE_URL"
        yield Finding("Database", f"PostgreSQL {version // 10_000}.{version % 10_000} ({where})")
        yield migrated(current, migrations.newest())
        if row:
            yield clock(now, row[0])
        if current == migrations.newest():
            yield calendar_findings.credentials(configured, server.conninfo)
