"""Who may send what: posts come from our own pages, and an address asks only so often."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request

from kalends.app import App
from kalends.edge import limits
from kalends.errors import Forbidden, NotFound

# Tokens a minute and at once, for one client address (design section 6).
LOOKING: Final = (240, 480)
SECRETS: Final = (60, 120)
GUESSES: Final = (10, 20)  # of a page's password
SENDING: Final = (60, 60)  # whole offices share an address; how many mails it brings about is limited elsewhere


# One and the same for what is private, deleted or never was.
class PageNotFound(NotFound):
    """There is nothing here."""

    code = "page-not-found"


class ForeignForm(Forbidden):
    """This form was sent by another site."""

    code = "foreign-form"


async def look(app: App, request: Request) -> None:
    """Let an address look at one more page.

    Raises:
        LimitReached: it looks at too many.
    """
    await limits.take_address(app, request, "page", *LOOKING)


async def try_secret(app: App, request: Request) -> None:
    """Let an address try one more guest's secret.

    Raises:
        LimitReached: it tries too many.
    """
    await limits.take_address(app, request, "secret", *SECRETS)


async def send(app: App, request: Request) -> None:
    """Let an address send one more form.

    Raises:
        LimitReached: it sends too many.
    """
    await limits.take_address(app, request, "form", *SENDING)


async def guess(app: App, request: Request, meeting_type_id: UUID) -> None:
    """Let an address try one more password of a meeting type; a right one counts, or wrong ones could be told apart.

    Raises:
        LimitReached: it tries too many.
    """
    await limits.take_address(app, request, f"password:{meeting_type_id}", *GUESSES)


def check_origin(app: App, request: Request) -> None:
    """Refuse a post whose browser says it comes from another site's page.

    Browsers hide the origin of pages that tell no referrer (`Origin: null`); those have a secret in their address,
    which no other site knows. Programs that say nothing are let through: there is no cookie they could misuse.

    Raises:
        ForeignForm
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise ForeignForm
        return
    origin = request.headers.get("origin")
    if origin in (None, "null"):
        return
    ours = {request.headers.get("host", ""), urlsplit(app.base_url).netloc}
    try:
        theirs = urlsplit(str(origin)).netloc
    except ValueError:  # a bracket too few, and the like
        raise ForeignForm from None
    if theirs not in ours:
        raise ForeignForm
