"""A real SMTP server for tests: aiosmtpd in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

from kalends.ports import OutgoingMail
from tests import ports

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost", "127.0.0.1")


@dataclass
class Post:
    """What the server does with mails: keeps them in `mails`, or says the next of `answers` instead.

    Attributes:
        answers: for each RCPT, before it accepts; None accepts.
        stall: while set, a mail is kept waiting after its last byte; `stalled` tells that one does.
    """

    mails: list[OutgoingMail] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    data_answer: str | None = None
    stall: threading.Event = field(default_factory=threading.Event)
    stalled: threading.Event = field(default_factory=threading.Event)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd looks for
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        while self.stall.is_set():
            self.stalled.set()
            await asyncio.sleep(0.02)
        if self.data_answer:
            return self.data_answer
        assert isinstance(envelope.content, bytes)
        (recipient,) = envelope.rcpt_tos
        message_id = next(
            line[12:].strip()
            for line in envelope.content.decode().split("\r\n")
            if line.lower().startswith("message-id:")
        )
        self.mails.append(OutgoingMail(envelope.mail_from or "", recipient, message_id, envelope.content))
        return "250 OK"

    def login(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"pa ss", handled=False)


@contextmanager
def running(post: Post | None = None, *, tls: str = "none", auth: bool = False, port: int = 0) -> Iterator[Post]:
    """Run a server on a port of its own; `tls`: none, starttls or always."""
    post = post or Post()
    context = None
    if tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        CERTIFICATE.configure_cert(context)
    options: dict[str, Any] = {"tls_context": context, "require_starttls": True} if tls == "starttls" else {}
    if auth:
        options |= {"authenticator": post.login, "auth_required": True, "auth_require_tls": tls == "starttls"}
    server = Controller(
        post, hostname="127.0.0.1", port=port, ssl_context=context if tls == "always" else None, **options
    )
    if port == 0:
        server.port = ports.free()
    server.start()
    post.port = server.port
    try:
        yield post
    finally:
        post.stall.clear()
        server.stop()
