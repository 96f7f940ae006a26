"""Style sheets inside the page: nothing has to be fetched before it can be read.

The content security policy names each by its hash; no other inline style applies.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache, lru_cache

from . import static
from .packing import Part


class Style(Part):
    """A style element that many pages share.

    Attributes:
        source: how the content security policy names it.
    """

    def __init__(self, sheet: str) -> None:
        super().__init__(f"<style>{sheet}</style>")
        digest = hashlib.sha256(sheet.encode()).digest()
        self.source = f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def app() -> Style:
    """Hand out the style sheet of all pages.

    Raises:
        FileNotFoundError: the assets have not been built (`make install` builds them).
    """
    return Style((static.FOLDER / "app.css").read_text("utf-8").strip())


@lru_cache(maxsize=256)
def own(sheet: str) -> Style:
    """Hand out a sheet of somebody's own."""
    return Style(sheet)
