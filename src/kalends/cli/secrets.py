"""`kalends secrets`: what passwords and tokens of others are encrypted with."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from kalends import bootstrap, settings
from kalends.app import App
from kalends.services import secret_rotation
from kalends.services.secret_rotation import Rotated
from kalends.settings import variable
from kalends.storage.key_file import KeyFile

from . import working
from .failures import CommandFailed

commands = typer.Typer(help="The key that stored secrets are encrypted with.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Keep `rotate` a command of its own, though it is the only one."""


@commands.command()
def rotate() -> None:
    """Encrypt all stored secrets with a new key; servers go on running, and a run that broke off is taken up again.

    With a key file, a new key is made. With KALENDS_SECRET_KEY, set the new one first, the one before in
    KALENDS_PREVIOUS_SECRET_KEYS, and start all servers anew.
    """
    configured = settings.load()
    if configured.secret_key is not None:
        if not configured.previous_secret_keys:
            raise CommandFailed(
                f"Set {variable('secret_key')} to a new key and {variable('previous_secret_keys')} to the one before, "
                "start all servers anew, then run this again."
            )
        _report(working.run(_rotated))
        print(f"{variable('previous_secret_keys')} is of no use any more: remove it.")
        return
    path = bootstrap.key_file(configured)
    with _alone(path.parent):
        keys = KeyFile(path)
        if keys.previous:
            print("An earlier run broke off; this one goes on with it.")
        else:
            keys.renew()  # the old key stays in the file until nothing is sealed with it
        done = working.run(_rotated)
        keys.forget()
    _report(done)
    print(f"{path} holds a new key: keep it with your backups. Older backups need the key that was kept with them.")


async def _rotated(app: App) -> Rotated:
    return await secret_rotation.rotate(app.transaction, app.box)


def _report(done: Rotated) -> None:
    print(f"{done.sealed_anew} secrets are encrypted with the new key.")
    for table, count in done.unreadable.items():
        what = "calendar connections have to be connected again" if table == "calendar_access" else f"rows of {table}"
        print(f"{count} could not be read with any key: {what}.")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandFailed("Another rotation is under way.") from None
    finally:
        os.close(handle)
