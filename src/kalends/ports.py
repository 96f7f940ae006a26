"""What is remote, as Protocols: the services speak to these, integrations implement them, tests bring their own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from whenever import Instant

from .errors import Upstream

# Says what time it is; whoever locks asks after the last lock (design section 4).
Clock: TypeAlias = Callable[[], Instant]


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One mail to one recipient, ready to leave.

    Attributes:
        sender: bare address of the envelope's sender.
        recipient: bare address of the one recipient.
        message_id: the value of its Message-ID header, angle brackets included; equal for every attempt.
        content: the whole RFC 5322 message as bytes, CRLF line ends.
    """

    sender: str
    recipient: str
    message_id: str
    content: bytes


class MailRefused(Upstream):
    """The receiver's mail server refuses this mail for good."""

    code = "mail-refused"


class Mailer(Protocol):
    """Whoever carries mail away."""

    async def send(self, mail: OutgoingMail) -> None:
        """Hand one mail over; sending the same mail twice is allowed.

        Raises:
            Upstream: the server could not be reached or put us off; try again later.
            MailRefused: the server refuses this recipient for good.
        """
        ...
