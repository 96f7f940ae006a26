"""Every sentence of the pages has its German."""

import re
from pathlib import Path

from babel.messages.pofile import read_po

from kalends import pages

FOLDER = Path(pages.__file__).parent
SENTENCE = re.compile(r'(?:\b_|words)\(\s*"([^"]+)"')


def test_every_sentence_has_its_german_and_no_german_is_left_over() -> None:
    used = {
        sentence
        for path in (*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html"))
        for sentence in SENTENCE.findall(path.read_text("utf-8"))
    }
    with (FOLDER.parent / "locale" / "pages.de.po").open("rb") as file:
        catalogue = read_po(file, locale="de")
    written = {str(one.id): str(one.string) for one in catalogue if one.id}

    assert {sentence for sentence in used if not written.get(sentence)} == set()
    regions = {
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
    assert set(written) - used == regions
    for sentence, german in written.items():
        assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", german)), sentence
