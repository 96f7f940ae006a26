"""Secrets at rest: what opens what, and the file of keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kalends.app import App
from kalends.storage import sealed_values
from kalends.storage.key_file import KeyFile
from kalends.storage.secret_box import CannotOpen, SecretBox

# Hashes of secrets, and what is no secret; all other binary columns hold something sealed.
NOT_SEALED = {
    "calendar_authorization.state_hash",
    "calendar_reading.channel_secret_hash",
    "credential.secret_hash",
    "form_nonce.nonce",
    "guest_mail.counted_for",
    "idempotency_key.fingerprint",
}


def test_previous_keys_open_and_the_newest_seals() -> None:
    before, after = SecretBox(lambda: b"old"), SecretBox(lambda: b"new", lambda: [b"older", b"old"])

    sealed = before.seal(b"secret")

    assert after.open(sealed) == b"secret"
    assert (after.is_newest(sealed), before.is_newest(sealed)) == (False, True)
    with pytest.raises(CannotOpen):
        before.open(after.seal(b"secret"))


def test_what_was_changed_does_not_open() -> None:
    box = SecretBox(lambda: b"key")
    sealed = bytearray(box.seal(b"secret"))
    sealed[20] ^= 1

    with pytest.raises(CannotOpen):
        box.open(bytes(sealed))


def test_a_key_file_is_made_for_its_owner_alone_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"

    first, again = KeyFile(path).keys, KeyFile(path).keys

    assert (len(first), again) == (1, first)
    assert len(first[0]) >= 32
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert os.listdir(path.parent) == ["secret.key"]


def test_a_new_key_is_seen_by_whoever_has_the_file_open_already(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    server, rotating = KeyFile(path), KeyFile(path)
    old = server.newest

    rotating.renew()
    renewed = (server.newest, server.previous)
    rotating.forget()

    assert renewed == (rotating.newest, (old,))
    assert (server.newest, server.previous) == (rotating.newest, ())
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["secret.key"]


def test_an_empty_key_file_is_no_key(tmp_path: Path) -> None:
    tmp_path.joinpath("secret.key").write_text("\n")

    with pytest.raises(OSError, match="holds no key"):
        _ = KeyFile(tmp_path / "secret.key").newest


async def test_every_sealed_column_is_rotated(app: App) -> None:
    async with app.reading() as conn:
        cursor = await conn.execute(
            """SELECT table_name || '.' || column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND data_type = 'bytea' AND table_name NOT LIKE 'procrastinate%'"""
        )
        found = {row[0] for row in await cursor.fetchall()}

    assert found - NOT_SEALED == {f"{column.table}.{column.name}" for column in sealed_values.COLUMNS}
