"""What CalDAV servers answer (RFC 4918 13, 14), whatever prefixes they use; entities and DTDs are refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from kalends.errors import Upstream

from .addresses import absolute

DAV = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
SERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

_STATUS = re.compile(r"\b([1-5][0-9][0-9])\b")


class NotDav(Upstream):
    """The server did not answer as a calendar server does."""

    code = "upstream"


@dataclass(frozen=True, slots=True)
class Resource:
    """What a multi-status says of one resource.

    Attributes:
        url: as `addresses.absolute` writes it.
        status: of the resource as a whole; None: there are properties.
        found: properties that are there, by their name in Clark notation; others are missing or were refused.
    """

    url: str
    status: int | None
    found: Mapping[str, Element]

    def text(self, name: str) -> str | None:
        """Answer a property's text, None where it is missing or empty."""
        return ((self.found[name].text or "").strip() or None) if name in self.found else None

    def hrefs(self, name: str) -> list[str]:
        """Answer the addresses a property names."""
        element = self.found.get(name)
        if element is None:
            return []
        return [absolute(self.url, each.text) for each in element.iter(DAV + "href") if each.text and each.text.strip()]

    def names(self, name: str) -> set[str]:
        """Answer the names of the elements inside a property, at any depth."""
        element = self.found.get(name)
        return {each.tag for each in element.iter() if each is not element} if element is not None else set()


@dataclass(frozen=True, slots=True)
class MultiStatus:
    """One answer about many resources."""

    resources: list[Resource]
    sync_token: str | None = None

    @property
    def is_cut(self) -> bool:
        """Tell that the server left some out (507 for the resource asked, RFC 6578 3.6)."""
        return any(one.status == 507 for one in self.resources)


def multi_status(body: bytes, base: str) -> MultiStatus:
    """Read a multi-status answer.

    Raises:
        NotDav: it is none.
    """
    root = _root(body)
    if root is None or root.tag != DAV + "multistatus":
        raise NotDav
    resources = [each for one in root.findall(DAV + "response") for each in _resources(one, base)]
    return MultiStatus(resources, (root.findtext(DAV + "sync-token") or "").strip() or None)


def error(body: bytes, base: str) -> dict[str, str | None]:
    """Read which preconditions an error names (RFC 4918 16), each with the address it gives, if any."""
    root = _root(body)
    if root is None or root.tag != DAV + "error":
        return {}
    named = {}
    for each in root:
        href = each.findtext(f".//{DAV}href") or (each.text or "").strip() or None
        named[each.tag] = absolute(base, href) if href else None
    return named


def request(name: str, *parts: Element) -> bytes:
    """Write a request's body."""
    root = Element(name)
    root.extend(parts)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def part(name: str, /, *parts: Element, text: str | None = None, **attributes: str) -> Element:
    """Make an element."""
    element = Element(name, attributes)
    element.text = text
    element.extend(parts)
    return element


def prop(names: Iterable[str]) -> Element:
    """Make the list of properties asked for."""
    element = Element(DAV + "prop")
    for name in names:
        SubElement(element, name)
    return element


def _root(body: bytes) -> Element | None:
    try:
        root: Element = fromstring(body.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root


def _resources(response: Element, base: str) -> Iterable[Resource]:
    found = {}
    for propstat in response.findall(DAV + "propstat"):
        status = _status(propstat)
        for each in propstat.iterfind(f"{DAV}prop/*"):
            # iCloud leaves the status of what it has empty now and then.
            if (status is None and (len(each) or each.text)) or (status is not None and 200 <= status < 300):
                found[each.tag] = each
    status = _status(response)
    for href in response.findall(DAV + "href"):
        if href.text:
            yield Resource(absolute(base, href.text), status, found)


def _status(element: Element) -> int | None:
    told = _STATUS.search(element.findtext(DAV + "status") or "")
    return int(told[1]) if told else None
