"""A worker in a process of its own, for tests that kill it: conninfo and SMTP port are its arguments."""

import asyncio
import sys

from kalends.app import App
from kalends.integrations.smtp import SmtpMailer
from kalends.jobs import worker
from kalends.storage import database
from kalends.storage.secret_box import SecretBox


async def main(conninfo: str, port: str) -> None:
    app = App(
        pool=database.pool(conninfo, min_size=1, max_size=4),
        mailer=SmtpMailer.from_url(f"smtp://127.0.0.1:{port}"),
        base_url="http://kalends.test",
        mail_from="kalends <no-reply@kalends.test>",
        box=SecretBox(lambda: b"known to all tests"),
    )
    await app.open()
    await worker.run(app, conninfo, stop=asyncio.Event())


asyncio.run(main(*sys.argv[1:]))
