"""Structured logs on standard error, as key=value. No message of a client and no secret is ever logged."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

from floorwire.core.printable import printable

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str) -> None:
    """Set up structlog at this level. Libraries log warnings and errors only."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _escape,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(_EscapingFormatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[libraries])


class _EscapingFormatter(logging.Formatter):
    """Formats lines of libraries, which may quote what a client sent."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep="\n\t")


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what a terminal would act on in texts of others."""
    for name, value in event.items():
        if not isinstance(value, bool | int | float | None):
            event[name] = printable(str(value), keep="\n")
    return event
