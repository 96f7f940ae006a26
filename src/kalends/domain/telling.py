"""What a recipient has to be told: the difference between the snapshot he knows and the newest one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from .itip import Snapshot

News: TypeAlias = Literal["confirmation", "change", "cancellation"]

# What is said in a mail, so a change of it is worth one; notes and internal fields are not.
_SHOWN = ("start", "end", "channel", "location", "icsTitle", "icsDescription")


def news(told: Snapshot | None, newest: Snapshot, recipient_id: str) -> News | None:
    """Decide which mail a recipient is owed; None: nothing that concerns him is new.

    Args:
        told: the snapshot he was last told of; None if he was never told anything.
        recipient_id: id of a host or an attendee.
    """
    before = _taking_part(told, recipient_id) if told else None
    after = _taking_part(newest, recipient_id)
    if not after:
        return "cancellation" if before else None
    if not before or not told or before.get("email") != after.get("email"):
        return "confirmation"
    return "change" if _shown(told, recipient_id) != _shown(newest, recipient_id) else None


def _taking_part(snapshot: Snapshot, recipient_id: str) -> Mapping[str, Any] | None:
    """Find the host or attendee of this id if the meeting takes place with him; None otherwise."""
    if snapshot["isCancelled"]:
        return None
    for person in (*snapshot["hosts"], *snapshot["attendees"]):
        if person["id"] == recipient_id:
            return None if person.get("isCancelled") else person
    return None


def moved(told: Snapshot | None, newest: Snapshot) -> bool:
    """Tell whether the time differs from the one a recipient knows."""
    return told is not None and (told["start"], told["end"]) != (newest["start"], newest["end"])


def guests_changed(told: Snapshot, newest: Snapshot) -> tuple[int, int]:
    """Count the guests who came and who left since a snapshot."""
    before, after = _coming(told), _coming(newest)
    return len(after - before), len(before - after)


def _coming(snapshot: Snapshot) -> set[str]:
    return {guest["id"] for guest in snapshot["attendees"] if not guest.get("isCancelled")}


def _shown(snapshot: Snapshot, recipient_id: str) -> tuple[object, ...]:
    hosts = tuple(host["id"] for host in snapshot["hosts"])
    # Hosts are told who comes; guests learn nothing of each other.
    guests = {a["id"]: a.get("email") for a in snapshot["attendees"] if not a.get("isCancelled")}
    link = (snapshot["meetingInfo"] or {}).get("meetingLink")
    return (*(snapshot.get(key) for key in _SHOWN), link, hosts, guests if recipient_id in hosts else None)
