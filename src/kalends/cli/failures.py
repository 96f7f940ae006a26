"""How a command ends when it cannot do what was asked: sentences on stderr, an exit code, never a traceback."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import NoReturn

import psycopg
from psycopg_pool import PoolTimeout

from kalends.errors import DomainError
from kalends.settings import SettingsWrong
from kalends.storage.embedded import EmbeddedServerError

FAILED = 1
WRONG_SETTINGS = 2


class CommandFailed(Exception):
    """The command cannot do what was asked; the message says why, and how to mend it."""


def leave(error: Exception) -> NoReturn:
    """Say what went wrong, each thing in a sentence of its own, and end the process."""
    code = WRONG_SETTINGS if isinstance(error, SettingsWrong) else FAILED
    for sentence in sentences(error):
        print(sentence, file=sys.stderr, flush=True)
    sys.exit(code)


def sentences(error: BaseException) -> list[str]:
    """Put an error into words for the person at the terminal."""
    match error:
        case SettingsWrong():
            return error.sentences
        case DomainError(errors=[_, *_]):
            return [f"{each.field}: {each.message}" for each in error.errors]
        case DomainError():
            return [error.message]
        case CommandFailed() | EmbeddedServerError():
            return [str(error)]
        case ExceptionGroup():
            return [sentence for each in error.exceptions for sentence in sentences(each)]
        case psycopg.OperationalError() | PoolTimeout():
            return [f"The database cannot be reached: {' '.join(str(error).split())}"]
        case OSError():
            return [f"The system refused: {error}"]
    return [_mistake(error)]


def _mistake(error: BaseException) -> str:
    # A bug of ours: where it happened is what a report needs.
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"This is a mistake in kalends, please report it: {type(error).__name__}: {error}{where}"
