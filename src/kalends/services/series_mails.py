"""Mails that tell of several dates of a series: one letter, and a calendar file for each date (decision 0008)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from whenever import Instant

from kalends.domain import itip
from kalends.domain.telling import News
from kalends.ports import OutgoingMail

from . import invitations, letters, mails, messages, readers
from .letters import Fact, Letter
from .mails import Errand
from .messages import Mail, Office

_FIRST: tuple[News, ...] = ("confirmation", "cancellation", "change")
ALL_DATES = "all-dates.ics"
_DATES = Fact("dates", "stand here")


def write(errands: Sequence[Errand], office: Office) -> OutgoingMail:
    """Write the mail of several errands for one recipient; the same ones always make the same Message-ID.

    The iCalendar part is that of the first date, for no program acts on more than one.

    Args:
        errands: at least two, by start.
    """
    leading = _leading(errands)
    to = leading.to
    told = " ".join(f"{one.newest['id']}.{one.revision}" for one in errands)
    message = messages.message(
        office,
        letter(errands, office.base_url),
        to=(to.name, to.email),
        answers=readers.answers(leading.newest, to),
        message_id=office.message_id("series", sha256(told.encode()).hexdigest()[:32], to.id),
        at=max(one.at for one in errands),
    )
    if not _without_files(errands):
        _attach(message, [one for one in errands if not one.stays], office)
    return messages.outgoing(office, message, to.email)


def _attach(message: Mail, errands: Sequence[Errand], office: Office) -> None:
    wordings = [invitations.wording(one.newest, one.to, one.page_link(office.base_url)) for one in errands]
    parts = [mails.calendar_part(one, words, office.sender) for one, words in zip(errands, wordings, strict=True)]
    files = {_file_name(one): ics for one, (_, ics) in zip(errands, parts, strict=True)}
    coming = [(one.newest, words) for one, words in zip(errands, wordings, strict=True) if one.news != "cancellation"]
    if len(coming) > 1:
        files = {ALL_DATES: itip.publish(*coming, stamp=max(one.at for one in errands))} | files
    messages.attach_calendar(message, *parts[errands.index(_leading(errands))], files)


def _without_files(errands: Sequence[Errand]) -> bool:
    """Tell whether all dates stand in the recipient's calendar by what we write there, or stay there."""
    return all(one.in_calendar or one.stays for one in errands)


def letter(errands: Sequence[Errand], base_url: str) -> Letter:
    """Write the letter: that of the first date, with all dates, and what is not the same for all of them."""
    leading = _leading(errands)
    to, link = leading.to, leading.page_link(base_url)
    # Exchange names the first date's event after the subject, so it is the one of that date's own mail (case I07).
    title = invitations.wording(leading.newest, to, link).summary
    one = letters.letter(leading.news, leading.newest, leading.told, to, summary=title, link=link)
    cancelled = leading.news == "cancellation" and leading.newest["isCancelled"]
    return replace(
        one,
        heading=to.t("The meetings are cancelled") if cancelled else one.heading,
        intro=one.intro if to.is_host else _intro(errands, leading),
        facts=tuple(_facts(errands, leading, base_url)),
        body=_about_files(errands, leading),
    )


def _leading(errands: Sequence[Errand]) -> Errand:
    """Find what the mail is mostly about; the earliest of its kind."""
    return min(errands, key=lambda one: _FIRST.index(one.news))


def _intro(errands: Sequence[Errand], leading: Errand) -> str:
    to = leading.to
    t, news = to.t, leading.news
    hosts = ", ".join(dict.fromkeys(readers.host_name(host) for one in errands for host in one.newest["hosts"]))
    hello = t("Hello {name},", name=to.name) if to.name else t("Hello,")
    if news == "cancellation" and not leading.newest["isCancelled"]:
        return f"{hello} {t('you no longer take part in the meetings with {people}.', people=hosts)}"
    if news == "cancellation":
        return f"{hello} {t('your meetings with {people} do not take place.', people=hosts)}"
    if news == "change":
        return f"{hello} {t('please note what is new for your meetings with {people}.', people=hosts)}"
    if to.person.get("broughtAlong"):
        by = readers.guest_name(readers.booker(leading.newest, to), to) or t("another guest")
        return f"{hello} {t('{guest} asks you to come to several meetings with {people}.', guest=by, people=hosts)}"
    return f"{hello} {t('we look forward to your meetings with {people}.', people=hosts)}"


def _about_files(errands: Sequence[Errand], leading: Errand) -> str:
    t = leading.to.t
    if _without_files(errands):
        return ""
    if all(one.news == "cancellation" for one in errands):
        return t("Attached is a file for each date that takes it out of your calendar.")
    return t(
        "Attached are all dates for your calendar: in one file ({file}), and each in one of its own.", file=ALL_DATES
    )


def _facts(errands: Sequence[Errand], leading: Errand, base_url: str) -> list[Fact]:
    """List all dates; those of which the same is to be said stand together, and what is true of all is said once."""
    sections: dict[tuple[News, tuple[Fact, ...]], list[Errand]] = {}
    for one in [leading, *(one for one in errands if one is not leading)]:
        facts = tuple(
            letters.facts(one.news, one.newest, one.told, one.to, dates=_DATES, link_follows=one.link_follows)
        )
        sections.setdefault((one.news, facts), []).append(one)
    everywhere = set.intersection(*(set(facts) for _, facts in sections)) - {_DATES}
    if leading.to.is_host:  # who comes is only understood as a whole, with all that each of them answered
        everywhere -= {fact for one in errands for fact in letters.guests(one.newest, one.to)}
    found: list[Fact] = []
    for (_, facts), same in sections.items():
        own = [fact for fact in facts if not (found and fact in everywhere)]
        dates = _dates(sorted(same, key=_start), leading, base_url)
        found += [dates if fact is _DATES else fact for fact in own]
    return found


def _dates(same: Sequence[Errand], leading: Errand, base_url: str) -> Fact:
    """Write when dates of one kind are; a guest gets to the page of each."""
    to, news = leading.to, same[0].news
    t = to.t
    label = t("When") if news == leading.news else t("Cancelled") if news == "cancellation" else t("Changed")
    pages = () if news == "cancellation" else tuple(one.page_link(base_url) or "" for one in same)
    return Fact(
        label,
        letters.when({**same[0].newest, "starts": [one.newest["start"] for one in same]}, to),
        gone=news == "cancellation",
        links=pages,
    )


def _start(errand: Errand) -> Instant:
    return Instant.parse_iso(errand.newest["start"])


def _file_name(errand: Errand) -> str:
    start = _start(errand).to_tz(errand.to.zone).to_plain()
    name = f"{start.date().format_iso()}-{start.hour:02}{start.minute:02}.ics"
    return f"cancel-{name}" if errand.news == "cancellation" else name
