"""How people meet, in words (the channels of contract 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kalends.domain.channels import PRODUCTS
from kalends.languages import Translate

# The host calls, if he is told a number.
CALLS_GUEST = frozenset({"phone", "whatsapp"})


def text(_: Translate, channel: str, info: Mapping[str, Any], location: str | None = None) -> str:
    """Say how people meet.

    Args:
        info: the type's meetingInfo.
        location: the place that was chosen, if one was.
    """
    if channel in ("local", "resource"):
        return location or _("In person")
    if channel == "local-attendee":
        return location or _("At your place")
    if channel == "phone":
        return _("Phone call")
    if channel == "phone-incoming":
        return location or _("You call by phone")
    if channel == "custom":
        return str(info.get("customChannelName") or _("Online"))
    if channel == "connect":
        return str(info.get("connectChannelName") or _("Video call"))
    return PRODUCTS.get(channel) or _("Online")
