"""Languages: who is answered how, dates and clocks, and that no sentence of a mail lacks its translation."""

import ast
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from whenever import Instant

from kalends import languages, services

MORNING = Instant.parse_iso("2026-10-27T09:00:00Z")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Gast"),
        ("de-AT", "Gast"),
        ("de_CH", "Gast"),
        ("en", "Guest"),
        ("xx", "Guest"),
        ("", "Guest"),
        (None, "Guest"),
    ],
)
def test_a_language_we_do_not_speak_is_answered_in_english(language: str | None, said: str) -> None:
    assert languages.translator(language)("Guest") == said


def test_values_are_filled_in_and_never_read_as_placeholders() -> None:
    assert languages.translator("de")("Hello {name},", name="{0} {name}") == "Guten Tag {0} {name},"
    assert languages.translator("de")("No catalogue has {this}") == "No catalogue has {this}"


@pytest.mark.parametrize(
    ("language", "clock", "written"),
    [
        ("en", None, "Tuesday, October 27, 2026, 10:00 AM"),
        ("en", 24, "Tuesday, October 27, 2026, 10:00"),
        ("en-GB", None, "Tuesday, 27 October 2026, 10:00"),
        ("de", None, "Dienstag, 27. Oktober 2026, 10:00"),
        ("de", 12, "Dienstag, 27. Oktober 2026, 10:00 AM"),
        ("fr", None, "Tuesday, October 27, 2026, 10:00 AM"),
        ("nonsense!", None, "Tuesday, October 27, 2026, 10:00 AM"),
    ],
)
def test_day_and_time(language: str, clock: languages.Clock | None, written: str) -> None:
    assert languages.day_and_time(MORNING, "Europe/Berlin", language, clock) == written


def test_a_span_names_the_second_day_only_when_it_is_another() -> None:
    late = MORNING.add(hours=13, minutes=30)  # 23:30 in Berlin

    assert languages.span(MORNING, MORNING.add(minutes=30), "Europe/Berlin", "de") == (
        "Dienstag, 27. Oktober 2026, 10:00 – 10:30"
    )
    assert languages.span(late, late.add(minutes=60), "Europe/Berlin", "de") == (
        "Dienstag, 27. Oktober 2026, 23:30 – Mittwoch, 28. Oktober 2026, 00:30"
    )


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("Europe/Berlin", "Mitteleuropäische Normalzeit (Europe/Berlin)"),
        ("UTC", "Koordinierte Weltzeit (UTC)"),
        ("Asia/Kathmandu", "GMT+05:45 (Asia/Kathmandu)"),
    ],
)
def test_zones_have_a_name_and_their_key(zone: str, label: str) -> None:
    assert languages.zone_label(MORNING, zone, "de") == label


def test_every_sentence_of_mails_is_translated_and_no_translation_is_left_over() -> None:
    with files("kalends").joinpath("locale", "mail.de.po").open("rb") as file:
        catalogue = read_po(file, locale="de", abort_invalid=True)

    assert {str(message.id) for message in catalogue if message.id and message.string} == set(sentences())


def test_translations_fill_the_same_placeholders() -> None:
    for entry in files("kalends").joinpath("locale").iterdir():
        with entry.open("rb") as file:
            for message in read_po(file):
                names = [
                    {part.split("}")[0] for part in str(text).split("{")[1:]} for text in (message.id, message.string)
                ]
                assert names[0] == names[1], message.id


def sentences() -> Iterator[str]:
    """Find what the services say through `t("…")`."""
    for path in Path(services.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                if name == "t":
                    assert isinstance(node.args[0], ast.Constant), path
                    yield node.args[0].value
