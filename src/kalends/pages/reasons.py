"""Reasons people give for cancelling or declining."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import FormData

MAX_REASON: Final = 500


def sent(data: FormData) -> str:
    """Read the reason out of a form; "" where none was given."""
    text = data.get("reason")
    return text.strip() if isinstance(text, str) else ""


def unfit(reason: str) -> bool:
    """Tell whether a reason cannot be kept: it is too long, or holds what no text column takes."""
    return len(reason) > MAX_REASON or "\0" in reason
