"""A host's colours made safe: text on them and in them keeps a contrast of 4.5 to 1 in light and dark (WCAG 1.4.3)."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

Rgb: TypeAlias = tuple[float, float, float]

# As in web/src/app.css: the surfaces text stands on, and how much of the text's colour tints them at most.
LIGHT: Rgb = (1.0, 1.0, 1.0)
DARK: Rgb = (0x17 / 255, 0x19 / 255, 0x1E / 255)
WASH = 0.22
TEXT_CONTRAST = 4.5
FILL_CONTRAST = 1.7  # buttons are known by their words; this much keeps their shape visible
_STEPS = 50


def parse(text: object) -> Rgb | None:
    """Read ``#rgb``, ``#rrggbb`` or ``rgb(r, g, b)``; None for anything else."""
    if not isinstance(text, str):
        return None
    if found := re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text.strip()):
        digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
        return (int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:], 16) / 255)
    if found := re.fullmatch(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)", text.strip()):
        red, green, blue = (min(int(part), 255) / 255 for part in found.groups())
        return (red, green, blue)
    return None


def contrast(one: Rgb, other: Rgb) -> float:
    """Answer the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def theme(personal_page: Mapping[str, Any]) -> str | None:
    """Write the style sheet that replaces the brand tokens; None where the host has no colours of his own."""
    primary = parse(personal_page.get("primaryColor"))
    if not personal_page.get("useCustomColors") or primary is None:
        return None
    return _sheet(primary, parse(personal_page.get("secondaryColor")) or primary)


@lru_cache(maxsize=256)
def _sheet(primary: Rgb, second: Rgb) -> str:
    fills = [_moved(primary, surface, FILL_CONTRAST) for surface in (LIGHT, DARK)]
    inks = [_moved(primary, surface, TEXT_CONTRAST, washed=True) for surface in (LIGHT, DARK)]
    pairs = {
        "brand": fills,
        "on-brand": [_on(fill) for fill in fills],
        "brand-ink": inks,
        "second": [second, second],
    }
    body = "".join(f"--{name}:light-dark({_hex(light)},{_hex(dark)});" for name, (light, dark) in pairs.items())
    return f":root{{{body}}}"


def mixed(ink: Rgb, surface: Rgb, share: float) -> Rgb:
    """Tint a surface with a share of a colour, as color-mix(in srgb) does."""
    red, green, blue = (a * share + b * (1 - share) for a, b in zip(ink, surface, strict=True))
    return (red, green, blue)


def _moved(colour: Rgb, surface: Rgb, wanted: float, *, washed: bool = False) -> Rgb:
    """Darken or lighten a colour, its hue kept, until it stands out from a surface (one tinted by it, if washed)."""
    hue, light, saturation = colorsys.rgb_to_hls(*colour)
    goal = 0.0 if _luminance(surface) > 0.5 else 1.0
    for step in range(_STEPS + 1):
        found = colorsys.hls_to_rgb(hue, light + (goal - light) * step / _STEPS, saturation)
        found = (round(found[0] * 255) / 255, round(found[1] * 255) / 255, round(found[2] * 255) / 255)
        if contrast(found, mixed(found, surface, WASH) if washed else surface) >= wanted:
            return found
    return (goal, goal, goal)


def _on(fill: Rgb) -> Rgb:
    """Choose white where it can be read on a fill, else black, which always can where white cannot."""
    return LIGHT if contrast(LIGHT, fill) >= TEXT_CONTRAST else (0.0, 0.0, 0.0)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(colour: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)
