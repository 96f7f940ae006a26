"""Who asks for something: one value for credentials, guests, pages and the program itself."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Via = Literal["token", "key", "guest", "page", "cli", "calendar", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting user of one company, and how he came in.

    Attributes:
        user_id: the user acted as; a guest acts on no user's behalf (None).
        is_admin: the acting user administers the company; always False for guests.
        via: which door was used; events keep it.
        credential_id: the personal token or platform key used, None without one.
        attendee_id: the attendee whose secret a guest showed.
        client: the address (IPv6: the /64) a guest without a credential came from; what he brings about mails
            only so many guests an hour (design section 6). None for everybody else.
    """

    company_id: UUID
    user_id: UUID | None
    is_admin: bool
    via: Via
    credential_id: UUID | None = None
    attendee_id: UUID | None = None
    client: str | None = None
