"""Packed pages are the pages; what is stored is not squeezed."""

import gzip
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from kalends.pages import packing
from kalends.pages.packing import Part

TEXTS = st.lists(st.text(max_size=200) | st.integers(1, 3).map(lambda times: "Wörter, " * 9_000 * times), max_size=4)


def page(texts: Sequence[str], parts: Sequence[Part]) -> str:
    """Write a page of texts with a part behind each."""
    return "".join(text + parts[at % len(parts)].__html__() for at, text in enumerate(texts)) + "</html>"


@pytest.mark.parametrize("level", [packing.LEVEL, packing.STORED])
@given(texts=TEXTS, shared=st.lists(st.text(max_size=100), min_size=1, max_size=3))
def test_a_packed_page_is_the_page(level: int, texts: list[str], shared: list[str]) -> None:
    parts = [Part(text) for text in shared]
    whole = "".join(text + shared[at % len(shared)] for at, text in enumerate(texts)) + "</html>"

    found = packing.pieces(page(texts, parts))

    assert packing.plain(found) == whole.encode()
    assert gzip.decompress(packing.gzipped(found, level)) == whole.encode()


def test_what_stands_around_a_part_does_not_change_its_length() -> None:
    part = Part("secret " * 50)
    pages = [packing.pieces(text + part.__html__() + text) for text in ("secret secret", "another thing")]

    lengths = {len(packing.gzipped(page, packing.STORED)) for page in pages}

    assert len(lengths) == 1


@pytest.mark.parametrize(
    ("header", "taken"),
    [("gzip, deflate, br", {"gzip", "deflate", "br"}), ("gzip;q=0, br", {"gzip;q=0", "br"}), ("", {""})],
)
def test_a_coding_is_taken_without_conditions_only(header: str, taken: set[str]) -> None:
    assert packing.taken(Headers({"Accept-Encoding": header})) == taken
