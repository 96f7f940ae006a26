"""Who may do what inside his company."""

from uuid import UUID

from kalends.errors import Forbidden

from .actor import Actor


class AdminsOnly(Forbidden):
    """Only administrators of the company may do this."""

    code = "admins-only"


class NotYours(Forbidden):
    """This belongs to another user of the company; only its owner and administrators may change it."""

    code = "not-yours"


def require_admin(actor: Actor) -> None:
    """Refuse whoever does not administer the company.

    Raises:
        AdminsOnly: he does not.
    """
    if not actor.is_admin:
        raise AdminsOnly


def require_own(actor: Actor, user_id: UUID) -> None:
    """Refuse whoever is neither this user nor an administrator.

    Raises:
        NotYours: he is neither.
    """
    if not actor.is_admin and actor.user_id != user_id:
        raise NotYours
