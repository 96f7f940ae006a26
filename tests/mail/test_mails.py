"""Mails read back from their bytes: words, zones, headers, the iCalendar part (cases I05, I07, T02, T19)."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parseaddr
from html import unescape
from typing import Any

import pytest
from whenever import Instant

from kalends.domain.telling import News
from kalends.ports import OutgoingMail
from kalends.services import mails
from kalends.services.mails import Errand
from kalends.services.messages import Office
from tests.mail.snapshots import (
    APPOINTMENT,
    FRIEND,
    GUEST,
    HOST,
    SECOND_HOST,
    calendar,
    guest,
    host,
    parsed,
    part,
    snapshot,
)

AT = Instant.parse_iso("2026-10-01T08:00:00Z")
LINK = f"https://meet.acme.test:8443/b/{APPOINTMENT}/s3cr3t"


def write(to: str, news: News = "confirmation", *, told: dict[str, Any] | None = None, **changes: Any) -> OutgoingMail:
    newest = snapshot(**changes)
    secret = None if to in (HOST, SECOND_HOST) else "s3cr3t"
    errand = Errand(news, to, newest["revision"], newest, AT, told and told["revision"], told, secret)
    return mails.write(errand, Office("https://meet.acme.test:8443", "kalends <no-reply@k.test>"))


def test_each_reads_his_own_language_zone_and_clock() -> None:
    # Booked in summer time for a day after the change (T02); a host in Berlin, a guest in New York (T19, I05).
    after_the_change = {"start": "2026-10-27T13:00:00Z", "end": "2026-10-27T13:30:00Z"}

    to_guest, to_host = write(GUEST, **after_the_change), write(HOST, **after_the_change)

    assert "Tuesday, October 27, 2026, 9:00 AM – 9:30 AM\n  Eastern Daylight Time (America/New_York)" in part(
        to_guest, "plain"
    )
    assert "Dienstag, 27. Oktober 2026, 14:00 – 14:30\n  Mitteleuropäische Normalzeit (Europe/Berlin)" in part(
        to_host, "plain"
    )
    assert [parsed(mail)["Subject"] for mail in (to_guest, to_host)] == [
        "Consultation with Ada Roth",
        "Consultation mit Jo Lee",
    ]
    assert part(to_guest, "plain").startswith("Your booking is confirmed\n")
    assert part(to_host, "plain").startswith("Neue Buchung\n")
    assert {calendar(mail)[1].start.isoformat() for mail in (to_guest, to_host)} == {"2026-10-27T13:00:00+00:00"}


def test_a_guest_who_wants_24_hours_gets_them() -> None:
    mail = write(GUEST, attendees=[guest(language="en-GB", timezone="Europe/London")])

    assert "Tuesday, 20 October 2026, 13:00 – 13:30\n  British Summer Time (Europe/London)" in part(mail, "plain")


def test_a_guest_without_language_and_zone_reads_the_companys_language_and_the_hosts_zone() -> None:
    mail = write(GUEST, attendees=[guest(language=None, timezone=None)])

    assert "Dienstag, 20. Oktober 2026, 14:00 – 14:30" in part(mail, "plain")


def test_a_zone_nobody_knows_is_read_as_utc() -> None:
    mail = write(GUEST, attendees=[guest(timezone="Mars/Olympus")])

    assert "Tuesday, October 20, 2026, 12:00 PM – 12:30 PM\n  Coordinated Universal Time (UTC)" in part(mail, "plain")


@pytest.mark.parametrize("to", [HOST, GUEST, FRIEND])
@pytest.mark.parametrize("news", ["confirmation", "change"])
def test_the_subject_of_an_invitation_is_the_title_in_the_calendar(to: str, news: News) -> None:
    friend = guest(id=FRIEND, email="pal@x.test", fullname="pal", broughtAlong=True)

    mail = write(to, news, told=snapshot() if news == "change" else None, attendees=[guest(), friend])

    method, event = calendar(mail)
    assert (method, parsed(mail)["Subject"]) == ("REQUEST", str(event["SUMMARY"]))


def test_the_parts_stand_where_mail_programs_look_for_them() -> None:
    message = parsed(write(GUEST))

    assert message.get_content_type() == "multipart/mixed"
    alternatives, attachment = message.iter_parts()
    assert [p.get_content_type() for p in alternatives.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    calendar_part = list(alternatives.iter_parts())[-1]
    assert dict(calendar_part["Content-Type"].params) == {"method": "REQUEST", "charset": "utf-8"}
    assert (attachment.get_content_type(), attachment.get_filename()) == ("application/ics", "invite.ics")
    assert attachment.get_content().decode() == calendar_part.get_content()
    outer, inner = message.get_boundary(), alternatives.get_boundary()
    assert outer
    assert inner
    assert not inner.startswith(outer)


def test_headers_say_who_writes_to_whom() -> None:
    to_guest, to_host = write(GUEST), write(HOST, "change", told=snapshot(), revision=4)

    names = ("From", "To", "Reply-To", "Message-ID", "References", "Date", "Auto-Submitted")
    assert [parsed(to_guest)[name] for name in names] == [
        "Acme <no-reply@k.test>",
        "Jo Lee <jo@guest.test>",
        "Ada Roth <ada@acme.test>",
        f"<{APPOINTMENT}.1.{GUEST}@meet.acme.test>",
        None,
        "Thu, 01 Oct 2026 08:00:00 +0000",
        "auto-generated",
    ]
    assert [parsed(to_host)[name] for name in names[1:5]] == [
        "Ada Roth <ada@acme.test>",
        "Jo Lee <jo@guest.test>",
        f"<{APPOINTMENT}.4.{HOST}@meet.acme.test>",
        f"<{APPOINTMENT}.1.{HOST}@meet.acme.test>",
    ]
    assert (to_guest.sender, to_guest.recipient, to_guest.message_id) == (
        "no-reply@k.test", "jo@guest.test", f"<{APPOINTMENT}.1.{GUEST}@meet.acme.test>",
    )  # fmt: skip


def test_only_the_guest_gets_his_link() -> None:
    to_guest, to_host = write(GUEST), write(HOST)

    assert LINK in part(to_guest, "plain")
    assert f'href="{LINK}"' in unescape(part(to_guest, "html"))
    assert LINK in str(calendar(to_guest)[1]["DESCRIPTION"])
    assert b"s3cr3t" not in to_host.content
    assert "/b/" not in part(to_host, "plain") + part(to_host, "html") + str(calendar(to_host)[1])


def test_the_host_reads_who_comes_and_what_he_answered() -> None:
    friend = guest(id=FRIEND, email="pal@x.test", fullname="pal", phone=None, notes={}, broughtAlong=True)

    text = part(write(HOST, attendees=[guest(notes={"Topic": "Roof", "Tools": ["Saw", "Nail"]}), friend]), "plain")

    assert "Gast: Jo Lee\n  jo@guest.test\n  +49 30 1234567\nTopic: Roof\nTools: Saw, Nail\n" in text
    assert "Bringt mit: pal\n  pal@x.test\n" in text


def test_the_fields_of_the_booking_page_are_named_in_the_hosts_language() -> None:
    answered = guest(notes={"note": "Muster", "address": "Ring 1", "Insured": "true", "Note": False, "n": 1})

    mail = write(HOST, attendees=[answered])

    told = "Nachricht: Muster\nAdresse: Ring 1\nInsured: Ja\n"
    assert f"{told}Note: Nein\nn: 1\n" in part(mail, "plain")
    assert f"{told}n: 1" in str(calendar(mail)[1]["DESCRIPTION"])


def test_a_change_shows_the_old_time_and_the_new_one() -> None:
    moved = {"revision": 2, "sequence": 1, "start": "2026-10-21T12:00:00Z", "end": "2026-10-21T12:30:00Z"}

    mail = write(GUEST, "change", told=snapshot(), **moved)

    assert part(mail, "plain").startswith("The meeting has been moved\n")
    assert re.findall("(?:When|Before): (.*)", part(mail, "plain")) == [
        "Wednesday, October 21, 2026, 8:00 AM – 8:30 AM",
        "Tuesday, October 20, 2026, 8:00 AM – 8:30 AM",
    ]
    assert "<del>Tuesday, October 20, 2026, 8:00 AM – 8:30 AM<br />" in part(mail, "html")
    assert calendar(mail)[1]["SEQUENCE"] == 1


def test_a_cancellation_takes_the_invitation_back() -> None:
    gone = {"revision": 2, "sequence": 1, "isCancelled": True, "cancelSource": "host", "cancelReason": "I am ill."}

    mail = write(GUEST, "cancellation", told=snapshot(), **gone)

    method, event = calendar(mail)
    assert (method, event["SEQUENCE"], str(event["STATUS"])) == ("CANCEL", 1, "CANCELLED")
    assert parsed(mail)["Subject"] == "Cancelled: Consultation with Ada Roth"
    assert "Reason: I am ill." in part(mail, "plain")
    assert (
        parsed(write(HOST, "cancellation", told=snapshot(), **gone))["Subject"] == "Abgesagt: Consultation mit Jo Lee"
    )


def test_a_guest_taken_off_alone_is_the_only_one_named() -> None:
    friend = guest(id=FRIEND, email="pal@x.test", fullname="pal", broughtAlong=True, isCancelled=True)

    mail = write(FRIEND, "cancellation", told=snapshot(), attendees=[guest(), friend])

    method, event = calendar(mail)
    assert (method, str(event["ATTENDEE"]), "STATUS" in event) == ("CANCEL", "mailto:pal@x.test", False)
    assert part(mail, "plain").startswith("You no longer take part\n")
    assert b"jo@guest.test" not in mail.content


def test_all_hosts_of_a_collective_booking_are_invited_and_named() -> None:
    both = [host(), host(id=SECOND_HOST, email="ben@acme.test", fullName="Ben Vogt", language="en")]

    to_guest, to_second = write(GUEST, hosts=both), write(SECOND_HOST, hosts=both)

    assert "With: Ada Roth, Ben Vogt" in part(to_guest, "plain")
    for mail in (to_guest, to_second):
        assert [str(one) for one in calendar(mail)[1]["ATTENDEE"]] == [
            "mailto:ada@acme.test",
            "mailto:ben@acme.test",
            "mailto:jo@guest.test",
        ]
    assert part(to_second, "plain").startswith("New booking\n")


def test_guests_see_nothing_that_another_guest_or_they_themselves_wrote() -> None:
    # Anybody could have typed the address: our mail must not carry his text to it (design section 6).
    evil = "BUY-THIS https://evil.test"
    booker = guest(fullname=evil, phone=evil, notes={"q": evil})
    friend = guest(id=FRIEND, email="pal@x.test", fullname=evil, phone=evil, notes={"q": evil}, broughtAlong=True)
    words = {"channel": "local-attendee", "location": evil, "cancelSource": "attendee", "cancelReason": evil}
    templates = {"title": {"en": "{!M.Guest.Fullname} {!M.Guest.Phone} {!M.Meeting.Venue}"}}

    for to in (GUEST, FRIEND):
        for mail in (
            write(to, attendees=[booker, friend], ics=templates, **words),
            write(to, "cancellation", told=snapshot(), attendees=[booker, friend], isCancelled=True, **words),
        ):
            everything = "".join(
                p.get_payload(decode=True).decode()
                for p in message_from_bytes(mail.content).walk()
                if not p.is_multipart()
            )
            assert "evil" not in everything + str(parsed(mail).items())
            assert "BUY-THIS" not in everything + str(parsed(mail).items())
    assert "BUY-THIS" in part(write(HOST, attendees=[booker], **words), "plain")


def test_who_is_brought_along_reads_who_asks_him() -> None:
    friend = guest(id=FRIEND, email="pal@x.test", fullname="pal", broughtAlong=True)

    mail = write(FRIEND, attendees=[guest(), friend])

    assert "Jo Lee asks you to come to a meeting with Ada Roth." in part(mail, "plain")
    assert b"jo@guest.test" not in mail.content


def test_in_a_group_only_who_brought_him_along_asks_him() -> None:
    """Case G05: others booked before."""
    other = guest(id=SECOND_HOST[:-1] + "f", email="ann@guest.test", fullname="Ann Other", phone="+43 1 999999")
    friend = guest(id=FRIEND, email="pal@x.test", fullname="pal", phone=None, broughtAlong=True, broughtBy=GUEST)
    templates = {"title": "{!M.Guest.Fullname} {!M.Guest.Phone}"}

    for gone in (False, True):
        mail = write(FRIEND, attendees=[other, guest(isCancelled=gone), friend], ics=templates)

        assert "Jo Lee asks you to come" in part(mail, "plain")
        assert str(calendar(mail)[1]["SUMMARY"]).startswith("Jo Lee")
        assert "Ann" not in part(mail, "plain")
        assert "999999" not in part(mail, "plain")


@pytest.mark.parametrize(
    "evil",
    [
        "Jo\r\nBcc: spy@evil.test",
        "Jo\nX: y",
        "Jo <spy@evil.test>,",
        '"',
        "\u2028x",
        "é" * 80,
        "=?utf-8?q?Jo=0D=0ABcc:_spy=40evil.test?=",
    ],
)
def test_no_text_breaks_out_of_its_header(evil: str) -> None:
    mail = write(
        HOST,
        hosts=[host(fullName=evil)],
        attendees=[guest(fullname=evil)],
        companyName=evil,
        meetingInfo={"name": evil, "description": evil},
        icsTitle=evil,
    )

    message = parsed(mail)
    assert set(message.keys()) == {
        "From", "To", "Reply-To", "Subject", "Message-ID", "Date", "Auto-Submitted", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert [[a.addr_spec for a in message[name].addresses] for name in ("From", "To", "Reply-To")] == [
        ["no-reply@k.test"], ["ada@acme.test"], ["jo@guest.test"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words", ["Żółć & Söhne, " * 9 + "Inc.", '"Rockets", Inc. \\o/', "=?utf-8?q?Jo?=", "a" * 300, "会議" * 60]
)
def test_a_header_is_read_as_it_was_written(words: str) -> None:
    mail = write(HOST, companyName=words, icsTitle=words)

    message, head = message_from_bytes(mail.content), mail.content.partition(b"\r\n\r\n")[0]
    sender, address = parseaddr(message["From"])
    assert [str(make_header(decode_header(one))) for one in (message["Subject"], sender)] == [words, words]
    assert address == "no-reply@k.test"
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?\S+", head))
    assert max(map(len, head.split(b"\r\n"))) <= 500


def test_the_same_errand_makes_the_same_mail() -> None:
    assert write(GUEST).content == write(GUEST).content


def test_the_words_of_a_booking_are_for_those_who_came_by_it() -> None:
    """Case G05: whoever joins a group later does not read them."""
    first = guest(id=SECOND_HOST[:-1] + "f", email="ann@guest.test")
    with_first = guest(id=FRIEND, email="pal@x.test", broughtAlong=True, broughtBy=first["id"])

    titles = [
        str(calendar(write(to, attendees=[first, guest(), with_first], icsTitle="About Ann"))[1]["SUMMARY"])
        for to in (HOST, FRIEND, GUEST)
    ]

    assert [title == "About Ann" for title in titles] == [True, True, False]


def test_no_question_passes_for_facts_of_ours() -> None:
    """Keys of the page's address stand among the notes."""
    mail = write(HOST, attendees=[guest(notes={"x\r\nWhere: https://evil.test/\u2028Z": "y"})])

    assert "\nx Where: https://evil.test/ Z: y\n" in part(mail, "plain")
    assert "\nx Where: https://evil.test/ Z: y" in str(calendar(mail)[1]["DESCRIPTION"])


def test_no_name_reorders_what_stands_beside_it() -> None:
    mail = write(HOST, attendees=[guest(fullname="Jo \u202eeeL\u2066", notes={"\u202eq": "\u202da"})])

    assert "Jo eeL" in part(mail, "plain")
    shown = [
        part(mail, "plain"),
        part(mail, "html"),
        str(parsed(mail)["Subject"]),
        str(calendar(mail)[1].to_ical(), "utf-8"),
    ]
    assert not [one for one in shown if set(one) & set("\u202d\u202e\u2066")]


def test_what_people_write_is_text_in_html() -> None:
    html = part(write(HOST, attendees=[guest(fullname="<b>Jo</b>", notes={"<i>": "<script>"})]), "html")

    assert "&lt;b&gt;Jo&lt;/b&gt;" in html
    assert "<script>" not in html
    assert "<i>" not in html


def test_the_types_templates_and_the_bookings_own_words_go_first() -> None:
    templates = {
        "title": {"en": "{!M.Meeting.Name}: {!M.Guest.Fullname} + {!M.Host.Fullname}", "de": "{!M.Meeting.Name} (de)"},
        "description": {"de": "Mail {!M.Guest.Email}, Tel. {!M.Guest.Phone}"},
        "location": {"en": "{!M.Meeting.Venue} {!M.Meeting.Link}"},
    }
    info = {"name": "Talk", "description": "", "customChannelName": "Room X", "customChannelLink": "https://x.test/1"}

    by_template = calendar(write(GUEST, ics=templates, channel="custom", meetingInfo=info))[1]
    by_booking = calendar(write(HOST, ics=templates, icsTitle="Own {!M.Guest.Fullname}", icsDescription="Words"))[1]

    assert str(by_template["SUMMARY"]) == "Talk: Jo Lee + Ada Roth"
    assert str(by_template["DESCRIPTION"]).startswith("Mail jo@guest.test, Tel. +49 30 1234567\n")
    assert str(by_template["LOCATION"]) == "Room X https://x.test/1"
    assert (str(by_booking["SUMMARY"]), str(by_booking["DESCRIPTION"])) == ("Own Jo Lee", "Words")


@pytest.mark.parametrize(
    ("channel", "location", "for_guest", "for_host"),
    [
        ("phone", None, "By phone: +49 30 1234567", "Telefonisch: +49 30 1234567"),
        ("phone-incoming", "+49 30 99", "+49 30 99", "+49 30 99"),
        ("local", "Main Street 1", "Main Street 1", "Main Street 1"),
        ("local-attendee", "My home", "At your place", "My home"),
        ("zoom", None, "Zoom", "Zoom"),
        ("resource", "Hall", "Hall", "Hall"),
        ("connect", None, "Online", "Online"),
    ],
)
def test_where_people_meet(channel: str, location: str | None, for_guest: str, for_host: str) -> None:
    assert f"\nWhere: {for_guest}\n" in part(write(GUEST, channel=channel, location=location), "plain")
    assert f"\nWo: {for_host}\n" in part(write(HOST, channel=channel, location=location), "plain")


def test_a_description_in_html_is_read_as_text() -> None:
    info = {"name": "Talk", "description": "<p>Bring <b>plans</b> &amp; tea</p><p>Be early</p>"}

    assert "About: Bring plans & tea\n  Be early\n" in part(write(GUEST, meetingInfo=info), "plain")


def test_an_address_adds_no_fields_to_the_mail_it_opens() -> None:
    """RFC 6068: what follows a question mark is header fields."""
    found = part(write(HOST, attendees=[guest(email="jo?bcc=spy@guest.test")]), "html")

    assert 'href="mailto:jo%3Fbcc%3Dspy@guest.test"' in unescape(found)
