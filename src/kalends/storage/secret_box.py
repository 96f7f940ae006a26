"""Secrets at rest: sealed before they are stored, opened after they are read (design section 6)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"kalends secrets at rest"


class CannotOpen(Exception):
    """What was stored was sealed with another key, or has been changed since."""


class SecretBox:
    """Encrypts and authenticates with one key; whoever reads the database alone learns nothing."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        """Take who knows the key, in whatever form; it is asked for when something is sealed or opened first."""
        self._key = key

    def seal(self, plain: bytes) -> bytes:
        """Encrypt; sealing the same twice gives two different values."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt what was sealed with this key.

        Raises:
            CannotOpen: it was not, or it has been changed.
        """
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise CannotOpen from None

    @cached_property
    def _fernet(self) -> Fernet:
        derived = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(self._key())
        return Fernet(base64.urlsafe_b64encode(derived))
