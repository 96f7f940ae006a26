"""Mails of provisional bookings read back from their bytes: words, links, nothing a guest could send to strangers."""

from html import unescape
from typing import Any

import pytest
from whenever import Instant

from kalends.domain.provisional import News
from kalends.ports import OutgoingMail
from kalends.services import provisional_mails
from kalends.services.messages import Office
from kalends.services.provisional_mails import Request
from tests.mail.snapshots import APPOINTMENT, HOST, guest, parsed, part, snapshot

AT = Instant.parse_iso("2026-10-01T08:00:00Z")
GUEST = APPOINTMENT  # the guest goes by the booking's own id
LINK = f"https://meet.acme.test/p/{APPOINTMENT}/s3cr3t"
TO_GUESTS: list[News] = ["opt-in", "received", "declined", "expired"]


def write(news: News, *, who: dict[str, Any] | None = None, **changes: Any) -> OutgoingMail:
    booking = snapshot(attendees=[guest(id=APPOINTMENT, **(who or {}))]) | {
        "type": "doubleOptIn", "thenHost": False, "status": "pending", "reason": None, "provedAt": None,
        "expiresAt": "2026-10-01T08:30:00Z", "starts": ["2026-10-20T12:00:00Z"],
    } | changes  # fmt: skip
    request = Request(news, HOST if news == "approve" else GUEST, booking, AT, "s3cr3t")
    return provisional_mails.write(request, Office("https://meet.acme.test", "kalends <no-reply@k.test>"))


def texts(mail: OutgoingMail) -> str:
    return part(mail, "plain") + unescape(part(mail, "html"))


def test_the_guest_is_asked_in_his_language_zone_and_clock() -> None:
    german = {"language": "de", "timezone": "Europe/Vienna"}

    english, ours = part(write("opt-in"), "plain"), part(write("opt-in", who=german), "plain")

    assert "Tuesday, October 20, 2026, 8:00 AM – 8:30 AM\n  Eastern Daylight Time (America/New_York)" in english
    assert "Kept until: Thursday, October 1, 2026, 4:30 AM" in english
    assert "Dienstag, 20. Oktober 2026, 14:00 – 14:30" in ours
    assert "Reserviert bis: Donnerstag, 1. Oktober 2026, 10:30" in ours
    assert f"Buchung bestätigen: {LINK}" in ours


@pytest.mark.parametrize("news", [*TO_GUESTS, "approve"])
def test_every_mail_is_spoken_in_german_too(news: News) -> None:
    mails = [write(news, who={"language": language}, hosts=[_host(language)]) for language in ("en", "de")]

    english, german = (part(mail, "plain").splitlines() for mail in mails)
    assert english[0] != german[0]
    assert english[2] != german[2]
    labels = [{line.partition(":")[0] for line in text if ":" in line} for text in (english, german)]
    assert labels[0] & labels[1] <= {"Topic"}


def _host(language: str) -> dict[str, Any]:
    return dict(snapshot()["hosts"][0]) | {"language": language}


@pytest.mark.parametrize("news", TO_GUESTS)
def test_nothing_a_guest_wrote_but_his_name_reaches_an_address_that_has_not_proved_itself(news: News) -> None:
    evil = {"fullname": "Buy at https://evil.test now", "notes": {"Topic": "evil.test"}, "phone": "evil.test"}

    mail = write(news, who=evil, channel="local-attendee", location="evil.test")

    assert "evil.test" not in texts(mail) + str(parsed(mail)["To"])


def test_the_host_reads_who_asks_and_what_he_wrote() -> None:
    text = part(write("approve"), "plain")

    assert "Gast: Jo Lee\n  jo@guest.test\n  +49 30 1234567\nTopic: Roof\n" in text
    assert f"Zusagen oder ablehnen: {LINK}" in text
    assert parsed(write("approve"))["Reply-To"] == "Jo Lee <jo@guest.test>"


def test_a_guest_is_told_why_he_is_declined_and_markup_stays_text() -> None:
    mail = write("declined", status="declined_by_host", isCancelled=True, reason="Full <b>up</b>.\nSorry!")

    assert "Reason: Full <b>up</b>.\n  Sorry!" in part(mail, "plain")
    assert "Full &lt;b&gt;up&lt;/b&gt;." in part(mail, "html")
    assert LINK not in texts(mail)


def test_a_series_shows_all_its_times_and_no_zone_that_is_wrong_for_some() -> None:
    weekly = ["2026-10-20T12:00:00Z", "2026-10-27T13:00:00Z"]

    text = part(write("approve", starts=weekly), "plain")

    times = "Dienstag, 20. Oktober 2026, 14:00 – 14:30\n  Dienstag, 27. Oktober 2026, 14:00 – 14:30"
    assert f"{times}\n  Europe/Berlin" in text


@pytest.mark.parametrize("news", [*TO_GUESTS, "approve"])
def test_each_thing_has_one_mail_of_its_own_name_without_a_calendar(news: News) -> None:
    first, again = write(news), write(news, expiresAt="2026-10-02T08:00:00Z", provedAt="2026-10-01T08:10:00Z")

    assert first.message_id == again.message_id == parsed(first)["Message-ID"]
    assert [one.get_content_type() for one in parsed(first).iter_parts()] == ["text/plain", "text/html"]
    assert len({write(one).message_id for one in TO_GUESTS}) == len(TO_GUESTS)
