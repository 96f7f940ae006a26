"""What zones are called by those who write calendars."""

from __future__ import annotations

import pytest

from kalends.domain.ical_zone_names import _SHOWN, fixed_offset, known_name


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("America/New_York", "America/New_York"),
        ("eastern standard time", "America/New_York"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("(GMT-08:00) Pacific Time (US & Canada)", "America/Los_Angeles"),
        ("(UTC-07:00) Arizona", "America/Phoenix"),
        ("(UTC+00:00) Dublin, Edinburgh, Lisbon, London", "Europe/Dublin"),
        ("(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", "Europe/Helsinki"),
        ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "Asia/Calcutta"),
        ("(UTC+05:45) Kathmandu", "Asia/Kathmandu"),
        ("(UTC+08:00) Beijing, Chongqing, Hong Kong SAR, Urumqi", "Asia/Shanghai"),
        ("(UTC+09:00) Osaka, Sapporo, Tokyo", "Asia/Tokyo"),
        ("(UTC+10:00) Canberra, Melbourne, Sydney", "Australia/Canberra"),
        ("(UTC+10:30) Lord Howe Island", "Australia/Lord_Howe"),
        ("(UTC-04:00) Georgetown, La Paz, Manaus, San Juan", "America/La_Paz"),
        ("(UTC+13:00) Samoa", "Pacific/Apia"),
        ("(UTC) Coordinated Universal Time", "Etc/UTC"),
        ("/citadel.org/20190101_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        # A city that is elsewhere than its offset says is another city.
        ("(UTC-06:00) Berlin", None),
        ("Somewhere/Berlin", None),
        ("Customized Time Zone", None),
        ("Factory", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_zones_are_known_by_what_they_are_called(name: str, zone: str | None) -> None:
    assert known_name(name) == zone


@pytest.mark.parametrize(
    ("name", "offset"),
    [("GMT+0100", 3600), ("UTC-5", -18000), ("+05:45", 20700), ("(UTC-11:00) Nowhere", -39600), ("Berlin", None)],
)
def test_an_offset_may_be_all_a_zone_is_called_by(name: str, offset: int | None) -> None:
    assert fixed_offset(name) == offset


def test_every_region_windows_shows_has_a_zone() -> None:
    assert [text for text in _SHOWN if known_name(text) is None] == []
