"""Phone numbers as they are kept: E.164, with the country's code (ITU-T E.164)."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from .zones import canonical_zone


def e164(text: str, *, timezone: str | None) -> str:
    """Write a number as E.164 (`0171 1234567` in Berlin -> `+491711234567`).

    Judged by its length alone: whether a number is given to anybody changes faster than any table knows.

    Args:
        timezone: IANA name; its country is where a number without a country's code is dialled.

    Raises:
        ValueError: no number, or one without a country's code and no country to read it in.
    """
    text = text.strip()
    if text.startswith("00"):  # what + is called on most of the world's phones
        text = "+" + text[2:]
    country = _country(timezone) if timezone else None
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            raise ValueError("must begin with + and the country's code") from None
        raise ValueError("is not a phone number") from None
    if number.extension:
        raise ValueError("must not have an extension")
    # A number that can be dialled in its own town only (IS_POSSIBLE_LOCAL_ONLY) reaches nobody.
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise ValueError("is not a phone number")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _country(zone: str) -> str | None:
    """Name the country a zone lies in (ISO 3166); None for zones of no country, such as UTC, and unknown ones."""
    countries = _countries()
    try:
        # Its own name first: some zones are kept as links to one of a neighbouring country.
        return countries.get(zone) or countries.get(canonical_zone(zone))
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Read which country each zone lies in from the tzdata package."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
