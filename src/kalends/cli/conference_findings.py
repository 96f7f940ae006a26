"""What `kalends doctor` finds of online meetings: whether links can be made, and whether browsers like them."""

from __future__ import annotations

from collections.abc import Iterator

from kalends import bootstrap
from kalends.domain import links
from kalends.settings import Settings, variable

from .finding import Finding


def providers(configured: Settings) -> Iterator[Finding]:
    """Look at each provider that has settings of its own; Meet and Teams come with calendars."""
    made = bootstrap.conference_providers(configured)
    missing = made["zoom"].lacking if "zoom" in made else None
    if missing is None:
        yield Finding("Zoom", f"not set up ({variable('zoom_account_id')})")
    elif missing:
        yield Finding("Zoom", f"{' and '.join(missing)} not set", "Set it: docs/operating.md, Online meetings.")
    else:
        yield Finding("Zoom", "set up")
    yield _jitsi(configured.jitsi_url)


def _jitsi(url: str) -> Finding:
    """Look at the address of the Jitsi Meet; "" is none."""
    if not url:
        return Finding("Jitsi", f"not set up ({variable('jitsi_url')})")
    if not links.is_secure(url):
        return Finding("Jitsi", f"rooms at {url}", "Browsers give camera and microphone to https addresses only.")
    return Finding("Jitsi", f"rooms at {url}")
