"""Who may do what inside his company."""

from typing import Literal
from uuid import UUID

from kalends.errors import Forbidden, NotFound
from kalends.storage import users
from kalends.storage.database import Connection
from kalends.storage.users import User

from .actor import Actor


class UserNotFound(NotFound):
    """User not found"""

    code = "user-not-found"


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


async def acting_user(conn: Connection, actor: Actor, *, lock: Literal["share", "change"] | None = None) -> User:
    """Find the user the actor acts as; locked until the transaction ends where asked for.

    Raises:
        UserNotFound: he was deleted meanwhile, or the actor acts as nobody.
    """
    found = await users.get(conn, actor.company_id, actor.user_id, lock=lock) if actor.user_id else None
    if found is None:
        raise UserNotFound
    return found
