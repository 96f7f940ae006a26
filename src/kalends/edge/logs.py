"""Where log lines go and what they look like; request lines hold no personal data and no secret."""

from __future__ import annotations

import logging
import sys
import traceback
from contextvars import ContextVar
from typing import Any, Literal

import psycopg
import pydantic
import structlog
from structlog.typing import EventDict, Processor

# The request that a line belongs to; None outside of any.
request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

LogFormat = Literal["json", "console"]


def configure(log_format: LogFormat) -> None:
    """Send all log lines of this process, the libraries' too, to stderr as JSON lines or readable text."""
    shared: list[Processor] = [
        name_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _describe_exception,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # Uvicorn brings handlers of its own; its access log would write paths, and secrets stand in paths.
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"


def name_request(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Add the id of the request that a line belongs to."""
    found = request_id.get()
    if found is not None:
        fields["request_id"] = found
    return fields


def describe(error: BaseException) -> dict[str, Any]:
    """Describe a bug for the log: its traceback, without the values that some messages quote."""
    parts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(parts) < 5:
        frames = "".join(traceback.format_tb(current.__traceback__))
        parts.insert(0, f"{frames}{type(current).__qualname__}: {_message(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return {"error": type(error).__qualname__, "traceback": "\n\n".join(parts)}


def _describe_exception(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Tell an exception that a library logs as we tell our own."""
    found = fields.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else sys.exc_info()[1] if found is True else found
    return {**fields, **describe(error)} if isinstance(error, BaseException) else fields


def _message(error: BaseException) -> str:
    if isinstance(error, psycopg.Error):  # the server's texts quote rows
        return f"{error.sqlstate} {error.diag.constraint_name or ''}".strip()
    if isinstance(error, pydantic.ValidationError):
        return f"{error.error_count()} errors for {error.title}"
    if isinstance(error, OSError):  # its text quotes paths
        return error.strerror or ""
    return str(error)
