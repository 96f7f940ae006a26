"""A naive reading of generated events: it walks the days, reads the clock on the wall, and shares no code with ours."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FAR = date(2028, 6, 1)  # nothing generated is asked for beyond


@dataclass(frozen=True)
class RuleCase:
    """An RRULE; `by_day` holds (n, weekday), n 0 for each."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    by_day: tuple[tuple[int, int], ...] = ()
    by_month_day: tuple[int, ...] = ()

    def text(self, case: EventCase) -> str:
        parts = [f"FREQ={self.frequency}", f"INTERVAL={self.interval}"]
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        if self.until is not None:
            parts.append(f"UNTIL={case.until_text(self.until)}")
        if self.by_day:
            parts.append("BYDAY=" + ",".join(f"{n or ''}{WEEKDAYS[day]}" for n, day in self.by_day))
        if self.by_month_day:
            parts.append("BYMONTHDAY=" + ",".join(map(str, self.by_month_day)))
        return "RRULE:" + ";".join(parts)


@dataclass(frozen=True)
class ChangeCase:
    """One recurrence that differs; start None: it is cancelled."""

    instead_of: datetime
    start: datetime | None
    minutes: int = 60


@dataclass(frozen=True)
class EventCase:
    """A generated event; all times are wall times without a zone.

    Attributes:
        zone: of its times; floating ones are read in it as the calendar's.
        minutes: of all-day ones whole days.
        by_duration: it has DURATION, not DTEND.
    """

    start: datetime
    minutes: int
    zone: str
    all_day: bool = False
    floating: bool = False
    by_duration: bool = False
    rule: RuleCase | None = None
    extra: tuple[datetime, ...] = ()
    without: tuple[datetime, ...] = ()
    changes: tuple[ChangeCase, ...] = field(default=())

    def text(self) -> str:
        """Write it as iCalendar."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:one@example.org"]
        lines += [self._stamped("DTSTART", self.start), self._length(self.start, self.minutes)]
        lines += [self.rule.text(self)] if self.rule else []
        lines += [self._stamped("RDATE", one) for one in self.extra]
        lines += [self._stamped("EXDATE", one) for one in self.without]
        lines += ["END:VEVENT"]
        for change in self.changes:
            lines += ["BEGIN:VEVENT", "UID:one@example.org", self._stamped("RECURRENCE-ID", change.instead_of)]
            lines += [self._stamped("DTSTART", change.start or change.instead_of)]
            lines += [self._length(change.start or change.instead_of, change.minutes)]
            lines += ["STATUS:CANCELLED"] if change.start is None else []
            lines += ["END:VEVENT"]
        return "".join(_folded(line) for line in [*lines, "END:VCALENDAR"])

    def until_text(self, until: datetime) -> str:
        if self.all_day:
            return until.strftime("%Y%m%d")
        return until.strftime("%Y%m%dT%H%M%S") if self.floating else self.at(until).strftime("%Y%m%dT%H%M%SZ")

    def at(self, wall: datetime) -> datetime:
        """Find the instant: Python reads skipped times with the offset from before, and of two takes the first."""
        return wall.replace(tzinfo=ZoneInfo(self.zone), fold=0).astimezone(UTC)

    def walls(self) -> list[datetime]:
        """List all starts by the calendar: the rule's, its own and RDATEs, without EXDATEs; changed ones are in."""
        ruled = self._ruled()
        over = self.rule is not None and self.rule.until is not None and self._is_past(self.start)
        all_of_them = {*ruled, *self.extra} | (set() if over else {self.start})
        return sorted(wall for wall in all_of_them if wall not in self.without)

    def spans(self, start: datetime, end: datetime) -> set[tuple[datetime, datetime]]:
        """List what it takes of the time between two instants."""
        differs = {self.at(change.instead_of) for change in self.changes}
        found = [self._span(wall, self.start, self.minutes) for wall in self.walls() if self.at(wall) not in differs]
        gone = {self.at(wall) for wall in self.without}
        for change in self.changes:
            if change.start is not None and self.at(change.instead_of) not in gone:
                found.append(self._span(change.start, change.start, change.minutes))
        return {span for span in found if span[0] < span[1] and span[0] < end and span[1] > start}

    def _span(self, wall: datetime, first: datetime, minutes: int) -> tuple[datetime, datetime]:
        """Say from when to when it takes place that begins at a wall time; `first`: what its length was written for."""
        length = timedelta(minutes=minutes)
        if self.all_day:
            return self.at(wall), self.at(wall + length)
        if self.by_duration:
            return self.at(wall), self.at(wall) + length
        elapsed = self.at(first + length) - self.at(first)
        return self.at(wall), max(self.at(wall) + elapsed, self.at(wall + length))

    def _ruled(self) -> list[datetime]:
        rule, found = self.rule, list[datetime]()
        if rule is None:
            return found
        day = self.start.date()
        while day < FAR:
            wall = datetime.combine(day, self.start.time())
            if self._falls_on(rule, day) and not self._is_past(wall):
                found.append(wall)
                if len(found) == rule.count:
                    break
            day += timedelta(days=1)
        return found

    def _is_past(self, wall: datetime) -> bool:
        until = self.rule.until if self.rule else None
        if until is None:
            return False
        return wall > until if self.all_day or self.floating else self.at(wall) > self.at(until)

    def _falls_on(self, rule: RuleCase, day: date) -> bool:
        first = self.start.date()
        months = (day.year - first.year) * 12 + day.month - first.month
        mondays = [one - timedelta(days=one.weekday()) for one in (first, day)]
        passed = {
            "DAILY": (day - first).days,
            "WEEKLY": (mondays[1] - mondays[0]).days // 7,
            "MONTHLY": months,
            "YEARLY": day.year - first.year,
        }[rule.frequency]
        if passed % rule.interval:
            return False
        if rule.by_month_day and not any(_is_month_day(day, number) for number in rule.by_month_day):
            return False
        if rule.by_day and not any(_is_weekday(rule.frequency, day, n, weekday) for n, weekday in rule.by_day):
            return False
        if rule.by_month_day or rule.by_day:
            return True
        if rule.frequency == "WEEKLY":
            return day.weekday() == first.weekday()
        if rule.frequency == "MONTHLY":
            return day.day == first.day
        return rule.frequency == "DAILY" or (day.month, day.day) == (first.month, first.day)

    def _stamped(self, name: str, wall: datetime) -> str:
        if self.all_day:
            return f"{name};VALUE=DATE:{wall:%Y%m%d}"
        return f"{name}:{wall:%Y%m%dT%H%M%S}" if self.floating else f"{name};TZID={self.zone}:{wall:%Y%m%dT%H%M%S}"

    def _length(self, start: datetime, minutes: int) -> str:
        if self.by_duration:
            return f"DURATION:P{minutes // 1440}D" if self.all_day else f"DURATION:PT{minutes}M"
        return self._stamped("DTEND", start + timedelta(minutes=minutes))


def midnight(day: date) -> datetime:
    """Make the wall time an all-day event begins at."""
    return datetime.combine(day, time())


def _is_month_day(day: date, number: int) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    return day.day == (number if number > 0 else length + 1 + number)


def _is_weekday(frequency: str, day: date, n: int, weekday: int) -> bool:
    if day.weekday() != weekday:
        return False
    if n == 0:
        return True
    whole = "month" if frequency == "MONTHLY" else "year"
    same = [day + timedelta(days=7 * weeks) for weeks in range(-53, 54)]
    same = [one for one in same if one.year == day.year and (whole == "year" or one.month == day.month)]
    return same.index(day) == (n - 1 if n > 0 else len(same) + n)


def _folded(line: str) -> str:
    """Fold a line early, as anybody may."""
    pieces = [line[start : start + 37] for start in range(0, len(line), 37)]
    return "\r\n ".join(pieces) + "\r\n"
