"""Failures so far -> how long to wait before the next attempt, or give up."""

MAIL_DELAYS_S = (10, 60, 300, 900, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 8 * 3600)  # about a day in all


def mail_delay(failures: int) -> int | None:
    """Tell the seconds to wait after this many failures in a row (at least 1); None: give up."""
    if failures < 1:
        raise ValueError("nothing has failed yet")
    return MAIL_DELAYS_S[failures - 1] if failures <= len(MAIL_DELAYS_S) else None


def calendar_delay(failures: int) -> int:
    """Tell the seconds to wait before a calendar is written to again; it is never given up, only rarely tried."""
    return mail_delay(min(failures, len(MAIL_DELAYS_S))) or 0


def job_delay(failures: int) -> int | None:
    """Tell the seconds to wait before a job that broke runs again: 1, 4, 16, … up to 5 minutes; None after 10 times.

    Jobs break when the database goes away, or by a bug; what is remote has delays of its own.
    """
    if failures < 1:
        raise ValueError("nothing has failed yet")
    return None if failures > 10 else min(4 ** (failures - 1), 300)
