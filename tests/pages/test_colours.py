"""Whatever colours a host chooses, his guests can read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.pages import colours

HEX = st.integers(0, 0xFFFFFF).map("#{:06x}".format)
PAIR = re.compile(r"--([\w-]+):light-dark\((#\w{6}),(#\w{6})\)")


@given(primary=HEX, secondary=HEX)
def test_text_in_and_on_any_colour_can_be_read(primary: str, secondary: str) -> None:
    sheet = colours.theme({"useCustomColors": True, "primaryColor": primary, "secondaryColor": secondary})

    assert sheet
    tokens = {name: (colours.parse(light), colours.parse(dark)) for name, light, dark in PAIR.findall(sheet)}
    for scheme, surface in ((0, colours.LIGHT), (1, colours.DARK)):
        fill, on, ink = (tokens[name][scheme] for name in ("brand", "on-brand", "brand-ink"))
        assert fill
        assert on
        assert ink
        assert colours.contrast(on, fill) >= 4.5
        assert colours.contrast(ink, surface) >= 4.5
        assert colours.contrast(ink, colours.mixed(ink, surface, colours.WASH)) >= 4.5
        assert colours.contrast(fill, surface) >= 1.7


@pytest.mark.parametrize(
    "page",
    [
        {"useCustomColors": False, "primaryColor": "#123456"},
        {"useCustomColors": True, "primaryColor": None},
        {"useCustomColors": True, "primaryColor": "red;} body{display:none"},
    ],
)
def test_without_a_colour_there_is_no_sheet(page: dict[str, object]) -> None:
    assert colours.theme(page) is None


@pytest.mark.parametrize("written", ["#fa0", "#ffaa00", "rgb(255, 170, 0)"])
def test_colours_are_read_as_they_are_written(written: str) -> None:
    assert colours.parse(written) == (1.0, 170 / 255, 0.0)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert colours.contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert colours.contrast((1, 1, 1), (0x77 / 255,) * 3) == pytest.approx(4.48, abs=0.01)
