"""Lines and components of iCalendar text, read leniently (RFC 5545 3.1, 3.4-3.6): only what a reader asks for is kept.

Nothing here refuses: what is no content line is passed over, an END too many or too few ends what it can.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

# Some write a lone CR; others put empty lines between a line and what it is folded into.
_FOLD = re.compile(r"(?:\r\n|\n|\r)+[ \t]")
_LINE = re.compile(r"[^\r\n]+")
_NAME = re.compile(r"\s*([A-Za-z0-9-]+)\s*([:;])")
_PARAMETER = re.compile(r"""\s*([^=;:"]+)=((?:"[^"]*"|[^";:]*)*)([;:])""")
_CARET = re.compile(r"\^([n'^])")  # RFC 6868
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FOLDED_AT_ONCE = 1 << 20  # characters


class Line(NamedTuple):
    """One content line; names in capitals, values as written, parameters without their quotes."""

    name: str
    parameters: Mapping[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value of a line that holds TEXT, without its escapes."""
        return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value)


@dataclass(slots=True)
class Component:
    """What stands between BEGIN and END, as far as it was asked for.

    Attributes:
        closed: its END was there.
    """

    kind: str
    lines: dict[str, list[Line]] = field(default_factory=dict)
    parts: list[Component] = field(default_factory=list)
    closed: bool = False

    def first(self, name: str) -> Line | None:
        """Find the first line of a name."""
        found = self.lines.get(name)
        return found[0] if found else None

    def value(self, name: str) -> str:
        """Find the first value of a name; "" if there is none."""
        found = self.lines.get(name)
        return found[0].value.strip() if found else ""


def components(text: str, wanted: Mapping[str, Collection[str]]) -> list[Component]:
    """Read the outermost components of a text, with those of the wanted kinds that lie in them, however deep.

    Args:
        wanted: by kind, the names of the lines to keep; all in capitals. Other components are passed over whole.
    """
    outermost: list[Component] = []
    open_ones: list[Component | None] = []
    kinds: list[str] = []
    for raw in _unfolded(text):
        name, separator = _name(raw)
        if name == "BEGIN":
            kind = raw.partition(":")[2].strip().upper()
            parent = open_ones[-1] if open_ones else None
            passed_over = bool(open_ones) and parent is None
            component = None if passed_over or kind not in wanted else Component(kind)
            if component is not None:
                (outermost if parent is None else parent.parts).append(component)
            open_ones.append(component)
            kinds.append(kind)
        elif name == "END":
            kind = raw.partition(":")[2].strip().upper()
            if kind in kinds:
                while kinds:
                    component = open_ones.pop()
                    if kinds.pop() == kind:
                        break
                if component is not None:
                    component.closed = True
        elif open_ones and (component := open_ones[-1]) is not None and name in wanted[component.kind]:
            line = _line(name, separator, raw)
            if line is not None:
                component.lines.setdefault(name, []).append(line)
    return outermost


def values(line: Line) -> list[str]:
    """Split a value at its commas."""
    return [value for value in map(str.strip, line.value.split(",")) if value]


def _unfolded(text: str) -> Iterator[str]:
    """Yield the lines of a text, unfolded piece by piece, so that no second copy of all of it is made."""
    start = 0
    while start < len(text):
        end = start + _FOLDED_AT_ONCE
        # A piece ends where a line does that is not folded.
        while end < len(text) and not (text[end - 1] in "\r\n" and text[end] not in "\r\n \t"):
            end += 1
        for found in _LINE.finditer(_FOLD.sub("", text[start:end].lstrip("\ufeff"))):
            yield found[0]
        start = end


def _name(raw: str) -> tuple[str, str]:
    found = _NAME.match(raw)
    return (found[1].upper(), found[2]) if found else ("", "")


def _line(name: str, separator: str, raw: str) -> Line | None:
    at = raw.index(separator) + 1
    if separator == ":":
        return Line(name, {}, raw[at:])
    parameters: dict[str, str] = {}
    while True:
        found = _PARAMETER.match(raw, at)
        if found is None:
            return None
        parameters.setdefault(found[1].strip().upper(), _plain(found[2]))
        at = found.end()
        if found[3] == ":":
            return Line(name, parameters, raw[at:])


def _plain(value: str) -> str:
    value = value.strip().replace('"', "")
    return _CARET.sub(lambda found: {"n": "\n", "'": '"', "^": "^"}[found[1]], value) if "^" in value else value
