"""What a guest wrote, cut down to what may stand in a mail to an address that has not proved itself.

Anybody can book with a stranger's address: our mails must not carry his text to the stranger (design section 6).
"""

import re

LONGEST_NAME = 60

_LINK = re.compile(r"://|www\.|[@/\\<>]", re.IGNORECASE)
# IDNA takes the last three for dots as well (RFC 3490 3.1).
_DOT = re.compile("[.\u3002\uff0e\uff61](?=\\S)")
# Embeddings, overrides and isolates; Arabic and Hebrew read right without them.
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{3,30}")


def plain_name(text: str | None) -> str:
    """Cut a name to one line of at most 60 characters that no mail program turns into a link; "" if none is left."""
    name = " ".join("".join(c if c.isprintable() else " " for c in text or "").split())
    if _LINK.search(name):
        return ""
    # "evil.com" would become a link, "evil. com" does not; "J. R. Smith" stays as it is.
    return _DOT.sub(". ", name)[:LONGEST_NAME].strip()


def plain_phone(text: str | None) -> str:
    """Keep a phone number that looks like one; "" for anything else."""
    return text if text and _PHONE.fullmatch(text) else ""


def in_order(text: str) -> str:
    """Drop the characters with which a name makes what stands beside it read backwards."""
    return _REORDERING.sub("", text)
