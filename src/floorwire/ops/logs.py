"""Structured logs on standard error, as key=value. No message of a client and no secret is ever logged.

A line that cannot be written is lost: what logs must not fail by it.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

from floorwire.core.printable import printable
from floorwire.ops.line_writer import LineWriter

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str) -> LineWriter:
    """Set up structlog at this level. Libraries log warnings and errors. Returns what writes lines."""
    writer = LineWriter(sys.stderr)
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
        logger_factory=_LineLoggerFactory(writer),
        cache_logger_on_first_use=True,
    )
    libraries = logging.StreamHandler(writer)
    libraries.setFormatter(_EscapingFormatter("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[libraries])
    return writer


class _LineLogger:
    """What structlog gives its lines to."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.write(line + "\n")

    debug = info = warning = error = critical = msg


class _LineLoggerFactory:
    """Makes the logger of each module. structlog gives it the module's name, which our lines do not have."""

    def __init__(self, writer: LineWriter) -> None:
        self._writer = writer

    def __call__(self, *_names: str) -> _LineLogger:
        return _LineLogger(self._writer)


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
