"""What Microsoft Graph's refusals mean; what it writes in them is never repeated, for it may name people."""

from __future__ import annotations

import re

from kalends.errors import Upstream
from kalends.integrations.oauth import Answer
from kalends.ports import CredentialRefused

VENDOR = "Microsoft"

_NO_MAILBOX = frozenset({"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"})
_STATE_LOST = frozenset({"syncStateNotFound", "syncStateInvalid", "resyncRequired", "SyncStateNotFound"})
_CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")


class Missing(Upstream):
    """Just the thing asked for is not there."""


def code(answer: Answer) -> str:
    """Read the refusal's code; empty: it has none."""
    error = answer.body.get("error")
    given = error.get("code") if isinstance(error, dict) else None
    return given if isinstance(given, str) and _CODE.fullmatch(given) else ""


def no_mailbox(answer: Answer) -> bool:
    """Say whether this account has no mailbox, or none that Graph reaches (no licence, kept on premises)."""
    return code(answer) in _NO_MAILBOX


def gone(answer: Answer) -> bool:
    """Say whether just the thing asked for is not there, and nothing else is missing."""
    return answer.status == 410 or (answer.status == 404 and code(answer) == "ErrorItemNotFound")


def changed(answer: Answer) -> bool:
    """Say whether it has another version than the one we named."""
    return answer.status == 412 or (answer.status == 409 and code(answer) == "ErrorIrresolvableConflict")


def state_lost(answer: Answer) -> bool:
    """Say whether Graph does not know any more where the last reading ended."""
    return answer.status == 410 or (400 <= answer.status < 500 and code(answer) in _STATE_LOST)


def refused(answer: Answer, *, writing: bool = False) -> Upstream:
    """Make the error of a refusal that means nothing special where it happened.

    Args:
        writing: then 403 speaks of one event or calendar, not of the whole account.
    """
    if no_mailbox(answer):
        return CredentialRefused(f"this account at {VENDOR} has no mailbox any more")
    if answer.status == 403 and not writing:
        return CredentialRefused(f"{VENDOR} does not let us in; the calendar has to be connected again")
    kind = Missing if gone(answer) else Upstream
    return kind(f"{VENDOR} answers {answer.status} {code(answer)}".rstrip())
