"""The two mailers: a real SMTP server, TLS with verified certificates, and the folder."""

import asyncio
import os
import re
import stat
from pathlib import Path

import pytest

from kalends.errors import Upstream
from kalends.integrations.smtp import FolderMailer, SmtpMailer
from kalends.ports import MailRefused, MailUnanswered, OutgoingMail
from tests.mail import smtp_server
from tests.mail.smtp_server import Post

# The servers of these tests ask for a password without TLS of their own accord.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

MAIL = OutgoingMail(
    "no-reply@k.test",
    "jo@guest.test",
    "<1.2@k.test>",
    b"Message-ID: <1.2@k.test>\r\nSubject: Hi\r\n\r\nText\r\n.dot\r\n",
)


async def test_a_mail_arrives_as_it_was_written() -> None:
    with smtp_server.running() as post:
        await SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}").send(MAIL)

    assert post.mails == [MAIL]


@pytest.mark.parametrize(("tls", "scheme"), [("starttls", "smtp"), ("starttls", "smtp+starttls"), ("always", "smtps")])
async def test_a_mail_goes_through_tls_with_a_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tls: str, scheme: str
) -> None:
    smtp_server.AUTHORITY.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    with smtp_server.running(tls=tls, auth=True) as post:
        await SmtpMailer.from_url(f"{scheme}://us%40er:pa%20ss@localhost:{post.port}").send(MAIL)

    assert (post.mails, post.logins) == ([MAIL], [(b"us@er", b"pa ss")])


@pytest.mark.parametrize(("tls", "scheme"), [("starttls", "smtp"), ("starttls", "smtp+starttls"), ("always", "smtps")])
async def test_a_server_with_a_certificate_nobody_vouches_for_gets_nothing(tls: str, scheme: str) -> None:
    with smtp_server.running(tls=tls, auth=True) as post, pytest.raises(Upstream) as caught:
        await SmtpMailer.from_url(f"{scheme}://user:pa%20ss@localhost:{post.port}").send(MAIL)

    assert (type(caught.value), post.mails, post.logins) == (Upstream, [], [])


async def test_no_password_is_sent_where_tls_was_asked_for_and_is_not_offered() -> None:
    with smtp_server.running(auth=True) as post, pytest.raises(Upstream):
        await SmtpMailer.from_url(f"smtp+starttls://user:pa%20ss@localhost:{post.port}").send(MAIL)

    assert (post.mails, post.logins) == ([], [])


@pytest.mark.parametrize(
    ("answer", "kind"), [("550 no such user", MailRefused), ("554 no", MailRefused), ("451 later", Upstream)]
)
async def test_never_is_told_from_not_now(answer: str, kind: type[Upstream]) -> None:
    with smtp_server.running(Post(answers=[answer])) as post, pytest.raises(Upstream) as by_recipient:
        await SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}").send(MAIL)
    with smtp_server.running(Post(data_answer=answer)) as post, pytest.raises(Upstream) as by_content:
        await SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}").send(MAIL)

    assert (type(by_recipient.value), type(by_content.value)) == (kind, kind)
    assert "guest.test" not in by_recipient.value.message  # it goes into the log


async def test_a_wrong_password_and_a_server_that_is_away_are_worth_another_try() -> None:
    with smtp_server.running(auth=True) as post, pytest.raises(Upstream) as wrong:
        await SmtpMailer.from_url(f"smtp://user:nope@127.0.0.1:{post.port}").send(MAIL)
    with pytest.raises(Upstream) as away:
        await SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}").send(MAIL)

    assert (type(wrong.value), type(away.value)) == (Upstream, Upstream)


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kalends.integrations.smtp.server.TIMEOUT_S", 1.5)
    post = Post()
    post.stall.set()

    with smtp_server.running(post), pytest.raises(MailUnanswered):
        await asyncio.wait_for(SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}").send(MAIL), 30)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.test", ("mail.test", 25, "offered")),
        ("smtp://u:p@mail.test", ("mail.test", 587, "starttls")),
        ("smtp://u:p@localhost", ("localhost", 25, "offered")),
        ("smtp://u:p@[::1]:26", ("::1", 26, "offered")),
        ("smtp+starttls://mail.test", ("mail.test", 587, "starttls")),
        ("smtps://mail.test", ("mail.test", 465, "always")),
        ("smtps://mail.test:2525", ("mail.test", 2525, "always")),
    ],
)
def test_addresses_of_servers(url: str, expected: tuple[str, int, str]) -> None:
    mailer = SmtpMailer.from_url(url)

    assert (mailer.host, mailer.port, mailer.tls) == expected


@pytest.mark.parametrize("url", ["http://mail.test", "smtp://", "mail.test", "smtp://mail.test:x"])
def test_what_is_no_address_of_a_server(url: str) -> None:
    with pytest.raises(ValueError):
        SmtpMailer.from_url(url)


async def test_without_a_server_mails_become_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mails"

    await FolderMailer(folder).send(MAIL)
    await FolderMailer(folder).send(MAIL)

    files = sorted(folder.iterdir())
    assert [file.read_bytes() for file in files] == [MAIL.content] * 2
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d{6}\.\d{9}Z-1\.2@k\.test\.eml", file.name) for file in files)
    assert [stat.S_IMODE(os.stat(path).st_mode) for path in (folder, files[0])] == [0o700, 0o600]


async def test_a_folder_that_cannot_be_written_is_worth_another_try(tmp_path: Path) -> None:
    (tmp_path / "mails").write_text("a file stands in the way")

    with pytest.raises(Upstream):
        await FolderMailer(tmp_path / "mails").send(MAIL)
