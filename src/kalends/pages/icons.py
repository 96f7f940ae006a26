"""Icons as markup, drawn with a line on a field of 24 by 24."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

_PATHS: Final = {
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>',
    "phone": '<path d="M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a2 2 0 0 1-2.2 2'
    'A17 17 0 0 1 4 5.2 2 2 0 0 1 6 3Z"/>',
    "video": '<rect x="3" y="6" width="12" height="12" rx="2.5"/><path d="m15 11 6-3v8l-6-3"/>',
    "pin": '<path d="M12 21s-7-6-7-11a7 7 0 0 1 14 0c0 5-7 11-7 11Z"/><circle cx="12" cy="10" r="2.5"/>',
    "globe": '<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18"/>',
    "calendar": '<rect x="4" y="5" width="16" height="16" rx="2.5"/><path d="M8 3v4M16 3v4M4 10h16"/>',
    "people": '<circle cx="9" cy="8" r="3.5"/><path d="M3 20c0-4 2.5-6 6-6s6 2 6 6M16 5a3.5 3.5 0 0 1 0 6.5'
    'M18 14.500c2 .8 3 2.600 3 5.500"/>',
    "person": '<circle cx="12" cy="8" r="4"/><path d="M4.500 21c0-4.500 3-7 7.500-7s7.500 2.500 7.500 7"/>',
    "left": '<path d="m14.500 6-6 6 6 6"/>',
    "right": '<path d="m9.500 6 6 6-6 6"/>',
    "check": '<path d="m5 12.500 4.500 4.500L19 7.500"/>',
    "cross": '<path d="m7 7 10 10M17 7 7 17"/>',
    "alert": '<circle cx="12" cy="12" r="9"/><path d="M12 7.500v5M12 16v.2"/>',
    "plus": '<path d="M12 6v12M6 12h12"/>',
    "link": '<path d="M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1"/>',
    "mail": '<rect x="3" y="5" width="18" height="14" rx="2.500"/><path d="m4 7 8 6 8-6"/>',
    "note": '<path d="M5 6h14M5 12h14M5 18h9"/>',
    "download": '<path d="M12 4v11M7 11l5 5 5-5M5 20h14"/>',
}

_ICONS: Final = {
    name: Markup(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{path}</svg>')
    for name, path in _PATHS.items()
}


def icon(name: str) -> Markup:
    """Draw an icon.

    Raises:
        KeyError: there is none of this name.
    """
    return _ICONS[name]
