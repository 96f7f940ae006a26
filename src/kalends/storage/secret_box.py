"""Secrets at rest: sealed before they are stored, opened after they are read (design section 6)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"kalends secrets at rest"


class CannotOpen(Exception):
    """What was stored was sealed with another key, or has been changed since."""


class SecretBox:
    """Encrypts and authenticates with the newest key; whoever reads the database alone learns nothing."""

    def __init__(self, key: Callable[[], bytes], previous: Callable[[], Sequence[bytes]] = tuple) -> None:
        """Take who knows the keys, in whatever form; they are asked for whenever something is sealed or opened.

        Args:
            key: what is sealed with.
            previous: opens what was sealed before that one came.
        """
        self._key, self._previous = key, previous

    def seal(self, plain: bytes) -> bytes:
        """Encrypt; sealing the same twice gives two different values."""
        return _fernet(self._key()).encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt what was sealed with any of the keys.

        Raises:
            CannotOpen: it was not, or it has been changed.
        """
        try:
            return MultiFernet([_fernet(key) for key in (self._key(), *self._previous())]).decrypt(sealed)
        except InvalidToken:
            raise CannotOpen from None

    def is_newest(self, sealed: bytes) -> bool:
        """Tell whether something was sealed with the newest key."""
        try:
            _fernet(self._key()).decrypt(sealed)
        except InvalidToken:
            return False
        return True


@lru_cache(maxsize=64)
def _fernet(key: bytes) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))
