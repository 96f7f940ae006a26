"""Mails of series read back from their bytes: dates, what differs among them, links, calendar files (decision 0008)."""

import re
from email.message import EmailMessage
from html import unescape
from typing import Any

from icalendar import Calendar
from whenever import Instant

from kalends.domain.telling import News
from kalends.integrations.smtp import SmtpMailer
from kalends.ports import OutgoingMail
from kalends.services import series_mails
from kalends.services.mails import Errand
from kalends.services.messages import Office
from tests.mail import smtp_server
from tests.mail.snapshots import FRIEND, GUEST, HOST, SECOND_HOST, calendar, guest, host, parsed, part, snapshot

AT = Instant.parse_iso("2026-10-01T08:00:00Z")
OFFICE = Office("https://meet.acme.test", "kalends <no-reply@k.test>")
FIRST = Instant.parse_iso("2026-10-20T12:00:00Z")


def date(number: int, to: str, news: News = "confirmation", *, shift_h: int = 0, **changes: Any) -> Errand:
    """Make the errand of a week's date; `changes` make it differ from what was told, or from the other dates."""
    start = FIRST.add(hours=7 * 24 * number)
    times = {"start": start.format_iso(), "end": start.add(minutes=30).format_iso()}
    named = {"id": f"0197a000-0000-7000-8000-{number + 1:012}"}
    told = None if news == "confirmation" else snapshot(**named, **times)
    moved = {"start": start.add(hours=shift_h).format_iso(), "end": start.add(hours=shift_h, minutes=30).format_iso()}
    after = {"revision": 1 if told is None else 2, "sequence": 0 if told is None else 1}
    newest = snapshot(**named, **moved, **after, **changes)
    return Errand(news, to, newest["revision"], newest, AT, told and 1, told, f"s{number}" if to == GUEST else None)


def write(*errands: Errand) -> OutgoingMail:
    return series_mails.write(errands, OFFICE)


def cancelled(number: int, to: str = GUEST, **changes: Any) -> Errand:
    return date(number, to, "cancellation", isCancelled=True, cancelSource="host", **changes)


def files(mail: OutgoingMail) -> dict[str, tuple[str, list[str]]]:
    """Read the attached files: method and UIDs of each."""
    found = {}
    for one in parsed(mail).iter_attachments():
        assert isinstance(one, EmailMessage)
        inside = Calendar.from_ical(one.get_content().decode())
        uids = [str(event["UID"]).removesuffix("@kalends")[-1] for event in inside.walk("VEVENT")]
        found[str(one.get_filename())] = (str(inside["METHOD"]), uids)
    return found


def test_all_dates_stand_in_the_readers_language_zone_and_clock() -> None:
    to_guest, to_host = write(*(date(n, GUEST) for n in range(3))), write(*(date(n, HOST) for n in range(3)))

    # New York is four hours behind UTC until 1 November, Berlin one or two ahead: no zone's name fits all dates.
    assert part(to_guest, "plain").startswith(
        "Your booking is confirmed\n\nHello Jo Lee, we look forward to your meetings with Ada Roth.\n"
    )
    assert (
        "When: Tuesday, October 20, 2026, 8:00 AM – 8:30 AM\n"
        "  Tuesday, October 27, 2026, 8:00 AM – 8:30 AM\n"
        "  Tuesday, November 3, 2026, 7:00 AM – 7:30 AM\n"
        "  America/New_York\n"
    ) in part(to_guest, "plain")
    assert part(to_host, "plain").startswith("Neue Buchung\n\nConsultation mit Jo Lee\n")
    assert (
        "Wann: Dienstag, 20. Oktober 2026, 14:00 – 14:30\n"
        "  Dienstag, 27. Oktober 2026, 13:00 – 13:30\n"
        "  Dienstag, 3. November 2026, 13:00 – 13:30\n"
        "  Europe/Berlin\n"
    ) in part(to_host, "plain")
    assert part(to_host, "plain").count("Gast: Jo Lee") == 1


def test_a_guest_gets_to_the_page_of_each_date_and_a_host_to_none() -> None:
    to_guest, to_host = write(date(0, GUEST), date(1, GUEST)), write(date(0, HOST), date(1, HOST))

    pages = [f"https://meet.acme.test/b/0197a000-0000-7000-8000-{n + 1:012}/s{n}" for n in range(2)]
    html = unescape(part(to_guest, "html"))
    assert re.findall(r'<a href="([^"]*)">Tuesday', html) == pages
    assert f"View or change your booking: {pages[0]}" in part(to_guest, "plain")
    assert "/b/" not in part(to_host, "plain") + part(to_host, "html")


def test_the_calendar_part_is_the_first_dates_and_each_date_has_a_file() -> None:
    mail = write(*(date(n, GUEST) for n in range(3)))

    method, event = calendar(mail)
    assert (method, str(event["UID"])[-9], str(event["SUMMARY"])) == ("REQUEST", "1", parsed(mail)["Subject"])
    assert files(mail) == {
        "all-dates.ics": ("PUBLISH", ["1", "2", "3"]),
        "2026-10-20-0800.ics": ("REQUEST", ["1"]),
        "2026-10-27-0800.ics": ("REQUEST", ["2"]),
        "2026-11-03-0700.ics": ("REQUEST", ["3"]),
    }
    assert "all-dates.ics" in part(mail, "plain")


def test_each_date_is_taken_back_by_a_file_of_its_own() -> None:
    mail = write(cancelled(0, cancelReason="I am ill."), cancelled(1, cancelReason="I am ill."))

    assert (calendar(mail)[0], str(calendar(mail)[1]["STATUS"])) == ("CANCEL", "CANCELLED")
    assert files(mail) == {
        "cancel-2026-10-20-0800.ics": ("CANCEL", ["1"]),
        "cancel-2026-10-27-0800.ics": ("CANCEL", ["2"]),
    }
    assert part(mail, "plain").startswith("The meetings are cancelled\n\nHello Jo Lee, your meetings with Ada Roth do")
    assert part(mail, "plain").count("Reason: I am ill.") == 1
    assert "<del>Tuesday, October 20, 2026, 8:00 AM – 8:30 AM<br />Tuesday, October 27" in part(mail, "html")


def test_what_differs_stands_with_its_own_dates_and_the_rest_is_said_once() -> None:
    ben = [host(id=SECOND_HOST, email="ben@acme.test", fullName="Ben Vogt")]

    text = part(write(date(0, GUEST), date(1, GUEST, hosts=ben), date(2, GUEST)), "plain")

    assert "we look forward to your meetings with Ada Roth, Ben Vogt." in text
    assert re.findall(r"^(When|With|What|Where): (.*)", text, re.M) == [
        ("What", "Consultation"),
        ("When", "Tuesday, October 20, 2026, 8:00 AM – 8:30 AM"),
        ("Where", "By phone: +49 30 1234567"),
        ("With", "Ada Roth"),
        ("When", "Tuesday, October 27, 2026, 8:00 AM – 8:30 AM"),
        ("With", "Ben Vogt"),
    ]


def test_a_host_reads_which_dates_are_new_and_which_have_one_guest_more() -> None:
    ann = guest(id=FRIEND, email="ann@guest.test", fullname="Ann May", notes={})

    text = part(write(date(0, HOST, "change", attendees=[ann, guest()]), date(1, HOST)), "plain")

    assert text.startswith("Neue Buchung\n")
    assert re.findall(r"^(Wann|Geändert|Gast): (.*)", text, re.M) == [
        ("Wann", "Dienstag, 27. Oktober 2026, 13:00 – 13:30"),
        ("Gast", "Jo Lee"),
        ("Geändert", "Dienstag, 20. Oktober 2026, 14:00 – 14:30"),
        ("Gast", "Ann May"),
        ("Gast", "Jo Lee"),
    ]


def test_an_answer_called_when_is_no_date() -> None:
    asked = [guest(notes={"Wann": "Morgens"})]

    text = part(write(date(0, HOST, attendees=asked), date(1, HOST, attendees=asked)), "plain")

    assert text.count(" – ") == 2
    assert text.count("Wann: Morgens") == 1


def test_guests_see_nothing_that_they_wrote_themselves() -> None:
    evil = {"fullname": "BUY https://evil.test", "notes": {"q": "evil.test"}, "phone": "evil.test"}

    for mail in (
        write(*(date(n, GUEST, attendees=[guest(**evil)]) for n in range(2))),
        write(*(cancelled(n, attendees=[guest(**evil)]) for n in range(2))),
    ):
        parts = [one.get_payload(decode=True) for one in parsed(mail).walk() if not one.is_multipart()]
        assert not any(b"evil" in content for content in parts if isinstance(content, bytes))
        assert "BUY" not in str(parsed(mail).items())


def test_the_same_errands_are_one_mail_and_others_another() -> None:
    two = [date(0, GUEST), date(1, GUEST)]
    mails = [write(*two), write(*two), write(*two, date(2, GUEST)), write(two[0], date(1, GUEST, "change", shift_h=1))]

    first, again, *others = [one.message_id for one in mails]
    assert first == again == parsed(mails[0])["Message-ID"]
    assert len({first, *others}) == 3


async def test_a_year_of_dates_goes_through_a_mail_server() -> None:
    mail = write(*(date(n, GUEST) for n in range(52)))

    with smtp_server.running() as post:
        await SmtpMailer.from_url(f"smtp://127.0.0.1:{post.port}").send(mail)

    assert post.mails == [mail]
    assert len(files(post.mails[0])) == 53
    assert len(mail.content) < 250_000


def test_dates_to_which_he_comes_by_another_seat_stay_in_the_calendar() -> None:
    gone, seat = guest(isCancelled=True), guest(id=FRIEND, email="JO@guest.test")

    some = write(*(date(n, GUEST, "cancellation", attendees=[gone, seat][: 2 - n]) for n in range(2)))
    none = write(*(date(n, GUEST, "cancellation", attendees=[gone, seat]) for n in range(2)))

    assert files(some) == {"cancel-2026-10-27-0800.ics": ("CANCEL", ["2"])}
    assert calendar(some)[0] == "CANCEL"
    assert files(none) == {}
    assert parsed(none).get_content_type() == "multipart/alternative"
