"""Mails as files, for a kalends without a mail server: one `.eml` each, which any mail program opens."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path

from whenever import Instant

from kalends.errors import Upstream
from kalends.ports import OutgoingMail


class FolderMailer:
    """A Mailer that writes each mail into a folder; only its owner can read them, for secret links stand in them."""

    def __init__(self, folder: Path) -> None:
        """Name the folder, which is made when the first mail comes."""
        self.folder = folder

    async def send(self, mail: OutgoingMail) -> None:
        """Write one mail; the file's name sorts by time and holds the Message-ID.

        Raises:
            Upstream: the folder cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, mail)
        except OSError as error:
            raise Upstream(f"the mail folder cannot be written: {error.strerror}") from error

    def _write(self, mail: OutgoingMail) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = Instant.now().format_iso(unit="nanosecond").replace(":", "")
        name = re.sub(r"[^A-Za-z0-9.@_-]", "", mail.message_id)[:150]
        handle, draft = tempfile.mkstemp(prefix=".", dir=self.folder)
        with os.fdopen(handle, "wb") as file:
            file.write(mail.content)
        # Renaming is atomic: whoever watches the folder never sees half a mail.
        os.replace(draft, self.folder / f"{stamp}-{name}.eml")
