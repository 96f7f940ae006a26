"""What `kalends doctor` finds of calendars: who may be connected, where browsers come back to, what can be opened."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from email.message import Message
from typing import IO

import psycopg

from kalends import bootstrap
from kalends.domain import links
from kalends.ports import CalendarKind
from kalends.services.calendar_authorizations import OUR_PAGE, callback
from kalends.settings import Settings, variable
from kalends.storage.secret_box import CannotOpen, SecretBox

from .finding import Finding

TIMEOUT_S = 5
_NAMES: dict[CalendarKind, tuple[str, str]] = {
    "google": ("Google calendars", "google_client_id"),
    "outlook": ("Microsoft calendars", "microsoft_client_id"),
}


def providers(configured: Settings, *, reachable: bool) -> Iterator[Finding]:
    """Look at each provider that has a page of its own.

    Args:
        reachable: our public address leads to us, or to nobody.
    """
    made = bootstrap.calendar_providers(configured)
    for kind, (what, first) in _NAMES.items():
        missing = made[kind].lacking
        if not getattr(configured, first):
            yield Finding(what, f"not set up ({variable(first)})")
        elif missing:
            yield Finding(what, f"{' and '.join(missing)} not set", "Set it: docs/operating.md, Calendars.")
        else:
            yield _redirect_address(configured, kind, reachable=reachable)


def _redirect_address(configured: Settings, kind: CalendarKind, *, reachable: bool) -> Finding:
    """Look whether a provider can send browsers back to us."""
    what, _ = _NAMES[kind]
    address = callback(configured.public_url, kind)
    state = f"browsers come back to {address}"
    if not configured.base_url:
        return Finding(what, state, f"Set {variable('base_url')}: this address has to be registered with the provider.")
    if not links.is_secure(address):
        return Finding(what, state, f"Providers take only https there: set {variable('base_url')} to an https address.")
    if reachable and not _leads_to_us(address):
        mend = "Have the proxy in front pass on everything below /v4."
        return Finding(what, f"{state}, where somebody else answers", mend)
    return Finding(what, f"{state}; register exactly this address")


def credentials(configured: Settings, conninfo: str) -> Finding:
    """Look whether the stored credentials of calendars can be opened with the keys there are."""
    with psycopg.connect(conninfo) as conn:
        found = [bytes(row[0]) for row in conn.execute("SELECT credential FROM calendar_access").fetchall()]
    return opened(configured, found)


def opened(configured: Settings, found: Sequence[bytes]) -> Finding:
    """Look whether sealed credentials can be opened with the keys there are; no key is made for that."""
    what = "Calendar credentials"
    if not found:
        return Finding(what, "none")
    lost = len(found)
    if configured.secret_key is not None or bootstrap.key_file(configured).exists():
        box = bootstrap.secret_box(configured)
        lost = sum(not _opens(box, one) for one in found)
        if not lost and not all(map(box.is_newest, found)):
            return Finding(what, f"{len(found)}, some encrypted with a previous key: `kalends secrets rotate`")
    if lost:
        mend = (
            f"Bring back the key: {variable('previous_secret_keys')}, or a line of secret.key. Or connect them again."
        )
        return Finding(what, f"{lost} of {len(found)} cannot be decrypted with this key", mend)
    return Finding(what, f"{len(found)}, all can be decrypted")


def _opens(box: SecretBox, sealed: bytes) -> bool:
    try:
        box.open(sealed)
    except CannotOpen:
        return False
    return True


class _Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def _leads_to_us(address: str) -> bool:
    """Come back as from a provider, with a state nobody has; True also where nothing answers now."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    try:
        direct.open(address, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as answer:
        return answer.code == 302 and OUR_PAGE in answer.headers.get("Location", "")
    except OSError:
        return True
    return False
